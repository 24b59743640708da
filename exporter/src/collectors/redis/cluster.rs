//! A cluster: every node is found from one of them and asked as a target of its own.
//!
//! Each scrape asks one node for all others, so nodes that come and go are seen at once; if the seed
//! is gone, the nodes that are known answer for it. The nodes' series carry the label `target` and
//! are otherwise those of a single server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use url::Url;

use super::options::RedisOptions;
use super::slots::Slots;
use super::{KIND, RedisCollector, left};
use crate::collectors::{Ask, Built, Collected, Collector, Discovered, Labelled, Target};
use crate::config::redacted;
use crate::failure::Failure;
use crate::induced::Lookups;
use crate::options::OptionReader;
use crate::redis_client::{RedisClient, Reply};
use crate::tls::TlsOptions;

/// How many nodes are asked if the module does not say.
const NODES_DEFAULT: f64 = 64.0;
/// Most nodes that a module may ask for.
const NODES_MAX: f64 = 1_000.0;
/// How many known nodes are tried when the seed does not answer.
const OTHERS_MAX: usize = 3;

/// One line of `CLUSTER NODES`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    id: String,
    address: String,
    role: &'static str,
    master: String,
    suspected: bool,
    slots: Slots,
}

/// A node that is asked.
#[derive(Debug, Clone)]
struct Member {
    target: Arc<Target>,
    slots: Arc<Mutex<Slots>>,
}

#[derive(Debug)]
struct ClusterCollector {
    seed: RedisClient,
    /// The seed's URL as one server's, with its credentials: nodes differ in host and port.
    url: Url,
    target: String,
    labelled: Labelled,
    timeout: Duration,
    options: RedisOptions,
    tls: TlsOptions,
    nodes_max: usize,
    members: Mutex<BTreeMap<String, Member>>,
}

pub(super) fn build(ask: &Ask<'_>) -> Built {
    let target = redacted(ask.url);
    let mut reader = OptionReader::new(ask.options);
    let options = RedisOptions::read(&mut reader);
    let tls = TlsOptions::read(&mut reader);
    let nodes_max = reader.number("nodes_max", NODES_DEFAULT, 1.0..=NODES_MAX) as usize;
    let mut mistakes = reader.finish();
    // A cluster has one database, which no URL needs to name.
    let seed = ask.url.replacen("+cluster://", "://", 1);
    let made = RedisClient::new(&seed, ask.timeout, tls.clone());
    let url = Url::parse(&seed).ok().filter(Url::has_host);
    match (made, url) {
        (Ok(seed), Some(url)) if mistakes.is_empty() => Ok(Box::new(ClusterCollector {
            seed,
            url,
            target,
            labelled: ask.labelled,
            timeout: ask.timeout,
            options,
            tls,
            nodes_max,
            members: Mutex::default(),
        })),
        (Ok(_), Some(_)) => Err(mistakes),
        (made, _) => {
            let wrong = made.err().unwrap_or_else(|| "has no host".to_owned());
            let shape = "write redis+cluster://[user:password@]host[:port] or rediss+cluster://";
            mistakes.push(format!("{target}: {wrong}; {shape}"));
            Err(mistakes)
        }
    }
}

impl Collector for ClusterCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Instant::now() + limit;
            let nodes = self.nodes(limit).await?;
            let asked: Vec<Arc<Target>> =
                self.members_of(&nodes).into_iter().map(|node| node.target).collect();
            let mut families = told(&nodes, asked.len());
            self.labelled.label(&self.target, &mut families);
            // A node that hangs must not take the others' samples with it when the deadline comes.
            let rest = left(deadline) * 9 / 10;
            let parts = join_all(asked.iter().map(|target| target.scrape(rest, rest))).await;
            Ok(Collected { families, parts, ..Collected::default() })
        }
        .boxed()
    }

    fn discover(&self, limit: Duration) -> Option<BoxFuture<'_, Result<Vec<Discovered>, Failure>>> {
        let found = async move {
            let nodes = self.nodes(limit).await?;
            let found = |node: &Node| {
                let url = redacted(&self.url_of(&node.address, Credentials::Left)?);
                Some(Discovered { url, role: node.role })
            };
            Ok(nodes.iter().filter_map(found).collect())
        };
        Some(found.boxed())
    }
}

/// Whether a node's URL carries the seed's user and password.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Kept,
    Left,
}

impl ClusterCollector {
    /// Every node, from the seed or, if that does not answer, from one that it named before.
    async fn nodes(&self, limit: Duration) -> Result<Vec<Node>, Failure> {
        let known: Vec<String> = self.lock().keys().take(OTHERS_MAX).cloned().collect();
        // A seed that is a black hole must leave time for the others and for the nodes themselves.
        let share = if known.is_empty() { limit } else { limit / 4 };
        let mut result = self.ask_nodes(&self.seed, self.url.host_str().unwrap_or_default(), share).await;
        for address in known {
            if result.is_ok() {
                break;
            }
            let Some(url) = self.url_of(&address, Credentials::Kept) else { continue };
            let Ok(client) = RedisClient::new(&url, self.timeout, self.tls.clone()) else { continue };
            let host = address.rsplit_once(':').map_or("", |(host, _)| host);
            if let Ok(nodes) = self.ask_nodes(&client, host, limit / 8).await {
                result = Ok(nodes);
            }
        }
        result
    }

    async fn ask_nodes(
        &self,
        client: &RedisClient,
        host: &str,
        limit: Duration,
    ) -> Result<Vec<Node>, Failure> {
        let replies = client.ask(&[&["CLUSTER", "NODES"]], limit).await?;
        match replies.first() {
            Some(Reply::Text(text)) => Ok(parse(text, host)),
            Some(Reply::Refused(words)) => Err(Failure::Refused(words.clone())),
            _ => Err(Failure::Answer("CLUSTER NODES answered no text".to_owned())),
        }
    }

    /// The first nodes up to the bound, with their slots as they are now. Nodes that are gone are
    /// forgotten, those that stay keep their connections and counters.
    fn members_of(&self, nodes: &[Node]) -> Vec<Member> {
        let mut members = self.lock();
        members.retain(|address, _| nodes.iter().any(|node| node.address == *address));
        let mut asked = Vec::new();
        for node in nodes.iter().take(self.nodes_max) {
            let member = match members.get(&node.address) {
                Some(member) => member.clone(),
                None => {
                    let Some(member) = self.member(&node.address) else { continue };
                    members.insert(node.address.clone(), member.clone());
                    member
                }
            };
            *member.slots.lock().unwrap_or_else(PoisonError::into_inner) = node.slots.clone();
            asked.push(member);
        }
        asked
    }

    fn member(&self, address: &str) -> Option<Member> {
        let url = self.url_of(address, Credentials::Kept)?;
        let client = RedisClient::new(&url, self.timeout, self.tls.clone()).ok()?;
        let shown = redacted(&self.url_of(address, Credentials::Left)?);
        let slots = Arc::new(Mutex::new(Slots::default()));
        let lookups = Lookups::of(&url);
        let mut collector =
            RedisCollector::new(client, shown, Labelled::ByTarget, self.options.clone(), lookups);
        collector.slots = Some(Arc::clone(&slots));
        Some(Member { target: Arc::new(Target::new(KIND.name, Box::new(collector))), slots })
    }

    /// The URL of a node, such as `redis://10.0.0.1:6379`.
    fn url_of(&self, address: &str, credentials: Credentials) -> Option<String> {
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What one node says of all.
fn told(nodes: &[Node], asked: usize) -> Vec<Family> {
    let mut infos = Family::new(m::REDIS_NODE_INFO);
    let mut slots = Family::new(m::REDIS_NODE_SLOTS);
    let mut reachable = Family::new(m::REDIS_NODE_UP);
    for node in nodes.iter().take(asked) {
        let address = ("node", node.address.as_str());
        let info = [address, ("id", &node.id), ("role", node.role), ("master_id", &node.master)];
        infos.push(&info, 1.0);
        slots.push(&[address], f64::from(node.slots.count()));
        reachable.push(&[address], f64::from(u8::from(!node.suspected)));
    }
    let found = Family::single(m::REDIS_NODES_FOUND, nodes.len() as f64);
    let left_out = Family::single(m::REDIS_NODES_LEFT_OUT, nodes.len().saturating_sub(asked) as f64);
    vec![infos, slots, reachable, found, left_out]
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
