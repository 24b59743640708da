//! From the text of a plan to a checked [`Plan`], or to all of its mistakes.
//!
//! ```toml
//! [run]
//! seed = 42              # key streams and slice order
//! pairs = 20             # super-block pairs of each experiment
//! slice_ms = 20          # how long a variant keeps its turn
//! superblock_s = 1.0     # each variant's time within a super-block
//! warmup_s = 2.0         # load before anything is recorded
//! restarts = 1           # times that an experiment begins anew
//! requests_max = 100000000
//! allow_hosts = []       # loopback needs no entry
//!
//! [[experiment]]
//! name = "product detail"
//! system = "marketplace"
//! differs = "response cache"
//! method = "GET"
//! path = "/market/products/{key}"
//! keys = { dist = "zipf", s = 1.07, n = 10000 }     # or uniform, sequential
//! users = 20                                        # or rate = 500.0, max_in_flight = 64
//! timeout_ms = 10000
//! expect_status = [200]
//! compare_bodies = true
//! headers = { accept = "application/json" }
//! [experiment.baseline]
//! name = "uncached"
//! base_url = "http://127.0.0.1:8080"
//! headers = { "cache-control" = "no-cache" }
//! query = { fresh = "1" }
//! start = { command = ["./service"], ready = "/healthz", env = { PORT = "8080" } }
//! [experiment.candidate]
//! name = "cached"
//! base_url = "http://127.0.0.1:8080"
//! ```

use std::collections::HashSet;
use std::time::Duration;

use hitmark_schema::LoadModel;
use hitmark_schema::experiment::slug;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, Notes};
use super::sides::{headers, variant};
use super::{CompareBodies, ExperimentPlan, Mistake, Plan, RunSettings, bounds};
use crate::keys::{KeyChoice, KeyDistribution};

pub(super) fn plan(text: &str) -> Result<Plan, Vec<Mistake>> {
    let mut notes = Notes::new(text);
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
    let pairs = fields.whole(notes, "pairs", 1..=bounds::PAIRS_MAX).unwrap_or(20);
    let slice_ms = fields.whole(notes, "slice_ms", 1..=bounds::SLICE_MS_MAX).unwrap_or(20);
    let superblock_s = fields.number(notes, "superblock_s", 0.05, bounds::SUPERBLOCK_S_MAX).unwrap_or(1.0);
    let warmup_s = fields.number(notes, "warmup_s", 0.0, bounds::WARMUP_S_MAX).unwrap_or(2.0);
    let restarts = fields.whole(notes, "restarts", 1..=bounds::RESTARTS_MAX).unwrap_or(1);
    let requests_max = fields.whole(notes, "requests_max", 1..=bounds::REQUESTS_MAX).unwrap_or(100_000_000);
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
        seed,
        pairs: u32::try_from(pairs).unwrap_or(u32::MAX),
        slice: Duration::from_millis(slice_ms),
        superblock: Duration::from_secs_f64(superblock_s),
        warmup: Duration::from_secs_f64(warmup_s),
        restarts: u32::try_from(restarts).unwrap_or(1),
        requests_max,
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
    let method = method(notes, &mut fields);
    let path = path(notes, &mut fields);
    let body = fields.string(notes, "body").map(|(body, _)| body);
    let headers = headers(notes, &mut fields);
    let keys = keys(notes, &mut fields);
    check_key_use(notes, &fields, path.as_deref(), body.as_deref(), keys.is_some());
    let load = load(notes, &mut fields);
    let timeout_ms = fields.whole(notes, "timeout_ms", 1..=bounds::TIMEOUT_MS_MAX).unwrap_or(10_000);
    let expect_status = expect_status(notes, &mut fields);
    let compare_bodies = match fields.boolean(notes, "compare_bodies") {
        Some(false) => CompareBodies::Off,
        Some(true) | None => CompareBodies::Sample,
    };
    let baseline = match fields.table(notes, "baseline") {
        Some(side) => variant(notes, side, allow_hosts),
        None => {
            notes.add(fields.span(), format!("{} needs [experiment.baseline]", fields.name()));
            None
        }
    };
    // A wrong candidate must not hide the mistakes that come after it.
    let candidate = fields.table(notes, "candidate").map(|side| variant(notes, side, allow_hosts));
    fields.finish(notes);
    let name = name?.0;
    Some(ExperimentPlan {
        slug: slug(&name),
        name,
        system,
        differs: differs?.0,
        method: method?,
        path: path?,
        body,
        headers,
        keys,
        load: load?,
        timeout: Duration::from_millis(timeout_ms),
        expect_status,
        compare_bodies,
        baseline: baseline?,
        candidate: match candidate {
            Some(side) => Some(side?),
            None => None,
        },
    })
}

fn method(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<String> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let Some((method, at)) = fields.string(notes, "method") else { return Some("GET".to_owned()) };
    if METHODS.contains(&method.as_str()) {
        return Some(method);
    }
    notes.add(at, format!("{} method: must be one of {}, not '{method}'", fields.name(), METHODS.join(", ")));
    None
}

fn path(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<String> {
    let (path, at) = fields.required_string(notes, "path")?;
    let sample = path.replace("{key}", "1");
    let fault = if !path.starts_with('/') {
        Some("must begin with '/'")
    } else if sample.contains(['{', '}']) {
        Some("knows only {key} in braces")
    } else if sample.parse::<hyper::Uri>().is_err() || sample.contains('#') {
        Some("is not a path; percent-encode what does not belong into one")
    } else {
        None
    };
    match fault {
        Some(fault) => {
            notes.add(at, format!("{} path: '{path}' {fault}", fields.name()));
            None
        }
        None => Some(path),
    }
}

fn keys(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<KeyChoice> {
    let mut keys = fields.table(notes, "keys")?;
    let dist = keys.required_string(notes, "dist");
    let count = match keys.value("n") {
        Some(_) => keys.whole(notes, "n", 1..=1_000_000_000),
        None => {
            notes.add(keys.span(), format!("{} needs 'n', the number of keys", keys.name()));
            None
        }
    };
    let exponent = keys.number(notes, "s", 0.0, 10.0);
    let distribution = match dist.as_ref().map(|(dist, at)| (dist.as_str(), at)) {
        Some(("zipf", _)) => Some(KeyDistribution::Zipf { exponent: exponent.unwrap_or(1.0) }),
        Some(("uniform", _)) => Some(KeyDistribution::Uniform),
        Some(("sequential", _)) => Some(KeyDistribution::Sequential),
        Some((other, at)) => {
            notes.add(
                at.clone(),
                format!("{} dist: must be zipf, uniform or sequential, not '{other}'", keys.name()),
            );
            None
        }
        None => None,
    };
    keys.finish(notes);
    Some(KeyChoice { distribution: distribution?, count: count? })
}

fn check_key_use(
    notes: &mut Notes<'_>,
    fields: &Fields<'_, '_>,
    path: Option<&str>,
    body: Option<&str>,
    keys: bool,
) {
    let Some(path) = path else { return };
    let used = path.contains("{key}") || body.is_some_and(|body| body.contains("{key}"));
    if used && !keys {
        notes.add(
            fields.span(),
            format!("{}: {{key}} is used but 'keys' says nothing of which", fields.name()),
        );
    }
    if keys && !used {
        notes.add(
            fields.span(),
            format!("{}: 'keys' is given but neither path nor body holds {{key}}", fields.name()),
        );
    }
}

fn load(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<LoadModel> {
    let given = |fields: &mut Fields<'_, '_>, key| fields.value(key).is_some();
    let (has_users, has_rate) = (given(fields, "users"), given(fields, "rate"));
    let users = fields.whole(notes, "users", 1..=bounds::USERS_MAX);
    let rate_per_s = fields.number(notes, "rate", 0.1, bounds::RATE_PER_S_MAX);
    let has_in_flight = given(fields, "max_in_flight");
    let in_flight_max = fields.whole(notes, "max_in_flight", 1..=bounds::USERS_MAX);
    match (has_users, has_rate) {
        (true, false) if has_in_flight => {
            notes.add(
                fields.span(),
                format!("{}: 'max_in_flight' goes with 'rate', not with 'users'", fields.name()),
            );
            None
        }
        (true, false) => Some(LoadModel::Closed { users: usize::try_from(users?).ok()? }),
        (false, true) => {
            let in_flight_max = if has_in_flight { in_flight_max? } else { 64 };
            Some(LoadModel::Open {
                rate_per_s: rate_per_s?,
                in_flight_max: usize::try_from(in_flight_max).ok()?,
            })
        }
        _ => {
            let advice = "give either 'users' (closed model) or 'rate' (open model)";
            notes.add(fields.span(), format!("{}: {advice}", fields.name()));
            None
        }
    }
}

fn expect_status(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Vec<u16> {
    let Some((statuses, at)) = fields.integers(notes, "expect_status") else { return vec![200] };
    let mut checked = Vec::new();
    for status in &statuses {
        match u16::try_from(*status) {
            Ok(status) if (100..600).contains(&status) => checked.push(status),
            _ => notes
                .add(at.clone(), format!("{} expect_status: {status} is not an HTTP status", fields.name())),
        }
    }
    if statuses.is_empty() {
        notes.add(at, format!("{} expect_status: name at least one status", fields.name()));
    }
    checked
}
