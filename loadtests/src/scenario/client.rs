//! One client of a scenario that arranges its requests one by one.
//!
//! It speaks over the engine's transport and reads answers as the engine does, but each reply comes
//! back whole: a scenario looks into it. A load of many requests goes through the engine instead.

use std::time::{Duration, Instant};

use hitmark_schema::Outcome;
use hitmark_schema::cache_status::CacheStatus;

use crate::answer::AnswerReader;
use crate::checks::refusal;
use crate::plan::Expect;
use crate::request::{Call, RequestTemplate};
use crate::template::Values;
use crate::transport::{BodyUse, Exchange, Headers, Transport};
use crate::user::judge::plain_body;

/// A client with its own connection.
#[derive(Debug)]
pub struct Client {
    pub(super) transport: Transport,
    pub(super) template: RequestTemplate,
    pub(super) reader: AnswerReader,
    pub(super) expect: Expect,
}

/// What came of one request.
#[derive(Debug)]
pub struct Reply {
    /// When the request was sent.
    pub started: Instant,
    /// When the last byte of the body had come, or the request was given up.
    pub ended: Instant,
    /// How the cache answered.
    pub outcome: Outcome,
    /// The cache joined this request with others into one origin call (RFC 9211 §2.6).
    pub collapsed: bool,
    /// The headers; empty without an answer.
    pub headers: Headers,
    /// The body without its encoding; empty without an answer.
    pub body: Vec<u8>,
    /// Why the request failed, if it did.
    pub error: Option<String>,
}

impl Reply {
    /// From sending to the last byte of the body.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.ended - self.started
    }

    /// Whether the answer was computed for this very request, as far as its headers tell.
    #[must_use]
    pub const fn is_of_origin(&self) -> bool {
        matches!(self.outcome, Outcome::Miss | Outcome::Bypass | Outcome::Revalidated) && !self.collapsed
    }
}

impl Client {
    /// Connects ahead of the first request, so that connecting is not part of its latency. Whether it
    /// succeeded shows at the request.
    pub async fn connect(&mut self) {
        let _ = self.transport.connect().await;
    }

    /// Sends the request with some values and reads its answer whole.
    pub async fn ask(&mut self, values: &Values<'_>) -> Reply {
        let call = Call::new(&self.template, values);
        match self.transport.exchange(&call, BodyUse::Keep).await {
            Ok(exchange) => self.read(exchange),
            Err(failure) => {
                let why = format!("{}: {}", failure.kind.as_str(), failure.detail);
                failed(failure.started, failure.ended, why)
            }
        }
    }

    fn read(&mut self, exchange: Exchange) -> Reply {
        let outcome = self.reader.read(&exchange.headers).outcome;
        let status = exchange.headers.text("cache-status");
        let collapsed = status.and_then(CacheStatus::parse).is_some_and(|status| status.collapsed);
        let plain = plain_body(&exchange).map(std::borrow::Cow::into_owned);
        let error = if !self.expect.statuses.contains(&exchange.status) {
            Some(format!("status {}, expected {:?}", exchange.status, self.expect.statuses))
        } else {
            match &plain {
                None => Some("the body cannot be decoded".to_owned()),
                Some(body) => refusal(&self.expect, &exchange.headers, exchange.body_bytes, body),
            }
        };
        Reply {
            started: exchange.started,
            ended: exchange.body_at,
            outcome: if error.is_some() { Outcome::Error } else { outcome },
            collapsed,
            headers: exchange.headers,
            body: plain.unwrap_or_default(),
            error,
        }
    }
}

fn failed(started: Instant, ended: Instant, why: String) -> Reply {
    Reply {
        started,
        ended,
        outcome: Outcome::Error,
        collapsed: false,
        headers: Headers::default(),
        body: Vec::new(),
        error: Some(why),
    }
}
