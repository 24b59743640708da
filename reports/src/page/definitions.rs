//! What each figure means, in a sentence each.

use maud::{Markup, html};

/// The figures of a page, in the order in which a reader meets them.
const DEFINITIONS: [(&str, &str); 14] = [
    (
        "latency",
        "Nanoseconds from the (intended) start of a request to the last byte of its body, read from the monotonic clock.",
    ),
    (
        "p50, p95, p99",
        "The latency that half, 95 % and 99 % of the requests do not exceed, from merged histograms; it is off by 0.1 % at most.",
    ),
    (
        "outcome",
        "How the cache answered: hit, miss, stale, revalidated; bypass if it was not asked; unknown if the response does not tell.",
    ),
    (
        "super-block",
        "About a second of each variant, gathered from slices of some 20 ms in random order: one pair of observations.",
    ),
    (
        "ratio",
        "Candidate ÷ baseline of a percentile, estimated over the pairs by Hodges and Lehmann: the median of all pairwise means of the logarithms. Below 1 the candidate is faster.",
    ),
    ("speed-up", "Baseline ÷ candidate: 1 ÷ ratio, told as “faster” or “slower”."),
    (
        "95 % interval",
        "What the pairs allow for the ratio, from the exact law of Wilcoxon's signed-rank statistic, 2.5 % on each side. No random numbers are used.",
    ),
    (
        "could see",
        "The smallest change that pairs with this noise would have caught with a power of 95 % at a level of 1 %.",
    ),
    (
        "verdict",
        "On the median over all outcomes: faster or slower if the exact bound at 1 % (Holm's correction over the experiments) lies beyond 2 %; same if the 95 % interval lies within 5 % of 1; else inconclusive. Invalid if a body differed, if more than 0.1 % of the requests failed, or if the run says so.",
    ),
    ("hit ratio", "Hits, stale and revalidated answers of the candidate, divided by these and the misses."),
    (
        "break-even",
        "The hit ratio from which on the cache saves time: (miss − baseline) ÷ (miss − hit), with mean latencies.",
    ),
    (
        "saved each",
        "Mean latency of the baseline minus mean latency of the candidate, at this run's own hit ratio.",
    ),
    (
        "failed",
        "No response in time, a broken connection, a wrong status, or a body that differs from the other variant's.",
    ),
    ("not measured", "A figure that nobody measured is a dash, never 0."),
];

pub(super) fn definitions() -> Markup {
    html! {
        h2 { "What the figures mean" }
        dl { @for (figure, meaning) in DEFINITIONS { dt { (figure) } dd { (meaning) } } }
    }
}
