//! MySQL's `ssl-mode`, in the words that the library has for it.
//!
//! Source of the modes: the MySQL manual, "Command Options for Encrypted Connections". `VERIFY_CA` is
//! refused: the library cannot leave out the name alone. The files are read for each connection.

use std::path::PathBuf;

use mysql_async::{ClientIdentity, SslOpts};

use crate::failure::Failure;
use crate::sql_url;
use crate::tls::{Given, TlsOptions, Verification, use_one_provider};

/// The parameters that we read ourselves.
const NAMES: [&str; 4] = ["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key"];

/// Whether a connection has TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Never.
    Disabled,
    /// If the server has it.
    Preferred,
    /// Always, or there is no connection.
    Required,
}

/// How a server is connected to.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) mode: Mode,
    tls: TlsOptions,
}

/// Takes what is about TLS out of the URL. The error says what is wrong, without the URL.
pub(super) fn read(url: &str, tls: TlsOptions) -> Result<(String, Wanted), String> {
    let (rest, taken) = sql_url::take(url, &NAMES);
    let path = |name: &str| taken.get(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let given = Given { authority: path("ssl-ca"), certificate: path("ssl-cert"), key: path("ssl-key") };
    let has_authority = given.authority.is_some() || tls.has_authority();
    let mode = taken.get("ssl-mode").map(|mode| mode.to_ascii_uppercase().replace('-', "_"));
    let (mode, verification) = match mode.as_deref() {
        // Who names an authority wants to know whom he speaks to.
        None if has_authority => (Mode::Required, Verification::Full),
        // A server without TLS counts each attempt to have it as an aborted connection, and we are here to
        // read its counters: so it is asked for where somebody says so.
        None | Some("DISABLED") => (Mode::Disabled, Verification::Skipped),
        Some("PREFERRED") => (Mode::Preferred, Verification::Skipped),
        Some("REQUIRED") => (Mode::Required, Verification::Skipped),
        Some("VERIFY_IDENTITY") => (Mode::Required, Verification::Full),
        Some("VERIFY_CA") => {
            return Err("asks for VERIFY_CA, which this build cannot; write VERIFY_IDENTITY, and the name \
                        that the certificate holds as tls_server_name"
                .to_owned());
        }
        Some(_) => {
            return Err("has an ssl-mode that is none; write DISABLED, PREFERRED, REQUIRED or \
                        VERIFY_IDENTITY"
                .to_owned());
        }
    };
    Ok((rest, Wanted { mode, tls: tls.over(given, verification) }))
}

impl Wanted {
    /// Everything that is wrong with the certificates, without a connection.
    pub(super) fn check(&self, host: &str) -> Result<(), String> {
        if self.mode == Mode::Disabled {
            return Ok(());
        }
        self.tls.check(host)?;
        self.tls.rsa_key().map(drop)
    }

    /// What the library is told for one connection.
    pub(super) fn ssl_opts(&self) -> Result<SslOpts, Failure> {
        // The library asks for the process' choice, which more than one provider leaves open.
        use_one_provider();
        let (given, name, verification) = self.tls.parts();
        let mut opts = SslOpts::default().with_disable_built_in_roots(true);
        opts = match verification {
            Verification::Full => {
                let roots = self.tls.authority().map_err(Failure::Certificate)?;
                opts.with_root_certs(roots.into_iter().map(Into::into).collect())
            }
            // The library's verifier wants an authority even where it does not ask it.
            _ => opts.with_disable_built_in_roots(false).with_danger_accept_invalid_certs(true),
        };
        let key = self.tls.rsa_key().map_err(Failure::Certificate)?;
        if let (Some(certificate), Some(key)) = (given.certificate, key) {
            opts = opts.with_client_identity(Some(ClientIdentity::new(certificate.into(), key.into())));
        }
        Ok(match name {
            Some(name) => opts.with_danger_tls_hostname_override(Some(name.to_owned())),
            None => opts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_mysql_s_in_any_case_and_an_authority_makes_it_stricter() {
        for (query, mode) in [
            ("", Mode::Disabled),
            ("?ssl-mode=preferred", Mode::Preferred),
            ("?ssl-mode=disabled", Mode::Disabled),
            ("?ssl-mode=REQUIRED&a=b", Mode::Required),
            ("?ssl-mode=verify-identity", Mode::Required),
            ("?ssl-ca=/x", Mode::Required),
        ] {
            let (rest, wanted) = read(&format!("mysql://h/d{query}"), TlsOptions::default()).unwrap();
            assert_eq!(wanted.mode, mode, "{query}");
            assert!(!rest.contains("ssl"), "{rest}");
        }
        for wrong in ["VERIFY_CA", "maybe"] {
            let told = read(&format!("mysql://h/d?ssl-mode={wrong}"), TlsOptions::default()).unwrap_err();
            assert!(told.contains("VERIFY_IDENTITY"), "{told}");
        }
    }
}
