//! Warming: values are loaded before anyone asks, a few at a time.

use std::error::Error;
use std::future::Future;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;

use super::CacheLayer;
use crate::error::OriginError;
use crate::key::Key;
use crate::policy::Policy;
use crate::served::Source;

/// One value to warm: its key, its policy and its origin.
#[derive(Debug, Clone)]
pub struct WarmItem<F> {
    /// The key.
    pub key: Key,
    /// How it is cached.
    pub policy: Policy,
    /// What brings it.
    pub origin: F,
}

/// What has become of the values so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Warmed {
    /// Brought from the origin and stored.
    pub loaded: u64,
    /// In the cache already, or being loaded by another caller.
    pub present: u64,
    /// Not stored, because the origin failed or the cache could not be asked.
    pub failed: u64,
}

impl Warmed {
    /// How many are done with.
    #[must_use]
    pub const fn done(&self) -> u64 {
        self.loaded + self.present + self.failed
    }
}

impl CacheLayer {
    /// Loads the values, at most `at_once` at a time, and tells `progress` after each. A value that
    /// fails does not stop the others.
    pub async fn warm<F, Fut, E>(
        &self,
        items: impl IntoIterator<Item = WarmItem<F>, IntoIter: Send> + Send,
        at_once: usize,
        mut progress: impl FnMut(Warmed) + Send,
    ) -> Warmed
    where
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<Bytes, E>> + Send + 'static,
        E: Error + Send + Sync + 'static,
    {
        let loads = items.into_iter().map(|item| async move {
            self.fetch(&item.key, &item.policy, item.origin).await.map(|served| served.source)
        });
        let mut loads = std::pin::pin!(stream::iter(loads).buffer_unordered(at_once.max(1)));
        let mut warmed = Warmed::default();
        while let Some(source) = loads.next().await {
            *warmed.count(&source) += 1;
            progress(warmed);
        }
        warmed
    }
}

impl Warmed {
    const fn count<E>(&mut self, source: &Result<Source, OriginError<E>>) -> &mut u64 {
        match source {
            Ok(Source::Origin { stored: true }) => &mut self.loaded,
            Ok(Source::Hit | Source::Collapsed | Source::Stale(_)) => &mut self.present,
            Ok(Source::Origin { stored: false } | Source::Unreachable | Source::Off) | Err(_) => {
                &mut self.failed
            }
        }
    }
}
