//! The routes: `/metrics`, `/healthz` and a landing page.
//!
//! A target that fails is a sample on a page of status 200: the exporter is well even when its
//! targets are not. Only an exporter with too many pages under way refuses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use hitmark_schema::exposition::CONTENT_TYPE;

use crate::exporter::Scraper;

/// Prometheus says here how long it waits.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Kept back from that time to write and send the page, at most a fifth of it.
const MARGIN: Duration = Duration::from_millis(250);

const LANDING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>hitmark exporter</title><h1>hitmark exporter</h1>\
<p>Asks caches and services and answers Prometheus.</p>\
<ul><li><a href=\"/metrics\">Metrics</a><li><a href=\"/healthz\">Health</a></ul></html>\n";

pub(crate) fn router(scraper: Arc<Scraper>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/", get(async || Html(LANDING)))
        .with_state(scraper)
}

async fn metrics(State(scraper): State<Arc<Scraper>>, headers: HeaderMap) -> Response {
    let Ok(_permit) = scraper.permits.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many scrapes are under way\n").into_response();
    };
    let patience = patience(&headers).unwrap_or(scraper.timeout());
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], scraper.scrape(patience).await).into_response()
}

/// How long the caller waits, less what writing and sending takes.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(SCRAPE_TIMEOUT)?.to_str().ok()?.parse().ok()?;
    let stated = Duration::try_from_secs_f64(seconds).ok().filter(|stated| !stated.is_zero())?;
    Some(stated - MARGIN.min(stated / 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deadline_of_prometheus_is_honoured_less_a_margin_and_nonsense_is_ignored() {
        for (text, wait) in [
            ("10", Some(9_750)),
            ("0.5", Some(400)),
            ("1e3", Some(999_750)),
            ("0", None),
            ("-1", None),
            ("nan", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(SCRAPE_TIMEOUT, text.parse().unwrap());
            assert_eq!(patience(&headers), wait.map(Duration::from_millis), "{text}");
        }
        assert_eq!(patience(&HeaderMap::new()), None);
    }
}
