//! What several test files need: a page as a client gets it, a sample by name, a raw Redis command.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use hitmark_exporter::config::TargetConfig;
use hitmark_exporter::options::OptionValue;
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_schema::exposition::{Family, encode};
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

/// The same for one server, with options of the default module.
pub(crate) fn with_redis_options(url: String, options: &[(&str, OptionValue)]) -> ExporterConfig {
    let mut config = config([url]);
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    config.modules.insert("default".to_owned(), BTreeMap::from([("redis".to_owned(), options)]));
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

/// A path below `tests/`.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Families as a page.
pub(crate) fn encoded(families: &[Family]) -> String {
    let mut page = String::new();
    encode(families, &mut page);
    page
}

/// The page is exactly the one that is checked in. `BLESS=1` writes it anew; the difference is then
/// for a person to read.
pub(crate) fn assert_golden(name: &str, page: &str) {
    let path = here(&format!("golden/{name}"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    for (line, (ours, wanted)) in page.lines().zip(golden.lines()).enumerate() {
        assert_eq!(ours, wanted, "{name}, line {}; BLESS=1 writes the page anew", line + 1);
    }
    assert_eq!(page.lines().count(), golden.lines().count());
}

/// What promtool complains of, by metric, other than names that are kept.
pub(crate) fn complaints(page: &str, kept: &[&str]) -> Vec<String> {
    let Err(error) = hitmark_testkit::promtool_with_input(["check", "metrics"], page) else {
        return Vec::new();
    };
    let text = error.to_string();
    let lines = text.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
    lines.filter(|line| !kept.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
}

/// A configuration that asks these targets of one kind.
pub(crate) fn asks(kind: &str, urls: &[&str]) -> ExporterConfig {
    let mut config = config([]);
    let target = |url: &&str| TargetConfig {
        kind: kind.to_owned(),
        url: (*url).to_owned(),
        module: String::new(),
        place: "test".to_owned(),
    };
    config.targets = urls.iter().map(target).collect();
    config.timeout = Duration::from_secs(2);
    config
}

/// Accepts connections on a free port, reads once from each, answers these bytes and, if told to,
/// closes. Returns `127.0.0.1:PORT`.
pub(crate) fn answering(bytes: &'static [u8], then: Then) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(bytes);
            match then {
                Then::Close => {}
                Then::StayOpen => open.push(stream),
            }
        }
    });
    address
}

/// What a false server does after its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then {
    Close,
    StayOpen,
}
