//! Parts of a stored response (RFC 9110 §14): one range of bytes out of a whole body.
//!
//! A list of ranges, an unknown unit or a range that is not understood is ignored: then the whole
//! body is the right answer (§14.2).

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use http::{Method, StatusCode};

use super::lists;

/// What a request for a part gets from a stored whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The whole body.
    Whole,
    /// The bytes from `start` to `end`, without `end`.
    Bytes {
        /// The first byte.
        start: usize,
        /// The byte after the last one.
        end: usize,
    },
    /// None of the body's bytes is in the range.
    Unsatisfiable,
}

/// Which part of a stored 200 the request asks for.
#[must_use]
pub fn part(method: &Method, request: &HeaderMap, stored: &HeaderMap, length: usize) -> Part {
    let Some(range) = request.get(RANGE).and_then(|range| range.to_str().ok()) else { return Part::Whole };
    if *method != Method::GET || !condition_holds(request, stored) {
        return Part::Whole;
    }
    let Some((unit, spec)) = range.split_once('=') else { return Part::Whole };
    if !lists::trimmed(unit).eq_ignore_ascii_case("bytes") {
        return Part::Whole;
    }
    one_range(lists::trimmed(spec), length).unwrap_or(Part::Whole)
}

/// `None` if the text is no single range.
fn one_range(spec: &str, length: usize) -> Option<Part> {
    let (first, last) = spec.split_once('-')?;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    let (start, end) = match (first.is_empty(), last.is_empty()) {
        (true, true) => return None,
        // The last so many bytes.
        (true, false) => (length.saturating_sub(number(last)?), length),
        (false, true) => (number(first)?, length),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if start < end { Part::Bytes { start, end } } else { Part::Unsatisfiable })
}

/// `If-Range` (§13.1.5): the part is wanted only of the very response that the client knows.
fn condition_holds(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let Some(condition) = request.get(IF_RANGE) else { return true };
    let is_tag = condition.as_bytes().ends_with(b"\"");
    if is_tag {
        return !condition.as_bytes().starts_with(b"W/") && stored.get(ETAG) == Some(condition);
    }
    stored.get(LAST_MODIFIED) == Some(condition)
}

/// Turns a whole stored answer into the part of it; the body that goes with it.
#[must_use]
pub fn take(part: &Part, status: &mut StatusCode, headers: &mut HeaderMap, body: Bytes) -> Bytes {
    let length = body.len();
    let (content_range, bytes) = match *part {
        Part::Whole => return body,
        Part::Bytes { start, end } => {
            *status = StatusCode::PARTIAL_CONTENT;
            (format!("bytes {start}-{}/{length}", end - 1), body.slice(start..end))
        }
        Part::Unsatisfiable => {
            *status = StatusCode::RANGE_NOT_SATISFIABLE;
            (format!("bytes */{length}"), Bytes::new())
        }
    };
    if let Ok(value) = HeaderValue::from_str(&content_range) {
        headers.insert(CONTENT_RANGE, value);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    headers.entry(ACCEPT_RANGES).or_insert(HeaderValue::from_static("bytes"));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_ranges_are_read_and_everything_else_is_the_whole() {
        let bytes = |start, end| Part::Bytes { start, end };
        for (range, expected) in [
            ("bytes=0-4", bytes(0, 5)),
            ("Bytes=2-", bytes(2, 10)),
            ("bytes=-3", bytes(7, 10)),
            ("bytes=-30", bytes(0, 10)),
            ("bytes=5-99999999999999999999999", bytes(5, 10)),
            ("bytes=10-", Part::Unsatisfiable),
            ("bytes=-0", Part::Unsatisfiable),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("lines=0-4", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            let mut request = HeaderMap::new();
            request.insert(RANGE, HeaderValue::from_static(range));
            assert_eq!(part(&Method::GET, &request, &HeaderMap::new(), 10), expected, "{range}");
            assert_eq!(part(&Method::HEAD, &request, &HeaderMap::new(), 10), Part::Whole);
        }
    }

    #[test]
    fn if_range_wants_the_strong_tag_or_the_very_date() {
        let mut stored = HeaderMap::new();
        stored.insert(ETAG, HeaderValue::from_static("\"x\""));
        stored.insert(LAST_MODIFIED, HeaderValue::from_static("Wed, 05 Aug 2026 12:00:00 GMT"));
        for (condition, holds) in [
            ("\"x\"", true),
            ("W/\"x\"", false),
            ("\"y\"", false),
            ("Wed, 05 Aug 2026 12:00:00 GMT", true),
            ("Wed, 05 Aug 2026 12:00:01 GMT", false),
        ] {
            let mut request = HeaderMap::new();
            request.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
            request.insert(IF_RANGE, HeaderValue::from_static(condition));
            let whole = part(&Method::GET, &request, &stored, 10) == Part::Whole;
            assert_eq!(!whole, holds, "{condition}");
        }
    }
}
