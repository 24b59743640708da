//! Varnish: captured output, and every counter against a real server's own.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use hitmark_exporter::collectors::varnish::parse;
use hitmark_exporter::options::OptionValue;
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_schema::metrics::VARNISH_KEPT;
use hitmark_testkit::VarnishServer;
use proptest::prelude::*;
use tokio::net::TcpListener;

use crate::support::{asks, assert_golden, complaints, encoded, exporter, find, here, sample};

/// Counters that stand still without traffic, and their names on the page.
const STEADY: &[(&str, &str)] = &[
    ("MAIN.cache_hit", "varnish_main_cache_hit"),
    ("MAIN.cache_miss", "varnish_main_cache_miss"),
    ("MAIN.cache_hitpass", "varnish_main_cache_hitpass"),
    ("MAIN.client_req", "varnish_main_client_req"),
    ("MAIN.n_object", "varnish_main_n_object"),
    ("MAIN.n_lru_nuked", "varnish_main_n_lru_nuked"),
    ("MAIN.s_fetch", "varnish_main_fetch_total"),
    ("MAIN.s_pass", "varnish_main_s_pass"),
    ("MAIN.fetch_length", "varnish_main_fetch{type=\"length\"}"),
    ("MAIN.backend_req", "varnish_main_backend_req"),
    ("SMA.s0.g_bytes", "varnish_sma_g_bytes{type=\"s0\"}"),
    ("VBE.boot.shop.req", "varnish_backend_req{backend=\"shop\",server=\"unknown\"}"),
    ("MAIN.cache_hit", "cache_tier_hits_total{tier=\"varnish\"}"),
    ("MAIN.cache_miss", "cache_tier_misses_total{tier=\"varnish\"}"),
    ("MAIN.n_lru_nuked", "cache_tier_evictions_total{tier=\"varnish\"}"),
    ("SMA.s0.g_bytes", "cache_tier_used_bytes{tier=\"varnish\"}"),
];

/// An origin whose pages live for an hour, and a server before it.
async fn server() -> VarnishServer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = async || ([("cache-control", "max-age=3600")], "x".repeat(1_000));
    let big = async || ([("cache-control", "max-age=3600")], "x".repeat(1_000_000));
    let router = Router::new()
        .route("/page/{id}", get(page))
        .route("/big/{id}", get(big))
        .route("/health", get(async || StatusCode::OK));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let vcl = format!(
        "vcl 4.1;\nbackend shop {{ .host = \"127.0.0.1\"; .port = \"{port}\";\n\
         .probe = {{ .url = \"/health\"; .interval = 1s; .initial = 8; }} }}\n\
         sub vcl_recv {{ if (req.url ~ \"pass\") {{ return (pass); }} }}\n"
    );
    VarnishServer::start(&vcl).await.unwrap()
}

fn target(server: &VarnishServer) -> String {
    format!("varnish://{}", server.folder().display())
}

async fn asking(urls: &[&str]) -> Exporter {
    exporter(asks("varnish", urls)).await
}

async fn fetch(server: &VarnishServer, paths: &[&str]) {
    for path in paths {
        // Off the runtime, since the origin is on it.
        let answer = tokio::task::block_in_place(|| server.get(path)).unwrap();
        assert_eq!(answer.0, 200, "{path}");
    }
}

/// A counter is added to the shared sum by the worker that counted it, a moment after the answer.
async fn settled(server: &VarnishServer, name: &str, value: f64) {
    for _ in 0..500 {
        if server.counter(name).unwrap() == value {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} is {:?} and never {value}", server.counter(name));
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(here(&format!("fixtures/{name}"))).unwrap()
}

#[test]
fn the_output_of_varnish_7_1_becomes_the_page_that_is_checked_in() {
    let collected = parse(&fixture("varnish-7.1/varnishstat.json")).unwrap();
    assert_eq!(collected.unreadable, 0);
    let mut page = encoded(&collected.families);
    hitmark_exporter::text_format::encode(&collected.relayed, &mut page);
    assert_golden("varnish-7.1.prom", &page);
    assert_eq!(complaints(&page, VARNISH_KEPT), [""; 0]);
}

#[test]
fn older_servers_tell_their_counters_without_a_head() {
    let output = r#"{"timestamp":"2016-01-01T00:00:00",
        "MAIN.uptime":{"description":"Up","flag":"c","format":"d","value":3},
        "SMA.s0.g_bytes":{"description":"Bytes","ident":"s0","flag":"g","format":"B","value":12}}"#;
    let collected = parse(output).unwrap();
    let names: Vec<&str> = collected.relayed.iter().map(|family| family.name.as_str()).collect();
    assert_eq!(names, ["varnish_main_uptime", "varnish_sma_g_bytes"]);
    assert_eq!(collected.unreadable, 1, "the time of the page is no counter");
}

#[test]
fn of_two_vcls_the_newer_ones_backend_is_told() {
    let counter = |name: &str, value: u64| format!("\"{name}\":{{\"flag\":\"b\",\"value\":{value}}}");
    let output = format!(
        "{{\"counters\":{{{},{},{},{}}}}}",
        counter("MAIN.uptime", 1),
        counter("VBE.reload_20240102_000000_1.shop.happy", 3),
        counter("VBE.boot.shop.happy", 2),
        counter("VBE.reload_20240101_000000_1.shop.happy", 4),
    );
    let page = encoded(&parse(&output).unwrap().families);
    assert_eq!(sample(&page, "varnish_backend_up{backend=\"shop\",server=\"unknown\"}"), 1.0);
    assert_eq!(page.matches("\nvarnish_backend_up{").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_counter_is_the_servers_own() {
    let server = server().await;
    fetch(&server, &["/page/1", "/page/1", "/page/1", "/page/2", "/page/pass", "/page/pass"]).await;
    settled(&server, "MAIN.client_req", 6.0).await;
    let page = asking(&[&target(&server)]).await.scrape().await;
    assert_eq!(sample(&page, "varnish_up"), 1.0);
    for (counter, series) in STEADY {
        assert_eq!(sample(&page, series), server.counter(counter).unwrap(), "{series}");
    }
    assert_eq!(sample(&page, "varnish_main_cache_hit"), 2.0);
    assert_eq!(sample(&page, "varnish_main_cache_miss"), 2.0);
    assert_eq!(sample(&page, "varnish_backend_up{backend=\"shop\",server=\"unknown\"}"), 1.0);
    assert_eq!(sample(&page, "cache_tier_limit_bytes{tier=\"varnish\"}"), 16_777_216.0);
    assert!(page.contains("varnish_version{major=\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_longer_fits_is_counted_as_evicted() {
    let server = server().await;
    let exporter = asking(&[&target(&server)]).await;
    exporter.scrape().await;
    let paths: Vec<String> = (0..24).map(|page| format!("/big/{page}")).collect();
    fetch(&server, &paths.iter().map(String::as_str).collect::<Vec<_>>()).await;
    settled(&server, "MAIN.client_req", 24.0).await;
    let page = exporter.scrape().await;
    let evicted = sample(&page, "cache_tier_evictions_total{tier=\"varnish\"}");
    assert_eq!(evicted, server.counter("MAIN.n_lru_nuked").unwrap());
    assert!(evicted > 0.0);
    assert_eq!(sample(&page, "cache_tier_hit_ratio{tier=\"varnish\",window=\"5m\"}"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_is_a_sample_and_comes_back() {
    let (server, other) = (server().await, server().await);
    let exporter = asking(&[&target(&server), &target(&other)]).await;
    let up = |page: &str, server: &VarnishServer| {
        sample(page, &format!("varnish_up{{target=\"{}\"}}", target(server)))
    };
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &server), up(&page, &other)), (1.0, 1.0), "{page}");
    let lock = format!("varnish_lock_created{{target=\"{}\",exported_target=\"ban\"}}", target(&other));
    assert_eq!(sample(&page, &lock), 1.0);
    server.kill();
    let page = exporter.scrape().await;
    assert_eq!((up(&page, &server), up(&page, &other)), (0.0, 1.0), "{page}");
    assert!(page.contains("failures_total{collector=\"varnish\",kind=\"refused\"} 1"), "{page}");
    server.restart().await.unwrap();
    assert_eq!(up(&exporter.scrape().await, &server), 1.0);
}

fn with_program(path: &str) -> ExporterConfig {
    let mut config = asks("varnish", &["varnish://"]);
    let options = [("program".to_owned(), OptionValue::Text(path.to_owned()))].into();
    config.modules = [("default".to_owned(), [("varnish".to_owned(), options)].into())].into();
    config
}

#[tokio::test]
async fn a_program_that_hangs_lies_or_is_not_there_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    for (script, kind) in [
        ("exec sleep 600", "timeout"),
        ("exit 1", "refused"),
        ("echo no json", "answer"),
        ("echo '{\"counters\":{}}'", "answer"),
        ("yes | head -c 9000000", "answer"),
    ] {
        let program = directory.path().join(kind);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        let page = exporter(with_program(program.to_str().unwrap())).await.scrape().await;
        let failure = format!("hitmark_exporter_failures_total{{collector=\"varnish\",kind=\"{kind}\"}}");
        assert_eq!(
            (find(&page, &failure), sample(&page, "varnish_up")),
            (Some(1.0), 0.0),
            "{script}: {page}"
        );
    }
    let page = exporter(with_program("/nowhere/varnishstat")).await.scrape().await;
    assert!(page.contains("failures_total{collector=\"varnish\",kind=\"connect\"} 1"), "{page}");
}

#[test]
fn mistakes_are_told_when_the_configuration_is_checked() {
    let error = with_program("varnishstat -x").validate().unwrap_err().to_string();
    assert!(error.contains("program: write the whole path"), "{error}");
    let error = asks("varnish", &["varnish://-n"]).validate().unwrap_err().to_string();
    assert!(error.contains("is no instance"), "{error}");
}

proptest! {
    #[test]
    fn any_counters_are_a_page_or_an_error(
        counters in prop::collection::vec(("(MAIN|VBE|LCK|SMA|X)(\\.[a-z_(),0-9é]{0,9}){0,3}", any::<u64>()), 0..12),
    ) {
        let mut map = serde_json::Map::new();
        map.insert("MAIN.uptime".to_owned(), serde_json::json!({ "flag": "c", "value": 1 }));
        for (name, value) in counters {
            map.insert(name, serde_json::json!({ "flag": "g", "value": value }));
        }
        let collected = parse(&serde_json::Value::Object(map).to_string()).unwrap();
        let mut page = String::new();
        hitmark_exporter::text_format::encode(&collected.relayed, &mut page);
        prop_assert!(hitmark_exporter::text_format::parse(&page, |_| true).is_ok(), "{page}");
    }
}
