//! What a user remembers of one side: cookies, and values that answers gave.

use crate::plan::Source;
use crate::transport::Headers;

/// Cookies of a user at most; a service that sets more is not obeyed.
const COOKIES_MAX: usize = 50;
/// Bytes of an extracted value at most.
const VALUE_BYTES_MAX: usize = 16 * 1024;

/// What a user remembers of one side.
#[derive(Debug, Default)]
pub struct Session {
    /// Values by their place among the plan's names.
    pub extracted: Vec<Option<String>>,
    cookies: Vec<(String, String)>,
    header: Option<String>,
}

impl Session {
    /// The `Cookie` header, if there are cookies.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// Takes the cookies that a response sets. Domain and path are not looked at: a user speaks to
    /// one service. A cookie that is set to end at once is removed (RFC 6265 §5.2.2).
    pub fn take_cookies(&mut self, headers: &Headers) {
        let mut changed = false;
        for value in headers.texts("set-cookie") {
            let (pair, attributes) = value.split_once(';').unwrap_or((value, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            let ends = attributes.to_ascii_lowercase().split(';').any(|part| {
                let part = part.trim();
                part.strip_prefix("max-age=").is_some_and(|age| age.starts_with(['0', '-']))
            });
            self.cookies.retain(|(other, _)| other != name);
            if !ends && self.cookies.len() < COOKIES_MAX {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
            changed = true;
        }
        if changed {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            self.header = (!pairs.is_empty()).then(|| pairs.join("; "));
        }
    }

    /// Keeps a value.
    pub fn keep(&mut self, place: usize, value: String) {
        if self.extracted.len() <= place {
            self.extracted.resize(place + 1, None);
        }
        self.extracted[place] = Some(value);
    }
}

/// The value at a place of an answer.
#[must_use]
pub fn extract(source: &Source, headers: &Headers, body: &[u8]) -> Option<String> {
    let value = match source {
        Source::Header(name) => headers.text(name)?.to_owned(),
        Source::Cookie(name) => headers.texts("set-cookie").find_map(|value| {
            let pair = value.split(';').next()?;
            let (found, value) = pair.split_once('=')?;
            (found.trim() == name).then(|| value.trim().to_owned())
        })?,
        Source::Json(pointer) => {
            let document: serde_json::Value = serde_json::from_slice(body).ok()?;
            match document.pointer(pointer)? {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => return None,
                other => other.to_string(),
            }
        }
        Source::Between(before, after) => {
            let text = std::str::from_utf8(body).ok()?;
            let from = text.find(before)? + before.len();
            let length = text[from..].find(after)?;
            text[from..from + length].to_owned()
        }
    };
    (value.len() <= VALUE_BYTES_MAX).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        pairs.iter().copied().collect()
    }

    #[test]
    fn cookies_are_kept_replaced_and_removed() {
        let mut session = Session::default();
        session.take_cookies(&headers(&[("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2")]));
        assert_eq!(session.cookie(), Some("a=1; b=2"));
        session.take_cookies(&headers(&[("set-cookie", "a=3; Max-Age=100")]));
        assert_eq!(session.cookie(), Some("b=2; a=3"));
        session.take_cookies(&headers(&[("set-cookie", "a=; Max-Age=0"), ("set-cookie", "b=x; max-age=-1")]));
        assert_eq!(session.cookie(), None);
    }

    #[test]
    fn values_are_found_in_json_headers_cookies_and_text() {
        let headers = headers(&[("x-id", "7"), ("set-cookie", "sid=abc; Path=/")]);
        let body = br#"{"user": {"token": "t1", "id": 5, "none": null}, "html": "<i>v</i>"}"#;
        for (source, value) in [
            (Source::Json("/user/token".to_owned()), Some("t1")),
            (Source::Json("/user/id".to_owned()), Some("5")),
            (Source::Json("/user/none".to_owned()), None),
            (Source::Json("/nobody".to_owned()), None),
            (Source::Header("x-id".to_owned()), Some("7")),
            (Source::Cookie("sid".to_owned()), Some("abc")),
            (Source::Between("<i>".to_owned(), "</i>".to_owned()), Some("v")),
            (Source::Between("<b>".to_owned(), "</b>".to_owned()), None),
        ] {
            assert_eq!(extract(&source, &headers, body).as_deref(), value, "{source:?}");
        }
        assert_eq!(extract(&Source::Json(String::new()), &headers, b"not json"), None);
    }
}
