//! The nodes of a cluster, as one of them tells them.
//!
//! It is apart from those who ask the nodes: the collector of a whole cluster, and queues that lie in
//! several slots. If the seeds are gone, the nodes that are known answer for them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use super::hosts::{Hosts, with_port};
use super::slots::Slots;
use super::{RedisClient, Reply};
use crate::failure::Failure;
use crate::tls::TlsOptions;

/// How many known nodes are tried when the seeds do not answer.
const OTHERS_MAX: usize = 3;
/// A node's port where the URL names none.
const PORT: u16 = 6_379;
const SHAPE: &str = "write redis+cluster://[user:password@]host[:port][,host:port] or rediss+cluster://";

/// One line of `CLUSTER NODES`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) id: String,
    /// `host:port`; an IPv6 address stands without brackets.
    pub(crate) address: String,
    pub(crate) role: &'static str,
    /// The id of a replica's master.
    pub(crate) master: String,
    /// Whether the others suspect it to have failed.
    pub(crate) suspected: bool,
    pub(crate) slots: Slots,
}

/// Whether a node's URL carries the seed's user and password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// It does: to ask the node.
    Kept,
    /// It does not: to show it.
    Left,
}

/// How a cluster is found.
#[derive(Debug)]
pub(crate) struct Seeds {
    seeds: Vec<(String, RedisClient)>,
    /// The first seed's URL, with its credentials: nodes differ in host and port.
    url: Url,
    timeout: Duration,
    tls: TlsOptions,
    known: Mutex<Vec<String>>,
}

/// Whether the URL names a cluster.
pub(crate) fn is_meant(url: &str) -> bool {
    url.split("://").next().is_some_and(|scheme| scheme.ends_with("+cluster"))
}

impl Seeds {
    /// Reads the URL. The error says what is wrong with it, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration, tls: TlsOptions) -> Result<Self, String> {
        let hosts = Hosts::read(url).map_err(|wrong| format!("{wrong}; {SHAPE}"))?;
        // A cluster has one database, which no URL needs to name.
        if !["", "0"].contains(&hosts.path) {
            return Err(format!("names a database, and a cluster has only number 0; {SHAPE}"));
        }
        let scheme = hosts.scheme.trim_end_matches("+cluster");
        let seed = |host: &&str| {
            let url = Hosts::one(scheme, hosts.credentials, &with_port(host, PORT), "");
            let parsed = Url::parse(&url).ok().filter(Url::has_host);
            let parsed = parsed.ok_or_else(|| format!("names a node that is no host:port; {SHAPE}"))?;
            let client = RedisClient::new(&url, timeout, &tls);
            Ok((parsed, client.map_err(|wrong| format!("{wrong}; {SHAPE}"))?))
        };
        let seeds: Vec<(Url, RedisClient)> = hosts.hosts.iter().map(seed).collect::<Result<_, String>>()?;
        let url = seeds.first().map(|(url, _)| url.clone()).ok_or(SHAPE)?;
        let host =
            |(url, client): (Url, RedisClient)| (url.host_str().unwrap_or_default().to_owned(), client);
        let seeds = seeds.into_iter().map(host).collect();
        Ok(Self { seeds, url, timeout, tls, known: Mutex::default() })
    }

    /// Every node, sorted by address, from a seed or, if none answers, from one that was named before.
    pub(crate) async fn nodes(&self, limit: Duration) -> Result<Vec<Node>, Failure> {
        let deadline = Instant::now() + limit;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // A seed that is a black hole must leave time for the others and for the nodes themselves.
        let alone = known.is_empty() && self.seeds.len() == 1;
        let share = if alone { limit } else { limit / 4 / self.seeds.len() as u32 };
        let mut result = Err(Failure::Internal);
        for (host, client) in &self.seeds {
            result = ask_nodes(client, host, share).await;
            if result.is_ok() {
                break;
            }
        }
        for address in known.iter().take(OTHERS_MAX) {
            if result.is_ok() || Instant::now() >= deadline {
                break;
            }
            let Some(client) = self.client(address) else { continue };
            let host = address.rsplit_once(':').map_or("", |(host, _)| host);
            if let Ok(nodes) = ask_nodes(&client, host, limit / 8).await {
                result = Ok(nodes);
            }
        }
        if let Ok(nodes) = &result {
            let addresses = nodes.iter().map(|node| node.address.clone()).collect();
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        }
        result
    }

    /// A client of a node.
    pub(crate) fn client(&self, address: &str) -> Option<RedisClient> {
        let url = self.url_of(address, Credentials::Kept)?;
        RedisClient::new(&url, self.timeout, &self.tls).ok()
    }

    /// The URL of a node, such as `redis://10.0.0.1:6379`.
    pub(crate) fn url_of(&self, address: &str, credentials: Credentials) -> Option<String> {
        let scheme = self.url.scheme();
        let (host, port) = address.rsplit_once(':')?;
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let mut url = Url::parse(&format!("{scheme}://{host}:{port}")).ok()?;
        if credentials == Credentials::Kept {
            url.set_username(self.url.username()).ok()?;
            url.set_password(self.url.password()).ok()?;
        }
        Some(url.into())
    }
}

async fn ask_nodes(client: &RedisClient, host: &str, limit: Duration) -> Result<Vec<Node>, Failure> {
    let replies = client.ask(&[&["CLUSTER", "NODES"]], limit).await?;
    match replies.first() {
        Some(Reply::Text(text)) => Ok(parse(text, host)),
        Some(Reply::Refused(words)) => Err(Failure::Refused(words.clone())),
        _ => Err(Failure::Answer("CLUSTER NODES answered no text".to_owned())),
    }
}

/// Reads `CLUSTER NODES`, sorted by address; `host` is where the answer came from, for a node that does
/// not know its own address yet. Nodes without an address or in handshake cannot be asked.
///
/// Form of a line: `id ip:port@bus[,hostname] flags master ping pong epoch link slot…`.
fn parse(text: &str, host: &str) -> Vec<Node> {
    let node = |line: &str| {
        let mut words = line.split(' ');
        let (id, address) = (words.next()?, words.next()?.split(['@', ',']).next()?);
        let flags: Vec<&str> = words.next()?.split(',').collect();
        let master = words.next()?;
        if flags.iter().any(|flag| ["noaddr", "handshake"].contains(flag)) {
            return None;
        }
        let (ip, port) = address.rsplit_once(':')?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0)?;
        let ip = if ip.is_empty() { host.trim_matches(['[', ']']) } else { ip };
        Some(Node {
            id: id.to_owned(),
            address: format!("{ip}:{port}"),
            role: if flags.contains(&"master") { "master" } else { "replica" },
            master: if master == "-" { String::new() } else { master.to_owned() },
            suspected: flags.iter().any(|flag| flag.starts_with("fail")),
            slots: Slots::read(words.skip(4)),
        })
    };
    let mut nodes: Vec<Node> = text.lines().filter_map(node).collect();
    nodes.sort_by(|one, other| one.address.cmp(&other.address));
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_read_with_role_slots_and_suspicion_and_unreachable_ones_are_left_out() {
        let text = "id3 10.0.0.2:7002@17002,host-2 slave,fail? id1 0 1 3 connected\n\
                    id1 :7000@17000 myself,master - 0 0 1 connected 0-99 200 [300->-id2]\n\
                    id2 ::1:7001@17001 master - 0 0 2 connected 100-199\n\
                    id4 :0@0 master,noaddr - 1 1 0 disconnected\nid5 10.0.0.9:1@2 handshake - 0 0 0 connected\nx\n";
        let nodes = parse(text, "[fe80::1]");
        let read: Vec<_> = nodes
            .iter()
            .map(|node| (node.address.as_str(), node.role, node.suspected, node.slots.count()))
            .collect();
        assert_eq!(
            read,
            [
                ("10.0.0.2:7002", "replica", true, 0),
                ("::1:7001", "master", false, 100),
                ("fe80::1:7000", "master", false, 101),
            ]
        );
        assert_eq!((nodes[0].master.as_str(), nodes[1].master.as_str()), ("id1", ""));
    }
}
