//! The workers that were heard of: by their heartbeats, and by what they answered.
//!
//! The label is the host, as celery-exporter has it: several workers of one host share a sample,
//! which is 1 only if all of them are up.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{
    CELERY_ACTIVE_PROCESS_COUNT, CELERY_ACTIVE_WORKER_COUNT, CELERY_WORKER_TASKS_ACTIVE, CELERY_WORKER_UP,
};

use super::control::Answers;

/// Most workers that are remembered.
const WORKERS_MAX: usize = 1_000;
/// A worker that was not heard of for this long is down; its heart beats every two seconds.
const SILENT_MAX: Duration = Duration::from_secs(60);
/// A worker that is down is forgotten after this long, as celery-exporter forgets it.
const GONE_AFTER: Duration = Duration::from_secs(600);

#[derive(Debug)]
struct Worker {
    heard: Instant,
    is_up: bool,
    active: Option<u64>,
}

/// Workers by their full name, and who consumes what.
#[derive(Debug)]
pub(crate) struct Workers {
    silent_max: Duration,
    known: BTreeMap<String, Worker>,
    /// Queue to the processes of each worker that consumes it.
    consumers: BTreeMap<String, Vec<u64>>,
}

impl Default for Workers {
    fn default() -> Self {
        Self { silent_max: SILENT_MAX, known: BTreeMap::new(), consumers: BTreeMap::new() }
    }
}

impl Workers {
    /// Workers that may be heard of only when they are asked, this often.
    pub(crate) fn asked_every(every: Duration) -> Self {
        Self { silent_max: SILENT_MAX.max(2 * every + Duration::from_secs(5)), ..Self::default() }
    }

    /// A worker said that it is up, perhaps how many tasks it runs, or that it goes.
    pub(crate) fn heard(&mut self, name: &str, is_up: bool, active: Option<u64>, now: Instant) {
        self.known.retain(|_, worker| now.duration_since(worker.heard) < GONE_AFTER);
        if let Some(worker) = self.known.get_mut(name) {
            *worker = Worker { heard: now, is_up, active: active.or(worker.active) };
        } else if self.known.len() < WORKERS_MAX {
            self.known.insert(name.to_owned(), Worker { heard: now, is_up, active });
        }
    }

    /// Nobody could be heard for a while: who was up then gets time to speak.
    pub(crate) fn listen_anew(&mut self, now: Instant) {
        self.known.values_mut().for_each(|worker| worker.heard = now);
    }

    /// What the workers answered on the control bus.
    pub(crate) fn answered(&mut self, answers: &Answers, now: Instant) {
        for (name, answer) in &answers.by_worker {
            self.heard(name, true, answer.active, now);
        }
        self.consumers.clear();
        for answer in answers.by_worker.values() {
            for queue in &answer.queues {
                self.consumers.entry(queue.clone()).or_default().push(answer.processes.unwrap_or(0));
            }
        }
    }

    /// How many workers consume the queue, if any worker ever answered.
    pub(crate) fn consuming(&self, queue: &str) -> u64 {
        self.consumers.get(queue).map_or(0, |workers| workers.len() as u64)
    }

    /// Who is up and what they run.
    pub(crate) fn families(&self, now: Instant) -> Vec<Family> {
        let mut hosts: BTreeMap<&str, (bool, u64, bool)> = BTreeMap::new();
        for (name, worker) in &self.known {
            let is_up = worker.is_up && now.duration_since(worker.heard) < self.silent_max;
            let host = hosts.entry(host_of(name)).or_insert((true, 0, false));
            host.0 &= is_up;
            host.1 += if is_up { worker.active.unwrap_or(0) } else { 0 };
            host.2 |= worker.active.is_some();
        }
        let (mut up, mut active) = (Family::new(CELERY_WORKER_UP), Family::new(CELERY_WORKER_TASKS_ACTIVE));
        for (host, (is_up, tasks, is_known)) in hosts {
            up.push(&[("hostname", host)], f64::from(u8::from(is_up)));
            if is_known {
                active.push(&[("hostname", host)], tasks as f64);
            }
        }
        vec![up, active]
    }

    /// Who consumes the queues; a queue that nobody consumes has 0.
    pub(crate) fn consumer_families(&self, queues: &[&str]) -> Vec<Family> {
        let (mut workers, mut processes) =
            (Family::new(CELERY_ACTIVE_WORKER_COUNT), Family::new(CELERY_ACTIVE_PROCESS_COUNT));
        let names: BTreeSet<&str> =
            queues.iter().copied().chain(self.consumers.keys().map(String::as_str)).collect();
        for queue in names {
            let of_queue = self.consumers.get(queue).map_or(&[][..], Vec::as_slice);
            workers.push(&[("queue_name", queue)], of_queue.len() as f64);
            processes.push(&[("queue_name", queue)], of_queue.iter().sum::<u64>() as f64);
        }
        vec![workers, processes]
    }
}

/// The host in `celery@host`.
pub(crate) fn host_of(name: &str) -> &str {
    name.split_once('@').map_or(name, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(workers: &Workers, now: Instant) -> Vec<(String, String)> {
        let page = |family: &Family| {
            let mut page = String::new();
            hitmark_schema::exposition::encode([family], &mut page);
            page
        };
        let families = workers.families(now);
        vec![(page(&families[0]), page(&families[1]))]
    }

    #[test]
    fn a_host_is_up_only_if_all_its_workers_are() {
        let (mut workers, now) = (Workers::default(), Instant::now());
        workers.heard("one@a", true, Some(2), now);
        workers.heard("two@a", true, Some(3), now);
        let (is_up, active) = up(&workers, now).remove(0);
        assert!(is_up.contains("celery_worker_up{hostname=\"a\"} 1\n"), "{is_up}");
        assert!(active.contains("celery_worker_tasks_active{hostname=\"a\"} 5\n"), "{active}");
        workers.heard("two@a", false, None, now);
        let (is_up, active) = up(&workers, now).remove(0);
        assert!(
            is_up.contains("{hostname=\"a\"} 0\n") && active.contains("{hostname=\"a\"} 2\n"),
            "{is_up}{active}"
        );
    }

    #[test]
    fn a_silent_worker_is_down_then_forgotten_unless_we_could_not_listen() {
        let (mut workers, start) = (Workers::default(), Instant::now());
        workers.heard("one@a", true, None, start);
        let later = |seconds| start + Duration::from_secs(seconds);
        assert!(up(&workers, later(59))[0].0.contains(" 1\n"));
        assert!(up(&workers, later(61))[0].0.contains(" 0\n"));
        workers.listen_anew(later(300));
        assert!(up(&workers, later(301))[0].0.contains(" 1\n"));
        workers.heard("two@b", true, None, later(1_000));
        assert!(!up(&workers, later(1_000))[0].0.contains("\"a\""));
    }
}
