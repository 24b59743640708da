//! What several test files need: a page as a client gets it, a sample by name, a raw Redis command.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitmark_exporter::config::TargetConfig;
use hitmark_exporter::options::OptionValue;
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_schema::metrics::{QUEUE_SYSTEMS_KEPT, REDIS_KEPT};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// A configuration on a free port that asks these Redis servers.
pub(crate) fn config<const N: usize>(redis: [String; N]) -> ExporterConfig {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.redis = redis.into();
    config
}

pub(crate) async fn exporter(config: ExporterConfig) -> Exporter {
    Exporter::bind(config).await.unwrap()
}

/// `GET path` without a socket.
pub(crate) async fn get(exporter: &Exporter, request: Request<Body>) -> (StatusCode, String) {
    let response = exporter.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

pub(crate) fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Asks one server with one kind of collector and these options.
pub(crate) fn config_of(kind: &str, url: &str, options: &[(&str, OptionValue)]) -> ExporterConfig {
    let mut config = ExporterConfig::default();
    config.listen.set_port(0);
    config.targets = vec![target(kind, url)];
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    config.modules.insert("default".to_owned(), [(kind.to_owned(), options)].into());
    config
}

pub(crate) fn target(kind: &str, url: &str) -> TargetConfig {
    TargetConfig {
        kind: kind.to_owned(),
        url: url.to_owned(),
        module: String::new(),
        place: "the test".to_owned(),
    }
}

/// `promtool check metrics` finds nothing but names that are kept for compatibility.
pub(crate) fn assert_clean(page: &str) {
    let Err(error) = hitmark_testkit::promtool_with_input(["check", "metrics"], page) else { return };
    let complaints = error.to_string();
    for line in complaints.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        assert!(REDIS_KEPT.contains(&name) || QUEUE_SYSTEMS_KEPT.contains(&name), "{line}");
    }
}

/// The value of the sample whose name and labels are exactly `series`.
pub(crate) fn sample(page: &str, series: &str) -> f64 {
    find(page, series).unwrap_or_else(|| panic!("no {series} in\n{page}"))
}

pub(crate) fn find(page: &str, series: &str) -> Option<f64> {
    page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Sends commands on a connection of their own and returns all that the server answered.
pub(crate) fn commands(port: u16, lines: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut text = lines.join("\r\n");
    text += "\r\nQUIT\r\n";
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
