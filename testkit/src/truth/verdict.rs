//! Whether what an instrument reports of the truth server is right: apart from measuring, so that
//! the judge can be judged.

/// How much more than the truth may be reported, beside the way there and back.
const TOLERANCE: f64 = 0.05;
/// Buckets of three digits hold values that are a thousandth smaller than they say.
const ROUNDING: f64 = 0.001;

/// A quantile of the answers to the same requests, as each party saw it, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Witnesses {
    /// What the instrument reports.
    pub reported_ns: f64,
    /// What the server itself took to answer the instrument.
    pub server_ns: f64,
    /// What the simplest client saw meanwhile.
    pub simplest_ns: f64,
    /// What the server itself took to answer the simplest client.
    pub server_of_simplest_ns: f64,
}

/// What is to be said of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the server's time, but for the way there and back and 5 %.
    Right,
    /// It is less than the server took: something was left out.
    TooShort,
    /// It is more than the way there and back explains: the instrument adds its own.
    TooLong,
}

impl Witnesses {
    /// The loopback floor at this delay: what the simplest client sees beyond the server's own time.
    #[must_use]
    pub const fn floor_ns(&self) -> f64 {
        (self.simplest_ns - self.server_of_simplest_ns).max(0.0)
    }

    /// The longest report that is right.
    #[must_use]
    pub const fn longest_right_ns(&self) -> f64 {
        self.server_ns * (1.0 + TOLERANCE) + self.floor_ns()
    }

    /// Whether the report is right.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.reported_ns < self.server_ns * (1.0 - ROUNDING) {
            Verdict::TooShort
        } else if self.reported_ns <= self.longest_right_ns() {
            Verdict::Right
        } else {
            Verdict::TooLong
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(reported_ns: f64, server_ns: f64, simplest_ns: f64, server_of_simplest_ns: f64) -> Verdict {
        Witnesses { reported_ns, server_ns, simplest_ns, server_of_simplest_ns }.verdict()
    }

    #[test]
    fn a_report_is_right_between_the_servers_time_and_five_per_cent_with_the_floor_above_it() {
        use Verdict::{Right, TooLong, TooShort};
        for (reported, expected) in [
            (900.0, TooShort),
            (998.9, TooShort),
            (999.0, Right),
            (1_000.0, Right),
            (1_080.0, Right),
            (1_080.1, TooLong),
            (5_000.0, TooLong),
        ] {
            assert_eq!(verdict(reported, 1_000.0, 1_030.0, 1_000.0), expected, "{reported}");
        }
    }

    #[test]
    fn the_floor_is_the_simplest_clients_own_whatever_the_server_took_for_it() {
        // The server was slower with one of the two: that is nobody's floor.
        assert_eq!(verdict(2_070.0, 2_000.0, 1_030.0, 1_000.0), Verdict::Right);
        assert_eq!(verdict(2_140.0, 2_000.0, 1_030.0, 1_000.0), Verdict::TooLong);
        assert_eq!(verdict(1_080.0, 1_000.0, 9_030.0, 9_000.0), Verdict::Right);
        assert_eq!(verdict(1_100.0, 1_000.0, 9_030.0, 9_000.0), Verdict::TooLong);
    }

    #[test]
    fn a_floor_is_never_below_nothing() {
        let witnesses = Witnesses {
            reported_ns: 1_040.0,
            server_ns: 1_000.0,
            simplest_ns: 990.0,
            server_of_simplest_ns: 1_000.0,
        };
        assert_eq!((witnesses.floor_ns(), witnesses.verdict()), (0.0, Verdict::Right));
    }
}
