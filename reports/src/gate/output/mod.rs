//! The gate's report in the formats that people, CI systems and trackers read.

mod bmf;
mod github;
mod json;
mod junit;
mod markdown;
mod text;

use std::str::FromStr;

use super::{GateReport, Judged, Kind};
use crate::format::{latency, percent, significant};

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// JUnit's XML, which every CI system reads.
    Junit,
    /// Workflow commands that GitHub shows at lines of the budget file.
    Github,
    /// For a step summary or a comment.
    Markdown,
    /// Bencher Metric Format.
    Bmf,
}

/// The text is no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a format; the formats are text, json, junit, github, markdown, bmf")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "junit" => Ok(Self::Junit),
            "github" => Ok(Self::Github),
            "markdown" => Ok(Self::Markdown),
            "bmf" => Ok(Self::Bmf),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

pub(super) fn render(report: &GateReport, format: Format) -> String {
    match format {
        Format::Text => text::render(report),
        Format::Json => json::render(report),
        Format::Junit => junit::render(report),
        Format::Github => github::render(report),
        Format::Markdown => markdown::render(report),
        Format::Bmf => bmf::render(report),
    }
}

/// The outcome of the whole gate in words.
fn conclusion(report: &GateReport) -> &'static str {
    use super::ExitStatus;
    match report.exit_status() {
        ExitStatus::Passed
            if report.judged.iter().any(|judged| judged.verdict == super::RuleVerdict::Inconclusive) =>
        {
            "passed, with rules that this run cannot decide"
        }
        ExitStatus::Passed => "every budget is kept",
        ExitStatus::Failed => "a budget is not kept",
        ExitStatus::Inconclusive => "inconclusive, which this budget does not accept",
        ExitStatus::NoData => "a rule had no data to judge",
        ExitStatus::FunctionalErrors => "wrong answers void the timing",
    }
}

/// The measured figure, its interval and the smallest effect that the run could have seen.
fn cells(judged: &Judged) -> [String; 3] {
    let show: fn(f64) -> String = match judged.rule.kind {
        Kind::Ratio { .. } => significant,
        Kind::Absolute { .. } => latency,
        Kind::Count { .. } | Kind::Figure { .. } => super::rules::count::shown,
    };
    let dash = || "–".to_owned();
    [
        judged.value.map_or_else(dash, show),
        judged.interval.map_or_else(dash, |(lower, upper)| format!("{} to {}", show(lower), show(upper))),
        judged.detectable.map_or_else(dash, percent),
    ]
}
