//! The gate: a run held against a budget. A verdict for each rule, an exit code for all.
//!
//! Exact counts are judged first: they need no statistics and cannot flake. Times are judged with
//! their own noise: a rule that the run cannot decide is INCONCLUSIVE, never a guess, and a figure
//! that was not measured is NO DATA, never green. A new kind of rule is a file in `rules`.

mod budget;
mod output;
mod reading;
mod rules;

pub use budget::{Budget, BudgetErrors, Kind, Metric, OnInconclusive, Rule};
pub use output::{Format, UnknownFormat};
pub use rules::count::CountMetric;

use hitmark_schema::Run;

use crate::comparison::{RunComparison, compare_run};
use crate::statistics::holm;
use crate::verdict::Verdict;

/// What a rule says about a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleVerdict {
    /// The budget is kept.
    Pass,
    /// It is not.
    Fail,
    /// The run cannot tell.
    Inconclusive,
    /// The figure was not measured: never green.
    NoData,
}

impl RuleVerdict {
    /// The words in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::NoData => "no data",
        }
    }
}

/// How the gate ends. The numbers are those of every hitmark command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Every budget is kept.
    Passed = 0,
    /// A budget is not kept.
    Failed = 1,
    /// A rule is inconclusive, and the budget file says that this fails.
    Inconclusive = 3,
    /// A rule had nothing to judge.
    NoData = 5,
    /// Wrong answers void the timing.
    FunctionalErrors = 6,
}

/// A rule with what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The rule.
    pub rule: Rule,
    /// What it says.
    pub verdict: RuleVerdict,
    /// The measured figure, in the unit of its metric; none without data.
    pub value: Option<f64>,
    /// Its 95 % interval; none for exact counts.
    pub interval: Option<(f64, f64)>,
    /// The smallest relative effect that the run could have seen; none for exact counts.
    pub detectable: Option<f64>,
    /// Why, as a sentence.
    pub why: String,
}

/// A run held against a budget.
#[derive(Debug, Clone, PartialEq)]
pub struct GateReport {
    /// The rules: exact counts first, then times, each in the order of the file.
    pub judged: Vec<Judged>,
    /// Wrong answers of the judged experiments, by experiment.
    pub functional_errors: Vec<(String, String)>,
    /// What the budget says of inconclusive rules.
    pub on_inconclusive: OnInconclusive,
    /// The budget file.
    pub budget: String,
    /// What a reader should know of the run.
    pub notes: Vec<String>,
}

/// Holds a run against a budget. `baseline` is another run, for counts that must not grow and for
/// experiments that measured one side alone.
#[must_use]
pub fn judge(run: &Run, baseline: Option<&Run>, budget: &Budget) -> GateReport {
    let comparison = compare_run(run);
    let before = baseline.map(compare_run);
    let case = rules::Case { run, comparison: &comparison, baseline, before: before.as_ref() };
    let mut ordered: Vec<&Rule> = budget.rules.iter().collect();
    ordered.sort_by_key(|rule| rule.kind.order());
    let findings: Vec<rules::Finding> = ordered.iter().map(|rule| case.find(rule)).collect();
    // The family: every rule that could fail by chance.
    let p_values: Vec<f64> = findings.iter().filter_map(rules::Finding::p_value).collect();
    let mut levels = holm(&p_values, budget.alpha).into_iter();
    let judged = ordered
        .into_iter()
        .zip(findings)
        .map(|(rule, finding)| {
            let level = finding.p_value().and_then(|_| levels.next()).unwrap_or(budget.alpha);
            finding.judged(rule.clone(), level)
        })
        .collect::<Vec<_>>();
    let mut notes = comparison.notes.clone();
    if baseline.is_some() {
        notes.push(
            "the baseline run is not paired with this run: it serves counts, and experiments that measured one side alone"
                .to_owned(),
        );
    }
    GateReport {
        functional_errors: functional_errors(&comparison, &judged),
        judged,
        on_inconclusive: budget.on_inconclusive,
        budget: budget.path.clone(),
        notes,
    }
}

/// Wrong answers of the experiments that the budget names, and counts of wrong answers over their
/// limit.
fn functional_errors(comparison: &RunComparison, judged: &[Judged]) -> Vec<(String, String)> {
    let mut errors: Vec<(String, String)> = comparison
        .experiments
        .iter()
        .filter(|experiment| experiment.functional_errors && experiment.verdict == Some(Verdict::Invalid))
        .filter(|experiment| judged.iter().any(|judged| judged.rule.experiment == experiment.experiment.name))
        .map(|experiment| (experiment.experiment.name.clone(), experiment.why.clone()))
        .collect();
    let is_judged = |name: &str| judged.iter().any(|judged| judged.rule.experiment == name);
    for findings in comparison.scenarios.iter().filter(|findings| is_judged(&findings.experiment.name)) {
        let failures = findings.results.iter().flat_map(|result| &result.failures);
        errors.extend(failures.map(|failure| (findings.experiment.name.clone(), failure.clone())));
    }
    let over = judged
        .iter()
        .filter(|judged| judged.verdict == RuleVerdict::Fail && judged.rule.metric.is_functional());
    errors.extend(over.map(|judged| (judged.rule.experiment.clone(), judged.why.clone())));
    errors
}

impl GateReport {
    /// How the gate ends. Wrong answers outweigh everything, a proven failure outweighs missing
    /// data, and missing data outweighs doubt.
    #[must_use]
    pub fn exit_status(&self) -> ExitStatus {
        let any = |verdict| self.judged.iter().any(|judged| judged.verdict == verdict);
        if !self.functional_errors.is_empty() {
            ExitStatus::FunctionalErrors
        } else if any(RuleVerdict::Fail) {
            ExitStatus::Failed
        } else if any(RuleVerdict::NoData) || self.judged.is_empty() {
            ExitStatus::NoData
        } else if any(RuleVerdict::Inconclusive) && self.on_inconclusive == OnInconclusive::Fail {
            ExitStatus::Inconclusive
        } else {
            ExitStatus::Passed
        }
    }

    /// The exit code of the command line.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.exit_status() as u8
    }

    /// The report in a format. Ends with a line feed.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        output::render(self, format)
    }
}
