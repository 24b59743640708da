//! The miss-ratio curve of a trace: what a cache of any size would have missed, with the knee and,
//! where they were simulated, other policies.

use hitmark_schema::whatif::{BytePoint, WhatIf};

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};
use super::{Chart, ChartTable, Sketch, ticks};
use crate::format;

/// Rows of the table under the curve at most; the document holds all points.
const ROWS_MAX: usize = 24;

/// The charts of a what-if document: by entries, and by bytes where sizes are known.
#[must_use]
pub fn of_whatif(whatif: &WhatIf) -> Vec<Chart> {
    [by_entries(whatif), by_bytes(whatif)]
        .into_iter()
        .flatten()
        .map(|sketch| sketch.drawn("whatif"))
        .collect()
}

fn by_entries(whatif: &WhatIf) -> Option<Sketch> {
    let curve: Vec<_> =
        whatif.by_entries.iter().map(|point| (point.entries as f64, 1.0 - point.hit_ratio)).collect();
    let mut marks = vec![line(&curve)?];
    let mut labels =
        vec![Label { y: curve.last()?.1 * 100.0, text: "lru".to_owned(), role: Role::Candidate }];
    for (place, policy) in policies(whatif).into_iter().enumerate() {
        let role = role(place);
        let rows: Vec<_> = whatif.policies.iter().filter(|row| row.policy == policy).collect();
        let points = rows.iter().map(|row| ((row.entries as f64).log10(), (1.0 - row.hit_ratio) * 100.0));
        let points: Vec<_> = points.collect();
        if let Some((_, y)) = points.last() {
            labels.push(Label { y: *y, text: policy.to_owned(), role });
        }
        marks.push(Mark::Line { role, points: points.clone() });
        marks.push(Mark::Dots { role, points });
    }
    if let Some(knee) = whatif.knee {
        let text = format!("knee: {} entries", format::count(knee.entries));
        marks.push(Mark::Upright { role: Role::Reference, x: (knee.entries as f64).log10(), text });
    }
    let shown = thinned(&curve).map(|(entries, miss)| vec![format::count(*entries as u64), percent(*miss)]);
    Some(Sketch {
        kind: "entries",
        title: format!("{}: miss ratio by cache size in entries", whatif.trace),
        desc: desc(whatif, "entries"),
        panels: vec![panel(
            &curve,
            "entries of the cache",
            |entries| format::count(entries as u64),
            marks,
            labels,
        )],
        table: ChartTable {
            columns: vec!["entries".to_owned(), "miss ratio".to_owned()],
            rows: shown.collect(),
        },
    })
}

fn by_bytes(whatif: &WhatIf) -> Option<Sketch> {
    let points = whatif.by_bytes.as_ref()?;
    let curve: Vec<_> = points.iter().map(|point| (point.bytes as f64, 1.0 - point.hit_ratio)).collect();
    let of_bytes = |point: &BytePoint| Some((point.bytes as f64, 1.0 - point.byte_hit_ratio?));
    let bytes: Vec<_> = points.iter().filter_map(of_bytes).collect();
    let mut marks = vec![line(&curve)?];
    let mut labels =
        vec![Label { y: curve.last()?.1 * 100.0, text: "requests".to_owned(), role: Role::Candidate }];
    // A live curve knows requests alone.
    if let Some((_, last)) = bytes.last() {
        let points = bytes.iter().map(|(size, miss)| (size.log10(), miss * 100.0)).collect();
        marks.push(Mark::Line { role: Role::Baseline, points });
        labels.push(Label { y: last * 100.0, text: "bytes".to_owned(), role: Role::Baseline });
    }
    marks.extend(pointed_out(whatif, &curve));
    let step = points.len().div_ceil(ROWS_MAX).max(1);
    let rows = points.iter().step_by(step).map(|point| {
        vec![
            format::bytes(point.bytes),
            percent(1.0 - point.hit_ratio),
            point.byte_hit_ratio.map_or_else(|| "–".to_owned(), |ratio| percent(1.0 - ratio)),
        ]
    });
    let every: Vec<_> = curve.iter().chain(&bytes).copied().collect();
    Some(Sketch {
        kind: "bytes",
        title: format!("{}: miss ratio by cache size in bytes", whatif.trace),
        desc: desc(whatif, "bytes"),
        panels: vec![panel(&every, "bytes of the cache", |size| format::bytes(size as u64), marks, labels)],
        table: ChartTable {
            columns: ["bytes", "miss ratio", "byte miss ratio"].map(str::to_owned).to_vec(),
            rows: rows.collect(),
        },
    })
}

/// The knee in bytes and, of a running cache, its present size where the axis reaches it.
fn pointed_out(whatif: &WhatIf, curve: &[(f64, f64)]) -> Vec<Mark> {
    let knee = whatif.knee.and_then(|knee| knee.bytes);
    let now = whatif.live.and_then(|live| live.capacity_bytes);
    let last = curve.last().map_or(0.0, |(size, _)| *size);
    let sizes = [("knee", Role::Reference, knee), ("now", Role::Event, now)];
    let mark = |(name, role, bytes): (&str, Role, Option<u64>)| {
        let bytes = bytes.filter(|bytes| *bytes > 0 && *bytes as f64 <= last)?;
        let text = format!("{name}: {}", format::binary(bytes));
        Some(Mark::Upright { role, x: (bytes as f64).log10(), text })
    };
    sizes.into_iter().filter_map(mark).collect()
}

/// Names of the simulated policies, each once. LRU is the curve itself.
fn policies(whatif: &WhatIf) -> Vec<&str> {
    let mut names: Vec<&str> = whatif.policies.iter().map(|row| row.policy.as_str()).collect();
    names.dedup();
    names.retain(|name| *name != "lru");
    names
}

fn role(place: usize) -> Role {
    // Blue is the curve itself.
    const ROLES: [Role; 4] = [Role::Baseline, Role::Stale, Role::Miss, Role::Event];
    ROLES[place % ROLES.len()]
}

fn line(curve: &[(f64, f64)]) -> Option<Mark> {
    let points: Vec<_> = curve.iter().map(|(size, miss)| (size.log10(), miss * 100.0)).collect();
    (!points.is_empty()).then_some(Mark::Line { role: Role::Candidate, points })
}

fn panel(
    curve: &[(f64, f64)],
    title: &str,
    text: impl Fn(f64) -> String,
    marks: Vec<Mark>,
    labels: Vec<Label>,
) -> Panel {
    Panel {
        height: 360,
        x: ticks::logarithmic(curve.iter().map(|(size, _)| *size), title, text),
        y: Axis { range: (0.0, 100.0), ..ticks::linear(0.0, 100.0, "miss ratio", |y| format!("{y:.0} %")) },
        marks,
        labels,
    }
}

fn desc(whatif: &WhatIf, what: &str) -> String {
    format!(
        "Share of requests that an LRU cache misses, against its size in {what} on a logarithmic axis. Lower is \
         better; no cache of any size misses less than {}.",
        percent(1.0 - whatif.hit_ratio_max)
    )
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn thinned(curve: &[(f64, f64)]) -> impl Iterator<Item = &(f64, f64)> {
    curve.iter().step_by(curve.len().div_ceil(ROWS_MAX).max(1))
}
