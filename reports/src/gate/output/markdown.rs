//! The report in Markdown, for a step summary or a comment.

use super::{cells, conclusion};
use crate::gate::GateReport;
use crate::table::markdown_text;

pub(super) fn render(report: &GateReport) -> String {
    let mut text = format!("### hitmark gate: {}\n\n", conclusion(report));
    text.push_str("| verdict | rule | limit | measured | 95 % interval | could see | why |\n|---|---|---|--:|--:|--:|---|\n");
    for judged in &report.judged {
        let [value, interval, detectable] = cells(judged);
        let [rule, limit, why] = [judged.rule.name(), judged.rule.kind.limit(), judged.why.clone()]
            .map(|text| markdown_text(&text));
        let verdict = judged.verdict.as_str();
        text.push_str(&format!(
            "| **{verdict}** | {rule} | {limit} | {value} | {interval} | {detectable} | {why} |\n"
        ));
    }
    for (experiment, reason) in &report.functional_errors {
        text.push_str(&format!(
            "\n- **wrong answers** in {}: {}",
            markdown_text(experiment),
            markdown_text(reason)
        ));
    }
    for note in &report.notes {
        text.push_str(&format!("\n- {}", markdown_text(note)));
    }
    text.trim_end().to_owned() + "\n"
}
