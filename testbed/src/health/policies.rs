//! How the health system's answers are cached, and the tables that each is read from.

use super::keys::{Category, PROFILE_TTL};
use crate::policy::policies;

policies! {
    RECOMMENDATION = Category::Recommendations.ttl(), ["recommendations"];
    TRENDING = Category::Trending.ttl(), ["recommendations"];
    PREDICTION = Category::Predictions.ttl(),
        ["diagnoses", "patients", "health_records", "feedback", "recommendations"];
    ANALYTICS = Category::Analytics.ttl(), ["feedback", "patients"];
    SUMMARY = Category::Analytics.ttl(), ["feedback"];
    PROFILE = PROFILE_TTL, ["patients", "health_records"];
    STATUS = Category::Health.ttl(), ["patients", "health_records"];
}
