//! Lists of messages in a Redis server: what a Celery worker reads, and how much waits in a queue.
//!
//! apalis brings a Redis client of its own.

use std::fmt;

use hitmark_schema::redact;
use redis::RedisError;
use redis::aio::ConnectionManager;

use super::TaskError;
use crate::redis_link;

/// Messages that wait in one list, at most. A worker that is away must not fill the server.
const WAITING_MAX: u64 = 100_000;

/// A connection that mends itself.
#[derive(Clone)]
pub(super) struct Lists {
    connection: ConnectionManager,
    shown: String,
}

impl Lists {
    pub(super) async fn connect(url: &str) -> Result<Self, TaskError> {
        let shown = redact::url(url);
        let failed = |error: RedisError| TaskError::Broker { url: shown.clone(), reason: error.to_string() };
        let connection = redis_link::connect(url).await.map_err(failed)?;
        Ok(Self { connection, shown })
    }

    /// Puts a message at the left of a list, where Celery's producers put theirs.
    pub(super) async fn push(&self, list: &'static str, message: &str) -> Result<(), TaskError> {
        if self.waiting(list).await? >= WAITING_MAX {
            return Err(TaskError::Full(list));
        }
        let mut push = redis::cmd("LPUSH");
        push.arg(list).arg(message);
        push.query_async(&mut self.connection.clone()).await.map_err(|error| self.failed(&error))
    }

    /// How many messages wait in a list.
    pub(super) async fn waiting(&self, list: &str) -> Result<u64, TaskError> {
        let mut length = redis::cmd("LLEN");
        length.arg(list);
        length.query_async(&mut self.connection.clone()).await.map_err(|error| self.failed(&error))
    }

    /// Claims a name for a day; whether nobody had.
    pub(super) async fn claim(&self, name: &str) -> Result<bool, TaskError> {
        let mut set = redis::cmd("SET");
        set.arg(format!("hitmark-tasks:once:{name}")).arg(1).arg("NX").arg("EX").arg(86_400);
        let answer: Result<Option<String>, _> = set.query_async(&mut self.connection.clone()).await;
        answer.map(|claimed| claimed.is_some()).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &RedisError) -> TaskError {
        TaskError::Broker { url: self.shown.clone(), reason: error.to_string() }
    }
}

// Written by hand: the connection may hold a password.
impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lists").field("url", &self.shown).finish_non_exhaustive()
    }
}
