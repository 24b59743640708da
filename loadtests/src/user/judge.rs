//! What an answer is worth: right or wrong, and by which outcome of the cache.

use std::borrow::Cow;
use std::time::Instant;

use hitmark_schema::{ErrorKind, Outcome, Variant};

use super::{Shared, Step, nanoseconds};
use crate::answer::AnswerReader;
use crate::checks::refusal;
use crate::encoding::decoded;
use crate::equivalence::Finding;
use crate::keys::mix;
use crate::plan::ServiceAddress;
use crate::recorder::Observation;
use crate::template::Values;
use crate::transport::{Exchange, Failure};

/// What was asked.
pub(super) struct Asked<'a> {
    pub(super) variant: Variant,
    pub(super) key: Option<u64>,
    pub(super) watched: bool,
    pub(super) due: Option<Instant>,
    pub(super) step: &'a Step,
    pub(super) values: &'a Values<'a>,
}

impl Asked<'_> {
    fn line(&self) -> String {
        self.step.template.line(self.values)
    }

    /// What bodies are compared by: the key and, in journeys, the request.
    fn compared_by(&self) -> Option<u64> {
        match self.step.number {
            0 => self.key,
            number => Some(mix(self.key.unwrap_or(0) ^ mix(number))),
        }
    }
}

/// An answered request as an observation.
pub(super) fn answered(
    shared: &Shared,
    reader: &mut AnswerReader,
    asked: &Asked<'_>,
    exchange: &Exchange,
) -> Observation {
    let answer = reader.read(&exchange.headers);
    let (error, compared) = fault(shared, asked, exchange);
    if error.is_none() {
        shared.watch.request(asked.variant, false, &shared.sink, || asked.line());
    }
    if answer.outcome.asked_the_cache() {
        shared.watch.cache(asked.variant, answer.cache_unreachable, &shared.sink, || asked.line());
    }
    let from = asked.due.unwrap_or(exchange.started);
    Observation {
        variant: asked.variant,
        outcome: if error.is_some() { Outcome::Error } else { answer.outcome },
        headers_ns: Some(nanoseconds(exchange.headers_at - from)),
        body_ns: nanoseconds(exchange.body_at - from),
        body_bytes: exchange.body_bytes,
        error,
        cache_unreachable: answer.cache_unreachable,
        compared,
    }
}

/// What is wrong with an answer, and whether its body was compared.
fn fault(shared: &Shared, asked: &Asked<'_>, exchange: &Exchange) -> (Option<ErrorKind>, bool) {
    let expect = &asked.step.expect;
    if !expect.statuses.contains(&exchange.status) {
        let told = || format!("{}: status {}", asked.line(), exchange.status);
        shared.watch.request(asked.variant, true, &shared.sink, told);
        return (Some(ErrorKind::Status), false);
    }
    let plain = if exchange.body.is_empty() { Some(Cow::Borrowed(&[][..])) } else { plain_body(exchange) };
    let refused = match &plain {
        Some(body) => refusal(expect, &exchange.headers, exchange.body_bytes, body),
        None => Some("the body cannot be decoded".to_owned()),
    };
    if let Some(why) = refused {
        shared.watch.request(asked.variant, true, &shared.sink, || format!("{}: {why}", asked.line()));
        return (Some(ErrorKind::Check), false);
    }
    if !asked.watched {
        return (None, false);
    }
    let body = plain.unwrap_or_default();
    match shared.equivalence.compare(asked.variant, asked.compared_by(), exchange.status, &body) {
        Finding::Unpaired => (None, false),
        Finding::Same => (None, true),
        Finding::Different(how) => {
            shared.watch.mismatch(asked.variant, &shared.sink, || format!("{}: {how}", asked.line()));
            (Some(ErrorKind::Mismatch), true)
        }
    }
}

/// A request that was not answered, as an observation.
pub(super) fn failed(shared: &Shared, asked: &Asked<'_>, failure: &Failure) -> Observation {
    shared.watch.request(asked.variant, true, &shared.sink, || {
        format!("{}: {}: {}", asked.line(), failure.kind.as_str(), failure.detail)
    });
    Observation {
        variant: asked.variant,
        outcome: Outcome::Error,
        headers_ns: None,
        body_ns: nanoseconds(failure.ended - asked.due.unwrap_or(failure.started)),
        body_bytes: 0,
        error: Some(failure.kind),
        cache_unreachable: false,
        compared: false,
    }
}

/// The body without its encoding; none if it cannot be decoded.
pub(crate) fn plain_body(exchange: &Exchange) -> Option<Cow<'_, [u8]>> {
    match exchange.headers.get("content-encoding") {
        None => Some(Cow::Borrowed(&exchange.body)),
        Some(encoding) => decoded(std::str::from_utf8(encoding).ok()?, &exchange.body).map(Cow::Owned),
    }
}

/// Where a response redirects to, if that is a path of the same service.
pub(crate) fn redirect(exchange: &Exchange, address: &ServiceAddress) -> Option<String> {
    if !matches!(exchange.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = exchange.headers.text("location")?;
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(location.to_owned());
    }
    // Another host would be another service, which the safety rule has not seen.
    let rest = location.strip_prefix("http://").or_else(|| location.strip_prefix("https://"))?;
    let path = rest.strip_prefix(address.authority.as_str())?;
    path.starts_with('/').then(|| path.to_owned())
}
