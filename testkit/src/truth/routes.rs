//! Which path asks for what: pure parsing, apart from answering.

use std::time::Duration;

use hyper::header::HeaderValue;

const SPIN_MAX: Duration = Duration::from_secs(1);
const BODY_DELAY_MAX: Duration = Duration::from_secs(60);
const CALL_MAX: Duration = Duration::from_secs(10);

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Noop,
    Spin(Duration),
    Item(u64),
    Wrong(u64),
    SlowBody(Duration),
    Call(Duration),
    Metrics,
    Reset,
    Status(u16),
    Unknown,
}

impl Route {
    pub(super) fn parse(path: &str) -> Self {
        let (name, argument) = match path.trim_start_matches('/').split_once('/') {
            Some((name, argument)) => (name, Some(argument)),
            None => (path.trim_start_matches('/'), None),
        };
        let number = argument.map(str::parse::<u64>);
        match (name, number) {
            ("noop", None) => Self::Noop,
            ("reset", None) => Self::Reset,
            ("metrics", None) => Self::Metrics,
            ("call", Some(Ok(ms))) => Self::Call(Duration::from_millis(ms).min(CALL_MAX)),
            ("spin", Some(Ok(micros))) => Self::Spin(Duration::from_micros(micros).min(SPIN_MAX)),
            ("items", Some(Ok(id))) => Self::Item(id),
            ("wrong", Some(Ok(id))) => Self::Wrong(id),
            ("slow-body", Some(Ok(ms))) => Self::SlowBody(Duration::from_millis(ms).min(BODY_DELAY_MAX)),
            ("status", Some(Ok(code @ 200..=599))) => Self::Status(u16::try_from(code).unwrap_or(500)),
            _ => Self::Unknown,
        }
    }

    /// The name under which service times are kept. It is bounded by what a test spins, not by ids.
    pub(super) fn name(self) -> String {
        match self {
            Self::Spin(time) => format!("/spin/{}", time.as_micros()),
            Self::Noop => "/noop".into(),
            Self::Item(_) => "/items/{id}".into(),
            Self::Wrong(_) => "/wrong/{id}".into(),
            Self::SlowBody(_) => "/slow-body/{ms}".into(),
            Self::Call(time) => format!("/call/{}", time.as_millis()),
            Self::Metrics => "/metrics".into(),
            Self::Reset => "/reset".into(),
            Self::Status(_) => "/status/{code}".into(),
            Self::Unknown => "/{unknown}".into(),
        }
    }
}

/// The `cache-status` header (RFC 9211) for the query `cs=<word>`; `None` for no such parameter or
/// an unknown word.
pub(super) fn cache_status(query: &str) -> Option<&'static str> {
    let word = query.split('&').find_map(|pair| pair.strip_prefix("cs="))?;
    match word {
        "hit" => Some("truth; hit; ttl=30"),
        "miss" => Some("truth; fwd=uri-miss; stored"),
        "stale" => Some("truth; hit; ttl=-5"),
        "revalidated" => Some("truth; fwd=stale; fwd-status=304; stored"),
        "bypass" => Some("truth; fwd=bypass"),
        "collapsed" => Some("truth; fwd=uri-miss; collapsed"),
        _ => None,
    }
}

/// The `cache-control` header for the query `cc=<directives>`, in which `:` stands for `=` and `,`
/// parts directives as it does in the header; `None` for no such parameter or a byte that no header takes.
pub(super) fn cache_control(query: &str) -> Option<HeaderValue> {
    let directives = query.split('&').find_map(|pair| pair.strip_prefix("cc="))?;
    HeaderValue::from_str(&directives.replace(':', "=")).ok()
}

/// The name under which the service times of a request are kept: its route's, and who asks if the query
/// has `by=NAME`.
pub(super) fn kept_as(route: Route, query: &str) -> String {
    let name = route.name();
    match query.split('&').find_map(|pair| pair.strip_prefix("by=")) {
        Some(asker) => format!("{name}?by={asker}"),
        None => name,
    }
}

/// The body of an item: a function of the id alone, and different for each id.
pub(super) fn item(id: u64) -> String {
    // Fibonacci hashing spreads neighbouring ids, so that bodies differ in more than the id.
    let price_cents = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    format!(r#"{{"id":{id},"name":"item {id}","price_cents":{price_cents}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_asks_for_its_route_and_anything_else_is_unknown() {
        let cases = [
            ("/noop", Route::Noop),
            ("/spin/200", Route::Spin(Duration::from_micros(200))),
            ("/spin/99000000", Route::Spin(SPIN_MAX)),
            ("/items/7", Route::Item(7)),
            ("/wrong/7", Route::Wrong(7)),
            ("/slow-body/20", Route::SlowBody(Duration::from_millis(20))),
            ("/slow-body/99000000", Route::SlowBody(BODY_DELAY_MAX)),
            ("/reset", Route::Reset),
            ("/call/200", Route::Call(Duration::from_millis(200))),
            ("/call/99000000", Route::Call(CALL_MAX)),
            ("/metrics", Route::Metrics),
            ("/status/503", Route::Status(503)),
            ("/status/600", Route::Unknown),
            ("/status/100", Route::Unknown),
            ("/spin", Route::Unknown),
            ("/spin/-1", Route::Unknown),
            ("/noop/1", Route::Unknown),
            ("/items/1/2", Route::Unknown),
            ("/", Route::Unknown),
            ("", Route::Unknown),
        ];
        for (path, expected) in cases {
            assert_eq!(Route::parse(path), expected, "{path}");
        }
    }

    #[test]
    fn the_query_chooses_the_cache_status() {
        assert_eq!(cache_status("a=b&cs=hit"), Some("truth; hit; ttl=30"));
        assert_eq!(cache_status("cs=nonsense"), None);
        assert_eq!(cache_status("xcs=hit"), None);
        assert_eq!(cache_status(""), None);
    }

    #[test]
    fn the_query_chooses_the_cache_control() {
        let told = |query| cache_control(query).map(|value| value.to_str().unwrap_or_default().to_owned());
        assert_eq!(
            told("a=b&cc=max-age:2,stale-while-revalidate:10").as_deref(),
            Some("max-age=2,stale-while-revalidate=10")
        );
        assert_eq!((told("ccc=max-age:2"), told("cc=\u{7f}")), (None, None));
    }

    #[test]
    fn service_times_are_kept_by_route_and_asker() {
        let kept = |path: &str, query: &str| kept_as(Route::parse(path), query);
        assert_eq!(kept("/spin/50", "cs=hit&by=me"), "/spin/50?by=me");
        assert_eq!(kept("/spin/50", "cs=hit&sby=me"), "/spin/50");
        assert_eq!(kept("/items/7", ""), "/items/{id}");
    }

    #[test]
    fn items_differ_by_id_only() {
        assert_eq!(item(7), item(7));
        assert_ne!(item(7), item(8));
    }
}
