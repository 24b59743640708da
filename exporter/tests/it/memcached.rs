//! memcached: the page of captured replies, and every counter against a real server's own.

use std::fmt::Write;
use std::net::TcpStream;

use hitmark_exporter::Exporter;
use hitmark_exporter::collectors::memcached::parse;
use hitmark_exporter::memcached_client::Reply;
use hitmark_exporter::options::OptionValue;
use hitmark_schema::metrics::{MEMCACHED, MEMCACHED_KEPT};
use hitmark_testkit::MemcachedServer;
use proptest::prelude::*;

use crate::support::{
    Then, answering, asks, assert_golden, complaints, encoded, exporter, find, get, here, request, sample,
};

/// The fields whose samples must equal the server's own line at any moment without traffic.
const STEADY: &[(&str, &str)] = &[
    ("get_hits", "memcached_commands_total{command=\"get\",status=\"hit\"}"),
    ("get_misses", "memcached_commands_total{command=\"get\",status=\"miss\"}"),
    ("delete_hits", "memcached_commands_total{command=\"delete\",status=\"hit\"}"),
    ("delete_misses", "memcached_commands_total{command=\"delete\",status=\"miss\"}"),
    ("incr_hits", "memcached_commands_total{command=\"incr\",status=\"hit\"}"),
    ("incr_misses", "memcached_commands_total{command=\"incr\",status=\"miss\"}"),
    ("decr_hits", "memcached_commands_total{command=\"decr\",status=\"hit\"}"),
    ("decr_misses", "memcached_commands_total{command=\"decr\",status=\"miss\"}"),
    ("cas_hits", "memcached_commands_total{command=\"cas\",status=\"hit\"}"),
    ("cas_misses", "memcached_commands_total{command=\"cas\",status=\"miss\"}"),
    ("cas_badval", "memcached_commands_total{command=\"cas\",status=\"badval\"}"),
    ("touch_hits", "memcached_commands_total{command=\"touch\",status=\"hit\"}"),
    ("touch_misses", "memcached_commands_total{command=\"touch\",status=\"miss\"}"),
    ("cmd_flush", "memcached_commands_total{command=\"flush\",status=\"hit\"}"),
    ("evictions", "memcached_items_evicted_total"),
    ("reclaimed", "memcached_items_reclaimed_total"),
    ("store_too_large", "memcached_item_too_large_total"),
    ("bytes", "memcached_current_bytes"),
    ("limit_maxbytes", "memcached_limit_bytes"),
    ("curr_items", "memcached_current_items"),
    ("total_items", "memcached_items_total"),
    ("get_hits", "cache_tier_hits_total{tier=\"memcached\"}"),
    ("get_misses", "cache_tier_misses_total{tier=\"memcached\"}"),
    ("evictions", "cache_tier_evictions_total{tier=\"memcached\"}"),
    ("bytes", "cache_tier_used_bytes{tier=\"memcached\"}"),
    ("limit_maxbytes", "cache_tier_limit_bytes{tier=\"memcached\"}"),
];

fn replies() -> Vec<Reply> {
    ["stats", "stats_settings", "stats_slabs", "stats_items"]
        .map(|name| {
            let path = here(&format!("fixtures/memcached-1.6.18/{name}.txt"));
            Reply::Lines(std::fs::read_to_string(path).unwrap().replace("END\r\n", ""))
        })
        .into()
}

async fn asking(urls: &[&str]) -> Exporter {
    exporter(asks("memcached", urls)).await
}

/// The server's own number.
fn own(stats: &str, field: &str) -> f64 {
    let line =
        stats.lines().find_map(|line| line.strip_prefix("STAT ")?.strip_prefix(field)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {field} in {stats}")).trim().parse().unwrap()
}

/// Every command, hit and miss, in numbers that no two share.
fn traffic() -> String {
    let mut lines = String::from("set a 0 0 5\r\nhello\r\nset n 0 0 1\r\n5\r\n");
    let times = |count: usize, command: &str| format!("{command}\r\n").repeat(count);
    for (count, command) in [
        (3, "get a"),
        (4, "get none"),
        (5, "incr n 1"),
        (6, "incr none 1"),
        (7, "decr n 1"),
        (8, "decr none 1"),
        (9, "touch a 0"),
        (10, "touch none 0"),
        (11, "delete none"),
        (2, "cas a 0 0 1 999999\r\nx"),
        (3, "cas none 0 0 1 1\r\nx"),
    ] {
        lines.push_str(&times(count, command));
    }
    let _ = write!(
        lines,
        "set gone 0 0 1\r\nx\r\ndelete gone\r\nset big 0 0 2000000\r\n{}\r\n",
        "x".repeat(2_000_000)
    );
    lines
}

#[test]
fn the_replies_of_memcached_1_6_become_the_page_that_is_checked_in() {
    let collected = parse(&replies()).unwrap();
    assert_eq!(collected.unreadable, 0);
    let page = encoded(&collected.families);
    assert_golden("memcached-1.6.18.prom", &page);
    assert_eq!(complaints(&page, MEMCACHED_KEPT), [""; 0]);
    for family in &collected.families {
        assert!(MEMCACHED.contains(&family.metric), "{} is not in the registry", family.metric.name);
        for sample in &family.samples {
            let labels: Vec<&str> = sample.labels.iter().map(|(name, _)| *name).collect();
            assert_eq!(labels, family.metric.labels, "{}", family.metric.name);
        }
    }
}

/// `tests/fixtures/memcached_exporter.txt` holds name, type and labels as memcached_exporter writes
/// them for a server that is no proxy.
#[test]
fn names_types_and_labels_are_those_of_memcached_exporter() {
    let theirs = std::fs::read_to_string(here("fixtures/memcached_exporter.txt")).unwrap();
    assert!(theirs.lines().count() > 80);
    let mut corrected = Vec::new();
    for line in theirs.lines() {
        let mut words = line.split(' ');
        let (name, kind) = (words.next().unwrap(), words.next().unwrap());
        let labels: Vec<&str> = words.next().map_or(Vec::new(), |labels| labels.split(',').collect());
        let ours = MEMCACHED.iter().find(|metric| metric.name == name);
        let ours = ours.unwrap_or_else(|| panic!("{name} is gone"));
        assert_eq!(ours.labels, labels, "{name}");
        if ours.kind.as_str() != kind {
            corrected.push(name);
        }
    }
    let gauges = [
        "memcached_uptime_seconds",
        "memcached_slab_items_evicted_time_seconds",
        "memcached_extstore_bytes_used",
    ];
    assert_eq!(corrected, gauges, "these go up and down, and were called counters");
}

#[tokio::test]
async fn a_probe_may_name_a_server_that_is_allowed() {
    let server = MemcachedServer::start().await.unwrap();
    let mut config = asks("memcached", &[]);
    config.probe_allow = vec!["memcached://127.0.0.1:*".to_owned()];
    let exporter = exporter(config).await;
    let (_, page) = get(&exporter, request(&format!("/probe?target={}", server.url()))).await;
    assert_eq!(sample(&page, "memcached_up"), 1.0, "{page}");
    let (status, _) = get(&exporter, request("/probe?target=memcached://10.0.0.1:11211")).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn every_counter_is_the_servers_own_and_a_scrape_adds_nothing_to_it() {
    let server = MemcachedServer::start().await.unwrap();
    server.ask(&traffic()).unwrap();
    let exporter = asking(&[&server.url()]).await;
    for _ in 0..3 {
        let page = exporter.scrape().await;
        let stats = server.ask("stats\r\n").unwrap();
        for (field, series) in STEADY {
            assert_eq!(sample(&page, series), own(&stats, field), "{series}");
        }
        let cas =
            ["cas_hits", "cas_misses", "cas_badval"].map(|field| own(&stats, field)).iter().sum::<f64>();
        let set = sample(&page, "memcached_commands_total{command=\"set\",status=\"hit\"}");
        assert_eq!(set, own(&stats, "cmd_set") - cas);
        assert_eq!(sample(&page, "memcached_up"), 1.0);
    }
    let stats = server.ask("stats\r\n").unwrap();
    let (gets, misses) = (own(&stats, "get_hits"), own(&stats, "touch_misses"));
    assert_eq!((gets, misses), (3.0, 10.0), "what the test sent and nothing more");
    let slabs = server.ask("stats slabs\r\n").unwrap();
    let items = server.ask("stats items\r\n").unwrap();
    let page = exporter.scrape().await;
    for (field, series) in [
        ("1:used_chunks", "memcached_slab_chunks_used{slab=\"1\"}"),
        ("1:get_hits", "memcached_slab_commands_total{slab=\"1\",command=\"get\",status=\"hit\"}"),
        ("1:touch_hits", "memcached_slab_commands_total{slab=\"1\",command=\"touch\",status=\"hit\"}"),
        ("total_malloced", "memcached_malloced_bytes"),
    ] {
        assert_eq!(sample(&page, series), own(&slabs, field), "{series}");
    }
    for (field, series) in [
        ("items:1:number", "memcached_slab_current_items{slab=\"1\"}"),
        ("items:1:mem_requested", "memcached_slab_mem_requested_bytes{slab=\"1\"}"),
    ] {
        assert_eq!(sample(&page, series), own(&items, field), "{series}");
    }
}

#[tokio::test]
async fn a_server_on_a_socket_of_the_machine_is_asked_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let server = MemcachedServer::start().await.unwrap();
    // memcached listens on a port or on a socket; this hands the one to the other.
    let port = server.port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut inner, mut outer) = (stream.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            let (mut back, mut forth) = (outer.try_clone().unwrap(), inner.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut forth, &mut outer));
            std::thread::spawn(move || std::io::copy(&mut back, &mut inner));
        }
    });
    let page = asking(&[&format!("unix://{}", path.display())]).await.scrape().await;
    assert_eq!(sample(&page, "memcached_up"), 1.0, "{page}");
}

#[tokio::test]
async fn five_scrapes_are_one_connection() {
    let server = MemcachedServer::start().await.unwrap();
    let exporter = asking(&[&server.url()]).await;
    let first = sample(&exporter.scrape().await, "memcached_connections_total");
    let mut last = first;
    for _ in 0..4 {
        last = sample(&exporter.scrape().await, "memcached_connections_total");
    }
    assert_eq!(last, first);
}

#[tokio::test]
async fn evictions_and_room_are_the_servers_own() {
    let server = MemcachedServer::start_with(&["-m", "4"]).await.unwrap();
    let exporter = asking(&[&server.url()]).await;
    exporter.scrape().await;
    let mut lines = String::new();
    for key in 0..3_000 {
        let _ = write!(lines, "set k{key} 0 0 4000 noreply\r\n{}\r\n", "v".repeat(4_000));
    }
    server.ask(&lines).unwrap();
    server.ask(&"get k2999\r\nget k0\r\n".repeat(10)).unwrap();
    let page = exporter.scrape().await;
    let evicted = sample(&page, "memcached_items_evicted_total");
    assert!(evicted > 100.0, "{evicted}");
    assert_eq!(evicted, own(&server.ask("stats\r\n").unwrap(), "evictions"));
    let by_class: f64 = page
        .lines()
        .filter(|line| line.starts_with("memcached_slab_items_evicted_total{"))
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum();
    assert_eq!(by_class, evicted);
    assert_eq!(sample(&page, "cache_tier_hit_ratio{tier=\"memcached\",window=\"5m\"}"), 0.5);
}

#[tokio::test]
async fn a_server_that_dies_or_hangs_is_a_sample_and_comes_back() {
    let (good, bad) = (MemcachedServer::start().await.unwrap(), MemcachedServer::start().await.unwrap());
    let exporter = asking(&[&good.url(), &bad.url()]).await;
    let up = |page: &str, server: &MemcachedServer| {
        sample(page, &format!("memcached_up{{target=\"{}\"}}", server.url()))
    };
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &good), up(&page, &bad)), (1.0, 1.0), "{page}");
    bad.pause();
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &good), up(&page, &bad)), (1.0, 0.0));
    assert!(page.contains("failures_total{collector=\"memcached\",kind=\"timeout\"} 1"), "{page}");
    bad.resume();
    // The shared work that hung ends at the same deadline as the scrape that waited for it.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(up(&exporter.scrape().await, &bad), 1.0);
    bad.kill();
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &good), up(&page, &bad)), (1.0, 0.0));
    assert!(page.contains("failures_total{collector=\"memcached\",kind=\"connect\"} 1"), "{page}");
    // The kept connection to the good one was never touched; a new run of the bad one is found.
    bad.restart().await.unwrap();
    assert_eq!(up(&exporter.scrape().await, &bad), 1.0);
    bad.restart().await.unwrap();
    assert_eq!(up(&exporter.scrape().await, &bad), 1.0, "a dead kept connection is made anew at once");
}

#[tokio::test]
async fn wrong_answers_are_failures() {
    for (bytes, then, kind) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Then::Close, "broken"),
        (b"ERROR\r\nERROR\r\nERROR\r\nERROR\r\n", Then::StayOpen, "refused"),
        (b"STAT hello world\r\nEND\r\nEND\r\nEND\r\nEND\r\n", Then::StayOpen, "answer"),
        (b"STAT pid 1\r\n", Then::Close, "broken"),
        (b"END\r\nEND\r\nEND\r\nEND\r\nEND\r\n", Then::StayOpen, "answer"),
        (b"", Then::StayOpen, "timeout"),
    ] {
        let exporter = asking(&[&answering(bytes, then)]).await;
        let page = exporter.scrape().await;
        assert_eq!(sample(&page, "memcached_up"), 0.0);
        let failure = format!("hitmark_exporter_failures_total{{collector=\"memcached\",kind=\"{kind}\"}}");
        let text = String::from_utf8_lossy(bytes);
        assert_eq!(find(&page, &failure), Some(1.0), "{text:?} {page}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let endless: &'static [u8] = Vec::leak(b"STAT a 1\r\n".repeat(300_000));
    let page = asking(&[&answering(endless, Then::StayOpen)]).await.scrape().await;
    assert!(page.contains("failures_total{collector=\"memcached\",kind=\"answer\"} 1"), "{page}");
}

#[tokio::test]
async fn a_server_with_a_password_is_asked_with_it_and_says_so_without() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "me:hunter2\n").unwrap();
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let server = MemcachedServer::start_with(&["-Y", file.path().to_str().unwrap()]).await.unwrap();
    let with = |login: &str| format!("memcached://{login}@127.0.0.1:{}", server.port());
    let page = asking(&[&with("me:hunter2")]).await.scrape().await;
    assert_eq!(sample(&page, "memcached_up"), 1.0);
    assert!(!page.contains("hunter2"), "{page}");
    for url in [with("me:wrong"), server.url()] {
        let page = asking(&[&url]).await.scrape().await;
        assert!(page.contains("failures_total{collector=\"memcached\",kind=\"credentials\"} 1"), "{page}");
    }
}

#[tokio::test]
async fn classes_can_be_switched_off() {
    let server = MemcachedServer::start().await.unwrap();
    server.ask(&traffic()).unwrap();
    let mut config = asks("memcached", &[&server.url()]);
    let options = [("slabs".to_owned(), OptionValue::Flag(false))].into();
    config.modules = [("default".to_owned(), [("memcached".to_owned(), options)].into())].into();
    let page = exporter(config).await.scrape().await;
    assert!(page.contains("memcached_current_items 2") && !page.contains("memcached_slab_"), "{page}");
}

#[tokio::test]
async fn the_external_store_is_told_where_it_is_on() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let store = format!("ext_path={}:64m", directory.path().join("store").display());
    let server = MemcachedServer::start_with(&["-o", &store]).await.unwrap();
    let page = asking(&[&server.url()]).await.scrape().await;
    let stats = server.ask("stats\r\n").unwrap();
    for (field, series) in [
        ("extstore_limit_maxbytes", "memcached_extstore_bytes_limit"),
        ("extstore_pages_free", "memcached_extstore_pages_free"),
        ("extstore_pages_used", "memcached_extstore_pages_used"),
        ("extstore_page_allocs", "memcached_extstore_pages_allocated_total"),
    ] {
        assert_eq!(sample(&page, series), own(&stats, field), "{series}");
    }
    assert!(own(&stats, "extstore_limit_maxbytes") > 0.0);
}

proptest! {
    #[test]
    fn any_replies_are_a_page_or_an_error(texts in prop::collection::vec("(STAT (items:)?[0-9]{0,3}:?[a-z_]{0,12} .{0,12}\r\n){0,9}", 0..5)) {
        let replies: Vec<Reply> = texts.into_iter().map(Reply::Lines).collect();
        if let Ok(collected) = parse(&replies) {
            for line in encoded(&collected.families).lines().filter(|line| !line.starts_with('#')) {
                let value: f64 = line.rsplit_once(' ').unwrap().1.parse().unwrap();
                prop_assert!(value.is_finite(), "{line}");
            }
        }
    }
}
