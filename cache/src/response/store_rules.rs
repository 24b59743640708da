//! Whether a response may be stored in a shared cache (RFC 9111 §3), and why not.

use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, CONTENT_RANGE, SET_COOKIE, VARY};
use http::{HeaderMap, Method, StatusCode};

use super::directives::{RequestDirectives, ResponseDirectives};
use super::freshness::Lifetime;
use super::targeted::Effective;
use super::{lists, validation};

/// What is done with responses that set a cookie. The RFC leaves it to the cache; a cookie that
/// identifies a user must not reach a second one, so an origin has to mean it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetCookiePolicy {
    /// Stored if the origin gave a lifetime or said `public`; never on a guess.
    #[default]
    WhenExplicit,
    /// Never stored.
    Never,
}

/// Why a response was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotStored {
    /// Only answers to `GET` are.
    Method,
    /// The request or the response said `no-store`.
    NoStore,
    /// It is for one user.
    Private,
    /// The request carried credentials and the response does not allow it (§3.5).
    Authorization,
    /// It sets a cookie, and the policy forbids it.
    SetCookie,
    /// Part of a representation, or an answer to a condition.
    Partial,
    /// `must-understand` with a status that this cache does not know.
    Status,
    /// `Vary: *`: it could never be matched.
    VaryAll,
    /// Neither a lifetime nor a validator: it could never be used again.
    NeverUsable,
    /// The body is too large, came too slowly, broke off or has trailers.
    Body,
    /// The cache refused, or the URI was invalidated meanwhile.
    Overtaken,
}

impl NotStored {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Method,
        Self::NoStore,
        Self::Private,
        Self::Authorization,
        Self::SetCookie,
        Self::Partial,
        Self::Status,
        Self::VaryAll,
        Self::NeverUsable,
        Self::Body,
        Self::Overtaken,
    ];

    /// One word, for `Cache-Status` and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::NoStore => "no-store",
            Self::Private => "private",
            Self::Authorization => "authorization",
            Self::SetCookie => "set-cookie",
            Self::Partial => "partial",
            Self::Status => "status",
            Self::VaryAll => "vary-all",
            Self::NeverUsable => "never-usable",
            Self::Body => "body",
            Self::Overtaken => "overtaken",
        }
    }
}

/// Decides about one exchange; `received` is when the response arrived.
///
/// # Errors
/// The first reason that forbids to store it.
pub fn may_store(
    method: &Method,
    request: &HeaderMap,
    status: StatusCode,
    response: &HeaderMap,
    received: SystemTime,
    cookies: SetCookiePolicy,
) -> Result<(), NotStored> {
    let effective = Effective::of(response);
    let says = &effective.directives;
    let lifetime = Lifetime::of(&effective, status, response, received);
    let overrides_no_store = says.must_understand && is_understood(status);
    let is_explicit = says.public || matches!(lifetime, Lifetime::Explicit(_));
    let lets_authorized = says.public || says.must_revalidate || says.s_maxage.is_some();
    let refusals = [
        (*method != Method::GET, NotStored::Method),
        (RequestDirectives::of(request).no_store, NotStored::NoStore),
        (says.no_store && !overrides_no_store, NotStored::NoStore),
        (says.private, NotStored::Private),
        (
            status == 206 || status == 304 || response.contains_key(CONTENT_RANGE) && status == 416,
            NotStored::Partial,
        ),
        (status.is_informational() || says.must_understand && !is_understood(status), NotStored::Status),
        (request.contains_key(AUTHORIZATION) && !lets_authorized, NotStored::Authorization),
        (
            response.contains_key(SET_COOKIE) && !(is_explicit && cookies == SetCookiePolicy::WhenExplicit),
            NotStored::SetCookie,
        ),
        (varies_by_all(response), NotStored::VaryAll),
        (!is_usable(says, lifetime, response), NotStored::NeverUsable),
    ];
    refusals.into_iter().find(|(refused, _)| *refused).map_or(Ok(()), |(_, reason)| Err(reason))
}

/// Something must make a later use possible: a lifetime, a window after it, or a validator.
fn is_usable(says: &ResponseDirectives, lifetime: Lifetime, response: &HeaderMap) -> bool {
    let window = says.stale_while_revalidate.max(says.stale_if_error).unwrap_or_default();
    let has_time = !says.no_cache && lifetime.duration().max(window) > Duration::ZERO;
    has_time || validation::has_validator(response)
}

fn varies_by_all(response: &HeaderMap) -> bool {
    lists::joined(response, VARY).is_some_and(|vary| lists::split(&vary, b',').contains(&"*"))
}

/// The final status codes whose caching this cache knows (RFC 9110 §15, RFC 6585, RFC 7725).
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 451 | 500..=505 | 511
    )
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().expect("a header name");
            headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        }
        headers
    }

    type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a [(&'a str, &'a str)], Result<(), NotStored>);

    #[test]
    fn what_a_shared_cache_may_store_is_decided_by_both_sides() {
        const LIVES: (&str, &str) = ("cache-control", "max-age=60");
        let login = ("authorization", "Basic eA==");
        let cookie = ("set-cookie", "id=1");
        let modified = ("last-modified", "Wed, 05 Aug 2015 02:00:00 GMT");
        let cases: &[Case<'_>] = &[
            (&[], 200, &[LIVES], Ok(())),
            (&[], 299, &[LIVES], Ok(())),
            (&[], 599, &[LIVES], Ok(())),
            (&[], 404, &[modified], Ok(())),
            (&[], 403, &[modified, ("etag", "\"a\"")], Ok(())),
            (&[], 200, &[], Err(NotStored::NeverUsable)),
            (&[], 200, &[("cache-control", "max-age=0")], Err(NotStored::NeverUsable)),
            (&[], 200, &[("cache-control", "max-age=0, stale-if-error=9")], Ok(())),
            (&[], 200, &[("cache-control", "no-cache"), ("etag", "\"a\"")], Ok(())),
            (&[], 200, &[("cache-control", "no-cache, max-age=5")], Err(NotStored::NeverUsable)),
            (&[("cache-control", "No-Store")], 200, &[LIVES], Err(NotStored::NoStore)),
            (&[], 200, &[("cache-control", "max-age=60, NO-STORE")], Err(NotStored::NoStore)),
            (&[], 200, &[("cache-control", "max-age=60, no-store, must-understand")], Ok(())),
            (
                &[],
                299,
                &[("cache-control", "max-age=60, no-store, must-understand")],
                Err(NotStored::NoStore),
            ),
            (&[], 299, &[("cache-control", "max-age=60, must-understand")], Err(NotStored::Status)),
            (&[], 200, &[("cache-control", "max-age=60, private")], Err(NotStored::Private)),
            (&[], 200, &[LIVES, ("cdn-cache-control", "private")], Err(NotStored::Private)),
            (&[], 200, &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=9")], Ok(())),
            (&[], 206, &[LIVES], Err(NotStored::Partial)),
            (&[], 304, &[LIVES], Err(NotStored::Partial)),
            (&[login], 200, &[LIVES], Err(NotStored::Authorization)),
            (&[login], 200, &[("cache-control", "s-maxage=60")], Ok(())),
            (&[login], 200, &[("cache-control", "max-age=60, must-revalidate")], Ok(())),
            (&[login], 200, &[("cache-control", "max-age=60, public")], Ok(())),
            (&[], 200, &[LIVES, cookie], Ok(())),
            (&[], 200, &[modified, cookie], Err(NotStored::SetCookie)),
            (&[], 200, &[LIVES, ("vary", "a, *")], Err(NotStored::VaryAll)),
        ];
        for (request, status, response, expected) in cases {
            let status = StatusCode::from_u16(*status).expect("a status");
            let (request, response) = (headers(request), headers(response));
            let now = SystemTime::now();
            let decided =
                may_store(&Method::GET, &request, status, &response, now, SetCookiePolicy::default());
            assert_eq!(decided, *expected, "{request:?} {status} {response:?}");
        }
    }

    #[test]
    fn a_policy_can_forbid_cookies_and_other_methods_are_never_stored() {
        let (none, lives) =
            (HeaderMap::new(), headers(&[("cache-control", "max-age=60"), ("set-cookie", "a=b")]));
        let now = SystemTime::now();
        let decide = |method, policy| may_store(&method, &none, StatusCode::OK, &lives, now, policy);
        assert_eq!(decide(Method::GET, SetCookiePolicy::Never), Err(NotStored::SetCookie));
        for method in [Method::POST, Method::HEAD, Method::PUT] {
            assert_eq!(decide(method, SetCookiePolicy::default()), Err(NotStored::Method));
        }
    }
}
