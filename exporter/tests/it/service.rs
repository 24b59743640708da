//! A real HTTP service behind the exporter: passed on exactly, bounded, and failing alone.

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hitmark_exporter::ExporterConfig;
use tokio::net::TcpListener;

use crate::support::{config, exporter, sample};

/// Serves `page` at `/metrics` on a free port and returns `127.0.0.1:PORT`.
async fn serve(page: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let router = Router::new().route("/metrics", get(async move || page));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    host
}

fn asking(hosts: &[&str]) -> ExporterConfig {
    let mut config = config([]);
    config.services = hosts.iter().map(|host| format!("http://{host}/metrics")).collect();
    config.timeout = Duration::from_secs(2);
    config
}

fn success(page: &str, host: &str) -> f64 {
    sample(
        page,
        &format!("hitmark_exporter_collector_success{{collector=\"service\",target=\"http://{host}\"}}"),
    )
}

#[tokio::test]
async fn cache_families_of_two_services_share_their_head_and_keep_their_values() {
    let page = "# HELP cache_ops_total Operations.\n# TYPE cache_ops_total counter\n\
                cache_ops_total{result=\"hit\"} 12345678901\nprocess_open_fds 3\n";
    let (one, two) = (serve(page.to_owned()).await, serve(page.to_owned()).await);
    let exporter = exporter(asking(&[&one, &two])).await;
    let page = exporter.scrape().await;
    for host in [&one, &two] {
        let series = format!("cache_ops_total{{service=\"{host}\",result=\"hit\"}}");
        assert_eq!(sample(&page, &series), 12_345_678_901.0);
        assert_eq!(success(&page, host), 1.0);
    }
    assert_eq!(page.matches("# TYPE cache_ops_total counter").count(), 1);
    assert_eq!(page.matches("# HELP process_open_fds").count(), 1, "only the exporter's own");
}

#[tokio::test]
async fn a_service_that_is_broken_fails_alone() {
    let good = serve("cache_x 1\n".to_owned()).await;
    let malformed = serve("cache_x{ 1\n".to_owned()).await;
    let huge = serve("# a remark\n".repeat(500_000)).await;
    let other_type = serve("# TYPE cache_x counter\ncache_x 1\n".to_owned()).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = (silent.local_addr().unwrap().to_string(), silent);
    let exporter = exporter(asking(&[&good, &malformed, &huge, &other_type, &silent.0])).await;
    let page = exporter.scrape().await;
    let successes = [&good, &malformed, &huge, &other_type, &silent.0].map(|host| success(&page, host));
    assert_eq!(successes, [1.0, 0.0, 0.0, 0.0, 0.0], "{page}");
    assert_eq!(sample(&page, &format!("cache_x{{service=\"{good}\"}}")), 1.0);
    assert_eq!(page.matches("\ncache_x{").count(), 1, "{page}");
}

#[tokio::test]
async fn a_page_of_another_status_is_a_failure() {
    let host = serve(String::new()).await;
    let mut config = asking(&[]);
    config.services = vec![format!("http://{host}/nothing")];
    let page = exporter(config).await.scrape().await;
    assert_eq!(success(&page, &host), 0.0);
}
