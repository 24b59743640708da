//! Expressions made of registered metrics.
//!
//! A function takes a [`Metric`], not a name, so that an expression cannot be spelled wrong and a
//! counter cannot be shown without its rate. Ratios are ratios of rates, never of lifetime totals,
//! and a denominator of zero gives no value instead of one that looks measured.

use hitmark_schema::metrics::{Kind, Metric};

/// What a dashboard's variables select.
const SELECTED: &str = "job=~\"$job\",instance=~\"$instance\"";

/// Where an expression is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On a dashboard: the selected jobs and instances, over Grafana's interval.
    Dashboard,
    /// In a rule: everything, over five minutes.
    Rule,
}

impl Scope {
    /// The series of a metric, with further label matchers such as `op="get"`.
    #[must_use]
    pub fn series(self, metric: &Metric, matchers: &str) -> String {
        let both = match (self, matchers) {
            (Self::Dashboard, "") => SELECTED.to_owned(),
            (Self::Dashboard, more) => format!("{SELECTED},{more}"),
            (Self::Rule, more) => more.to_owned(),
        };
        if both.is_empty() { metric.name.to_owned() } else { format!("{}{{{both}}}", metric.name) }
    }

    /// Growth of a counter for each second.
    #[must_use]
    pub fn rate(self, metric: &Metric, matchers: &str) -> String {
        debug_assert!(metric.kind == Kind::Counter, "{} has no rate", metric.name);
        format!("rate({}[{}])", self.series(metric, matchers), self.range())
    }
}

impl Scope {
    /// Growth of a histogram's buckets for each second.
    #[must_use]
    pub fn buckets(self, metric: &Metric, matchers: &str) -> String {
        debug_assert!(metric.kind == Kind::Histogram, "{} has no buckets", metric.name);
        let range = self.range();
        let series =
            self.series(metric, matchers).replacen(metric.name, &format!("{}_bucket", metric.name), 1);
        format!("rate({series}[{range}])")
    }

    const fn range(self) -> &'static str {
        match self {
            Self::Dashboard => "$__rate_interval",
            Self::Rule => "5m",
        }
    }
}

/// Adds up by labels; without labels, all.
#[must_use]
pub fn sum(expression: &str, by: &[&str]) -> String {
    if by.is_empty() {
        format!("sum({expression})")
    } else {
        format!("sum by ({}) ({expression})", by.join(", "))
    }
}

/// The largest by labels; without labels, of all.
#[must_use]
pub fn max(expression: &str, by: &[&str]) -> String {
    sum(expression, by).replacen("sum", "max", 1)
}

/// The smallest by labels; without labels, of all.
#[must_use]
pub fn min(expression: &str, by: &[&str]) -> String {
    sum(expression, by).replacen("sum", "min", 1)
}

/// A quantile of a histogram's rate, by further labels.
#[must_use]
pub fn quantile(quantile: f64, buckets_rate: &str, by: &[&str]) -> String {
    let by: Vec<&str> = std::iter::once("le").chain(by.iter().copied()).collect();
    format!("histogram_quantile({quantile}, {})", sum(buckets_rate, &by))
}

/// A part of a whole; no value where the whole is zero.
#[must_use]
pub fn ratio(part: &str, whole: &str) -> String {
    format!("{part} / ({whole} > 0)")
}

#[cfg(test)]
mod tests {
    use hitmark_schema::metrics::{CACHE_OPERATIONS, REDIS_HITS};

    use super::*;

    #[test]
    fn a_dashboard_selects_by_its_variables_and_a_rule_takes_all() {
        assert_eq!(Scope::Rule.rate(&REDIS_HITS, ""), "rate(redis_keyspace_hits_total[5m])");
        assert_eq!(
            Scope::Dashboard.rate(&CACHE_OPERATIONS, "op=\"get\""),
            "rate(cache_operations_total{job=~\"$job\",instance=~\"$instance\",op=\"get\"}[$__rate_interval])"
        );
    }
}
