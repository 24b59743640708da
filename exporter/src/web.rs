//! Our own port: TLS and passwords from a file in the form of Prometheus' exporter-toolkit.
//!
//! `file` reads the form, `auth` checks a request's password, `listener` shakes hands. All of it is
//! replaced by a reload, so a renewed certificate needs no restart. It knows nothing of targets.

mod auth;
mod file;
mod listener;

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;

pub(crate) use auth::{Passwords, require};
pub(crate) use listener::WebListener;

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Web {
    /// How to shake hands; nothing means plain HTTP.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Who may ask; nobody named means everybody.
    pub(crate) passwords: Passwords,
}

impl Web {
    /// Reads the file, or nothing.
    ///
    /// # Errors
    /// Every mistake, as `line: text`, without a password.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Vec<String>> {
        path.map_or_else(|| Ok(Self::default()), file::read)
    }
}
