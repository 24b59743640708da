//! Staleness: a writer commits versions, readers report which one they are shown.
//!
//! Versions are numbers that only grow, so an answer is stale if, when it was asked for, a higher one
//! had been acknowledged to the writer. A write that is still under way makes nobody stale. Readers
//! may go round several processes of the service, whose own copies are where most of it hides.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::{LoadModel, ScenarioResult, Variant};
use tokio::task::JoinSet;

use crate::plan::fields::{Fields, Notes};
use crate::plan::hosts::{ServiceAddress, service_address};
use crate::plan::texts::Name;
use crate::plan::{Source, StepBody, StepPlan, steps};
use crate::runner::LoadError;
use crate::scenario::client::Client;
use crate::scenario::stage::Stage;
use crate::scenario::versions::{Reader, Versions};
use crate::scenario::{Context, Entry, Found, Scenario};
use crate::session::extract;
use crate::template::Values;

pub(super) const ENTRY: Entry = Entry {
    name: "staleness",
    about: "a writer commits versions, readers report them: stale reads, how long after the commit, steps back",
    read,
};

const WRITES_MAX: u64 = 10_000;
const PROCESSES_MAX: usize = 32;
/// The pause of a reader after each answer, unless the plan gives 'think_ms'.
const PAUSE: Duration = Duration::from_millis(1);
/// Unreadable answers in a row after which a reader gives up: the plan looks in the wrong place.
const FAILURES_MAX: u64 = 1_000;

#[derive(Debug, Clone)]
struct Staleness {
    write: StepPlan,
    /// The place of `{version}` among the values of a request.
    version_place: usize,
    version: Source,
    /// The other processes of the service that readers ask.
    processes: Vec<ServiceAddress>,
    writes: u64,
    every: Duration,
    first: u64,
    /// A value that is served longer than this after a commit is a failure.
    limit: Option<Duration>,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    context.need_single_request(notes, &fields);
    context.need_users(notes, &fields);
    context.known.learn("version");
    if fields.value("write").is_none() {
        let advice = "the request that commits {version}";
        notes.add(fields.span(), format!("{} needs 'write', {advice}", fields.name()));
    }
    let write = fields.table(notes, "write").and_then(|table| steps::step(notes, table, context.known));
    let write = write.map(with_bare_version);
    let version = version(notes, &mut fields);
    let processes = processes(notes, &mut fields, context.allow_hosts);
    let writes = fields.whole(notes, "writes", 1..=WRITES_MAX).unwrap_or(20);
    let every = fields.number(notes, "every_s", 0.001, 3_600.0).unwrap_or(0.5);
    let first = fields.whole(notes, "first", 1..=u64::from(u32::MAX)).unwrap_or(1);
    let limit = fields.number(notes, "stale_for_max_s", 0.0, 86_400.0).map(Duration::from_secs_f64);
    fields.finish(notes);
    let Some(Name::Extracted(version_place)) = context.known.find("version") else { return None };
    let every = Duration::from_secs_f64(every);
    Some(Arc::new(Staleness {
        write: write?,
        version_place,
        version: version?,
        processes,
        writes,
        every,
        first,
        limit,
    }))
}

/// A version is a number: `json = { v = "{version}" }` sends it without quotes.
fn with_bare_version(step: StepPlan) -> StepPlan {
    let body = step.body.map(|body| match body {
        StepBody::Json(text) => StepBody::Json(text.replace("\"{version}\"", "{version}")),
        text => text,
    });
    StepPlan { body, ..step }
}

/// Where the version stands in an answer.
fn version(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<Source> {
    let (text, at) = fields.required_string(notes, "version")?;
    Source::parse(&text).map_err(|fault| notes.add(at, format!("{} version: {fault}", fields.name()))).ok()
}

fn processes(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    allow_hosts: &[String],
) -> Vec<ServiceAddress> {
    let Some((urls, at)) = fields.strings(notes, "processes") else { return Vec::new() };
    if urls.len() > PROCESSES_MAX {
        notes.add(at.clone(), format!("{} processes: at most {PROCESSES_MAX}", fields.name()));
    }
    let mut addresses = Vec::new();
    for url in urls {
        match service_address(&url, allow_hosts) {
            Ok(address) => addresses.push(address),
            Err(fault) => notes.add(at.clone(), format!("{} processes: {fault}", fields.name())),
        }
    }
    addresses
}

impl Scenario for Staleness {
    fn describe(&self) -> String {
        let (writes, every) = (self.writes, self.every.as_secs_f64());
        match self.processes.len() {
            0 => format!("{writes} commits {every} s apart, one process"),
            more => format!("{writes} commits {every} s apart, {} processes", more + 1),
        }
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            writes: self.writes.min(8),
            every: self.every.min(Duration::from_millis(250)),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            let mut first = self.first;
            for variant in stage.variants() {
                results.push(self.side(stage, variant, first).await?);
                // Both sides may show the same row, so versions go on where the last side ended.
                first += self.writes;
            }
            Ok(results)
        })
    }
}

impl Staleness {
    async fn side(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
        first: u64,
    ) -> Result<ScenarioResult, LoadError> {
        let users = match stage.experiment().load {
            LoadModel::Closed { users } => users,
            LoadModel::Open { in_flight_max, .. } => in_flight_max,
        };
        let versions = Arc::new(Versions::new(first));
        let mut writer = stage.client_of(variant, &self.write).map_err(|why| stage.failed(why))?;
        self.commit(stage, &mut writer, &versions, first).await?;
        let pause = stage.experiment().pace.think.map_or(PAUSE, |(from, _)| from);
        let mut readers = JoinSet::new();
        for _ in 0..users {
            let clients = self.clients(stage, variant)?;
            readers.spawn(read_on(clients, Arc::clone(&versions), self.version.clone(), pause));
        }
        let mut written = Ok(());
        for version in first + 1..first + self.writes {
            stage.sleep(self.every).await;
            if stage.is_stopped() || written.is_err() {
                break;
            }
            written = self.commit(stage, &mut writer, &versions, version).await;
        }
        stage.sleep(self.every).await;
        versions.close();
        let readers = readers.join_all().await;
        written?;
        let mut result = stage.result(variant);
        versions.tell(&readers, self.limit, &mut result);
        Ok(result)
    }

    /// A client for each process, the side's own address first.
    fn clients(&self, stage: &Stage<'_>, variant: Variant) -> Result<Vec<Client>, LoadError> {
        let mut clients = vec![stage.client(variant)?];
        for address in &self.processes {
            clients.push(stage.client_at(variant, address)?);
        }
        Ok(clients)
    }

    async fn commit(
        &self,
        stage: &Stage<'_>,
        writer: &mut Client,
        versions: &Versions,
        version: u64,
    ) -> Result<(), LoadError> {
        let mut extracted = vec![None; self.version_place + 1];
        extracted[self.version_place] = Some(version.to_string());
        versions.begin(version);
        let reply = writer.ask(&Values { key: 1, extracted: &extracted, ..Values::default() }).await;
        if let Some(why) = reply.error {
            return Err(stage.failed(format!("version {version} could not be written: {why}")));
        }
        versions.acknowledge(version, reply.ended);
        Ok(())
    }
}

/// Reads until the versions are closed, each time from the next process.
async fn read_on(
    mut clients: Vec<Client>,
    versions: Arc<Versions>,
    source: Source,
    pause: Duration,
) -> Reader {
    let mut reader = Reader::default();
    let mut turn = 0;
    while !versions.is_closed() && reader.failures_in_a_row() < FAILURES_MAX {
        let Some(client) = clients.get_mut(turn) else { break };
        client.connect().await;
        let acknowledged = versions.acknowledged();
        let reply = client.ask(&Values { key: 1, ..Values::default() }).await;
        let shown = match &reply.error {
            Some(why) => Err(why.clone()),
            None => match extract(&source, &reply.headers, &reply.body) {
                Some(text) => text.trim().parse::<u64>().map_err(|_| format!("'{text}' is not a version")),
                None => Err("the answer shows no version".to_owned()),
            },
        };
        versions.note(&mut reader, acknowledged, shown, reply.ended);
        turn = (turn + 1) % clients.len();
        tokio::time::sleep(pause).await;
    }
    reader
}
