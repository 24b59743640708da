//! Hits, queries and processor time as the service and its cache server count them, sampled as slices
//! and super-blocks end.
//!
//! Three parties count hits: the responses that the load generator reads, the service, the cache
//! server. Where they disagree, one of them is misunderstood, and the person who reads the figures
//! must know. A source that both sides share is sampled after each slice of the closed model, when
//! nothing is under way, so its counts belong to one side; in the open model they cannot be told
//! apart and stay unmeasured.

pub(crate) mod page;
mod redis_info;

use std::sync::Arc;

use hitmark_schema::{Counters, Variant};

use crate::plan::{ExperimentPlan, Observed};
use crate::probe::get;
use crate::transport::Target;
use page::Selector;
use redis_info::RedisInfo;

/// Counts of one moment, or of the time between two; what nobody told is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Hits, as the service counts them.
    pub service_hits: Option<u64>,
    /// Misses, as the service counts them.
    pub service_misses: Option<u64>,
    /// Origin calls, as the service counts them.
    pub origin_calls: Option<u64>,
    /// Database queries, as the service counts them.
    pub database_queries: Option<u64>,
    /// Processor time of the service in nanoseconds, as it counts it.
    pub cpu_ns: Option<u64>,
    /// Hits, as the cache server counts them.
    pub cache_server_hits: Option<u64>,
    /// Misses, as the cache server counts them.
    pub cache_server_misses: Option<u64>,
}

impl Counts {
    fn fields(&mut self) -> [&mut Option<u64>; 7] {
        [
            &mut self.service_hits,
            &mut self.service_misses,
            &mut self.origin_calls,
            &mut self.database_queries,
            &mut self.cpu_ns,
            &mut self.cache_server_hits,
            &mut self.cache_server_misses,
        ]
    }

    /// What was counted since an earlier moment; a counter that went back was reset, and is not told.
    fn since(mut self, mut earlier: Self) -> Self {
        for (now, before) in self.fields().into_iter().zip(earlier.fields()) {
            *now = now.zip(*before).and_then(|(now, before)| now.checked_sub(before));
        }
        self
    }

    fn add(&mut self, mut other: Self) {
        for (mine, theirs) in self.fields().into_iter().zip(other.fields()) {
            if let Some(count) = *theirs {
                *mine = Some(mine.unwrap_or(0) + count);
            }
        }
    }

    /// Writes the counts into those of a super-block.
    pub fn fill(self, counters: &mut Counters) {
        counters.service_hits = self.service_hits;
        counters.service_misses = self.service_misses;
        counters.origin_calls = self.origin_calls;
        counters.database_queries = self.database_queries;
        counters.cpu_ns = self.cpu_ns;
        counters.cache_server_hits = self.cache_server_hits;
        counters.cache_server_misses = self.cache_server_misses;
    }
}

/// Asks all sources of an experiment.
#[derive(Debug)]
pub struct Observer {
    sources: Vec<Source>,
    /// What belongs to each side since its super-block began.
    counted: [Counts; 2],
    has_slices: bool,
}

/// One source, and the sides that it counts.
#[derive(Debug)]
struct Source {
    sides: Vec<Variant>,
    target: Arc<Target>,
    metrics: Option<Metrics>,
    redis: Option<RedisInfo>,
    last: Option<Counts>,
}

#[derive(Debug)]
struct Metrics {
    path: String,
    hits: Selector,
    misses: Selector,
    origin_calls: Selector,
    queries: Selector,
    cpu: Selector,
}

/// What hitmark's own caching layer writes.
const HITS: &str = r#"cache_operations_total{op="get",result="hit"}"#;
const MISSES: &str = r#"cache_operations_total{op="get",result="miss"}"#;
const ORIGIN_CALLS: &str = "cache_origin_calls_total";
/// What the testbed writes.
const QUERIES: &str = "testbed_database_queries_total";
/// What every client library of Prometheus writes, in seconds.
const CPU: &str = "process_cpu_seconds_total";
const NANOSECONDS: f64 = 1e9;

impl Observer {
    /// The observer of an experiment; none if the plan names no source. `has_slices` says whether
    /// [`Observer::slice`] will be called.
    #[must_use]
    pub fn new(experiment: &ExperimentPlan, targets: &[Arc<Target>], has_slices: bool) -> Option<Self> {
        let mut sources: Vec<(Observed, Source)> = Vec::new();
        for variant in Variant::ALL {
            let Some(side) = experiment.side(variant) else { continue };
            if side.observed == Observed::default() {
                continue;
            }
            let target = Arc::clone(&targets[variant.index().min(targets.len() - 1)]);
            let known = sources.iter_mut().find(|(observed, source)| {
                *observed == side.observed && Arc::ptr_eq(&source.target, &target)
            });
            match known {
                Some((_, source)) => source.sides.push(variant),
                None => {
                    sources.push((side.observed.clone(), Source::new(&side.observed, target, variant)));
                }
            }
        }
        let sources: Vec<Source> = sources
            .into_iter()
            .map(|(_, source)| Source { target: Arc::new(source.target.for_probes()), ..source })
            .collect();
        (!sources.is_empty()).then_some(Self { sources, counted: Default::default(), has_slices })
    }

    /// A slice of this side has ended, and nothing is under way. `None` begins the count.
    pub async fn slice(&mut self, variant: Option<Variant>) {
        for source in self.sources.iter_mut().filter(|source| source.sides.len() > 1 || source.last.is_none())
        {
            let since = source.sample().await;
            if let Some(variant) = variant.filter(|variant| source.sides.contains(variant)) {
                self.counted[variant.index()].add(since);
            }
        }
    }

    /// A super-block has ended: what each side counted in it.
    pub async fn block(&mut self) -> [Counts; 2] {
        for source in &mut self.sources {
            if source.sides.len() > 1 {
                // With slices it is counted already; without them nobody knows whose the counts are.
                continue;
            }
            let since = source.sample().await;
            self.counted[source.sides[0].index()].add(since);
        }
        if !self.has_slices {
            for source in self.sources.iter_mut().filter(|source| source.sides.len() > 1) {
                source.last = None;
            }
        }
        std::mem::take(&mut self.counted)
    }

    /// Forgets what was counted so far, as the warm-up ends.
    pub async fn forget(&mut self) {
        let _ = self.block().await;
    }
}

impl Source {
    fn new(observed: &Observed, target: Arc<Target>, variant: Variant) -> Self {
        let selector = |own: &Option<String>, ours: &str| Selector::parse(own.as_deref().unwrap_or(ours));
        let metrics = observed.metrics.as_ref().map(|path| Metrics {
            path: path.clone(),
            hits: selector(&observed.hits, HITS),
            misses: selector(&observed.misses, MISSES),
            origin_calls: selector(&observed.origin_calls, ORIGIN_CALLS),
            queries: selector(&observed.queries, QUERIES),
            cpu: selector(&observed.cpu, CPU),
        });
        let redis = observed.redis.clone().map(RedisInfo::new);
        Self { sides: vec![variant], target, metrics, redis, last: None }
    }

    /// What was counted since the last sample. A source that does not answer tells nothing.
    async fn sample(&mut self) -> Counts {
        let mut now = Counts::default();
        if let Some(metrics) = &self.metrics
            && let Ok(answer) = get(&self.target, &metrics.path).await
            && answer.status == 200
            && let Ok(text) = std::str::from_utf8(&answer.body)
        {
            now.service_hits = metrics.hits.sum(text);
            now.service_misses = metrics.misses.sum(text);
            now.origin_calls = metrics.origin_calls.sum(text);
            now.database_queries = metrics.queries.sum(text);
            now.cpu_ns = metrics.cpu.sum_scaled(text, NANOSECONDS);
        }
        if let Some(redis) = &mut self.redis
            && let Some((hits, misses)) = redis.hits_and_misses().await
        {
            now.cache_server_hits = Some(hits);
            now.cache_server_misses = Some(misses);
        }
        let before = self.last.replace(now);
        before.map_or_else(Counts::default, |before| now.since(before))
    }
}

/// Counts of hits that disagree, in words; none if they agree, or if nobody else counts.
#[must_use]
pub fn disagreement(responses: u64, counts: Counts) -> Option<String> {
    let differs = |other: u64| responses.abs_diff(other) > 2 + responses.max(other) / 100;
    let others = [("the service", counts.service_hits), ("the cache server", counts.cache_server_hits)];
    let told: Vec<(&str, u64)> =
        others.into_iter().filter_map(|(name, count)| Some((name, count?))).collect();
    if !told.iter().any(|(_, count)| differs(*count)) {
        return None;
    }
    let told: Vec<String> = told.iter().map(|(name, count)| format!("{name} counts {count}")).collect();
    Some(format!("by their headers {responses} responses are hits, {}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_differences_and_a_counter_that_went_back_tells_nothing() {
        let of = |hits, calls| Counts { service_hits: hits, origin_calls: calls, ..Counts::default() };
        let since = of(Some(10), Some(5)).since(of(Some(7), Some(9)));
        assert_eq!(since, of(Some(3), None));
        let mut sum = of(None, Some(1));
        sum.add(since);
        assert_eq!(sum, of(Some(3), Some(1)));
    }

    #[test]
    fn a_disagreement_beyond_a_hundredth_names_all_who_count() {
        let of = |service, server| Counts {
            service_hits: service,
            cache_server_hits: server,
            ..Counts::default()
        };
        assert_eq!(disagreement(1_000, of(Some(1_005), None)), None);
        assert_eq!(disagreement(1_000, Counts::default()), None);
        let told = disagreement(1_000, of(Some(1_000), Some(40))).unwrap();
        assert!(told.contains("1000 responses") && told.contains("the cache server counts 40"), "{told}");
    }
}
