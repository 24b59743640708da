//! The edge probe: asks an edge for a few pages and says what its headers tell of the cache.
//!
//! An edge that others run shows no counters, so the probe is a client: hits by outcome, time to
//! the first byte, bytes, status. What it reports is about its own requests and nobody else's; they
//! are real requests and keep their pages warm, which is why they are few and counted
//! (`edge_probes_total`). Everything is bounded: pages, requests at once, bytes, time.

mod tally;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use hitmark_schema::cache_headers;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use hitmark_schema::outcome::Outcome;
use http_body_util::BodyExt;
use hyper::{HeaderMap, StatusCode};
use tokio::time::Instant as Deadline;
use url::Url;

use self::tally::{Seen, Tally};
use super::{Ask, Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::effectiveness::Effectiveness;
use crate::failure::Failure;
use crate::http_client::{self, Fields};
use crate::options::OptionReader;
use crate::page_tls::Tls;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "edge", key: "edge", build };

/// Most pages that one target may name: each is a request in each scrape.
const PAGES_MAX: usize = 100;
/// Most requests at once.
const CONCURRENCY_MAX: f64 = 16.0;
/// The most that may be read of one body.
const BODY_BYTES_MAX: f64 = 16_777_216.0;
/// The share of the deadline in which all requests must end, so that what was seen is still told.
const SHARE: f64 = 0.9;

#[derive(Debug)]
struct EdgeCollector {
    pages: Vec<Page>,
    target: String,
    labelled: Labelled,
    concurrency: usize,
    body_bytes_max: usize,
    tls: Option<Tls>,
    state: Mutex<(Tally, Effectiveness)>,
}

#[derive(Debug)]
struct Page {
    url: Url,
    /// The label.
    path: String,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut reader = OptionReader::new(ask.options);
    let paths = reader.texts("paths");
    let concurrency = reader.number("concurrency", 4.0, 1.0..=CONCURRENCY_MAX) as usize;
    let body_bytes_max = reader.number("body_bytes_max", 1_048_576.0, 0.0..=BODY_BYTES_MAX) as usize;
    if paths.len() > PAGES_MAX {
        reader.mistake(format!("paths: {} are more than {PAGES_MAX}", paths.len()));
    }
    let base = edge_url(ask.url);
    let pages = match &base {
        Ok(base) => pages(base, &paths, &mut reader),
        Err(wrong) => {
            reader.mistake(format!("{}: {wrong}", redacted(ask.url)));
            Vec::new()
        }
    };
    let tls = Tls::for_url(base.as_ref().ok(), &mut reader);
    let mistakes = reader.finish();
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    Ok(Box::new(EdgeCollector {
        pages,
        target: redacted(ask.url),
        labelled: ask.labelled,
        concurrency,
        body_bytes_max,
        tls,
        state: Mutex::new((Tally::default(), Effectiveness::new("edge"))),
    }))
}

fn edge_url(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "is no URL of an edge; write http://host[:port]/path or https://…";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(SHAPE);
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err("a user or password is not sent to an edge; leave it out");
    }
    Ok(url)
}

/// The pages to ask: the URL's own, or the given paths of its host. A probe stays on its host.
fn pages(base: &Url, paths: &[String], reader: &mut OptionReader<'_>) -> Vec<Page> {
    let page = |url: Url| {
        // A query may hold a secret, and a label is shown.
        let path = url.path().chars().take(200).collect();
        Page { url, path }
    };
    if paths.is_empty() {
        return vec![page(base.clone())];
    }
    let mut pages: Vec<Page> = Vec::new();
    for path in paths {
        let joined =
            base.join(path).ok().filter(|url| path.starts_with('/') && url.origin() == base.origin());
        match joined.map(page) {
            None => reader.mistake(format!("paths: {path:?} is no path; write /path")),
            Some(new) if pages.iter().any(|there| there.path == new.path) => {
                reader.mistake(format!("paths: {} is given twice", new.path));
            }
            Some(new) => pages.push(new),
        }
    }
    pages
}

impl Collector for EdgeCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Deadline::now() + limit.mul_f64(SHARE);
            let asked: Vec<_> = self.pages.iter().map(|page| self.ask_until(page, deadline, limit)).collect();
            let answers: Vec<_> = stream::iter(asked).buffered(self.concurrency).collect().await;
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let (tally, effect) = &mut *state;
            answers.iter().for_each(|answer| tally.add(answer.as_ref().ok()));
            if let Some(Err(first)) = answers.first()
                && answers.iter().all(Result::is_err)
            {
                return Err(first.clone());
            }
            let mut families = tally.families();
            families.extend(effect.absorb(tally.reading(), Instant::now()));
            families.extend(self.by_path(&answers));
            self.labelled.label(&self.target, &mut families);
            Ok(Collected { families, ..Collected::default() })
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let mut families = vec![Family::single(m::EDGE_UP, f64::from(u8::from(failure.is_none())))];
        // An outage is when the count of errors matters most: it must not be absent then.
        if failure.is_some() {
            families.extend(self.state.lock().unwrap_or_else(PoisonError::into_inner).0.families());
        }
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl EdgeCollector {
    async fn ask_until(&self, page: &Page, deadline: Deadline, limit: Duration) -> Result<Seen, Failure> {
        tokio::time::timeout_at(deadline, self.ask(page)).await.unwrap_or(Err(Failure::Timeout(limit)))
    }

    /// One request: the head, and the body as far as it is read.
    async fn ask(&self, page: &Page) -> Result<Seen, Failure> {
        let started = Instant::now();
        let fields = Fields { accept: "*/*", bearer: None, access: None, tls: self.tls.as_ref() };
        let mut answer = http_client::send(&page.url, fields).await?;
        let first_byte = started.elapsed();
        let status = answer.response.status();
        let (outcome, age) = classify(status, answer.response.headers());
        let (mut bytes, mut is_cut) = (0, false);
        while let Some(frame) = answer.response.body_mut().frame().await {
            let frame = frame.map_err(|error| http_client::broken(&error))?;
            bytes += frame.data_ref().map_or(0, |data| data.len());
            if bytes > self.body_bytes_max {
                (bytes, is_cut) = (self.body_bytes_max, true);
                break;
            }
        }
        Ok(Seen { status: status.as_u16(), outcome, first_byte, bytes: bytes as u64, is_cut, age })
    }

    fn by_path(&self, answers: &[Result<Seen, Failure>]) -> [Family; 2] {
        let (mut up, mut age) = (Family::new(m::EDGE_PATH_UP), Family::new(m::EDGE_PATH_AGE));
        for (page, answer) in self.pages.iter().zip(answers) {
            let label = [("path", page.path.as_str())];
            let is_good = answer.as_ref().is_ok_and(|seen| seen.status < 400);
            up.push(&label, f64::from(u8::from(is_good)));
            if let Some(seconds) = answer.as_ref().ok().and_then(|seen| seen.age) {
                age.push(&label, seconds as f64);
            }
        }
        [up, age]
    }
}

/// How the edge answered, and the age that it tells. Pure.
///
/// A status of 500 and above is an error whatever the cache says: an error that is served from the
/// cache is no hit worth having.
pub fn classify(status: StatusCode, headers: &HeaderMap) -> (Outcome, Option<u64>) {
    let last = |name: &str| headers.get_all(name).iter().next_back()?.to_str().ok();
    let age = last("age").and_then(|text| text.trim().parse().ok());
    if status.is_server_error() {
        return (Outcome::Error, age);
    }
    (cache_headers::read(last).outcome, age)
}
