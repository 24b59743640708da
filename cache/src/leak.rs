//! A probe for leaks: a canary of its own is stored for every combination of tenant, language and
//! encoding, and each must get its own back and nobody else's.

use bytes::Bytes;

use crate::error::CacheError;
use crate::key::Key;
use crate::layer::CacheLayer;
use crate::policy::Policy;
use crate::scope::{Dimension, KeyScope};

/// The combinations to probe.
#[derive(Debug, Clone, Copy)]
pub struct LeakMatrix<'a> {
    /// Tenants.
    pub tenants: &'a [&'a str],
    /// Languages.
    pub locales: &'a [&'a str],
    /// Content encodings.
    pub encodings: &'a [&'a str],
}

/// A body that somebody got and that was not theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Who asked.
    pub asked_by: String,
    /// What they got.
    pub got: String,
}

/// Stores and reads a canary for every combination. `key_of` makes the key as the service does.
/// Returns every leak; an empty list is a pass.
///
/// # Errors
/// If the store could not be asked.
pub async fn probe_leaks(
    layer: &CacheLayer,
    matrix: LeakMatrix<'_>,
    policy: &Policy,
    key_of: impl Fn(&KeyScope) -> Key,
) -> Result<Vec<Leak>, CacheError> {
    let all = combinations(matrix);
    for (canary, scope) in &all {
        let own = Bytes::from(canary.clone());
        // Through the origin, as a request would: whoever finds another's entry does not call it.
        let origin = move || std::future::ready(Ok::<_, std::io::Error>(own));
        let _ = layer.fetch(&key_of(scope), policy, origin).await;
    }
    let mut leaks = Vec::new();
    for (canary, scope) in all {
        let got = layer.get(&key_of(&scope)).await?;
        let got = got.map_or_else(|| "nothing".to_owned(), |got| String::from_utf8_lossy(&got).into_owned());
        if got != canary {
            leaks.push(Leak { asked_by: canary, got });
        }
    }
    Ok(leaks)
}

fn combinations(matrix: LeakMatrix<'_>) -> Vec<(String, KeyScope)> {
    let mut all = Vec::new();
    for tenant in matrix.tenants {
        for locale in matrix.locales {
            for encoding in matrix.encodings {
                let scope = KeyScope::new()
                    .with(Dimension::Tenant, tenant)
                    .with(Dimension::Locale, locale)
                    .with(Dimension::Encoding, encoding);
                all.push((format!("canary of {tenant} in {locale} as {encoding}"), scope));
            }
        }
    }
    all
}
