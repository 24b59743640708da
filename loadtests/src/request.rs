//! What is sent: a request with everything prepared but the key.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method, Request, Uri};

use crate::plan::{ExperimentPlan, ServiceAddress, VariantSettings};

/// A request of one variant, ready but for its key.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    method: Method,
    path: KeyedText,
    body: Option<KeyedText>,
    headers: HeaderMap,
}

/// A text with places for the key: `pieces` joined by it.
#[derive(Debug, Clone)]
struct KeyedText {
    pieces: Vec<String>,
}

impl KeyedText {
    fn new(text: &str) -> Self {
        Self { pieces: text.split("{key}").map(str::to_owned).collect() }
    }

    fn with_key(&self, key: u64) -> String {
        let mut text = String::with_capacity(self.pieces.iter().map(String::len).sum::<usize>() + 20);
        for (place, piece) in self.pieces.iter().enumerate() {
            if place > 0 {
                let mut digits = [0; 20];
                text.push_str(decimal(key, &mut digits));
            }
            text.push_str(piece);
        }
        text
    }
}

/// The decimal digits of a number, without the detour of the formatting machinery.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            // Digits are ASCII, so this always succeeds.
            return std::str::from_utf8(&digits[at..]).unwrap_or("0");
        }
    }
}

/// A part of a request that HTTP does not allow. Plans are checked, so only a key or a query can
/// bring it about.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be built: {0}")]
pub struct RequestError(String);

impl RequestTemplate {
    /// Prepares the requests of one variant.
    ///
    /// # Errors
    ///
    /// If method, headers or path are not HTTP, which a checked plan excludes.
    pub fn new(experiment: &ExperimentPlan, side: &VariantSettings) -> Result<Self, RequestError> {
        let fault = |error: &dyn std::fmt::Display| RequestError(error.to_string());
        let method = Method::from_bytes(experiment.method.as_bytes()).map_err(|error| fault(&error))?;
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(&side.address.authority).map_err(|error| fault(&error))?);
        if experiment.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in experiment.headers.iter().chain(&side.headers) {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| fault(&error))?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|error| fault(&error))?);
        }
        let path = format!("{}{}", side.address.prefix, with_query(&experiment.path, &side.query));
        Ok(Self {
            method,
            path: KeyedText::new(&path),
            body: experiment.body.as_deref().map(KeyedText::new),
            headers,
        })
    }

    /// A plain GET of a path, for probes.
    ///
    /// # Errors
    ///
    /// If the address is not a header value.
    pub fn get(address: &ServiceAddress, path: &str) -> Result<Self, RequestError> {
        let host =
            HeaderValue::from_str(&address.authority).map_err(|error| RequestError(error.to_string()))?;
        let headers = HeaderMap::from_iter([(HOST, host)]);
        let path = KeyedText::new(&format!("{}{path}", address.prefix));
        Ok(Self { method: Method::GET, path, body: None, headers })
    }

    /// The request for a key. The key of a fixed path is ignored.
    ///
    /// # Errors
    ///
    /// If the path with this key is not a path.
    pub fn request(&self, key: u64) -> Result<Request<Full<Bytes>>, RequestError> {
        let path = PathAndQuery::from_maybe_shared(Bytes::from(self.path.with_key(key)))
            .map_err(|error| RequestError(error.to_string()))?;
        let body = self.body.as_ref().map(|body| Bytes::from(body.with_key(key))).unwrap_or_default();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = Uri::from(path);
        *request.headers_mut() = self.headers.clone();
        Ok(request)
    }

    /// The request line for a key, for messages.
    #[must_use]
    pub fn line(&self, key: u64) -> String {
        format!("{} {}", self.method, self.path.with_key(key))
    }
}

/// The path with the variant's query parameters appended, percent-encoded.
fn with_query(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut encoder = url::form_urlencoded::Serializer::new(String::new());
    encoder.extend_pairs(query);
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{}", encoder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_every_place_of_path_and_body() {
        let text = KeyedText::new("/a/{key}/b?x={key}");
        assert_eq!(text.with_key(0), "/a/0/b?x=0");
        assert_eq!(text.with_key(u64::MAX), "/a/18446744073709551615/b?x=18446744073709551615");
        assert_eq!(KeyedText::new("/fixed").with_key(7), "/fixed");
    }

    #[test]
    fn query_parameters_are_appended_and_encoded() {
        let query = [("q".to_owned(), "a b&c".to_owned())];
        assert_eq!(with_query("/s", &query), "/s?q=a+b%26c");
        assert_eq!(with_query("/s?p=1", &query), "/s?p=1&q=a+b%26c");
    }
}
