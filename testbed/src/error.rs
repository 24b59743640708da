//! What can go wrong in the life of a testbed.

use std::io;
use std::net::SocketAddr;

use crate::config::ConfigError;

/// Why a testbed could not start or had to end.
#[derive(Debug, thiserror::Error)]
pub enum TestbedError {
    /// The configuration is wrong; nothing was opened.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A temporary folder, for the database or for mail, could not be made.
    #[error("cannot make a temporary folder: {0}")]
    TemporaryFolder(#[source] io::Error),
    /// The database refused.
    #[error("cannot {action} in the database {database}: {source}")]
    Database {
        /// What was attempted.
        action: &'static str,
        /// The database's URL, masked.
        database: String,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed.
    #[error(
        "cannot migrate the database {database}: {source}; give the testbed a database of its own, since it creates and drops its tables"
    )]
    Migration {
        /// The database's URL, masked.
        database: String,
        /// What went wrong.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The cache could not be set up.
    #[error("cannot set up the cache {url}: {reason}")]
    Cache {
        /// The cache's URL, masked.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The broker of tasks could not be set up.
    #[error("cannot set up the tasks: {0}")]
    Tasks(String),
    /// The store of sessions could not be set up.
    #[error("cannot set up the sessions: {0}")]
    Sessions(String),
    /// The address could not be bound.
    #[error("cannot listen on {addr}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Accepting connections failed.
    #[error("the service ended: {0}")]
    Serve(#[source] io::Error),
}
