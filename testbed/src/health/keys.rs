//! The health system's keys and lifetimes, and what each write clears.
//!
//! The seed states two lifetimes for recommendations: 24 hours in its strategy, 1 hour in its list
//! of categories. The strategy is taken, since every write to a recommendation clears its keys, so
//! that age alone makes nothing wrong. The families stand behind `health:`, because the analytics
//! system beside it has a family `analytics` too. What belongs to one user is under `user:{id}`.

use std::time::Duration;

use hitmark_cache::{Key, Pattern};

use super::locale::Locale;

const HOUR: Duration = Duration::from_secs(3_600);

/// A kind of values that live equally long and are cleared together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Recommendations,
    Analytics,
    Predictions,
    Trending,
    /// Of the whole service: a few seconds.
    Health,
}

impl Category {
    /// The part of the key. Invalidation takes it from here too, so that it cannot miss its keys as
    /// the seed's `rec:*` does.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Recommendations => "recommendations",
            Self::Analytics => "analytics",
            Self::Predictions => "predictions",
            Self::Trending => "trending",
            Self::Health => "status",
        }
    }

    pub(super) const fn ttl(self) -> Duration {
        match self {
            Self::Recommendations | Self::Predictions => Duration::from_secs(24 * 3_600),
            Self::Analytics => Duration::from_secs(30 * 60),
            Self::Trending => HOUR,
            Self::Health => Duration::from_secs(5),
        }
    }

    pub(super) fn key(self) -> Key {
        Key::new("health").id(self.prefix())
    }

    /// Every key of the category.
    pub(super) fn all(self) -> Pattern {
        Pattern::under(&self.key())
    }
}

/// Profiles.
pub(super) const PROFILE_TTL: Duration = Duration::from_secs(2 * 3_600);

/// `health:recommendations:{id}:{locale}`
pub(super) fn recommendation(id: i64, locale: Locale) -> Key {
    Category::Recommendations.key().id(id).id(locale.as_str())
}

/// `health:trending:{locale}`
pub(super) fn trending(locale: Locale) -> Key {
    Category::Trending.key().id(locale.as_str())
}

/// `health:predictions:{diagnosis}`
pub(super) fn prediction(diagnosis: i64) -> Key {
    Category::Predictions.key().id(diagnosis)
}

/// `health:analytics:recommendation:{id}`
pub(super) fn analytics(recommendation: i64) -> Key {
    Category::Analytics.key().id("recommendation").id(recommendation)
}

/// `health:analytics:feedback:{recommendation}`: a summary of feedback is cleared by feedback.
pub(super) fn feedback(recommendation: i64) -> Key {
    Category::Analytics.key().id("feedback").id(recommendation)
}

/// `health:status:database`
pub(super) fn health() -> Key {
    Category::Health.key().id("database")
}

/// `user:{id}:profile:{locale}`
pub(super) fn profile(user: i64, locale: Locale) -> Key {
    Key::new("user").id(user).id("profile").id(locale.as_str())
}

/// Everything of one user.
pub(super) fn of_user(user: i64) -> Pattern {
    Pattern::under(&Key::new("user").id(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_names_all_its_keys_and_the_seeds_pattern_names_none() {
        let all = Category::Recommendations.all();
        let key = recommendation(7, Locale::Persian);
        assert_eq!(key.as_str(), "health:recommendations:7:fa");
        assert!(all.matches(&key));
        for seed in ["rec:*", "health:rec:*"] {
            assert!(!seed.parse::<Pattern>().expect(seed).matches(&key), "{seed}");
        }
        assert!(!Category::Analytics.all().matches(&key));
    }

    #[test]
    fn one_users_keys_are_not_anothers() {
        assert!(of_user(1).matches(&profile(1, Locale::English)));
        assert!(!of_user(1).matches(&profile(11, Locale::English)));
        assert_ne!(profile(1, Locale::English), profile(1, Locale::Arabic));
    }
}
