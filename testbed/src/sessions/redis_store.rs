//! Sessions in a Redis database, shared by all processes of the service. Only this file knows how they
//! lie there: `session:<id>` holds the user's number and lives on with each use.

use std::fmt;

use hitmark_schema::redact;
use redis::aio::ConnectionManager;
use redis::{Cmd, FromRedisValue, RedisError};

use super::{SESSION_TTL, SessionError, SessionId};
use crate::redis_link;

/// A connection that mends itself.
#[derive(Clone)]
pub(crate) struct InRedis {
    connection: ConnectionManager,
    shown: String,
}

impl InRedis {
    /// Connects, and refuses a server that may evict any key.
    pub(super) async fn connect(url: &str) -> Result<Self, SessionError> {
        let shown = redact::url(url);
        let failed =
            |error: RedisError| SessionError::Store { url: shown.clone(), reason: error.to_string() };
        let connection = redis_link::connect(url).await.map_err(failed)?;
        let store = Self { connection, shown };
        store.refuse_eviction().await?;
        Ok(store)
    }

    /// A server that does not tell its configuration is believed to be right.
    async fn refuse_eviction(&self) -> Result<(), SessionError> {
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg("maxmemory-policy");
        let told: Vec<String> = self.ask(&get).await.unwrap_or_default();
        match told.get(1) {
            Some(policy) if policy.starts_with("allkeys-") => {
                Err(SessionError::Evicts { url: self.shown.clone(), policy: policy.clone() })
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn put(&self, id: &SessionId, user: i64) -> Result<(), SessionError> {
        let mut set = redis::cmd("SET");
        set.arg(key(id)).arg(user).arg("EX").arg(SESSION_TTL.as_secs());
        self.ask(&set).await
    }

    /// Reads and prolongs in one round trip (GETEX, since Redis 6.2).
    pub(super) async fn user(&self, id: &SessionId) -> Result<Option<i64>, SessionError> {
        let mut get = redis::cmd("GETEX");
        get.arg(key(id)).arg("EX").arg(SESSION_TTL.as_secs());
        self.ask(&get).await
    }

    pub(super) async fn remove(&self, id: &SessionId) -> Result<(), SessionError> {
        let mut delete = redis::cmd("DEL");
        delete.arg(key(id));
        self.ask(&delete).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, SessionError> {
        let answer = command.query_async(&mut self.connection.clone()).await;
        answer.map_err(|error: RedisError| SessionError::Store {
            url: self.shown.clone(),
            reason: error.to_string(),
        })
    }
}

fn key(id: &SessionId) -> String {
    format!("session:{}", id.reveal())
}

// Written by hand: the connection may hold a password.
impl fmt::Debug for InRedis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRedis").field("url", &self.shown).finish_non_exhaustive()
    }
}
