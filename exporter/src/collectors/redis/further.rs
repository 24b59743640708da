//! What costs a Redis server more than the one round trip of a default scrape, as the module asks:
//! keys, streams, the sample of the keyspace, clients, and what cluster nodes and Sentinels know.
//!
//! It is the second half of the collector in `redis.rs`, which decides about the first.

use std::sync::PoisonError;
use std::time::Instant;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::hot::Heat;
use super::options::RedisOptions;
use super::{
    RedisCollector, census, clients, commandlog, estimate, fields, info, keys, left, modules, rounds, search,
    sentinel, slots, streams, unix_now,
};
use crate::collectors::{Collected, Step};
use crate::failure::Failure;
use crate::redis_client::{Command, Reply};

/// How one reply becomes samples.
type Read = fn(&Reply, &RedisOptions) -> Vec<Family>;

impl RedisCollector {
    /// What the module asks for beyond the first round.
    pub(super) async fn further(&self, info: &str, deadline: Instant, collected: &mut Collected) {
        if commandlog::is_there(info) {
            let started = Instant::now();
            let failure = self.command_log(info, deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_commandlog", took: started.elapsed(), failure });
        }
        if !self.options.keys_on_replicas_only || info::field(info, "role") != Some("master") {
            self.of_keys(info, deadline, collected).await;
        }
        if self.options.ping {
            let started = Instant::now();
            let failure = self.client.ask(&[&["PING"]], left(deadline)).await.err();
            let took = started.elapsed();
            collected.families.push(Family::single(m::REDIS_LAST_PING_SECONDS, took.as_secs_f64()));
            collected.steps.push(Step { name: "redis_ping", took, failure });
        }
        if self.options.slot_stats > 0 && slots::are_there(info) {
            let started = Instant::now();
            let failure = self.slot_stats(deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_slot_stats", took: started.elapsed(), failure });
        }
        if !self.options.search_indexes.is_empty() && search::is_there(info) {
            let started = Instant::now();
            let failure = self.search_indexes(deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_search", took: started.elapsed(), failure });
        }
        self.small_questions(info, deadline, collected).await;
    }

    /// What walks over keys or looks at some.
    async fn of_keys(&self, info: &str, deadline: Instant, collected: &mut Collected) {
        if self.options.want_census() {
            let started = Instant::now();
            let failure = self.census(deadline, collected).await;
            collected.steps.push(Step { name: "redis_census", took: started.elapsed(), failure });
        }
        if !self.options.keys.is_empty() {
            let started = Instant::now();
            let failure = self.keys(deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_keys", took: started.elapsed(), failure });
        }
        if !self.options.streams.is_empty() {
            let started = Instant::now();
            let failure = self.streams(deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_streams", took: started.elapsed(), failure });
        }
        if self.options.sample_keys > 0 {
            let started = Instant::now();
            let failure = self.sample(info, deadline, collected).await.err();
            collected.steps.push(Step { name: "redis_sample", took: started.elapsed(), failure });
        }
        if self.options.hot_keys > 0 {
            let started = Instant::now();
            let failure = self.hot(info, deadline, collected).await;
            collected.steps.push(Step { name: "redis_hot_keys", took: started.elapsed(), failure });
        }
    }

    /// What takes one command, all of them in one round trip.
    async fn small_questions(&self, info: &str, deadline: Instant, collected: &mut Collected) {
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
        if self.options.clients || self.options.client_details {
            asked.push((&["CLIENT", "LIST"], |reply, options| clients::parse(reply, options, unix_now())));
        }
        if info::field(info, "cluster_enabled") == Some("1") {
            asked.push((&["CLUSTER", "INFO"], |reply, _| keys::cluster(reply)));
        }
        if self.options.modules {
            asked.push((&["INFO", "MODULES"], |reply, _| modules::parse(reply)));
        }
        // The last, since its reply is looked at again.
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
        collected.families.extend(sentinel::peers(&masters, &answers, self.options.sentinel_peers));
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
            let seed = if self.options.sample_seed == 0 { rounds::seed() } else { self.options.sample_seed };
            let cursor = || self.lock().sample.cursor(seed);
            let clusters = rounds::random(&self.client, &self.options, cursor, left(deadline)).await?;
            let count = clusters.iter().map(Vec::len).sum();
            self.lock().sample.add(clusters);
            count
        };
        let mut memory = self.lock();
        memory.effect.induced.0 += rounds::PTTL_HITS * found as f64;
        let held = estimate::held(info, keys);
        collected.families.extend(memory.sample.families(keys, held, self.options.names_max));
        Ok(())
    }

    /// Goes on looking for the hottest keys.
    async fn hot(&self, info: &str, deadline: Instant, collected: &mut Collected) -> Option<Failure> {
        let mut hot = std::mem::take(&mut self.lock().hot);
        let tell = |induced: keys::Induced| self.keep_induced(induced);
        let result = hot.go_on(&self.client, &self.options, Heat::of(info), left(deadline), tell).await;
        collected.families.extend(hot.families(&self.options));
        self.lock().hot = hot;
        result.err()
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
        self.keep(families, induced, collected);
        let asked = if options.key_values { keys::short(&lengths, &second) } else { Vec::new() };
        if asked.is_empty() {
            return Ok(());
        }
        let commands: Vec<Command<'_>> = asked.iter().map(<[&str; 2]>::as_slice).collect();
        let third = self.client.ask(&commands, left(deadline)).await?;
        let (families, induced) = keys::values(&self.db(), &asked, &third);
        self.keep(families, induced, collected);
        Ok(())
    }

    async fn streams(&self, deadline: Instant, collected: &mut Collected) -> Result<(), Failure> {
        let (options, db) = (self.owned_options(), self.db());
        let asked = streams::questions(&options);
        let commands: Vec<Command<'_>> = asked.iter().map(Vec::as_slice).collect();
        if commands.is_empty() {
            return Ok(());
        }
        let first = self.client.ask(&commands, left(deadline)).await?;
        let mut induced = (0.0, 0.0);
        let families = streams::parse(&options, &db, &first, &mut induced);
        self.keep(families, induced, collected);
        let groups = streams::groups(&options, &first);
        if groups.is_empty() || !options.stream_consumers {
            return Ok(());
        }
        let asked = streams::consumer_questions(&groups);
        let commands: Vec<Command<'_>> = asked.iter().map(<[&str; 4]>::as_slice).collect();
        let second = self.client.ask(&commands, left(deadline)).await?;
        let mut induced = (0.0, 0.0);
        let families = streams::consumers(&options, &db, &groups, &second, &mut induced);
        self.keep(families, induced, collected);
        Ok(())
    }

    /// Goes on with the pass over all keys.
    async fn census(&self, deadline: Instant, collected: &mut Collected) -> Option<Failure> {
        let census = std::mem::take(&mut self.lock().census);
        let (census, failure) = census::go_on(census, &self.client, &self.options, left(deadline)).await;
        collected.families.extend(census.families(&self.options, &self.db()));
        self.lock().census = census;
        failure
    }

    /// Adds the families and remembers what getting them did to the server's counters.
    fn keep(&self, families: Vec<Family>, induced: keys::Induced, collected: &mut Collected) {
        self.keep_induced(induced);
        collected.families.extend(families);
    }

    fn keep_induced(&self, induced: keys::Induced) {
        let mut memory = self.lock();
        memory.effect.induced.0 += induced.0;
        memory.effect.induced.1 += induced.1;
    }

    /// The options with the keys that the patterns found instead of the patterns, and without those that
    /// this node of a cluster does not own: these would answer an error, which the server counts.
    fn owned_options(&self) -> RedisOptions {
        let mut options = self.options.clone();
        options.keys.retain(|key| !census::is_pattern(key));
        let found: Vec<String> = self.lock().census.found().cloned().collect();
        let found: Vec<String> = found.into_iter().filter(|key| !options.keys.contains(key)).collect();
        options.keys.extend(found);
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
