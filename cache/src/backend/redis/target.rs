//! Where the server is: a fixed address, the master that Sentinels tell at each connecting, or the node
//! that owns a slot of a Cluster then.

use std::sync::Arc;

use hitmark_schema::redact;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisError,
};

use super::cluster::Cluster;
use super::names::{Name, Role};
use crate::error::CacheError;

/// The scheme of a URL that names Sentinels.
const SENTINEL: &str = "redis+sentinel://";

/// What a URL names, or a part of it.
#[derive(Debug)]
pub(super) enum Target {
    /// One server.
    Server(Client),
    /// The master of this name, with what is the same for whichever server that is.
    Master { sentinels: Vec<Client>, name: String, like: ConnectionInfo },
    /// The node of the Cluster that owns the slot.
    Owner { cluster: Arc<Cluster>, slot: u16 },
}

impl Target {
    /// Reads the URL of a server or of Sentinels.
    pub(super) fn of(url: &str) -> Result<Self, CacheError> {
        let unusable = |reason: String| CacheError::Url { url: redact::url(url), reason };
        match url.strip_prefix(SENTINEL) {
            None => open(url).map(Self::Server).map_err(|error| unusable(error.to_string())),
            Some(rest) => Self::of_sentinels(rest).map_err(unusable),
        }
    }

    /// `[user:password@]host:port,host:port/master-name[/db]`. The credentials are the master's.
    fn of_sentinels(rest: &str) -> Result<Self, String> {
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (format!("{credentials}@"), rest),
            None => (String::new(), rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (name, db) = path.split_once('/').unwrap_or((path, "0"));
        if hosts.is_empty() || name.is_empty() {
            return Err("write redis+sentinel://host:26379,host:26379/master-name[/db]".to_owned());
        }
        let sentinels = hosts.split(',').map(|host| open(&format!("redis://{host}/")));
        let sentinels: Result<Vec<_>, _> = sentinels.collect();
        let like = format!("redis://{credentials}unknown/{db}").as_str().into_connection_info();
        match (sentinels, like) {
            (Ok(sentinels), Ok(like)) => Ok(Self::Master { sentinels, name: name.to_owned(), like }),
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        }
    }

    /// The server to connect to now.
    pub(super) async fn client(&self, options: &AsyncConnectionConfig) -> Result<Client, RedisError> {
        match self {
            Self::Server(client) => Ok(client.clone()),
            Self::Owner { cluster, slot } => cluster.owner(*slot, options).await,
            Self::Master { sentinels, name, like } => {
                let mut last = RedisError::from((ErrorKind::Client, "no Sentinel knows the master"));
                for sentinel in sentinels {
                    match ask_for_master(sentinel, name, options).await {
                        Ok(Some((host, port))) => {
                            return Client::open(like.clone().set_addr(ConnectionAddr::Tcp(host, port)));
                        }
                        Ok(None) => {}
                        Err(error) => last = error,
                    }
                }
                Err(last)
            }
        }
    }

    /// What a server must answer before it is used. A node of a Cluster answers a PING whatever it
    /// owns, so it is asked for a name of the slot.
    pub(super) fn question(&self, namespace: &str) -> Cmd {
        match self {
            Self::Server(_) | Self::Master { .. } => redis::cmd("PING"),
            Self::Owner { .. } => {
                let mut question = redis::cmd("EXISTS");
                question.arg(Name { namespace, role: Role::Epoch, text: "" });
                question
            }
        }
    }
}

/// The address that one Sentinel tells; `None` if it does not know the name.
async fn ask_for_master(
    sentinel: &Client,
    name: &str,
    options: &AsyncConnectionConfig,
) -> Result<Option<(String, u16)>, RedisError> {
    let mut connection = sentinel.get_multiplexed_async_connection_with_config(options).await?;
    redis::cmd("SENTINEL").arg("get-master-addr-by-name").arg(name).query_async(&mut connection).await
}

/// A client of the server at this address; it connects to nothing yet.
pub(super) fn open(url: &str) -> Result<Client, RedisError> {
    // Small commands of many callers share the connection: none may wait for another's ACK.
    let target = url.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    Client::open(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_need_hosts_and_a_name() {
        let good = Target::of("redis+sentinel://u:p@a:1,b:2/main/3").expect("usable");
        let Target::Master { sentinels, name, .. } = good else { panic!("not Sentinels") };
        assert_eq!((sentinels.len(), name.as_str()), (2, "main"));
        for bad in ["redis+sentinel://a:1", "redis+sentinel:///main", "redis+sentinel://u:s3cret@a:1/main/x"]
        {
            let error = Target::of(bad).expect_err(bad).to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
