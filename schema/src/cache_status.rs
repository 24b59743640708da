//! The `Cache-Status` response header (RFC 9211): written by the service under test, read by the
//! load generator. It is the standard way in which a response says how a cache answered it.
//!
//! The reader takes what other caches send too: it looks at the last member of the list, which is
//! the cache closest to the client, and ignores parameters that it does not know.

use std::fmt;

use crate::outcome::Outcome;

/// Why a request was forwarded to the origin (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The cache was configured not to handle the request.
    Bypass,
    /// The request's own directives did not allow a stored response.
    Request,
    /// No stored response for the URI.
    UriMiss,
    /// A response for the URI is stored, but for other request headers.
    VaryMiss,
    /// No stored response, for one of the two reasons before.
    Miss,
    /// The stored response was no longer fresh.
    Stale,
    /// The request method's semantics require forwarding.
    Method,
}

impl Forward {
    const NAMES: [(&'static str, Self); 7] = [
        ("bypass", Self::Bypass),
        ("request", Self::Request),
        ("uri-miss", Self::UriMiss),
        ("vary-miss", Self::VaryMiss),
        ("miss", Self::Miss),
        ("stale", Self::Stale),
        ("method", Self::Method),
    ];

    fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, value)| *value == self).map_or("miss", |(name, _)| name)
    }
}

/// The `detail` value by which a service says that its cache server could not be asked.
pub const DETAIL_UNREACHABLE: &str = "cache-unreachable";

/// One cache's entry in a `Cache-Status` header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheStatus {
    /// The name of the cache.
    pub cache: String,
    /// The response was served from the cache.
    pub hit: bool,
    /// Why the request went to the origin, if it did.
    pub forward: Option<Forward>,
    /// The status that the origin answered with.
    pub forward_status: Option<u16>,
    /// Seconds of freshness that remain; negative when stale.
    pub ttl_s: Option<i64>,
    /// The response was stored.
    pub stored: bool,
    /// The request was joined with others into one origin call.
    pub collapsed: bool,
    /// More, in a word of the cache's own.
    pub detail: Option<String>,
}

impl CacheStatus {
    /// Reads a header value: the entry of the cache closest to the client. `None` if it is empty.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let entry = last_member(value);
        let mut parts = split_outside_quotes(entry, b';').map(str::trim);
        let cache = unquote(parts.next()?).to_owned();
        if cache.is_empty() {
            return None;
        }
        let mut status = Self { cache, ..Self::default() };
        for part in parts {
            let (name, value) =
                part.split_once('=').map_or((part, None), |(name, value)| (name, Some(unquote(value))));
            status.set(name.trim(), value);
        }
        Some(status)
    }

    fn set(&mut self, name: &str, value: Option<&str>) {
        let is_true = value.is_none_or(|value| value == "?1");
        match name {
            "hit" => self.hit = is_true,
            "stored" => self.stored = is_true,
            "collapsed" => self.collapsed = is_true,
            "fwd" => {
                let named = Forward::NAMES.iter().find(|(name, _)| Some(*name) == value);
                self.forward = named.map(|(_, forward)| *forward);
            }
            "fwd-status" => self.forward_status = value.and_then(|value| value.parse().ok()),
            "ttl" => self.ttl_s = value.and_then(|value| value.parse().ok()),
            "detail" => self.detail = value.map(str::to_owned),
            _ => {}
        }
    }

    /// The outcome that this entry describes.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match (self.hit, self.forward) {
            (true, _) if self.ttl_s.is_some_and(|ttl_s| ttl_s < 0) => Outcome::Stale,
            (true, _) => Outcome::Hit,
            // Asked in vain: what is stored stood in for the origin.
            (false, Some(_)) if self.ttl_s.is_some_and(|ttl_s| ttl_s < 0) => Outcome::Stale,
            (false, Some(Forward::Stale)) if self.forward_status == Some(304) => Outcome::Revalidated,
            (false, Some(Forward::Bypass | Forward::Request | Forward::Method)) => Outcome::Bypass,
            (false, Some(_)) => Outcome::Miss,
            (false, None) => Outcome::Unknown,
        }
    }

    /// Whether the service said that its cache server could not be asked.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        self.detail.as_deref() == Some(DETAIL_UNREACHABLE)
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cache)?;
        if self.hit {
            f.write_str("; hit")?;
        }
        if let Some(forward) = self.forward {
            write!(f, "; fwd={}", forward.as_str())?;
        }
        if let Some(status) = self.forward_status {
            write!(f, "; fwd-status={status}")?;
        }
        if let Some(ttl_s) = self.ttl_s {
            write!(f, "; ttl={ttl_s}")?;
        }
        if self.stored {
            f.write_str("; stored")?;
        }
        if self.collapsed {
            f.write_str("; collapsed")?;
        }
        match &self.detail {
            Some(detail) => write!(f, "; detail={detail}"),
            None => Ok(()),
        }
    }
}

fn last_member(value: &str) -> &str {
    split_outside_quotes(value, b',').map(str::trim).rfind(|member| !member.is_empty()).unwrap_or("")
}

/// Splits at an ASCII separator that stands outside a quoted string.
fn split_outside_quotes(text: &str, separator: u8) -> impl DoubleEndedIterator<Item = &str> {
    let mut starts = vec![0];
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if byte == separator && !quoted => starts.push(at + 1),
            _ => {}
        }
    }
    starts.push(text.len() + 1);
    (0..starts.len() - 1).map(move |place| &text[starts[place]..starts[place + 1] - 1])
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_of_the_rfc_and_of_other_caches_are_understood() {
        for (header, outcome) in [
            ("ExampleCache; hit", Outcome::Hit),
            ("ExampleCache; hit; ttl=30", Outcome::Hit),
            ("ExampleCache; hit; ttl=-412", Outcome::Stale),
            ("ExampleCache; fwd=uri-miss; stored", Outcome::Miss),
            ("ExampleCache; fwd=uri-miss; collapsed", Outcome::Miss),
            ("ExampleCache; fwd=stale; fwd-status=304", Outcome::Revalidated),
            ("ExampleCache; fwd=stale; fwd-status=200", Outcome::Miss),
            ("ExampleCache; fwd=stale; fwd-status=503; ttl=-7", Outcome::Stale),
            ("ExampleCache; fwd=bypass", Outcome::Bypass),
            ("ExampleCache; fwd=request; detail=x", Outcome::Bypass),
            ("OriginCache; hit; ttl=1100, \"CDN, here\"; fwd=uri-miss;key=\"a;b\"", Outcome::Miss),
            ("ExampleCache; hit=?0; fwd=miss", Outcome::Miss),
            ("ExampleCache", Outcome::Unknown),
            ("ExampleCache; fwd=partial", Outcome::Unknown),
        ] {
            let parsed = CacheStatus::parse(header).unwrap_or_default();
            assert_eq!(parsed.outcome(), outcome, "{header}");
        }
        assert_eq!(CacheStatus::parse(" , "), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".*") {
            let _ = CacheStatus::parse(&text);
        }

        #[test]
        fn what_is_written_is_read_back(hit: bool, stored: bool, collapsed: bool, ttl_s in proptest::option::of(-9999_i64..9999)) {
            let status = CacheStatus {
                cache: "hitmark".to_owned(), hit, stored, collapsed, ttl_s,
                forward: (!hit).then_some(Forward::UriMiss), forward_status: Some(200),
                detail: Some(DETAIL_UNREACHABLE.to_owned()),
            };
            prop_assert_eq!(CacheStatus::parse(&status.to_string()), Some(status));
        }
    }
}
