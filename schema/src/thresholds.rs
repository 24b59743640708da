//! The one table of what is excellent, good or poor.
//!
//! Alert rules, dashboards, the insight texts of the service and the documents read it, so that
//! one figure cannot be called "good" on a page and "excellent" in an alert. The figures are those
//! that the five systems state (hit rate above 70 % excellent, 50 to 70 % good; cache response
//! below 10 ms excellent, 10 to 50 ms good); where two of their texts disagree, the table that they
//! label as the rule wins over their example replies.

/// Which direction is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better, as with a hit ratio.
    Higher,
    /// Less is better, as with a latency.
    Lower,
}

/// The grade that a measured value gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// As it should be.
    Excellent,
    /// Acceptable.
    Good,
    /// Needs attention.
    Poor,
}

impl Grade {
    /// The word in texts and labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Poor => "poor",
        }
    }
}

/// One row: the borders between the grades of one figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The name of the figure, unit last.
    pub figure: &'static str,
    /// What it measures, as a sentence.
    pub meaning: &'static str,
    /// Which direction is better.
    pub better: Better,
    /// Strictly better than this is excellent.
    pub excellent: f64,
    /// At least as good as this is good; anything else is poor.
    pub good: f64,
}

/// Share of lookups that the cache answered.
pub const HIT_RATIO: Threshold = Threshold {
    figure: "hit_ratio",
    meaning: "Share of lookups that the cache answered.",
    better: Better::Higher,
    excellent: 0.70,
    good: 0.50,
};

/// Time of a cache lookup.
pub const CACHE_RESPONSE_SECONDS: Threshold = Threshold {
    figure: "cache_response_seconds",
    meaning: "Time of a cache lookup.",
    better: Better::Lower,
    excellent: 0.010,
    good: 0.050,
};

/// Share of the memory limit in use.
pub const MEMORY_USED_RATIO: Threshold = Threshold {
    figure: "memory_used_ratio",
    meaning: "Share of the cache server's memory limit in use.",
    better: Better::Lower,
    excellent: 0.75,
    good: 0.90,
};

/// Every row of the table.
pub const THRESHOLDS: &[Threshold] = &[HIT_RATIO, CACHE_RESPONSE_SECONDS, MEMORY_USED_RATIO];

impl Threshold {
    /// Grades a measured value.
    #[must_use]
    pub fn grade(&self, value: f64) -> Grade {
        let (excellent, good) = match self.better {
            Better::Higher => (value > self.excellent, value >= self.good),
            Better::Lower => (value < self.excellent, value <= self.good),
        };
        if excellent {
            Grade::Excellent
        } else if good {
            Grade::Good
        } else {
            Grade::Poor
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_fall_where_the_table_says() {
        for (threshold, value, grade) in [
            (HIT_RATIO, 0.73, Grade::Excellent),
            (HIT_RATIO, 0.70, Grade::Good),
            (HIT_RATIO, 0.50, Grade::Good),
            (HIT_RATIO, 0.49, Grade::Poor),
            (CACHE_RESPONSE_SECONDS, 0.0125, Grade::Good),
            (CACHE_RESPONSE_SECONDS, 0.050, Grade::Good),
            (CACHE_RESPONSE_SECONDS, 0.0501, Grade::Poor),
            (MEMORY_USED_RATIO, f64::NAN, Grade::Poor),
        ] {
            assert_eq!(threshold.grade(value), grade, "{} {value}", threshold.figure);
        }
    }
}
