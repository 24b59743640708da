//! What to do with a request, given what is stored: the decision of RFC 9111 §4 as a pure function.

use std::time::Duration;

use super::directives::RequestDirectives;
use super::entry::Reading;

/// What a request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The stored response, as it is.
    Serve,
    /// The stored response, though it is stale: the client accepts it.
    ServeStale,
    /// The stored response, though it is stale, while it is fetched anew (RFC 5861 §3).
    ServeWhileRevalidating,
    /// The origin is to be asked, since the stored response is stale or needs a validation.
    Stale,
    /// The origin is to be asked, since the request does not accept what is stored.
    Request,
}

/// Decides about a stored response that matches the request.
#[must_use]
pub fn decide(asks: &RequestDirectives, stored: &Reading) -> Decision {
    let left = stored.lifetime.saturating_sub(stored.age);
    let too_old = asks.max_age.is_some_and(|most| stored.age > most) && asks.max_stale.is_none();
    let too_short = asks.min_fresh.is_some_and(|least| left < least);
    if asks.no_cache || too_old || (too_short && stored.is_fresh()) {
        return Decision::Request;
    }
    if stored.is_fresh() {
        return Decision::Serve;
    }
    if !stored.effective.directives.forbids_stale()
        && !too_short
        && asks.max_stale.is_some_and(|most| stored.staleness() <= most)
    {
        return Decision::ServeStale;
    }
    match stored.effective.directives.stale_while_revalidate {
        Some(window) if within(stored, window) => Decision::ServeWhileRevalidating,
        _ => Decision::Stale,
    }
}

/// Whether the stored response may stand in for an origin that fails (RFC 5861 §4). `otherwise` is
/// the window for responses that do not speak of it.
#[must_use]
pub fn may_stand_in(asks: &RequestDirectives, stored: &Reading, otherwise: Duration) -> bool {
    let directives = &stored.effective.directives;
    if let Some(window) = directives.stale_if_error {
        return within(stored, window);
    }
    if directives.forbids_stale() {
        return false;
    }
    stored.staleness() <= asks.stale_if_error.unwrap_or(Duration::ZERO).max(otherwise)
        && stored.staleness() > Duration::ZERO
}

/// Within a window of staleness that the origin opened. `s-maxage` alone forbids staleness too
/// (§5.2.2.10), but an origin that writes it beside a window means the window.
fn within(stored: &Reading, window: Duration) -> bool {
    let directives = &stored.effective.directives;
    let forbidden = directives.must_revalidate || directives.proxy_revalidate || directives.no_cache;
    !forbidden && stored.staleness() <= window
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::{CACHE_CONTROL, HeaderValue};

    use super::super::targeted::Effective;
    use super::*;

    fn stored(says: &'static str, lifetime: u64, age: u64) -> Reading {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(says));
        let seconds = Duration::from_secs;
        Reading { age: seconds(age), lifetime: seconds(lifetime), effective: Effective::of(&headers) }
    }

    fn asks(text: &'static str) -> RequestDirectives {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(text));
        RequestDirectives::of(&headers)
    }

    #[test]
    fn both_sides_directives_decide_what_a_request_gets() {
        use Decision::{Request, Serve, ServeStale, ServeWhileRevalidating, Stale};
        for (request, response, lifetime, age, decision) in [
            ("", "", 10, 9, Serve),
            ("", "", 10, 10, Stale),
            ("", "no-cache", 10, 0, Stale),
            ("no-cache", "", 10, 0, Request),
            ("max-age=5", "", 10, 5, Serve),
            ("max-age=5", "", 10, 6, Request),
            ("max-age=0", "", 10, 1, Request),
            ("max-age=5, max-stale=99", "", 10, 6, Serve),
            ("min-fresh=3", "", 10, 7, Serve),
            ("min-fresh=3", "", 10, 8, Request),
            ("max-stale=3", "", 10, 13, ServeStale),
            ("max-stale=3", "", 10, 14, Stale),
            ("max-stale", "", 10, 99_999, ServeStale),
            ("max-stale", "must-revalidate", 10, 11, Stale),
            ("max-stale", "proxy-revalidate", 10, 11, Stale),
            ("max-stale", "s-maxage=10", 10, 11, Stale),
            ("max-stale", "no-cache", 10, 1, Stale),
            ("", "stale-while-revalidate=5", 10, 15, ServeWhileRevalidating),
            ("", "stale-while-revalidate=5", 10, 16, Stale),
            ("", "stale-while-revalidate=5, must-revalidate", 10, 11, Stale),
            ("", "stale-while-revalidate=5, no-cache", 10, 11, Stale),
            ("", "stale-while-revalidate=5, s-maxage=10", 10, 11, ServeWhileRevalidating),
            ("no-cache", "stale-while-revalidate=5", 10, 11, Request),
        ] {
            let decided = decide(&asks(request), &stored(response, lifetime, age));
            assert_eq!(decided, decision, "'{request}' for '{response}', lifetime {lifetime}, age {age}");
        }
    }

    #[test]
    fn a_failing_origin_is_stood_in_for_only_within_a_window() {
        for (request, response, age, otherwise, may) in [
            ("", "stale-if-error=5", 15, 0, true),
            ("", "stale-if-error=5", 16, 0, false),
            ("", "stale-if-error=5, must-revalidate", 11, 0, false),
            ("", "stale-if-error=5", 16, 60, false),
            ("", "", 11, 0, false),
            ("", "", 11, 60, true),
            ("", "must-revalidate", 11, 60, false),
            ("", "s-maxage=10", 11, 60, false),
            ("stale-if-error=5", "", 12, 0, true),
            ("stale-if-error=5", "no-cache", 12, 0, false),
        ] {
            let stored = stored(response, 10, age);
            let decided = may_stand_in(&asks(request), &stored, Duration::from_secs(otherwise));
            assert_eq!(decided, may, "'{request}' for '{response}', age {age}, otherwise {otherwise}");
        }
    }
}
