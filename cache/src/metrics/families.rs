//! The counts as families of samples, under the names that `schema` registers.

use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics as names;

use super::histogram::Histogram;
use super::{Metrics, Op, OriginResult, Scope};
use crate::backend::State;

impl Metrics {
    /// Every metric of the layer, with the backend's name on each sample.
    pub(crate) fn families(&self, backend: &'static str, state: State) -> Vec<Family> {
        let mut families = vec![
            self.operations(backend),
            self.operation_times(backend),
            self.origin_calls(backend),
            Family::new(names::CACHE_ORIGIN_COALESCED)
                .with(&[("backend", backend)], self.sum(|shard| &shard.coalesced) as f64),
            self.origin_times(backend),
        ];
        families.extend(self.invalidations(backend));
        families.extend(gauges(backend, state));
        families
    }

    fn operations(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_OPERATIONS);
        for op in Op::ALL {
            for result in op.results() {
                let count = self.sum(|shard| &shard.operations[op as usize][*result as usize]);
                let labels = [("backend", backend), ("op", op.as_str()), ("result", result.as_str())];
                family.push(&labels, count as f64);
            }
        }
        family
    }

    fn operation_times(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_OPERATION_SECONDS);
        for op in Op::ALL {
            let parts: Vec<_> = self.shards.iter().map(|shard| &shard.operation_times[op as usize]).collect();
            let labels = [("backend", backend), ("op", op.as_str())];
            push_value(&mut family, &labels, Histogram::merged(&parts));
        }
        family
    }

    fn origin_calls(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_ORIGIN_CALLS);
        for result in OriginResult::ALL {
            let count = self.sum(|shard| &shard.origin_calls[result as usize]);
            family.push(&[("backend", backend), ("result", result.as_str())], count as f64);
        }
        family
    }

    fn origin_times(&self, backend: &str) -> Family {
        let mut family = Family::new(names::CACHE_ORIGIN_SECONDS);
        let parts: Vec<_> = self.shards.iter().map(|shard| &shard.origin_times).collect();
        push_value(&mut family, &[("backend", backend)], Histogram::merged(&parts));
        family
    }

    fn invalidations(&self, backend: &str) -> [Family; 2] {
        let mut keys = Family::new(names::CACHE_INVALIDATED_KEYS);
        let mut empty = Family::new(names::CACHE_INVALIDATIONS_EMPTY);
        for scope in Scope::ALL {
            let labels = [("backend", backend), ("scope", scope.as_str())];
            keys.push(&labels, self.sum(|shard| &shard.invalidated[scope as usize]) as f64);
            empty.push(&labels, self.sum(|shard| &shard.empty[scope as usize]) as f64);
        }
        [keys, empty]
    }
}

/// What the backend knows of itself. What it does not know has no sample.
fn gauges(backend: &str, state: State) -> [Family; 3] {
    let known = |metric, value: Option<f64>| {
        let family = Family::new(metric);
        match value {
            Some(value) => family.with(&[("backend", backend)], value),
            None => family,
        }
    };
    [
        known(names::CACHE_BACKEND_UP, state.up.map(|up| f64::from(u8::from(up)))),
        known(names::CACHE_ENTRIES, state.entries.map(|entries| entries as f64)),
        known(names::CACHE_SIZE_BYTES, state.size_bytes.map(|bytes| bytes as f64)),
    ]
}

fn push_value(family: &mut Family, labels: &[(&'static str, &str)], value: Value) {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    family.samples.push(Sample { labels, value });
}
