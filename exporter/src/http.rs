//! The routes: `/metrics`, `/probe`, `/scrape`, `/healthz`, `/-/reload` and a landing page.
//!
//! A target that fails is a sample on a page of status 200: the exporter is well even when its
//! targets are not. Only an exporter with too many pages under way refuses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use hitmark_schema::exposition::Format;

use crate::collectors::Discovered;
use crate::compression::Gzip;
use crate::config::Lifecycle;
use crate::probe::ProbeError;
use crate::reload::Current;
use crate::web;

/// Prometheus says here how long it waits.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// Kept back from that time to write and send the page, at most a fifth of it.
const MARGIN: Duration = Duration::from_millis(250);

/// Most parameters of one request that are read.
const PARAMETERS_MAX: usize = 64;

const LANDING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
<title>hitmark exporter</title><h1>hitmark exporter</h1>\
<p>Asks caches and services and answers Prometheus.</p>\
<ul><li><a href=\"/metrics\">Metrics</a><li><a href=\"/healthz\">Health</a></ul></html>\n";

pub(crate) fn router(current: Arc<Current>) -> Router {
    let healthy = || get(async || "ok\n");
    Router::new()
        .route("/metrics", get(metrics))
        .route("/probe", get(probe))
        .route("/scrape", get(probe))
        // redis_exporter's name for the same as `/discover`.
        .route("/discover-cluster-nodes", get(discover))
        .route("/discover", get(discover))
        .route("/healthz", healthy())
        // The names of redis_exporter and of exporter-toolkit.
        .route("/health", healthy())
        .route("/-/healthy", healthy())
        .route("/-/reload", post(reload))
        .route("/", get(async || Html(LANDING)))
        .layer(from_fn_with_state(Arc::clone(&current), web::require))
        .with_state(current)
}

/// Reads the configuration anew, where requests may ask for that.
async fn reload(State(current): State<Arc<Current>>) -> Response {
    if current.lifecycle() == Lifecycle::Signals {
        let text = "reloading by request is off; start with --web-enable-lifecycle, or send SIGHUP\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    match tokio::task::spawn_blocking(move || current.reload()).await {
        Ok(Ok(())) => "the configuration was reloaded\n".into_response(),
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn metrics(State(current): State<Arc<Current>>, headers: HeaderMap) -> Response {
    let Ok(_permit) = current.permits.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many scrapes are under way\n").into_response();
    };
    let scraper = current.scraper();
    let parts = scraper.scrape(patience(&headers).unwrap_or(scraper.timeout())).await;
    let format = format_for(&headers);
    answer(format, &headers, current.about.page(&parts, format), &current.gzip)
}

/// One target that the request names. `/scrape` is redis_exporter's name for the same.
async fn probe(
    State(current): State<Arc<Current>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(_permit) = current.probe_permits.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many probes are under way\n").into_response();
    };
    let parameters = parameters(query);
    let scraper = current.scraper();
    let (target, module) = (value(&parameters, "target"), value(&parameters, "module"));
    let target = match scraper.probes.find(target, module, &parameters) {
        Ok(target) => target,
        Err(error) => {
            current.about.count_refused();
            return refusal(&error);
        }
    };
    let part = scraper.probe(&target, patience(&headers).unwrap_or(scraper.timeout())).await;
    let format = format_for(&headers);
    answer(format, &headers, current.about.probe_page(&part, format), &current.gzip)
}

/// The nodes of a cluster, as Prometheus' HTTP service discovery reads them: one group for each role.
/// Without `?target=` it is the first configured cluster.
async fn discover(
    State(current): State<Arc<Current>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(_permit) = current.probe_permits.try_acquire() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many probes are under way\n").into_response();
    };
    let scraper = current.scraper();
    let parameters = parameters(query);
    let mut target = value(&parameters, "target").to_owned();
    if target.is_empty() {
        target = scraper.first_cluster().unwrap_or_default();
    }
    let target = match scraper.probes.find(&target, value(&parameters, "module"), &[]) {
        Ok(target) => target,
        Err(error) => return refusal(&error),
    };
    match target.discover(patience(&headers).unwrap_or(scraper.timeout())).await {
        None => {
            (StatusCode::BAD_REQUEST, "the target is no cluster; write redis+cluster://\n").into_response()
        }
        Some(Err(failure)) => (StatusCode::BAD_GATEWAY, format!("{failure}\n")).into_response(),
        Some(Ok(found)) => axum::Json(groups(&found)).into_response(),
    }
}

/// `[{"targets": […], "labels": {"role": …}}, …]`.
fn groups(found: &[Discovered]) -> serde_json::Value {
    let roles = ["master", "replica"].into_iter().filter_map(|role| {
        let urls: Vec<&str> =
            found.iter().filter(|one| one.role == role).map(|one| one.url.as_str()).collect();
        let labels = serde_json::json!({ "__meta_redis_role": role });
        (!urls.is_empty()).then(|| serde_json::json!({ "targets": urls, "labels": labels }))
    });
    roles.collect()
}

/// The names and values of a query, as many as one may have.
fn parameters(query: Option<String>) -> Vec<(String, String)> {
    let query = query.unwrap_or_default();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).take(PARAMETERS_MAX);
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The last value of this name.
fn value<'a>(parameters: &'a [(String, String)], name: &str) -> &'a str {
    parameters.iter().rfind(|(known, _)| known == name).map_or("", |(_, value)| value)
}

fn refusal(error: &ProbeError) -> Response {
    let status = match error {
        ProbeError::NotAllowed => StatusCode::FORBIDDEN,
        ProbeError::NoTarget | ProbeError::Wrong(_) => StatusCode::BAD_REQUEST,
    };
    (status, format!("{error}\n")).into_response()
}

/// The page, compressed when the client asks for it.
fn answer(format: Format, headers: &HeaderMap, page: String, gzip: &Gzip) -> Response {
    let kind = [(header::CONTENT_TYPE, format.content_type()), (header::VARY, "accept, accept-encoding")];
    let compressed = if accepts_gzip(headers) { gzip.compress(page.as_bytes()) } else { None };
    match compressed {
        Some(bytes) => (kind, [(header::CONTENT_ENCODING, "gzip")], bytes).into_response(),
        None => (kind, page).into_response(),
    }
}

/// The quality of a coding or type in a list such as `a;q=0.5, b`; 0 when it is not there.
fn quality(list: &str, wanted: &str) -> f64 {
    let qualities = list.split(',').filter_map(|item| {
        let mut parts = item.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(wanted) {
            return None;
        }
        let q = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
        q.filter(|q: &f64| (0.0..=1.0).contains(q))
    });
    qualities.fold(0.0, f64::max)
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> String {
    let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join(",")
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    quality(&text_of(headers, header::ACCEPT_ENCODING), "gzip") > 0.0
}

/// OpenMetrics when the client likes it at least as well as the text format.
fn format_for(headers: &HeaderMap) -> Format {
    let accept = text_of(headers, header::ACCEPT);
    let open = quality(&accept, "application/openmetrics-text");
    if open > 0.0 && open >= quality(&accept, "text/plain") { Format::OpenMetrics } else { Format::Text }
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
    fn the_format_and_the_coding_are_what_the_client_likes_best() {
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain;version=0.0.4", Format::Text),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
                Format::OpenMetrics,
            ),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.3", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(format_for(&headers), format, "{accept}");
        }
        for (coding, wanted) in [("gzip", true), ("br, GZIP;q=0.2", true), ("gzip;q=0", false), ("br", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, coding.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), wanted, "{coding}");
        }
    }

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
