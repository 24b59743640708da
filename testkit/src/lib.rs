//! For tests only: real servers on free ports, faults on command, and a truth server with known delays.
//!
//! Every server here is a child process (or a thread) that dies with its handle, with a panicking
//! test, and, where `setpriv` exists, with a killed test process. A program that is not installed is
//! an error that names the Debian package, never a skipped test: a test that did not run is not green.
//!
//! The crate depends on no room of the workspace, so that each room may test with it.

mod bullmq;
mod celery;
mod cluster;
mod daemon;
mod delay_proxy;
mod elsewhere;
mod error;
mod installed;
mod mariadb;
mod memcached;
mod moto;
mod nginx;
mod nursery;
mod ports;
mod postgres;
mod programs;
mod prometheus;
mod rabbitmq;
mod raw;
mod redis;
mod sentinel;
mod sidekiq;
mod truth;
mod unprivileged;
mod varnish;

pub use bullmq::BullMq;
pub use celery::{Celery, CeleryWorker};
pub use cluster::RedisCluster;
pub use delay_proxy::DelayProxy;
pub use error::TestkitError;
pub use mariadb::MariaDb;
pub use memcached::MemcachedServer;
pub use moto::Moto;
pub use nginx::NginxServer;
pub use ports::free_port;
pub use postgres::PostgresServer;
pub use prometheus::{PrometheusServer, promtool, promtool_with_input};
pub use rabbitmq::RabbitMq;
pub use redis::{RedisServer, RedisVersion};
pub use sentinel::RedisSentinel;
pub use sidekiq::{Sidekiq, SidekiqWorker};
pub use truth::{SimplestClient, TruthConfig, TruthServer, Verdict, Witnesses};
pub use varnish::VarnishServer;

/// Runs a blocking start on a thread of its own, so that a paused test clock or a busy runtime does
/// not disturb the waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TestkitError> + Send + 'static,
) -> Result<T, TestkitError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(TestkitError::Failed { what: "starting a server".into(), output: error.to_string() })
        }
    }
}
