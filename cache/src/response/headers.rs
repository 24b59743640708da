//! Fields that belong to one connection, or to one hop (RFC 9110 §7.6.1, RFC 9111 §3.1): they are
//! neither stored nor passed on.

use http::HeaderMap;
use http::header::{
    CONNECTION, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use super::lists;

/// Fields of one connection, whether `Connection` lists them or not.
const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields between a client and its proxy: passed on, but never stored (RFC 9111 §3.1).
const OF_A_PROXY: [HeaderName; 3] =
    [PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, HeaderName::from_static("proxy-authentication-info")];

/// Removes the fields of one connection, those that `Connection` lists among them.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if let Some(listed) = lists::joined(headers, CONNECTION) {
        for name in lists::split(&listed, b',') {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes everything that may not be stored. What caches before this one wrote in `Cache-Status`
/// stays: it tells how they answered when this response was stored (RFC 9211 §3).
pub(super) fn remove_unstorable(headers: &mut HeaderMap) {
    remove_hop_by_hop(headers);
    for name in OF_A_PROXY {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CACHE_CONTROL, HeaderValue};

    use super::*;

    #[test]
    fn what_connection_lists_goes_and_the_rest_stays() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "X-A, close"),
            ("connection", "x-b"),
            ("x-a", "1"),
            ("x-b", "2"),
            ("x-c", "3"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("proxy-authenticate", "Basic"),
            ("cache-control", "max-age=5"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cache-control", "proxy-authenticate", "x-c"]);
        remove_unstorable(&mut headers);
        assert!(headers.contains_key(CACHE_CONTROL) && !headers.contains_key(PROXY_AUTHENTICATE));
    }
}
