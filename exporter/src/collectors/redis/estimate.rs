//! From a sample of clusters to a number with its standard error and its 95 % interval.
//!
//! It is apart from `sample`, which keeps the clusters: here is only arithmetic. A count is a share of
//! all keys, so its interval is Wilson's. Memory is a sum of which few keys may hold most; there an
//! interval of one width to both sides ends too low whenever the sample met too few of the large keys,
//! since it then has too small an error as well. So memory's interval reaches as far down as the normal
//! one and as far up as that of the logarithm; or as far as a share of large keys that a sample of this
//! size misses once in forty times, were they as much larger than the others as they are anywhere; and
//! up by what the server says that nobody has met.

use super::fields::number;
use super::info::field;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_964;
/// With this many expected, none is met once in forty times: `exp(-x) = 0.025`.
const MISSED_ONCE_IN_40: f64 = 3.689;
/// What `MEMORY USAGE` counts for each key that `used_memory_dataset` does not: the entry of the table
/// and the object's head.
const HEAD_BYTES: f64 = 40.0;

/// A number that was estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) error: f64,
    /// The ends of the 95 % interval.
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What no estimate of memory has met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Missed {
    /// What the server holds beyond all estimates together, which may be of any prefix.
    pub(super) unseen: f64,
    /// How many times larger than the usual key of its prefix the largest one of any prefix is.
    pub(super) spread: f64,
    /// All that the server holds, if it is known.
    pub(super) held: Option<f64>,
}

/// The sizes of one prefix' sampled keys.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range {
    largest: f64,
    logarithms: f64,
}

impl Range {
    pub(super) fn add(&mut self, bytes: f64) {
        self.join(Self { largest: bytes, logarithms: bytes.max(1.0).ln() });
    }

    pub(super) fn join(&mut self, other: Self) {
        self.largest = self.largest.max(other.largest);
        self.logarithms += other.logarithms;
    }

    /// The geometric mean of so many keys, which few large ones hardly move.
    pub(super) fn typical(self, keys: f64) -> f64 {
        (self.logarithms / keys).exp()
    }

    pub(super) fn spread(self, keys: f64) -> f64 {
        self.largest / self.typical(keys)
    }
}

/// How large the clusters of a sample are together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    pub(super) clusters: f64,
    pub(super) sum: f64,
    pub(super) squares: f64,
}

/// What the variance of a ratio to the clusters' sizes needs.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Moments {
    pub(super) sum: f64,
    squares: f64,
    with_size: f64,
}

impl Estimate {
    /// A number that was counted.
    pub(super) const fn exact(value: f64) -> Self {
        Self { value, error: 0.0, low: value, high: value }
    }
}

impl Sizes {
    pub(super) fn of(sizes: impl Iterator<Item = f64>) -> Self {
        sizes.fold(Self { clusters: 0.0, sum: 0.0, squares: 0.0 }, |all, size| Self {
            clusters: all.clusters + 1.0,
            sum: all.sum + size,
            squares: all.squares + size * size,
        })
    }

    /// The quantile of Student's distribution, by the first term of Cornish and Fisher's expansion
    /// (Abramowitz and Stegun 26.7.5): the variance is estimated from this many clusters.
    fn quantile(self) -> f64 {
        Z + (Z.powi(3) + Z) / (4.0 * (self.clusters - 1.0).max(1.0))
    }
}

impl Moments {
    /// Adds a cluster's sum of something.
    pub(super) fn add(&mut self, value: f64, size: f64) {
        self.sum += value;
        self.squares += value * value;
        self.with_size += value * size;
    }

    /// The ratio of the sums and its standard error, by the linear approximation (Cochran, Sampling
    /// Techniques, 1977, section 9A: clusters of unequal sizes).
    fn ratio(self, sizes: Sizes) -> (f64, f64) {
        let ratio = self.sum / sizes.sum;
        let residuals = self.squares - 2.0 * ratio * self.with_size + ratio * ratio * sizes.squares;
        let scale = sizes.clusters / (sizes.clusters - 1.0).max(1.0);
        (ratio, (scale * residuals.max(0.0)).sqrt() / sizes.sum)
    }

    /// How many of `total` keys: the moments are of counts of keys. The interval is Wilson's (1927) for
    /// as many independent keys as would have the same error, and never for more than were seen.
    pub(super) fn count(self, sizes: Sizes, total: f64) -> Estimate {
        let (share, error) = self.ratio(sizes);
        let worth = if error > 0.0 { share * (1.0 - share) / (error * error) } else { sizes.sum };
        let (n, z) = (worth.clamp(1.0, sizes.sum), sizes.quantile());
        let shrink = 1.0 + z * z / n;
        let middle = (share + z * z / (2.0 * n)) / shrink;
        let half = z / shrink * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
        Estimate {
            value: share * total,
            error: error * total,
            // Rounding must not leave the estimate itself out when all keys are of one prefix.
            low: (middle - half).clamp(0.0, share) * total,
            high: (middle + half).clamp(share, 1.0) * total,
        }
    }

    /// A sum over those of `total` keys of which the sample met `keys`, most of them of about `typical`
    /// bytes.
    pub(super) fn amount(
        self,
        sizes: Sizes,
        total: f64,
        missed: &Missed,
        keys: f64,
        typical: f64,
    ) -> Estimate {
        let (mean, error) = self.ratio(sizes);
        let (value, error, z) = (mean * total, error * total, sizes.quantile());
        let logarithmic = value * (z * error / value.max(1.0)).exp();
        let large =
            (MISSED_ONCE_IN_40 / keys).min(1.0) * (keys / sizes.sum * total) * missed.spread * typical;
        let high = logarithmic.max(value + large) + missed.unseen;
        // What the server tells and what `MEMORY USAGE` adds up to differ by a few percent.
        let most = missed.held.map_or(f64::INFINITY, |held| (1.1 * held).max(value));
        Estimate { value, error, low: (value - z * error).max(0.0), high: high.min(most) }
    }
}

/// The memory of the data by `INFO`, as `MEMORY USAGE` would add it up, for a server whose keys are all
/// in one database of `total` keys; nothing if other databases share it.
pub(super) fn held(info: &str, total: f64) -> Option<f64> {
    let databases = info.lines().filter(|line| line.starts_with("db") && line.contains(":keys=")).count();
    let bytes = field(info, "used_memory_dataset").and_then(number)?;
    (databases == 1).then_some(bytes + HEAD_BYTES * total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_few_keys_has_an_interval_that_reaches_further_up() {
        let sizes = Sizes::of(std::iter::repeat_n(10.0, 100));
        let mut one = Moments::default();
        one.add(1.0, 10.0);
        let count = one.count(sizes, 1_000.0);
        assert!((count.value - 1.0).abs() < 1e-9 && count.low > 0.0, "{count:?}");
        assert!(count.high - count.value > 3.0 * (count.value - count.low), "{count:?}");
    }

    #[test]
    fn all_keys_of_one_prefix_are_no_certainty() {
        let sizes = Sizes::of(std::iter::repeat_n(10.0, 100));
        let mut all = Moments::default();
        (0..100).for_each(|_| all.add(10.0, 10.0));
        let count = all.count(sizes, 1_000.0);
        assert_eq!((count.value, count.error, count.high), (1_000.0, 0.0, 1_000.0));
        assert!(count.low < 1_000.0 && count.low > 990.0, "{count:?}");
    }

    #[test]
    fn the_interval_of_memory_holds_its_estimate_and_what_nobody_met() {
        let sizes = Sizes::of(std::iter::repeat_n(10.0, 30));
        let mut some = Moments::default();
        (0..30).for_each(|number| some.add(f64::from(100 + number % 3), 10.0));
        let missed = Missed { unseen: 500.0, spread: 1.0, held: None };
        let amount = some.amount(sizes, 3_000.0, &missed, 300.0, 10.0);
        assert!(amount.low < amount.value && amount.value + 500.0 < amount.high, "{amount:?}");
        let large = some.amount(sizes, 3_000.0, &Missed { spread: 1_000.0, ..missed }, 300.0, 10.0);
        assert!(large.high > 10.0 * amount.high, "{large:?}");
        let known = Missed { spread: 1_000.0, held: Some(40_000.0), ..missed };
        assert_eq!(some.amount(sizes, 3_000.0, &known, 300.0, 10.0).high, 44_000.0);
    }

    #[test]
    fn what_the_server_holds_is_told_only_where_one_database_holds_it() {
        let one = "used_memory_dataset:1000\r\n# Keyspace\r\ndb0:keys=10,expires=0,avg_ttl=0\r\n";
        assert_eq!(held(one, 10.0), Some(1_400.0));
        assert_eq!(held(&format!("{one}db3:keys=1,expires=0,avg_ttl=0\r\n"), 10.0), None);
        assert_eq!(held("db0:keys=10\r\n", 10.0), None);
    }
}
