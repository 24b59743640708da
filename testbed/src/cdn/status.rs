//! What the network is and what it holds: the document of `/api/cdn/status`, and the state of the
//! store, which only an operator asks for, since it lists the store.

use serde::Serialize;
use serde_json::{Value, json};

use super::config::{CdnConfig, Provider};
use super::error::CdnError;
use super::store::Store;
use super::sync::{Manifest, SyncMode, sync};
use crate::assets::AssetSet;

/// The configuration and the assets, without secrets and without asking anybody.
#[must_use]
pub fn document(config: &CdnConfig, assets: &AssetSet) -> Value {
    let mut document = json!({
        "enabled": config.enabled,
        "provider": config.provider.as_str(),
        "base_url": config.base_url.as_ref().map(|url| url.as_str().trim_end_matches('/')),
        "auto_version": config.auto_version,
        "store": config.store,
        "edges": config.edges.iter().map(|url| url.as_str().trim_end_matches('/')).collect::<Vec<_>>(),
        "assets": { "files": assets.len(), "bytes": assets.bytes() },
    });
    if config.provider == Provider::CloudFront {
        document["cloudfront"] = json!({
            "distribution_id": config.cloudfront.distribution_id,
            "aws_region": config.cloudfront.region,
        });
    }
    document
}

/// What a store holds of the assets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreState {
    /// The store's URL or folder.
    pub store: String,
    /// Files that its manifest names.
    pub files: usize,
    /// Objects that a synchronisation would upload.
    pub to_upload: usize,
    /// Versions of earlier releases.
    pub earlier: usize,
}

/// Asks the store what it holds of the assets.
///
/// # Errors
/// If it cannot be read.
pub async fn state(assets: &AssetSet, store: &Store) -> Result<StoreState, CdnError> {
    let planned = sync(assets, store, SyncMode::DryRun).await?;
    Ok(StoreState {
        store: store.shown().to_owned(),
        files: Manifest::read(store).await?.files.len(),
        to_upload: planned.uploaded.len(),
        earlier: planned.earlier,
    })
}
