//! The report as workflow commands: an annotation at the rule's line of the budget file. GitHub
//! shows ten errors and ten warnings of a step, so there are no more.

use super::conclusion;
use crate::gate::{GateReport, Judged, OnInconclusive, RuleVerdict};

/// Annotations of each kind.
const ANNOTATIONS_MAX: usize = 10;

pub(super) fn render(report: &GateReport) -> String {
    let mut lines = Vec::new();
    let errors = report.functional_errors.iter().map(|(experiment, reason)| {
        format!(
            "::error title={}::{}",
            property("wrong answers"),
            message(&format!("{experiment}: {reason}"))
        )
    });
    let failed = |judged: &&Judged| matches!(judged.verdict, RuleVerdict::Fail | RuleVerdict::NoData);
    let failures = report.judged.iter().filter(failed).map(|judged| annotation("error", report, judged));
    lines.extend(errors.chain(failures).take(ANNOTATIONS_MAX));
    let level = match report.on_inconclusive {
        OnInconclusive::Pass => "notice",
        OnInconclusive::Warn => "warning",
        OnInconclusive::Fail => "error",
    };
    let open = report.judged.iter().filter(|judged| judged.verdict == RuleVerdict::Inconclusive);
    let room = if level == "error" { ANNOTATIONS_MAX.saturating_sub(lines.len()) } else { ANNOTATIONS_MAX };
    lines.extend(open.take(room).map(|judged| annotation(level, report, judged)));
    lines.push(format!("::notice title=hitmark gate::{}", message(conclusion(report))));
    lines.join("\n") + "\n"
}

fn annotation(level: &str, report: &GateReport, judged: &Judged) -> String {
    let title = property(&format!("{}: {}", judged.rule.name(), judged.verdict.as_str()));
    let [value, interval, _] = super::cells(judged);
    let text = format!(
        "limit {}, measured {value} (95 % interval {interval}): {}",
        judged.rule.kind.limit(),
        judged.why
    );
    format!(
        "::{level} file={},line={},title={title}::{}",
        property(&report.budget),
        judged.rule.line,
        message(&text)
    )
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
