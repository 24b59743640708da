//! What is sent: a request with everything prepared but its values.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method, Request, Uri};

use crate::plan::texts::Known;
use crate::plan::{ExperimentPlan, HttpVersion, Scheme, ServiceAddress, StepBody, StepPlan, VariantSettings};
use crate::template::{Escape, Template, Values};

/// A request of one variant, ready but for its values.
#[derive(Debug, Clone)]
pub struct RequestTemplate {
    method: Method,
    path: Template,
    body: Option<Template>,
    headers: HeaderMap,
    /// Headers whose values are not the same each time.
    varying: Vec<(HeaderName, Template)>,
    /// `https://host`, where the whole URI is sent: HTTP/2 has no other place for the host.
    origin: String,
    /// The lines of HTTP/1.1 that follow the path and are the same each time.
    lines: String,
}

/// A request together with its values.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// The request.
    pub template: &'c RequestTemplate,
    /// Its values.
    pub values: &'c Values<'c>,
    /// Another path of the same service, as a redirect asks for.
    pub redirected_to: Option<&'c str>,
}

/// A part of a request that HTTP does not allow. Plans are checked, so only a value can bring it about.
#[derive(Debug, thiserror::Error)]
#[error("the request cannot be built: {0}")]
pub struct RequestError(String);

impl RequestError {
    fn new(error: &dyn std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

impl RequestTemplate {
    /// Prepares one step of one variant.
    ///
    /// # Errors
    ///
    /// If method, headers or path are not HTTP, which a checked plan excludes.
    pub fn new(
        experiment: &ExperimentPlan,
        step: &StepPlan,
        side: &VariantSettings,
    ) -> Result<Self, RequestError> {
        let known = &experiment.known;
        let method = Method::from_bytes(step.method.as_bytes()).map_err(|error| RequestError::new(&error))?;
        let mut template = Self::bare(&side.address, experiment.http)?;
        template.method = method;
        let path = format!("{}{}", side.address.prefix, with_query(&step.path, &side.query));
        template.path = Template::new(&path, known, Escape::Path);
        template.body = step.body.as_ref().map(|body| match body {
            StepBody::Text(text) => Template::new(text, known, Escape::None),
            StepBody::Json(text) => Template::new(text, known, Escape::Json),
        });
        if step.body.is_some() {
            template.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if !experiment.encodings.is_empty() {
            template.set_header(ACCEPT_ENCODING.as_str(), &experiment.encodings.join(", "), known)?;
        }
        for (name, value) in experiment.headers.iter().chain(&step.headers).chain(&side.headers) {
            template.set_header(name, value, known)?;
        }
        template.fix_lines();
        Ok(template)
    }

    /// A plain GET of a path, for probes.
    ///
    /// # Errors
    ///
    /// If the address is not a header value.
    pub fn get(address: &ServiceAddress, path: &str) -> Result<Self, RequestError> {
        let mut template = Self::bare(address, HttpVersion::Http1)?;
        let path = format!("{}{path}", address.prefix);
        template.path = Template::new(&path, &Known::default(), Escape::Path);
        template.fix_lines();
        Ok(template)
    }

    fn bare(address: &ServiceAddress, http: HttpVersion) -> Result<Self, RequestError> {
        let scheme = if address.scheme == Scheme::Https { "https" } else { "http" };
        let origin = format!("{scheme}://{}", address.authority);
        let mut headers = HeaderMap::new();
        if http == HttpVersion::Http1 {
            let host =
                HeaderValue::from_str(&address.authority).map_err(|error| RequestError::new(&error))?;
            headers.insert(HOST, host);
        }
        Ok(Self {
            method: Method::GET,
            path: Template::default(),
            body: None,
            headers,
            varying: Vec::new(),
            origin,
            lines: String::new(),
        })
    }

    fn set_header(&mut self, name: &str, value: &str, known: &Known) -> Result<(), RequestError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| RequestError::new(&error))?;
        let template = Template::new(value, known, Escape::None);
        self.varying.retain(|(other, _)| *other != name);
        if template.is_fixed() {
            let value = HeaderValue::from_str(value).map_err(|error| RequestError::new(&error))?;
            self.headers.insert(name, value);
        } else {
            self.headers.remove(&name);
            self.varying.push((name, template));
        }
        Ok(())
    }

    /// Writes down what is the same in each request of HTTP/1.1.
    fn fix_lines(&mut self) {
        self.lines = String::from(" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            // A value was a text before it was a header.
            let value = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
            line(&mut self.lines, name.as_str(), value);
        }
        // Where a body is usual, its absence is told (RFC 9110 §8.6).
        let usual = [Method::POST, Method::PUT, Method::PATCH].contains(&self.method);
        if usual && self.body.is_none() && !self.headers.contains_key(CONTENT_LENGTH) {
            line(&mut self.lines, CONTENT_LENGTH.as_str(), "0");
        }
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The request line for some values, for messages.
    #[must_use]
    pub fn line(&self, values: &Values<'_>) -> String {
        let path = self.path.fill(values).unwrap_or_else(|_| "?".to_owned());
        format!("{} {}", self.method, hitmark_schema::redact::text(&path))
    }
}

impl<'c> Call<'c> {
    /// A request to the path of its template.
    #[must_use]
    pub const fn new(template: &'c RequestTemplate, values: &'c Values<'c>) -> Self {
        Self { template, values, redirected_to: None }
    }

    /// Writes the request as HTTP/1.1 has it (RFC 9112 §3) over what `text` held.
    ///
    /// # Errors
    ///
    /// If the path or a header with these values is none.
    pub fn write(&self, text: &mut String) -> Result<(), RequestError> {
        let Self { template, values, .. } = self;
        text.clear();
        text.push_str(template.method.as_str());
        text.push(' ');
        let path_from = text.len();
        match self.redirected_to {
            None => template.path.fill_into(values, text)?,
            Some(path) => text.push_str(path),
        }
        if !text.as_bytes()[path_from..].iter().all(|byte| is_plain(*byte)) {
            let path: PathAndQuery = text[path_from..].parse().map_err(|error| RequestError::new(&error))?;
            text.truncate(path_from);
            text.push_str(path.as_str());
        }
        text.push_str(&template.lines);
        for (name, varying) in &template.varying {
            write_line(text, name, |text| Ok(varying.fill_into(values, text)?))?;
        }
        if let Some(cookie) = values.cookie {
            write_line(text, &COOKIE, |text| {
                text.push_str(cookie);
                Ok(())
            })?;
        }
        let Some(body) = &template.body else {
            text.push_str("\r\n");
            return Ok(());
        };
        let body = body.fill(values)?;
        if !template.headers.contains_key(CONTENT_LENGTH) {
            line(text, CONTENT_LENGTH.as_str(), &body.len().to_string());
        }
        text.push_str("\r\n");
        text.push_str(&body);
        Ok(())
    }

    /// The request as a message of HTTP/2.
    ///
    /// # Errors
    ///
    /// If the path or a header with these values is none.
    pub fn message(&self) -> Result<Request<Full<Bytes>>, RequestError> {
        let Self { template, values, .. } = self;
        let path = match self.redirected_to {
            None => template.path.fill(values)?,
            Some(path) => path.to_owned(),
        };
        let body = match &template.body {
            Some(body) => Bytes::from(body.fill(values)?),
            None => Bytes::new(),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = template.method.clone();
        *request.uri_mut() =
            format!("{}{path}", template.origin).parse::<Uri>().map_err(|error| RequestError::new(&error))?;
        *request.headers_mut() = template.headers.clone();
        for (name, varying) in &template.varying {
            let value =
                HeaderValue::from_str(&varying.fill(values)?).map_err(|error| RequestError::new(&error))?;
            request.headers_mut().insert(name.clone(), value);
        }
        if let Some(cookie) = values.cookie {
            let value = HeaderValue::from_str(cookie).map_err(|error| RequestError::new(&error))?;
            request.headers_mut().insert(COOKIE, value);
        }
        Ok(request)
    }
}

/// Bytes of a path that need no second look (RFC 3986 §3.3, §3.4). A fragment, for instance, is not sent.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'/' | b'?' | b'&' | b'=' | b'%' | b'-' | b'.' | b'_' | b'~' | b',' | b':' | b'+')
}

fn line(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    text.push_str(": ");
    text.push_str(value);
    text.push_str("\r\n");
}

/// Writes a header whose value is only now known, and might be none (RFC 9110 §5.5).
fn write_line(
    text: &mut String,
    name: &HeaderName,
    value: impl FnOnce(&mut String) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    text.push_str(name.as_str());
    text.push_str(": ");
    let from = text.len();
    value(text)?;
    let is_value = text.bytes().skip(from).all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f));
    if !is_value {
        return Err(RequestError(format!("the value of the header {name} holds a control character")));
    }
    text.push_str("\r\n");
    Ok(())
}

impl From<crate::template::MissingValue> for RequestError {
    fn from(missing: crate::template::MissingValue) -> Self {
        Self(missing.to_string())
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
    fn query_parameters_are_appended_and_encoded() {
        let query = [("q".to_owned(), "a b&c".to_owned())];
        assert_eq!(with_query("/s", &query), "/s?q=a+b%26c");
        assert_eq!(with_query("/s?p=1", &query), "/s?p=1&q=a+b%26c");
    }
}
