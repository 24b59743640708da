//! Sessions in this process: bounded, and gone with it.

use moka::future::Cache;

use super::{SESSION_TTL, SessionId};

/// Sessions at once. Beyond it, those that were used least go.
const SESSIONS_MAX: u64 = 100_000;

/// Sessions in this process.
#[derive(Debug)]
pub(crate) struct InMemory(Cache<SessionId, i64>);

impl InMemory {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(SESSIONS_MAX).time_to_idle(SESSION_TTL).build())
    }

    pub(super) async fn put(&self, id: &SessionId, user: i64) {
        self.0.insert(id.clone(), user).await;
    }

    pub(super) async fn user(&self, id: &SessionId) -> Option<i64> {
        self.0.get(id).await
    }

    pub(super) async fn remove(&self, id: &SessionId) {
        self.0.invalidate(id).await;
    }
}
