//! The slow log without loss, keys without a trace, probes, formats: against a real server.

use std::time::Duration;

use axum::http::{StatusCode, header};
use hitmark_exporter::Exporter;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{RedisServer, free_port};

use crate::support::{commands, config, exporter, find, get, request, sample, with_redis_options};

/// The sum of a family over its labels.
fn sum(page: &str, name: &str) -> f64 {
    let lines = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// The bar of issue 5: bursts larger than the log, small ones, and none.
#[tokio::test]
async fn ten_thousand_slow_commands_in_bursts_are_counted_or_lost_and_none_twice() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    exporter.scrape().await;
    commands(server.port(), &["CONFIG SET slowlog-log-slower-than 0"]);
    // From here on every command is slow, the exporter's and these connections' own too: the last id
    // of the log is the truth.
    let first = sample(&exporter.scrape().await, "redis_slowlog_last_id");
    let before = exporter.scrape().await;
    let mut done = 0;
    for scrape in 0..100 {
        let burst = [0, 3, 40, 300, 157][scrape % 5];
        commands(server.port(), &vec!["ECHO slow-argument"; burst]);
        done += burst;
        exporter.scrape().await;
    }
    let page = exporter.scrape().await;
    assert_eq!(done, 10_000);
    let grown = |name: &str| sum(&page, name) - sum(&before, name);
    let ids = sample(&page, "redis_slowlog_last_id") - sample(&before, "redis_slowlog_last_id");
    assert_eq!(grown("redis_slowlog_entries_total") + grown("redis_slowlog_lost_total"), ids);
    assert!(grown("redis_slowlog_lost_total") > 0.0, "bursts of 300 do not fit into 128 entries");
    assert!(ids >= 10_000.0 && first >= 0.0);
    assert!(sample(&page, "redis_slowlog_entries_total{cmd=\"ECHO\"}") > 3_000.0, "{page}");
    assert!(!page.contains("slow-argument"), "arguments never leave");
}

#[tokio::test]
async fn configured_keys_are_told_and_their_lookups_are_subtracted() {
    let server = RedisServer::start().await.unwrap();
    commands(
        server.port(),
        &["SET s abc", "RPUSH l 1 2", "SADD t a b c", "XADD x * f v", "XADD x * f v", "XGROUP CREATE x g 0"],
    );
    commands(server.port(), &["XREADGROUP GROUP g c COUNT 1 STREAMS x >", "GET s", "GET gone"]);
    let list = |names: &[&str]| OptionValue::List(names.iter().map(|name| (*name).to_owned()).collect());
    let options = [
        ("keys", list(&["s", "l", "t", "absent"])),
        ("streams", list(&["x", "absent"])),
        ("clients", OptionValue::Flag(true)),
    ];
    let exporter = exporter(with_redis_options(server.url(), &options)).await;
    let first = exporter.scrape().await;
    for _ in 0..5 {
        exporter.scrape().await;
    }
    let page = exporter.scrape().await;
    let key = |name: &str| sample(&page, &format!("redis_key_size{{db=\"db0\",key=\"{name}\"}}"));
    assert_eq!((key("s"), key("l"), key("t")), (3.0, 2.0, 3.0));
    assert!(!page.contains("key=\"absent\""), "a key that is not there has no length");
    assert_eq!(sample(&page, "redis_stream_length{db=\"db0\",stream=\"x\"}"), 2.0);
    let group = "{db=\"db0\",stream=\"x\",group=\"g\"}";
    assert_eq!(sample(&page, &format!("redis_stream_group_messages_pending{group}")), 1.0);
    assert_eq!(sample(&page, &format!("redis_stream_group_lag{group}")), 1.0);
    assert_eq!(sample(&page, "redis_clients{name=\"hitmark-exporter\"}"), 1.0);
    for name in ["redis_app_keyspace_hits_total", "redis_app_keyspace_misses_total"] {
        assert_eq!(sample(&page, name), sample(&first, name), "{name}: nobody else looked anything up");
    }
    assert!(sample(&page, "redis_keyspace_hits_total") > sample(&first, "redis_keyspace_hits_total"));
}

#[tokio::test]
async fn a_probe_asks_what_is_allowed_and_nothing_else() {
    let server = RedisServer::start_with(&["--requirepass", "hunter2"]).await.unwrap();
    let port = server.port();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("passwords.json");
    std::fs::write(&file, format!("{{\"redis://127.0.0.1:{port}\":\"hunter2\"}}")).unwrap();
    let mut config = config([]);
    config.probe_allow = vec!["redis://127.0.0.1:*".to_owned()];
    config.password_file = Some(file);
    let exporter = exporter(config).await;
    for path in ["/probe", "/scrape"] {
        let (status, page) =
            get(&exporter, request(&format!("{path}?target=redis://127.0.0.1:{port}"))).await;
        assert_eq!((status, sample(&page, "redis_up")), (StatusCode::OK, 1.0), "{page}");
        assert!(!page.contains("hunter2") && !page.contains("hitmark_exporter_build_info"), "{page}");
    }
    let (status, _) = get(&exporter, request("/probe?target=redis://10.0.0.1:6379")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(get(&exporter, request("/probe")).await.0, StatusCode::BAD_REQUEST);
    let gone = format!("/probe?target=127.0.0.1:{}", free_port());
    assert_eq!(sample(&get(&exporter, request(&gone)).await.1, "redis_up"), 0.0);
}

#[tokio::test]
async fn black_holes_do_not_slow_the_probes_of_live_servers() {
    let (live, hole) = (RedisServer::start().await.unwrap(), RedisServer::start().await.unwrap());
    let mut config = config([]);
    config.probe_allow = vec!["redis://127.0.0.*:*".to_owned()];
    config.timeout = Duration::from_secs(60);
    let exporter = exporter(config).await;
    hole.pause();
    // A host of its own for each: 127.0.0.0/8 is this machine, so these are 100 targets.
    let probe = |port: u16| get(&exporter, request(&format!("/probe?target=redis://127.0.0.1:{port}")));
    let holes = futures::future::join_all((0..100).map(|_| probe(hole.port())));
    let lives = futures::future::join_all((0..100).map(|_| probe(live.port())));
    let answers = tokio::select! {
        answers = lives => answers,
        _ = holes => panic!("a paused server cannot answer"),
    };
    assert!(
        answers.iter().all(|(status, page)| *status == StatusCode::OK && sample(page, "redis_up") == 1.0)
    );
}

#[tokio::test]
async fn the_page_comes_as_openmetrics_and_compressed_when_asked() {
    let server = RedisServer::start().await.unwrap();
    let exporter = exporter(config([server.url()])).await;
    let mut asked = request("/metrics");
    asked.headers_mut().insert(header::ACCEPT, "application/openmetrics-text;version=1.0.0".parse().unwrap());
    let (_, page) = get(&exporter, asked).await;
    assert!(page.ends_with("# EOF\n") && page.contains("# TYPE redis_keyspace_hits counter\n"), "{page}");
    let text = exporter.scrape().await;
    let names = |page: &str| -> std::collections::BTreeSet<String> {
        page.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.rsplit_once(' ').unwrap().0.replace(".0\"", "\""))
            .collect()
    };
    let missing: Vec<_> = names(&page).difference(&names(&text)).cloned().collect();
    assert!(missing.is_empty(), "both formats give the same series: {missing:?}");
    if let Ok(directory) = std::env::var("HITMARK_KEEP_PAGES") {
        std::fs::write(format!("{directory}/page.om"), &page).unwrap();
    }
}

#[tokio::test]
async fn histograms_of_several_commands_can_be_added_up() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["SET a 1", "GET a", "GET a", "INCR a"]);
    let exporter: Exporter = exporter(config([server.url()])).await;
    let page = exporter.scrape().await;
    let bounds =
        |cmd: &str| page.matches(&format!("redis_commands_latencies_usec_bucket{{cmd=\"{cmd}\"")).count();
    assert!(
        bounds("get") >= 21 && bounds("get") == bounds("set") && bounds("set") == bounds("incr"),
        "{page}"
    );
    assert_eq!(sample(&page, "redis_commands_latencies_usec_count{cmd=\"get\"}"), 2.0);
    assert_eq!(sample(&page, "redis_latency_percentiles_usec_count{cmd=\"get\"}"), 2.0);
    let again = exporter.scrape().await;
    assert!(find(&again, "redis_commands_latencies_age_seconds").is_some_and(|age| age > 0.0), "{again}");
}

#[tokio::test]
async fn a_small_keyspace_is_told_exactly_and_a_large_one_within_its_error() {
    let server = RedisServer::start().await.unwrap();
    let fill = |prefix: &str, count: usize| -> Vec<String> {
        (0..count).map(|n| format!("SET {prefix}:{n} {}", "x".repeat(1 + n % 200))).collect()
    };
    let send = |lines: Vec<String>| {
        commands(server.port(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    };
    send(fill("user", 30));
    send(fill("page", 10));
    let options =
        [("sample_keys", OptionValue::Number(1_000.0)), ("sample_ms", OptionValue::Number(1_000.0))];
    let exporter = exporter(with_redis_options(server.url(), &options)).await;
    let first = exporter.scrape().await;
    assert_eq!(sample(&first, "redis_prefix_keys{prefix=\"user\"}"), 30.0);
    assert_eq!(sample(&first, "redis_prefix_keys_stderr{prefix=\"user\"}"), 0.0);
    send(fill("user", 15_000));
    send(fill("page", 5_000));
    let page = exporter.scrape().await;
    let user = sample(&page, "redis_prefix_keys{prefix=\"user\"}");
    let error = sample(&page, "redis_prefix_keys_stderr{prefix=\"user\"}");
    // Five standard errors: this must not fail by chance.
    assert!(error > 0.0 && (user - 15_000.0).abs() < 5.0 * error, "{user} ± {error}");
    let last = exporter.scrape().await;
    for name in ["redis_app_keyspace_hits_total", "redis_app_keyspace_misses_total"] {
        assert_eq!(sample(&last, name), sample(&first, name), "{name}: nobody looked anything up");
    }
}
