//! A comparison in one plain sentence, as the first line of a page and of a summary.

use hitmark_schema::Variant;

use crate::comparison::{EventNote, ExperimentComparison};
use crate::format::{latency, percent, significant, speed_up, speed_up_interval};
use crate::statistics::Quantile;
use crate::verdict::Verdict;

/// The finding of an experiment in one sentence, without its name.
#[must_use]
pub fn headline(comparison: &ExperimentComparison) -> String {
    let mut sentence = finding(comparison);
    if let Some(hit_ratio) = comparison.hit_ratio {
        sentence.push_str(&format!("; hit ratio {}", percent(hit_ratio)));
    }
    if let Some(pays) = pays(comparison) {
        sentence.push_str(&format!("; {pays}"));
    }
    sentence.push('.');
    sentence
}

/// From which hit ratio on the cache saves time, in words.
#[must_use]
pub fn pays(comparison: &ExperimentComparison) -> Option<String> {
    let break_even = comparison.break_even_hit_ratio?;
    Some(if break_even >= 1.0 {
        "it pays at no hit ratio: even a hit is slower than the baseline".to_owned()
    } else if break_even <= 0.0 {
        "it pays at any hit ratio: even a miss is no slower than the baseline".to_owned()
    } else {
        format!("it pays from a hit ratio of {} on", percent(break_even))
    })
}

/// An event in words: what, on which side, and its detail.
#[must_use]
pub fn event(event: &EventNote) -> String {
    let side = event.variant.map_or_else(String::new, |variant| format!(" ({variant})"));
    let detail = if event.detail.is_empty() { String::new() } else { format!(": {}", event.detail) };
    format!("{}{side}{detail}", event.kind.describe())
}

fn finding(comparison: &ExperimentComparison) -> String {
    let name = |variant| comparison.side(variant).map_or("–", |side| side.name.as_str());
    let (baseline, candidate) = (name(Variant::Baseline), name(Variant::Candidate));
    let median = comparison.ratio(Quantile::P50).and_then(|ratio| ratio.as_ref().ok());
    match (comparison.verdict, median) {
        (None, _) => {
            let p50 =
                comparison.side(Variant::Baseline).and_then(|side| side.overall.quantile_ns(Quantile::P50));
            let shown = p50
                .map_or_else(|| "was not measured".to_owned(), |ns| format!("takes {}", latency(ns as f64)));
            format!("{baseline} was measured alone; its median request {shown}")
        }
        (Some(Verdict::Invalid), _) => format!("the figures must not be used: {}", comparison.why),
        (Some(Verdict::Inconclusive), None) => format!("the run cannot tell: {}", comparison.why),
        (Some(verdict), Some(ratio)) => {
            let interval = ratio.interval.map_or_else(String::new, |bounds| {
                format!(" (95 % interval {})", speed_up_interval(ratio.estimate, bounds))
            });
            match verdict {
                Verdict::Faster | Verdict::Slower => format!(
                    "{candidate} makes the median request {} than {baseline}{interval}",
                    speed_up(ratio.estimate)
                ),
                Verdict::Same => format!(
                    "{candidate} and {baseline} answer the median request equally fast, ratio {}{}",
                    significant(ratio.estimate),
                    plain_interval(ratio.interval)
                ),
                _ => format!(
                    "the run cannot tell {candidate} from {baseline} for sure: the ratio of the median request is {}{}",
                    significant(ratio.estimate),
                    plain_interval(ratio.interval)
                ),
            }
        }
        (Some(_), None) => format!("{candidate} was not compared: {}", comparison.why),
    }
}

fn plain_interval(interval: Option<(f64, f64)>) -> String {
    interval.map_or_else(String::new, |(lower, upper)| {
        format!(" (95 % interval {}–{})", significant(lower), significant(upper))
    })
}
