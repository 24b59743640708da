//! The representations of one URI: which request fields select among them, and how many there are.
//!
//! A URI whose responses have no `Vary` has no index: its response stands under the URI's own key
//! and a hit costs one lookup. Otherwise the index stands there. Its generation is part of every
//! representation's key, so that removing the index makes all representations unreachable at once.

use http::HeaderMap;
use http::header::HeaderName;
use xxhash_rust::xxh3::Xxh3;

use super::vary;
use crate::key::Key;

/// The most different `Vary` fields of one URI that are remembered.
const MAX_SETS: usize = 8;

/// The representations of a URI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    /// Drawn anew for every index.
    pub(super) generation: u64,
    /// Sets of selecting fields, newest first.
    pub(super) sets: Vec<Vec<HeaderName>>,
    /// What is stored, oldest first.
    pub(super) representations: Vec<u128>,
}

impl Index {
    /// An index without representations.
    pub(super) fn new(generation: u64) -> Self {
        Self { generation, sets: Vec::new(), representations: Vec::new() }
    }

    /// The keys under which a response for this request may be, likeliest first.
    pub(super) fn candidates(&self, uri: &Key, request: &HeaderMap) -> Vec<Key> {
        let id = |set: &Vec<HeaderName>| selection_id(set, &vary::selection(set, request));
        self.sets
            .iter()
            .map(id)
            .filter(|id| self.representations.contains(id))
            .map(|id| self.key(uri, id))
            .collect()
    }

    /// The key of one representation. Its number is a hash: who reads under it must compare the values.
    pub(super) fn key(&self, uri: &Key, representation: u128) -> Key {
        uri.clone()
            .and("representation", format_args!("{:016x}", self.generation))
            .id(format_args!("{representation:032x}"))
    }

    /// Adds a representation as the newest; the number of one that has to go, if there are too many.
    pub(super) fn add(&mut self, set: Vec<HeaderName>, representation: u128, most: usize) -> Option<u128> {
        self.sets.retain(|known| *known != set);
        self.sets.insert(0, set);
        self.sets.truncate(MAX_SETS);
        self.representations.retain(|known| *known != representation);
        self.representations.push(representation);
        (self.representations.len() > most.max(1)).then(|| self.representations.remove(0))
    }
}

/// A number for the values of selecting fields. Lengths are hashed too, so that values do not run
/// into each other.
pub(super) fn selection_id(fields: &[HeaderName], values: &[Option<String>]) -> u128 {
    let mut hash = Xxh3::new();
    for (field, value) in fields.iter().zip(values) {
        hash.update(field.as_str().as_bytes());
        hash.update(b"\n");
        match value {
            None => hash.update(b"-"),
            Some(value) => {
                hash.update(&value.len().to_be_bytes());
                hash.update(value.as_bytes());
            }
        }
    }
    hash.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_representation_goes_when_there_are_too_many() {
        let mut index = Index::new(7);
        let set = vec![http::header::ACCEPT];
        assert_eq!(index.add(set.clone(), 1, 2), None);
        assert_eq!(index.add(set.clone(), 2, 2), None);
        assert_eq!(index.add(set.clone(), 1, 2), None);
        assert_eq!(index.add(set, 3, 2), Some(2));
        assert_eq!(index.representations, [1, 3]);
        assert_eq!(index.sets.len(), 1);
    }

    #[test]
    fn an_absent_field_is_another_representation_than_an_empty_one() {
        let fields = [http::header::ACCEPT, http::header::COOKIE];
        let ids: std::collections::HashSet<_> = [
            [None, None],
            [Some(String::new()), None],
            [None, Some(String::new())],
            [Some("a".to_owned()), Some("b".to_owned())],
            [Some("ab".to_owned()), Some(String::new())],
        ]
        .iter()
        .map(|values| selection_id(&fields, values))
        .collect();
        assert_eq!(ids.len(), 5);
    }
}
