//! The report: one HTML file that holds everything it shows.
//!
//! The verdicts and the table come first, then the charts, then what makes them trustworthy: events,
//! notes, machine, command, plan, definitions. It needs no network, no script and no font, and
//! prints. The same runs give the same bytes.

mod definitions;
mod environment;
mod experiment;
mod figures;
mod scenario;
mod style;
mod verdict;
mod whatif;

pub use whatif::whatif_page;

use hitmark_schema::Run;
use maud::{DOCTYPE, Markup, html};

use crate::charts;
use crate::comparison::{EventNote, RunComparison, compare_run};

/// Experiments of a page that get charts of their own; the table and the forest plot hold all.
/// It keeps a page of many experiments small enough to mail.
const CHARTED_MAX: usize = 24;
/// Events that are listed in the open; the others can be unfolded.
const EVENTS_SHOWN: usize = 20;

/// One self-contained page from one or more runs.
#[must_use]
pub fn page(runs: &[Run]) -> String {
    let title = title(runs);
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (maud::PreEscaped(style::sheet())) }
            }
            body {
                main {
                    @if runs.is_empty() { h1 { (title) } p { "No run was given." } }
                    @for (place, run) in runs.iter().enumerate() { (section(run, place, runs.len())) }
                    (definitions::definitions())
                }
                footer { "Written by hitmark from the run directory alone: the same run gives the same page." }
            }
        }
    };
    body.into_string()
}

fn title(runs: &[Run]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for run in runs {
        for experiment in &run.document.experiments {
            if !names.contains(&experiment.name.as_str()) {
                names.push(&experiment.name);
            }
        }
    }
    match names.as_slice() {
        [] => "hitmark report".to_owned(),
        [name] => format!("{name} – hitmark report"),
        [name, rest @ ..] => format!("{name} and {} more – hitmark report", rest.len()),
    }
}

fn section(run: &Run, place: usize, runs: usize) -> Markup {
    let comparison = compare_run(run);
    let prefix = format!("r{place}");
    html! {
        section.run aria-labelledby=(format!("{prefix}-head")) {
            header {
                p.kicker { "hitmark report" @if runs > 1 { ", run " (place + 1) " of " (runs) } }
                h1 id=(format!("{prefix}-head")) { (question(&comparison)) }
                p.when { (environment::when(run)) }
            }
            (notices(&comparison))
            (verdict::headlines(&comparison))
            @if !comparison.experiments.is_empty() { (figures::table(&comparison)) }
            @for (nth, found) in comparison.scenarios.iter().enumerate() { (scenario::section(found, &prefix, nth < CHARTED_MAX)) }
            @for chart in charts::of_run(&comparison, &prefix) {
                h2 { "All experiments at a glance" }
                (experiment::figure(&chart))
            }
            @for (nth, compared) in comparison.experiments.iter().enumerate() {
                (experiment::experiment(run, compared, &prefix, nth < CHARTED_MAX))
            }
            (events(&comparison))
            (environment::environment(run))
        }
    }
}

/// The heading: what was compared.
fn question(comparison: &RunComparison) -> String {
    let mut differs: Vec<&str> = Vec::new();
    for experiment in &comparison.experiments {
        if experiment.experiment.candidate.is_some()
            && !differs.contains(&experiment.experiment.differs.as_str())
        {
            differs.push(&experiment.experiment.differs);
        }
    }
    match differs.as_slice() {
        [] if comparison.experiments.is_empty() => "What the scenarios found".to_owned(),
        [] => "What the baseline costs".to_owned(),
        [one] => sentence(&format!("{one}: does it pay?")),
        _ => "Do they pay?".to_owned(),
    }
}

/// What must be known before any figure is read.
fn notices(comparison: &RunComparison) -> Markup {
    html! {
        @if !comparison.valid {
            p.notice.invalid { strong { "Not valid." } " At least one experiment must not be used; its reason stands beside it." }
        }
        @for note in &comparison.notes { p.notice { (sentence(note)) } }
        @if let [first, rest @ ..] = comparison.events.as_slice() {
            p.notice {
                "Something happened in between: " (crate::words::event(first)) (format!(", at {:.1} s", first.at_s))
                @if !rest.is_empty() { ", and " (rest.len()) " more" }
                ". Charts mark it; all events are listed below."
            }
        }
    }
}

fn events(comparison: &RunComparison) -> Markup {
    html! {
        h2 { "What happened in between" }
        @if comparison.events.is_empty() {
            p { "Nothing: no event was recorded." }
        } @else {
            @let (first, rest) = comparison.events.split_at(comparison.events.len().min(EVENTS_SHOWN));
            ol.events { @for event in first { (event_row(event)) } }
            @if !rest.is_empty() {
                details {
                    summary { (rest.len()) " more" }
                    ol.events start=(EVENTS_SHOWN + 1) { @for event in rest { (event_row(event)) } }
                }
            }
            p.fine { "Times are seconds since the run began." }
        }
    }
}

fn event_row(event: &EventNote) -> Markup {
    html! {
        li {
            span.at { (format!("{:.1} s", event.at_s)) } " "
            @if let Some(slug) = &event.experiment { span.where { (slug) } " " }
            (crate::words::event(event))
        }
    }
}

/// A note as a sentence: a capital letter and a full stop.
pub(super) fn sentence(note: &str) -> String {
    let mut letters = note.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if note.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
