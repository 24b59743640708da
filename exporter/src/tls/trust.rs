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
