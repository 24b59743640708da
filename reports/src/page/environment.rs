//! Where and how a run was made: a figure without its machine is a rumour.

use hitmark_schema::Run;
use hitmark_schema::run::RunState;
use maud::{Markup, html};

use crate::format::{bytes, seconds};

/// When the run began, how long it took and how it ended.
pub(super) fn when(run: &Run) -> String {
    let document = &run.document;
    let began = i128::from(document.started_unix_ns);
    let began = jiff::Timestamp::from_nanosecond(began).map_or_else(
        |_| "at an unknown time".to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    let took =
        document.ended_unix_ns.map(|ended| ended.saturating_sub(document.started_unix_ns) as f64 / 1e9);
    let took = took.map_or_else(String::new, |took| format!(", took {}", seconds(took)));
    let state = match document.state {
        RunState::Complete => "complete",
        RunState::Interrupted => "stopped early",
        RunState::Running => "did not end in order",
    };
    format!("Begun {began}{took}, {state}. Seed {}.", document.seed)
}

pub(super) fn environment(run: &Run) -> Markup {
    let document = &run.document;
    html! {
        h2 { "Where and how" }
        dl { @for (name, value) in rows(run) { dt { (name) } dd { (value) } } }
        h3 { "The command that made this run" }
        pre { (document.command) }
        @if !document.plan.is_empty() {
            details { summary { "The plan" } pre { (document.plan) } }
        }
    }
}

fn rows(run: &Run) -> Vec<(&'static str, String)> {
    let here = &run.document.environment;
    let unknown = || "unknown".to_owned();
    let or_unknown = |value: &Option<String>| value.clone().unwrap_or_else(unknown);
    let commit = here.git_commit.as_ref().map_or_else(unknown, |commit| match here.git_dirty {
        Some(true) => format!("{commit}, with uncommitted changes"),
        _ => commit.clone(),
    });
    let mut rows = vec![
        ("host", or_unknown(&here.host)),
        ("system", format!("{} {}", here.os, or_unknown(&here.kernel))),
        ("processor", format!("{}, {} usable", or_unknown(&here.cpu), here.cores)),
        ("governor", or_unknown(&here.governor)),
        ("memory", here.memory_bytes.map_or_else(unknown, bytes)),
        (
            "load before",
            here.load_average_1m.map_or_else(unknown, |load| format!("{load:.2} over one minute")),
        ),
        ("hitmark", format!("{} ({} build, {})", here.hitmark, here.profile, here.rustc)),
        ("commit", commit),
        ("clock", run.document.clock.clone()),
    ];
    if !here.servers.is_empty() {
        let servers: Vec<String> =
            here.servers.iter().map(|(name, version)| format!("{name} {version}")).collect();
        rows.push(("servers", servers.join(", ")));
    }
    for experiment in &run.document.experiments {
        let sides = [Some(&experiment.baseline), experiment.candidate.as_ref()];
        let sides: Vec<String> = sides
            .into_iter()
            .flatten()
            .map(|side| format!("{} at {}", side.name, hitmark_schema::redact::url(&side.base_url)))
            .collect();
        let (pairs, slice) = (experiment.pairs, experiment.slice_ms);
        let shape =
            format!("{pairs} pairs of {} s per variant, slices of {slice} ms", experiment.superblock_s);
        rows.push(("experiment", format!("{}: {}; {shape}", experiment.name, sides.join(", "))));
    }
    rows
}
