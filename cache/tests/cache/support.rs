//! Small helpers of these tests: reading a metric, waiting for a state, an origin that counts.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_cache::CacheLayer;
use hitmark_schema::exposition::Value;

/// Long enough that nothing expires during a test.
pub(crate) const LONG: Duration = Duration::from_secs(600);

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the database said no, call {0}")]
pub(crate) struct DatabaseSaidNo(pub(crate) u64);

/// Counts its calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin(Arc<AtomicU64>);

impl Origin {
    pub(crate) fn calls(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// An origin call that returns `value` at once.
    pub(crate) fn returns(
        &self,
        value: &'static str,
    ) -> impl Future<Output = Result<Bytes, DatabaseSaidNo>> + Send + use<> {
        self.returns_after(value, std::future::ready(()))
    }

    /// An origin call that returns `value` when `gate` is ready.
    pub(crate) fn returns_after<G>(
        &self,
        value: &'static str,
        gate: G,
    ) -> impl Future<Output = Result<Bytes, DatabaseSaidNo>> + Send + use<G>
    where
        G: Future + Send,
        G::Output: Send,
    {
        let (calls, value) = (Arc::clone(&self.0), Bytes::from_static(value.as_bytes()));
        async move {
            calls.fetch_add(1, Ordering::SeqCst);
            gate.await;
            Ok(value)
        }
    }

    /// An origin call that fails when `gate` is ready, and says which call it was.
    pub(crate) fn fails_after<G>(
        &self,
        gate: G,
    ) -> impl Future<Output = Result<Bytes, DatabaseSaidNo>> + Send + use<G>
    where
        G: Future + Send,
        G::Output: Send,
    {
        let calls = Arc::clone(&self.0);
        async move {
            let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
            gate.await;
            Err(DatabaseSaidNo(call))
        }
    }
}

/// The sample with these labels, the backend's aside; a histogram's is its count. Panics if there is
/// none, so that a test cannot pass on a metric that does not exist.
pub(crate) fn metric(cache: &CacheLayer, name: &str, labels: &[(&str, &str)]) -> u64 {
    find_metric(cache, name, labels).unwrap_or_else(|| panic!("no sample {name} {labels:?}"))
}

pub(crate) fn find_metric(cache: &CacheLayer, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
    let families = cache.families();
    let family = families.iter().find(|family| family.metric.name == name)?;
    let has = |own: &[(&str, String)], wanted: &(&str, &str)| {
        own.iter().any(|(name, value)| *name == wanted.0 && value == wanted.1)
    };
    let backend = ("backend", cache.backend_name());
    let sample = family.samples.iter().find(|sample| {
        has(&sample.labels, &backend) && labels.iter().all(|wanted| has(&sample.labels, wanted))
    })?;
    Some(match &sample.value {
        Value::Number(value) => *value as u64,
        Value::Histogram { count, .. } | Value::Summary { count, .. } => *count,
    })
}

/// Operations of one kind with one result.
pub(crate) fn operations(cache: &CacheLayer, op: &str, result: &str) -> u64 {
    metric(cache, "cache_operations_total", &[("op", op), ("result", result)])
}

/// Waits until `holds`, for at most twenty seconds.
pub(crate) async fn eventually<Fut: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> Fut) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
