//! Parts of a store that may be away alone: the shards of a Cluster. Every other store is one part.
//!
//! A layer keeps a circuit breaker and a queue of missed invalidations for each part, so that a dead
//! node takes no more than its own keys with it.

use super::{Backend, Cache};
use crate::error::CacheError;
use crate::invalidation::{Invalidation, table_tag};
use crate::key::Key;

impl Backend {
    /// How many parts there are: at least one.
    pub(crate) fn parts(&self) -> usize {
        match self {
            Self::Redis(redis) => redis.shards().len(),
            Self::Tiered(tiered) => tiered.shards().len(),
            Self::Memory(_) | Self::Sqlite(_) | Self::File(_) | Self::Off(_) => 1,
        }
    }

    /// The number of the part that keeps the key.
    #[inline]
    pub(crate) fn part_of(&self, key: &Key) -> usize {
        match self {
            Self::Redis(redis) => redis.shard_of(key),
            Self::Tiered(tiered) => tiered.shard_of(key),
            Self::Memory(_) | Self::Sqlite(_) | Self::File(_) | Self::Off(_) => 0,
        }
    }

    /// Removes from one part what the invalidation names; how many keys there were.
    pub(crate) async fn remove_in(&self, part: usize, what: &Invalidation) -> Result<u64, CacheError> {
        match self {
            Self::Redis(redis) => remove(&redis.shards()[part], what).await,
            Self::Tiered(tiered) => tiered.remove_in(part, what).await,
            Self::Memory(memory) => remove(memory, what).await,
            Self::Sqlite(sqlite) => remove(sqlite, what).await,
            Self::File(file) => remove(file, what).await,
            Self::Off(off) => remove(off, what).await,
        }
    }
}

/// Parts that an operation on all of them asks at the same time.
pub(crate) const ABREAST: usize = 16;

/// The same for one that scans: each scan keeps a whole node busy, and several shards share a node.
pub(crate) const SCANS_ABREAST: usize = 4;

/// The order in which to ask all parts, so many at a time. Neighbours are mostly on one node, so they
/// are asked at different times.
pub(crate) fn spread(parts: usize, abreast: usize) -> impl Iterator<Item = usize> {
    let stride = parts.div_ceil(abreast.max(1)).max(1);
    (0..stride).flat_map(move |first| (first..parts).step_by(stride))
}

/// Removes what the invalidation names.
pub(super) async fn remove(store: &impl Cache, what: &Invalidation) -> Result<u64, CacheError> {
    match what {
        Invalidation::Key(key) => store.delete(key).await.map(u64::from),
        Invalidation::Tag(tag) => store.delete_tag(tag).await,
        Invalidation::Table(table) => store.delete_tag(&table_tag(table)).await,
        Invalidation::Pattern(pattern) => store.delete_pattern(pattern).await,
        Invalidation::All => store.clear().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_asked_once_and_neighbours_at_different_times() {
        assert_eq!(spread(8, 4).collect::<Vec<_>>(), [0, 2, 4, 6, 1, 3, 5, 7]);
        for (parts, abreast) in [(0, 4), (1, 16), (5, 4), (16, 16), (17, 16), (256, 4)] {
            let mut asked: Vec<usize> = spread(parts, abreast).collect();
            asked.sort_unstable();
            assert_eq!(asked, (0..parts).collect::<Vec<_>>());
        }
    }
}
