//! What a reload keeps and what it replaces, against real servers.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use hitmark_exporter::options::OptionValue;
use hitmark_exporter::{ConfigError, Exporter, ExporterConfig};
use hitmark_testkit::RedisServer;

use crate::support::{commands, config, find, get, request, sample, with_redis_options};

/// An exporter and the place from which its next configuration comes.
async fn reloadable(config: ExporterConfig) -> (Exporter, Arc<Mutex<Result<ExporterConfig, ConfigError>>>) {
    let next = Arc::new(Mutex::new(Ok(config.clone())));
    let source = Arc::clone(&next);
    let exporter = Exporter::bind_with_source(config, move || source.lock().unwrap().clone()).await.unwrap();
    (exporter, next)
}

#[tokio::test]
async fn a_target_that_stays_keeps_its_connection_and_its_counters() {
    let server = RedisServer::start_with(&["--slowlog-log-slower-than", "0"]).await.unwrap();
    let mut before = config([server.url()]);
    before.probe_allow = vec!["redis://localhost:*".to_owned()];
    let (exporter, next) = reloadable(before.clone()).await;
    let probe = format!("/probe?target=redis://localhost:{}", server.port());
    get(&exporter, request(&probe)).await;
    exporter.scrape().await;
    commands(server.port(), &["ECHO a", "ECHO b"]);
    let first = exporter.scrape().await;
    let slow = "redis_slowlog_entries_total{cmd=\"ECHO\"}";
    assert_eq!(sample(&first, slow), 2.0);

    let mut after = before;
    after.probe_allow.push("redis://elsewhere:1".to_owned());
    *next.lock().unwrap() = Ok(after.clone());
    exporter.reload().unwrap();
    let (_, probed) = get(&exporter, request(&probe)).await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, slow), 2.0, "counted entries stay counted");
    let connections = "redis_connections_received_total";
    assert_eq!(sample(&page, connections), sample(&first, connections));
    assert_eq!(sample(&probed, connections), sample(&first, connections), "a probed target's too");

    after.probe_allow.clear();
    *next.lock().unwrap() = Ok(after);
    exporter.reload().unwrap();
    assert_eq!(get(&exporter, request(&probe)).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn new_options_hold_from_the_next_scrape_on_and_wrong_ones_never() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["SET a abc"]);
    let (exporter, next) = reloadable(config([server.url()])).await;
    let key = "redis_key_size{db=\"db0\",key=\"a\"}";
    assert_eq!(find(&exporter.scrape().await, key), None);

    let keys = |name| [(name, OptionValue::Text("a".to_owned()))];
    *next.lock().unwrap() = Ok(with_redis_options(server.url(), &keys("keys")));
    exporter.reload().unwrap();
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, key), 3.0);
    let read_at = "hitmark_exporter_config_last_reload_success_timestamp_seconds";
    let read = sample(&page, read_at);

    *next.lock().unwrap() = Ok(with_redis_options(server.url(), &keys("kyes")));
    let error = exporter.reload().unwrap_err().to_string();
    assert!(error.contains("kyes"), "{error}");
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, key), 3.0);
    assert_eq!(sample(&page, "hitmark_exporter_config_last_reload_successful"), 0.0);
    assert_eq!(sample(&page, read_at), read);
}
