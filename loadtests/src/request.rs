//! What is sent: a request with everything prepared but its values.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, CONTENT_TYPE, COOKIE, HOST, HeaderName, HeaderValue};
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
    origin: Option<String>,
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
            origin: (http == HttpVersion::Http2).then_some(origin),
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

    /// The request for some values.
    ///
    /// # Errors
    ///
    /// If the path or a header with these values is none.
    pub fn request(&self, values: &Values<'_>) -> Result<Request<Full<Bytes>>, RequestError> {
        self.request_to(self.path.fill(values)?, values)
    }

    /// The same request to another path of the same service, as a redirect asks for.
    ///
    /// # Errors
    ///
    /// If the path or a header with these values is none.
    pub fn request_to(
        &self,
        path: String,
        values: &Values<'_>,
    ) -> Result<Request<Full<Bytes>>, RequestError> {
        let uri = match &self.origin {
            None => Uri::from(
                PathAndQuery::from_maybe_shared(Bytes::from(path))
                    .map_err(|error| RequestError::new(&error))?,
            ),
            Some(origin) => format!("{origin}{path}").parse().map_err(|error| RequestError::new(&error))?,
        };
        let body = match &self.body {
            Some(body) => Bytes::from(body.fill(values)?),
            None => Bytes::new(),
        };
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers.clone();
        for (name, template) in &self.varying {
            let value =
                HeaderValue::from_str(&template.fill(values)?).map_err(|error| RequestError::new(&error))?;
            request.headers_mut().insert(name.clone(), value);
        }
        if let Some(cookie) = values.cookie {
            let value = HeaderValue::from_str(cookie).map_err(|error| RequestError::new(&error))?;
            request.headers_mut().insert(COOKIE, value);
        }
        Ok(request)
    }

    /// The request line for some values, for messages.
    #[must_use]
    pub fn line(&self, values: &Values<'_>) -> String {
        let path = self.path.fill(values).unwrap_or_else(|_| "?".to_owned());
        format!("{} {}", self.method, hitmark_schema::redact::text(&path))
    }
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
