//! What one user does: it sends requests over its own connection and records what it saw.
//!
//! [`closed`] and [`open`] differ in when a request is due; sending, timing, checking and
//! recording are the same and stand here.

pub mod closed;
pub mod open;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::{ErrorKind, Outcome, Variant};

use crate::answer::AnswerReader;
use crate::equivalence::{Equivalence, Finding};
use crate::keys::KeyChoice;
use crate::plan::{CompareBodies, ExperimentPlan};
use crate::recorder::{Observation, Recorder};
use crate::request::{RequestError, RequestTemplate};
use crate::runner::{Sink, Stop};
use crate::transport::{BodyUse, Exchange, Failure, Transport};
use crate::watch::Watch;

/// How long a user waits after it could not connect: a service that is down must not be hammered.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// What all users of an attack share.
#[derive(Debug)]
pub struct Shared {
    pub(crate) templates: [Option<RequestTemplate>; 2],
    pub(crate) keys: Option<KeyChoice>,
    pub(crate) seed: u64,
    pub(crate) expect_status: Vec<u16>,
    pub(crate) compare_bodies: CompareBodies,
    pub(crate) recorder: Recorder,
    pub(crate) equivalence: Equivalence,
    pub(crate) watch: Watch,
    pub(crate) sink: Arc<Sink>,
    pub(crate) stop: Stop,
}

impl Shared {
    /// Prepares an experiment for its users.
    ///
    /// # Errors
    ///
    /// If a request cannot be built, which a checked plan excludes.
    pub fn new(
        experiment: &ExperimentPlan,
        seed: u64,
        sink: Arc<Sink>,
        stop: Stop,
    ) -> Result<Self, RequestError> {
        let template =
            |variant| experiment.side(variant).map(|side| RequestTemplate::new(experiment, side)).transpose();
        Ok(Self {
            templates: [template(Variant::Baseline)?, template(Variant::Candidate)?],
            keys: experiment.keys,
            seed,
            expect_status: experiment.expect_status.clone(),
            compare_bodies: experiment.compare_bodies,
            recorder: Recorder::default(),
            equivalence: Equivalence::default(),
            watch: Watch::new(&experiment.slug),
            sink,
            stop,
        })
    }
}

/// One user.
#[derive(Debug)]
pub struct User {
    number: u64,
    /// One connection, or two if the variants live at different addresses.
    transports: Vec<Transport>,
    reader: AnswerReader,
    sent: u64,
}

/// Whether a request is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    On,
    Off,
}

impl User {
    /// A user that is not connected yet.
    #[must_use]
    pub fn new(number: u64, experiment: &ExperimentPlan) -> Self {
        let mut transports = vec![Transport::new(experiment.baseline.address.clone(), experiment.timeout)];
        if let Some(candidate) = &experiment.candidate
            && (&candidate.address.host, candidate.address.port)
                != (&experiment.baseline.address.host, experiment.baseline.address.port)
        {
            transports.push(Transport::new(candidate.address.clone(), experiment.timeout));
        }
        Self { number, transports, reader: AnswerReader::default(), sent: 0 }
    }

    /// Sends one request and records it. `due` is the intended start of an open model's arrival
    /// that was taken late; otherwise latency counts from the sending.
    async fn request(
        &mut self,
        shared: &Shared,
        variant: Variant,
        key: Option<u64>,
        due: Option<Instant>,
        recording: Recording,
    ) {
        let Some(template) = &shared.templates[variant.index()] else { return };
        self.sent += 1;
        let watched =
            shared.compare_bodies == CompareBodies::Sample && Equivalence::is_watched(key, self.sent);
        let body_use = if watched { BodyUse::Keep } else { BodyUse::Count };
        let place = variant.index().min(self.transports.len() - 1);
        let exchange = match template.request(key.unwrap_or(0)) {
            Ok(request) => self.transports[place].exchange(request, body_use).await,
            Err(error) => Err(Failure::unsent(&error)),
        };
        let observation = match exchange {
            Ok(exchange) => self.judge(shared, variant, key, due, watched, &exchange),
            Err(failure) => {
                let observation = failed(variant, due, &failure);
                shared.watch.request(variant, true, &shared.sink, || {
                    format!(
                        "{}: {}: {}",
                        template.line(key.unwrap_or(0)),
                        failure.kind.as_str(),
                        failure.detail
                    )
                });
                if failure.kind == ErrorKind::Connect {
                    tokio::time::sleep(RECONNECT_PAUSE).await;
                }
                observation
            }
        };
        if recording == Recording::On {
            shared.recorder.record(&observation);
        }
    }

    /// Turns an answered request into an observation: right or wrong, and by which outcome.
    fn judge(
        &mut self,
        shared: &Shared,
        variant: Variant,
        key: Option<u64>,
        due: Option<Instant>,
        watched: bool,
        exchange: &Exchange,
    ) -> Observation {
        let answer = self.reader.read(&exchange.headers);
        let line = || {
            shared.templates[variant.index()]
                .as_ref()
                .map(|template| template.line(key.unwrap_or(0)))
                .unwrap_or_default()
        };
        let mut error = None;
        let mut compared = false;
        if !shared.expect_status.contains(&exchange.status) {
            error = Some(ErrorKind::Status);
            shared
                .watch
                .request(variant, true, &shared.sink, || format!("{}: status {}", line(), exchange.status));
        } else if watched {
            match shared.equivalence.compare(variant, key, exchange.status, &exchange.body) {
                Finding::Unpaired => {}
                Finding::Same => compared = true,
                Finding::Different(how) => {
                    compared = true;
                    error = Some(ErrorKind::Mismatch);
                    shared.watch.mismatch(variant, &shared.sink, || format!("{}: {how}", line()));
                }
            }
        }
        if error.is_none() {
            shared.watch.request(variant, false, &shared.sink, line);
        }
        if answer.outcome.asked_the_cache() {
            shared.watch.cache(variant, answer.cache_unreachable, &shared.sink, line);
        }
        let from = due.unwrap_or(exchange.started);
        Observation {
            variant,
            outcome: if error.is_some() { Outcome::Error } else { answer.outcome },
            headers_ns: Some(nanoseconds(exchange.headers_at - from)),
            body_ns: nanoseconds(exchange.body_at - from),
            body_bytes: exchange.body_bytes,
            error,
            cache_unreachable: answer.cache_unreachable,
            compared,
        }
    }
}

impl Failure {
    fn unsent(error: &RequestError) -> Self {
        let now = Instant::now();
        Self { kind: ErrorKind::Protocol, detail: error.to_string(), started: now, ended: now }
    }
}

fn failed(variant: Variant, due: Option<Instant>, failure: &Failure) -> Observation {
    Observation {
        variant,
        outcome: Outcome::Error,
        headers_ns: None,
        body_ns: nanoseconds(failure.ended - due.unwrap_or(failure.started)),
        body_bytes: 0,
        error: Some(failure.kind),
        cache_unreachable: false,
        compared: false,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
