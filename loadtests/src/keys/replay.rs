//! The keys of a trace file, to be asked for in its order.

use std::path::Path;
use std::sync::Arc;

use crate::trace::{self, TraceError, TraceFormat};

/// Requests that are kept of a trace at most.
const REQUESTS_MAX: usize = 10_000_000;
/// Names that are kept at most: keys that are no numbers.
const NAMES_MAX: usize = 1_000_000;

/// The keys of a trace in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    name: String,
    keys: Arc<[u64]>,
    /// What stands for a key that is no number, sorted by the key.
    names: Arc<[(u64, Box<str>)]>,
}

impl Replay {
    /// Reads a trace; of a long one, its first ten million requests.
    ///
    /// # Errors
    ///
    /// If the trace cannot be read.
    pub fn read(path: &Path, format: Option<TraceFormat>) -> Result<Self, TraceError> {
        let mut keys = Vec::new();
        let mut names = std::collections::HashMap::new();
        trace::read(path, format, |request| {
            keys.push(request.key);
            let is_number = request.text.is_empty() || request.text == request.key.to_string().as_bytes();
            if !is_number && names.len() < NAMES_MAX {
                names
                    .entry(request.key)
                    .or_insert_with(|| String::from_utf8_lossy(request.text).into_owned().into_boxed_str());
            }
            keys.len() < REQUESTS_MAX
        })?;
        let mut names: Vec<(u64, Box<str>)> = names.into_iter().collect();
        names.sort_unstable_by_key(|(key, _)| *key);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, keys: keys.into(), names: names.into() })
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Requests in memory.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.keys.len() as u64
    }

    /// Never: a trace without requests is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key at a place; the trace begins anew after its end.
    #[must_use]
    pub fn key(&self, place: u64) -> u64 {
        self.keys[(place % self.len()) as usize]
    }

    /// How a key is written if it is no number.
    #[must_use]
    pub fn text(&self, key: u64) -> Option<&str> {
        let place = self.names.binary_search_by_key(&key, |(other, _)| *other).ok()?;
        Some(&self.names[place].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_the_order_of_the_file_with_the_texts_that_stand_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.txt");
        std::fs::write(&path, "shoes\n7\nhats\nshoes\n").unwrap();
        let replay = Replay::read(&path, None).unwrap();
        assert_eq!((replay.len(), replay.name()), (4, "t.txt"));
        assert_eq!(replay.text(replay.key(0)), Some("shoes"));
        assert_eq!((replay.key(1), replay.text(7)), (7, None));
        assert_eq!(replay.key(4), replay.key(0), "the trace begins anew");
    }
}
