//! The routes, and the end of a server.

use axum::http::StatusCode;
use hitmark_exporter::ExporterError;
use hitmark_testkit::free_port;
use tokio::sync::oneshot;

use crate::support::{config, exporter, get, request, sample};

fn nowhere() -> String {
    format!("redis://127.0.0.1:{}", free_port())
}

#[tokio::test]
async fn the_landing_page_links_to_the_metrics_and_health_says_ok() {
    let exporter = exporter(config([nowhere()])).await;
    let (status, page) = get(&exporter, request("/")).await;
    assert!(status == StatusCode::OK && page.contains("href=\"/metrics\""), "{page}");
    assert_eq!(get(&exporter, request("/healthz")).await, (StatusCode::OK, "ok\n".to_owned()));
    assert_eq!(get(&exporter, request("/nowhere")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_says_of_itself_what_it_is_and_how_often_it_was_asked() {
    let exporter = exporter(config([nowhere()])).await;
    exporter.scrape().await;
    let (_, page) = get(&exporter, request("/metrics")).await;
    assert_eq!(sample(&page, "hitmark_exporter_scrapes_total"), 2.0);
    assert!(page.contains("hitmark_exporter_build_info{") && page.contains("process_resident_memory_bytes "));
    let complaints = hitmark_testkit::promtool_with_input(["check", "metrics"], &page);
    assert!(complaints.is_ok(), "{complaints:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = exporter(config([nowhere()])).await;
    let mut config = config([nowhere()]);
    config.listen = first.addr();
    let error = hitmark_exporter::Exporter::bind(config).await.unwrap_err();
    assert!(matches!(error, ExporterError::Bind { .. }));
    assert!(error.to_string().contains(&first.addr().to_string()), "{error}");
}

#[tokio::test]
async fn a_server_that_is_told_to_end_ends() {
    let exporter = exporter(config([nowhere()])).await;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(exporter.serve(async move { drop(stopped.await) }));
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
