//! Turns the tables of a budget file into rules, collecting every mistake.
//!
//! What the keys mean is documented in `budget`.

use hitmark_schema::Variant;
use toml::Spanned;
use toml::de::DeTable;

use super::budget::{Budget, Kind, Metric, OnInconclusive, Rule};
use super::rules::count;
use crate::fields::{Fields, duration_ns};
use crate::statistics::{ALPHA_VERDICT, Quantile};
use crate::verdict::TOLERANCE;

/// Rules of a budget, at most.
const RULES_MAX: usize = 1_000;

/// The budget that a document says, as far as it can be understood; what cannot is a mistake.
pub(super) fn checked(
    text: &str,
    path: &str,
    document: &Spanned<DeTable<'_>>,
    mistakes: &mut Vec<(usize, String)>,
) -> Budget {
    let mut root = Fields::new(text, document.get_ref(), 1, "the budget");
    let (mut alpha, mut on_inconclusive) = (ALPHA_VERDICT, OnInconclusive::Warn);
    if let Some((line, table)) = root.table("gate") {
        let mut gate = Fields::new(text, table, line, "[gate]");
        alpha = gate.number("alpha").unwrap_or(alpha);
        if !(alpha > 0.0 && alpha <= 0.2) {
            gate.mistake("alpha", format!("alpha is {alpha}; it lies between 0 and 0.2"));
        }
        on_inconclusive = gate.one_of("on_inconclusive", on_inconclusive_named).unwrap_or(on_inconclusive);
        gate.finish(mistakes);
    }
    let mut rules = Vec::new();
    for (line, table) in root.tables("rule", RULES_MAX) {
        let mut fields = Fields::new(text, table, line, "a rule");
        rules.extend(rule(&mut fields, line));
        fields.finish(mistakes);
    }
    root.finish(mistakes);
    if rules.is_empty() && mistakes.is_empty() {
        mistakes.push((1, "the budget has no [[rule]], so it would pass everything".to_owned()));
    }
    Budget { path: path.to_owned(), alpha, on_inconclusive, rules }
}

fn rule(fields: &mut Fields<'_>, line: usize) -> Option<Rule> {
    let experiment = fields.required_text("experiment");
    let kind = fields.required_text("kind");
    let outcome = fields.one_of("outcome", |text| {
        text.parse().map_err(|error: hitmark_schema::outcome::UnknownOutcome| error.to_string())
    });
    let (kind, metric, variant) = match kind.as_deref()? {
        "ratio" => (ratio(fields)?, latency(fields, &Quantile::COMPARED)?, None),
        "absolute" => (
            absolute(fields)?,
            latency(fields, &Quantile::ALL)?,
            Some(variant(fields).unwrap_or(Variant::Candidate)),
        ),
        "count" => {
            let metric = fields.one_of("metric", count::CountMetric::named);
            let kind = count_limits(fields)?;
            let metric = metric.or_else(|| fields.missing("metric"))?;
            if outcome.is_some() {
                fields.mistake("outcome", "a count has no outcome: it is over all requests".to_owned());
            }
            let side = variant(fields).or((!metric.is_of_both_sides()).then_some(Variant::Candidate));
            (kind, Metric::Count(metric), side)
        }
        "figure" => {
            if outcome.is_some() {
                fields.mistake("outcome", "a scenario's figure has no outcome".to_owned());
            }
            (figure(fields)?, Metric::Figure, Some(variant(fields).unwrap_or(Variant::Candidate)))
        }
        other => {
            fields.mistake(
                "kind",
                format!("'{other}' is no kind of rule; the kinds are ratio, absolute, count, figure"),
            );
            fields.ignore_the_rest();
            return None;
        }
    };
    Some(Rule { experiment: experiment?, kind, metric, outcome, variant, line })
}

fn ratio(fields: &mut Fields<'_>) -> Option<Kind> {
    let (max, speed_up) = (fields.positive("max"), fields.positive("min_speed_up"));
    let tolerance = fields.number("tolerance");
    if tolerance.is_some_and(|tolerance| !(0.0..1.0).contains(&tolerance)) {
        fields.mistake("tolerance", "tolerance is a share from 0 to 1, for example 0.02".to_owned());
    }
    match (max, speed_up) {
        (Some(max), None) => {
            let fail_above = max.min(1.0 + tolerance.unwrap_or(TOLERANCE));
            Some(Kind::Ratio { max, fail_above, limit: format!("at most {max}") })
        }
        (None, Some(speed_up)) if tolerance.is_none() => {
            let max = 1.0 / speed_up;
            Some(Kind::Ratio { max, fail_above: max, limit: format!("at least {speed_up}× faster") })
        }
        (None, Some(_)) => {
            fields.mistake("tolerance", "tolerance goes with max, not with min_speed_up".to_owned());
            None
        }
        (Some(_), Some(_)) => {
            fields.mistake("min_speed_up", "a ratio has either max or min_speed_up".to_owned());
            None
        }
        (None, None) => fields.missing("max (or min_speed_up)"),
    }
}

fn absolute(fields: &mut Fields<'_>) -> Option<Kind> {
    let max_ms = fields.positive("max_ms");
    let max = fields.one_of("max", duration_ns);
    match (max_ms.map(|ms| ms * 1e6), max) {
        (Some(max_ns), None) | (None, Some(max_ns)) => Some(Kind::Absolute { max_ns }),
        (Some(_), Some(_)) => {
            fields.mistake("max", "an absolute limit is either max or max_ms".to_owned());
            None
        }
        (None, None) => fields.missing("max (for example \"5ms\") or max_ms"),
    }
}

fn count_limits(fields: &mut Fields<'_>) -> Option<Kind> {
    let (min, max) = (fields.number("min"), fields.number("max"));
    let max_increase = fields.number("max_increase");
    if min.is_none() && max.is_none() && max_increase.is_none() {
        return fields.missing("min, max or max_increase");
    }
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        fields.mistake("min", format!("min {low} is above max {high}: nothing could pass"));
    }
    Some(Kind::Count { min, max, max_increase })
}

fn figure(fields: &mut Fields<'_>) -> Option<Kind> {
    let name = fields.required_text("figure");
    let (min, max) = (fields.number("min"), fields.number("max"));
    if min.is_none() && max.is_none() {
        return fields.missing("min or max");
    }
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        fields.mistake("min", format!("min {low} is above max {high}: nothing could pass"));
    }
    Some(Kind::Figure { name: name?, min, max })
}

fn latency(fields: &mut Fields<'_>, allowed: &[Quantile]) -> Option<Metric> {
    let named = |text: &str| {
        let names: Vec<&str> = allowed.iter().map(|quantile| quantile.as_str()).collect();
        let known = allowed.iter().find(|quantile| quantile.as_str() == text);
        known.copied().ok_or_else(|| format!("'{text}' is not one of {}", names.join(", ")))
    };
    let had = fields.has("metric");
    let metric = fields.one_of("metric", named);
    if had { metric.map(Metric::Latency) } else { fields.missing("metric") }
}

fn variant(fields: &mut Fields<'_>) -> Option<Variant> {
    fields.one_of("variant", |text| {
        text.parse().map_err(|error: hitmark_schema::variant::UnknownVariant| error.to_string())
    })
}

fn on_inconclusive_named(text: &str) -> Result<OnInconclusive, String> {
    match text {
        "pass" => Ok(OnInconclusive::Pass),
        "warn" => Ok(OnInconclusive::Warn),
        "fail" => Ok(OnInconclusive::Fail),
        other => Err(format!("'{other}' is not one of pass, warn, fail")),
    }
}
