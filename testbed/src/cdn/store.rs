//! The object store: a folder, or a bucket of S3 or of what speaks like it. Names in it are the paths
//! of URLs, so that an edge may have it as its origin.

use std::collections::BTreeMap;
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use hitmark_schema::redact;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ClientOptions, ObjectStore, ObjectStoreExt as _};
use object_store::{BackoffConfig, PutOptions, RetryConfig};

use super::config::CdnConfig;
use super::error::CdnError;
use crate::assets::{ASSET_BYTES_MAX, FOLDER};

/// The most objects that are listed: a wrong bucket is an error and not a full memory.
const OBJECTS_MAX: usize = 100_000;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Where objects are when no store is named.
const DEFAULT_FOLDER: &str = "cdn-store";

/// Where assets are kept for edges, version beside version.
#[derive(Debug)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    /// The folder of assets within it.
    under: Path,
    metadata: Metadata,
    /// What messages show.
    shown: String,
}

/// Whether the store keeps an object's `Cache-Control` and `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metadata {
    Kept,
    /// A folder has none; the server before it says them.
    Absent,
}

impl Store {
    /// Opens the store, which must exist; without one in the configuration, the folder `cdn-store`.
    ///
    /// # Errors
    /// If the folder is not there or the bucket's settings do not fit together.
    pub fn open(config: &CdnConfig) -> Result<Self, CdnError> {
        let text = config.store.as_deref().unwrap_or(DEFAULT_FOLDER);
        let shown = redact::url(text);
        let failed = |error: object_store::Error| refused(&shown, "be opened", &error);
        let Some(bucket) = text.strip_prefix("s3://") else {
            if !Folder::new(text).is_dir() {
                let hint = "there is no such folder; hitmark testbed cdn sync makes and fills it";
                return Err(refused(&shown, "be opened", &hint));
            }
            let objects = LocalFileSystem::new_with_prefix(text).map_err(failed)?;
            let (under, metadata) = (Path::from(FOLDER), Metadata::Absent);
            return Ok(Self { objects: Arc::new(objects), under, metadata, shown });
        };
        let (bucket, folder) = bucket.split_once('/').unwrap_or((bucket, ""));
        let objects = s3(config, bucket).map_err(failed)?;
        let under = Path::parse(folder).map_err(|error| failed(error.into()))?.join(FOLDER);
        Ok(Self { objects: Arc::new(objects), under, metadata: Metadata::Kept, shown })
    }

    /// The same, but a folder that is not there is made.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn create(config: &CdnConfig) -> Result<Self, CdnError> {
        let text = config.store.as_deref().unwrap_or(DEFAULT_FOLDER);
        if !text.starts_with("s3://") {
            std::fs::create_dir_all(Folder::new(text))
                .map_err(|error| refused(&redact::url(text), "be made", &error))?;
        }
        Self::open(config)
    }

    /// The store's URL or folder, as messages show it.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Names within the folder of assets, and their sizes in bytes.
    pub(super) async fn list(&self) -> Result<BTreeMap<String, u64>, CdnError> {
        let failed = |error| refused(&self.shown, "list its objects", &error);
        let mut found = BTreeMap::new();
        let mut objects = self.objects.list(Some(&self.under));
        while let Some(object) = objects.try_next().await.map_err(failed)? {
            let name = object
                .location
                .prefix_match(&self.under)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
            found.extend(name.map(|name| (name, object.size)));
            if found.len() > OBJECTS_MAX {
                return Err(refused(&self.shown, "list its objects", &format!("more than {OBJECTS_MAX}")));
            }
        }
        Ok(found)
    }

    /// An object; `None` if there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<Bytes>, CdnError> {
        let failed = |error| refused(&self.shown, "read an object", &error);
        let path = self.path(name)?;
        let found = match self.objects.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.map_err(failed)?,
        };
        if found.meta.size > ASSET_BYTES_MAX {
            let size = found.meta.size;
            return Err(refused(&self.shown, "read an object", &format!("{name} has {size} bytes")));
        }
        found.bytes().await.map(Some).map_err(failed)
    }

    /// Puts an object in the place of an older one.
    pub(super) async fn put(
        &self,
        name: &str,
        body: Bytes,
        content_type: &'static str,
        cache_control: &'static str,
    ) -> Result<(), CdnError> {
        let mut attributes = Attributes::new();
        if self.metadata == Metadata::Kept {
            attributes.insert(Attribute::ContentType, content_type.into());
            attributes.insert(Attribute::CacheControl, cache_control.into());
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        let put = self.objects.put_opts(&self.path(name)?, body.into(), options).await;
        put.map(|_| ()).map_err(|error| refused(&self.shown, "take an object", &error))
    }

    fn path(&self, name: &str) -> Result<Path, CdnError> {
        let path = Path::parse(format!("{}/{name}", self.under));
        path.map_err(|error| refused(&self.shown, "name an object", &error))
    }
}

/// A bucket, with the credentials of the configuration or else those that AWS's own clients find.
pub(super) fn s3(config: &CdnConfig, bucket: &str) -> object_store::Result<AmazonS3> {
    let options = ClientOptions::new().with_timeout(TIMEOUT).with_allow_http(is_plain(config));
    let retry = RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
        max_retries: 3,
        retry_timeout: 3 * TIMEOUT,
    };
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        .with_region(&config.cloudfront.region)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = &config.cloudfront.endpoint {
        builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
    }
    if let Some(credentials) = &config.cloudfront.credentials {
        builder = builder.with_access_key_id(&credentials.key_id).with_secret_access_key(&credentials.secret);
    }
    builder.build()
}

/// Without TLS only where the configuration names such an address.
fn is_plain(config: &CdnConfig) -> bool {
    config.cloudfront.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http")
}

fn refused(store: &str, action: &'static str, reason: &dyn std::fmt::Display) -> CdnError {
    CdnError::Store { store: store.to_owned(), action, reason: reason.to_string() }
}
