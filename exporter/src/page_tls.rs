//! TLS by rustls for pages and edges: the system's authorities, and one that a module names.
//!
//! There is no way to switch verification off: a module names the authority of a test service
//! instead (`ca_file`). TLS towards Redis, whose options have other names, is `tls`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use url::Url;

use crate::failure::Failure;
use crate::options::OptionReader;

/// How TLS is spoken, to any number of hosts.
#[derive(Clone)]
pub(crate) struct Tls {
    connector: TlsConnector,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// What the URL needs, by the option `ca_file`: nothing unless it is an `https` one.
    pub(crate) fn for_url(url: Option<&Url>, reader: &mut OptionReader<'_>) -> Option<Self> {
        let ca_file = reader.text("ca_file");
        if url.is_none_or(|url| url.scheme() != "https") {
            return None;
        }
        let ca_file = (!ca_file.is_empty()).then_some(ca_file.as_ref());
        Self::new(ca_file).map_err(|wrong| reader.mistake(wrong)).ok()
    }

    /// Reads the authorities: the system's, and those of a PEM file if one is named.
    fn new(ca_file: Option<&Path>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        if let Some(path) = ca_file {
            let wrong = |error: &dyn fmt::Display| format!("ca_file: cannot be read: {error}");
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                store.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err("ca_file: this machine has no certificate authorities; name one".to_owned());
        }
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// Speaks TLS on a connection to this host.
    pub(crate) async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|_| Failure::Connect("TLS: the host has no valid name".to_owned()))?;
        self.connector.connect(name, stream).await.map_err(|error| Failure::Connect(format!("TLS: {error}")))
    }
}
