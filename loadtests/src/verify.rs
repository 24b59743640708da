//! Each request of a plan once, on each side, checked: a rehearsal without a stopwatch.
//!
//! Apart from the load, since nothing is repeated, recorded or written: it tells in a second what a
//! run of minutes would void.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::{Outcome, Variant};

use crate::answer::AnswerReader;
use crate::checks::refusal;
use crate::plan::{CompareBodies, Cookies, ExperimentPlan, Plan, StepPlan, VariantSettings};
use crate::request::Call;
use crate::runner::{LoadError, start_services, targets};
use crate::session::{Session, extract};
use crate::template::Values;
use crate::transport::{BodyUse, Exchange, Target, Transport};
use crate::user::{Step, plain_body, redirect};

/// One request that was sent.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The experiment.
    pub experiment: String,
    /// The side.
    pub variant: Variant,
    /// The request line.
    pub request: String,
    /// The status; none if no answer came.
    pub status: Option<u16>,
    /// How the cache answered.
    pub outcome: Outcome,
    /// Bytes of the body as they crossed the wire.
    pub body_bytes: u64,
    /// From the sending to the last byte.
    pub took: Duration,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// Sends each request of a plan once, experiment by experiment, and tells of each.
///
/// # Errors
///
/// If a service that the plan starts does not come up, or a request cannot be built.
pub async fn verify(plan: &Plan, mut tell: impl FnMut(&Verified)) -> Result<Vec<Verified>, LoadError> {
    let mut all = Vec::new();
    for experiment in &plan.experiments {
        let services = start_services(experiment).await?;
        let mut bodies = HashMap::new();
        let targets = targets(experiment)?;
        for variant in Variant::ALL {
            let Some(side) = experiment.side(variant) else { continue };
            let target = &targets[variant.index().min(targets.len() - 1)];
            let mut rehearsal = Rehearsal::new(experiment, side, variant, target, plan.run.seed);
            for (number, step) in rehearsal.steps()?.into_iter().enumerate() {
                let verified = rehearsal.send(&step, number, &mut bodies).await;
                tell(&verified);
                all.push(verified);
            }
        }
        for service in services {
            service.stop().await;
        }
    }
    Ok(all)
}

/// One side of an experiment, rehearsed.
struct Rehearsal<'p> {
    experiment: &'p ExperimentPlan,
    side: &'p VariantSettings,
    variant: Variant,
    transport: Transport,
    session: Session,
    reader: AnswerReader,
    key: u64,
}

impl<'p> Rehearsal<'p> {
    fn new(
        experiment: &'p ExperimentPlan,
        side: &'p VariantSettings,
        variant: Variant,
        target: &Arc<Target>,
        seed: u64,
    ) -> Self {
        Self {
            experiment,
            side,
            variant,
            transport: Transport::new(Arc::clone(target)),
            session: Session::default(),
            reader: AnswerReader::new(experiment.outcome.clone()),
            // Both sides ask for the same key.
            key: experiment.keys.as_ref().map_or(1, |keys| keys.stream(seed, 0).next_key()),
        }
    }

    fn steps(&self) -> Result<Vec<Step>, LoadError> {
        let journeys = self.experiment.journeys.iter().flat_map(|journey| &journey.steps);
        let steps: Vec<&StepPlan> = self.experiment.login.iter().chain(journeys).collect();
        let step = |(number, step): (usize, &&StepPlan)| {
            Step::new(self.experiment, step, number as u64, self.side)
                .map_err(|source| LoadError::Request { experiment: self.experiment.name.clone(), source })
        };
        steps.iter().enumerate().map(step).collect()
    }

    fn values(&self) -> Values<'_> {
        values(self.experiment, &self.session, self.key)
    }

    async fn send(&mut self, step: &Step, number: usize, bodies: &mut HashMap<usize, Vec<u8>>) -> Verified {
        let request = step.template.line(&self.values());
        let answered = self.exchange(step).await;
        let verified = |status, outcome, body_bytes, took, fault| Verified {
            experiment: self.experiment.name.clone(),
            variant: self.variant,
            request,
            status,
            outcome,
            body_bytes,
            took,
            fault,
        };
        let exchange = match answered {
            Ok(exchange) => exchange,
            Err(fault) => return verified(None, Outcome::Error, 0, Duration::ZERO, Some(fault)),
        };
        let took = exchange.body_at - exchange.started;
        let plain = plain_body(&exchange).map(std::borrow::Cow::into_owned);
        let mut fault = if step.expect.statuses.contains(&exchange.status) {
            match &plain {
                Some(body) => refusal(&step.expect, &exchange.headers, exchange.body_bytes, body),
                None => Some("the body cannot be decoded".to_owned()),
            }
        } else {
            Some(format!("status {}, expected {:?}", exchange.status, step.expect.statuses))
        };
        let body = plain.unwrap_or_default();
        let is_login = number < self.experiment.login.len();
        if self.experiment.compare_bodies == CompareBodies::Sample && !is_login && fault.is_none() {
            match bodies.get(&number) {
                Some(baseline) if *baseline != body => {
                    fault = Some("the body differs from the baseline's".to_owned());
                }
                Some(_) => {}
                None => drop(bodies.insert(number, body.clone())),
            }
        }
        let outcome = self.reader.read(&exchange.headers).outcome;
        let lost =
            step.extract.iter().find_map(|(place, source)| match extract(source, &exchange.headers, &body) {
                Some(value) => {
                    self.session.keep(*place, value);
                    None
                }
                None => Some(format!("'{}' is not in the answer", self.experiment.known.extracted[*place])),
            });
        verified(Some(exchange.status), outcome, exchange.body_bytes, took, fault.or(lost))
    }

    async fn exchange(&mut self, step: &Step) -> Result<Exchange, String> {
        let mut redirected_to: Option<String> = None;
        for followed in 0.. {
            // Beside the transport, which is to be changed meanwhile.
            let values = values(self.experiment, &self.session, self.key);
            let path = redirected_to.take();
            let call = Call { template: &step.template, values: &values, redirected_to: path.as_deref() };
            let exchange =
                self.transport.exchange(&call, BodyUse::Keep).await.map_err(|failure| failure.detail)?;
            if self.experiment.cookies == Cookies::Keep {
                self.session.take_cookies(&exchange.headers);
            }
            match redirect(&exchange, &self.side.address) {
                Some(path) if followed < self.experiment.redirects_max => redirected_to = Some(path),
                _ => return Ok(exchange),
            }
        }
        Err("redirected without end".to_owned())
    }
}

fn values<'v>(experiment: &'v ExperimentPlan, session: &'v Session, key: u64) -> Values<'v> {
    Values {
        key,
        key_text: experiment.keys.as_ref().and_then(|keys| keys.text(key)),
        row: experiment.data.as_ref().map_or(&[][..], |data| data.row(key)),
        extracted: &session.extracted,
        cookie: session.cookie(),
    }
}
