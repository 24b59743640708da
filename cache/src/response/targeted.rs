//! `CDN-Cache-Control` (RFC 9213): directives for shared caches near the origin's control, which
//! take the place of `Cache-Control` and `Expires` in a cache that they target.
//!
//! The field is a structured dictionary (RFC 9651 §3.2). As the RFC asks, one that does not parse,
//! is empty, or gives a directive a value of the wrong type is ignored as a whole.

use http::{HeaderMap, HeaderName};

use super::directives::{Argument, ResponseDirectives};
use super::{lists, structured};
use structured::Bare;

/// The field that targets content delivery networks and their like.
pub const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives that count for this cache, and whether they came from the targeted field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effective {
    /// What the response says to this cache.
    pub directives: ResponseDirectives,
    /// From where.
    pub source: Source,
}

/// Where directives were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `Cache-Control`; `Expires` counts beside it.
    CacheControl,
    /// `CDN-Cache-Control`; nothing else counts.
    Targeted,
}

impl Effective {
    /// What a response says to a cache that is targeted by `CDN-Cache-Control`.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        match targeted(headers) {
            Some(directives) => Self { directives, source: Source::Targeted },
            None => Self { directives: ResponseDirectives::of(headers), source: Source::CacheControl },
        }
    }
}

fn targeted(headers: &HeaderMap) -> Option<ResponseDirectives> {
    let members = structured::dictionary(&lists::joined(headers, CDN_CACHE_CONTROL)?)?;
    if members.is_empty() {
        return None;
    }
    let mut directives = ResponseDirectives::default();
    for (name, value) in &members {
        match (name.as_str(), value) {
            // The directives with a number: a number, or the field is not what it claims to be.
            ("max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error", value) => {
                let seconds = match value {
                    Bare::Integer(seconds) => (*seconds).max(0),
                    _ => return None,
                };
                directives.add(name, &Argument::Text(seconds.to_string()));
            }
            // Said not to be so.
            (_, Bare::Boolean(false)) => {}
            (_, Bare::Boolean(true)) => directives.add(name, &Argument::Absent),
            // `private` and `no-cache` may list fields; the rest must not have values.
            ("private" | "no-cache", Bare::Text) => directives.add(name, &Argument::Absent),
            ("no-store" | "public" | "private" | "no-cache", _) => return None,
            ("must-revalidate" | "proxy-revalidate" | "must-understand", _) => return None,
            _ => {}
        }
    }
    Some(directives)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::header::{CACHE_CONTROL, HeaderValue};

    use super::*;

    fn of(cdn: &[&'static str]) -> Effective {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1, no-store"));
        for line in cdn {
            headers.append(CDN_CACHE_CONTROL, HeaderValue::from_static(line));
        }
        Effective::of(&headers)
    }

    #[test]
    fn a_valid_field_takes_the_place_of_cache_control_whole() {
        for (lines, expected) in [
            (
                &["max-age=600"][..],
                ResponseDirectives { max_age: Some(Duration::from_secs(600)), ..Default::default() },
            ),
            (
                &["max-age=99999999999"],
                ResponseDirectives { max_age: Some(Duration::from_secs(1 << 31)), ..Default::default() },
            ),
            (
                &["foobar, max-age=5;x=1"],
                ResponseDirectives { max_age: Some(Duration::from_secs(5)), ..Default::default() },
            ),
            (&["private"], ResponseDirectives { private: true, ..Default::default() }),
            (&["no-cache=\"x-a\""], ResponseDirectives { no_cache: true, ..Default::default() }),
            (&["no-store=?0"], ResponseDirectives::default()),
            (
                &["must-revalidate", "max-age=2, stale-while-revalidate=3"],
                ResponseDirectives {
                    must_revalidate: true,
                    max_age: Some(Duration::from_secs(2)),
                    stale_while_revalidate: Some(Duration::from_secs(3)),
                    ..Default::default()
                },
            ),
        ] {
            let effective = of(lines);
            assert_eq!(effective.source, Source::Targeted, "{lines:?}");
            assert_eq!(effective.directives, expected, "{lines:?}");
        }
    }

    #[test]
    fn an_invalid_or_empty_field_is_ignored_as_a_whole() {
        for line in [
            "",
            "  ",
            "max-age=10, &&&&&",
            "max-age=\"10\"",
            "max-age",
            "max-age=1.5",
            "MaX-aGe=10",
            "max-age =10",
            "max-age= 10",
            "max-age=10,",
            "no-store=7",
            "private=(\"a\")",
        ] {
            let effective = of(&[line]);
            assert_eq!(effective.source, Source::CacheControl, "{line}");
            assert!(effective.directives.no_store, "{line}");
        }
        assert_eq!(of(&[]).source, Source::CacheControl);
    }
}
