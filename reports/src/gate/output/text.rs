//! The report for a terminal: a table, the reasons, the conclusion.

use comfy_table::{ContentArrangement, Table, presets};

use super::{cells, conclusion};
use crate::gate::GateReport;

/// Columns of the table.
const WIDTH: u16 = 120;

pub(super) fn render(report: &GateReport) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).force_no_tty().set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["verdict", "rule", "limit", "measured", "95 % interval", "could see"]);
    for judged in &report.judged {
        let [value, interval, detectable] = cells(judged);
        let verdict = judged.verdict.as_str().to_uppercase();
        table.add_row([verdict, judged.rule.name(), judged.rule.kind.limit(), value, interval, detectable]);
    }
    let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    for judged in &report.judged {
        text.push_str(&format!("{}: {}: {}\n", judged.rule.name(), judged.verdict.as_str(), judged.why));
    }
    for (experiment, reason) in &report.functional_errors {
        text.push_str(&format!("WRONG ANSWERS: {experiment}: {reason}\n"));
    }
    for note in &report.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text.push_str(&format!("gate: {} (exit {})\n", conclusion(report), report.exit_code()));
    text
}
