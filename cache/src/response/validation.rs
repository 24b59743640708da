//! Validators: asking the origin whether a stored response still holds, answering a client's
//! condition from the store, and what a 304 changes (RFC 9111 §4.3, RFC 9110 §13).

use std::time::SystemTime;

use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderName, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};
use http::{HeaderMap, StatusCode};

use super::freshness::date_of;
use super::{headers, lists};

/// Fields that describe the stored bytes: a 304 must not change them (RFC 9111 §3.2 allows to leave
/// out what the cache depends on; the body stays, so what describes it stays).
const BOUND_TO_BODY: [HeaderName; 4] =
    [CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, HeaderName::from_static("content-md5")];

/// Whether the origin could be asked about the response.
#[must_use]
pub fn has_validator(response: &HeaderMap) -> bool {
    response.contains_key(ETAG) || date_of(response, LAST_MODIFIED).is_some()
}

/// Makes a request conditional on the stored response having changed (§4.3.1). Conditions of the
/// client are replaced: they are answered from what comes back.
pub fn ask_whether_changed(request: &mut HeaderMap, stored: &HeaderMap) {
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE] {
        request.remove(name);
    }
    if let Some(tag) = stored.get(ETAG) {
        request.insert(IF_NONE_MATCH, tag.clone());
    }
    if let Some(modified) = stored.get(LAST_MODIFIED) {
        request.insert(IF_MODIFIED_SINCE, modified.clone());
    }
}

/// Whether the request has a condition that only the origin may judge (RFC 9110 §13.1.1, §13.1.4).
#[must_use]
pub fn needs_origin(request: &HeaderMap) -> bool {
    request.contains_key(IF_MATCH) || request.contains_key(IF_UNMODIFIED_SINCE)
}

/// Whether the request has a condition that a stored response can answer.
#[must_use]
pub fn is_conditional(request: &HeaderMap) -> bool {
    request.contains_key(IF_NONE_MATCH) || request.contains_key(IF_MODIFIED_SINCE)
}

/// Whether the client already has what is stored: it is to get a 304 (§4.3.2). `If-Modified-Since`
/// counts only without `If-None-Match`. Without `Last-Modified`, `Date` stands in for it; without
/// both, the time of receipt.
#[must_use]
pub fn is_not_modified(
    request: &HeaderMap,
    status: StatusCode,
    stored: &HeaderMap,
    received: SystemTime,
) -> bool {
    // Only a success can be "not modified" (RFC 9110 §13.2.1).
    if status != StatusCode::OK {
        return false;
    }
    if let Some(condition) = lists::joined(request, IF_NONE_MATCH) {
        return names_tag(&condition, stored);
    }
    let Some(since) = date_of(request, IF_MODIFIED_SINCE) else { return false };
    let modified = date_of(stored, LAST_MODIFIED).or_else(|| date_of(stored, DATE)).unwrap_or(received);
    modified <= since
}

/// Whether a list of entity tags names the stored one by the weak comparison, or is `*`.
fn names_tag(condition: &str, stored: &HeaderMap) -> bool {
    if lists::trimmed(condition) == "*" {
        return true;
    }
    let Some(tag) = stored.get(ETAG).map(lists::text) else { return false };
    let tag = opaque(lists::trimmed(&tag));
    lists::split(condition, b',').into_iter().any(|candidate| opaque(candidate) == tag)
}

/// A tag without its mark of weakness.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// No validator that both have differs.
fn speaks_of(update: &HeaderMap, stored: &HeaderMap) -> bool {
    let same_tag = match (update.get(ETAG), stored.get(ETAG)) {
        (Some(new), Some(old)) => opaque(&lists::text(new)) == opaque(&lists::text(old)),
        _ => true,
    };
    let same_date = match (update.get(LAST_MODIFIED), stored.get(LAST_MODIFIED)) {
        (Some(new), Some(old)) => new == old,
        _ => true,
    };
    same_tag && same_date
}

/// Whether the headers of a `HEAD` describe the stored body (§4.3.5).
#[must_use]
pub fn describes(update: &HeaderMap, stored: &HeaderMap) -> bool {
    let same_length = match (update.get(CONTENT_LENGTH), stored.get(CONTENT_LENGTH)) {
        (Some(new), Some(old)) => new == old,
        _ => true,
    };
    let lost_tag = stored.contains_key(ETAG) && !update.contains_key(ETAG);
    same_length && !lost_tag && speaks_of(update, stored)
}

/// Puts the fields of a 304 or a `HEAD` in the place of the stored ones (§3.2). A field that comes
/// replaces all its stored lines.
pub fn update(stored: &mut HeaderMap, newer: &HeaderMap) {
    let mut newer = newer.clone();
    headers::remove_unstorable(&mut newer);
    for name in BOUND_TO_BODY {
        newer.remove(name);
    }
    if stored.contains_key(ETAG) {
        // It was compared already; a weak form must not replace a strong one.
        newer.remove(ETAG);
    }
    for name in newer.keys() {
        stored.remove(name);
    }
    for (name, value) in &newer {
        stored.append(name, value.clone());
    }
}

/// Leaves in the headers of a 304 what one may carry (RFC 9110 §15.4.5).
pub fn keep_for_not_modified(headers: &mut HeaderMap) {
    for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING, CONTENT_RANGE] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::header::{CACHE_CONTROL, HeaderValue, WARNING};

    use super::*;

    fn map(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    const NOON: &str = "Wed, 05 Aug 2026 12:00:00 GMT";
    const ONE_PM: &str = "Wed, 05 Aug 2026 13:00:00 GMT";

    #[test]
    fn a_condition_is_judged_by_weak_comparison_over_the_whole_list() {
        let stored = map(&[(ETAG, "\"a,b\""), (LAST_MODIFIED, NOON)]);
        for (fields, not_modified) in [
            (vec![(IF_NONE_MATCH, "\"a,b\"")], true),
            (vec![(IF_NONE_MATCH, "W/\"a,b\"")], true),
            (vec![(IF_NONE_MATCH, "\"x\", W/\"a,b\" ,\"y\"")], true),
            (vec![(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a,b\"")], true),
            (vec![(IF_NONE_MATCH, "*")], true),
            (vec![(IF_NONE_MATCH, "\"a\"")], false),
            (vec![(IF_NONE_MATCH, "\"A,B\"")], false),
            (vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, ONE_PM)], false),
            (vec![(IF_MODIFIED_SINCE, NOON)], true),
            (vec![(IF_MODIFIED_SINCE, ONE_PM)], true),
            (vec![(IF_MODIFIED_SINCE, "Wed, 05 Aug 2026 11:59:59 GMT")], false),
            (vec![(IF_MODIFIED_SINCE, "yesterday")], false),
            (vec![], false),
        ] {
            let judged = is_not_modified(&map(&fields), StatusCode::OK, &stored, SystemTime::now());
            assert_eq!(judged, not_modified, "{fields:?}");
        }
        let any = map(&[(IF_NONE_MATCH, "*")]);
        assert!(!is_not_modified(&any, StatusCode::NOT_FOUND, &stored, SystemTime::now()));
    }

    #[test]
    fn a_304_replaces_fields_but_not_those_that_describe_the_body() {
        let mut stored = map(&[
            (CACHE_CONTROL, "max-age=1"),
            (WARNING, "a"),
            (WARNING, "b"),
            (CONTENT_LENGTH, "5"),
            (CONTENT_ENCODING, "gzip"),
            (CONTENT_TYPE, "text/plain"),
            (ETAG, "\"x\""),
        ]);
        let newer = map(&[
            (CACHE_CONTROL, "max-age=9"),
            (WARNING, "c"),
            (CONTENT_LENGTH, "0"),
            (CONTENT_ENCODING, "br"),
            (ETAG, "W/\"x\""),
            (http::header::CONNECTION, "x-hop"),
            (HeaderName::from_static("x-hop"), "1"),
        ]);
        update(&mut stored, &newer);
        let expected = map(&[
            (CACHE_CONTROL, "max-age=9"),
            (WARNING, "c"),
            (CONTENT_LENGTH, "5"),
            (CONTENT_ENCODING, "gzip"),
            (CONTENT_TYPE, "text/plain"),
            (ETAG, "\"x\""),
        ]);
        assert_eq!(stored, expected);
    }

    #[test]
    fn other_validators_mean_another_response() {
        let stored = map(&[(ETAG, "\"x\""), (LAST_MODIFIED, NOON), (CONTENT_LENGTH, "5")]);
        for (fields, speaks, describes_it) in [
            (vec![], true, false),
            (vec![(ETAG, "W/\"x\"")], true, true),
            (vec![(ETAG, "\"y\"")], false, false),
            (vec![(ETAG, "\"x\""), (LAST_MODIFIED, ONE_PM)], false, false),
            (vec![(ETAG, "\"x\""), (CONTENT_LENGTH, "6")], true, false),
        ] {
            let update = map(&fields);
            assert_eq!(speaks_of(&update, &stored), speaks, "{fields:?}");
            assert_eq!(describes(&update, &stored), describes_it, "{fields:?}");
        }
    }

    #[test]
    fn the_question_to_the_origin_carries_the_stored_validators_alone() {
        let mut request = map(&[(IF_NONE_MATCH, "\"theirs\""), (IF_RANGE, "\"theirs\"")]);
        ask_whether_changed(&mut request, &map(&[(ETAG, "W/\"ours\""), (LAST_MODIFIED, NOON)]));
        assert_eq!(request, map(&[(IF_NONE_MATCH, "W/\"ours\""), (IF_MODIFIED_SINCE, NOON)]));
    }
}
