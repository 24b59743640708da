//! Clients that ask all the time for a key that expires meanwhile: the course of a service at work.

use std::time::Duration;

use hitmark_schema::{Figure, ScenarioResult, Unit, Variant};

use super::{Stampede, act, ratio};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::client::Client;
use crate::scenario::crowd::{self, Manners, Seen};
use crate::scenario::peak;
use crate::scenario::probe::OriginProbe;
use crate::scenario::stage::Stage;

/// The pause of a client after each answer, unless the plan gives 'think_ms'.
const THINK: Duration = Duration::from_millis(20);

/// The options of this course.
pub(super) struct Steady<'a> {
    pub(super) of: &'a Stampede,
    pub(super) length: Duration,
    pub(super) expire: Option<&'a (Action, Duration)>,
    pub(super) slow: Duration,
}

impl Steady<'_> {
    pub(super) async fn side(
        &self,
        stage: &Stage<'_>,
        variant: Variant,
        clients: Vec<Client>,
    ) -> Result<ScenarioResult, LoadError> {
        if let Some(flush) = &self.of.flush {
            act(stage, variant, flush).await?;
        }
        let users = clients.len();
        let manners = Manners {
            think: stage.experiment().pace.think.unwrap_or((THINK, THINK)),
            jitter: self.of.jitter,
            keys: self.of.hot_keys,
            slow: self.slow,
            seed: stage.run().seed,
        };
        let mut origin = stage.origin_probe(variant).await;
        // What the action before called is not the crowd's.
        origin.calls(0).await;
        let work = crowd::until(clients, &manners, self.course(stage, variant));
        let ((seen, expiries), told) = if origin.asks_the_service() {
            peak::during(stage, variant, work).await
        } else {
            (work.await, None)
        };
        let expiries = expiries?;
        let calls = origin.calls(seen.of_origin).await;
        let mut result = stage.result(variant);
        result.figures = self.figures(&seen, users, calls, told.or_else(|| seen.most_at_once()), expiries);
        result.notes = notes_of(&seen, &origin, calls);
        Ok(result)
    }

    /// Lets time go by, with the expiries that the plan makes; how many there were.
    async fn course(&self, stage: &Stage<'_>, variant: Variant) -> Result<Option<u64>, LoadError> {
        let Some((expire, every)) = self.expire else {
            stage.sleep(self.length).await;
            return Ok(None);
        };
        let (mut left, mut expiries) = (self.length, 0);
        while left > *every && !stage.is_stopped() {
            stage.sleep(*every).await;
            left -= *every;
            act(stage, variant, expire).await?;
            expiries += 1;
        }
        stage.sleep(left).await;
        Ok(Some(expiries))
    }

    fn figures(
        &self,
        seen: &Seen,
        users: usize,
        calls: Option<u64>,
        most: Option<u64>,
        expiries: Option<u64>,
    ) -> Vec<Figure> {
        let requests = seen.requests;
        let whole = |count: u64| count as f64;
        let mut figures = vec![
            Figure::maybe("origin calls", Unit::Count, calls.map(whole), requests),
            Figure::maybe("peak origin concurrency", Unit::Count, most.map(whole), requests),
            Figure::exact("slow requests", Unit::Count, whole(seen.slow), requests),
            Figure::maybe("p50", Unit::Seconds, seen.quantile_s(0.5), requests),
            Figure::maybe("p99", Unit::Seconds, seen.quantile_s(0.99), requests),
            Figure::maybe("hit ratio", Unit::Share, ratio(whole(seen.hits), seen.told), seen.told),
            Figure::maybe("coalesced share", Unit::Share, ratio(whole(seen.collapsed), requests), requests),
            Figure::exact("requests", Unit::Count, whole(requests), requests),
            Figure::exact("clients", Unit::Count, users as f64, 1),
            Figure::maybe("failed requests", Unit::Share, ratio(whole(seen.failed), requests), requests),
        ];
        if let Some(expiries) = expiries {
            figures.push(Figure::exact("expiries", Unit::Count, whole(expiries), 1));
        }
        figures
    }
}

fn notes_of(seen: &Seen, origin: &OriginProbe, calls: Option<u64>) -> Vec<String> {
    let mut notes = vec![origin.note().to_owned()];
    if calls.is_none() {
        notes.push("the service's count of origin calls could not be read".to_owned());
    }
    if let Some(why) = &seen.first_failure {
        notes.push(format!("requests failed, the first one: {why}"));
    }
    notes
}
