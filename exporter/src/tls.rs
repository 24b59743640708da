//! TLS towards the servers that are asked: what a module says of certificates, and the handshake.
//!
//! It is apart from the clients, which need only a stream, and it knows no protocol above TLS. The
//! files are read anew for each connection, so that a renewed certificate needs no restart. Our own
//! port's TLS is `web`.

mod rsa;
mod trust;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
pub(crate) use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

pub(crate) use self::trust::distrust;
use self::verifier::Lenient;
use crate::failure::Failure;
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
pub(crate) enum Verification {
    /// By a certificate of the authority, for the host's name.
    #[default]
    Full,
    /// By a certificate of the authority, for whatever name.
    Authority,
    /// Not at all: whoever stands between may read and change everything.
    Skipped,
}

/// What a URL says of certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) authority: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
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

    /// These options, with what a URL says over them. Whoever skips verification here skips it.
    pub(crate) fn over(self, given: Given, verification: Verification) -> Self {
        Self {
            ca_file: given.authority.or(self.ca_file),
            certificate_file: given.certificate.or(self.certificate_file),
            key_file: given.key.or(self.key_file),
            server_name: self.server_name,
            verification: match self.verification {
                Verification::Skipped => Verification::Skipped,
                _ => verification,
            },
        }
    }

    /// Whether an authority is named.
    pub(crate) const fn has_authority(&self) -> bool {
        self.ca_file.is_some()
    }

    /// The parts, for a library that makes its own handshake.
    pub(crate) fn parts(&self) -> (Given, Option<&str>, Verification) {
        let given = Given {
            authority: self.ca_file.clone(),
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
        };
        (given, self.server_name.as_deref(), self.verification)
    }

    /// Our key as PKCS#1, if one is named.
    pub(crate) fn rsa_key(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(path) = &self.key_file else { return Ok(None) };
        match rsa::pkcs1(&private_key(path)?) {
            Some(key) => Ok(Some(key)),
            None => Err(format!("{}: is no RSA key, and MySQL is shown no other kind here", path.display())),
        }
    }

    /// The authority's certificates, or the system's, each as DER.
    pub(crate) fn authority(&self) -> Result<Vec<Vec<u8>>, String> {
        let all = match &self.ca_file {
            Some(path) => certificates(path)?,
            None => rustls_native_certs::load_native_certs().certs,
        };
        Ok(all.iter().map(|certificate| certificate.to_vec()).collect())
    }

    /// Connects and shakes hands.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TlsStream<TcpStream>, Failure> {
        let stream =
            TcpStream::connect((host, port)).await.map_err(|error| Failure::Connect(error.to_string()))?;
        // A scrape is one small write and one read: waiting for more bytes only delays it.
        let _ = stream.set_nodelay(true);
        self.handshake(stream, host).await
    }

    /// Shakes hands on a stream.
    pub(crate) async fn handshake<S>(&self, stream: S, host: &str) -> Result<TlsStream<S>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.config().map_err(Failure::Certificate)?;
        let name = self.name(host).map_err(Failure::Certificate)?;
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        shaken.map_err(|error| trust::failed(&error))
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
            Verification::Authority => {
                let lenient = Lenient::of_authority(self.roots()?, provider)?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(lenient))
            }
            Verification::Skipped => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Lenient::any(provider)))
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

/// Makes our provider that of the process, for a library that asks for it, unless there is one.
pub(crate) fn use_one_provider() {
    let _ = aws_lc_rs::default_provider().install_default();
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
