//! Verifiers of a server's certificate that ask for less than rustls' own: nothing, or everything but
//! the name.
//!
//! They are apart from the options, which say which one is wanted. Signatures must always fit the
//! certificate shown.

use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
};

/// What is not asked of a certificate.
#[derive(Debug)]
enum Asks {
    /// Nothing: the operator said so.
    Nothing,
    /// That the authority signed it, for whatever name.
    Authority(Arc<WebPkiServerVerifier>),
}

/// A verifier that asks for less.
#[derive(Debug)]
pub(super) struct Lenient {
    asks: Asks,
    provider: Arc<CryptoProvider>,
}

impl Lenient {
    /// Accepts any certificate.
    pub(super) const fn any(provider: Arc<CryptoProvider>) -> Self {
        Self { asks: Asks::Nothing, provider }
    }

    /// Accepts any certificate that one of these authorities signed.
    pub(super) fn of_authority(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Result<Self, String> {
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let strict = strict.build().map_err(|error| format!("no authority to verify by: {error}"))?;
        Ok(Self { asks: Asks::Authority(strict), provider })
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Asks::Authority(strict) = &self.asks else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, so this error says that everything else was right.
        match strict.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
