//! Leak probe: is anybody shown what was made for somebody else?
//!
//! Every combination of tenant, user, locale and encoding asks for the same keys, over and over and in
//! changing order, so that whatever a cache key forgets is served across. A canary is a text that
//! stands only in what one of them may see. A single one out of place fails the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use hitmark_schema::{Figure, LoadModel, Outcome, ScenarioResult, Unit, Variant};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use tokio::task::JoinSet;

use crate::plan::StepPlan;
use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::canaries::{Axis, Cell, cells, read_axes};
use crate::scenario::client::{Client, Reply};
use crate::scenario::stage::Stage;
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::session::Session;
use crate::template::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "leak_probe",
    about: "canaries across tenants, users, locales and encodings: nobody may be shown another's",
    read,
};

/// Requests of one side at most.
const PROBES_MAX: u64 = 1_000_000;
/// Requests of one side of a quick run.
const QUICK_PROBES: u64 = 400;
/// Findings that are told one by one.
const TOLD_MAX: usize = 20;

#[derive(Debug, Clone)]
struct LeakProbe {
    axes: Vec<Axis>,
    cells: Vec<Cell>,
    rounds: u64,
    keys: u64,
    request: StepPlan,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    context.need_single_request(notes, &fields);
    context.need_users(notes, &fields);
    let axes = read_axes(notes, &mut fields, context.known);
    let rounds = fields.whole(notes, "rounds", 2..=10_000).unwrap_or(5);
    let keys = fields.whole(notes, "keys", 1..=100_000).unwrap_or(1);
    if keys > 1 {
        context.need_keys(notes, &fields, "keys");
    }
    let cells = cells(&axes);
    if rounds.saturating_mul(cells.len() as u64) > PROBES_MAX {
        let many = format!("{rounds} rounds of {} combinations are over {PROBES_MAX} probes", cells.len());
        notes.add(fields.span(), format!("{}: {many}", fields.name()));
    }
    fields.finish(notes);
    Some(Arc::new(LeakProbe { axes, cells, rounds, keys, request: context.request.clone()? }))
}

impl Scenario for LeakProbe {
    fn describe(&self) -> String {
        let names: Vec<&str> = self.axes.iter().map(|axis| axis.name.as_str()).collect();
        let (cells, names) = (self.cells.len(), names.join(" × "));
        let probes = self.rounds * cells as u64;
        format!("{cells} combinations of {names}, {} rounds: {probes} probes a side", self.rounds)
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        // As many rounds as fit into a bound of probes, and two of the first key at least.
        let cells = self.cells.len().max(1) as u64;
        let rounds = self.rounds.min(QUICK_PROBES / cells).max(2);
        Arc::new(Self { rounds, keys: self.keys.min(rounds / 2).max(1), ..self.clone() })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            for variant in stage.variants() {
                results.push(self.side(stage, variant).await?);
            }
            Ok(results)
        })
    }
}

/// What was seen so far.
#[derive(Default)]
struct Seen {
    probes: u64,
    hits: u64,
    failed: u64,
    /// Canaries out of place, by the name of their axis.
    leaks: BTreeMap<String, u64>,
    /// Answers that lack the canary of whoever asked.
    missing: u64,
    /// Answers in an encoding that was not asked for.
    encodings: u64,
    told: Vec<String>,
    first_failure: Option<String>,
}

impl LeakProbe {
    async fn side(&self, stage: &Stage<'_>, variant: Variant) -> Result<ScenarioResult, LoadError> {
        let at_once = match stage.experiment().load {
            LoadModel::Closed { users } => users,
            LoadModel::Open { in_flight_max, .. } => in_flight_max,
        };
        let mut clients: Vec<(usize, Client)> = Vec::new();
        for (place, cell) in cells(&self.logged_in(stage, variant).await?).iter().enumerate() {
            let step = cell.request(&self.request);
            clients.push((place, stage.client_of(variant, &step).map_err(|why| stage.failed(why))?));
        }
        let mut order = SmallRng::seed_from_u64(stage.run().seed);
        let mut seen = Seen::default();
        for round in 0..self.rounds {
            let key = round % self.keys + 1;
            clients.shuffle(&mut order);
            if stage.is_stopped() {
                break;
            }
            clients = self.round(clients, at_once, key, &mut seen).await;
        }
        let mut result = stage.result(variant);
        self.tell(&seen, &mut result);
        Ok(result)
    }

    /// The axes with the cookies of those who had to log in.
    async fn logged_in(&self, stage: &Stage<'_>, variant: Variant) -> Result<Vec<Axis>, LoadError> {
        let mut axes = self.axes.clone();
        for value in axes.iter_mut().flat_map(|axis| &mut axis.values) {
            let Some(login) = &value.login else { continue };
            let mut client = stage.client_of(variant, login).map_err(|why| stage.failed(why))?;
            let reply = client.ask(&Values::default()).await;
            if let Some(why) = reply.error {
                return Err(stage.failed(format!("'{}' could not log in: {why}", value.name)));
            }
            let mut session = Session::default();
            session.take_cookies(&reply.headers);
            let cookies = session
                .cookie()
                .ok_or_else(|| stage.failed(format!("the login of '{}' set no cookie", value.name)))?;
            value.headers.push(("cookie".to_owned(), cookies.to_owned()));
        }
        Ok(axes)
    }

    /// Every combination asks once for a key, so many of them at the same time.
    async fn round(
        &self,
        clients: Vec<(usize, Client)>,
        at_once: usize,
        key: u64,
        seen: &mut Seen,
    ) -> Vec<(usize, Client)> {
        let mut waiting = clients.into_iter();
        let mut back = Vec::new();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < at_once
                && let Some((place, mut client)) = waiting.next()
            {
                tasks.spawn(async move {
                    let reply = client.ask(&Values { key, ..Values::default() }).await;
                    (place, client, reply)
                });
            }
            // A task that panicked would be a mistake of ours; its client is then missing.
            let Some(joined) = tasks.join_next().await else { return back };
            if let Ok((place, client, reply)) = joined {
                self.look(place, key, &reply, seen);
                back.push((place, client));
            }
        }
    }

    /// Looks for canaries in one answer.
    fn look(&self, place: usize, key: u64, reply: &Reply, seen: &mut Seen) {
        seen.probes += 1;
        if let Some(why) = &reply.error {
            seen.failed += 1;
            seen.first_failure.get_or_insert_with(|| why.clone());
            return;
        }
        seen.hits += u64::from(matches!(reply.outcome, Outcome::Hit | Outcome::Stale | Outcome::Revalidated));
        let Some(cell) = self.cells.get(place) else { return };
        let found = cell.look(&self.axes, key, reply);
        seen.missing += u64::from(found.is_missing);
        seen.encodings += u64::from(found.wrong_encoding.is_some());
        for axis in found.leaks.iter().map(|(axis, _)| axis) {
            *seen.leaks.entry(axis.clone()).or_default() += 1;
        }
        let told = found.leaks.into_iter().map(|(_, what)| what).chain(found.wrong_encoding);
        seen.told.extend(told.take(TOLD_MAX.saturating_sub(seen.told.len())));
    }

    fn tell(&self, seen: &Seen, result: &mut ScenarioResult) {
        let leaks: u64 = seen.leaks.values().sum();
        let count = |name: &str, count: u64| Figure::exact(name, Unit::Count, count as f64, seen.probes);
        let hits = (seen.probes > 0).then(|| seen.hits as f64 / seen.probes as f64);
        result.figures = vec![count("leaks", leaks)];
        for axis in &self.axes {
            let of_axis = seen.leaks.get(&axis.name).copied().unwrap_or(0);
            result.figures.push(count(&format!("leaks across {}", axis.name), of_axis));
        }
        result.figures.extend([
            count("answers without their own canary", seen.missing),
            count("answers in an encoding that was not asked for", seen.encodings),
            count("probes", seen.probes),
            count("failed probes", seen.failed),
            Figure::maybe("answers out of the cache", Unit::Share, hits, seen.probes),
        ]);
        result.failures.clone_from(&seen.told);
        if seen.missing > 0 {
            let missing = seen.missing;
            result.failures.push(format!("{missing} answers lack the canary of whoever asked"));
        }
        if let Some(why) = &seen.first_failure {
            result.failures.push(format!("{} probes failed, the first one: {why}", seen.failed));
        }
        if seen.hits == 0 {
            result.notes.push(
                "no answer came out of a cache, so nothing could leak and nothing is proven".to_owned(),
            );
        }
    }
}
