//! The backend that keeps nothing: what an experiment compares a cache with.

use super::{Cache, Lookup, State};
use crate::entry::Entry;
use crate::error::CacheError;
use crate::key::Key;
use crate::pattern::Pattern;
use crate::tag::Tag;

/// Never stores, never finds, never fails.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl Off {
    /// The backend's name.
    pub const NAME: &'static str = "off";
}

impl Cache for Off {
    async fn get(&self, _key: &Key) -> Result<Lookup, CacheError> {
        Ok(Lookup::Miss)
    }

    async fn set(&self, _key: &Key, _entry: &Entry, _tags: &[Tag]) -> Result<(), CacheError> {
        Ok(())
    }

    async fn delete(&self, _key: &Key) -> Result<bool, CacheError> {
        Ok(false)
    }

    async fn delete_tag(&self, _tag: &Tag) -> Result<u64, CacheError> {
        Ok(0)
    }

    async fn delete_pattern(&self, _pattern: &Pattern) -> Result<u64, CacheError> {
        Ok(0)
    }

    async fn clear(&self) -> Result<u64, CacheError> {
        Ok(0)
    }

    fn state(&self) -> State {
        State::default()
    }
}
