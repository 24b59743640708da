//! Who may administer. A request without the token or with a wrong one is answered 401 (RFC 6750
//! §3.1); where no token is configured the endpoints are closed, 403.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::app::App;
use crate::reply;

const CLOSED: &str = "administration is closed: start the testbed with --admin-token";
const UNKNOWN: &str = "send the admin token as 'Authorization: Bearer TOKEN'";

/// Lets a request through that carries the token.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Some(token) = app.admin_token.as_deref() else {
        return reply::error(StatusCode::FORBIDDEN, CLOSED);
    };
    if bearer(request.headers()).is_some_and(|given| is_same(given, token.as_bytes())) {
        return next.run(request).await;
    }
    tracing::warn!(target: "audit", path = request.uri().path(), "refused: no token or a wrong one");
    let mut response = reply::error(StatusCode::UNAUTHORIZED, UNKNOWN);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The token of the header; the name of the scheme has no case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Compares in a time that does not tell where the first difference is.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        for (given, same) in
            [("secret", true), ("secre", false), ("secrets", false), ("", false), ("Secret", false)]
        {
            assert_eq!(is_same(given.as_bytes(), b"secret"), same, "{given}");
        }
    }

    #[test]
    fn a_token_is_read_from_its_scheme_only() {
        for (header, token) in [
            ("Bearer a", Some("a")),
            ("bearer  a ", Some("a")),
            ("Basic a", None),
            ("Bearer", None),
            ("é", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_bytes(header.as_bytes()).expect("a header"));
            assert_eq!(bearer(&headers), token.map(str::as_bytes), "{header}");
        }
    }
}
