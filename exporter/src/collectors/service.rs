//! A service's own Prometheus page: its `cache_*` families are passed on with a `service` label.
//!
//! Hits per use are known only in the service; a cache server's counters mix every client. So the
//! page of the exporter shows both side by side. Nothing is computed here: the counters are passed
//! on exactly, and ratios belong to Prometheus, which sees the windows.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use url::Url;

use super::{Ask, Built, Collected, Collector, Kind};
use crate::config::redacted;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::{http_client, text_format};

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "service", key: "http_stats", build };

/// What is passed on.
const PREFIX: &str = "cache_";
/// What is asked for.
const FIELDS: http_client::Fields<'static> =
    http_client::Fields { accept: "text/plain;version=0.0.4", bearer: None, access: None, tls: None };
/// The largest page that is read.
const PAGE_LEN_MAX: usize = 4 << 20;
/// Most samples that one service may add to a page.
const RELAYED_MAX: usize = 5_000;

#[derive(Debug)]
struct ServiceCollector {
    url: Url,
    target: String,
    service: String,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut mistakes = OptionReader::new(ask.options).finish();
    match ServiceCollector::new(ask.url) {
        Ok(collector) if mistakes.is_empty() => Ok(Box::new(collector)),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{}: {wrong}", redacted(ask.url)));
            Err(mistakes)
        }
    }
}

impl ServiceCollector {
    fn new(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "is no URL of a page; write http://host:port/metrics";
        let mut url = Url::parse(text).map_err(|_| SHAPE)?;
        if url.scheme() != "http" || !url.has_host() {
            return Err(SHAPE);
        }
        if url.password().is_some() || !url.username().is_empty() {
            return Err("a user or password is not sent to a service's page; leave it out");
        }
        if url.path() == "/" {
            url.set_path("/metrics");
        }
        let service = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        // Two pages of one host and port would write the same series, so the target is the origin
        // of both and giving it twice is a mistake.
        Ok(Self { target: format!("http://{service}"), service, url })
    }
}

impl Collector for ServiceCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let page = tokio::time::timeout(limit, http_client::get(&self.url, FIELDS, PAGE_LEN_MAX))
                .await
                .map_err(|_| Failure::Timeout(limit))??;
            parse(&page, &self.service)
        }
        .boxed()
    }
}

/// Takes the families to pass on out of a service's page. Pure and total.
///
/// # Errors
/// [`Failure::Answer`] if the page is malformed or would add too many samples: a part of it would
/// be a counter that goes down.
pub fn parse(page: &str, service: &str) -> Result<Collected, Failure> {
    let mut relayed = text_format::parse(page, |name| name.starts_with(PREFIX))
        .map_err(|error| Failure::Answer(error.to_string()))?;
    let samples: usize = relayed.iter().map(|family| family.samples.len()).sum();
    if samples > RELAYED_MAX {
        return Err(Failure::Answer(format!("{samples} cache_ samples are more than {RELAYED_MAX}")));
    }
    for family in &mut relayed {
        family.label("service", service);
    }
    Ok(Collected { relayed, ..Collected::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cache_families_are_passed_on_and_each_carries_its_service() {
        let page = "# TYPE cache_ops_total counter\ncache_ops_total{op=\"get\"} 3\nhttp_requests_total 9\n";
        let collected = parse(page, "shop:8080").unwrap();
        assert_eq!(collected.relayed.len(), 1);
        assert_eq!(collected.relayed[0].samples[0].labels[0], ("service".to_owned(), "shop:8080".to_owned()));
    }

    #[test]
    fn a_page_with_too_many_samples_is_refused_as_a_whole() {
        let page: String = (0..=RELAYED_MAX).map(|n| format!("cache_x{{n=\"{n}\"}} 1\n")).collect();
        assert_eq!(parse(&page, "s").unwrap_err().kind(), "answer");
    }

    #[test]
    fn a_url_without_a_path_means_the_usual_one() {
        assert_eq!(ServiceCollector::new("http://shop:8080").unwrap().url.path(), "/metrics");
        assert_eq!(ServiceCollector::new("http://shop:8080/stats").unwrap().url.path(), "/stats");
    }
}
