//! The directives of `Cache-Control` (RFC 9111 §5.2) as values: what a response allows a shared
//! cache, what a request asks of it.
//!
//! The reader is as tolerant as the RFC asks: names in any case, arguments quoted or not, unknown
//! directives ignored, the first of several counts. A lifetime that is no number is no permission:
//! it reads as zero, which is stale. What the directives lead to is not decided here.

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName, PRAGMA};

/// Numbers over this read as this: 68 years, which RFC 9111 §1.2.2 calls infinity enough.
const MAX_SECONDS: u64 = 2_147_483_648;

/// What a response's directives say to a shared cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ResponseDirectives {
    /// May not be stored.
    pub no_store: bool,
    /// May be stored, but each use needs a validation. With field names too: §5.2.2.4 lets a cache
    /// read that form as the plain one.
    pub no_cache: bool,
    /// For one user only. With field names too: §5.2.2.7 lets a cache read that form as the plain one.
    pub private: bool,
    /// May be stored even where that is forbidden by default.
    pub public: bool,
    /// May never be served stale.
    pub must_revalidate: bool,
    /// A shared cache may never serve it stale.
    pub proxy_revalidate: bool,
    /// May be stored only by a cache that knows the status code; then `no-store` does not count.
    pub must_understand: bool,
    /// The lifetime in any cache.
    pub max_age: Option<Duration>,
    /// The lifetime in a shared cache, which overrides `max_age`.
    pub s_maxage: Option<Duration>,
    /// How long after its lifetime it may be served while it is fetched anew (RFC 5861 §3).
    pub stale_while_revalidate: Option<Duration>,
    /// How long after its lifetime it may be served when the origin fails (RFC 5861 §4).
    pub stale_if_error: Option<Duration>,
}

/// What a request's directives ask of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestDirectives {
    /// The response may not be stored.
    pub no_store: bool,
    /// A stored response must be validated first.
    pub no_cache: bool,
    /// Answer from the cache or not at all.
    pub only_if_cached: bool,
    /// The greatest age that is accepted.
    pub max_age: Option<Duration>,
    /// How much lifetime must be left.
    pub min_fresh: Option<Duration>,
    /// How long after its lifetime a response is still accepted.
    pub max_stale: Option<Duration>,
    /// How long after its lifetime a response is accepted when the origin fails (RFC 5861 §4).
    pub stale_if_error: Option<Duration>,
}

/// The argument of a directive, as either syntax gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// None was written.
    Absent,
    /// A text, without its quotes.
    Text(String),
}

impl ResponseDirectives {
    /// Reads every `Cache-Control` line of a response.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for (name, argument) in members(headers, &CACHE_CONTROL) {
            directives.add(&name, &argument);
        }
        directives
    }

    /// Adds one directive; its name is in lower case.
    pub(super) fn add(&mut self, name: &str, argument: &Argument) {
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "max-age" => first(&mut self.max_age, lifetime(argument)),
            "s-maxage" => first(&mut self.s_maxage, lifetime(argument)),
            "stale-while-revalidate" => first(&mut self.stale_while_revalidate, lifetime(argument)),
            "stale-if-error" => first(&mut self.stale_if_error, lifetime(argument)),
            _ => {}
        }
    }

    /// Whether a shared cache may never serve the response stale (RFC 9111 §4.2.4). `s-maxage`
    /// means `proxy-revalidate` too (§5.2.2.10).
    #[must_use]
    pub fn forbids_stale(&self) -> bool {
        self.must_revalidate || self.proxy_revalidate || self.no_cache || self.s_maxage.is_some()
    }
}

impl RequestDirectives {
    /// Reads every `Cache-Control` line of a request, and `Pragma` if there is none (§5.4).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for (name, argument) in members(headers, &CACHE_CONTROL) {
            directives.add(&name, &argument);
        }
        if !headers.contains_key(CACHE_CONTROL) {
            directives.no_cache = members(headers, &PRAGMA).iter().any(|(name, _)| name == "no-cache");
        }
        directives
    }

    fn add(&mut self, name: &str, argument: &Argument) {
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => first(&mut self.max_age, lifetime(argument)),
            "min-fresh" => first(&mut self.min_fresh, lifetime(argument)),
            "stale-if-error" => first(&mut self.stale_if_error, lifetime(argument)),
            // Without an argument any staleness is accepted (§5.2.1.2).
            "max-stale" if *argument == Argument::Absent => {
                first(&mut self.max_stale, Duration::from_secs(MAX_SECONDS));
            }
            "max-stale" => first(&mut self.max_stale, lifetime(argument)),
            _ => {}
        }
    }
}

/// The first of several counts.
fn first(slot: &mut Option<Duration>, value: Duration) {
    slot.get_or_insert(value);
}

fn lifetime(argument: &Argument) -> Duration {
    match argument {
        Argument::Text(text) => Duration::from_secs(delta_seconds(text).unwrap_or(0)),
        Argument::Absent => Duration::ZERO,
    }
}

/// Whole seconds (RFC 9111 §1.2.2): digits and nothing else; a great number reads as 2³¹.
pub(super) fn delta_seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(MAX_SECONDS).min(MAX_SECONDS))
}

/// The members of a list of directives over all lines of a header: name in lower case, argument.
fn members(headers: &HeaderMap, name: &HeaderName) -> Vec<(String, Argument)> {
    let mut found = Vec::new();
    for line in headers.get_all(name) {
        // Bytes that are no ASCII can only be in a directive that nobody knows.
        let line = String::from_utf8_lossy(line.as_bytes());
        for member in super::lists::split(&line, b',') {
            found.push(match member.split_once('=') {
                None => (member.to_ascii_lowercase(), Argument::Absent),
                Some((name, argument)) => (name.to_ascii_lowercase(), Argument::Text(unquoted(argument))),
            });
        }
    }
    found
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace('\\', ""),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_str(line).expect("a header value"));
        }
        headers
    }

    const fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn lifetimes_are_read_as_the_rfc_says() {
        for (lines, max_age) in [
            (&["max-age=60"][..], seconds(60)),
            (&["MaX-aGe=60"], seconds(60)),
            (&["foo, max-age=60 , bar"], seconds(60)),
            (&["max-age=\"60\""], seconds(60)),
            (&["max-age='60'"], seconds(0)),
            (&["max-age=060"], seconds(60)),
            (&["max-age=-60"], seconds(0)),
            (&["max-age=60.5"], seconds(0)),
            (&["max-age=60s"], seconds(0)),
            (&["max-age = 60"], None),
            (&["max-age= 60"], seconds(0)),
            (&["max-age"], seconds(0)),
            (&["max-age="], seconds(0)),
            (&["max-age=99999999999999999999999"], seconds(MAX_SECONDS)),
            (&["max-age=1, max-age=2"], seconds(1)),
            (&["max-age=1", "max-age=2"], seconds(1)),
            (&["ext=\"max-age=9, x\", max-age=3"], seconds(3)),
            (&["", ",,"], None),
        ] {
            assert_eq!(ResponseDirectives::of(&headers(lines)).max_age, max_age, "{lines:?}");
        }
    }

    #[test]
    fn every_directive_of_a_response_is_known_in_any_case() {
        let read = ResponseDirectives::of(&headers(&[
            "No-Store, NO-CACHE=\"set-cookie\", Private=\"x\", publiC",
            "must-revalidate,proxy-revalidate,must-understand,s-maxage=5",
            "stale-while-revalidate=7, stale-if-error=8, max-age=4",
        ]));
        let all = ResponseDirectives {
            no_store: true,
            no_cache: true,
            private: true,
            public: true,
            must_revalidate: true,
            proxy_revalidate: true,
            must_understand: true,
            max_age: seconds(4),
            s_maxage: seconds(5),
            stale_while_revalidate: seconds(7),
            stale_if_error: seconds(8),
        };
        assert_eq!(read, all);
    }

    #[test]
    fn a_request_may_accept_any_staleness_and_pragma_counts_only_alone() {
        let read = RequestDirectives::of(&headers(&["max-stale, min-fresh=3, only-if-cached, no-store"]));
        assert_eq!(read.max_stale, seconds(MAX_SECONDS));
        assert_eq!(read.min_fresh, seconds(3));
        assert!(read.only_if_cached && read.no_store && !read.no_cache);
        let mut pragma = HeaderMap::new();
        pragma.insert(PRAGMA, HeaderValue::from_static("foo, No-Cache"));
        assert!(RequestDirectives::of(&pragma).no_cache);
        pragma.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
        assert!(!RequestDirectives::of(&pragma).no_cache);
    }

    proptest! {
        #[test]
        fn any_header_value_is_read_without_a_panic(bytes in proptest::collection::vec(32_u8..=255, 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.insert(CACHE_CONTROL, value);
                let _ = ResponseDirectives::of(&headers);
                let _ = RequestDirectives::of(&headers);
            }
        }
    }
}
