//! What a request may do: everything with the admin token, or what a signed token (JWT, RFC 7519) says.
//!
//! Signed tokens are of HMAC-SHA-256 and must say when they end; `permissions` lists what their bearer
//! may do. Whoever issues them is not the testbed's business.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::config::TestbedConfig;

/// The shortest secret that is taken.
const SECRET_BYTES_MIN: usize = 32;

/// What an administrative request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// To look: figures, keys, health.
    Read,
    /// To remove what is cached.
    Invalidate,
}

impl Permission {
    /// The word in a token.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ_ANALYTICS",
            Self::Invalidate => "MANAGE_CACHE",
        }
    }
}

/// What came of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permit {
    /// This bearer may.
    Granted(String),
    /// This bearer may not.
    Denied(String),
    /// Nobody knows the bearer: no token, a wrong one, or one that has ended.
    Unknown,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    permissions: Vec<String>,
}

/// What tokens are held against.
pub(crate) struct Permits {
    token: Option<String>,
    key: Option<DecodingKey>,
}

impl Permits {
    pub(crate) fn new(token: Option<String>, secret: Option<&str>) -> Self {
        Self { token, key: secret.map(|secret| DecodingKey::from_secret(secret.as_bytes())) }
    }

    /// Whether anybody can administer at all.
    pub(crate) const fn is_open(&self) -> bool {
        self.token.is_some() || self.key.is_some()
    }

    /// What the bearer of a token may do.
    pub(crate) fn judge(&self, given: &[u8], needed: Permission) -> Permit {
        if self.token.as_deref().is_some_and(|token| is_same(given, token.as_bytes())) {
            return Permit::Granted("admin".to_owned());
        }
        let Some(claims) = self.claims(given) else { return Permit::Unknown };
        match claims.permissions.iter().any(|one| one == needed.as_str()) {
            true => Permit::Granted(claims.sub),
            false => Permit::Denied(claims.sub),
        }
    }

    fn claims(&self, given: &[u8]) -> Option<Claims> {
        let key = self.key.as_ref()?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "sub"]);
        validation.leeway = 0;
        decode::<Claims>(given, key, &validation).ok().map(|token| token.claims)
    }
}

/// What is wrong with the secret of a configuration, if anything: a key of HMAC-SHA-256 has at least 256
/// bits (RFC 7518 §3.2).
pub(crate) fn mistake(config: &TestbedConfig) -> Option<String> {
    config.jwt_secret.as_deref().filter(|secret| secret.len() < SECRET_BYTES_MIN).map(|_| {
        format!(
            "the JWT secret is shorter than {SECRET_BYTES_MIN} bytes: make one, such as by openssl rand -hex 32"
        )
    })
}

/// Compares in a time that does not tell where the first difference is.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::{Value, json};

    use super::*;

    fn signed(secret: &str, algorithm: Algorithm, claims: &Value) -> Vec<u8> {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(algorithm), claims, &key).expect("signed").into_bytes()
    }

    #[test]
    fn a_signed_token_grants_what_it_says_until_it_ends() {
        let permits = Permits::new(None, Some("s3cret"));
        let claims = |exp: u64| json!({ "sub": "ann", "exp": exp, "permissions": ["READ_ANALYTICS"] });
        let later = 4_102_444_800;
        let good = signed("s3cret", Algorithm::HS256, &claims(later));
        assert_eq!(permits.judge(&good, Permission::Read), Permit::Granted("ann".to_owned()));
        assert_eq!(permits.judge(&good, Permission::Invalidate), Permit::Denied("ann".to_owned()));
        let mut forged = good.clone();
        *forged.last_mut().expect("a signature") ^= 1;
        for bad in [
            forged,
            signed("s3cret", Algorithm::HS256, &claims(1)),
            signed("another", Algorithm::HS256, &claims(later)),
            signed("s3cret", Algorithm::HS512, &claims(later)),
            signed("s3cret", Algorithm::HS256, &json!({ "sub": "ann", "permissions": ["READ_ANALYTICS"] })),
            b"eyJhbGciOiJub25lIn0.e30.".to_vec(),
            Vec::new(),
        ] {
            assert_eq!(permits.judge(&bad, Permission::Read), Permit::Unknown);
        }
    }

    #[test]
    fn only_the_whole_admin_token_grants_all() {
        let permits = Permits::new(Some("secret".to_owned()), None);
        for (given, permit) in [
            ("secret", Permit::Granted("admin".to_owned())),
            ("secre", Permit::Unknown),
            ("secrets", Permit::Unknown),
            ("", Permit::Unknown),
            ("Secret", Permit::Unknown),
        ] {
            assert_eq!(permits.judge(given.as_bytes(), Permission::Invalidate), permit, "{given}");
        }
        assert!(!Permits::new(None, None).is_open());
    }
}
