//! The live curve on a metrics page: written by who has it, read back by who asks for it.

use std::collections::BTreeMap;

use super::sampler::{LiveCurve, SizePoint};
use crate::exposition::Family;
use crate::metrics::{
    CACHE_CAPACITY_BYTES, CURVE_BYTES_MISS_RATIO, CURVE_CAPACITY_MISS_RATIO, CURVE_DROPPED, CURVE_FOOTPRINT,
    CURVE_KEYS, CURVE_LOOKUPS, CURVE_MISS_RATIO, CURVE_RATE, CURVE_SAMPLED, CURVE_WINDOW, Metric,
};

/// What multiples of the present capacity are shown, with their labels.
const FACTORS: [(f64, &str); 5] = [(0.25, "0.25"), (0.5, "0.5"), (1.0, "1"), (2.0, "2"), (4.0, "4")];
/// Lines of a page that are read at most, and points of a curve.
const LINES_MAX: usize = 200_000;
const POINTS_MAX: usize = 400;

/// What a page says of the curve of one backend.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageCurve {
    /// The backend, such as `memory`.
    pub backend: String,
    /// The share of the keys that is sampled.
    pub rate: f64,
    /// Different keys within the window.
    pub keys: f64,
    /// Their bytes.
    pub footprint_bytes: f64,
    /// Lookups that the curve speaks of.
    pub lookups: u64,
    /// Lookups that the sample took since the process began.
    pub sampled: u64,
    /// Lookups of sampled keys that were left out.
    pub dropped: u64,
    /// How far back the curve looks.
    pub window_seconds: f64,
    /// The most bytes that the cache holds now; none if the page does not say.
    pub capacity_bytes: Option<u64>,
    /// Miss ratios by size in entries, smallest first.
    pub by_entries: Vec<SizePoint>,
    /// Miss ratios by size in bytes, smallest first.
    pub by_bytes: Vec<SizePoint>,
}

impl LiveCurve {
    /// The curve as families of samples. `sampled` and `dropped` are counts since the process began;
    /// `capacity_bytes` is the cache's present size, where it is known.
    #[must_use]
    pub fn families(
        &self,
        backend: &str,
        sampled: u64,
        dropped: u64,
        capacity_bytes: Option<u64>,
    ) -> Vec<Family> {
        let one = |metric: Metric, value: f64| Family::new(metric).with(&[("backend", backend)], value);
        let mut capacity = Family::new(CURVE_CAPACITY_MISS_RATIO);
        for (factor, label) in FACTORS {
            let bytes = capacity_bytes.map(|bytes| (bytes as f64 * factor) as u64);
            if let Some(miss_ratio) = bytes.and_then(|bytes| self.miss_ratio_of_bytes(bytes)) {
                capacity.push(&[("backend", backend), ("factor", label)], miss_ratio);
            }
        }
        vec![
            sizes(CURVE_MISS_RATIO, "entries", backend, &self.by_entries),
            sizes(CURVE_BYTES_MISS_RATIO, "bytes", backend, &self.by_bytes),
            capacity,
            one(CURVE_KEYS, self.keys),
            one(CURVE_FOOTPRINT, self.footprint_bytes),
            one(CURVE_RATE, self.rate),
            one(CURVE_LOOKUPS, self.requests as f64),
            one(CURVE_WINDOW, self.window.as_secs_f64()),
            one(CURVE_SAMPLED, sampled as f64),
            one(CURVE_DROPPED, dropped as f64),
        ]
    }
}

fn sizes(metric: Metric, label: &'static str, backend: &str, points: &[SizePoint]) -> Family {
    let mut family = Family::new(metric);
    for point in points {
        family.push(&[("backend", backend), (label, &point.size.to_string())], point.miss_ratio);
    }
    family
}

/// The curves on a metrics page, by backend; empty if it has none. Lines that do not belong to a
/// curve, or cannot be read, are passed over.
#[must_use]
pub fn read(page: &str) -> Vec<PageCurve> {
    let mut curves: BTreeMap<String, PageCurve> = BTreeMap::new();
    for line in page.lines().take(LINES_MAX) {
        let belongs = |name: &str| name.starts_with("cache_curve_") || name == CACHE_CAPACITY_BYTES.name;
        let Some((name, rest)) = line.split_once('{').filter(|(name, _)| belongs(name)) else { continue };
        let Some((labels, value)) = rest.rsplit_once('}') else { continue };
        let value = value.split_whitespace().next().and_then(|value| value.parse::<f64>().ok());
        let (Some(backend), Some(value)) = (label(labels, "backend"), value.filter(|value| *value >= 0.0))
        else {
            continue;
        };
        let curve = curves.entry(backend.to_owned()).or_default();
        take(curve, name, labels, value);
    }
    let mut curves: Vec<_> =
        curves.into_iter().map(|(backend, curve)| PageCurve { backend, ..curve }).collect();
    // A backend without a curve may say its capacity all the same; every curve says its rate.
    curves.retain(|curve| curve.rate > 0.0);
    for curve in &mut curves {
        curve.by_entries.sort_by_key(|point| point.size);
        curve.by_bytes.sort_by_key(|point| point.size);
    }
    curves
}

fn take(curve: &mut PageCurve, name: &str, labels: &str, value: f64) {
    let is = |metric: Metric| metric.name == name;
    let point = |of: &str| label(labels, of).and_then(|size| size.parse().ok());
    let add = |points: &mut Vec<SizePoint>, size: Option<u64>| {
        points.extend(size.filter(|_| value <= 1.0).map(|size| SizePoint { size, miss_ratio: value }));
        points.truncate(POINTS_MAX);
    };
    match name {
        _ if is(CURVE_MISS_RATIO) => add(&mut curve.by_entries, point("entries")),
        _ if is(CURVE_BYTES_MISS_RATIO) => add(&mut curve.by_bytes, point("bytes")),
        _ if is(CACHE_CAPACITY_BYTES) => curve.capacity_bytes = (value >= 1.0).then_some(value as u64),
        _ if is(CURVE_KEYS) => curve.keys = value,
        _ if is(CURVE_FOOTPRINT) => curve.footprint_bytes = value,
        _ if is(CURVE_RATE) => curve.rate = value,
        _ if is(CURVE_LOOKUPS) => curve.lookups = value as u64,
        _ if is(CURVE_WINDOW) => curve.window_seconds = value,
        _ if is(CURVE_SAMPLED) => curve.sampled = value as u64,
        _ if is(CURVE_DROPPED) => curve.dropped = value as u64,
        _ => {}
    }
}

/// The value of a label; those of a curve hold no quotes and no commas.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let pairs = labels.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.trim_matches('"')).next()
}
