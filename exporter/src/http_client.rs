//! One bounded GET over plain HTTP/1.1, for the pages of services and the APIs of brokers.
//!
//! A whole HTTP client would bring redirects, proxies, cookies and a certificate store, none of
//! which a scrape on a private network should use. It keeps no connection: a service's page is
//! asked every few seconds at most.

use std::fmt;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::failure::Failure;

/// The header by which a server knows who asks; it is never shown.
pub(crate) struct Access(Option<String>);

impl Access {
    /// User and password of a URL, as RFC 7617 sends them.
    pub(crate) fn of(url: &Url) -> Self {
        let plain = |text: &str| {
            let pair = format!("x={}", text.replace('+', "%2B"));
            url::form_urlencoded::parse(pair.as_bytes())
                .next()
                .map_or(String::new(), |(_, text)| text.into_owned())
        };
        let is_given = !url.username().is_empty() || url.password().is_some();
        let both = || format!("{}:{}", plain(url.username()), plain(url.password().unwrap_or_default()));
        Self(is_given.then(|| format!("Basic {}", STANDARD.encode(both()))))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Access(given)" } else { "Access(none)" })
    }
}

/// Fetches a page of metrics of at most `len_max` bytes. The caller sets the deadline by dropping the
/// future, which ends the connection too.
pub(crate) async fn get(url: &Url, len_max: usize) -> Result<String, Failure> {
    fetch(url, "text/plain;version=0.0.4", &Access(None), len_max).await
}

/// Fetches JSON in the same way.
pub(crate) async fn get_json(url: &Url, access: &Access, len_max: usize) -> Result<String, Failure> {
    fetch(url, "application/json", access, len_max).await
}

async fn fetch(url: &Url, accept: &str, access: &Access, len_max: usize) -> Result<String, Failure> {
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

    let mut request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::ACCEPT, accept)
        .header(header::USER_AGENT, concat!("hitmark-exporter/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if let Some(access) = &access.0 {
        request = request.header(header::AUTHORIZATION, access);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| Failure::Answer(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status() == StatusCode::UNAUTHORIZED {
        return Err(Failure::Credentials("HTTP status 401".to_owned()));
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_sent_as_they_were_before_the_url_escaped_them() {
        let access = |url: &str| Access::of(&Url::parse(url).unwrap()).0;
        // The example of RFC 7617, section 2.
        assert_eq!(
            access("http://Aladdin:open%20sesame@h").as_deref(),
            Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
        );
        assert_eq!(
            access("http://a:b+c%2F@h").map(|text| text == format!("Basic {}", STANDARD.encode("a:b+c/"))),
            Some(true)
        );
        assert_eq!(access("http://h"), None);
    }
}
