//! An exchange with the origin: asked, validated or replaced, stored, handed to those who wait.

use std::sync::Arc;
use std::time::SystemTime;

use hitmark_schema::cache_status::{CacheStatus, Forward};
use http::header::{CONTENT_LENGTH, IF_RANGE, RANGE};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode, response};

use super::body::{CachedBody, Limits, ReadAhead, read_ahead};
use super::counters::Answer;
use super::entry::{Entry, Times};
use super::flights::{Flight, Landing};
use super::keep::kept_for;
use super::origin::Origin;
use super::store_rules::{NotStored, may_store};
use super::visit::{Errand, Visit, is_failure};
use super::{answer, policy, status, validation};

type Answered<O> = Result<Response<CachedBody<<O as Origin>::Out>>, <O as Origin>::Error>;

/// What is known of an exchange once its headers are there.
struct Told {
    why: Forward,
    times: Times,
    flight: Option<Flight>,
    /// The client's condition was replaced by the cache's own.
    is_validation: bool,
}

impl<O: Origin> Visit<O> {
    /// Asks the origin, and answers with what came of it.
    pub(super) async fn fetch(&self, errand: Errand) -> Answered<O> {
        let Errand { why, stale, flight } = errand;
        let question = self.question(stale.as_deref());
        let is_validation = question.is_some();
        let (requested, asked) = (self.shared.config.clock.now(), SystemTime::now());
        let outcome = self.origin.ask(question.unwrap_or_else(|| self.parts.clone())).await;
        let times = Times { requested, received: self.shared.config.clock.now(), asked };
        let failure = failure_of(&outcome);
        if let (Some(status), Some(stale)) = (failure, &stale)
            && let Some(response) = self.stand_in(stale, why, status)
        {
            flight.into_iter().for_each(|flight| flight.land(Landing::Failed(status)));
            return Ok(response);
        }
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                self.shared.counters.answered(Answer::Error);
                flight.into_iter().for_each(|flight| flight.land(Landing::Failed(None)));
                return Err(error);
            }
        };
        let told = Told { why, times, flight, is_validation };
        match stale {
            Some(stale) if is_validation && response.status() == StatusCode::NOT_MODIFIED => {
                let (newer, _) = response.into_parts();
                Box::pin(self.revalidated(told, *stale, &newer.headers)).await
            }
            stale => Ok(self.replaced(told, stale.as_deref(), response).await),
        }
    }

    /// Asks the origin for the store's sake alone; whether something was stored.
    pub(super) async fn fetch_for_later(&self, errand: Errand) -> bool {
        match self.fetch(errand).await {
            Ok(response) => {
                let entry = response.headers().get_all(status::CACHE_STATUS).iter().next_back();
                let entry = entry.and_then(|entry| CacheStatus::parse(entry.to_str().ok()?));
                entry.is_some_and(|entry| entry.stored)
            }
            Err(_) => false,
        }
    }

    /// The request as a validation of what is stored; `None` if it has to go as it is.
    fn question(&self, stale: Option<&Entry>) -> Option<Parts> {
        let stale = stale.filter(|stale| validation::has_validator(&stale.headers))?;
        let headers = &self.parts.headers;
        let is_whole = !headers.contains_key(RANGE) && !headers.contains_key(IF_RANGE);
        (self.parts.method == Method::GET && is_whole).then(|| {
            let mut parts = self.parts.clone();
            validation::ask_whether_changed(&mut parts.headers, &stale.headers);
            parts
        })
    }

    /// The stale response in the place of a failed one, if that is allowed.
    pub(super) fn stand_in(
        &self,
        stale: &Entry,
        why: Forward,
        failed_with: Option<StatusCode>,
    ) -> Option<Response<CachedBody<O::Out>>> {
        let reading = stale.read(self.shared.config.clock.now());
        policy::may_stand_in(&self.asks, &reading, self.shared.config.stale_if_error).then(|| {
            self.shared.counters.answered(Answer::Stale);
            let mut entry = status::forwarded(&self.shared.config.name, why, failed_with);
            entry.ttl_s = Some(reading.ttl_s());
            entry.detail = Some("stale-if-error".to_owned());
            answer::of_entry(stale, reading.age, &self.parts, &entry)
        })
    }

    /// The stored response, which the origin said still holds.
    ///
    /// The question carried one response's validators, so the answer speaks of that one, even if an
    /// origin by mistake names another tag: the stored tag stays.
    async fn revalidated(&self, told: Told, stale: Entry, newer: &HeaderMap) -> Answered<O> {
        let Some(entry) = stale.updated(&self.parts.headers, newer, told.times) else {
            // Its `Vary` can match nothing any more: ask for a response of its own.
            self.shared.shelf.remove_entry(&self.uri, &stale).await;
            return self.fetch(Errand { why: told.why, stale: None, flight: told.flight }).await;
        };
        let allowed = self.may_store(entry.status, &entry.headers, told.times);
        let stored = match allowed {
            Ok(()) => self.keep(&entry).await,
            Err(reason) => {
                self.shared.counters.not_stored(reason);
                self.shared.shelf.remove_entry(&self.uri, &stale).await;
                false
            }
        };
        self.shared.counters.answered(Answer::Revalidated);
        let reading = entry.read(told.times.received);
        let mut line = status::forwarded(&self.shared.config.name, told.why, Some(StatusCode::NOT_MODIFIED));
        (line.stored, line.ttl_s) = (stored, Some(reading.ttl_s()));
        let response = answer::of_entry(&entry, reading.age, &self.parts, &line);
        self.land(told.flight, told.times, allowed.is_ok().then_some(entry));
        Ok(response)
    }

    /// A new response: stored if it may be, passed on in any case.
    async fn replaced(
        &self,
        told: Told,
        stale: Option<&Entry>,
        response: Response<O::Out>,
    ) -> Response<CachedBody<O::Out>> {
        self.shared.counters.answered(Answer::Miss);
        let (parts, body) = response.into_parts();
        let mut line = status::forwarded(&self.shared.config.name, told.why, Some(parts.status));
        let is_validation = told.is_validation;
        let allowed = self.may_store(parts.status, &parts.headers, told.times);
        let body = match allowed {
            Ok(()) => {
                let config = &self.shared.config;
                let limits = Limits {
                    most_bytes: config.max_body_bytes,
                    longest: config.max_body_wait,
                    held: &self.shared.held_bytes,
                    most_held: config.max_held_bytes,
                };
                let read = read_ahead(body, limits).await;
                self.store_read(told, &parts, read, &mut line).await
            }
            Err(reason) => {
                self.not_stored(reason, told.flight, stale, &parts, told.times.asked).await;
                line.detail = (reason != NotStored::Method).then(|| reason.as_str().to_owned());
                CachedBody::passing(body)
            }
        };
        answer::of_origin(parts, body, is_validation, &self.parts, &line)
    }

    /// Stores a body that was read whole, and tells of it.
    async fn store_read(
        &self,
        told: Told,
        parts: &response::Parts,
        read: ReadAhead<O::Out>,
        line: &mut CacheStatus,
    ) -> CachedBody<O::Out> {
        let bytes = match read {
            ReadAhead::Whole(bytes) if has_told_length(&parts.headers, bytes.len()) => bytes,
            ReadAhead::Whole(bytes) => {
                self.not_stored_body(told.flight, line);
                return CachedBody::whole(bytes);
            }
            ReadAhead::Unfit(body) => {
                self.not_stored_body(told.flight, line);
                return body;
            }
        };
        let entry =
            Entry::new(&self.parts.headers, parts.status, parts.headers.clone(), told.times, bytes.clone());
        if let Some(entry) = entry {
            line.stored = self.keep(&entry).await;
            line.ttl_s = Some(entry.read(told.times.received).ttl_s());
            self.shared.marks.clear(&self.uri);
            self.land(told.flight, told.times, Some(entry));
        }
        CachedBody::whole(bytes)
    }

    fn may_store(&self, status: StatusCode, headers: &HeaderMap, times: Times) -> Result<(), NotStored> {
        let (parts, cookies) = (&self.parts, self.shared.config.set_cookie);
        may_store(&parts.method, &parts.headers, status, headers, times.received, cookies)
    }

    /// Stores an entry; whether it is there now.
    async fn keep(&self, entry: &Entry) -> bool {
        let ttl = kept_for(entry, entry.received, &self.shared.config);
        let stored = self.shared.shelf.put(&self.uri, entry, ttl).await;
        if stored {
            self.shared.counters.stored();
        } else {
            self.shared.counters.not_stored(NotStored::Overtaken);
        }
        stored
    }

    /// Ends the wait of those who joined. What was invalidated meanwhile is not for them.
    fn land(&self, flight: Option<Flight>, times: Times, entry: Option<Entry>) {
        if let Some(flight) = flight {
            let may_share = !self.shared.shelf.is_void(&self.uri, times.asked);
            flight.land(match entry.filter(|_| may_share) {
                Some(entry) => Landing::Shared(Arc::new(entry)),
                None => Landing::Alone,
            });
        }
    }

    /// Deals with a response that may not be stored: nobody waits for it, and what it replaces goes.
    async fn not_stored(
        &self,
        reason: NotStored,
        flight: Option<Flight>,
        stale: Option<&Entry>,
        parts: &response::Parts,
        asked: SystemTime,
    ) {
        self.shared.counters.not_stored(reason);
        if let Some(flight) = flight {
            // A failure says nothing about the next answer.
            if !parts.status.is_server_error() {
                self.shared.marks.set(&self.uri, self.shared.config.uncacheable_for);
            }
            flight.land(Landing::Alone);
        }
        let Some(stale) = stale else { return };
        if self.parts.method == Method::HEAD {
            self.freshen(stale, parts, asked).await;
        } else if reason != NotStored::Partial && !parts.status.is_server_error() {
            self.shared.shelf.remove_entry(&self.uri, stale).await;
        }
    }

    fn not_stored_body(&self, flight: Option<Flight>, line: &mut CacheStatus) {
        self.shared.counters.not_stored(NotStored::Body);
        self.shared.marks.set(&self.uri, self.shared.config.uncacheable_for);
        line.detail = Some(NotStored::Body.as_str().to_owned());
        if let Some(flight) = flight {
            flight.land(Landing::Alone);
        }
    }

    /// What the answer to a `HEAD` says about a stored `GET` (RFC 9111 §4.3.5).
    async fn freshen(&self, stale: &Entry, parts: &response::Parts, asked: SystemTime) {
        if parts.status != stale.status {
            return;
        }
        let now = self.shared.config.clock.now();
        let times = Times { requested: now, received: now, asked };
        let updated = validation::describes(&parts.headers, &stale.headers)
            .then(|| stale.updated(&self.parts.headers, &parts.headers, times))
            .flatten();
        match updated {
            Some(entry) => {
                self.keep(&entry).await;
            }
            None => self.shared.shelf.remove_entry(&self.uri, stale).await,
        }
    }
}

/// How the origin failed, if it did: with a status or without.
fn failure_of<B, E>(outcome: &Result<Response<B>, E>) -> Option<Option<StatusCode>> {
    match outcome {
        Ok(response) => is_failure(response.status()).then(|| Some(response.status())),
        Err(_) => Some(None),
    }
}

/// Whether a body has the length that its headers tell, if they do.
fn has_told_length(headers: &HeaderMap, length: usize) -> bool {
    let told = headers.get(CONTENT_LENGTH).and_then(|told| told.to_str().ok()?.parse::<usize>().ok());
    told.is_none_or(|told| told == length)
}
