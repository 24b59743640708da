//! A cluster as one broker: each command goes to the node that owns its key's slot.
//!
//! The commands of one question become one pipeline for each node, all at once. `SCAN` goes to every
//! master, and its cursor holds theirs. Where a slot has moved, the answer says so: the nodes are read
//! anew and only those commands are asked again. It is for commands with one key; it writes nothing.

mod round;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::round::{Gathered, Sent};
use super::nodes::{Credentials, Node, Seeds};
use super::slots::Slots;
use super::{RedisClient, Reply};
use crate::failure::Failure;
use crate::induced::{self, Lookups};
use crate::tls::TlsOptions;

/// How often commands follow slots that move while they are asked.
const TURNS_MAX: usize = 4;
/// Most masters of one cluster: more are a mistake of somebody.
const MASTERS_MAX: usize = 1_000;

/// One command with its arguments.
type Words = Vec<String>;

/// A cluster that is asked again and again.
#[derive(Debug)]
pub(crate) struct ClusterClient {
    seeds: Seeds,
    masters: Mutex<Vec<Master>>,
}

/// A node that owns slots.
#[derive(Debug, Clone)]
struct Master {
    address: String,
    slots: Slots,
    client: Arc<RedisClient>,
    lookups: Arc<Lookups>,
}

/// The replies to one question, and the hits and misses that it cost.
pub(crate) type Answered = (Vec<Reply>, (u64, u64));

impl ClusterClient {
    /// Reads the URL. The error says what is wrong with it, without the URL.
    pub(crate) fn new(url: &str, timeout: Duration, tls: TlsOptions) -> Result<Self, String> {
        Ok(Self { seeds: Seeds::new(url, timeout, tls)?, masters: Mutex::default() })
    }

    /// Asks each node what it owns. The replies stand in the order of the commands.
    ///
    /// A slot that nobody owns, or whose owner is down, is the failure of the whole question: a part of
    /// the queues would look like all of them.
    pub(crate) async fn ask(&self, commands: &[Words], limit: Duration) -> Result<Answered, Failure> {
        let deadline = Instant::now() + limit;
        let mut masters = self.masters.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut gathered = Gathered::new(commands);
        let mut open: Vec<(usize, Words)> = commands.iter().cloned().enumerate().collect();
        for turn in 0..TURNS_MAX {
            if masters.is_empty() || turn > 0 {
                masters = self.read_masters(left(deadline) / 2).await?;
            }
            // Whoever hangs must leave time to ask his successor.
            let share = if turn + 1 < TURNS_MAX { left(deadline) / 2 } else { left(deadline) };
            open = gathered.turn(&masters, open, &self.seeds, share).await?;
            if open.is_empty() && gathered.failure.is_none() {
                return Ok(gathered.finish());
            }
        }
        self.masters.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let moving = || Failure::Refused("the slots moved as fast as they were asked".to_owned());
        Err(gathered.failure.unwrap_or_else(moving))
    }

    /// Reads the nodes anew; those that stay keep their connections.
    async fn read_masters(&self, limit: Duration) -> Result<Vec<Master>, Failure> {
        let nodes = self.seeds.nodes(limit).await?;
        let mut kept = self.masters.lock().unwrap_or_else(PoisonError::into_inner);
        let owners = nodes.iter().filter(|node| node.slots.count() > 0).take(MASTERS_MAX);
        let made = owners.filter_map(|node| self.master(node, &kept)).collect();
        *kept = made;
        if kept.is_empty() {
            return Err(Failure::Refused("no node of the cluster owns a slot".to_owned()));
        }
        Ok(kept.clone())
    }

    fn master(&self, node: &Node, kept: &[Master]) -> Option<Master> {
        let known = kept.iter().find(|master| master.address == node.address).cloned();
        let made = known.or_else(|| Master::of(&self.seeds, &node.address))?;
        Some(Master { slots: node.slots.clone(), ..made })
    }
}

impl Master {
    /// A node that is not connected to yet.
    fn of(seeds: &Seeds, address: &str) -> Option<Self> {
        Some(Self {
            address: address.to_owned(),
            slots: Slots::default(),
            client: Arc::new(seeds.client(address)?),
            lookups: Lookups::of(&seeds.url_of(address, Credentials::Left)?),
        })
    }

    async fn ask(&self, sent: &[Sent], limit: Duration) -> Result<Answered, Failure> {
        let mut words: Vec<Vec<&str>> = Vec::with_capacity(sent.len());
        for sent in sent {
            if sent.asking {
                words.push(vec!["ASKING"]);
            }
            words.push(sent.words.iter().map(String::as_str).collect());
        }
        let commands: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
        let looking = self.lookups.looking().await;
        let replies = self.client.ask(&commands, limit).await?;
        let cost = induced::lookups(&words, &replies);
        self.lookups.add(cost);
        drop(looking);
        let asked = words.iter().zip(replies).filter(|(words, _)| words[0] != "ASKING");
        Ok((asked.map(|(_, reply)| reply).collect(), cost))
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
