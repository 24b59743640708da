//! `/assets/…`: an asset by either name, a version of an earlier release from the object store, the
//! page of assets, and `/api/cdn/status`.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LINK};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::page::{self, PRELOADED};
use super::set::{content_type, plain_name};
use super::{AssetSet, IMMUTABLE, Links, SHORT};
use crate::app::{App, Endpoint};
use crate::cdn::{CdnConfig, CdnError, Store, status};
use crate::compression;
use crate::reply;

/// `X-Content-Type-Options: nosniff` (Fetch): the media type is what we say.
const NOSNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// What the service answers from.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) assets: AssetSet,
    pub(crate) config: CdnConfig,
    /// Where versions of earlier releases are, if anywhere.
    store: Option<Store>,
}

impl Served {
    /// Reads the assets and opens the store, which must exist.
    pub(crate) fn open(config: CdnConfig) -> Result<Self, CdnError> {
        let assets = config.load_assets()?;
        let store = config.store.as_ref().map(|_| Store::open(&config)).transpose()?;
        Ok(Self { assets, config, store })
    }
}

/// The routes. Assets are compressed for those who accept that.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    let assets = app.route("/assets/", index).merge(app.route("/assets/{*path}", asset));
    compression::compressed(assets, app.compression)
        .merge(Router::new().route("/api/cdn/status", axum::routing::get(told)).with_state(Arc::clone(app)))
}

async fn told(State(app): State<Arc<App>>) -> Response {
    let status = status::document(&app.assets.config, &app.assets.assets);
    reply::respond(StatusCode::OK, status.to_string().into())
}

async fn index(State(endpoint): State<Endpoint>) -> Response {
    let served = &endpoint.app.assets;
    let base = served.config.public_base();
    let links = Links::new(&served.assets, &base, served.config.versions());
    let body = page::page(&served.assets, &links, served.config.public_host()).into_string();
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(preloaded) = HeaderValue::from_str(&links.preload_header(PRELOADED)) {
        headers.insert(LINK, preloaded);
    }
    response
}

async fn asset(State(endpoint): State<Endpoint>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let served = &endpoint.app.assets;
    if let Some(asset) = served.assets.find_versioned(&path) {
        return answer(&headers, &asset.hash, asset.content_type, IMMUTABLE, asset.body.clone());
    }
    if let Some(asset) = served.assets.find(&path) {
        return answer(&headers, &asset.hash, asset.content_type, SHORT, asset.body.clone());
    }
    earlier(served, &path, &headers).await
}

/// A version of an earlier release: pages that are still open, or still in a cache, ask for it.
async fn earlier(served: &Served, path: &str, headers: &HeaderMap) -> Response {
    let absent = || reply::not_found("there is no such asset; /assets/ lists them");
    let (Some(store), Some(_), Some(content_type)) = (&served.store, plain_name(path), content_type(path))
    else {
        return absent();
    };
    match store.get(path).await {
        Ok(Some(body)) => {
            let hash = path.rsplit('.').nth(1).unwrap_or_default();
            answer(headers, hash, content_type, IMMUTABLE, body)
        }
        Ok(None) => absent(),
        Err(error) => {
            tracing::error!(%error, "an earlier version of an asset could not be read");
            reply::overloaded()
        }
    }
}

/// The content, or 304 to who has it. The tag is weak, since compression changes the bytes (RFC 9110
/// §8.8.1).
fn answer(
    request: &HeaderMap,
    hash: &str,
    content_type: &'static str,
    cache_control: &'static str,
    body: Bytes,
) -> Response {
    let tag = format!("W/\"{hash}\"");
    let is_known = request.get_all(IF_NONE_MATCH).iter().any(|known| names(known, hash));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control));
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Whether `If-None-Match` names the content, by weak comparison (RFC 9110 §13.1.2).
fn names(known: &HeaderValue, hash: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known
        .split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_compared_weakly_and_in_a_list() {
        for (known, is_same) in [
            ("W/\"a\"", true),
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("", false),
        ] {
            assert_eq!(names(&HeaderValue::from_static(known), "a"), is_same, "{known}");
        }
    }
}
