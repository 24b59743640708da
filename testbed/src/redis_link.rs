//! A connection to a Redis that mends itself, for what is no cache: tasks and sessions. The cache has its
//! own, with a breaker; administration opens one for each request.

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

/// How long connecting may take, and a command's answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Connects, and tries once more if that fails.
pub(crate) async fn connect(url: &str) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(TIMEOUT))
        .set_connection_timeout(Some(TIMEOUT))
        .set_number_of_retries(1);
    ConnectionManager::new_with_config(Client::open(url)?, config).await
}
