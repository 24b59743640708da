//! The server's own service times, kept exactly: a histogram's error would be one more unknown.

use std::collections::BTreeMap;

const PATHS_MAX: usize = 64;
const SAMPLES_MAX: usize = 1_000_000;

/// Nanoseconds by path.
#[derive(Debug, Default)]
pub(super) struct ServiceTimes {
    by_path: BTreeMap<String, Vec<u64>>,
}

impl ServiceTimes {
    /// Notes one answer. Beyond the limits (64 paths, a million answers each) it is not noted.
    pub(super) fn record(&mut self, path: &str, ns: u64) {
        if let Some(samples) = self.by_path.get_mut(path) {
            if samples.len() < SAMPLES_MAX {
                samples.push(ns);
            }
        } else if self.by_path.len() < PATHS_MAX {
            self.by_path.insert(path.to_owned(), vec![ns]);
        }
    }

    /// How many answers of a path are noted.
    pub(super) fn count(&self, path: &str) -> usize {
        self.by_path.get(path).map_or(0, Vec::len)
    }

    /// The sample at that rank: the smallest one that at least this share of all does not exceed.
    pub(super) fn quantile_ns(&self, path: &str, quantile: f64) -> Option<u64> {
        let mut samples = self.by_path.get(path)?.clone();
        samples.sort_unstable();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = (quantile.clamp(0.0, 1.0) * samples.len() as f64).ceil() as usize;
        samples.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_by_nearest_rank() {
        let mut times = ServiceTimes::default();
        for ns in [50, 10, 40, 20, 30] {
            times.record("/a", ns);
        }
        let quantiles = [(0.0, 10), (0.2, 10), (0.21, 20), (0.5, 30), (0.99, 50), (1.0, 50), (7.0, 50)];
        for (quantile, expected) in quantiles {
            assert_eq!(times.quantile_ns("/a", quantile), Some(expected), "{quantile}");
        }
    }

    #[test]
    fn a_path_that_was_never_asked_for_has_no_times() {
        assert_eq!(ServiceTimes::default().quantile_ns("/a", 0.5), None);
        assert_eq!(ServiceTimes::default().count("/a"), 0);
    }

    #[test]
    fn paths_beyond_the_limit_are_not_kept() {
        let mut times = ServiceTimes::default();
        for path in 0..=PATHS_MAX {
            times.record(&path.to_string(), 1);
        }
        assert_eq!(times.by_path.len(), PATHS_MAX);
        assert_eq!(times.quantile_ns(&PATHS_MAX.to_string(), 0.5), None);
    }
}
