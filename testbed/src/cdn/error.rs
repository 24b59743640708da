//! What can go wrong between us and a store or an edge. URLs are masked before they come here.

use crate::assets::AssetError;
use crate::config::ConfigError;

/// Why something of the network could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CdnError {
    /// The configuration or an argument is wrong; nothing was sent.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The assets could not be read.
    #[error(transparent)]
    Assets(#[from] AssetError),
    /// The object store refused, or could not be reached.
    #[error("the object store {store} could not {action}: {reason}")]
    Store {
        /// The store's URL or folder.
        store: String,
        /// What was attempted.
        action: &'static str,
        /// What it said.
        reason: String,
    },
    /// An edge or its programming interface could not be asked, or refused.
    #[error("{url}: {reason}")]
    Edge {
        /// The URL that was asked, masked.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

impl CdnError {
    /// One mistake of the configuration.
    pub(crate) fn config(mistake: impl Into<String>) -> Self {
        Self::Config(ConfigError { mistakes: vec![mistake.into()] })
    }
}
