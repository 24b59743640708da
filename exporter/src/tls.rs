//! TLS towards the servers that are asked: what a module says of certificates, and the handshake.
//!
//! It is apart from the clients, which need only a stream, and it knows no protocol above TLS. The
//! files are read anew for each connection, so that a renewed certificate needs no restart. Our own
//! port's TLS is `web`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

use crate::options::OptionReader;

/// The options of a module, under redis_exporter's names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsOptions {
    ca_file: Option<PathBuf>,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
    verification: Verification,
}

/// Whether the server must prove who it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Verification {
    /// By a certificate of the authority, for the host's name.
    #[default]
    Full,
    /// Not at all: whoever stands between may read and change everything.
    Skipped,
}

/// The names of the options that hold a text.
pub(crate) const TLS_TEXTS: [&str; 4] =
    ["tls_ca_cert_file", "tls_client_cert_file", "tls_client_key_file", "tls_server_name"];
/// The name of the option that is a switch.
pub(crate) const TLS_SKIP: &str = "skip_tls_verification";

impl TlsOptions {
    pub(crate) fn read(reader: &mut OptionReader<'_>) -> Self {
        let [ca, certificate, key, name] = TLS_TEXTS.map(|name| reader.text(name));
        let path = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
        Self {
            ca_file: path(ca),
            certificate_file: path(certificate),
            key_file: path(key),
            server_name: (!name.is_empty()).then_some(name),
            verification: match reader.flag(TLS_SKIP, false) {
                true => Verification::Skipped,
                false => Verification::Full,
            },
        }
    }

    /// Connects and shakes hands. The error is a sentence without a secret.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TlsStream<TcpStream>, String> {
        let config = self.config()?;
        let name = self.name(host)?;
        let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
        // A scrape is one small write and one read: waiting for more bytes only delays it.
        let _ = stream.set_nodelay(true);
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        stream.map_err(|error| format!("TLS: {error}"))
    }

    /// Everything that is wrong with what is given, without a connection.
    pub(crate) fn check(&self, host: &str) -> Result<(), String> {
        self.config().and_then(|_| self.name(host)).map(drop)
    }

    fn name(&self, host: &str) -> Result<ServerName<'static>, String> {
        let name = self.server_name.as_deref().unwrap_or(host).to_owned();
        ServerName::try_from(name).map_err(|_| "the host is no name that a certificate can hold".to_owned())
    }

    fn config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match self.verification {
            Verification::Full => builder.with_root_certificates(self.roots()?),
            Verification::Skipped => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
            }
        };
        match (&self.certificate_file, &self.key_file) {
            (None, None) => Ok(builder.with_no_client_auth()),
            (Some(certificate), Some(key)) => {
                let (chain, key) = (certificates(certificate)?, private_key(key)?);
                builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string())
            }
            _ => Err("tls_client_cert_file and tls_client_key_file belong together".to_owned()),
        }
    }

    /// The authority's certificates, or those of the system if none is named.
    fn roots(&self) -> Result<RootCertStore, String> {
        let mut store = RootCertStore::empty();
        match &self.ca_file {
            Some(path) => {
                for certificate in certificates(path)? {
                    store.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
                }
            }
            None => drop(store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        Ok(store)
    }
}

/// The certificates of a PEM file, at least one.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wrong = |error| format!("{}: holds no readable certificate: {error}", path.display());
    let all: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect();
    let all = all.map_err(wrong)?;
    if all.is_empty() { Err(format!("{}: holds no certificate", path.display())) } else { Ok(all) }
}

/// The private key of a PEM file.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| format!("{}: holds no readable private key: {error}", path.display()))
}

/// Accepts any certificate, as the operator asked; signatures must still fit the certificate shown.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
