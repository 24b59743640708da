//! What a failed handshake means, in words that say what to do.
//!
//! It is apart because the libraries wrap the cause differently, and the advice is the same for all.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

use crate::failure::Failure;

/// The failure of a handshake.
pub(super) fn failed(error: &io::Error) -> Failure {
    distrust(error).unwrap_or_else(|| Failure::Connect(format!("TLS: {error}")))
}

/// The lack of trust that an error is about, if it is.
pub(crate) fn distrust(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let of_io = || error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<TlsError>();
        if let Some(error) = error.downcast_ref::<TlsError>().or_else(of_io) {
            return advice(error).map(Failure::Certificate);
        }
        cause = error.source();
    }
    None
}

fn advice(error: &TlsError) -> Option<String> {
    let advice = match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the authority of the server's certificate is not known here: name its PEM file with \
             tls_ca_cert_file (in a database's URL sslrootcert or ssl-ca)"
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "the server's certificate is for another name: connect by a name that it holds, or write \
             that name as tls_server_name"
        }
        TlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired: renew it"
        }
        TlsError::InvalidCertificate(_) => "the server's certificate is not accepted",
        TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown,
        ) => {
            "the server does not accept us without a certificate that it trusts: name one with \
             tls_client_cert_file and tls_client_key_file (in a database's URL sslcert and sslkey, or \
             ssl-cert and ssl-key)"
        }
        _ => return None,
    };
    Some(format!("{advice} ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the libraries wrap it: an error of the transport around that of TLS.
    fn told(error: TlsError) -> Option<String> {
        distrust(&io::Error::new(io::ErrorKind::InvalidData, error)).map(|failure| failure.to_string())
    }

    #[test]
    fn a_lack_of_trust_says_what_to_do_and_other_errors_are_none() {
        for (error, words) in [
            (TlsError::InvalidCertificate(CertificateError::UnknownIssuer), "sslrootcert"),
            (TlsError::InvalidCertificate(CertificateError::NotValidForName), "tls_server_name"),
            (TlsError::InvalidCertificate(CertificateError::Expired), "renew it"),
            (TlsError::InvalidCertificate(CertificateError::Revoked), "not accepted"),
            (TlsError::AlertReceived(AlertDescription::CertificateRequired), "tls_client_cert_file"),
        ] {
            let text = told(error).unwrap();
            assert!(text.starts_with("no trust: ") && text.contains(words), "{text}");
        }
        assert_eq!(told(TlsError::HandshakeNotComplete), None);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!((distrust(&refused), failed(&refused).kind()), (None, "connect"));
    }
}
