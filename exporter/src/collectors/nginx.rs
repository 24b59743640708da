//! nginx' stub_status page, under nginx-prometheus-exporter's names.
//!
//! The free nginx says nothing of its cache: what its clients got is the edge probe's to find out.
//! A scrape is itself one connection and one request of the server, and counted there.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use url::Url;

use super::{Ask, Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::failure::Failure;
use crate::http_client::{self, Fields};
use crate::options::OptionReader;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "nginx", key: "nginx", build };

/// Where packages put the page.
const PATH: &str = "/stub_status";
/// The largest page that is read; a real one has four lines.
const PAGE_LEN_MAX: usize = 4 << 10;
const FIELDS: Fields<'static> = Fields { accept: "text/plain", bearer: None, access: None, tls: None };

#[derive(Debug)]
struct NginxCollector {
    url: Url,
    target: String,
    labelled: Labelled,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut mistakes = OptionReader::new(ask.options).finish();
    match page_url(ask.url) {
        Ok(url) if mistakes.is_empty() => {
            Ok(Box::new(NginxCollector { target: url.to_string(), url, labelled: ask.labelled }))
        }
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{}: {wrong}", redacted(ask.url)));
            Err(mistakes)
        }
    }
}

fn page_url(text: &str) -> Result<Url, &'static str> {
    const SHAPE: &str = "is no URL of nginx' status page; write http://host:port/stub_status";
    let mut url = Url::parse(text).map_err(|_| SHAPE)?;
    if url.scheme() != "http" || !url.has_host() || url.query().is_some() {
        return Err(SHAPE);
    }
    if url.password().is_some() || !url.username().is_empty() {
        return Err("a user or password is not sent to nginx' status page; leave it out");
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

impl Collector for NginxCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let page = tokio::time::timeout(limit, http_client::get(&self.url, FIELDS, PAGE_LEN_MAX))
                .await
                .map_err(|_| Failure::Timeout(limit))??;
            let mut families = parse(&page)?;
            self.labelled.label(&self.target, &mut families);
            Ok(Collected { families, ..Collected::default() })
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let mut families = vec![Family::single(m::NGINX_UP, f64::from(u8::from(failure.is_none())))];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

/// Reads the page's four lines
/// (<https://nginx.org/en/docs/http/ngx_http_stub_status_module.html>). Pure and total.
///
/// # Errors
/// [`Failure::Answer`] if the page is another one: half of it would be half the truth.
pub fn parse(page: &str) -> Result<Vec<Family>, Failure> {
    let mut numbers = page.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
    let words: Vec<&str> = page.split_whitespace().filter(|word| word.parse::<u64>().is_err()).collect();
    let shape = "Active connections: server accepts handled requests Reading: Writing: Waiting:";
    if !words.iter().copied().eq(shape.split(' ')) {
        return Err(Failure::Answer("this is no stub_status page".to_owned()));
    }
    let families = [
        m::NGINX_ACTIVE,
        m::NGINX_ACCEPTED,
        m::NGINX_HANDLED,
        m::NGINX_REQUESTS,
        m::NGINX_READING,
        m::NGINX_WRITING,
        m::NGINX_WAITING,
    ]
    .map(|metric| numbers.next().map(|number| Family::single(metric, number as f64)));
    match (families.into_iter().collect::<Option<Vec<_>>>(), numbers.next()) {
        (Some(families), None) => Ok(families),
        _ => Err(Failure::Answer("this is no whole stub_status page".to_owned())),
    }
}
