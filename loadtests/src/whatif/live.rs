//! The live curve of a running testbed, read off its metrics page, as the same document that a trace
//! gives.
//!
//! A page has a point every half doubling. Between two points the hit ratio is taken to grow with the
//! logarithm of the size, so what one more point costs is an estimate of an estimate.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::curve::{PageCurve, SizePoint, read};
use hitmark_schema::redact;
use hitmark_schema::whatif::{BytePoint, CurvePoint, Knee, Live, SizeRow, WHATIF_SCHEMA, WhatIf};
use url::Url;

use super::{CacheSize, PERCENTS, POINT};
use crate::plan::{HttpVersion, service_address};
use crate::probe;
use crate::transport::Target;

/// How long a page may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// It is no usable URL, or nothing answers there.
    #[error("--from: {0}")]
    Asked(String),
    /// It answered something else than a page.
    #[error("--from: {url} answered {status}: is it the metrics page?")]
    Status {
        /// What was asked, without secrets.
        url: String,
        /// The status of the answer.
        status: u16,
    },
    /// The page has no curve, or no point on it yet.
    #[error(
        "--from: {0} has no live curve yet: is it a testbed with a cache, started without --no-curve, and asked for something?"
    )]
    NoCurve(String),
}

/// Asks a metrics page for its curves, by backend; those that have no point yet are left out.
///
/// # Errors
///
/// If the page cannot be read or has no curve.
pub async fn ask(url: &str) -> Result<Vec<PageCurve>, LiveError> {
    let shown = redact::url(url);
    let parsed =
        Url::parse(url).map_err(|error| LiveError::Asked(format!("'{shown}' is not a URL: {error}")))?;
    let path = match parsed.path() {
        "" | "/" => "/metrics".to_owned(),
        path => path.to_owned(),
    };
    let mut base = parsed.clone();
    base.set_path("");
    // One request for a page is no load: any host may be asked.
    let hosts = [parsed.host_str().unwrap_or_default().to_owned()];
    let address = service_address(base.as_str(), &hosts).map_err(LiveError::Asked)?;
    let target = Target::new(address, TIMEOUT, HttpVersion::Http1, None);
    let target = target.map_err(|error| LiveError::Asked(error.to_string()))?;
    let page = probe::get(&Arc::new(target), &path).await;
    let page = page.map_err(|why| LiveError::Asked(format!("{shown} cannot be asked: {why}")))?;
    if page.status != 200 {
        return Err(LiveError::Status { url: shown, status: page.status });
    }
    let mut curves = read(&String::from_utf8_lossy(&page.body));
    curves.retain(|curve| !curve.by_entries.is_empty());
    if curves.is_empty() { Err(LiveError::NoCurve(shown)) } else { Ok(curves) }
}

/// A page's curve as the answer to a question about sizes; shares of the footprint if none is named.
#[must_use]
pub fn of_page(name: &str, curve: &PageCurve, sizes: &[CacheSize]) -> WhatIf {
    let entries = Points(&curve.by_entries);
    let bytes = Points(&curve.by_bytes);
    let usual: Vec<CacheSize> = PERCENTS.iter().map(|percent| CacheSize::Percent(*percent)).collect();
    // What the sample does not resolve has no row, unless it was asked for.
    let smallest = curve.by_entries.first().map_or(0.0, |point| point.size as f64);
    let is_resolved = |size: &&CacheSize| match size {
        CacheSize::Percent(percent) => curve.keys * percent / 100.0 >= smallest,
        _ => true,
    };
    let rows = match sizes {
        [] => usual.iter().filter(is_resolved).map(|size| row(curve, *size)).collect(),
        sizes => sizes.iter().map(|size| row(curve, *size)).collect(),
    };
    let point = |point: &SizePoint| CurvePoint { entries: point.size, hit_ratio: 1.0 - point.miss_ratio };
    let byte_point = |point: &SizePoint| BytePoint {
        bytes: point.size,
        hit_ratio: 1.0 - point.miss_ratio,
        byte_hit_ratio: None,
    };
    WhatIf {
        schema: WHATIF_SCHEMA,
        trace: name.to_owned(),
        requests: curve.lookups,
        rate: curve.rate,
        sampled_requests: curve.sampled,
        keys: curve.keys.round() as u64,
        footprint_bytes: Some(curve.footprint_bytes.round() as u64),
        hit_ratio_max: entries.hit_ratio_max(),
        by_entries: curve.by_entries.iter().map(point).collect(),
        by_bytes: (!curve.by_bytes.is_empty()).then(|| curve.by_bytes.iter().map(byte_point).collect()),
        knee: entries.knee().map(|(size, hit_ratio)| Knee {
            entries: size,
            hit_ratio,
            bytes: bytes.size_for(hit_ratio),
        }),
        sizes: rows,
        policies: Vec::new(),
        live: Some(Live {
            window_seconds: curve.window_seconds,
            dropped: curve.dropped,
            capacity_bytes: curve.capacity_bytes,
            now: curve.capacity_bytes.map(|bytes| row(curve, CacheSize::Bytes(bytes))),
        }),
    }
}

fn row(curve: &PageCurve, size: CacheSize) -> SizeRow {
    let (by_entries, by_bytes) = (Points(&curve.by_entries), Points(&curve.by_bytes));
    let all = curve.keys.round() as u64;
    let (entries, bytes, hit_ratio) = match size {
        CacheSize::Bytes(bytes) => {
            let hit_ratio = by_bytes.hit_ratio(bytes);
            (by_entries.size_for(hit_ratio).unwrap_or(all), Some(bytes), hit_ratio)
        }
        CacheSize::Entries(entries) => {
            let hit_ratio = by_entries.hit_ratio(entries);
            (entries, by_bytes.size_for(hit_ratio), hit_ratio)
        }
        CacheSize::Percent(percent) => {
            let entries = ((curve.keys * percent / 100.0).round() as u64).max(1);
            let hit_ratio = by_entries.hit_ratio(entries);
            (entries, by_bytes.size_for(hit_ratio), hit_ratio)
        }
    };
    // Less than an entry between two points of the page is an entry in truth.
    let more = by_entries.size_for(hit_ratio + POINT).map(|more| more.saturating_sub(entries).max(1));
    let more_bytes =
        bytes.and_then(|bytes| Some(by_bytes.size_for(hit_ratio + POINT)?.saturating_sub(bytes)));
    SizeRow { entries, bytes, hit_ratio, next_point_entries: more, next_point_bytes: more_bytes }
}

/// Points, smallest size first, and what lies between them.
struct Points<'p>(&'p [SizePoint]);

impl Points<'_> {
    fn hit_ratio_max(&self) -> f64 {
        self.0.last().map_or(0.0, |point| 1.0 - point.miss_ratio)
    }

    /// Below the first point, in proportion to the size; beyond the last one, as there.
    fn hit_ratio(&self, size: u64) -> f64 {
        let place = self.0.partition_point(|point| point.size <= size);
        match (place.checked_sub(1).map(|before| &self.0[before]), self.0.get(place)) {
            (Some(before), Some(after)) => {
                let share =
                    (size as f64 / before.size as f64).ln() / (after.size as f64 / before.size as f64).ln();
                1.0 - before.miss_ratio + share * (before.miss_ratio - after.miss_ratio)
            }
            (Some(last), None) => 1.0 - last.miss_ratio,
            (None, Some(first)) => (1.0 - first.miss_ratio) * size as f64 / first.size as f64,
            (None, None) => 0.0,
        }
    }

    /// The smallest size with this hit ratio; none if no size has it.
    fn size_for(&self, hit_ratio: f64) -> Option<u64> {
        let place = self.0.partition_point(|point| 1.0 - point.miss_ratio < hit_ratio - 1e-12);
        let after = self.0.get(place)?;
        let reached = 1.0 - after.miss_ratio;
        let Some(before) = place.checked_sub(1).map(|before| &self.0[before]) else {
            let share = if reached > 0.0 { hit_ratio / reached } else { 1.0 };
            return Some((after.size as f64 * share.clamp(0.0, 1.0)).round() as u64);
        };
        let rise = before.miss_ratio - after.miss_ratio;
        let share = if rise > 0.0 { (hit_ratio - (1.0 - before.miss_ratio)) / rise } else { 1.0 };
        let growth = (after.size as f64 / before.size as f64).powf(share.clamp(0.0, 1.0));
        Some((before.size as f64 * growth).round() as u64)
    }

    /// The point that lies furthest above the line between the ends.
    fn knee(&self) -> Option<(u64, f64)> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        let rise = first.miss_ratio - last.miss_ratio;
        if self.0.len() < 3 || rise < POINT {
            return None;
        }
        let above = |point: &SizePoint| {
            (first.miss_ratio - point.miss_ratio) / rise - point.size as f64 / last.size as f64
        };
        let knee = self.0.iter().max_by(|one, other| above(one).total_cmp(&above(other)))?;
        Some((knee.size, 1.0 - knee.miss_ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve() -> PageCurve {
        let points = |scale: u64| {
            let point =
                |(size, miss_ratio): &(u64, f64)| SizePoint { size: size * scale, miss_ratio: *miss_ratio };
            [(64, 0.8), (128, 0.5), (256, 0.3), (512, 0.25), (1_024, 0.2)].iter().map(point).collect()
        };
        PageCurve {
            backend: "memory".to_owned(),
            rate: 0.5,
            keys: 1_000.0,
            footprint_bytes: 1e6,
            lookups: 50_000,
            sampled: 25_000,
            by_entries: points(1),
            by_bytes: points(1_000),
            ..PageCurve::default()
        }
    }

    #[test]
    fn sizes_and_hit_ratios_lead_back_to_each_other() {
        let curve = curve();
        let points = Points(&curve.by_entries);
        for size in [64, 90, 128, 200, 300, 512, 700, 1_000] {
            let back = points.size_for(points.hit_ratio(size)).unwrap();
            assert!(back.abs_diff(size) <= 1, "{size} became {back}");
        }
        assert_eq!(points.hit_ratio(5_000), 0.8);
        assert_eq!(points.size_for(0.81), None);
        assert!((points.hit_ratio(32) - 0.1).abs() < 1e-12);
        assert!((points.hit_ratio(181) - 0.6).abs() < 0.001, "half a doubling is half the rise");
    }

    #[test]
    fn the_document_has_rows_knee_and_price_in_entries_and_bytes() {
        let whatif = of_page("page", &curve(), &[CacheSize::Bytes(128_000), CacheSize::Entries(1_024)]);
        assert_eq!((whatif.requests, whatif.keys, whatif.hit_ratio_max), (50_000, 1_000, 0.8));
        let row = whatif.sizes[0];
        assert_eq!((row.entries, row.bytes), (128, Some(128_000)));
        assert!((row.hit_ratio - 0.5).abs() < 1e-12);
        // A point is a twentieth of the doubling to 256: 128 · 2^0.05.
        assert_eq!(row.next_point_entries, Some(5));
        assert!(row.next_point_bytes.is_some_and(|bytes| (4_400..4_700).contains(&bytes)), "{row:?}");
        assert_eq!(whatif.sizes[1].next_point_entries, None, "no cache reaches it");
        let knee = whatif.knee.unwrap();
        assert_eq!((knee.entries, knee.bytes), (256, Some(256_000)));
    }

    #[test]
    fn a_cache_that_says_its_size_gets_the_price_from_there() {
        let unknown = of_page("page", &curve(), &[]).live.unwrap();
        assert_eq!((unknown.capacity_bytes, unknown.now), (None, None));
        let sized = PageCurve { capacity_bytes: Some(128_000), window_seconds: 90.0, dropped: 2, ..curve() };
        let live = of_page("page", &sized, &[]).live.unwrap();
        assert_eq!((live.window_seconds, live.dropped), (90.0, 2));
        assert_eq!(live.now, Some(of_page("page", &sized, &[CacheSize::Bytes(128_000)]).sizes[0]));
    }

    #[test]
    fn shares_that_the_sample_does_not_resolve_have_no_row() {
        let whatif = of_page("page", &curve(), &[]);
        let entries: Vec<u64> = whatif.sizes.iter().map(|row| row.entries).collect();
        assert_eq!(entries, [100, 200, 500, 1_000], "1, 10, 20 and 50 entries are less than 64");
    }
}
