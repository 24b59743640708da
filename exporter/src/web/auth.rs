//! Basic authentication (RFC 7617) against bcrypt hashes.
//!
//! A hash is slow on purpose, so a header that was accepted once is remembered, a few of them, and
//! at most two hashes are computed at a time: wrong passwords cannot take the processor from scrapes.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::reload::Current;

/// Headers that are remembered.
const ACCEPTED_MAX: usize = 64;
/// Hashes that are computed at a time.
const HASHES_MAX: usize = 2;
/// The longest header that is looked at.
const HEADER_MAX: usize = 1_024;
/// What an unknown user's password is compared with, so that the time does not tell who exists.
const NOBODY: &str = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";

/// Users and their hashes.
pub(crate) struct Passwords {
    users: Vec<(String, String)>,
    accepted: Mutex<Vec<Vec<u8>>>,
    hashes: Semaphore,
}

impl Passwords {
    pub(super) fn new(users: Vec<(String, String)>) -> Self {
        Self { users, accepted: Mutex::default(), hashes: Semaphore::new(HASHES_MAX) }
    }

    /// Whether everybody may ask.
    pub(crate) fn are_none(&self) -> bool {
        self.users.is_empty()
    }

    async fn accept(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()) else {
            return false;
        };
        if given.len() > HEADER_MAX {
            return false;
        }
        if self.lock().iter().any(|known| bool::from(known.as_slice().ct_eq(given))) {
            return true;
        }
        let Some((user, password)) = credentials(given) else { return false };
        let known = self.users.iter().find(|(name, _)| *name == user).map(|(_, hash)| hash.clone());
        let Ok(_permit) = self.hashes.acquire().await else { return false };
        let is_known = known.is_some();
        let hash = known.unwrap_or_else(|| NOBODY.to_owned());
        let checked = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash)).await;
        let accepted = is_known && matches!(checked, Ok(Ok(true)));
        if accepted {
            let mut remembered = self.lock();
            if remembered.len() >= ACCEPTED_MAX {
                remembered.remove(0);
            }
            remembered.push(given.to_vec());
        }
        accepted
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passwords").field("users", &self.users.len()).finish_non_exhaustive()
    }
}

fn credentials(given: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(given).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Lets a request through whose password is right, or every one if nobody is named.
pub(crate) async fn require(State(current): State<Arc<Current>>, request: Request, next: Next) -> Response {
    let web = current.web();
    if web.passwords.are_none() || web.passwords.accept(request.headers()).await {
        return next.run(request).await;
    }
    let asks = [(header::WWW_AUTHENTICATE, "Basic realm=\"hitmark\", charset=\"UTF-8\"")];
    (StatusCode::UNAUTHORIZED, asks, "a user and a password are needed\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_basic_with_a_user_and_a_password_that_may_hold_colons() {
        for (header, wanted) in [
            ("Basic bWU6YTpi", Some(("me", "a:b"))),
            ("basic bWU6", Some(("me", ""))),
            ("Bearer bWU6YTpi", None),
            ("Basic bWU", None),
            ("Basic ###", None),
            ("Basic", None),
        ] {
            let read = credentials(header.as_bytes());
            assert_eq!(read, wanted.map(|(user, word)| (user.to_owned(), word.to_owned())), "{header}");
        }
    }
}
