//! One bounded GET over plain HTTP/1.1, for the pages of services.
//!
//! A whole HTTP client would bring redirects, proxies, cookies and a certificate store, none of
//! which a scrape on a private network should use. It keeps no connection: a service's page is
//! asked every few seconds at most.

use axum::body::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::failure::Failure;

/// Fetches a page of at most `len_max` bytes. The caller sets the deadline by dropping the future,
/// which ends the connection too.
pub(crate) async fn get(url: &Url, len_max: usize) -> Result<String, Failure> {
    let connect = |error: std::io::Error| Failure::Connect(error.to_string());
    let broken = |error: hyper::Error| Failure::Broken(error.to_string());
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    // An IPv6 host stands in brackets in a URL and not in an address.
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.map_err(connect)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Dropping the set ends the task, so nothing outlives the request.
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::ACCEPT, "text/plain;version=0.0.4")
        .header(header::USER_AGENT, concat!("hitmark-exporter/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Failure::Answer(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(Failure::Refused(format!("HTTP status {}", response.status().as_u16())));
    }
    let body = Limited::new(response.into_body(), len_max).collect().await;
    let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(error) => broken(*error),
        Err(_) => Failure::Answer(format!("the page is larger than {len_max} bytes")),
    })?;
    String::from_utf8(body.to_bytes().into()).map_err(|_| Failure::Answer("the page is not UTF-8".to_owned()))
}
