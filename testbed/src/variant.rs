//! How a request chooses its variant: one header, with `Cache-Control` as the standard's own way of
//! saying the same.

use axum::extract::FromRequestParts;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;

use crate::reply;

/// The request header that chooses the variant: `cached` (the default) or `uncached`.
pub const VARIANT_HEADER: &str = "hitmark-variant";

const VARIANT: HeaderName = HeaderName::from_static(VARIANT_HEADER);

/// The way that a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestVariant {
    /// Through the cache.
    Cached,
    /// Past the cache: nothing is read from it and nothing is stored.
    Uncached,
}

impl RequestVariant {
    /// Reads the headers; either way of asking for no cache is enough.
    fn of(headers: &HeaderMap) -> Result<Self, HeaderValue> {
        let mut variant = Self::Cached;
        for value in headers.get_all(VARIANT) {
            match value.as_bytes() {
                b"cached" => {}
                b"uncached" => variant = Self::Uncached,
                _ => return Err(value.clone()),
            }
        }
        let refuses_cache = headers.get_all(CACHE_CONTROL).iter().any(refuses_cache);
        Ok(if refuses_cache { Self::Uncached } else { variant })
    }
}

/// Whether a `Cache-Control` header has the directive `no-cache` or `no-store` (RFC 9111 §5.2.1).
fn refuses_cache(value: &HeaderValue) -> bool {
    let directives = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    directives.into_iter().any(|directive| {
        directive.eq_ignore_ascii_case(b"no-cache") || directive.eq_ignore_ascii_case(b"no-store")
    })
}

impl<S: Sync> FromRequestParts<S> for RequestVariant {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::of(&parts.headers).map_err(|value| {
            let shown = String::from_utf8_lossy(value.as_bytes()).chars().take(40).collect::<String>();
            reply::bad_header(&format!(
                "header {VARIANT_HEADER}: '{shown}' is not a variant; write cached or uncached"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_chooses_by_its_headers() {
        use RequestVariant::{Cached, Uncached};
        for (headers, chosen) in [
            (&[][..], Ok(Cached)),
            (&[("hitmark-variant", "cached")], Ok(Cached)),
            (&[("hitmark-variant", "uncached")], Ok(Uncached)),
            (&[("cache-control", "no-cache")], Ok(Uncached)),
            (&[("cache-control", "max-age=0, No-Store")], Ok(Uncached)),
            (&[("cache-control", "max-age=0")], Ok(Cached)),
            (&[("cache-control", "no-cache-please")], Ok(Cached)),
            (&[("hitmark-variant", "cached"), ("cache-control", "no-store")], Ok(Uncached)),
            (&[("hitmark-variant", "CACHED")], Err("CACHED")),
            (&[("hitmark-variant", "")], Err("")),
            (&[("hitmark-variant", "cached"), ("hitmark-variant", "off")], Err("off")),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, HeaderValue::from_static(value));
            }
            let read = RequestVariant::of(&map);
            assert_eq!(read, chosen.map_err(HeaderValue::from_static), "{headers:?}");
        }
    }
}
