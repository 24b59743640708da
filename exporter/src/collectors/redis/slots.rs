//! The busiest and fullest slots of a node of a cluster, from `CLUSTER SLOT-STATS` (Redis 8.2, Valkey 8.0).
//!
//! All 16,384 slots would be 65,536 series, so the server sorts and tells the first few by each figure.
//! It keeps figures other than the number of keys only if `cluster-slot-stats-enabled` is on; asked for
//! them without that, it would count an error, so that is asked first.

use std::collections::BTreeMap;
use std::time::Instant;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::{RedisCollector, info, left, pairs, pairs_of};
use crate::collectors::Collected;
use crate::failure::Failure;
use crate::redis_client::{Command, Reply};

/// The figures; the first is always there.
const FIGURES: &[(&str, Metric)] = &[
    ("key-count", m::REDIS_CLUSTER_SLOT_KEYS),
    ("cpu-usec", m::REDIS_CLUSTER_SLOT_CPU),
    ("network-bytes-in", m::REDIS_CLUSTER_SLOT_INPUT),
    ("network-bytes-out", m::REDIS_CLUSTER_SLOT_OUTPUT),
];
const ENABLED: &str = "cluster-slot-stats-enabled";

/// Whether the server is a node of a cluster and knows the command.
pub(super) fn are_there(info: &str) -> bool {
    let is_new = match info::version(info, "valkey_version") {
        (None, _) => info::version(info, "redis_version") >= (Some(8), Some(2)),
        of_valkey => of_valkey >= (Some(8), Some(0)),
    };
    is_new && info::field(info, "cluster_enabled") == Some("1")
}

impl RedisCollector {
    /// Asks which figures the server keeps, then for the first slots by each.
    pub(super) async fn slot_stats(
        &self,
        deadline: Instant,
        collected: &mut Collected,
    ) -> Result<(), Failure> {
        let settings = self.client.ask(&[&["CONFIG", "GET", ENABLED]], left(deadline)).await?;
        let all = pairs(settings.first()).any(|setting| setting == (ENABLED, "yes"));
        let count = self.options.slot_stats.to_string();
        let figures = &FIGURES[..if all { FIGURES.len() } else { 1 }];
        let questions: Vec<[&str; 7]> = figures
            .iter()
            .map(|(figure, _)| ["CLUSTER", "SLOT-STATS", "ORDERBY", *figure, "LIMIT", &count, "DESC"])
            .collect();
        let commands: Vec<Command<'_>> = questions.iter().map(<[&str; 7]>::as_slice).collect();
        let replies = self.client.ask(&commands, left(deadline)).await?;
        collected.families.extend(parse(&replies));
        Ok(())
    }
}

/// Reads lists of a slot and its figures. A slot that is among the first by several is told once.
fn parse(replies: &[Reply]) -> Vec<Family> {
    let mut slots: BTreeMap<i64, &Reply> = BTreeMap::new();
    for reply in replies {
        let Reply::List(entries) = reply else { continue };
        for entry in entries {
            if let Reply::List(parts) = entry
                && let [Reply::Int(slot), figures, ..] = parts.as_slice()
            {
                slots.insert(*slot, figures);
            }
        }
    }
    let mut families: Vec<Family> = FIGURES.iter().map(|(_, metric)| Family::new(*metric)).collect();
    for (slot, figures) in slots {
        let slot = slot.to_string();
        for (name, value) in pairs_of(figures) {
            let (Reply::Text(name), Reply::Int(value)) = (name, value) else { continue };
            if let Some(place) = FIGURES.iter().position(|(figure, _)| figure == name) {
                families[place].push(&[("slot", &slot)], *value as f64);
            }
        }
    }
    families
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nodes_of_clusters_that_know_the_command_are_asked() {
        for (info, wanted) in [
            ("redis_version:8.2.3\r\ncluster_enabled:1\r\n", true),
            ("redis_version:8.2.3\r\ncluster_enabled:0\r\n", false),
            ("redis_version:8.0.1\r\ncluster_enabled:1\r\n", false),
            ("redis_version:7.2.4\r\nvalkey_version:8.0.0\r\ncluster_enabled:1\r\n", true),
            ("redis_version:7.2.4\r\nvalkey_version:7.2.9\r\ncluster_enabled:1\r\n", false),
            ("redis_version:7.0.15\r\ncluster_enabled:1\r\n", false),
        ] {
            assert_eq!(are_there(info), wanted, "{info}");
        }
    }

    #[test]
    fn a_slot_is_told_once_with_all_its_figures() {
        let text = |text: &str| Reply::Text(text.to_owned());
        let slot = |slot, keys| {
            let figures = vec![
                text("key-count"),
                Reply::Int(keys),
                text("cpu-usec"),
                Reply::Int(67),
                text("new"),
                Reply::Int(1),
            ];
            Reply::List(vec![Reply::Int(slot), Reply::List(figures)])
        };
        let replies = [
            Reply::List(vec![slot(3_300, 4), slot(7, 2)]),
            Reply::List(vec![slot(3_300, 4), Reply::Nil]),
            Reply::Refused("ERR Unrecognized sort metric for ORDERBY.".to_owned()),
        ];
        let mut page = String::new();
        hitmark_schema::exposition::encode(&parse(&replies), &mut page);
        let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        let wanted = [
            "redis_cluster_slot_key_count{slot=\"7\"} 2",
            "redis_cluster_slot_key_count{slot=\"3300\"} 4",
            "redis_cluster_slot_cpu_usec_total{slot=\"7\"} 67",
            "redis_cluster_slot_cpu_usec_total{slot=\"3300\"} 67",
        ];
        assert_eq!(samples, wanted);
    }
}
