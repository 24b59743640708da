//! What the network is: settings as a file or the environment gives them, laid over each other, and
//! the configuration that comes of them, checked whole.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use hitmark_schema::redact;
use serde::Deserialize;
use url::Url;

use super::error::CdnError;
use crate::assets::{AssetSet, Versions};
use crate::config::ConfigError;

/// The most edges that are told of an invalidation.
const EDGES_MAX: usize = 64;
const REGION: &str = "us-east-1";

/// Settings of one source: a file `[cdn]`, the environment, the command line. What is not given is
/// left to the next source. `Debug` shows no secret.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CdnSettings {
    /// Whether pages name the network's URLs.
    pub enabled: Option<bool>,
    /// `edge`, `varnish`, `nginx` or `cloudfront`.
    pub provider: Option<String>,
    /// What stands before each asset's URL.
    pub base_url: Option<String>,
    /// Whether URLs hold the hash of the content.
    pub auto_version: Option<bool>,
    /// A folder, or `s3://bucket` or `s3://bucket/folder`.
    pub store: Option<String>,
    /// The folder of assets; without it, those that come with the testbed.
    pub assets: Option<PathBuf>,
    /// Where edges take `PURGE`; without it, the base URL.
    pub edges: Option<Vec<String>>,
    /// CloudFront's part.
    pub cloudfront: CloudFrontSettings,
    /// The token that `PURGE` carries. Never read from a file.
    #[serde(skip)]
    pub purge_token: Option<String>,
}

/// The part of CloudFront and S3 in [`CdnSettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CloudFrontSettings {
    /// The distribution to invalidate.
    pub distribution_id: Option<String>,
    /// A store by its bucket's name alone.
    pub s3_bucket: Option<String>,
    /// The region of the bucket.
    pub aws_region: Option<String>,
    /// Another address of S3 and CloudFront.
    pub endpoint: Option<String>,
}

/// The network, checked. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct CdnConfig {
    /// Whether pages name the network's URLs.
    pub enabled: bool,
    /// Who answers there.
    pub provider: Provider,
    /// What stands before each asset's URL, without a slash at its end.
    pub base_url: Option<Url>,
    /// Whether URLs hold the hash of the content.
    pub auto_version: bool,
    /// A folder, or an `s3://` URL.
    pub store: Option<String>,
    /// The folder of assets.
    pub assets: Option<PathBuf>,
    /// Where edges take `PURGE`.
    pub edges: Vec<Url>,
    /// The token that `PURGE` carries.
    pub purge_token: Option<String>,
    /// CloudFront's part.
    pub cloudfront: CloudFront,
}

/// The part of CloudFront and S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudFront {
    /// The distribution to invalidate.
    pub distribution_id: Option<String>,
    /// The region of the bucket.
    pub region: String,
    /// Another address of S3 and CloudFront.
    pub endpoint: Option<Url>,
    /// Without them, those of the environment or the machine, as other AWS clients find them.
    pub credentials: Option<Credentials>,
}

/// A key of AWS. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The key's name.
    pub key_id: String,
    /// The key.
    pub secret: String,
}

/// Who answers for the service at the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// `hitmark testbed edge`.
    Edge,
    /// Varnish, as in `deploy/varnish/`.
    Varnish,
    /// nginx, as in `deploy/nginx/`.
    Nginx,
    /// Amazon CloudFront.
    CloudFront,
}

impl Provider {
    const ALL: [Self; 4] = [Self::Edge, Self::Varnish, Self::Nginx, Self::CloudFront];

    /// The name in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Varnish => "varnish",
            Self::Nginx => "nginx",
            Self::CloudFront => "cloudfront",
        }
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        named.ok_or_else(|| format!("provider '{text}': the providers are edge, varnish, nginx, cloudfront"))
    }
}

impl CdnSettings {
    /// Reads a file: TOML with a table `[cdn]`.
    ///
    /// # Errors
    /// If it is not TOML, or has keys that are not known.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            cdn: CdnSettings,
        }
        toml::from_str::<File>(text).map(|file| file.cdn).map_err(|error| error.to_string())
    }

    /// These settings, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            enabled: self.enabled.or(other.enabled),
            provider: self.provider.or(other.provider),
            base_url: self.base_url.or(other.base_url),
            auto_version: self.auto_version.or(other.auto_version),
            // A bucket of the stronger source is not overruled by a store of the weaker one.
            store: self.store.or(other.store.filter(|_| self.cloudfront.s3_bucket.is_none())),
            assets: self.assets.or(other.assets),
            edges: self.edges.or(other.edges),
            cloudfront: CloudFrontSettings {
                distribution_id: self.cloudfront.distribution_id.or(other.cloudfront.distribution_id),
                s3_bucket: self.cloudfront.s3_bucket.or(other.cloudfront.s3_bucket),
                aws_region: self.cloudfront.aws_region.or(other.cloudfront.aws_region),
                endpoint: self.cloudfront.endpoint.or(other.cloudfront.endpoint),
            },
            purge_token: self.purge_token.or(other.purge_token),
        }
    }

    /// The configuration, checked without opening anything.
    ///
    /// # Errors
    /// All mistakes together, each naming its setting and what to write instead.
    pub fn resolve(self) -> Result<CdnConfig, ConfigError> {
        let mut mistakes = Vec::new();
        let enabled = self.enabled.unwrap_or(false);
        let provider = match self.provider.as_deref().map_or(Ok(Provider::Edge), str::parse) {
            Ok(provider) => provider,
            Err(mistake) => {
                mistakes.push(mistake);
                Provider::Edge
            }
        };
        let base_url = web_url("base_url", self.base_url.as_deref(), &mut mistakes);
        if enabled && self.base_url.is_none() {
            mistakes.push("enabled, but there is no base_url: write https://host".to_owned());
        }
        let texts = self.edges.unwrap_or_default();
        if texts.len() > EDGES_MAX {
            mistakes.push(format!("{} edges; at most {EDGES_MAX} are told", texts.len()));
        }
        let edges: Vec<Url> =
            texts.iter().filter_map(|text| web_url("edges", Some(text), &mut mistakes)).collect();
        let endpoint = web_url("endpoint", self.cloudfront.endpoint.as_deref(), &mut mistakes);
        let distribution_id = self.cloudfront.distribution_id;
        mistakes.extend(distribution_id.as_deref().and_then(distribution_mistake));
        let store = self.store.or_else(|| self.cloudfront.s3_bucket.map(|bucket| format!("s3://{bucket}")));
        mistakes.extend(store.as_deref().and_then(store_mistake));
        if self.purge_token.as_deref().is_some_and(|token| token.trim().is_empty()) {
            mistakes.push("the purge token is empty: leave it out, or give it a value".to_owned());
        }
        if !mistakes.is_empty() {
            return Err(ConfigError { mistakes });
        }
        let region = self.cloudfront.aws_region.unwrap_or_else(|| REGION.to_owned());
        let cloudfront = CloudFront { distribution_id, region, endpoint, credentials: None };
        Ok(CdnConfig {
            enabled,
            provider,
            base_url,
            auto_version: self.auto_version.unwrap_or(true),
            store,
            assets: self.assets,
            edges,
            purge_token: self.purge_token,
            cloudfront,
        })
    }
}

impl CdnConfig {
    /// The assets that the configuration names.
    ///
    /// # Errors
    /// If the folder cannot be read or holds what is no asset.
    pub fn load_assets(&self) -> Result<AssetSet, CdnError> {
        match &self.assets {
            Some(folder) => Ok(AssetSet::load(folder)?),
            None => Ok(AssetSet::built_in()),
        }
    }

    /// What stands before each URL in a page: the base URL if the network is enabled, else nothing.
    pub(crate) fn public_base(&self) -> String {
        let base = self.base_url.as_ref().filter(|_| self.enabled);
        base.map(|base| base.as_str().trim_end_matches('/').to_owned()).unwrap_or_default()
    }

    /// The host of the network, if it is enabled.
    pub(crate) fn public_host(&self) -> Option<&str> {
        self.base_url.as_ref().filter(|_| self.enabled)?.host_str()
    }

    pub(crate) fn versions(&self) -> Versions {
        if self.auto_version { Versions::InNames } else { Versions::Off }
    }
}

impl Default for CdnConfig {
    /// No network: assets are served by the service itself.
    fn default() -> Self {
        Self {
            enabled: false,
            provider: Provider::Edge,
            base_url: None,
            auto_version: true,
            store: None,
            assets: None,
            edges: Vec::new(),
            purge_token: None,
            cloudfront: CloudFront {
                distribution_id: None,
                region: REGION.to_owned(),
                endpoint: None,
                credentials: None,
            },
        }
    }
}

/// An `http` or `https` URL without credentials, path, query or fragment: what is in the store is at the
/// same paths as in the service.
fn web_url(name: &str, text: Option<&str>, mistakes: &mut Vec<String>) -> Option<Url> {
    let text = text?;
    let shown = redact::url(text);
    let mistake = match Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => "write https://host",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => "credentials are not supported",
        Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
            "write it without a path"
        }
        Ok(url) => return Some(url),
        Err(_) => "this is no URL; write https://host",
    };
    mistakes.push(format!("{name} '{shown}': {mistake}"));
    None
}

fn distribution_mistake(id: &str) -> Option<String> {
    let is_good = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (!is_good).then(|| format!("distribution_id '{id}': write letters and digits, such as E1234567890ABC"))
}

fn store_mistake(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("the store is empty: name a folder or s3://bucket".to_owned());
    }
    let (scheme, _) = text.split_once("://")?;
    let bucket = Url::parse(text).ok().filter(|url| url.has_host() && url.username().is_empty());
    (scheme != "s3" || bucket.is_none()).then(|| {
        format!("store '{}': name a folder, or write s3://bucket or s3://bucket/folder", redact::url(text))
    })
}

impl fmt::Debug for CdnSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CdnSettings")
            .field("enabled", &self.enabled)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url.as_deref().map(redact::url))
            .field("store", &self.store.as_deref().map(redact::url))
            .field("cloudfront", &self.cloudfront)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CdnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CdnConfig")
            .field("enabled", &self.enabled)
            .field("provider", &self.provider)
            .field("base_url", &self.base_url.as_ref().map(Url::as_str))
            .field("store", &self.store)
            .field("purge_token", &self.purge_token.as_ref().map(|_| redact::MASK))
            .field("cloudfront", &self.cloudfront)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        [cdn]
        enabled = true
        provider = "cloudfront"
        base_url = "https://d1234567890.cloudfront.net"
        auto_version = true
        [cdn.cloudfront]
        distribution_id = "E1234567890ABC"
        s3_bucket = "my-app-assets"
        aws_region = "eu-central-1"
    "#;

    #[test]
    fn the_file_of_the_seed_is_read_whole() {
        let config = CdnSettings::from_toml(FILE).expect("a file").resolve().expect("a configuration");
        assert!(config.enabled && config.auto_version);
        assert_eq!(config.provider, Provider::CloudFront);
        assert_eq!(config.public_base(), "https://d1234567890.cloudfront.net");
        assert_eq!(config.store.as_deref(), Some("s3://my-app-assets"));
        assert_eq!(config.cloudfront.region, "eu-central-1");
    }

    #[test]
    fn nothing_said_is_no_network() {
        assert_eq!(CdnSettings::default().resolve().expect("a configuration"), CdnConfig::default());
        assert_eq!(CdnConfig::default().public_base(), "");
    }

    #[test]
    fn the_stronger_source_wins_setting_by_setting() {
        let file = CdnSettings::from_toml(FILE).expect("a file");
        let environment = CdnSettings {
            enabled: Some(false),
            provider: Some("varnish".to_owned()),
            ..CdnSettings::default()
        };
        let config = environment.or(file).resolve().expect("a configuration");
        assert_eq!((config.enabled, config.provider), (false, Provider::Varnish));
        assert_eq!(config.cloudfront.distribution_id.as_deref(), Some("E1234567890ABC"));
        let bucket = CloudFrontSettings { s3_bucket: Some("b".to_owned()), ..CloudFrontSettings::default() };
        let environment = CdnSettings { cloudfront: bucket, ..CdnSettings::default() };
        let file = CdnSettings { store: Some("folder".to_owned()), ..CdnSettings::default() };
        assert_eq!(environment.or(file).resolve().expect("a store").store.as_deref(), Some("s3://b"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_without_their_secrets() {
        let settings = CdnSettings {
            enabled: Some(true),
            provider: Some("akamai".to_owned()),
            store: Some("gs://bucket".to_owned()),
            edges: Some(vec!["http://user:hunter2@edge.test".to_owned(), "ftp://edge.test".to_owned()]),
            purge_token: Some(" ".to_owned()),
            cloudfront: CloudFrontSettings {
                distribution_id: Some("../x".to_owned()),
                ..CloudFrontSettings::default()
            },
            ..CdnSettings::default()
        };
        let error = settings.resolve().expect_err("seven mistakes");
        assert_eq!(error.mistakes.len(), 7, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let unknown = CdnSettings::from_toml("[cdn]\nbase = 1\n").expect_err("an unknown key");
        assert!(unknown.contains("base"), "{unknown}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut config = CdnConfig { purge_token: Some("s3cret".to_owned()), ..CdnConfig::default() };
        config.cloudfront.credentials =
            Some(Credentials { key_id: "AKIA".to_owned(), secret: "s3cret".to_owned() });
        let settings = CdnSettings { purge_token: Some("s3cret".to_owned()), ..CdnSettings::default() };
        assert!(!format!("{config:?} {settings:?}").contains("s3cret"));
    }
}
