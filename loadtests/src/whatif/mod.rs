//! What another cache would have made of a trace: hit ratios over sizes, and other policies.
//!
//! Pure arithmetic over a file: nothing is sent. The curve of LRU needs one pass for all sizes at
//! once; every other policy is simulated size by size.

mod bytes;
mod curve;
mod distances;
mod intern;
mod live;
mod policies;
mod sample;
mod sizes;

use std::path::Path;

pub use bytes::ByteBuckets;
pub use curve::Curve;
pub use distances::{Access, Distances, Sizes, distances};
use hitmark_schema::whatif::{PolicyRow, SizeRow, WHATIF_SCHEMA, WhatIf};
pub use live::{LiveError, ask, of_page};
pub use policies::{PolicyName, UnknownPolicy, hits};
pub use sample::{EXACT_REQUESTS_MAX, Sample};
pub use sizes::{CacheSize, SizeError};

use crate::trace::{self, TraceError, TraceFormat};

/// Sizes that are shown when none is asked for, in percent of all keys.
const PERCENTS: [f64; 8] = [0.1, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
/// One point of hit ratio.
const POINT: f64 = 0.01;

/// What is asked of a trace.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Cache sizes; a spread over the footprint if none is named.
    pub sizes: Vec<CacheSize>,
    /// Policies to simulate beside the LRU curve.
    pub policies: Vec<PolicyName>,
    /// The share of keys to look at; by default all, and fewer from 10^7 requests on.
    pub rate: Option<f64>,
    /// How the trace is written; by default its name tells.
    pub format: Option<TraceFormat>,
}

/// Reads a trace and answers.
///
/// # Errors
///
/// If the trace cannot be read.
pub fn answer(path: &Path, question: &Question) -> Result<WhatIf, TraceError> {
    let mut sample = Sample::new(question.rate.unwrap_or(1.0));
    trace::read(path, question.format, |request| {
        sample.add(request.key, request.size_bytes);
        true
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(of_sample(&name, &sample, question))
}

/// Answers from requests that were gathered already.
#[must_use]
pub fn of_sample(name: &str, sample: &Sample, question: &Question) -> WhatIf {
    let distances = distances(sample.accesses(), sample.keys(), sample.sizes());
    let curve = Curve::new(sample, &distances);
    let scaled = |count: u64| (count as f64 / sample.rate()).round() as u64;
    let sizes: Vec<SizeRow> = match question.sizes.as_slice() {
        [] => PERCENTS
            .iter()
            .map(|percent| CacheSize::Percent(*percent))
            .map(|size| row(&curve, size))
            .collect(),
        sizes => sizes.iter().map(|size| row(&curve, *size)).collect(),
    };
    let policies = simulate(sample, question, &sizes);
    WhatIf {
        schema: WHATIF_SCHEMA,
        trace: name.to_owned(),
        requests: sample.totals().0,
        rate: sample.rate(),
        sampled_requests: distances.requests,
        keys: scaled(u64::from(sample.keys())),
        footprint_bytes: (sample.sizes() == Sizes::Known).then(|| scaled(distances.footprint_bytes)),
        hit_ratio_max: curve.hit_ratio_max(),
        by_entries: curve.points(),
        by_bytes: curve.byte_points(),
        knee: curve.knee(),
        sizes,
        policies,
        live: None,
    }
}

fn row(curve: &Curve, size: CacheSize) -> SizeRow {
    let entries_max = curve.entries_max();
    let (entries, bytes, hit_ratio) = match size {
        CacheSize::Bytes(bytes) => {
            let hit_ratio = curve.hit_ratio_of_bytes(bytes).unwrap_or(0.0);
            (curve.entries_for(hit_ratio).unwrap_or(entries_max), Some(bytes), hit_ratio)
        }
        CacheSize::Entries(entries) => {
            let hit_ratio = curve.hit_ratio(entries);
            (entries, curve.bytes_for(hit_ratio), hit_ratio)
        }
        CacheSize::Percent(percent) => {
            let entries = ((entries_max as f64 * percent / 100.0).round() as u64).max(1);
            let hit_ratio = curve.hit_ratio(entries);
            (entries, curve.bytes_for(hit_ratio), hit_ratio)
        }
    };
    let next_point_entries = curve.entries_for(hit_ratio + POINT).map(|more| more.saturating_sub(entries));
    let next_point_bytes =
        bytes.and_then(|bytes| Some(curve.bytes_for(hit_ratio + POINT)?.saturating_sub(bytes)));
    SizeRow { entries, bytes, hit_ratio, next_point_entries, next_point_bytes }
}

/// Every policy at every size. A sample is a miniature of the trace: the cache shrinks with it.
fn simulate(sample: &Sample, question: &Question, sizes: &[SizeRow]) -> Vec<PolicyRow> {
    let requests = sample.accesses().len() as f64;
    let expected = sample.totals().0 as f64 * sample.rate();
    let mut rows = Vec::new();
    for policy in &question.policies {
        for size in sizes {
            let capacity = (size.entries as f64 * sample.rate()).round() as usize;
            let hits = hits(*policy, capacity, sample.accesses(), sample.keys()) as f64;
            let hit_ratio = ((hits + expected - requests) / expected.max(1.0)).clamp(0.0, 1.0);
            rows.push(PolicyRow { policy: policy.as_str().to_owned(), entries: size.entries, hit_ratio });
        }
    }
    rows
}
