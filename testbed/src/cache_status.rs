//! The `Cache-Status` header of each answer (RFC 9211), made before the first request: a hit costs
//! no formatting.

use std::sync::LazyLock;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use hitmark_cache::Source;
use hitmark_schema::Outcome;
use hitmark_schema::cache_status::{CacheStatus, DETAIL_UNREACHABLE, Forward};

/// The name of the header.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// The name of this cache in the header.
const CACHE: &str = "hitmark";
/// The `detail` of an answer where no cache is configured.
const DETAIL_OFF: &str = "cache-off";
/// The longest lifetime whose headers are made beforehand: an hour, the longest that is in use.
const TTL_PREPARED_S: u64 = 3_600;

static PREPARED: LazyLock<Prepared> = LazyLock::new(Prepared::new);

/// How the cache handled a request: the header, and its outcome for the counts.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub(crate) header: HeaderValue,
    pub(crate) outcome: Outcome,
}

#[derive(Debug)]
struct Prepared {
    hits: Vec<Status>,
    hit: Status,
    stale: Status,
    stored: Status,
    miss: Status,
    collapsed: Status,
    unreachable: Status,
    off: Status,
    bypass: Status,
}

impl Status {
    /// The request did not want the cache.
    pub(crate) fn bypass() -> Self {
        PREPARED.bypass.clone()
    }

    /// The cache was asked, and this came of it.
    pub(crate) fn of(source: Source, ttl: Option<Duration>) -> Self {
        match (source, ttl) {
            (Source::Hit, Some(ttl)) => match PREPARED.hits.get(ttl.as_secs() as usize) {
                Some(status) => status.clone(),
                None => Self::hit(ttl.as_secs()),
            },
            (Source::Hit, None) => PREPARED.hit.clone(),
            (Source::Stale(_), _) => PREPARED.stale.clone(),
            (Source::Origin { stored: true }, _) => PREPARED.stored.clone(),
            (Source::Origin { stored: false }, _) => PREPARED.miss.clone(),
            (Source::Collapsed, _) => PREPARED.collapsed.clone(),
            (Source::Unreachable, _) => PREPARED.unreachable.clone(),
            (Source::Off, _) => PREPARED.off.clone(),
        }
    }

    fn hit(ttl_s: u64) -> Self {
        Self::from(CacheStatus { hit: true, ttl_s: i64::try_from(ttl_s).ok(), ..CacheStatus::default() })
    }

    fn forwarded(forward: Forward) -> CacheStatus {
        CacheStatus { forward: Some(forward), ..CacheStatus::default() }
    }
}

impl From<CacheStatus> for Status {
    fn from(status: CacheStatus) -> Self {
        let status = CacheStatus { cache: CACHE.to_owned(), ..status };
        let header = HeaderValue::from_maybe_shared(bytes::Bytes::from(status.to_string()));
        // Names, numbers and constants: always a header value.
        Self { header: header.unwrap_or(HeaderValue::from_static(CACHE)), outcome: status.outcome() }
    }
}

impl Prepared {
    fn new() -> Self {
        let miss = || Status::forwarded(Forward::UriMiss);
        let detailed = |forward, detail: &str| {
            Status::from(CacheStatus { detail: Some(detail.to_owned()), ..Status::forwarded(forward) })
        };
        Self {
            hits: (0..=TTL_PREPARED_S).map(Status::hit).collect(),
            hit: Status::from(CacheStatus { hit: true, ..CacheStatus::default() }),
            // A negative ttl tells that it was stale (RFC 9211, 2.5).
            stale: Status::from(CacheStatus { hit: true, ttl_s: Some(-1), ..CacheStatus::default() }),
            stored: Status::from(CacheStatus { stored: true, ..miss() }),
            miss: Status::from(miss()),
            collapsed: Status::from(CacheStatus { collapsed: true, ..miss() }),
            unreachable: detailed(Forward::Miss, DETAIL_UNREACHABLE),
            off: detailed(Forward::Bypass, DETAIL_OFF),
            bypass: Status::from(Status::forwarded(Forward::Bypass)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_header_and_the_header_tells_its_outcome() {
        let seconds = |s| Some(Duration::from_secs(s));
        for (status, header, outcome) in [
            (Status::of(Source::Hit, seconds(0)), "hitmark; hit; ttl=0", Outcome::Hit),
            (Status::of(Source::Hit, seconds(3_600)), "hitmark; hit; ttl=3600", Outcome::Hit),
            (Status::of(Source::Hit, seconds(86_400)), "hitmark; hit; ttl=86400", Outcome::Hit),
            (Status::of(Source::Hit, None), "hitmark; hit", Outcome::Hit),
            (
                Status::of(Source::Origin { stored: true }, None),
                "hitmark; fwd=uri-miss; stored",
                Outcome::Miss,
            ),
            (Status::of(Source::Origin { stored: false }, None), "hitmark; fwd=uri-miss", Outcome::Miss),
            (Status::of(Source::Collapsed, None), "hitmark; fwd=uri-miss; collapsed", Outcome::Miss),
            (
                Status::of(Source::Unreachable, None),
                "hitmark; fwd=miss; detail=cache-unreachable",
                Outcome::Miss,
            ),
            (Status::of(Source::Off, None), "hitmark; fwd=bypass; detail=cache-off", Outcome::Bypass),
            (Status::bypass(), "hitmark; fwd=bypass", Outcome::Bypass),
        ] {
            assert_eq!(status.header, header);
            assert_eq!(status.outcome, outcome, "{header}");
        }
    }
}
