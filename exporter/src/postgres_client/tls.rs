//! PostgreSQL's `sslmode`, and the library's hook for TLS with the handshake that all clients here use.
//!
//! Source of the modes: the PostgreSQL manual, "SSL Support" of libpq. `allow` is left out, since it
//! means TLS only after a refusal; `require` with an authority verifies it, as there. What a module
//! says of certificates holds where the URL says nothing.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};

use crate::failure::Failure;
use crate::sql_url;
use crate::tls::{Given, TlsOptions, TlsStream, Verification};

/// The parameters that we read ourselves.
const NAMES: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// How a server is connected to.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) mode: SslMode,
    pub(super) tls: Handshake,
}

/// Takes what is about TLS out of the URL. The error says what is wrong, without the URL.
pub(super) fn read(url: &str, tls: TlsOptions) -> Result<(String, Wanted), String> {
    let (rest, taken) = sql_url::take(url, &NAMES);
    let path = |name: &str| taken.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let system = taken.get("sslrootcert").is_some_and(|root| root == "system");
    let given = Given {
        authority: path("sslrootcert").filter(|_| !system),
        certificate: path("sslcert"),
        key: path("sslkey"),
    };
    let has_authority = given.authority.is_some() || tls.has_authority();
    let mode = taken.get("sslmode").map(String::as_str);
    let (mode, verification) = match mode {
        // Who names an authority wants to know whom he speaks to.
        None if has_authority || system => (SslMode::Require, Verification::Full),
        None | Some("prefer") => (SslMode::Prefer, Verification::Skipped),
        Some("disable") => (SslMode::Disable, Verification::Skipped),
        Some("require") if has_authority => (SslMode::Require, Verification::Authority),
        Some("require") => (SslMode::Require, Verification::Skipped),
        Some("verify-ca") => (SslMode::Require, Verification::Authority),
        Some("verify-full") => (SslMode::Require, Verification::Full),
        Some(_) => {
            return Err("has an sslmode that is none here; write disable, prefer, require, verify-ca or \
                        verify-full"
                .to_owned());
        }
    };
    Ok((rest, Wanted { mode, tls: Handshake(tls.over(given, verification)) }))
}

/// Makes the handshake for whatever host the library connects to.
#[derive(Debug, Clone)]
pub(super) struct Handshake(TlsOptions);

impl Handshake {
    /// Everything that is wrong with the certificates, without a connection.
    pub(super) fn check(&self, host: &str) -> Result<(), String> {
        self.0.check(host)
    }
}

/// One handshake.
pub(super) struct To {
    tls: TlsOptions,
    host: String,
}

impl MakeTlsConnect<Socket> for Handshake {
    type Stream = Secured;
    type TlsConnect = To;
    type Error = Failure;

    fn make_tls_connect(&mut self, domain: &str) -> Result<To, Failure> {
        Ok(To { tls: self.0.clone(), host: domain.to_owned() })
    }
}

impl TlsConnect<Socket> for To {
    type Stream = Secured;
    type Error = Failure;
    type Future = BoxFuture<'static, Result<Secured, Failure>>;

    fn connect(self, stream: Socket) -> Self::Future {
        async move { self.tls.handshake(stream, &self.host).await.map(Secured) }.boxed()
    }
}

/// A stream after the handshake.
pub(super) struct Secured(TlsStream<Socket>);

impl tokio_postgres::tls::TlsStream for Secured {
    /// None: a password is then sent as over any other verified connection, by SCRAM without its
    /// binding to the certificate.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_libpq_s_and_an_authority_makes_it_stricter() {
        for (query, mode) in [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=prefer&a=b", SslMode::Prefer),
            ("?sslmode=require", SslMode::Require),
            ("?sslrootcert=/x", SslMode::Require),
            ("?sslrootcert=system", SslMode::Require),
            ("?sslmode=verify-ca&sslrootcert=/x", SslMode::Require),
            ("?sslmode=verify-full", SslMode::Require),
        ] {
            let (rest, wanted) = read(&format!("postgres://h/d{query}"), TlsOptions::default()).unwrap();
            assert_eq!(wanted.mode, mode, "{query}");
            assert!(!rest.contains("ssl"), "{rest}");
        }
        let wrong = read("postgres://h/d?sslmode=allow", TlsOptions::default()).unwrap_err();
        assert!(wrong.contains("verify-full"), "{wrong}");
    }
}
