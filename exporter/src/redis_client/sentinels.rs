//! Which server is the master now: what the Sentinels say, asked at connecting and then once a second.
//!
//! It is apart from the client, which asks whom it is told. A Sentinel that does not answer is passed
//! over; the one that answered last is asked first. Redis' guide for Sentinel clients asks two things
//! that are kept here and in the client: to ask each Sentinel in turn, and to check by `ROLE` that who
//! is named master is one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use url::Url;

use super::hosts::{Hosts, with_port};
use super::server::Server;
use super::{RedisClient, Reply, prepared, url_mistake, without_tls};
use crate::failure::Failure;
use crate::tls::TlsOptions;

/// A Sentinel's port where the URL names none.
const PORT: u16 = 26_379;
/// How long what was said holds while the master answers.
const HOLDS_FOR: Duration = Duration::from_secs(1);
const SHAPE: &str =
    "write redis+sentinel://[user:password@]host[:26379],host/MASTER[/db][?sentinel_password=…]";

/// The Sentinels of one master.
pub(super) struct Sentinels {
    clients: Vec<RedisClient>,
    name: String,
    /// The master's credentials and database, with any address.
    like: ConnectionInfo,
    tls: Option<TlsOptions>,
    known: Mutex<Known>,
}

/// What was said last.
#[derive(Default)]
struct Known {
    master: Option<(String, u16, Arc<Server>)>,
    asked: Option<Instant>,
    /// Who is asked first.
    first: usize,
    changes: u64,
}

/// Who is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The master's name among the Sentinels.
    pub(crate) name: String,
    /// Its address, `host:port`, once they told it.
    pub(crate) address: Option<String>,
    /// How often it changed since the exporter started.
    pub(crate) changes: u64,
}

/// Whether the URL names Sentinels.
pub(super) fn is_meant(url: &str) -> bool {
    url.split("://").next().is_some_and(|scheme| scheme.ends_with("+sentinel"))
}

impl Sentinels {
    /// Reads the URL. The error says what is wrong with it, without the URL.
    pub(super) fn new(url: &str, timeout: Duration, tls: &TlsOptions) -> Result<Self, String> {
        let hosts = Hosts::read(url).map_err(|wrong| format!("{wrong}; {SHAPE}"))?;
        let scheme = hosts.scheme.trim_end_matches("+sentinel");
        let (name, db) = hosts.path.split_once('/').unwrap_or((hosts.path, ""));
        let db = if db.is_empty() { "0" } else { db };
        if name.is_empty() || name.len() > 200 || db.parse::<u32>().is_err() {
            return Err(format!("names no master, or a database that is no number; {SHAPE}"));
        }
        let own = of_sentinels(hosts.query)?;
        let sentinel = |host: &&str| {
            let mut url = Url::parse(&Hosts::one(scheme, "", &with_port(host, PORT), ""))
                .map_err(|_| format!("names a Sentinel that is no host:port; {SHAPE}"))?;
            let (user, password) = &own;
            let _ = url.set_username(user);
            let _ = url.set_password((!password.is_empty()).then_some(password));
            RedisClient::new(url.as_str(), timeout, tls)
        };
        let clients = hosts.hosts.iter().map(sentinel).collect::<Result<_, _>>()?;
        let (like, with_tls) = without_tls(&Hosts::one(scheme, hosts.credentials, "master", db));
        let like = like.as_str().into_connection_info().map_err(|error| url_mistake(&error))?;
        let (like, tls) = (prepared(like), with_tls.then(|| tls.clone()));
        Ok(Self { clients, name: name.to_owned(), like, tls, known: Mutex::default() })
    }

    pub(super) const fn like(&self) -> &ConnectionInfo {
        &self.like
    }

    pub(super) fn followed(&self) -> Followed {
        let known = self.lock();
        let address = known.master.as_ref().map(|(host, port, _)| format!("{host}:{port}"));
        Followed { name: self.name.clone(), address, changes: known.changes }
    }

    /// The master. What was said within the last second holds, unless a connection to it just broke.
    ///
    /// The future has a name of its own since Sentinels are asked by the same client.
    pub(super) fn master(&self, broke: bool, limit: Duration) -> BoxFuture<'_, Result<Arc<Server>, Failure>> {
        async move {
            if let Some(known) = self.still_holds().filter(|_| !broke) {
                return Ok(known);
            }
            let first = self.lock().first;
            let (count, deadline) = (self.clients.len(), Instant::now() + limit);
            let mut failure = Failure::Internal;
            for turn in 0..count {
                let at = (first + turn) % count;
                let left = deadline.saturating_duration_since(Instant::now());
                // One that is a black hole leaves time for the others.
                match self.ask(&self.clients[at], left / (count - turn) as u32).await {
                    Ok((host, port)) => return self.learn(host, port, at),
                    // One that does not know the master may be new; that another is down is less to say.
                    Err(one) if !matches!(failure, Failure::UnknownMaster(_)) => failure = one,
                    Err(_) => {}
                }
            }
            Err(failure)
        }
        .boxed()
    }

    fn still_holds(&self) -> Option<Arc<Server>> {
        let known = self.lock();
        let holds = known.asked.is_some_and(|asked| asked.elapsed() < HOLDS_FOR);
        known.master.as_ref().filter(|_| holds).map(|(_, _, server)| Arc::clone(server))
    }

    async fn ask(&self, client: &RedisClient, limit: Duration) -> Result<(String, u16), Failure> {
        let replies = client.ask(&[&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", &self.name]], limit).await?;
        match replies.into_iter().next() {
            Some(Reply::List(parts)) => match parts.as_slice() {
                [Reply::Text(host), Reply::Text(port)] => match port.parse() {
                    Ok(port) => Ok((host.clone(), port)),
                    Err(_) => Err(Failure::Answer("a Sentinel names a port that is no number".to_owned())),
                },
                _ => Err(Failure::Answer("a Sentinel names no address".to_owned())),
            },
            Some(Reply::Nil) => Err(Failure::UnknownMaster(self.name.clone())),
            Some(Reply::Refused(words)) => Err(Failure::Refused(words)),
            _ => Err(Failure::Answer("a Sentinel names no address".to_owned())),
        }
    }

    fn learn(&self, host: String, port: u16, first: usize) -> Result<Arc<Server>, Failure> {
        let mut known = self.lock();
        (known.first, known.asked) = (first, Some(Instant::now()));
        if let Some((known_host, known_port, server)) = &known.master
            && (known_host, known_port) == (&host, &port)
        {
            return Ok(Arc::clone(server));
        }
        let info = self.like.clone().set_addr(ConnectionAddr::Tcp(host.clone(), port));
        let server = Arc::new(Server::new(info, self.tls.as_ref()).map_err(Failure::Connect)?);
        known.changes += u64::from(known.master.is_some());
        known.master = Some((host, port, Arc::clone(&server)));
        Ok(server)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Sentinels' own user and password, which need not be those of the servers.
fn of_sentinels(query: &str) -> Result<(String, String), String> {
    let (mut user, mut password) = (String::new(), String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "sentinel_user" => user = value.into_owned(),
            "sentinel_password" => password = value.into_owned(),
            _ => {
                return Err(
                    "has a parameter that is none; known are sentinel_user and sentinel_password".to_owned()
                );
            }
        }
    }
    Ok((user, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_need_hosts_and_the_name_of_a_master() {
        let read = |url: &str| Sentinels::new(url, Duration::from_secs(1), &TlsOptions::default());
        let good = read("redis+sentinel://u:p%40@a:1,b/main/3?sentinel_user=s&sentinel_password=q").unwrap();
        assert_eq!((good.clients.len(), good.name.as_str()), (2, "main"));
        let settings = good.like.redis_settings();
        assert_eq!((settings.username(), settings.password(), settings.db()), (Some("u"), Some("p@"), 3));
        for wrong in [
            "redis+sentinel://a:1",
            "redis+sentinel:///main",
            "redis+sentinel://s3cret:s3cret@a:1/main/x",
            "redis+sentinel://a:1/main?pass=s3cret",
            "redis+sentinel://a:port/main",
        ] {
            let told = read(wrong).err().unwrap();
            assert!(!told.is_empty() && !told.contains("s3cret"), "{wrong}: {told}");
        }
    }
}
