//! A request's way through the cache: looked up, decided, joined with others or sent on.

use std::sync::Arc;

use bytes::Bytes;
use hitmark_schema::cache_status::Forward;
use http::header::{AUTHORIZATION, IF_RANGE, RANGE};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use tower::{Service, ServiceExt as _};

use super::body::CachedBody;
use super::config::RequestDirectivesPolicy;
use super::counters::{Answer, Refresh};
use super::directives::RequestDirectives;
use super::entry::{Entry, Reading};
use super::flights::{self, Boarding, Flight, Landing};
use super::index::selection_id;
use super::origin::{Inner, Origin};
use super::policy::{self, Decision};
use super::service::Shared;
use super::store::{Found, Look};
use super::{answer, other_methods, status, validation, vary};
use crate::Key;

/// How often a request that waited for others looks again before it asks the origin itself.
const MAX_WAITS: usize = 2;

/// A `GET` or `HEAD` that may be answered from the store.
#[derive(Clone)]
pub(super) struct Visit<O> {
    pub(super) origin: O,
    pub(super) shared: Arc<Shared>,
    pub(super) uri: Key,
    pub(super) parts: Parts,
    pub(super) asks: RequestDirectives,
}

/// Why the origin is asked, and what is stored that may be validated or stand in.
pub(super) struct Errand {
    pub(super) why: Forward,
    pub(super) stale: Option<Box<Entry>>,
    pub(super) flight: Option<Flight>,
}

/// Answers any request.
pub(super) async fn answer<S, In, Out>(
    inner: S,
    shared: Arc<Shared>,
    request: Request<In>,
) -> Result<Response<CachedBody<Out>>, S::Error>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send,
    In: Body + Default + Send + 'static,
    Out: Body<Data = Bytes> + Send + 'static,
    Out::Error: Send,
{
    let (parts, body) = request.into_parts();
    let is_read = matches!(parts.method, Method::GET | Method::HEAD);
    let uri = shared.key_of(&parts).filter(|_| is_read && body.is_end_stream());
    match uri {
        Some(uri) if !validation::needs_origin(&parts.headers) => {
            let asks = asks(&shared, &parts);
            let visit = Visit { origin: Inner::<S, In>::new(inner), shared, uri, parts, asks };
            visit.run().await
        }
        _ => {
            let why = match (is_read, uri) {
                (false, _) => Forward::Method,
                (true, Some(_)) => Forward::Request,
                (true, None) => Forward::Bypass,
            };
            let response = inner.oneshot(Request::from_parts(parts.clone(), body)).await?;
            Ok(other_methods::passed_on(&shared, &parts, why, response).await)
        }
    }
}

fn asks(shared: &Shared, parts: &Parts) -> RequestDirectives {
    let asks = RequestDirectives::of(&parts.headers);
    match shared.config.request_directives {
        RequestDirectivesPolicy::Honour => asks,
        RequestDirectivesPolicy::Ignore => RequestDirectives {
            no_store: asks.no_store,
            only_if_cached: asks.only_if_cached,
            ..RequestDirectives::default()
        },
    }
}

impl<O: Origin> Visit<O> {
    async fn run(self) -> Result<Response<CachedBody<O::Out>>, O::Error> {
        let mut flight = None;
        let mut waits = 0;
        let mut look = Look::First;
        loop {
            let looked = self.look(std::mem::replace(&mut look, Look::Again)).await;
            let (why, stale, key) = match looked {
                Ok((entry, reading, decision)) => return Ok(self.served(&entry, reading, decision, flight)),
                Err(absent) => absent,
            };
            if self.asks.only_if_cached {
                self.shared.counters.answered(Answer::Error);
                return Ok(answer::only_if_cached(&self.shared.config.name));
            }
            let is_alone = waits == MAX_WAITS || !self.may_join(why, stale.is_some());
            if flight.is_some() || is_alone {
                return self.fetch(Errand { why, stale, flight }).await;
            }
            match self.shared.flights.board(&key) {
                // Once more round: the exchange before may have stored something since.
                Boarding::Lead(lead) => flight = Some(lead),
                Boarding::Follow(wait) => {
                    waits += 1;
                    let most = self.shared.config.max_collapse_wait;
                    match flights::landing(wait, most).await {
                        Landing::Shared(entry) => {
                            if let Some(response) = self.collapsed(&entry, why) {
                                return Ok(response);
                            }
                        }
                        Landing::Failed(status) => {
                            let stands_in = stale.and_then(|stale| self.stand_in(&stale, why, status));
                            if let Some(response) = stands_in {
                                return Ok(response);
                            }
                            waits = MAX_WAITS;
                        }
                        // Another one of those who waited takes the lead.
                        Landing::Abandoned => {}
                        Landing::Alone | Landing::Awaited => waits = MAX_WAITS,
                    }
                }
            }
        }
    }

    /// What is stored and may be served; or why not, what may be validated, and the key under which
    /// others wait for the same.
    async fn look(
        &self,
        look: Look,
    ) -> Result<(Box<Entry>, Reading, Decision), (Forward, Option<Box<Entry>>, Key)> {
        match self.shared.shelf.find(&self.uri, &self.parts.headers, look).await {
            Found::Nothing => Err((Forward::UriMiss, None, self.uri.clone())),
            Found::OtherRepresentations(fields) => {
                let values = vary::selection(&fields, &self.parts.headers);
                Err((Forward::VaryMiss, None, self.uri.clone().id(selection_id(&fields, &values))))
            }
            Found::Entry(entry) => {
                let reading = entry.read(self.shared.config.clock.now());
                let key = if entry.selected_by.is_empty() {
                    self.uri.clone()
                } else {
                    self.uri.clone().id(super::store::id_of(&entry))
                };
                match policy::decide(&self.asks, &reading) {
                    Decision::Request => Err((Forward::Request, Some(entry), key)),
                    Decision::Stale => Err((Forward::Stale, Some(entry), key)),
                    serve => {
                        if serve == Decision::ServeWhileRevalidating {
                            self.refresh(&entry, &key);
                        }
                        Ok((entry, reading, serve))
                    }
                }
            }
        }
    }

    fn served(
        &self,
        entry: &Entry,
        reading: Reading,
        decision: Decision,
        flight: Option<Flight>,
    ) -> Response<CachedBody<O::Out>> {
        if let Some(flight) = flight {
            // Stored while this request was about to lead: those who wait for it get it too.
            flight.land(Landing::Shared(Arc::new(entry.clone())));
        }
        let is_fresh = decision == Decision::Serve;
        self.shared.counters.answered(if is_fresh { Answer::Hit } else { Answer::Stale });
        let entry_status = status::hit(&self.shared.config.name, reading.ttl_s());
        answer::of_entry(entry, reading.age, &self.parts, &entry_status)
    }

    /// The answer that another request's exchange brought, if it fits this one too.
    fn collapsed(&self, entry: &Entry, why: Forward) -> Option<Response<CachedBody<O::Out>>> {
        let reading = entry.read(self.shared.config.clock.now());
        let fits =
            entry.answers(&self.parts.headers) && policy::decide(&self.asks, &reading) == Decision::Serve;
        fits.then(|| {
            self.shared.counters.answered(Answer::Collapsed);
            let mut entry_status = status::forwarded(&self.shared.config.name, why, None);
            (entry_status.collapsed, entry_status.ttl_s) = (true, Some(reading.ttl_s()));
            answer::of_entry(entry, reading.age, &self.parts, &entry_status)
        })
    }

    /// Whether the request may wait for another's exchange, and others for its own: what it brings
    /// must be what any of them would get.
    fn may_join(&self, why: Forward, has_stale: bool) -> bool {
        let headers = &self.parts.headers;
        let is_plain = self.parts.method == Method::GET
            && !headers.contains_key(RANGE)
            && !headers.contains_key(IF_RANGE)
            && !headers.contains_key(AUTHORIZATION)
            && (has_stale || !validation::is_conditional(headers));
        is_plain && why != Forward::Request && !self.asks.no_store && !self.shared.marks.is_set(&self.uri)
    }

    /// Fetches a stale response anew in the background, unless that is under way.
    fn refresh(&self, entry: &Entry, key: &Key) {
        let Boarding::Lead(flight) = self.shared.flights.board(key) else { return };
        let Ok(permit) = Arc::clone(&self.shared.refreshes).try_acquire_owned() else {
            self.shared.counters.refreshed(Refresh::Skipped);
            return;
        };
        let mut visit = self.clone();
        visit.parts.method = Method::GET;
        visit.asks = RequestDirectives::default();
        for name in [RANGE, IF_RANGE, http::header::IF_NONE_MATCH, http::header::IF_MODIFIED_SINCE] {
            visit.parts.headers.remove(name);
        }
        let errand =
            Errand { why: Forward::Stale, stale: Some(Box::new(entry.clone())), flight: Some(flight) };
        tokio::spawn(async move {
            let done = visit.fetch_for_later(errand).await;
            visit.shared.counters.refreshed(if done { Refresh::Stored } else { Refresh::Failed });
            drop(permit);
        });
    }
}

/// Whether a status tells of an origin that fails (RFC 5861 §4).
pub(super) fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}
