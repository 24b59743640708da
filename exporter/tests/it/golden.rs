//! Replies captured from real servers become exactly the page that is checked in.

use std::fs;

use hitmark_exporter::collectors::redis::parse;
use hitmark_exporter::redis_client::Reply;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self, Kind, Metric, REDIS_KEPT};
use proptest::prelude::*;

use crate::support::{assert_golden, complaints, encoded as page, here};

/// A time that no fixture depends on.
const NOW: u64 = 0;

/// The replies to the collector's commands, as one server gave them.
fn replies(server: &str) -> Vec<Reply> {
    let file = |name: &str| fs::read(here(&format!("fixtures/{server}/{name}.txt"))).unwrap();
    let mut replies = vec![Reply::Text(String::from_utf8(file("info")).unwrap())];
    for name in ["config_max", "config_databases", "slowlog_len", "slowlog_get"] {
        replies.push(Reply::from_resp(&file(name)).unwrap());
    }
    replies
}

#[test]
fn the_replies_of_redis_7_0_become_the_page_that_is_checked_in() {
    let collected = parse(&replies("redis-7.0"), NOW).unwrap();
    assert_eq!(collected.unreadable, 0);
    assert_golden("redis-7.0.prom", &page(&collected.families));
}

/// The other versions that the exporter promises, captured from servers that really ran.
const OTHERS: [&str; 4] = ["redis-6.2", "redis-8.2", "valkey-8.1", "valkey-9.1"];

#[test]
fn the_replies_of_other_versions_become_the_pages_that_are_checked_in() {
    for server in OTHERS {
        let collected = parse(&replies(server), NOW).unwrap();
        assert_eq!(collected.unreadable, 0, "{server}");
        let page = page(&collected.families);
        assert_golden(&format!("{server}.prom"), &page);
        assert_eq!(complaints(&page, REDIS_KEPT), [""; 0], "{server}");
    }
}

#[test]
fn each_sample_has_the_labels_that_the_registry_promises() {
    for family in parse(&replies("redis-7.0"), NOW).unwrap().families {
        assert!(
            metrics::all().any(|metric| *metric == family.metric),
            "{} is not in the registry",
            family.metric.name
        );
        for sample in &family.samples {
            let labels: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
            assert_eq!(labels, family.metric.labels, "{}", family.metric.name);
        }
    }
}

/// `tests/fixtures/redis_exporter-1.45.txt` holds name, type and labels as redis_exporter 1.45 wrote
/// them for the same kind of server. A dashboard made for it finds here what it found there.
#[test]
fn names_types_and_labels_are_those_of_redis_exporter() {
    let theirs = fs::read_to_string(here("fixtures/redis_exporter-1.45.txt")).unwrap();
    for line in theirs.lines() {
        let mut words = line.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let mut wanted: Vec<&str> = words.next().map_or(Vec::new(), |labels| labels.split(',').collect());
        if name == "redis_instance_info" {
            // Its newer versions added this one.
            wanted.push("master_replid");
        }
        let ours =
            metrics::all().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is gone"));
        let mut labels = ours.labels.to_vec();
        labels.sort_unstable();
        wanted.sort_unstable();
        assert_eq!((ours.kind.as_str(), labels), (kind, wanted), "{name}");
    }
}

#[test]
fn promtool_complains_of_names_kept_for_compatibility_and_of_nothing_else() {
    let families = parse(&replies("redis-7.0"), NOW).unwrap().families;
    assert_eq!(complaints(&page(&families), REDIS_KEPT), [""; 0]);
}

/// The servers that tests can start do not write all of them.
#[test]
fn promtool_complains_of_no_name_in_the_registry_but_those_kept() {
    let single = |metric: &&Metric| matches!(metric.kind, Kind::Counter | Kind::Gauge);
    let metrics = [metrics::REDIS, metrics::REDIS_NEWER, metrics::REDIS_MODULES].concat();
    let families: Vec<Family> = metrics
        .iter()
        .filter(single)
        .map(|metric| {
            let labels: Vec<_> = metric.labels.iter().map(|label| (*label, "x")).collect();
            Family::new(*metric).with(&labels, 1.0)
        })
        .collect();
    assert!(families.len() > 400, "{}", families.len());
    assert_eq!(complaints(&page(&families), REDIS_KEPT), [""; 0]);
}

/// What redis_exporter tells of a server like ours beyond its 1.45: names of `INFO` fields, of
/// percentiles and histograms, of replicas, keys and streams.
#[test]
fn every_name_and_type_of_the_newer_redis_exporter_is_here() {
    let theirs = fs::read_to_string(here("fixtures/redis_exporter-newer.txt")).unwrap();
    assert!(theirs.lines().count() > 80);
    for line in theirs.lines() {
        let (name, kind) = line.split_once(' ').unwrap();
        let ours =
            metrics::all().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{name} is gone"));
        assert_eq!(ours.kind.as_str(), kind, "{name}");
    }
}

#[test]
fn rights_that_are_missing_leave_samples_out_and_break_nothing() {
    let mut replies = replies("redis-7.0");
    for reply in &mut replies[1..] {
        *reply = Reply::Refused("NOPERM this user has no permissions".to_owned());
    }
    let collected = parse(&replies, NOW).unwrap();
    let page = page(&collected.families);
    assert_eq!(collected.unreadable, 0, "what is refused is not unreadable");
    assert!(page.contains("redis_keyspace_hits_total ") && !page.contains("redis_slowlog"), "{page}");
    assert!(page.contains("redis_db_keys{db=\"db3\"} 2") && !page.contains("db=\"db1\""), "{page}");
}

#[test]
fn an_answer_that_is_not_info_is_an_error() {
    for (reply, kind) in [
        (Reply::Refused("NOAUTH Authentication required.".to_owned()), "refused"),
        (Reply::Text("<html>hello: world</html>".to_owned()), "answer"),
        (Reply::Text(String::new()), "answer"),
        (Reply::Nil, "answer"),
        (Reply::Int(3), "answer"),
    ] {
        assert_eq!(parse(&[reply], NOW).unwrap_err().kind(), kind);
    }
    assert_eq!(parse(&[], NOW).unwrap_err().kind(), "answer");
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let leaf = prop_oneof![
        Just(Reply::Nil),
        any::<i64>().prop_map(Reply::Int),
        any::<String>().prop_map(Reply::Text),
        any::<String>().prop_map(Reply::Refused),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| prop::collection::vec(inner, 0..6).prop_map(Reply::List))
}

/// Lines that look like `INFO`'s, with values that may make no sense.
fn any_info() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        Just("used_memory".to_owned()),
        Just("uptime_in_seconds".to_owned()),
        Just("role".to_owned()),
        "cmdstat_[a-z|]{0,6}",
        "errorstat_[A-Z]{0,4}",
        "db[0-9]{0,12}",
        "db[0-9]{0,7}_distrib_[a-z_]{0,9}",
        "(io_thread|engine|used_active_time_io_thread)_[0-9x]{0,7}",
        "tls_(server|ca)_cert_(serial|expires_in_seconds)",
        ".{0,12}",
    ];
    let value = prop_oneof![
        "[0-9]{0,24}",
        "([0-9]{0,20}[KMGTPE]?=[0-9.]{0,24},){0,4}",
        "(calls|clients|used_memory)=[0-9.e-]{0,30}",
        "(calls|usec|keys|count)=[0-9.e-]{0,9},avg_ttl=-?[0-9]{0,30}",
        ".{0,20}"
    ];
    prop::collection::vec((field, value), 0..40)
        .prop_map(|lines| lines.iter().map(|(field, value)| format!("{field}:{value}\r\n")).collect())
}

proptest! {
    #[test]
    fn any_bytes_are_samples_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Reply::from_resp(&bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let _ = parse(&[Reply::Text(text)], NOW);
    }

    #[test]
    fn any_replies_are_a_page_that_holds_only_finite_numbers(
        info in any_info(),
        others in prop::collection::vec(any_reply(), 0..5),
    ) {
        let mut replies = vec![Reply::Text(info)];
        replies.extend(others);
        if let Ok(collected) = parse(&replies, NOW) {
            let page = page(&collected.families);
            for line in page.lines().filter(|line| !line.starts_with('#')) {
                let value: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
                prop_assert!(value.is_finite(), "{line}");
            }
        }
    }
}
