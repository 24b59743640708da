//! What one user does: it sends requests over its own connection and records what it saw.
//!
//! [`closed`] and [`open`] differ in when a request is due; sending, timing, checking and
//! recording are the same and stand here and in `judge`.

pub mod closed;
pub(crate) mod judge;
pub mod open;
mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hitmark_schema::{ErrorKind, Variant};

use crate::answer::AnswerReader;
use crate::equivalence::Equivalence;
use crate::plan::{CompareBodies, Cookies, ExperimentPlan};
use crate::request::Call;
use crate::session::{Session, extract};
use crate::transport::{BodyUse, Exchange, Failure, Transport};
use judge::Asked;
pub(crate) use judge::{plain_body, redirect};
pub use shared::{Journey, Shared, Step};

/// How long a user waits after it could not connect: a service that is down must not be hammered.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// Whether a user goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// It has another turn.
    Again,
    /// It is done.
    Done,
}

/// One user.
#[derive(Debug)]
pub struct User {
    number: u64,
    /// One connection, or two if the variants live at different addresses.
    transports: Vec<Transport>,
    sessions: [Session; 2],
    reader: AnswerReader,
    sent: u64,
    walk: Walk,
    /// When the pause after the last answer ends, if the plan has users think.
    rests_until: Option<Instant>,
    logged_in: bool,
}

/// Where a user stands in keys that have an order: both slices of a pair begin at the same place.
#[derive(Debug, Clone, Copy, Default)]
struct Walk {
    pair: u64,
    from: u64,
    furthest: u64,
}

/// Whether a request is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    On,
    Off,
}

/// What a user is about to do.
#[derive(Debug, Clone, Copy)]
struct Iteration {
    variant: Variant,
    key: Option<u64>,
    /// Draws the journey: equal for both variants of a pair.
    draw: u64,
    /// The intended start of an open model's arrival that was taken late; otherwise latency counts
    /// from the sending.
    due: Option<Instant>,
    recording: Recording,
}

impl User {
    /// A user that is not connected yet.
    #[must_use]
    pub fn new(number: u64, experiment: &ExperimentPlan, shared: &Shared) -> Self {
        let transports = shared.targets.iter().map(|target| Transport::new(Arc::clone(target))).collect();
        Self {
            number,
            transports,
            sessions: Default::default(),
            reader: AnswerReader::new(experiment.outcome.clone()),
            sent: 0,
            walk: Walk::default(),
            rests_until: None,
            logged_in: experiment.login.is_empty(),
        }
    }

    /// Does one journey: its requests, one after the other. After a failed one the rest is left out,
    /// since it would ask for what was never given.
    async fn iterate(&mut self, shared: &Shared, iteration: Iteration) {
        let Some(journey) = shared.journey(iteration.variant, iteration.draw) else { return };
        let mut due = iteration.due;
        for step in &journey.steps {
            if !self.request(shared, step, iteration, due.take()).await {
                return;
            }
        }
    }

    /// Sends one request and records it. Says whether it was answered rightly.
    async fn request(
        &mut self,
        shared: &Shared,
        step: &Step,
        iteration: Iteration,
        due: Option<Instant>,
    ) -> bool {
        let Iteration { variant, key, .. } = iteration;
        self.sent += 1;
        let watched =
            shared.compare_bodies == CompareBodies::Sample && Equivalence::is_watched(key, self.sent);
        let looks_inside = watched || step.expect.needs_body() || step.reads_body;
        let body_use = if looks_inside { BodyUse::Keep } else { BodyUse::Count };
        let exchange = self.exchange(shared, step, iteration, body_use).await;
        let values = shared.values(key, &self.sessions[variant.index()]);
        let asked = Asked { variant, key, watched, due, step, values: &values };
        let observation = match &exchange {
            Ok(exchange) => judge::answered(shared, &mut self.reader, &asked, exchange),
            Err(failure) => judge::failed(shared, &asked, failure),
        };
        if iteration.recording == Recording::On {
            shared.recorder.record(&observation);
        }
        match exchange {
            Ok(exchange) => {
                self.remember(shared, variant, step, &exchange);
                let place = variant.index().min(self.transports.len() - 1);
                self.transports[place].reuse(exchange);
            }
            Err(failure) if failure.kind == ErrorKind::Connect => tokio::time::sleep(RECONNECT_PAUSE).await,
            Err(_) => {}
        }
        observation.error.is_none()
    }

    /// Sends a request and, where the plan allows it, what its redirects ask for.
    async fn exchange(
        &mut self,
        shared: &Shared,
        step: &Step,
        iteration: Iteration,
        body_use: BodyUse,
    ) -> Result<Exchange, Failure> {
        let place = iteration.variant.index().min(self.transports.len() - 1);
        let transport = &mut self.transports[place];
        let session = &mut self.sessions[iteration.variant.index()];
        let values = shared.values(iteration.key, session);
        let call = Call::new(&step.template, &values);
        let mut exchange = transport.exchange(&call, body_use).await?;
        for _ in 0..shared.redirects_max {
            let Some(path) = judge::redirect(&exchange, shared.targets[place].address()) else { break };
            if shared.cookies == Cookies::Keep {
                session.take_cookies(&exchange.headers);
            }
            let values = shared.values(iteration.key, session);
            let call = Call { template: &step.template, values: &values, redirected_to: Some(path.as_str()) };
            let next = transport.exchange(&call, body_use).await?;
            // The latency is that of the whole chain, as the client's wait is.
            exchange = Exchange {
                started: exchange.started,
                body_bytes: exchange.body_bytes + next.body_bytes,
                ..next
            };
        }
        Ok(exchange)
    }

    /// Keeps what later requests need.
    fn remember(&mut self, shared: &Shared, variant: Variant, step: &Step, exchange: &Exchange) {
        let session = &mut self.sessions[variant.index()];
        if shared.cookies == Cookies::Keep {
            session.take_cookies(&exchange.headers);
        }
        if step.extract.is_empty() {
            return;
        }
        let body = judge::plain_body(exchange);
        for (place, source) in &step.extract {
            if let Some(value) = extract(source, &exchange.headers, body.as_deref().unwrap_or_default()) {
                session.keep(*place, value);
            }
        }
    }

    /// Connects ahead of the first request, and logs in. A failure shows when a request is sent.
    async fn connect(&mut self, shared: &Shared) {
        for transport in &mut self.transports {
            let _ = transport.connect().await;
        }
        if self.logged_in {
            return;
        }
        self.logged_in = true;
        for (place, login) in shared.login.iter().enumerate() {
            let variant = Variant::ALL[place];
            // Each user logs in with its own row of the data file.
            let key = Some(self.number + 1);
            let iteration = Iteration { variant, key, draw: 0, due: None, recording: Recording::Off };
            for step in login {
                if !self.request(shared, step, iteration, None).await {
                    shared.login_failed(self.number, variant, &step.name);
                    break;
                }
            }
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
