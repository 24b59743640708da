//! The present, in milliseconds since 1970: one clock for entries in this process and in servers.
//!
//! Read once from the wall clock and advanced by the steady one, so that it never runs backwards
//! while the process lives and costs one cheap clock read. Hosts whose wall clocks differ by some
//! milliseconds differ by as much here.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMs(pub u64);

impl UnixMs {
    /// The present.
    #[must_use]
    pub fn now() -> Self {
        static START: OnceLock<(Instant, u64)> = OnceLock::new();
        let (steady, wall_ms) = START.get_or_init(|| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            (Instant::now(), millis(wall))
        });
        Self(wall_ms.saturating_add(millis(steady.elapsed())))
    }

    /// The moment so much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The time from `earlier` until this, zero if it is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_wall_clock_and_never_runs_backwards() {
        let first = UnixMs::now();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        assert!(wall.saturating_sub(Duration::from_millis(first.0)) < Duration::from_secs(60));
        assert!(UnixMs::now() >= first);
    }

    #[test]
    fn no_moment_overflows() {
        assert_eq!(UnixMs(u64::MAX).after(Duration::MAX), UnixMs(u64::MAX));
        assert_eq!(UnixMs(3).since(UnixMs(5)), Duration::ZERO);
    }
}
