//! Who may administer. A request without a token or with a wrong one is answered 401, one whose token
//! does not hold the permission 403 (RFC 6750 §3.1); where no token is configured all are closed, 403.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::permits::{Permission, Permit};
use crate::app::App;
use crate::reply;

const CLOSED: &str = "administration is closed: start the testbed with --admin-token or --jwt-secret";
const UNKNOWN: &str = "send the admin token, or a signed one, as 'Authorization: Bearer TOKEN'";

/// Lets a request through whose bearer may do what it asks for.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if !app.permits.is_open() {
        return reply::error(StatusCode::FORBIDDEN, CLOSED);
    }
    let needed = if request.method() == Method::GET { Permission::Read } else { Permission::Invalidate };
    let path = request.uri().path();
    match bearer(request.headers()).map_or(Permit::Unknown, |given| app.permits.judge(given, needed)) {
        Permit::Granted(who) => {
            if needed == Permission::Invalidate {
                tracing::info!(target: "audit", path, who, "administration");
            }
            next.run(request).await
        }
        Permit::Denied(who) => {
            tracing::warn!(target: "audit", path, who, needed = needed.as_str(), "refused: no permission");
            let message = format!("your token does not hold the permission {}", needed.as_str());
            reply::error(StatusCode::FORBIDDEN, &message)
        }
        Permit::Unknown => {
            tracing::warn!(target: "audit", path, "refused: no token or a wrong one");
            let mut response = reply::error(StatusCode::UNAUTHORIZED, UNKNOWN);
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            response
        }
    }
}

/// The token of the header; the name of the scheme has no case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

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
