//! What costs a Redis server more than the one round trip of a default scrape, as the module asks:
//! keys, streams, the sample of the keyspace, clients, and what cluster nodes and Sentinels know.
//!
//! It is the second half of the collector in `redis.rs`, which decides about the first.

use std::sync::PoisonError;
use std::time::Instant;

use hitmark_schema::exposition::Family;

use super::options::RedisOptions;
use super::{RedisCollector, fields, info, keys, left, rounds, sentinel};
use crate::collectors::{Collected, Step};
use crate::failure::Failure;
use crate::redis_client::{Command, Reply};

/// How one reply becomes samples.
type Read = fn(&Reply, &RedisOptions) -> Vec<Family>;

impl RedisCollector {
    /// What the module asks for beyond the first round.
    pub(super) async fn further(&self, info: &str, deadline: Instant, collected: &mut Collected) {
        if !self.options.keys.is_empty() || !self.options.streams.is_empty() {
            let started = Instant::now();
            let failure = self.keys(deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_keys", took: started.elapsed(), failure });
        }
        if self.options.sample_keys > 0 {
            let started = Instant::now();
            let failure = self.sample(info, deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_sample", took: started.elapsed(), failure });
        }
        let asked = self.asked(info);
        if asked.is_empty() {
            return;
        }
        let started = Instant::now();
        let commands: Vec<Command<'_>> = asked.iter().map(|(command, _)| *command).collect();
        let failure = match self.client.ask(&commands, left(deadline)).await {
            Ok(replies) => {
                for ((_, read), reply) in asked.iter().zip(&replies) {
                    collected.families.extend(read(reply, &self.options));
                }
                self.sentinel(info, &replies, deadline, collected).await.err()
            }
            Err(failure) => Some(failure),
        };
        collected.steps.push(Step { name: "redis_further", took: started.elapsed(), failure });
    }

    /// What this server and this module need beside the first round, with how each reply is read.
    fn asked(&self, info: &str) -> Vec<(Command<'static>, Read)> {
        let mut asked: Vec<(Command<'static>, Read)> = Vec::new();
        if self.options.clients {
            asked.push((&["CLIENT", "LIST"], |reply, options| keys::clients(reply, options.names_max)));
        }
        if info::field(info, "cluster_enabled") == Some("1") {
            asked.push((&["CLUSTER", "INFO"], |reply, _| keys::cluster(reply)));
        }
        if sentinel::is_one(info) {
            asked.push((sentinel::MASTERS, |reply, _| sentinel::masters(reply)));
        }
        asked
    }

    /// What a Sentinel knows of each master: a second round, since it needs their names.
    async fn sentinel(
        &self,
        info: &str,
        replies: &[Reply],
        deadline: Instant,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let Some(masters) = replies.last().filter(|_| sentinel::is_one(info)) else { return Ok(()) };
        let masters = sentinel::names(masters);
        let questions = sentinel::questions(&masters);
        if questions.is_empty() {
            return Ok(());
        }
        let commands: Vec<Command<'_>> = questions.iter().map(<[&str; 3]>::as_slice).collect();
        let answers = self.client.ask(&commands, left(deadline)).await?;
        collected.families.extend(sentinel::peers(&masters, &answers));
        Ok(())
    }

    /// Adds to the sample of the keyspace. The lookups that `PTTL` costs are subtracted later.
    async fn sample(&self, info: &str, deadline: Instant, collected: &mut Collected) -> Result<(), Failure> {
        let keys = info::field(info, &self.db()).and_then(|value| value.strip_prefix("keys="));
        let keys = keys.and_then(|value| value.split(',').next()).and_then(fields::number).unwrap_or(0.0);
        let found = if rounds::fits(keys, &self.options) {
            let all = rounds::whole(&self.client, &self.options, left(deadline)).await?;
            let count = all.len();
            self.lock().sample.set_whole(all);
            count
        } else {
            let seed = rounds::seed();
            let cursor = || self.lock().sample.cursor(seed);
            let clusters = rounds::random(&self.client, &self.options, cursor, left(deadline)).await?;
            let count = clusters.iter().map(Vec::len).sum();
            self.lock().sample.add(clusters);
            count
        };
        let mut memory = self.lock();
        memory.effect.induced.0 += rounds::PTTL_HITS * found as f64;
        collected.families.extend(memory.sample.families(keys, self.options.names_max));
        Ok(())
    }

    async fn keys(&self, deadline: Instant, collected: &mut Collected) -> Result<(), Failure> {
        let options = self.owned_options();
        let asked = keys::questions(&options);
        let commands: Vec<Command<'_>> = asked.iter().map(Vec::as_slice).collect();
        let first = self.client.ask(&commands, left(deadline)).await?;
        let lengths = keys::lengths(&options, &first);
        let commands: Vec<Command<'_>> = lengths.iter().map(Vec::as_slice).collect();
        let second =
            if commands.is_empty() { Vec::new() } else { self.client.ask(&commands, left(deadline)).await? };
        let (families, induced) = keys::parse(&options, &self.db(), &first, &lengths, &second);
        let mut memory = self.lock();
        memory.effect.induced.0 += induced.0;
        memory.effect.induced.1 += induced.1;
        collected.families.extend(families);
        Ok(())
    }

    /// The options with the keys that this node of a cluster owns: any other answers an error, which
    /// the server counts.
    fn owned_options(&self) -> RedisOptions {
        let mut options = self.options.clone();
        if let Some(slots) = &self.slots {
            let slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
            options.keys.retain(|key| slots.contain(key));
            options.streams.retain(|key| slots.contain(key));
        }
        options
    }

    /// The label of the database that the URL selects.
    fn db(&self) -> String {
        format!("db{}", self.client.database())
    }
}
