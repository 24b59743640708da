//! Which lines a quantity has: one for each side, and for each setting where there are several; their
//! names and colours.

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{ScenarioResult, Variant};

use crate::charts::palette::Role;
use crate::scenario::ScenarioFindings;

/// Settings of a panel that have lines of their own.
const SETTINGS_MAX: usize = 4;
/// Colours of lines that are told apart by their setting; each has a dashed sister.
const ROLES: [Role; SETTINGS_MAX] = [Role::Hit, Role::Baseline, Role::Stale, Role::Miss];

/// One line: a quantity of one side, at one setting.
#[derive(Debug)]
pub(super) struct Line<'r> {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) points: Vec<&'r Point>,
}

/// The settings of a quantity, in their order.
fn settings<'r>(findings: &'r ScenarioFindings, name: &str) -> Vec<&'r str> {
    let series = findings.results.iter().flat_map(|result| &result.series);
    let mut settings: Vec<&str> = Vec::new();
    for point in series.filter(|series| series.name == name).flat_map(|series| &series.points) {
        if !point.setting.is_empty() && !settings.contains(&point.setting.as_str()) {
            settings.push(&point.setting);
        }
    }
    settings
}

/// How lines of several settings are told apart, in words; nothing where there is one.
pub(super) fn dashed(findings: &ScenarioFindings, first: &Series) -> String {
    let settings = settings(findings, &first.name).len();
    let of = |variant| findings.results.iter().find(|result| result.variant == variant);
    let sides = match (of(Variant::Baseline), of(Variant::Candidate)) {
        (Some(baseline), Some(_)) if settings > 0 => {
            format!(" and setting, dashed for {}", findings.name_of(baseline))
        }
        _ => String::new(),
    };
    if settings > SETTINGS_MAX {
        format!("{sides}, of the first {SETTINGS_MAX} of {settings} settings (the table has all)")
    } else {
        sides
    }
}

/// The lines of a quantity: one for each side, and for each setting where there are several.
pub(super) fn lines<'r>(findings: &'r ScenarioFindings, of: &Series) -> Vec<Line<'r>> {
    let mut lines: Vec<Line<'r>> = Vec::new();
    let settings = settings(findings, &of.name);
    let is_alone = findings.results.len() == 1;
    for result in &findings.results {
        let Some(series) = result.series.iter().find(|series| series.name == of.name) else { continue };
        let side = findings.name_of(result);
        for point in &series.points {
            let colour = settings.iter().position(|setting| *setting == point.setting);
            let (name, role) = match colour.map(|place| ROLES.get(place)) {
                None => (side.clone(), role(result)),
                Some(Some(role)) if result.variant == Variant::Candidate || is_alone => {
                    (format!("{side}, {}", point.setting), *role)
                }
                Some(Some(role)) => (format!("{side}, {}", point.setting), role.tail()),
                // The table has it.
                Some(None) => continue,
            };
            match lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name, role, points: vec![point] }),
            }
        }
    }
    for line in &mut lines {
        line.points.sort_by(|one, other| one.at.total_cmp(&other.at));
    }
    lines
}

pub(super) const fn role(result: &ScenarioResult) -> Role {
    match result.variant {
        Variant::Baseline => Role::Baseline,
        Variant::Candidate => Role::Candidate,
    }
}

/// What a label has room for. The names of settings are cut to their first words before anything is lost.
pub(super) fn short(name: &str) -> String {
    const ROOM: usize = 29;
    if name.chars().count() <= ROOM {
        return name.to_owned();
    }
    let ends = |part: &str| match (part.split_once(' '), part.rsplit_once(' ')) {
        (Some((first, _)), Some((_, last))) => format!("{first} {last}"),
        _ => part.to_owned(),
    };
    let (side, settings) = name.split_once(", ").unwrap_or((name, ""));
    let settings = settings.split(", ").filter(|part| !part.is_empty()).map(ends);
    let name = std::iter::once(side.to_owned()).chain(settings).collect::<Vec<_>>().join(", ");
    if name.chars().count() <= ROOM {
        return name;
    }
    name.chars().take(ROOM - 1).chain(['…']).collect()
}
