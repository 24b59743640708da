//! Making edges forget: `PURGE` to each edge that understands it, or one call to CloudFront.
//!
//! A target is an asset's plain name, as in `/css/main.css`, or a path of the service. Names with a
//! hash need no invalidation, which is their use.

use futures::StreamExt as _;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderValue, Method, StatusCode};
use object_store::client::{HttpRequest, HttpRequestBody};
use serde::Serialize;
use url::Url;

use super::cloudfront;
use super::config::{CdnConfig, Provider};
use super::error::CdnError;
use super::http::Client;
use crate::assets::{AssetSet, FOLDER};
use crate::config::ConfigError;

/// The most requests at a time.
const AT_ONCE: usize = 8;
/// The most targets of one invalidation to edges.
const TARGETS_MAX: usize = 1_000;
const PATH_BYTES_MAX: usize = 4_000;

/// What came of one target at one edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invalidated {
    /// The URL or distribution.
    pub edge: String,
    /// The path there.
    pub path: String,
    /// What came of it.
    pub outcome: Invalidation,
}

/// What came of an invalidation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "what")]
pub enum Invalidation {
    /// The edge forgot it.
    Purged,
    /// The edge did not have it.
    NotStored,
    /// The edge will forget it; the id of that.
    UnderWay(String),
    /// The edge refused or was not reached.
    Failed(String),
}

/// Makes the edges of the configuration forget these targets. One edge that fails does not keep the
/// others from being told.
///
/// # Errors
/// If a target is no path, or the configuration names no edge or distribution; nothing is sent then.
pub async fn invalidate(
    config: &CdnConfig,
    assets: &AssetSet,
    targets: &[String],
) -> Result<Vec<Invalidated>, CdnError> {
    let paths = paths(config, assets, targets)?;
    if config.provider == Provider::CloudFront {
        let Some(distribution) = config.cloudfront.distribution_id.as_deref() else {
            return Err(CdnError::config("CloudFront needs a distribution_id (CDN_DISTRIBUTION_ID)"));
        };
        let outcome = match cloudfront::invalidate(config, distribution, &paths).await {
            Ok(id) => Invalidation::UnderWay(id),
            Err(error) => Invalidation::Failed(error.to_string()),
        };
        let told = |path| Invalidated { edge: distribution.to_owned(), path, outcome: outcome.clone() };
        return Ok(paths.into_iter().map(told).collect());
    }
    let edges = edges(config)?;
    let client = Client::new()?;
    let pairs = edges.iter().flat_map(|edge| paths.iter().map(move |path| (edge, path)));
    let (client, host) = (&client, host(config));
    let purge = |(edge, path): (&Url, &String)| {
        let (edge, path, host) = (edge.clone(), path.clone(), host.clone());
        async move {
            let outcome = purge(client, config, &edge, &path, host).await;
            Invalidated { edge: edge.as_str().trim_end_matches('/').to_owned(), path, outcome }
        }
    };
    let pairs: Vec<_> = pairs.collect();
    Ok(futures::stream::iter(pairs).map(purge).buffered(AT_ONCE).collect().await)
}

/// Where edges are asked.
pub(super) fn edges(config: &CdnConfig) -> Result<Vec<Url>, CdnError> {
    match (&config.edges, &config.base_url) {
        (edges, _) if !edges.is_empty() => Ok(edges.clone()),
        (_, Some(base)) => Ok(vec![base.clone()]),
        _ => Err(CdnError::config("no edge is named: give --cdn-edge (CDN_EDGES) or a base URL")),
    }
}

async fn purge(
    client: &Client,
    config: &CdnConfig,
    edge: &Url,
    path: &str,
    host: Option<HeaderValue>,
) -> Invalidation {
    let answer = match request(config, edge, path, host) {
        Ok(request) => client.send(request).await,
        Err(error) => return Invalidation::Failed(error.to_string()),
    };
    match answer.map(|answer| answer.status) {
        Ok(status) if status.is_success() => Invalidation::Purged,
        // What nginx's module says of what it does not have is 412 or 404, by its version.
        Ok(StatusCode::NOT_FOUND | StatusCode::PRECONDITION_FAILED) => Invalidation::NotStored,
        Ok(status) => Invalidation::Failed(format!("answered {status}")),
        Err(error) => Invalidation::Failed(error.to_string()),
    }
}

fn request(
    config: &CdnConfig,
    edge: &Url,
    path: &str,
    host: Option<HeaderValue>,
) -> Result<HttpRequest, http::Error> {
    let method = Method::from_bytes(b"PURGE")?;
    let url = format!("{}{path}", edge.as_str().trim_end_matches('/'));
    let mut request = http::Request::builder().method(method).uri(url);
    if let Some(host) = host {
        request = request.header(HOST, host);
    }
    if let Some(token) = &config.purge_token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    request.body(HttpRequestBody::empty())
}

/// The host that clients name, which is a part of each edge's key, while we ask the edge by another.
pub(super) fn host(config: &CdnConfig) -> Option<HeaderValue> {
    let base = config.base_url.as_ref()?;
    HeaderValue::from_str(&base[url::Position::BeforeHost..url::Position::AfterPort]).ok()
}

/// Where edges have the targets. All mistakes at once.
pub(super) fn paths(
    config: &CdnConfig,
    assets: &AssetSet,
    targets: &[String],
) -> Result<Vec<String>, CdnError> {
    let limit = if config.provider == Provider::CloudFront { cloudfront::PATHS_MAX } else { TARGETS_MAX };
    let mut mistakes = Vec::new();
    if targets.is_empty() || targets.len() > limit {
        mistakes.push(format!("{} targets; name 1 to {limit}", targets.len()));
    }
    let is_visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    for target in targets {
        if !target.starts_with('/') || target.len() > PATH_BYTES_MAX || !is_visible(target) {
            mistakes.push(format!("'{target}' is no path: write /css/main.css, percent-encoded"));
        } else if target.contains('*') && config.provider != Provider::CloudFront {
            mistakes.push(format!("'{target}': only CloudFront knows '*'; name each path"));
        }
    }
    if !mistakes.is_empty() {
        return Err(CdnError::Config(ConfigError { mistakes }));
    }
    let located = |target: &String| match assets.find(target.trim_start_matches('/')) {
        Some(asset) => format!("/{FOLDER}/{}", asset.name),
        None => target.clone(),
    };
    Ok(targets.iter().map(located).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(provider: Provider, targets: &[&str]) -> Result<Vec<String>, CdnError> {
        let targets: Vec<String> = targets.iter().map(|&target| target.to_owned()).collect();
        paths(&CdnConfig { provider, ..CdnConfig::default() }, &AssetSet::built_in(), &targets)
    }

    #[test]
    fn an_asset_is_invalidated_where_it_is_served_and_a_path_as_it_is() {
        let found = of(Provider::Edge, &["/css/main.css", "/js/app.js", "/market/products/7?x=1"]);
        assert_eq!(
            found.expect("paths"),
            ["/assets/css/main.css", "/assets/js/app.js", "/market/products/7?x=1"]
        );
    }

    #[test]
    fn all_bad_targets_are_told_at_once() {
        let CdnError::Config(error) = of(Provider::Varnish, &["css", "/a b", "/a*"]).expect_err("three")
        else {
            panic!("a mistake of the user");
        };
        assert_eq!(error.mistakes.len(), 3, "{error}");
        assert!(of(Provider::Edge, &[]).is_err());
        assert_eq!(of(Provider::CloudFront, &["/a*"]).expect("a pattern"), ["/a*"]);
    }

    #[test]
    fn a_purge_names_the_public_host_and_carries_the_token() {
        let config = CdnConfig {
            base_url: Some(Url::parse("https://cdn.test:8443/").expect("a URL")),
            purge_token: Some("t".to_owned()),
            ..CdnConfig::default()
        };
        let edge = Url::parse("http://127.0.0.1:6081/").expect("a URL");
        let request = request(&config, &edge, "/a?b", host(&config)).expect("a request");
        assert_eq!(request.uri(), "http://127.0.0.1:6081/a?b");
        assert_eq!(request.headers()[HOST], "cdn.test:8443");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer t");
    }
}
