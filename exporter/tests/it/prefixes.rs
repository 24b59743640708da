//! Memory by prefix on a real server where few keys hold most of it, and Redis as a cache tier.

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::RedisServer;

use crate::support::{commands, config, exporter, sample, with_redis_options};

/// Of each prefix, every hundredth key is large: a sample of a thousand keys meets ten of them.
async fn skewed() -> RedisServer {
    let server = RedisServer::start().await.unwrap();
    let mut lines = Vec::new();
    for key in 0..20_000 {
        let prefix =
            ["user", "user", "user", "page", "page", "page", "page", "page", "page", "feed"][key % 10];
        let length = if (key / 10).is_multiple_of(100) { 10_000 } else { 50 };
        lines.push(format!("SET {prefix}:{key} {}", "x".repeat(length)));
    }
    commands(server.port(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    server
}

/// The bar of issue 5 is 45 of 50; the same trials with fixed places of all keys are unit tests. Here
/// the server chooses the places anew in each run, so the test fails where nine in ten is refuted.
#[tokio::test]
async fn where_few_keys_hold_most_of_the_memory_nine_in_ten_intervals_hold_the_truth() {
    let server = skewed().await;
    let census = [("key_groups", OptionValue::Flag(true)), ("census_ms", OptionValue::Number(1_000.0))];
    let counting = exporter(with_redis_options(server.url(), &census)).await;
    let mut counted = counting.scrape().await;
    while !counted.contains("redis_key_group_count{") {
        counted = counting.scrape().await;
    }
    let prefixes = ["user", "page", "feed"];
    let of_census = |what: &str, prefix: &str| {
        sample(&counted, &format!("redis_key_group_{what}{{db=\"db0\",key_group=\"{prefix}\"}}"))
    };
    let total: f64 = prefixes.iter().map(|prefix| of_census("memory_usage_bytes", prefix)).sum();
    let (mut held, mut intervals) = (0, 0);
    for seed in 1..=50 {
        let options = [
            ("sample_keys", OptionValue::Number(1_000.0)),
            ("sample_ms", OptionValue::Number(1_000.0)),
            ("sample_seed", OptionValue::Number(f64::from(seed))),
        ];
        let page = exporter(with_redis_options(server.url(), &options)).await.scrape().await;
        let mut estimated = sample(&page, "redis_prefix_memory_unseen_bytes");
        for prefix in prefixes {
            let of = |name: &str| sample(&page, &format!("redis_prefix_{name}{{prefix=\"{prefix}\"}}"));
            estimated += of("memory_bytes");
            for (low, high, truth) in [
                (of("keys_low"), of("keys_high"), of_census("count", prefix)),
                (of("memory_low_bytes"), of("memory_high_bytes"), of_census("memory_usage_bytes", prefix)),
            ] {
                intervals += 1;
                held += i32::from((low..=high).contains(&truth));
            }
        }
        assert!(estimated > 0.95 * total, "what is not estimated is told as unseen: {estimated} of {total}");
    }
    assert!(held * 10 >= intervals * 9, "{held} of {intervals}");
}

#[tokio::test]
async fn redis_is_a_cache_tier_and_says_which_evictions_came_before_their_time() {
    let server =
        RedisServer::start_with(&["--maxmemory", "3mb", "--maxmemory-policy", "volatile-lru"]).await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    exporter.scrape().await;
    let fill = |ttl: &str, name: &str| {
        let lines: Vec<String> =
            (0..3_000).map(|key| format!("SET {name}:{key} {}{ttl}", "x".repeat(1_000))).collect();
        commands(server.port(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    fill(" EX 5000", "session");
    commands(server.port(), &["GET session:2999", "GET absent"]);
    let page = exporter.scrape().await;
    let tier = |page: &str, name: &str| sample(page, &format!("cache_tier_{name}{{tier=\"redis\"}}"));
    let evicted = sample(&page, "redis_evicted_keys_total");
    assert!(evicted > 0.0, "{page}");
    assert_eq!(tier(&page, "evictions_total"), evicted);
    assert_eq!(tier(&page, "evicted_unexpired_total"), evicted, "each had an hour and more left");
    assert_eq!(tier(&page, "evicted_unclear_total"), 0.0);
    assert_eq!(tier(&page, "hits_total"), sample(&page, "redis_app_keyspace_hits_total"));
    assert_eq!(sample(&page, "cache_tier_hit_ratio{tier=\"redis\",window=\"5m\"}"), 0.5);
    assert_eq!(tier(&page, "limit_bytes"), 3.0 * 1_048_576.0);
    assert_eq!(tier(&page, "headroom_bytes"), sample(&page, "redis_memory_headroom_bytes"));

    // Keys with and without a time to live under a policy that takes either: nobody can tell.
    commands(server.port(), &["CONFIG SET maxmemory-policy allkeys-lru"]);
    let middle = exporter.scrape().await;
    fill("", "page");
    let later = exporter.scrape().await;
    // The scrape itself needs room, so the server may have evicted some more of the old ones.
    let evicted = sample(&middle, "redis_evicted_keys_total");
    let new = sample(&later, "redis_evicted_keys_total") - evicted;
    assert!(new > 0.0);
    assert_eq!(tier(&later, "evicted_unexpired_total"), evicted);
    assert_eq!(tier(&later, "evicted_unclear_total"), new);
}
