//! Bars of the design that only counts decide: who stops, who waits for whom, how often an interval
//! holds the truth.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use axum::http::StatusCode;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::RedisServer;
use tokio::sync::oneshot;

use crate::support::{commands, config, exporter, get, request, sample, with_redis_options};

async fn filled(lines: &[&str]) -> RedisServer {
    let server = RedisServer::start_with(&["--enable-debug-command", "yes"]).await.unwrap();
    commands(server.port(), lines);
    server
}

#[tokio::test]
async fn a_client_that_leaves_stops_the_work_within_one_batch() {
    let server = filled(&["DEBUG POPULATE 400000 user 10"]).await;
    let scans = || -> u64 {
        let stats = commands(server.port(), &["INFO commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_scan:calls="));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    let options = [("key_groups", OptionValue::Flag(true)), ("census_ms", OptionValue::Number(1_000.0))];
    let mut config = with_redis_options(server.url(), &options);
    config.timeout = Duration::from_secs(60);
    let exporter = exporter(config).await;
    let addr = exporter.addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(exporter.serve(async move { drop(stopped.await) }));

    let mut client = TcpStream::connect(addr).unwrap();
    client.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    while scans() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(client);
    // The exporter learns of it when it next looks at the socket, and may have one batch under way.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let after = scans();
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(scans(), after, "nobody waits for the answer");
    assert!(after < 400_000 / 500, "the work was not simply done: {after} batches");

    // The next client finds an exporter that works, with a census begun anew.
    let page = tokio::task::spawn_blocking(move || {
        let mut client = TcpStream::connect(addr).unwrap();
        client.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        std::io::read_to_string(client).unwrap()
    });
    assert!(page.await.unwrap().contains("\nredis_up 1\n"));
    assert!(scans() > after + 2, "whoever stays gets more than one batch");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn two_hundred_targets_of_which_half_are_black_holes() {
    let live = RedisServer::start_with(&["--bind", "0.0.0.0"]).await.unwrap();
    // It is connected to by the kernel and says nothing.
    let hole = TcpListener::bind("0.0.0.0:0").unwrap();
    let hole = hole.local_addr().unwrap().port();
    let mut config = config([]);
    config.probe_allow = vec!["redis://127.0.*.*:*".to_owned()];
    config.timeout = Duration::from_secs(120);
    let exporter = exporter(config).await;
    // Each address is a target of its own: 127.0.0.0/8 is this machine.
    let probe = async |net: u8, host: u8, port: u16| {
        get(&exporter, request(&format!("/probe?target=redis://127.0.{net}.{host}:{port}"))).await
    };
    let holes = futures::future::join_all((1..=100).map(|host| probe(1, host, hole)));
    let lives = futures::future::join_all((1..=100).map(|host| probe(0, host, live.port())));
    let answers = tokio::select! {
        biased;
        _ = holes => panic!("a hole cannot answer"),
        answers = lives => answers,
    };
    assert_eq!(answers.len(), 100);
    for (status, page) in answers {
        assert_eq!((status, sample(&page, "redis_up")), (StatusCode::OK, 1.0), "{page}");
    }
    let infos = commands(live.port(), &["INFO commandstats"]);
    assert!(infos.contains("cmdstat_latency|histogram:calls=100,"), "one scrape for each target: {infos}");
}

/// The bar is 45 of 50. Fifty trials of a true 95 % miss that once in thirty by chance, so here are more,
/// and the test fails where nine in ten is refuted rather than missed: of 150 trials, in which the two
/// measures of a prefix hang together, a true 94 % falls below 88 % once in ten thousand.
#[tokio::test]
async fn nine_in_ten_intervals_of_seeded_samples_hold_the_truth() {
    let prefixes = [("user", 30_000), ("page", 15_000), ("session", 5_000)];
    let server = filled(&[
        "DEBUG POPULATE 30000 user 10",
        "DEBUG POPULATE 15000 page 200",
        "DEBUG POPULATE 5000 session 900",
    ])
    .await;
    let census = [("key_groups", OptionValue::Flag(true)), ("census_ms", OptionValue::Number(1_000.0))];
    let counted = exporter(with_redis_options(server.url(), &census)).await;
    let group =
        |prefix: &str| format!("redis_key_group_memory_usage_bytes{{db=\"db0\",key_group=\"{prefix}\"}}");
    let mut truth = BTreeMap::new();
    for _ in 0..100 {
        let page = counted.scrape().await;
        if page.contains("redis_key_group_count{") {
            for (prefix, keys) in prefixes {
                let count = format!("redis_key_group_count{{db=\"db0\",key_group=\"{prefix}\"}}");
                assert_eq!(sample(&page, &count), f64::from(keys), "the census is exact");
                truth.insert(prefix, sample(&page, &group(prefix)));
            }
            break;
        }
    }
    assert_eq!(truth.len(), 3, "the census came to its end");

    let (mut held, mut intervals) = (0, 0);
    for seed in 1..=150 {
        let options = [
            ("sample_keys", OptionValue::Number(1_000.0)),
            ("sample_ms", OptionValue::Number(1_000.0)),
            ("sample_seed", OptionValue::Number(f64::from(seed))),
        ];
        let page = exporter(with_redis_options(server.url(), &options)).await.scrape().await;
        for (prefix, keys) in prefixes {
            let of = |name: &str| sample(&page, &format!("redis_prefix_{name}{{prefix=\"{prefix}\"}}"));
            for (estimate, error, truth) in [
                (of("keys"), of("keys_stderr"), f64::from(keys)),
                (of("memory_bytes"), of("memory_stderr_bytes"), truth[prefix]),
            ] {
                intervals += 1;
                held += i32::from((estimate - truth).abs() <= 1.96 * error);
            }
        }
    }
    assert!(held * 100 >= intervals * 88, "{held} of {intervals}");
}
