//! A stored response, and what can be read off it at a point of time.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{AGE, DATE, HeaderName};
use http::{HeaderMap, StatusCode};

use super::freshness::{Lifetime, since};
use super::targeted::Effective;
use super::{freshness, vary};

/// One stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its status code.
    pub status: StatusCode,
    /// Its fields, without those of one connection.
    pub headers: HeaderMap,
    /// When it was received or last validated, by this machine's clock.
    pub received: SystemTime,
    /// How old it was then (RFC 9111 §4.2.3).
    pub initial_age: Duration,
    /// When the origin was asked for it, by the system's clock to the microsecond.
    pub asked: SystemTime,
    /// The request fields that select it, and their values in the request that it answered.
    pub selected_by: Vec<(HeaderName, Option<String>)>,
    /// The whole body.
    pub body: Bytes,
}

/// An entry's age and lifetime at a point of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Its age.
    pub age: Duration,
    /// Its lifetime, on whatever ground.
    pub lifetime: Duration,
    /// What the origin allows.
    pub effective: Effective,
}

impl Entry {
    /// An entry of a response with these fields. `None` if its `Vary` can never match.
    #[must_use]
    pub fn new(
        request: &HeaderMap,
        status: StatusCode,
        headers: HeaderMap,
        times: Times,
        body: Bytes,
    ) -> Option<Self> {
        let initial_age = freshness::initial_age(&headers, times.requested, times.received);
        let Times { received, asked, .. } = times;
        let mut entry = Self { status, headers, received, initial_age, asked, selected_by: Vec::new(), body };
        entry.select_by(request)?;
        super::headers::remove_unstorable(&mut entry.headers);
        if !entry.headers.contains_key(DATE) {
            // A recipient with a clock notes when it came (RFC 9110 §6.6.1).
            let now = httpdate::fmt_http_date(times.received);
            if let Ok(now) = now.parse() {
                entry.headers.insert(DATE, now);
            }
        }
        Some(entry)
    }

    /// Takes the selecting values from a request, after `Vary` may have changed.
    pub(super) fn select_by(&mut self, request: &HeaderMap) -> Option<()> {
        let fields = vary::fields_of(&self.headers)?;
        let values = vary::selection(&fields, request);
        self.selected_by = fields.into_iter().zip(values).collect();
        Some(())
    }

    /// The request fields that select it.
    pub(super) fn fields(&self) -> Vec<HeaderName> {
        self.selected_by.iter().map(|(field, _)| field.clone()).collect()
    }

    /// Whether the entry answers a request with these fields (RFC 9111 §4.1).
    #[must_use]
    pub fn answers(&self, request: &HeaderMap) -> bool {
        self.selected_by.iter().all(|(field, value)| {
            vary::selection(std::slice::from_ref(field), request).first() == Some(value)
        })
    }

    /// Its age and lifetime at `now`.
    #[must_use]
    pub fn read(&self, now: SystemTime) -> Reading {
        let effective = Effective::of(&self.headers);
        let lifetime = Lifetime::of(&effective, self.status, &self.headers, self.received);
        let age = self.initial_age + since(now, self.received);
        Reading { age, lifetime: lifetime.duration(), effective }
    }

    /// Its fields changed by a 304 or a `HEAD`, its age counted anew (RFC 9111 §3.2).
    #[must_use]
    pub fn updated(&self, request: &HeaderMap, newer: &HeaderMap, times: Times) -> Option<Self> {
        let mut entry = self.clone();
        super::validation::update(&mut entry.headers, newer);
        entry.received = times.received;
        entry.asked = times.asked;
        entry.initial_age = freshness::initial_age(newer, times.requested, times.received);
        if !newer.contains_key(AGE) {
            // An old Age would be the age of the response that was replaced.
            entry.headers.remove(AGE);
        }
        entry.select_by(request)?;
        Some(entry)
    }
}

impl Reading {
    /// Whether it may be served without asking anyone.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.effective.directives.no_cache && self.lifetime > self.age
    }

    /// How long it has been stale; zero if it is fresh.
    #[must_use]
    pub fn staleness(&self) -> Duration {
        self.age.saturating_sub(self.lifetime)
    }

    /// Whole seconds of lifetime that are left; negative once it is stale.
    #[must_use]
    pub fn ttl_s(&self) -> i64 {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        seconds(self.lifetime) - seconds(self.age)
    }
}

/// When an exchange with the origin took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When the request was sent.
    pub requested: SystemTime,
    /// When the response's headers came.
    pub received: SystemTime,
    /// When the request was sent, by the system's clock, whatever the cache's own clock says: it is
    /// compared with the times of invalidations.
    pub asked: SystemTime,
}
