//! The kinds of rules. Each turns a rule and a run into a finding; deciding on it is here.

pub(super) mod absolute;
pub(super) mod count;
pub(super) mod figure;
pub(super) mod ratio;

use hitmark_schema::Run;

use super::budget::{Kind, Rule};
use super::{Judged, RuleVerdict};
use crate::comparison::{ExperimentComparison, RunComparison};
use crate::statistics::{PAIRS_MIN, Shift};
use crate::verdict::Verdict;

/// What rules are judged on.
pub(super) struct Case<'a> {
    pub(super) run: &'a Run,
    pub(super) comparison: &'a RunComparison,
    pub(super) baseline: Option<&'a Run>,
    pub(super) before: Option<&'a RunComparison>,
}

/// What was found for a rule.
pub(super) enum Finding {
    /// Nothing to judge.
    NoData(String),
    /// A figure that is decided already, with the interval that it came with.
    Exact { value: f64, interval: Option<(f64, f64)>, verdict: RuleVerdict, why: String },
    /// A figure with noise.
    Noisy(Box<Noisy>),
}

/// A figure with noise, on a logarithmic scale.
pub(super) struct Noisy {
    /// The figure that is shown.
    pub(super) value: f64,
    /// Its logarithm's distribution: bounds and p-values.
    pub(super) shift: Shift,
    /// Observations behind it.
    pub(super) observations: usize,
    pub(super) detectable: Option<f64>,
    /// The largest accepted figure.
    pub(super) max: f64,
    /// The figure that is proven to be exceeded when the rule fails.
    pub(super) fail_above: f64,
    /// How a figure is shown.
    pub(super) show: fn(f64) -> String,
    /// What else must be said, such as that a comparison is not paired.
    pub(super) remark: Option<String>,
}

impl Case<'_> {
    pub(super) fn find(&self, rule: &Rule) -> Finding {
        if matches!(rule.kind, Kind::Figure { .. }) {
            return figure::find(self, rule).unwrap_or_else(Finding::NoData);
        }
        let experiment = match self.experiment(self.comparison, &rule.experiment) {
            Ok(experiment) => experiment,
            Err(reason) => return Finding::NoData(reason),
        };
        let timed = !matches!(rule.kind, Kind::Count { .. });
        if timed && experiment.verdict == Some(Verdict::Invalid) {
            return Finding::NoData(format!("the timing is void: {}", experiment.why));
        }
        let found = match &rule.kind {
            Kind::Ratio { max, fail_above, .. } => ratio::find(self, experiment, rule, *max, *fail_above),
            Kind::Absolute { max_ns } => absolute::find(self, experiment, rule, *max_ns),
            Kind::Count { .. } => count::find(self, experiment, rule),
            Kind::Figure { .. } => figure::find(self, rule),
        };
        found.unwrap_or_else(Finding::NoData)
    }

    /// The experiment of that name.
    pub(super) fn experiment<'a>(
        &self,
        run: &'a RunComparison,
        name: &str,
    ) -> Result<&'a ExperimentComparison, String> {
        run.experiments.iter().find(|experiment| experiment.experiment.name == name).ok_or_else(|| {
            let names: Vec<&str> =
                run.experiments.iter().map(|other| other.experiment.name.as_str()).collect();
            format!("the run has no experiment '{name}'; it has {}", names.join(", "))
        })
    }
}

impl Finding {
    /// The chance of an alarm as strong as this one without a reason; none if chance plays no part.
    pub(super) fn p_value(&self) -> Option<f64> {
        match self {
            Self::Noisy(noisy) if noisy.observations >= PAIRS_MIN => {
                Some(noisy.shift.p_above(noisy.fail_above.ln()))
            }
            _ => None,
        }
    }

    /// Decides at a level.
    pub(super) fn judged(self, rule: Rule, level: f64) -> Judged {
        match self {
            Self::NoData(why) => Judged {
                rule,
                verdict: RuleVerdict::NoData,
                value: None,
                interval: None,
                detectable: None,
                why,
            },
            Self::Exact { value, interval, verdict, why } => {
                Judged { rule, verdict, value: Some(value), interval, detectable: None, why }
            }
            Self::Noisy(noisy) => noisy.judged(rule, level),
        }
    }
}

impl Noisy {
    fn judged(self, rule: Rule, level: f64) -> Judged {
        let interval = self.interval();
        let (verdict, mut why) = self.decide(interval, level);
        if let Some(remark) = &self.remark {
            why = format!("{why}; {remark}");
        }
        Judged { rule, verdict, value: Some(self.value), interval, detectable: self.detectable, why }
    }

    fn interval(&self) -> Option<(f64, f64)> {
        crate::level::interval(&self.shift, self.observations)
    }

    /// Pass if the interval lies below the limit, fail if the figure is proven to lie above it.
    fn decide(&self, interval: Option<(f64, f64)>, level: f64) -> (RuleVerdict, String) {
        let show = self.show;
        let Some((_, upper)) = interval else {
            let why = format!(
                "{} observations are too few for an interval, which needs {PAIRS_MIN}",
                self.observations
            );
            return (RuleVerdict::Inconclusive, why);
        };
        if upper <= self.max && self.value <= self.max {
            return (RuleVerdict::Pass, format!("at most {} with 97.5 % certainty", show(upper)));
        }
        if self.shift.p_above(self.fail_above.ln()) <= level {
            let proven = self.shift.lower(level).map_or(self.fail_above, f64::exp);
            return (
                RuleVerdict::Fail,
                format!("proven to be above {} at a level of {level:.4}", show(proven)),
            );
        }
        let seen = self.detectable.map_or_else(String::new, |effect| {
            format!("; this run could have seen a change of {}", crate::format::percent(effect))
        });
        (RuleVerdict::Inconclusive, format!("neither proven to keep the limit nor to break it{seen}"))
    }
}
