//! The `Cache-Status` entry of an answer (RFC 9211), appended to those of caches before this one.

use hitmark_schema::cache_status::{CacheStatus, Forward};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// The field's name.
pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// An entry of an answer from the cache.
pub(super) fn hit(name: &str, ttl_s: i64) -> CacheStatus {
    CacheStatus { cache: name.to_owned(), hit: true, ttl_s: Some(ttl_s), ..CacheStatus::default() }
}

/// An entry of an answer for which the origin was asked.
pub(super) fn forwarded(name: &str, why: Forward, status: Option<StatusCode>) -> CacheStatus {
    CacheStatus {
        cache: name.to_owned(),
        forward: Some(why),
        forward_status: status.map(|status| status.as_u16()),
        ..CacheStatus::default()
    }
}

/// Appends an entry.
pub(super) fn append(headers: &mut HeaderMap, entry: &CacheStatus) {
    if let Ok(value) = HeaderValue::from_str(&entry.to_string()) {
        headers.append(CACHE_STATUS, value);
    }
}
