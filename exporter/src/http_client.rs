//! One bounded GET over HTTP/1.1, for the pages of services and edges, and the APIs of brokers.
//!
//! A whole HTTP client would bring redirects, proxies, cookies and a certificate store, none of
//! which a scrape on a private network should use. It keeps no connection: a service's page is
//! asked every few seconds at most.

use std::fmt;

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::failure::Failure;
use crate::page_tls::Tls;

/// What is sent beside the path.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// The header `accept`.
    pub(crate) accept: &'static str,
    /// A secret for `authorization: Bearer`.
    pub(crate) bearer: Option<&'a str>,
    /// User and password.
    pub(crate) access: Option<&'a Access>,
    /// How an `https` URL is asked; without it, such a URL cannot be.
    pub(crate) tls: Option<&'a Tls>,
}

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

/// An answer whose body is still to be read. Dropping it ends the connection.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    _driver: JoinSet<hyper::Result<()>>,
}

/// Fetches a page of at most `len_max` bytes. The caller sets the deadline by dropping the future,
/// which ends the connection too.
pub(crate) async fn get(url: &Url, fields: Fields<'_>, len_max: usize) -> Result<String, Failure> {
    let Answer { response, _driver } = send(url, fields).await?;
    match response.status() {
        StatusCode::OK => {}
        status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Failure::Credentials(format!("HTTP status {}", status.as_u16())));
        }
        status => return Err(Failure::Refused(format!("HTTP status {}", status.as_u16()))),
    }
    let body = Limited::new(response.into_body(), len_max).collect().await;
    let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(error) => broken(&error),
        Err(_) => Failure::Answer(format!("the page is larger than {len_max} bytes")),
    })?;
    String::from_utf8(body.to_bytes().into()).map_err(|_| Failure::Answer("the page is not UTF-8".to_owned()))
}

/// Asks and waits for the head of the answer.
pub(crate) async fn send(url: &Url, fields: Fields<'_>) -> Result<Answer, Failure> {
    let connect = |error: std::io::Error| Failure::Connect(error.to_string());
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    // An IPv6 host stands in brackets in a URL and not in an address.
    let host = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await.map_err(connect)?;
    let (mut sender, driver) = match (url.scheme(), fields.tls) {
        ("https", Some(tls)) => speak(tls.handshake(host, stream).await?).await?,
        ("https", None) => return Err(Failure::Connect("this page is asked without TLS".to_owned())),
        _ => speak(stream).await?,
    };
    let mut request = Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .header(header::ACCEPT, fields.accept)
        .header(header::USER_AGENT, concat!("hitmark-exporter/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    if let Some(token) = fields.bearer {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut value = value.map_err(|_| Failure::Credentials("the token is no header value".to_owned()))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    if let Some(basic) = fields.access.and_then(|access| access.0.as_deref()) {
        request = request.header(header::AUTHORIZATION, basic);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| Failure::Answer(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    Ok(Answer { response, _driver: driver })
}

type Speaking = (SendRequest<Empty<Bytes>>, JoinSet<hyper::Result<()>>);

async fn speak<S>(stream: S) -> Result<Speaking, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| broken(&error))?;
    // Dropping the set ends the task, so nothing outlives the request.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    Ok((sender, driver))
}

pub(crate) fn broken(error: &hyper::Error) -> Failure {
    Failure::Broken(error.to_string())
}
