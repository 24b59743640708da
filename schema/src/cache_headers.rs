//! What a response's headers say of the caches in front of it.
//!
//! `Cache-Status` (RFC 9211) is asked first, being the standard; then the headers that caches and
//! their vendors made common; at last `Age`, which only a cache sends. It is here because two rooms
//! ask: the load generator of every response, the exporter's edge probe of its few.

use crate::Outcome;
use crate::cache_status::CacheStatus;

/// Reads the value of one header.
pub type Parse = fn(&str) -> Answer;

/// The headers that tell, by their names in lower case, most reliable first.
pub const DIALECTS: [(&str, Parse); 11] = [
    ("cache-status", cache_status),
    ("x-cache", words),
    ("cf-cache-status", words),
    ("x-cache-status", words),
    ("x-proxy-cache", words),
    ("x-vercel-cache", words),
    ("x-nextjs-cache", words),
    ("x-litespeed-cache", words),
    ("cdn-cache", words),
    ("x-varnish", varnish),
    ("age", age),
];

/// What a response says of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// How the cache answered.
    pub outcome: Outcome,
    /// The service said that its cache server could not be asked.
    pub cache_unreachable: bool,
}

impl Answer {
    /// The headers do not tell.
    pub const UNKNOWN: Self = Self { outcome: Outcome::Unknown, cache_unreachable: false };
}

/// What the headers say; `header` gives the last value of a header by its name in lower case.
pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Answer {
    let told = DIALECTS.iter().find_map(|(name, parse)| Some(parse(header(name)?)));
    told.unwrap_or(Answer::UNKNOWN)
}

fn cache_status(value: &str) -> Answer {
    CacheStatus::parse(value).map_or(Answer::UNKNOWN, |status| Answer {
        outcome: status.outcome(),
        cache_unreachable: status.is_unreachable(),
    })
}

/// `HIT`, `Miss from cloudfront`, `TCP_REFRESH_HIT from a.example`, `HIT, MISS`: of several caches
/// the last one counts, which is the closest to the client.
fn words(value: &str) -> Answer {
    let member = value.rsplit(',').next().unwrap_or_default().to_ascii_lowercase();
    // What stands after the first blank names a server, and servers are called all sorts of things.
    let word = member.split_whitespace().next().unwrap_or_default();
    let has = |part: &str| word.split(['_', '-', '/', ';']).any(|piece| piece == part);
    let outcome = if has("revalidated") || has("refreshhit") || has("refresh") && has("hit") {
        Outcome::Revalidated
    } else if has("stale") || has("updating") || has("stalehit") {
        Outcome::Stale
    } else if has("hit") || has("tcphit") || has("prerender") {
        Outcome::Hit
    } else if has("miss") || has("expired") || has("refreshmiss") {
        Outcome::Miss
    } else if has("bypass") || has("pass") || has("dynamic") || has("uncacheable") || has("nocache") {
        Outcome::Bypass
    } else {
        Outcome::Unknown
    };
    Answer { outcome, cache_unreachable: false }
}

/// Varnish names the request that it answers and, on a hit, the one that filled the cache.
fn varnish(value: &str) -> Answer {
    let outcome = match value.split_whitespace().count() {
        2 => Outcome::Hit,
        1 => Outcome::Miss,
        _ => Outcome::Unknown,
    };
    Answer { outcome, cache_unreachable: false }
}

/// A response that has an age came out of a cache; one of age 0 may have come from either.
fn age(value: &str) -> Answer {
    let is_aged = value.trim().parse::<u64>().is_ok_and(|seconds| seconds > 0);
    Answer { outcome: if is_aged { Outcome::Hit } else { Outcome::Unknown }, cache_unreachable: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_is_read_in_its_own_dialect() {
        for (name, value, outcome) in [
            ("cache-status", "hitmark; hit; ttl=30", Outcome::Hit),
            ("cache-status", "hitmark; fwd=uri-miss; stored", Outcome::Miss),
            ("cache-status", "hitmark; fwd=bypass", Outcome::Bypass),
            ("x-cache", "HIT", Outcome::Hit),
            ("x-cache", "Miss from cloudfront", Outcome::Miss),
            ("x-cache", "MISS, HIT", Outcome::Hit),
            ("x-cache", "TCP_HIT", Outcome::Hit),
            ("x-cache", "whatever", Outcome::Unknown),
            ("x-cache", "HIT, MISS", Outcome::Miss),
            ("x-cache", "RefreshHit from cloudfront", Outcome::Revalidated),
            ("x-cache", "TCP_MEM_HIT from a23-hit.example (AkamaiGHost)", Outcome::Hit),
            ("x-cache", "TCP_REFRESH_HIT from a.example", Outcome::Revalidated),
            ("x-cache", "MISS from hit-proxy", Outcome::Miss),
            ("x-cache", "CONFIG_NOCACHE", Outcome::Bypass),
            ("cf-cache-status", "DYNAMIC", Outcome::Bypass),
            ("cf-cache-status", "EXPIRED", Outcome::Miss),
            ("cf-cache-status", "UPDATING", Outcome::Stale),
            ("x-cache-status", "REVALIDATED", Outcome::Revalidated),
            ("x-vercel-cache", "STALE", Outcome::Stale),
            ("x-varnish", "32770 3", Outcome::Hit),
            ("x-varnish", "32770", Outcome::Miss),
            ("age", "3", Outcome::Hit),
            ("age", "0", Outcome::Unknown),
            ("age", "soon", Outcome::Unknown),
        ] {
            let answer = read(|asked| (asked == name).then_some(value));
            assert_eq!(answer.outcome, outcome, "{name}: {value}");
        }
    }

    #[test]
    fn the_most_reliable_header_counts_and_none_is_unknown() {
        let both = read(|name| match name {
            "cache-status" => Some("edge; fwd=uri-miss"),
            "x-cache" => Some("HIT"),
            _ => None,
        });
        assert_eq!((both.outcome, read(|_| None)), (Outcome::Miss, Answer::UNKNOWN));
    }
}
