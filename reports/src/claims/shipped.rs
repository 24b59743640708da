//! The claims of the five systems' own documents, which `hitmark claims` holds by default.

use std::path::Path;

use super::file::{ClaimErrors, Claims};

/// Name and text of each file in `reports/claims`.
pub const SHIPPED: [(&str, &str); 5] = [
    ("marketplace.toml", include_str!("../../claims/marketplace.toml")),
    ("score_reports.toml", include_str!("../../claims/score_reports.toml")),
    ("analytics.toml", include_str!("../../claims/analytics.toml")),
    ("health.toml", include_str!("../../claims/health.toml")),
    ("incidents.toml", include_str!("../../claims/incidents.toml")),
];

/// The shipped claims, read.
///
/// # Errors
///
/// None that a test would not have found.
pub fn shipped() -> Result<Vec<Claims>, ClaimErrors> {
    SHIPPED.iter().map(|(name, text)| Claims::parse(text, Path::new(name))).collect()
}
