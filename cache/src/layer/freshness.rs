//! What may be done with an entry that was found: a pure judgement of its dates by a policy.

use crate::clock::UnixMs;
use crate::entry::{Entry, Kind};
use crate::policy::Policy;
use crate::random::Randomness;

/// What an entry is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// To be served.
    Fresh,
    /// To be served, and refreshed before its end.
    Early,
    /// To be served while it is refreshed.
    Stale,
    /// To be served if the origin fails.
    Spare,
    /// For nothing.
    Useless,
}

/// Judges an entry at a moment.
#[inline]
pub(super) fn judge(entry: &Entry, policy: &Policy, now: UnixMs, random: &Randomness) -> Verdict {
    // A policy that knows no absence never meets it.
    if entry.kind == Kind::Negative && policy.negative_ttl.is_none() {
        return Verdict::Useless;
    }
    if now < entry.fresh_until {
        let refresh = (policy.eager.is_some() || policy.xfetch_beta.is_some())
            && is_due_early(entry, policy, now, random);
        return if refresh { Verdict::Early } else { Verdict::Fresh };
    }
    let past = now.since(entry.fresh_until);
    // "There is none" is not worth showing after its time.
    if entry.kind == Kind::Negative || now >= entry.kept_until {
        Verdict::Useless
    } else if past < policy.stale_while_revalidate {
        Verdict::Stale
    } else if past < policy.stale_if_error {
        Verdict::Spare
    } else {
        Verdict::Useless
    }
}

/// Whether a fresh entry should be refreshed now, by its share of life or by chance.
fn is_due_early(entry: &Entry, policy: &Policy, now: UnixMs, random: &Randomness) -> bool {
    let life_ms = entry.fresh_until.since(entry.stored).as_millis() as f64;
    let lived_ms = now.since(entry.stored).as_millis() as f64;
    let eager = policy.eager.is_some_and(|share| lived_ms >= life_ms * share);
    eager || policy.xfetch_beta.is_some_and(|beta| is_chosen(entry, beta, life_ms - lived_ms, random))
}

/// XFetch: `now - delta * beta * ln(rand) >= expiry`, with delta the time that the origin took
/// (Vattani, Chierichetti and Lowenstein, VLDB 2015, figure 4).
fn is_chosen(entry: &Entry, beta: f64, left_ms: f64, random: &Randomness) -> bool {
    let delta_ms = entry.origin_time.as_secs_f64() * 1e3;
    // 1 - rand lies in (0, 1], whose logarithm is finite.
    -delta_ms * beta * (1.0 - random.next()).ln() >= left_ms
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn entry() -> Entry {
        Entry {
            value: Bytes::new(),
            kind: Kind::Value,
            stored: UnixMs(100_000),
            fresh_until: UnixMs(110_000),
            kept_until: UnixMs(140_000),
            origin_time: Duration::from_millis(200),
        }
    }

    fn at(policy: &Policy, ms: u64, chance: f64) -> Verdict {
        judge(&entry(), policy, UnixMs(ms), &Randomness::given(move || chance))
    }

    #[test]
    fn each_window_ends_where_it_says() {
        let policy = Policy::ttl(seconds(10)).stale_while_revalidate(seconds(5)).stale_if_error(seconds(20));
        let table = [
            (100_000, Verdict::Fresh),
            (109_999, Verdict::Fresh),
            (110_000, Verdict::Stale),
            (114_999, Verdict::Stale),
            (115_000, Verdict::Spare),
            (129_999, Verdict::Spare),
            (130_000, Verdict::Useless),
            (u64::MAX, Verdict::Useless),
        ];
        for (ms, verdict) in table {
            assert_eq!(at(&policy, ms, 0.0), verdict, "{ms}");
        }
        assert_eq!(
            at(&Policy::ttl(seconds(10)), 110_000, 0.0),
            Verdict::Useless,
            "no window, no stale value"
        );
    }

    #[test]
    fn nothing_is_served_after_the_store_should_have_dropped_it() {
        let policy = Policy::ttl(seconds(10)).stale_while_revalidate(seconds(500));
        assert_eq!(at(&policy, 139_999, 0.0), Verdict::Stale);
        assert_eq!(at(&policy, 140_000, 0.0), Verdict::Useless);
    }

    #[test]
    fn an_eager_policy_refreshes_from_its_share_on() {
        let policy = Policy::ttl(seconds(10)).eager(0.8);
        assert_eq!(at(&policy, 107_999, 0.0), Verdict::Fresh);
        assert_eq!(at(&policy, 108_000, 0.0), Verdict::Early);
    }

    #[test]
    fn xfetch_follows_its_formula() {
        // -200 ms * ln(1 - 0.9) = 460 ms before the end, twice that with beta 2.
        let one = Policy::ttl(seconds(10)).xfetch(1.0);
        assert_eq!(at(&one, 109_539, 0.9), Verdict::Fresh);
        assert_eq!(at(&one, 109_540, 0.9), Verdict::Early);
        let two = Policy::ttl(seconds(10)).xfetch(2.0);
        assert_eq!(at(&two, 109_080, 0.9), Verdict::Early);
        assert_eq!(at(&two, 109_999, 0.0), Verdict::Fresh, "no chance, no refresh");
    }

    #[test]
    fn a_negative_entry_is_never_served_stale() {
        let plain = Policy::ttl(seconds(10)).stale_while_revalidate(seconds(5));
        let policy = plain.clone().negative_ttl(seconds(1));
        let negative = Entry { kind: Kind::Negative, ..entry() };
        let random = Randomness::seeded(1);
        assert_eq!(judge(&negative, &policy, UnixMs(109_999), &random), Verdict::Fresh);
        assert_eq!(judge(&negative, &policy, UnixMs(110_000), &random), Verdict::Useless);
        assert_eq!(judge(&negative, &plain, UnixMs(109_999), &random), Verdict::Useless);
    }
}
