//! JSON pages of services: a mapping in the configuration says which value is which metric.
//!
//! ```toml
//! [[modules.shop.http_json.metrics]]
//! name = "shop_orders_open"
//! type = "gauge"                       # or "counter", whose name then ends in _total
//! help = "Orders that are open."
//! each = "$.shops[*]"                  # without it, the page gives one sample
//! path = "@.orders.open"               # $ is the page, @ the element of each
//! labels = { region = "@.region", place = "@key", tier = "web" }
//! values = { none = 0 }                # what texts mean; true is 1 and false 0
//! scale = 0.001                        # into base units
//! optional = true                      # a missing value is not counted
//! ```
//!
//! `mappings = ["cache_health"]` takes mappings that come with the exporter; without any word the
//! end of the URL's path chooses one. Everything is bounded: the body, the depth, the samples.

mod apply;
mod mapping;
mod path;
mod shipped;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use url::Url;

use self::apply::Applied;
use self::mapping::{Origin, Rule};
use super::{Ask, Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::failure::Failure;
use crate::http_client::{self, Fields};
use crate::options::{OptionReader, Options};
use crate::page_tls::Tls;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "http_json", key: "http_json", build };

/// The largest page that is read.
const PAGE_LEN_MAX: usize = 1 << 20;
/// The largest file that holds a token.
const TOKEN_LEN_MAX: u64 = 4 << 10;

#[derive(Debug)]
struct JsonCollector {
    url: Url,
    target: String,
    labelled: Labelled,
    rules: Vec<Rule>,
    token_file: Option<PathBuf>,
    tls: Option<Tls>,
    totals: Mutex<Totals>,
}

/// What was missing and dropped since the start, by rule.
#[derive(Debug, Default)]
struct Totals {
    missing: Vec<u64>,
    dropped: Vec<u64>,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut mistakes = Vec::new();
    let url =
        page_url(ask.url).map_err(|wrong| mistakes.push(format!("{}: {wrong}", redacted(ask.url)))).ok();
    let mut reader = OptionReader::new(ask.options);
    let rules = all_rules(&mut reader, url.as_ref(), &mut mistakes);
    let token_file = reader.text("token_file");
    let tls = Tls::for_url(url.as_ref(), &mut reader);
    mistakes.extend(reader.finish());
    match url {
        Some(url) if mistakes.is_empty() => Ok(Box::new(JsonCollector {
            target: redacted(ask.url),
            url,
            labelled: ask.labelled,
            totals: Mutex::new(Totals { missing: vec![0; rules.len()], dropped: vec![0; rules.len()] }),
            rules,
            tls,
            token_file: (!token_file.is_empty()).then(|| token_file.into()),
        })),
        _ => Err(mistakes),
    }
}

fn page_url(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "is no URL of a page; write http://host:port/path or https://…";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    if !["http", "https"].contains(&url.scheme()) || !url.has_host() {
        return Err(SHAPE);
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err("a user or password is not sent; name a file with a bearer token in token_file");
    }
    Ok(url)
}

/// The rules of the module: its own, those of the mappings that it names, or those of the URL.
fn all_rules(reader: &mut OptionReader<'_>, url: Option<&Url>, mistakes: &mut Vec<String>) -> Vec<Rule> {
    let own: &[Options] = reader.tables("metrics");
    let mut rules = mapping::rules(own, Origin::Configuration, mistakes);
    let mut names = reader.texts("mappings");
    if let Some(url) = url.filter(|_| names.is_empty() && own.is_empty()) {
        names.extend(shipped::for_url(url));
        if names.is_empty() {
            let known = shipped::names().join(", ");
            mistakes
                .push(format!("metrics: nothing is mapped; write metrics, or mappings with some of {known}"));
        }
    }
    for name in names {
        match shipped::by_name(&name) {
            // Two mappings may know the same metric from two pages; of one page it is told once.
            Some(more) => {
                for rule in more {
                    if !rules.iter().any(|there| there.name == rule.name) {
                        rules.push(rule);
                    }
                }
            }
            None => mistakes
                .push(format!("mappings: {name}: there is none; there are {}", shipped::names().join(", "))),
        }
    }
    if rules.len() > mapping::METRICS_MAX {
        mistakes.push(format!("metrics: {} are more than {}", rules.len(), mapping::METRICS_MAX));
    }
    rules
}

impl Collector for JsonCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let page =
                tokio::time::timeout(limit, self.page()).await.map_err(|_| Failure::Timeout(limit))??;
            let page = serde_json::from_str(&page)
                .map_err(|error| Failure::Answer(format!("no JSON at line {}", error.line())))?;
            Ok(self.collected(apply::apply(&self.rules, &page)))
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let mut families = vec![Family::single(m::HTTP_JSON_UP, f64::from(u8::from(failure.is_none())))];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl JsonCollector {
    async fn page(&self) -> Result<String, Failure> {
        let token = match &self.token_file {
            None => None,
            // Read each time: tokens are renewed.
            Some(path) => Some(token(path).await?),
        };
        let fields = Fields {
            accept: "application/json",
            bearer: token.as_deref(),
            access: None,
            tls: self.tls.as_ref(),
        };
        http_client::get(&self.url, fields, PAGE_LEN_MAX).await
    }

    fn collected(&self, applied: Applied) -> Collected {
        let mut relayed = applied.families;
        if self.labelled == Labelled::ByTarget {
            relayed.iter_mut().for_each(|family| family.label("target", &self.target));
        }
        let unreadable = applied.missing.iter().sum::<u64>();
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut missing, mut dropped) =
            (Family::new(m::HTTP_JSON_MISSING), Family::new(m::HTTP_JSON_DROPPED));
        for (place, rule) in self.rules.iter().enumerate() {
            let labels = [("metric", rule.name.as_str())];
            totals.missing[place] += applied.missing[place];
            totals.dropped[place] += applied.dropped[place];
            // Only what ever happened has a series: a mapping of 200 would else bring 400.
            for (family, total) in
                [(&mut missing, totals.missing[place]), (&mut dropped, totals.dropped[place])]
            {
                if total > 0 {
                    family.push(&labels, total as f64);
                }
            }
        }
        let mut families = vec![missing, dropped];
        self.labelled.label(&self.target, &mut families);
        Collected { families, relayed, unreadable: unreadable as usize, ..Collected::default() }
    }
}

async fn token(path: &PathBuf) -> Result<String, Failure> {
    use tokio::io::AsyncReadExt;
    let failed = |error: std::io::Error| Failure::Credentials(format!("token_file cannot be read: {error}"));
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut text = String::new();
    file.take(TOKEN_LEN_MAX).read_to_string(&mut text).await.map_err(failed)?;
    Ok(text.trim().to_owned())
}
