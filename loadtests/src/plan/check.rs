//! From the text of a plan to a checked [`Plan`], or to all of its mistakes.
//!
//! ```toml
//! [run]
//! seed = 42              # key streams and slice order
//! duration_s = 60        # instead of pairs: as many pairs as fit
//! pairs = 20             # super-block pairs of each experiment
//! slice_ms = 20          # how long a variant keeps its turn
//! superblock_s = 1.0     # each variant's time within a super-block
//! warmup_s = 2.0         # load before anything is recorded
//! restarts = 1           # times that an experiment begins anew
//! requests_max = 100000000
//! allow_hosts = []       # loopback needs no entry
//! abort_when = { error_ratio = 0.05, p99_ms = 500, mismatches = 10 }
//!
//! [[experiment]]
//! name = "product detail"
//! system = "marketplace"
//! differs = "response cache"
//! scenario = "stampede"  # with its options in [experiment.stampede]; "compare" if left out
//! method = "GET"
//! path = "/market/products/{key}"
//! keys = { dist = "zipf", s = 1.07, n = 10000 }     # or uniform, sequential,
//!                        # { dist = "hotset", n, hot, share }, { dist = "trace", file }
//! data = "users.csv"     # its columns stand in braces too; the row is that of the key
//! users = 20             # or rate = 500.0, max_in_flight = 64, arrivals = "poisson"
//! think_ms = [20, 80]    # closed model: pause after each answer
//! stages = [{ to = 100, ramp_s = 10, hold_s = 20 }, { to = 20 }]    # ramps, steps, spikes
//! timeout_ms = 10000
//! http = "1.1"           # or "2"
//! encodings = ["gzip", "br"]     # bytes are counted as they cross the wire
//! redirects = 0          # how many may be followed
//! cookies = false
//! expect_status = [200]
//! expect = { headers = { content-type = "json" }, body_contains = "id", json = { "/id" = 3 } }
//! outcome = { header = "x-store", hit = ["memory"], miss = ["db"] }  # if no convention is followed
//! compare_bodies = true
//! headers = { accept = "application/json" }
//! json = { id = "{key}" }        # or body = "…"
//! [[experiment.login]]   # once for each user and side, not recorded
//! method = "POST"
//! path = "/login"
//! extract = { token = "json:/token" }    # or header:name, cookie:name, between:before|after
//! [[experiment.journey]] # instead of path: several requests, chosen by weight
//! weight = 3
//! [[experiment.journey.step]]
//! path = "/items/{key}"
//! headers = { authorization = "Bearer {token}" }
//! [[experiment.hook]]    # a command in the middle of the load; leaves an event
//! at_s = 10
//! command = ["redis-cli", "flushall"]
//! [experiment.baseline]
//! name = "uncached"
//! base_url = "http://127.0.0.1:8080"
//! headers = { "cache-control" = "no-cache" }
//! query = { fresh = "1" }
//! ca = "ca.pem"          # for https: an authority of one's own
//! observe = { metrics = "/metrics", redis = "redis://127.0.0.1:6379" }
//! start = { command = ["./service"], ready = "/healthz", env = { PORT = "8080" } }
//! [experiment.candidate]
//! name = "cached"
//! base_url = "http://127.0.0.1:8080"
//! ```

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use hitmark_schema::experiment::slug;
use hitmark_schema::run::Extent;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Notes};
use super::sides::{headers, variant};
use super::texts::{KeyKind, Known};
use super::{
    CompareBodies, Cookies, ExperimentPlan, HttpVersion, JourneyPlan, Mistake, Plan, RunSettings, StepBody,
    bounds, keys, load, outcomes, steps,
};
use crate::scenario::{Context, ScenarioPlan};
use crate::scenarios;

pub(super) fn plan(text: &str, folder: &Path) -> Result<Plan, Vec<Mistake>> {
    let mut notes = Notes::new(text, folder);
    if text.len() > bounds::PLAN_BYTES_MAX {
        notes.add_unplaced(format!(
            "a plan has at most {} bytes, this has {}",
            bounds::PLAN_BYTES_MAX,
            text.len()
        ));
        return Err(notes.into_mistakes());
    }
    let (document, syntax_errors) = DeTable::parse_recoverable(text);
    for error in &syntax_errors {
        notes.add(error.span().unwrap_or(0..0), format!("not TOML: {}", error.message()));
    }
    if !notes.is_empty() {
        // What parsed of a broken file would only add mistakes that are not there.
        return Err(notes.into_mistakes());
    }
    let mut top = Fields::top(document.get_ref());
    let run_table = top.table(&mut notes, "run");
    let (run, allow_hosts) = run_settings(&mut notes, run_table);
    let experiments = experiments(&mut notes, &mut top, &allow_hosts);
    top.finish(&mut notes);
    match notes.is_empty() {
        true => Ok(Plan { source: text.to_owned(), run, experiments }),
        false => Err(notes.into_mistakes()),
    }
}

fn run_settings(notes: &mut Notes<'_>, fields: Option<Fields<'_, '_>>) -> (RunSettings, Vec<String>) {
    let empty = DeTable::new();
    let mut fields = fields.unwrap_or_else(|| Fields::new("[run]", 0..0, &empty));
    let seed = fields.whole(notes, "seed", 0..=i64::MAX as u64).unwrap_or(42);
    let pairs = fields.whole(notes, "pairs", 1..=bounds::PAIRS_MAX);
    let duration_s = fields.number(notes, "duration_s", 0.05, bounds::DURATION_S_MAX);
    let slice_ms = fields.whole(notes, "slice_ms", 1..=bounds::SLICE_MS_MAX).unwrap_or(20);
    let superblock_s = fields.number(notes, "superblock_s", 0.05, bounds::SUPERBLOCK_S_MAX).unwrap_or(1.0);
    let warmup_s = fields.number(notes, "warmup_s", 0.0, bounds::WARMUP_S_MAX).unwrap_or(2.0);
    let restarts = fields.whole(notes, "restarts", 1..=bounds::RESTARTS_MAX).unwrap_or(1);
    let requests_max = fields.whole(notes, "requests_max", 1..=bounds::REQUESTS_MAX).unwrap_or(100_000_000);
    let abort_when = load::abort_when(notes, &mut fields);
    if pairs.is_some() && duration_s.is_some() {
        notes.add(fields.span(), "[run]: give 'pairs' or 'duration_s', not both");
    }
    // Both variants take their turn within a pair of super-blocks.
    let fitting = duration_s.map(|length| ((length / superblock_s / 2.0) as u64).clamp(1, bounds::PAIRS_MAX));
    let pairs = pairs.or(fitting).unwrap_or(20);
    let (allow_hosts, _) = fields.strings(notes, "allow_hosts").unwrap_or_default();
    if Duration::from_millis(slice_ms) > Duration::from_secs_f64(superblock_s) {
        notes.add(
            fields.span(),
            format!(
                "[run] slice_ms: a slice of {slice_ms} ms does not fit into a super-block of {superblock_s} s"
            ),
        );
    }
    if restarts > pairs {
        notes.add(
            fields.span(),
            format!("[run] restarts: {restarts} restarts need at least as many pairs, not {pairs}"),
        );
    }
    fields.finish(notes);
    let run = RunSettings {
        extent: Extent::Whole,
        seed,
        pairs: u32::try_from(pairs).unwrap_or(u32::MAX),
        slice: Duration::from_millis(slice_ms),
        superblock: Duration::from_secs_f64(superblock_s),
        warmup: Duration::from_secs_f64(warmup_s),
        restarts: u32::try_from(restarts).unwrap_or(1),
        requests_max,
        abort_when,
    };
    (run, allow_hosts)
}

fn experiments(
    notes: &mut Notes<'_>,
    top: &mut Fields<'_, '_>,
    allow_hosts: &[String],
) -> Vec<ExperimentPlan> {
    let Some(value) = top.value("experiment") else {
        notes.add_unplaced("the plan has no [[experiment]]");
        return Vec::new();
    };
    let Some(tables) = value.get_ref().as_array() else {
        notes.add(value.span(), "write [[experiment]] with two brackets: a plan holds a list of them");
        return Vec::new();
    };
    if tables.is_empty() || tables.len() > bounds::EXPERIMENTS_MAX {
        notes.add(
            value.span(),
            format!("a plan has 1 to {} experiments, this has {}", bounds::EXPERIMENTS_MAX, tables.len()),
        );
    }
    let mut slugs = HashSet::new();
    let mut checked = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let Some(fields) = table.get_ref().as_table() else {
            notes.add(table.span(), "an experiment is a table");
            continue;
        };
        let name = experiment_label(place, table.get_ref());
        let Some(experiment) = experiment(notes, Fields::new(name, table.span(), fields), allow_hosts) else {
            continue;
        };
        if !slugs.insert(experiment.slug.clone()) {
            notes.add(table.span(), format!("two experiments are called '{}'", experiment.name));
        }
        checked.push(experiment);
    }
    checked
}

/// How mistakes call an experiment: by its name if it has one, else by its place.
fn experiment_label(place: usize, value: &DeValue<'_>) -> String {
    let name = value.as_table().and_then(|table| {
        table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == "name")
            .and_then(|(_, name)| name.get_ref().as_str())
    });
    name.map_or_else(|| format!("experiment {}", place + 1), |name| format!("experiment '{name}'"))
}

fn experiment(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    allow_hosts: &[String],
) -> Option<ExperimentPlan> {
    let name = fields.required_string(notes, "name");
    let system = fields.string(notes, "system").map(|(system, _)| system);
    let differs = fields.required_string(notes, "differs");
    let data = keys::data(notes, &mut fields);
    let keys = keys::keys(notes, &mut fields);
    let has_texts = keys.as_ref().is_some_and(crate::keys::KeyChoice::is_ordered);
    let kind = if has_texts { KeyKind::Text } else { KeyKind::Number };
    let mut known = Known::new(kind, data.iter().flat_map(|data| data.columns.clone()).collect());
    let login = steps::list(notes, &mut fields, "login", &mut known);
    let journeys = requests(notes, &mut fields, &mut known);
    let headers = headers(notes, &mut fields, &known);
    check_key_use(notes, &fields, &journeys, &login, keys.is_some(), data.is_some());
    // The keys of a trace are no numbers, so a scenario cannot choose among them.
    let has_numbers = keys.as_ref().is_some_and(|keys| !keys.is_ordered());
    let scenario = scenario(notes, &mut fields, allow_hosts, &mut known, &journeys, has_numbers);
    let (load, pace) = load::load(notes, &mut fields);
    let timeout_ms = fields.whole(notes, "timeout_ms", 1..=bounds::TIMEOUT_MS_MAX).unwrap_or(10_000);
    let compare_bodies = compare_bodies(notes, &mut fields);
    let cookies =
        if fields.boolean(notes, "cookies") == Some(true) { Cookies::Keep } else { Cookies::Ignore };
    let redirects = fields.whole(notes, "redirects", 0..=bounds::REDIRECTS_MAX).unwrap_or(0);
    let encodings = encodings(notes, &mut fields);
    let http = http(notes, &mut fields);
    let outcome = outcomes::rule(notes, &mut fields);
    let hooks = super::sides::hooks(notes, &mut fields);
    let baseline = match fields.table(notes, "baseline") {
        Some(side) => variant(notes, side, allow_hosts, &known),
        None => {
            notes.add(fields.span(), format!("{} needs [experiment.baseline]", fields.name()));
            None
        }
    };
    // A wrong candidate must not hide the mistakes that come after it.
    let candidate = fields.table(notes, "candidate").map(|side| variant(notes, side, allow_hosts, &known));
    fields.finish(notes);
    let name = name?.0;
    Some(ExperimentPlan {
        slug: slug(&name),
        name,
        system,
        differs: differs?.0,
        scenario,
        journeys,
        login,
        known,
        headers,
        keys,
        data,
        load: load?,
        pace,
        timeout: Duration::from_millis(timeout_ms),
        compare_bodies,
        cookies,
        redirects_max: u32::try_from(redirects).unwrap_or(0),
        encodings,
        http,
        hooks,
        outcome,
        baseline: baseline?,
        candidate: match candidate {
            Some(side) => Some(side?),
            None => None,
        },
    })
}

fn compare_bodies(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> CompareBodies {
    match fields.boolean(notes, "compare_bodies") {
        Some(false) => CompareBodies::Off,
        Some(true) | None => CompareBodies::Sample,
    }
}

/// The scenario and its options.
fn scenario(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    allow_hosts: &[String],
    known: &mut Known,
    journeys: &[JourneyPlan],
    has_keys: bool,
) -> Option<ScenarioPlan> {
    let (name, at) = fields.string(notes, "scenario")?;
    if name == scenarios::COMPARE {
        return None;
    }
    let Some(entry) = scenarios::find(&name) else {
        let names = scenarios::names().join(", ");
        notes.add(at, format!("{} scenario: must be one of {names}, not '{name}'", fields.name()));
        return None;
    };
    if fields.value(entry.name).is_none() {
        let advice = format!("{} needs its options in [experiment.{}]", fields.name(), entry.name);
        notes.add(at, advice);
    }
    let table = fields.table(notes, entry.name)?;
    let request = match journeys {
        [JourneyPlan { steps, .. }] if steps.len() == 1 => steps.first().cloned(),
        _ => None,
    };
    let is_open = fields.value("rate").is_some();
    let mut context = Context { allow_hosts, known, request, is_open, has_keys };
    let scenario = (entry.read)(notes, table, &mut context)?;
    Some(ScenarioPlan { name: entry.name, scenario })
}

/// The experiment's own request, or its journeys.
fn requests(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, known: &mut Known) -> Vec<JourneyPlan> {
    if fields.value("journey").is_none() {
        let single = steps::single(notes, fields, known);
        let journey = |step| JourneyPlan { name: "request".to_owned(), weight: 1, steps: vec![step] };
        return single.map(journey).into_iter().collect();
    }
    for key in ["path", "method", "body", "json", "expect", "expect_status"] {
        if let Some(value) = fields.value(key) {
            let at = value.span();
            notes.add(at, format!("{}: '{key}' belongs into a step where there are journeys", fields.name()));
        }
    }
    steps::journeys(notes, fields, known)
}

fn check_key_use(
    notes: &mut Notes<'_>,
    fields: &Fields<'_, '_>,
    journeys: &[JourneyPlan],
    login: &[super::StepPlan],
    keys: bool,
    data: bool,
) {
    let steps: Vec<_> = journeys.iter().flat_map(|journey| &journey.steps).chain(login).collect();
    if steps.is_empty() {
        return;
    }
    let used = steps.iter().any(|step| {
        let in_body = step.body.as_ref().is_some_and(|body| match body {
            StepBody::Text(text) | StepBody::Json(text) => text.contains("{key}"),
        });
        step.path.contains("{key}")
            || in_body
            || step.headers.iter().any(|(_, value)| value.contains("{key}"))
    });
    if used && !keys {
        notes.add(
            fields.span(),
            format!("{}: {{key}} is used but 'keys' says nothing of which", fields.name()),
        );
    }
    if keys && !used && !data {
        notes.add(
            fields.span(),
            format!("{}: 'keys' is given but neither path nor body holds {{key}}", fields.name()),
        );
    }
}

fn encodings(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Vec<String> {
    let Some((encodings, at)) = fields.strings(notes, "encodings") else { return Vec::new() };
    for encoding in encodings.iter().filter(|encoding| !["gzip", "br"].contains(&encoding.as_str())) {
        notes.add(at.clone(), format!("{} encodings: must be gzip or br, not '{encoding}'", fields.name()));
    }
    encodings
}

fn http(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> HttpVersion {
    match fields.string(notes, "http") {
        None => HttpVersion::Http1,
        Some((text, at)) => match text.as_str() {
            "1.1" => HttpVersion::Http1,
            "2" => HttpVersion::Http2,
            other => {
                notes.add(at, format!("{} http: must be \"1.1\" or \"2\", not '{other}'", fields.name()));
                HttpVersion::Http1
            }
        },
    }
}
