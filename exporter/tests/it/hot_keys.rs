//! Hot keys of a real server that keeps LFU counters, with a reader whose choices follow Zipf's law.

use std::fmt::Write;

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::RedisServer;

use crate::support::{commands, exporter, find, sample, with_redis_options};

const KEYS: usize = 2_000;

/// Keys of two prefixes; of `hot`, the key with the number n is read by Zipf's law, and `cold` hardly ever.
async fn read_by_zipf(policy: &str) -> RedisServer {
    // A log factor of 1 lets the counters tell thousands of reads from hundreds.
    let server = RedisServer::start_with(&[
        "--maxmemory",
        "200mb",
        "--maxmemory-policy",
        policy,
        "--lfu-log-factor",
        "1",
    ])
    .await
    .unwrap();
    let mut lines = Vec::new();
    for key in 0..KEYS {
        lines.push(format!("SET hot:{key} x"));
        lines.push(format!("SET cold:{key} x"));
    }
    // The most read key has the number 700, the next one 701, and so on: not the order of their making.
    for rank in 0..KEYS {
        let reads = 4_000 / (rank + 1);
        lines.extend(std::iter::repeat_n(format!("GET hot:{}", (rank + 700) % KEYS), reads));
    }
    lines.extend((0..20).map(|key| format!("GET cold:{key}")));
    commands(server.port(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    server
}

fn options(names: bool) -> Vec<(&'static str, OptionValue)> {
    vec![
        ("hot_keys", OptionValue::Number(5.0)),
        // Enough for the whole pass in one scrape on a busy machine.
        ("hot_ms", OptionValue::Number(1_000.0)),
        ("hot_key_names", OptionValue::Flag(names)),
    ]
}

#[tokio::test]
async fn the_most_read_keys_and_prefix_are_found_and_no_key_is_named_unasked() {
    let server = read_by_zipf("allkeys-lfu").await;
    let quiet = exporter(with_redis_options(server.url(), &options(false))).await;
    let named = exporter(with_redis_options(server.url(), &options(true))).await;
    let (mut page, mut with_names) = (String::new(), String::new());
    for _ in 0..60 {
        page = quiet.scrape().await;
        with_names = named.scrape().await;
        if [&page, &with_names].iter().all(|page| sample(page, "redis_hot_key_passes_total") > 0.0) {
            break;
        }
    }
    let rank = |prefix: &str, rank: u32| {
        sample(&page, &format!("redis_hot_key_frequency{{prefix=\"{prefix}\",rank=\"{rank}\"}}"))
    };
    assert!(rank("hot", 1) > 2.0 * rank("cold", 1), "{page}");
    assert!((1..5).all(|place| rank("hot", place) >= rank("hot", place + 1)));
    assert_eq!(find(&page, "redis_hot_key_frequency{prefix=\"hot\",rank=\"6\"}"), None);
    let mean = |prefix: &str| sample(&page, &format!("redis_prefix_mean_frequency{{prefix=\"{prefix}\"}}"));
    assert!(mean("hot") > mean("cold"), "{page}");
    assert!(!page.contains("hot:7") && !page.contains("cold:1"), "names of keys stay with us:\n{page}");

    // The counters are random, and the most read key is read twice as often as the next: it is among the
    // first three, and the first five are among the ten that are read most.
    let mut found = String::new();
    for place in 1..=5 {
        let start = format!("redis_hot_key_info{{prefix=\"hot\",rank=\"{place}\",key=\"hot:");
        let line = with_names.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
        let number: usize = line.split('"').next().unwrap().parse().unwrap();
        assert!((700..715).contains(&number), "rank {place} is hot:{number}");
        write!(found, "{number} ").unwrap();
    }
    assert!(found.split(' ').take(3).any(|number| number == "700"), "{found}");
}

#[tokio::test]
async fn looking_for_hot_keys_moves_neither_the_counters_nor_the_application_figures() {
    let server = read_by_zipf("allkeys-lfu").await;
    let exporter = exporter(with_redis_options(server.url(), &options(true))).await;
    let first = exporter.scrape().await;
    let mut last = String::new();
    for _ in 0..5 {
        last = exporter.scrape().await;
    }
    for name in ["redis_app_keyspace_hits_total", "redis_app_keyspace_misses_total"] {
        assert_eq!(sample(&last, name), sample(&first, name), "{name}: nobody else looked anything up");
    }
    assert!(sample(&last, "redis_keyspace_hits_total") > sample(&first, "redis_keyspace_hits_total"));
    assert!(!last.contains("redis_errors_total{err=\"ERR\"}"), "no question was an error: {last}");
    let series = "redis_hot_key_frequency{prefix=\"hot\",rank=\"1\"}";
    assert!(sample(&last, series) <= sample(&first, series), "OBJECT does not warm what it looks at");
}

#[tokio::test]
async fn without_an_lfu_policy_the_times_of_last_use_are_told() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["SET a:1 x", "SET a:2 x", "SET b:1 x", "SET alone x"]);
    let exporter = exporter(with_redis_options(server.url(), &options(false))).await;
    exporter.scrape().await;
    let page = exporter.scrape().await;
    for (prefix, ranks) in [("a", 2), ("b", 1), ("other", 1)] {
        for rank in 1..=ranks {
            sample(&page, &format!("redis_hot_key_idle_seconds{{prefix=\"{prefix}\",rank=\"{rank}\"}}"));
        }
    }
    assert!(sample(&page, "redis_prefix_mean_idle_seconds{prefix=\"a\"}") < 60.0);
    assert!(!page.contains("redis_hot_key_frequency{") && !page.contains("redis_hot_key_info{"), "{page}");

    commands(server.port(), &["CONFIG SET maxmemory-policy allkeys-lfu"]);
    let page = exporter.scrape().await;
    sample(&page, "redis_hot_key_frequency{prefix=\"a\",rank=\"2\"}");
    assert!(!page.contains("redis_hot_key_idle_seconds{"), "what was kept belongs to the old policy: {page}");
}
