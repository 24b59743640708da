//! The page: the only file that knows the `prometheus` crate.
//!
//! The crate's registry describes the exporter itself. The targets' samples do
//! not go through it: its types are built, sorted and cloned anew for every label of every sample,
//! and measured on a page of 1,163 series that costs five times what writing the text costs. So the
//! registry's page comes first and `hitmark_schema::exposition` appends the rest.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hitmark_schema::exposition::{Family, Format, Sample, Value, encode_as};
use hitmark_schema::metrics::{
    EXPORTER_BUILD_INFO, EXPORTER_COLLECTOR_SECONDS, EXPORTER_COLLECTOR_SUCCESS, EXPORTER_FAILURES,
    EXPORTER_RELOAD_SUCCESSFUL, EXPORTER_RELOADED_AT, EXPORTER_SCRAPES, EXPORTER_SERIES, EXPORTER_UNREADABLE,
    REDIS_EXPORTER_BUILD_INFO, REDIS_EXPORTER_REFUSED, REDIS_EXPORTER_SCRAPES, REDIS_EXPORTER_SECONDS,
};
use hitmark_schema::process;
use prometheus::proto::{LabelPair, MetricFamily, MetricType};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};
use rustc_hash::FxHashMap;

use crate::collectors::Part;
use crate::failure::Failure;
use crate::text_format::{self, TextFamily, TextSample};

/// The most that a page is given to begin with, in bytes.
const PAGE_KEPT_MAX: usize = 4 << 20;

/// What the exporter says of itself.
pub(crate) struct SelfMetrics {
    registry: Registry,
    scrapes: IntCounter,
    failures: IntCounterVec,
    reload_successful: Gauge,
    reloaded_at: Gauge,
    scrape_us: AtomicU64,
    refused: AtomicU64,
    /// The bytes of the longest page so far: the next one is not moved while it grows.
    page_len: AtomicUsize,
}

impl SelfMetrics {
    pub(crate) fn new() -> Result<Self, String> {
        Self::register().map_err(|error| error.to_string())
    }

    fn register() -> Result<Self, prometheus::Error> {
        // A registry of its own: several exporters may live in one process.
        let registry = Registry::new();
        let scrapes = IntCounter::new(EXPORTER_SCRAPES.name, EXPORTER_SCRAPES.help)?;
        let info = Opts::new(EXPORTER_BUILD_INFO.name, EXPORTER_BUILD_INFO.help);
        let info = IntGaugeVec::new(info, EXPORTER_BUILD_INFO.labels)?;
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        info.with_label_values(&[env!("CARGO_PKG_VERSION"), profile]).set(1);
        let failures = Opts::new(EXPORTER_FAILURES.name, EXPORTER_FAILURES.help);
        let failures = IntCounterVec::new(failures, EXPORTER_FAILURES.labels)?;
        let [reload_successful, reloaded_at] = [EXPORTER_RELOAD_SUCCESSFUL, EXPORTER_RELOADED_AT]
            .map(|metric| Gauge::new(metric.name, metric.help));
        let (reload_successful, reloaded_at) = (reload_successful?, reloaded_at?);
        registry.register(Box::new(reload_successful.clone()))?;
        registry.register(Box::new(reloaded_at.clone()))?;
        registry.register(Box::new(failures.clone()))?;
        registry.register(Box::new(scrapes.clone()))?;
        registry.register(Box::new(info))?;
        let (scrape_us, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let page_len = AtomicUsize::new(64 << 10);
        Ok(Self { registry, scrapes, failures, reload_successful, reloaded_at, scrape_us, refused, page_len })
    }

    /// Counts a request for a target that could not be asked.
    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The same under redis_exporter's names, which dashboards of Redis select.
    fn as_redis_exporter(&self, parts: &[Part]) -> Vec<Family> {
        // Targets are asked at once, so the slowest is the scrape.
        let took = parts.iter().map(|part| part.took).max().unwrap_or_default();
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let sum = self.scrape_us.fetch_add(took, Ordering::Relaxed).saturating_add(took);
        if !parts.iter().any(|part| part.kind.starts_with("redis")) {
            return Vec::new();
        }
        let count = self.scrapes.get();
        let value = Value::Summary { quantiles: Vec::new(), count, sum: sum as f64 / 1e6 };
        let mut seconds = Family::new(REDIS_EXPORTER_SECONDS);
        seconds.samples.push(Sample { labels: Vec::new(), value });
        let [version, commit, built, go] =
            ["version", "commit_sha", "build_date", "golang_version"].map(|name| (name, ""));
        let info = [(version.0, env!("CARGO_PKG_VERSION")), commit, built, go];
        vec![
            Family::single(REDIS_EXPORTER_SCRAPES, count as f64),
            seconds,
            Family::single(REDIS_EXPORTER_REFUSED, self.refused.load(Ordering::Relaxed) as f64),
            Family::new(REDIS_EXPORTER_BUILD_INFO).with(&info, 1.0),
        ]
    }

    /// Remembers how reading the configuration went.
    pub(crate) fn tell_reload(&self, succeeded: bool) {
        self.reload_successful.set(f64::from(u8::from(succeeded)));
        if succeeded {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.reloaded_at.set(now.as_secs_f64());
        }
    }

    /// Writes the page of one scrape.
    pub(crate) fn page(&self, parts: &[Part], format: Format) -> String {
        self.scrapes.inc();
        with_found(parts).into_iter().for_each(|part| self.count(part));
        let mut page = String::with_capacity(self.page_len.load(Ordering::Relaxed));
        let own: Vec<TextFamily> = self.registry.gather().iter().map(own).collect();
        text_format::encode_as(format, &own, &mut page);
        encode_as(format, &process::families(), &mut page);
        encode_as(format, &self.as_redis_exporter(parts), &mut page);
        encode_parts(parts, format, &mut page);
        let page = finish(format, page);
        self.page_len.fetch_max(page.len().min(PAGE_KEPT_MAX), Ordering::Relaxed);
        page
    }

    /// Writes the page of a probe: the target's samples and nothing of the exporter.
    pub(crate) fn probe_page(&self, part: &Part, format: Format) -> String {
        with_found(std::slice::from_ref(part)).into_iter().for_each(|part| self.count(part));
        let mut page = String::with_capacity(64 << 10);
        encode_parts(std::slice::from_ref(part), format, &mut page);
        finish(format, page)
    }

    /// Counts what failed, the parts of a collector's work too.
    fn count(&self, part: &Part) {
        let failed = |collector: &str, failure: &Failure| {
            self.failures.with_label_values(&[collector, failure.kind()]).inc();
        };
        match &part.result {
            Err(failure) => failed(part.kind, failure),
            Ok(collected) => {
                let steps = collected.steps.iter();
                steps
                    .filter_map(|step| Some((step.name, step.failure.as_ref()?)))
                    .for_each(|(n, f)| failed(n, f));
            }
        }
    }
}

/// A family of the registry, which holds counters and gauges only. The crate's own encoder does not
/// write OpenMetrics.
fn own(family: &MetricFamily) -> TextFamily {
    let is_counter = family.get_field_type() == MetricType::COUNTER;
    let samples = family.get_metric().iter().map(|metric| {
        let value =
            if is_counter { metric.get_counter().get_value() } else { metric.get_gauge().get_value() };
        let label = |label: &LabelPair| (label.name().to_owned(), label.value().to_owned());
        let labels = metric.get_label().iter().map(label).collect();
        TextSample { name: family.name().to_owned(), labels, value: value.to_string() }
    });
    TextFamily {
        name: family.name().to_owned(),
        help: text_format::escaped_help(family.help()),
        kind: if is_counter { "counter" } else { "gauge" }.to_owned(),
        samples: samples.collect(),
    }
}

/// The parts, each followed by those of the targets that it led to. A server that is a target itself,
/// or that two clusters' seeds led to, stands on the page once.
fn with_found(parts: &[Part]) -> Vec<&Part> {
    let mut all: Vec<&Part> = parts.iter().collect();
    for found in parts.iter().filter_map(|part| part.result.as_ref().ok()).flat_map(|made| &made.parts) {
        if !all.iter().any(|there| (there.kind, &there.target) == (found.kind, &found.target)) {
            all.push(found);
        }
    }
    all
}

fn finish(format: Format, mut page: String) -> String {
    if format == Format::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

impl std::fmt::Debug for SelfMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SelfMetrics").field("scrapes", &self.scrapes.get()).finish_non_exhaustive()
    }
}

/// Writes what the targets gave. A family may stand on a page once, so the parts are merged first.
fn encode_parts(parts: &[Part], format: Format, page: &mut String) {
    let mut own = Merged::default();
    let mut relayed: Vec<TextFamily> = Vec::new();
    let mut seconds = Family::new(EXPORTER_COLLECTOR_SECONDS);
    let mut success = Family::new(EXPORTER_COLLECTOR_SUCCESS);
    let mut unreadable = Family::new(EXPORTER_UNREADABLE);
    let mut series = Family::new(EXPORTER_SERIES);
    for part in with_found(parts) {
        let labels = [("collector", part.kind), ("target", part.target.as_str())];
        let mut succeeded = part.result.is_ok();
        own.extend(&part.verdict);
        if let Ok(collected) = &part.result {
            unreadable.push(&labels, collected.unreadable as f64);
            let own_samples = collected.families.iter().map(|family| family.samples.len()).sum::<usize>();
            let passed_on = collected.relayed.iter().map(|family| family.samples.len()).sum::<usize>();
            series.push(&labels, (own_samples + passed_on) as f64);
            own.extend(&collected.families);
            succeeded = relay(&collected.relayed, &mut relayed);
            for step in &collected.steps {
                let labels = [("collector", step.name), ("target", part.target.as_str())];
                seconds.push(&labels, step.took.as_secs_f64());
                success.push(&labels, f64::from(u8::from(step.failure.is_none())));
            }
        }
        seconds.push(&labels, part.took.as_secs_f64());
        success.push(&labels, f64::from(u8::from(succeeded)));
    }
    encode_as(format, [&seconds, &success, &unreadable, &series], page);
    encode_as(format, own.families.iter().map(AsRef::as_ref), page);
    text_format::encode_as(format, &relayed, page);
}

/// Adds a service's families to those of the services before it. One whose type differs from the
/// type already on the page cannot stand there and is left out; then the answer is `false`.
fn relay(families: &[TextFamily], page: &mut Vec<TextFamily>) -> bool {
    let mut all_fit = true;
    for family in families {
        match page.iter_mut().find(|there| there.name == family.name) {
            Some(there) if there.kind == family.kind => there.samples.extend_from_slice(&family.samples),
            Some(_) => {
                tracing::warn!(family = family.name, "two services give this family different types");
                all_fit = false;
            }
            None => page.push(family.clone()),
        }
    }
    all_fit
}

/// Families by name, in the order of their first appearance. Only what must be merged is copied:
/// with one server, nothing is.
#[derive(Default)]
struct Merged<'a> {
    families: Vec<Cow<'a, Family>>,
    places: FxHashMap<&'static str, usize>,
}

impl<'a> Merged<'a> {
    fn extend(&mut self, families: &'a [Family]) {
        for family in families {
            match self.places.get(family.metric.name) {
                Some(place) => {
                    self.families[*place].to_mut().samples.extend_from_slice(&family.samples);
                }
                None => {
                    self.places.insert(family.metric.name, self.families.len());
                    self.families.push(Cow::Borrowed(family));
                }
            }
        }
    }
}
