//! One address and the way to it: plain, through a socket, or with TLS.
//!
//! It is apart from the client, which decides when to connect and, with Sentinels, to whom.

use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError};
use tokio::task::JoinHandle;

use super::url_mistake;
use crate::failure::Failure;
use crate::tls::TlsOptions;

/// A server that can be connected to.
#[derive(Clone)]
pub(super) struct Server {
    client: Client,
    /// Host, port and certificates, if the URL asks for TLS.
    tls: Option<(String, u16, TlsOptions)>,
}

/// Why there is no connection.
pub(super) enum Unconnected {
    /// The handshake failed.
    Tls(Failure),
    /// The library says why.
    Redis(RedisError),
}

/// A task that is ended when this is dropped.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Server {
    /// Checks what can be checked without a connection; `tls` only if the URL asks for it.
    pub(super) fn new(info: ConnectionInfo, tls: Option<&TlsOptions>) -> Result<Self, String> {
        let tls = match (info.addr(), tls) {
            (ConnectionAddr::Tcp(host, port), Some(tls)) => {
                tls.check(host)?;
                Some((host.clone(), *port, tls.clone()))
            }
            _ => None,
        };
        let client = Client::open(info).map_err(|error| url_mistake(&error))?;
        Ok(Self { client, tls })
    }

    /// Connects. The driver moves the bytes of a TLS stream and ends with the connection.
    pub(super) async fn connect(
        &self,
        config: &AsyncConnectionConfig,
    ) -> Result<(MultiplexedConnection, Option<Driver>), Unconnected> {
        let Some((host, port, tls)) = &self.tls else {
            let link = self.client.get_multiplexed_async_connection_with_config(config);
            return Ok((link.await.map_err(Unconnected::Redis)?, None));
        };
        let stream = tls.connect(host, *port).await.map_err(Unconnected::Tls)?;
        let settings = self.client.get_connection_info().redis_settings();
        let made = MultiplexedConnection::new_with_config(settings, stream, config.clone());
        let (link, driver) = made.await.map_err(Unconnected::Redis)?;
        Ok((link, Some(Driver(tokio::spawn(driver)))))
    }

    /// A connection that listens.
    pub(super) async fn channels(&self) -> Result<PubSub, Unconnected> {
        let Some((host, port, tls)) = &self.tls else {
            return self.client.get_async_pubsub().await.map_err(Unconnected::Redis);
        };
        let stream = tls.connect(host, *port).await.map_err(Unconnected::Tls)?;
        PubSub::new(self.client.get_connection_info().redis_settings(), stream)
            .await
            .map_err(Unconnected::Redis)
    }
}
