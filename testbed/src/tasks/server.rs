//! A Redis server that holds tasks: lists of messages, what workers hold of them, and results.
//!
//! apalis brings a Redis client of its own.

use std::collections::HashMap;
use std::fmt;

use hitmark_schema::redact;
use redis::RedisError;
use redis::aio::ConnectionManager;

use super::TaskError;
use crate::redis_link;

/// Messages that wait in one list, at most. A worker that is away must not fill the server.
const WAITING_MAX: u64 = 100_000;

/// A connection that mends itself. Clones share it.
#[derive(Clone)]
pub(super) struct Server {
    connection: ConnectionManager,
    shown: String,
}

impl Server {
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
        self.ask(&push).await
    }

    /// How many messages wait in a list.
    pub(super) async fn waiting(&self, list: &str) -> Result<u64, TaskError> {
        let mut length = redis::cmd("LLEN");
        length.arg(list);
        self.ask(&length).await
    }

    /// How many messages wait in several lists together, in one round trip.
    pub(super) async fn waiting_in(&self, lists: &[String]) -> Result<u64, TaskError> {
        let mut lengths = redis::pipe();
        for list in lists {
            lengths.llen(list);
        }
        let answer: redis::RedisResult<Vec<u64>> = lengths.query_async(&mut self.connection.clone()).await;
        answer.map(|lengths| lengths.iter().sum()).map_err(|error| self.failed(&error))
    }

    /// Claims a name for a day; whether nobody had.
    pub(super) async fn claim(&self, name: &str) -> Result<bool, TaskError> {
        let mut set = redis::cmd("SET");
        set.arg(format!("hitmark-tasks:once:{name}")).arg(1).arg("NX").arg("EX").arg(86_400);
        let claimed: Option<String> = self.ask(&set).await?;
        Ok(claimed.is_some())
    }

    /// The values of a hash; none if it has more than `most`.
    pub(super) async fn values(&self, hash: &str, most: u64) -> Result<Option<Vec<String>>, TaskError> {
        let mut length = redis::cmd("HLEN");
        length.arg(hash);
        let length: u64 = self.ask(&length).await?;
        if length > most {
            return Ok(None);
        }
        let mut values = redis::cmd("HVALS");
        values.arg(hash);
        self.ask(&values).await.map(Some)
    }

    /// The numbers of a hash by their names.
    pub(super) async fn numbers(&self, hash: &str) -> Result<HashMap<String, u64>, TaskError> {
        let mut numbers = redis::cmd("HGETALL");
        numbers.arg(hash);
        self.ask(&numbers).await
    }

    /// The text under a key.
    pub(super) async fn text(&self, key: &str) -> Result<Option<String>, TaskError> {
        let mut get = redis::cmd("GET");
        get.arg(key);
        self.ask(&get).await
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, TaskError> {
        command.query_async(&mut self.connection.clone()).await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &RedisError) -> TaskError {
        TaskError::Broker { url: self.shown.clone(), reason: error.to_string() }
    }
}

// Written by hand: the connection may hold a password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.shown).finish_non_exhaustive()
    }
}
