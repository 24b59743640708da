//! Who asks: a session in a store of its own, named by a cookie.
//!
//! Whoever logs in is taken at his word, by his address alone: the testbed measures what a session
//! costs, and its users have no passwords to test.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::handlers::reports_of;
use super::queries;
use crate::answer::{Failure, failed, written};
use crate::app::{App, Endpoint};
use crate::parameters::Mistakes;
use crate::reply::{self, bad};
use crate::sessions::{SESSION_TTL, SessionError, SessionId};
use crate::variant::RequestVariant;

const COOKIE_NAME: &str = "hitmark-session";
const LOG_IN: &str = "log in first: POST /score/login with an email";

/// Who wants to log in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    email: String,
}

pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.post("/score/login", log_in))
        .merge(app.post("/score/logout", log_out))
        .merge(app.route("/score/me", me))
}

async fn log_in(State(endpoint): State<Endpoint>, body: Bytes) -> Result<Response, Response> {
    let login: Login = serde_json::from_slice(&body)
        .map_err(|error| bad(Mistakes::one("body", format!("is no login: {error}"))))?;
    let user = find(&endpoint, &login.email).await;
    let user = user.map_err(|failure| failed(&endpoint, Some(&failure), &failure))?;
    let user = user.ok_or_else(|| reply::who_asks("no user has this address"))?;
    let id = endpoint.app.sessions.begin(user).await.map_err(|error| unavailable(&endpoint, &error))?;
    let mut response = written(&endpoint, StatusCode::OK, &json!({ "user_id": user }));
    let seconds = SESSION_TTL.as_secs();
    let cookie = format!("{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}", id.reveal());
    // An id is of hexadecimal digits.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn find(endpoint: &Endpoint, email: &str) -> Result<Option<i64>, Failure> {
    Ok(queries::user_of(&mut endpoint.session().await?, email).await?)
}

async fn log_out(State(endpoint): State<Endpoint>, headers: HeaderMap) -> Result<Response, Response> {
    if let Some(id) = cookie(&headers) {
        endpoint.app.sessions.end(&id).await.map_err(|error| unavailable(&endpoint, &error))?;
    }
    Ok(written(&endpoint, StatusCode::OK, &json!({ "logged_in": false })))
}

/// The reports of who is logged in. The body is the user's own: nobody on the way may keep it.
async fn me(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let id = cookie(&headers).ok_or_else(|| reply::who_asks(LOG_IN))?;
    let user = endpoint.app.sessions.user(&id).await.map_err(|error| unavailable(&endpoint, &error))?;
    let user = user.ok_or_else(|| reply::who_asks(LOG_IN))?;
    let mut response = reports_of(&endpoint, variant, user).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// The session that a request names.
fn cookie(headers: &HeaderMap) -> Option<SessionId> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    SessionId::read(pairs.find(|(name, _)| *name == COOKIE_NAME)?.1)
}

/// Without its store nobody is logged in, and nobody is told that he is not.
fn unavailable(endpoint: &Endpoint, error: &SessionError) -> Response {
    tracing::error!(route = endpoint.stats.route(), %error, "sessions cannot be asked");
    reply::overloaded()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies_and_only_if_it_is_one() {
        let id = "0123456789abcdef0123456789abcdef";
        for (sent, found) in [
            (format!("theme=dark; hitmark-session={id}; x=1"), true),
            (format!("hitmark-session={id}"), true),
            ("hitmark-session=".to_owned(), false),
            ("hitmark-session=*".to_owned(), false),
            (format!("other-session={id}"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_str(&sent).expect("a header"));
            assert_eq!(
                cookie(&headers).map(|id| id.reveal().to_owned()),
                found.then(|| id.to_owned()),
                "{sent}"
            );
        }
    }
}
