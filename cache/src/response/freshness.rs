//! How old a response is and how long it is fresh: the arithmetic of RFC 9111 §4.2, as functions
//! of headers and times. No clock is read here.

use std::time::{Duration, SystemTime};

use http::header::{AGE, AsHeaderName, DATE, EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use super::directives::delta_seconds;
use super::targeted::{Effective, Source};
use super::{date, lists};

/// The longest lifetime that is guessed, whatever the age of the document (§4.2.2 asks for a
/// warning beyond a day; this cache does not go there).
const MAX_HEURISTIC: Duration = Duration::from_secs(24 * 60 * 60);

/// The share of a document's age that is taken for its lifetime: one part in so many (§4.2.2).
const HEURISTIC_PART: u32 = 10;

/// How long a response is fresh, and on what ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// The origin said so.
    Explicit(Duration),
    /// Guessed from `Last-Modified`.
    Heuristic(Duration),
    /// Nothing allows to call it fresh.
    Unknown,
}

impl Lifetime {
    /// The lifetime of a response that was received at `received` (§4.2.1).
    #[must_use]
    pub fn of(effective: &Effective, status: StatusCode, headers: &HeaderMap, received: SystemTime) -> Self {
        let directives = &effective.directives;
        if let Some(lifetime) = directives.s_maxage.or(directives.max_age) {
            return Self::Explicit(lifetime);
        }
        let date = date_of(headers, DATE).unwrap_or(received);
        if effective.source == Source::CacheControl && headers.contains_key(EXPIRES) {
            // A date that cannot be read is in the past (§5.3).
            let expires = date_of(headers, EXPIRES).unwrap_or(SystemTime::UNIX_EPOCH);
            return Self::Explicit(since(expires, date));
        }
        match date_of(headers, LAST_MODIFIED) {
            Some(modified) if directives.public || is_heuristically_cacheable(status) => {
                Self::Heuristic((since(date, modified) / HEURISTIC_PART).min(MAX_HEURISTIC))
            }
            _ => Self::Unknown,
        }
    }

    /// How long; zero if unknown.
    #[must_use]
    pub fn duration(self) -> Duration {
        match self {
            Self::Explicit(duration) | Self::Heuristic(duration) => duration,
            Self::Unknown => Duration::ZERO,
        }
    }
}

/// The age that a response had when it arrived (§4.2.3, `corrected_initial_age`).
#[must_use]
pub fn initial_age(headers: &HeaderMap, requested: SystemTime, received: SystemTime) -> Duration {
    let apparent = date_of(headers, DATE).map_or(Duration::ZERO, |date| since(received, date));
    let corrected = age_value(headers) + since(received, requested);
    apparent.max(corrected)
}

/// The first value of `Age`, if it is a number; else the field is ignored (§5.1).
fn age_value(headers: &HeaderMap) -> Duration {
    let line = lists::joined(headers, AGE);
    let first = line.as_deref().and_then(|line| line.split(',').next()).map(lists::trimmed);
    Duration::from_secs(first.and_then(delta_seconds).unwrap_or(0))
}

/// The status codes that may be cached without an explicit lifetime (RFC 9110 §15.1).
#[must_use]
pub fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// The date in a field, if the first line holds one in any of the three forms (RFC 9110 §5.6.7).
pub(super) fn date_of(headers: &HeaderMap, name: impl AsHeaderName) -> Option<SystemTime> {
    let text = headers.get(name)?.to_str().ok()?;
    date::parse(lists::trimmed(text))
}

/// The time from `earlier` to `later`; zero if it is the other way round.
pub(super) fn since(later: SystemTime, earlier: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};

    use super::super::targeted::CDN_CACHE_CONTROL;
    use super::*;

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        headers
    }

    fn at(text: &str) -> SystemTime {
        date::parse(text).expect("a date")
    }

    const NOON: &str = "Wed, 05 Aug 2026 12:00:00 GMT";
    const ONE_PM: &str = "Wed, 05 Aug 2026 13:00:00 GMT";
    const TEN_HOURS_BEFORE: &str = "Wed, 05 Aug 2026 02:00:00 GMT";

    #[test]
    fn the_strongest_ground_decides_the_lifetime() {
        use Lifetime::{Explicit, Heuristic, Unknown};
        let seconds = Duration::from_secs;
        let (cc, cdn) = (CACHE_CONTROL, CDN_CACHE_CONTROL);
        for (status, fields, expected) in [
            (200, vec![(cc.clone(), "max-age=60")], Explicit(seconds(60))),
            (200, vec![(cc.clone(), "max-age=60, s-maxage=30")], Explicit(seconds(30))),
            (200, vec![(cc.clone(), "max-age=60"), (cdn.clone(), "max-age=5")], Explicit(seconds(5))),
            (200, vec![(cc.clone(), "max-age=60"), (EXPIRES, NOON), (DATE, NOON)], Explicit(seconds(60))),
            (200, vec![(EXPIRES, ONE_PM), (DATE, NOON)], Explicit(seconds(3600))),
            (200, vec![(EXPIRES, ONE_PM)], Explicit(seconds(3600))),
            (200, vec![(EXPIRES, "0")], Explicit(seconds(0))),
            (200, vec![(EXPIRES, NOON), (DATE, ONE_PM)], Explicit(seconds(0))),
            (200, vec![(EXPIRES, ONE_PM), (cdn, "foo")], Unknown),
            (200, vec![(LAST_MODIFIED, TEN_HOURS_BEFORE)], Heuristic(seconds(3600))),
            (200, vec![(LAST_MODIFIED, "Wed, 05 Aug 2015 02:00:00 GMT")], Heuristic(MAX_HEURISTIC)),
            (200, vec![(LAST_MODIFIED, ONE_PM)], Heuristic(seconds(0))),
            (201, vec![(LAST_MODIFIED, TEN_HOURS_BEFORE)], Unknown),
            (201, vec![(LAST_MODIFIED, TEN_HOURS_BEFORE), (cc.clone(), "public")], Heuristic(seconds(3600))),
            (200, vec![(cc, "public")], Unknown),
        ] {
            let headers = headers(&fields);
            let status = StatusCode::from_u16(status).expect("a status");
            let lifetime = Lifetime::of(&Effective::of(&headers), status, &headers, at(NOON));
            assert_eq!(lifetime, expected, "{fields:?}");
        }
    }

    #[test]
    fn the_age_on_arrival_is_the_greater_of_the_apparent_and_the_told_one() {
        let (noon, later) = (at(NOON), at(NOON) + Duration::from_secs(4));
        for (fields, age) in [
            (vec![], 4),
            (vec![(AGE, "10")], 14),
            (vec![(AGE, "10"), (DATE, TEN_HOURS_BEFORE)], 36_004),
            (vec![(DATE, ONE_PM)], 4),
            (vec![(AGE, "10, 99")], 14),
            (vec![(AGE, "10"), (AGE, "99")], 14),
            (vec![(AGE, "-10")], 4),
            (vec![(AGE, "10x")], 4),
            (vec![(AGE, "x"), (AGE, "10")], 4),
        ] {
            let age_found = initial_age(&headers(&fields), noon, later);
            assert_eq!(age_found, Duration::from_secs(age), "{fields:?}");
        }
    }
}
