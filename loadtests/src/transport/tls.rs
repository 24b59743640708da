//! TLS by rustls: the system's authorities, and one that the plan names.
//!
//! There is no way to switch verification off: a plan names the authority of a test service instead.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::stream::Stream;
use crate::plan::{HttpVersion, ServiceAddress};

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The plan's authority is none.
    #[error("the certificate authority that 'ca' names cannot be read: {0}")]
    Authority(String),
    /// Nobody is trusted.
    #[error("this machine has no certificate authorities; name one with 'ca'")]
    NoAuthorities,
    /// The library refused the settings, or the host's name is none.
    #[error("TLS cannot be set up: {0}")]
    Settings(String),
}

/// How TLS is spoken to one service.
#[derive(Clone)]
pub struct TlsSettings {
    connector: TlsConnector,
    name: ServerName<'static>,
    http: HttpVersion,
}

impl std::fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsSettings").field("name", &self.name).finish_non_exhaustive()
    }
}

impl TlsSettings {
    pub(super) fn new(
        address: &ServiceAddress,
        http: HttpVersion,
        ca: Option<&[u8]>,
    ) -> Result<Self, TlsError> {
        let settings = |error: &dyn std::fmt::Display| TlsError::Settings(error.to_string());
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| settings(&error))?
            .with_root_certificates(authorities(ca)?)
            .with_no_client_auth();
        config.alpn_protocols = match http {
            HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        let host = address.authority.rsplit_once(':').map_or(address.authority.as_str(), |(host, port)| {
            if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { &address.authority }
        });
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| settings(&error))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name, http })
    }

    /// Any version that the service speaks is agreed on; a probe then speaks HTTP/1.1.
    pub(super) fn for_http1(self) -> Self {
        let mut config = ClientConfig::clone(self.connector.config());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { connector: TlsConnector::from(Arc::new(config)), http: HttpVersion::Http1, ..self }
    }

    pub(super) async fn handshake(&self, stream: TcpStream) -> Result<Stream, String> {
        let stream =
            self.connector.connect(self.name.clone(), stream).await.map_err(|error| error.to_string())?;
        let agreed = stream.get_ref().1.alpn_protocol();
        if self.http == HttpVersion::Http2 && agreed != Some(b"h2") {
            return Err("the service does not speak HTTP/2 over TLS".to_owned());
        }
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn authorities(ca: Option<&[u8]>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    let fault = |error: &dyn std::fmt::Display| TlsError::Authority(error.to_string());
    for certificate in CertificateDer::pem_slice_iter(ca.unwrap_or_default()) {
        let certificate = certificate.map_err(|error| fault(&error))?;
        store.add(certificate).map_err(|error| fault(&error))?;
    }
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() { Err(TlsError::NoAuthorities) } else { Ok(store) }
}
