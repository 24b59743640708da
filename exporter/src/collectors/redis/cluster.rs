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

use super::options::RedisOptions;
use super::{KIND, RedisCollector, left};
use crate::collectors::{Ask, Built, Collected, Collector, Discovered, Labelled, Target};
use crate::config::redacted;
use crate::failure::Failure;
use crate::induced::Lookups;
use crate::options::OptionReader;
use crate::redis_client::nodes::{Credentials, Node, Seeds};
use crate::redis_client::slots::Slots;
use crate::tls::TlsOptions;

/// How many nodes are asked if the module does not say.
const NODES_DEFAULT: f64 = 64.0;
/// Most nodes that a module may ask for.
const NODES_MAX: f64 = 1_000.0;

/// A node that is asked.
#[derive(Debug, Clone)]
struct Member {
    target: Arc<Target>,
    slots: Arc<Mutex<Slots>>,
}

#[derive(Debug)]
struct ClusterCollector {
    seeds: Seeds,
    target: String,
    labelled: Labelled,
    options: RedisOptions,
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
    match Seeds::new(ask.url, ask.timeout, tls) {
        Ok(seeds) if mistakes.is_empty() => Ok(Box::new(ClusterCollector {
            seeds,
            target,
            labelled: ask.labelled,
            options,
            nodes_max,
            members: Mutex::default(),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{target}: {wrong}"));
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
            let nodes = self.seeds.nodes(limit).await?;
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
            let nodes = self.seeds.nodes(limit).await?;
            let found = |node: &Node| {
                let url = redacted(&self.seeds.url_of(&node.address, Credentials::Left)?);
                Some(Discovered { url, role: node.role })
            };
            Ok(nodes.iter().filter_map(found).collect())
        };
        Some(found.boxed())
    }
}

impl ClusterCollector {
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
        let url = self.seeds.url_of(address, Credentials::Kept)?;
        let client = self.seeds.client(address)?;
        let shown = redacted(&self.seeds.url_of(address, Credentials::Left)?);
        let slots = Arc::new(Mutex::new(Slots::default()));
        let lookups = Lookups::of(&url);
        let mut collector =
            RedisCollector::new(client, shown, Labelled::ByTarget, self.options.clone(), lookups);
        collector.slots = Some(Arc::clone(&slots));
        Some(Member { target: Arc::new(Target::new(KIND.name, Box::new(collector))), slots })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
