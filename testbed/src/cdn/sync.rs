//! Bringing assets to the object store: what is there already stays, what is new is uploaded, what is
//! old is left for the pages that still name it.
//!
//! Each asset is there twice: under its name with the hash, for a year, and under its plain name, for
//! a minute. A manifest tells what the plain names hold; it is written last, so that it never names
//! what is not there.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use super::error::CdnError;
use super::store::Store;
use crate::assets::{Asset, AssetSet, IMMUTABLE, SHORT};

/// The most uploads at a time.
const AT_ONCE: usize = 8;
const MANIFEST: &str = "manifest.json";
const MANIFEST_TYPE: &str = "application/json";
const MANIFEST_CONTROL: &str = "no-cache";
const SCHEMA: u32 = 1;

/// What a synchronisation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// Upload what is missing.
    Apply,
    /// Only tell what would be uploaded.
    DryRun,
}

/// What a synchronisation did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncReport {
    /// The names that were uploaded, sorted.
    pub uploaded: Vec<String>,
    /// Their bytes.
    pub uploaded_bytes: u64,
    /// Names that the store held already with this content.
    pub unchanged: usize,
    /// Objects of the store that belong to no current asset: versions of earlier releases.
    pub earlier: usize,
}

/// The file `manifest.json` of a store: what each plain name holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    schema: u32,
    pub(super) files: BTreeMap<String, Entry>,
}

/// What a plain name holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    versioned: String,
    pub(super) hash: String,
    bytes: u64,
    content_type: String,
    cache_control: String,
}

/// One object to be.
#[derive(Debug)]
struct Upload {
    name: String,
    body: Bytes,
    content_type: &'static str,
    cache_control: &'static str,
}

/// Makes the store hold the assets.
///
/// # Errors
/// If the store cannot be read or refuses an object; what was uploaded before stays, and a second
/// synchronisation goes on from there.
pub async fn sync(assets: &AssetSet, store: &Store, mode: SyncMode) -> Result<SyncReport, CdnError> {
    let there = store.list().await?;
    let known = Manifest::read(store).await?;
    let uploads: Vec<Upload> = assets.iter().flat_map(|asset| missing(asset, &there, &known)).collect();
    let is_current =
        |name: &str| name == MANIFEST || assets.find(name).is_some() || assets.find_versioned(name).is_some();
    let mut uploaded: Vec<String> = uploads.iter().map(|upload| upload.name.clone()).collect();
    uploaded.sort();
    let report = SyncReport {
        unchanged: 2 * assets.len() - uploaded.len(),
        uploaded_bytes: uploads.iter().map(|upload| upload.body.len() as u64).sum(),
        earlier: there.keys().filter(|name| !is_current(name)).count(),
        uploaded,
    };
    if mode == SyncMode::DryRun {
        return Ok(report);
    }
    // Names with hashes first: a plain page must not name what is not there yet.
    let (plain, versioned): (Vec<Upload>, Vec<Upload>) =
        uploads.into_iter().partition(|upload| upload.cache_control == SHORT);
    put_all(store, versioned).await?;
    put_all(store, plain).await?;
    let manifest = Manifest::of(assets);
    if manifest != known {
        let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
        store.put(MANIFEST, text.into(), MANIFEST_TYPE, MANIFEST_CONTROL).await?;
    }
    Ok(report)
}

async fn put_all(store: &Store, uploads: Vec<Upload>) -> Result<(), CdnError> {
    let put = |upload: Upload| async move {
        store.put(&upload.name, upload.body, upload.content_type, upload.cache_control).await
    };
    futures::stream::iter(uploads).map(put).buffer_unordered(AT_ONCE).try_collect().await
}

/// The objects of an asset that the store does not hold. A name with the hash says what it holds; of
/// a plain name the manifest says it, as long as the size agrees.
fn missing(asset: &Asset, there: &BTreeMap<String, u64>, known: &Manifest) -> Vec<Upload> {
    let has = |name: &str| there.get(name) == Some(&(asset.body.len() as u64));
    let upload = |name: &str, cache_control| Upload {
        name: name.to_owned(),
        body: asset.body.clone(),
        content_type: asset.content_type,
        cache_control,
    };
    let is_known = known.files.get(&asset.name).is_some_and(|entry| entry.hash == asset.hash);
    let versioned = (!has(&asset.versioned)).then(|| upload(&asset.versioned, IMMUTABLE));
    let plain = (!has(&asset.name) || !is_known).then(|| upload(&asset.name, SHORT));
    [versioned, plain].into_iter().flatten().collect()
}

impl Manifest {
    pub(super) fn of(assets: &AssetSet) -> Self {
        let entry = |asset: &Asset| Entry {
            versioned: asset.versioned.clone(),
            hash: asset.hash.clone(),
            bytes: asset.body.len() as u64,
            content_type: asset.content_type.to_owned(),
            cache_control: SHORT.to_owned(),
        };
        let files = assets.iter().map(|asset| (asset.name.clone(), entry(asset))).collect();
        Self { schema: SCHEMA, files }
    }

    /// The manifest of the store; empty if there is none, or one that is not ours: then everything is
    /// uploaded anew, which is always right.
    pub(super) async fn read(store: &Store) -> Result<Self, CdnError> {
        let Some(text) = store.get(MANIFEST).await? else { return Ok(Self::default()) };
        let manifest: Option<Self> = serde_json::from_slice(&text).ok();
        Ok(manifest.filter(|manifest| manifest.schema == SCHEMA).unwrap_or_default())
    }
}
