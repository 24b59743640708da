//! JSON pages by a mapping: shipped, a person's own, wrong, and met by pages of every kind.

use std::fmt::Write;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get;
use hitmark_exporter::cli::ExporterArgs;
use hitmark_exporter::config::ConfigError;
use hitmark_exporter::{Exporter, ExporterConfig};
use tokio::net::TcpListener;

use crate::support::{Then, answering, assert_golden, complaints, exporter, find, here, sample};

/// The configuration as a file says it.
fn from_file(text: &str) -> Result<ExporterConfig, ConfigError> {
    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: ExporterArgs,
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("listen = \"127.0.0.1:0\"\ntimeout = \"2s\"\n{text}")).unwrap();
    let words = ["exporter", "--config", file.path().to_str().unwrap()];
    <Line as clap::Parser>::parse_from(words).args.into_config()
}

async fn asking(text: &str) -> Exporter {
    exporter(from_file(text).unwrap()).await
}

/// Serves a page at any path and returns `http://127.0.0.1:PORT`.
async fn serve(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(get(async move || page));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn own(page: &str) -> String {
    let skipped = ["hitmark_", "process_", "http_json_up"];
    let mine = |line: &&str| {
        let name = line.trim_start_matches("# HELP ").trim_start_matches("# TYPE ");
        !skipped.iter().any(|prefix| name.starts_with(prefix))
    };
    page.lines().filter(mine).map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn the_pages_of_the_seeds_become_the_samples_that_are_checked_in() {
    for (name, path) in [
        ("cache_stats", "/api/v1/cache/stats"),
        ("cache_stats_short", "/api/cache/stats"),
        ("cache_health", "/api/cache/health"),
        ("tasks_status", "/api/tasks/status"),
        ("cdn_status", "/api/cdn/status"),
    ] {
        let page = std::fs::read_to_string(here(&format!("fixtures/http_json/{name}.json"))).unwrap();
        let url = serve(page).await;
        let page = own(&asking(&format!("http_json = \"{url}{path}\"\n")).await.scrape().await);
        assert_golden(&format!("http_json-{name}.prom"), &page);
        assert_eq!(complaints(&page, &[]), [""; 0], "{name}");
    }
}

const MAPPING: &str = r#"
[[modules.default.http_json.metrics]]
name = "shop_open_orders"
help = "Orders that are open.\nNow \\."
each = "$.shops[*]"
path = "@.orders"
labels = { shop = "@.name", region = "$.region", place = "@key", kind = "web" }

[[modules.default.http_json.metrics]]
name = "shop_sold_total"
type = "counter"
each = "$.sold.*"
path = "@"
labels = { article = "@key" }

[[modules.default.http_json.metrics]]
name = "shop_state"
path = "$['the state']"
values = { open = 2, null = -1 }

[[modules.default.http_json.metrics]]
name = "shop_age_seconds"
path = "$.age_ms"
scale = 0.001
"#;

#[tokio::test]
async fn a_persons_own_mapping_gives_labels_texts_and_units() {
    let page = r#"{"region":"eu \"1\"","shops":[{"name":"a","orders":3},{"name":"b","orders":"4.5"},{"name":"c"}],
        "sold":{"shoe":7,"hat":true},"the state":"open","age_ms":1500}"#;
    let url = serve(page.to_owned()).await;
    let exporter = asking(&format!("http_json = \"{url}/x\"\n{MAPPING}")).await;
    exporter.scrape().await;
    let page = exporter.scrape().await;
    let order = |shop: &str, place: usize| {
        format!("shop_open_orders{{kind=\"web\",place=\"{place}\",region=\"eu \\\"1\\\"\",shop=\"{shop}\"}}")
    };
    assert_eq!((sample(&page, &order("a", 0)), sample(&page, &order("b", 1))), (3.0, 4.5));
    assert_eq!(find(&page, &order("c", 2)), None);
    assert_eq!(sample(&page, "http_json_missing_total{metric=\"shop_open_orders\"}"), 2.0, "once a scrape");
    assert_eq!(sample(&page, "shop_sold_total{article=\"shoe\"}"), 7.0);
    assert_eq!(sample(&page, "shop_sold_total{article=\"hat\"}"), 1.0);
    assert_eq!(sample(&page, "shop_state"), 2.0);
    assert_eq!(sample(&page, "shop_age_seconds"), 1.5);
    assert!(page.contains(
        "# HELP shop_open_orders Orders that are open.\\nNow \\\\.\n# TYPE shop_open_orders gauge\n"
    ));
    assert!(page.contains("# TYPE shop_sold_total counter\n"));
}

#[tokio::test]
async fn a_page_without_what_is_mapped_is_counted_and_breaks_nothing() {
    for page in ["{}", "[]", "null", "3", r#"{"shops":5,"sold":[],"the state":[1],"age_ms":{}}"#] {
        let url = serve(page.to_owned()).await;
        let page = asking(&format!("http_json = \"{url}/x\"\n{MAPPING}")).await.scrape().await;
        assert_eq!(sample(&page, "http_json_up"), 1.0);
        assert_eq!(sample(&page, "http_json_missing_total{metric=\"shop_age_seconds\"}"), 1.0, "{page}");
        assert!(!page.contains("\nshop_"), "{page}");
    }
}

#[tokio::test]
async fn every_mistake_of_a_mapping_is_told_when_the_configuration_is_checked() {
    let error = from_file(
        r#"
http_json = "http://h/page"
[modules.default.http_json]
mappings = ["cache_helth"]
surprise = 1
[[modules.default.http_json.metrics]]
name = "9lives"
path = "$.a"
[[modules.default.http_json.metrics]]
name = "a_total"
path = "a.b"
[[modules.default.http_json.metrics]]
name = "b"
type = "histogram"
path = "@.x"
[[modules.default.http_json.metrics]]
name = "redis_up"
path = "$.x"
labels = { "le" = "1", ok = 3, bad = "$[" }
values = { a = "one" }
scale = 1e99
[[modules.default.http_json.metrics]]
name = "c"
each = "$.x"
path = "$.x"
hlep = "?"
[[modules.default.http_json.metrics]]
name = "d"
path = "$.x"
[[modules.default.http_json.metrics]]
name = "d"
path = "$.y"
"#,
    )
    .unwrap_err()
    .to_string();
    for part in [
        "mappings: cache_helth: there is none; there are cache_health,",
        "surprise: unknown option",
        "metrics[0] 9lives: name: is no metric name",
        "metrics[1] a_total: name: a counter's name ends in _total",
        "metrics[1] a_total: path: a path begins with $ or @",
        "metrics[2] b: type: is neither gauge nor counter",
        "metrics[2] b: each: is missing",
        "metrics[3] redis_up: name: the exporter itself writes this name",
        "metrics[3] redis_up: labels: le is no label name",
        "metrics[3] redis_up: labels: ok is no text",
        "metrics[3] redis_up: labels: a bracket has no end",
        "metrics[3] redis_up: values: a is no number",
        "metrics[3] redis_up: scale: ",
        "metrics[4] c: each: each ends in [*]",
        "metrics[4] c: hlep: unknown option",
        "metrics[6]: d is given twice",
    ] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
}

#[tokio::test]
async fn a_url_that_says_nothing_needs_a_mapping() {
    for (text, part) in [
        (
            "http_json = \"http://h/other\"",
            "nothing is mapped; write metrics, or mappings with some of cache_",
        ),
        ("http_json = \"ftp://h/api/cache/health\"", "is no URL of a page"),
        ("http_json = \"http://me:hunter2@h/api/cache/health\"", "token_file"),
    ] {
        let error = from_file(text).unwrap_err().to_string();
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn the_number_of_series_is_bounded_and_what_is_left_out_is_counted() {
    let mut page = String::from("{\"shops\":[");
    for shop in 0..700 {
        let _ = write!(page, "{{\"name\":\"s{shop}\",\"orders\":1}},");
    }
    page.push_str("{\"name\":\"s0\",\"orders\":1}]}");
    let url = serve(page).await;
    let mapping = MAPPING.replace(", place = \"@key\"", "").replace(", region = \"$.region\"", "");
    let page = asking(&format!("http_json = \"{url}/x\"\n{mapping}")).await.scrape().await;
    assert_eq!(page.matches("\nshop_open_orders{").count(), 500);
    assert_eq!(sample(&page, "http_json_dropped_total{metric=\"shop_open_orders\"}"), 201.0);
}

#[tokio::test]
async fn two_targets_keep_their_samples_apart() {
    let (one, two) = (serve("{\"age_ms\":1}".to_owned()).await, serve("{\"age_ms\":2}".to_owned()).await);
    let page = asking(&format!("http_json = [\"{one}/x\", \"{two}/x\"]\n{MAPPING}")).await.scrape().await;
    assert_eq!(sample(&page, &format!("shop_age_seconds{{target=\"{one}/x\"}}")), 0.001);
    assert_eq!(sample(&page, &format!("shop_age_seconds{{target=\"{two}/x\"}}")), 0.002);
}

#[tokio::test]
async fn a_probe_takes_the_kind_that_its_module_has_options_for() {
    let url = serve("{\"age_ms\":2500}".to_owned()).await;
    let mapping = MAPPING.replace("modules.default", "modules.shop");
    let edges = "[modules.near.edge]\nconcurrency = 1\n";
    let exporter = asking(&format!("probe_allow = \"{url}/*\"\n{mapping}{edges}")).await;
    let probe = async |module: &str| {
        let path = format!("/probe?target={url}/x&module={module}");
        crate::support::get(&exporter, crate::support::request(&path)).await.1
    };
    assert_eq!(sample(&probe("shop").await, "shop_age_seconds"), 2.5);
    assert_eq!(sample(&probe("near").await, "edge_probes_total{outcome=\"unknown\"}"), 1.0);
}

#[tokio::test]
async fn a_token_is_sent_from_its_file_and_shown_nowhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let guarded = async |headers: HeaderMap| match headers.get("authorization") {
        Some(value) if value == "Bearer hunter2" => Ok("{\"age_ms\":1000}"),
        _ => Err(axum::http::StatusCode::UNAUTHORIZED),
    };
    let router = Router::new().fallback(get(guarded));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "wrong\n").unwrap();
    let options = format!("[modules.default.http_json]\ntoken_file = \"{}\"\n", token.path().display());
    let exporter = asking(&format!("http_json = \"{url}/x\"\n{options}{MAPPING}")).await;
    let page = exporter.scrape().await;
    assert!(page.contains("failures_total{collector=\"http_json\",kind=\"credentials\"} 1"), "{page}");
    std::fs::write(token.path(), "hunter2\n").unwrap();
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "shop_age_seconds"), 1.0);
    assert!(!page.contains("hunter2"), "{page}");
}

#[tokio::test]
async fn wrong_answers_are_failures() {
    let huge: &'static [u8] = Vec::leak(
        [&b"HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\n"[..], &b" ".repeat(2_000_000)].concat(),
    );
    let deep: &'static [u8] =
        Vec::leak([&b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"[..], &b"[".repeat(100_000)].concat());
    for (bytes, then, kind) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"[..], Then::Close, "answer"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", Then::Close, "refused"),
        (b"STAT pid 1\r\nEND\r\n", Then::Close, "broken"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n{", Then::Close, "broken"),
        (huge, Then::Close, "answer"),
        (deep, Then::Close, "answer"),
        (b"", Then::StayOpen, "timeout"),
    ] {
        let url = format!("http://{}/x", answering(bytes, then));
        let page = asking(&format!("http_json = \"{url}\"\n{MAPPING}")).await.scrape().await;
        assert_eq!(sample(&page, "http_json_up"), 0.0);
        let failure = format!("hitmark_exporter_failures_total{{collector=\"http_json\",kind=\"{kind}\"}}");
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert_eq!(find(&page, &failure), Some(1.0), "{text:?} {page}");
    }
}
