//! The name of a resource: scheme, host, path and query, as one key that cannot collide.
//!
//! Each component is a part of the key of its own, escaped, so that no path can pass for a query and
//! no query for another host. Scheme and host are written in lower case and the default port is left
//! out (RFC 9110 §4.2.3); path and query are taken as they are: to a cache, `/a%41` is not `/aA`.

use http::header::HOST;
use http::request::Parts;
use http::uri::Scheme;
use http::{HeaderMap, Uri};

use crate::key::Key;

/// The first part of every key of a response.
const PREFIX: &str = "http";

/// The resource of a request. `None` if the request does not tell its host, or in two voices.
pub(super) fn of_request(parts: &Parts, default_scheme: &str) -> Option<Key> {
    let scheme = parts.uri.scheme_str().unwrap_or(default_scheme);
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => host_of(&parts.headers)?,
    };
    Some(key(scheme, authority, parts.uri.path(), parts.uri.query()))
}

/// The resource that a header of a response names, seen from the request's resource: `Location`,
/// `Content-Location`. `None` if it has another origin, or is no reference that is understood.
pub(super) fn of_reference(reference: &str, parts: &Parts, default_scheme: &str) -> Option<Key> {
    let scheme = parts.uri.scheme_str().unwrap_or(default_scheme);
    let authority = match parts.uri.authority() {
        Some(authority) => authority.as_str(),
        None => host_of(&parts.headers)?,
    };
    let without_fragment = reference.split('#').next().unwrap_or_default();
    if let Some(rest) = without_fragment.strip_prefix("//") {
        return of_reference(&format!("{scheme}://{rest}"), parts, default_scheme);
    }
    let absolute = match without_fragment.split_once("://") {
        Some((before, _)) if !before.contains(['/', '?']) => without_fragment.to_owned(),
        _ => format!("{scheme}://{authority}{}", resolved(parts.uri.path(), without_fragment)),
    };
    let uri: Uri = absolute.parse().ok()?;
    let same_scheme = uri.scheme_str().is_some_and(|other| other.eq_ignore_ascii_case(scheme));
    let other = uri.authority()?.as_str();
    let same_host = normal_host(scheme, other) == normal_host(scheme, authority);
    (same_scheme && same_host).then(|| key(scheme, authority, uri.path(), uri.query()))
}

/// A relative reference on a base path (RFC 3986 §5.2, without the dots in the base).
fn resolved(base: &str, reference: &str) -> String {
    if reference.starts_with('/') {
        return reference.to_owned();
    }
    if reference.starts_with('?') || reference.is_empty() {
        return format!("{base}{reference}");
    }
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut segments: Vec<&str> = folder.split('/').skip(1).collect();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let path = format!("/{}", segments.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

fn host_of(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok().map(super::lists::trimmed)?;
    (hosts.next().is_none() && !host.is_empty()).then_some(host)
}

fn key(scheme: &str, authority: &str, path: &str, query: Option<&str>) -> Key {
    let path = if path.is_empty() { "/" } else { path };
    let key = Key::new(PREFIX).id(scheme.to_ascii_lowercase()).id(normal_host(scheme, authority)).id(path);
    match query {
        Some(query) => key.and("query", query),
        None => key,
    }
}

fn normal_host(scheme: &str, authority: &str) -> String {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
    let default = if scheme.eq_ignore_ascii_case(Scheme::HTTPS.as_str()) { ":443" } else { ":80" };
    host.strip_suffix(default).map_or(host.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(uri: &str, host: &str) -> Parts {
        Request::get(uri).header(HOST, host).body(()).expect("a request").into_parts().0
    }

    fn of(uri: &str, host: &str) -> String {
        of_request(&parts(uri, host), "http").expect("a key").as_str().to_owned()
    }

    #[test]
    fn the_same_resource_has_one_key_and_different_ones_never_share_one() {
        for (left, right) in [
            (("/a", "Example.com"), ("/a", "example.com:80")),
            (("http://example.com/a", "other"), ("/a", "example.com")),
            (("http://u:p@example.com/a", "x"), ("/a", "example.com")),
        ] {
            assert_eq!(of(left.0, left.1), of(right.0, right.1));
        }
        let all = [
            of("/a", "h"),
            of("/a?", "h"),
            of("/a?page=2", "h"),
            of("/a?page=3", "h"),
            of("/a/", "h"),
            of("/A", "h"),
            of("/a", "h:81"),
            of("/a", "i"),
            of("https://h/a", "h"),
            of("/a:query:page=2", "h"),
            of("/a%3Fpage=2", "h"),
        ];
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), all.len(), "{all:?}");
    }

    #[test]
    fn a_request_without_one_host_has_no_key() {
        let mut two = parts("/a", "h");
        two.headers.append(HOST, "i".parse().expect("a value"));
        assert_eq!(of_request(&two, "http"), None);
        let none = Request::get("/a").body(()).expect("a request").into_parts().0;
        assert_eq!(of_request(&none, "http"), None);
    }

    #[test]
    fn references_are_resolved_within_the_same_origin_only() {
        let base = parts("/shop/item?id=1", "example.com");
        for (reference, path) in [
            ("/b?x=1#top", Some("/b?x=1")),
            ("http://example.com/b", Some("/b")),
            ("HTTP://EXAMPLE.com:80/b", Some("/b")),
            ("//example.com/b", Some("/b")),
            ("b", Some("/shop/b")),
            ("../b?y", Some("/b?y")),
            ("./b/../c", Some("/shop/c")),
            ("?id=2", Some("/shop/item?id=2")),
            ("", Some("/shop/item")),
            ("b?to=http://evil.com/", Some("/shop/b?to=http://evil.com/")),
            ("https://example.com/b", None),
            ("http://evil.com/b", None),
            ("//evil.com/b", None),
            ("http://example.com:8080/b", None),
            ("http://[bad", None),
        ] {
            let expected = path.map(|path| of(path, "example.com"));
            let found = of_reference(reference, &base, "http").map(|key| key.as_str().to_owned());
            assert_eq!(found, expected, "{reference}");
        }
    }
}
