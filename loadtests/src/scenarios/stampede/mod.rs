//! Stampede: many clients ask for a hot key in the moment after it expired.
//!
//! Hit ratios hide it: with and without protection they are 99 % and more, while one expiry costs one
//! origin call or as many as there are clients. So origin calls are counted, and how many of them are
//! under way at once. Either the expiries are made one by one ([`bursts`]): the key is expired, all
//! clients are released by one barrier. Or, with `length_s`, the clients ask all the time and the key
//! expires by itself ([`steady`]), as it does in a service at work.

mod bursts;
mod steady;

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::{LoadModel, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::client::Client;
use crate::scenario::stage::Stage;
use crate::scenario::{Context, Entry, Found, Scenario};

pub(super) const ENTRY: Entry = Entry {
    name: "stampede",
    about: "users ask for a hot key as it expires: origin calls per expiry, herd factor, coalesced share",
    read,
};

const EXPIRIES_MAX: u64 = 1_000;
const HOT_KEYS_MAX: u64 = 1_000;
const SETTLE_S_MAX: f64 = 60.0;
const JITTER_MS_MAX: f64 = 60_000.0;
const LENGTH_S_MAX: f64 = 3_600.0;
/// How long after a burst a background refresh may still call the origin, unless the plan says more.
const SETTLE_S: f64 = 0.3;
/// From how long on a request counts as slow, unless the plan says it.
const SLOW_MS: f64 = 100.0;

/// The options.
#[derive(Debug, Clone)]
struct Stampede {
    course: Course,
    /// What empties the cache, so that the beginning finds nothing at all.
    flush: Option<Action>,
    hot_keys: u64,
    /// Each client asks at a moment of its own within this time.
    jitter: Duration,
}

/// How keys expire under how much load.
#[derive(Debug, Clone)]
enum Course {
    /// One expiry after another, all clients at once.
    Bursts { expire: Action, expiries: u64, settle: Duration },
    /// All clients all the time.
    Steady { length: Duration, expire: Option<(Action, Duration)>, slow: Duration },
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    context.need_single_request(notes, &fields);
    context.need_users(notes, &fields);
    let course = course(notes, &mut fields, context);
    let flush = Action::read(notes, &mut fields, "flush", context.known);
    let hot_keys = fields.whole(notes, "hot_keys", 1..=HOT_KEYS_MAX).unwrap_or(1);
    let jitter = fields.number(notes, "jitter_ms", 0.0, JITTER_MS_MAX).unwrap_or(0.0);
    if hot_keys > 1 {
        context.need_keys(notes, &fields, "hot_keys");
    }
    fields.finish(notes);
    let jitter = Duration::from_secs_f64(jitter / 1e3);
    Some(Arc::new(Stampede { course: course?, flush, hot_keys, jitter }))
}

/// With `length_s` the clients ask all the time; what belongs to the other course is then no option.
fn course(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>, context: &mut Context<'_>) -> Option<Course> {
    if fields.value("length_s").is_none() {
        let expire = Action::required(notes, fields, "expire", context.known);
        let expiries = fields.whole(notes, "expiries", 1..=EXPIRIES_MAX).unwrap_or(10);
        let settle = fields.number(notes, "settle_s", 0.0, SETTLE_S_MAX).unwrap_or(SETTLE_S);
        return Some(Course::Bursts { expire: expire?, expiries, settle: Duration::from_secs_f64(settle) });
    }
    let length = fields.number(notes, "length_s", 0.1, LENGTH_S_MAX)?;
    let slow = fields.number(notes, "slow_ms", 0.001, 60_000.0).unwrap_or(SLOW_MS);
    let every = fields.number(notes, "every_s", 0.01, LENGTH_S_MAX);
    let expire = Action::read(notes, fields, "expire", context.known);
    if expire.is_some() != every.is_some() {
        let advice = "'expire' and 'every_s' need each other beside 'length_s'; without them the key expires by itself";
        notes.add(fields.span(), format!("{}: {advice}", fields.name()));
    }
    Some(Course::Steady {
        length: Duration::from_secs_f64(length),
        expire: expire.zip(every.map(Duration::from_secs_f64)),
        slow: Duration::from_secs_f64(slow / 1e3),
    })
}

impl Scenario for Stampede {
    fn describe(&self) -> String {
        match &self.course {
            Course::Bursts { expire, expiries, .. } => {
                format!("{expiries} synchronised expiries by {}", expire.describe())
            }
            Course::Steady { length, expire: None, .. } => {
                format!("{} s of requests for a key that expires by itself", length.as_secs_f64())
            }
            Course::Steady { length, expire: Some((expire, every)), .. } => {
                let (length, every) = (length.as_secs_f64(), every.as_secs_f64());
                format!("{length} s of requests, an expiry each {every} s by {}", expire.describe())
            }
        }
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        let mut quick = self.clone();
        match &mut quick.course {
            Course::Bursts { expiries, settle, .. } => {
                *expiries = (*expiries).min(3);
                *settle = (*settle).min(Duration::from_millis(300));
            }
            Course::Steady { length, expire, .. } => {
                *length = (*length).min(Duration::from_secs(4));
                if let Some((_, every)) = expire {
                    *every = (*every).min(*length / 3);
                }
            }
        }
        Arc::new(quick)
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut results = Vec::new();
            for variant in stage.variants() {
                let clients = clients(stage, variant)?;
                results.push(match &self.course {
                    Course::Bursts { expire, expiries, settle } => {
                        let bursts =
                            bursts::Bursts { of: self, expire, expiries: *expiries, settle: *settle };
                        bursts.side(stage, variant, clients).await?
                    }
                    Course::Steady { length, expire, slow } => {
                        let steady = steady::Steady {
                            of: self,
                            length: *length,
                            expire: expire.as_ref(),
                            slow: *slow,
                        };
                        steady.side(stage, variant, clients).await?
                    }
                });
            }
            Ok(results)
        })
    }
}

/// As many clients as the plan has users.
fn clients(stage: &Stage<'_>, variant: Variant) -> Result<Vec<Client>, LoadError> {
    let users = match stage.experiment().load {
        LoadModel::Closed { users } => users,
        LoadModel::Open { in_flight_max, .. } => in_flight_max,
    };
    (0..users).map(|_| stage.client(variant)).collect()
}

async fn act(stage: &Stage<'_>, variant: Variant, action: &Action) -> Result<(), LoadError> {
    action.perform(stage, variant).await.map_err(|why| stage.failed(why))
}

fn ratio(part: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| part / of as f64)
}
