//! The report as JUnit's XML: one test case for each rule. Inconclusive is skipped, no data is an
//! error.

use crate::gate::{GateReport, Judged, RuleVerdict};

pub(super) fn render(report: &GateReport) -> String {
    let count = |verdict| report.judged.iter().filter(|judged| judged.verdict == verdict).count();
    let wrong = report.functional_errors.len();
    let (failures, skipped) = (count(RuleVerdict::Fail), count(RuleVerdict::Inconclusive));
    let errors = count(RuleVerdict::NoData) + wrong;
    let tests = report.judged.len() + wrong;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
         <testsuite name=\"hitmark gate\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n"
    );
    for judged in &report.judged {
        xml.push_str(&case(judged));
    }
    for (experiment, reason) in &report.functional_errors {
        let (experiment, reason) = (escape(experiment), escape(reason));
        xml.push_str(&format!(
            "<testcase classname=\"gate.{experiment}\" name=\"answers\"><error message=\"{reason}\"/></testcase>\n"
        ));
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

fn case(judged: &Judged) -> String {
    let rule = &judged.rule;
    let why = escape(&format!("{}: {}", rule.kind.limit(), judged.why));
    let inner = match judged.verdict {
        RuleVerdict::Pass => String::new(),
        RuleVerdict::Fail => format!("<failure message=\"{why}\"/>"),
        RuleVerdict::Inconclusive => format!("<skipped message=\"{why}\"/>"),
        RuleVerdict::NoData => format!("<error message=\"{why}\"/>"),
    };
    let (class, name) = (escape(&rule.experiment), escape(&rule.name()));
    format!("<testcase classname=\"gate.{class}\" name=\"{name}\">{inner}</testcase>\n")
}

/// Text inside an attribute. Control characters do not exist in XML 1.0.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, ch| {
        match ch {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            ch if ch.is_control() => escaped.push(' '),
            ch => escaped.push(ch),
        }
        escaped
    })
}
