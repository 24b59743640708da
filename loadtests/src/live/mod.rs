//! A run while it goes: the figures of its last super-block and the counts so far.
//!
//! Fed by the steps of a run, super-block by super-block, so nothing is added to the way of a
//! request. A terminal shows [`Live::lines`], Prometheus reads [`Live::page`].

mod serve;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hitmark_schema::exposition::{Family, encode};
use hitmark_schema::{ErrorKind, Outcome, SuperBlock, Timing, Variant, metrics};

pub use serve::serve;

use crate::runner::Progress;

/// The quantiles of the page.
const QUANTILES: [(f64, &str); 3] = [(0.5, "0.5"), (0.99, "0.99"), (0.999, "0.999")];
/// Experiments of a page at most: a plan has no more.
const EXPERIMENTS_MAX: usize = crate::plan::bounds::EXPERIMENTS_MAX;

/// A run while it goes.
#[derive(Debug, Default)]
pub struct Live {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: String,
    experiments: BTreeMap<String, Experiment>,
}

#[derive(Debug, Default)]
struct Experiment {
    pairs: u32,
    done: u32,
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    outcomes: BTreeMap<Outcome, u64>,
    errors: BTreeMap<ErrorKind, u64>,
    body_bytes: u64,
    active_s: f64,
    last: Option<SuperBlock>,
}

impl Live {
    /// Takes a step of the run.
    pub fn step(&self, step: &Progress<'_>) {
        let mut state = self.lock();
        match step {
            Progress::Began { experiment, pairs } => {
                (*experiment).clone_into(&mut state.current);
                if state.experiments.len() < EXPERIMENTS_MAX {
                    state.experiments.entry((*experiment).to_owned()).or_default().pairs = *pairs;
                }
            }
            Progress::Pair { experiment, done, blocks, .. } => {
                let Some(entry) = state.experiments.get_mut(*experiment) else { return };
                entry.done = *done;
                for block in *blocks {
                    entry.sides[block.variant.index()].add(block);
                }
            }
        }
    }

    /// Two lines for a person, one for each side of the experiment that is going: rate, hit ratio,
    /// median and 99th percentile by outcome, errors.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let state = self.lock();
        let Some(experiment) = state.experiments.get(&state.current) else { return Vec::new() };
        let line = |variant: Variant| {
            let side = &experiment.sides[variant.index()];
            side.last.as_ref().map(|last| side.line(variant, last))
        };
        Variant::ALL.into_iter().filter_map(line).collect()
    }

    /// The page for Prometheus.
    #[must_use]
    pub fn page(&self) -> String {
        let mut families = [
            metrics::LOAD_REQUESTS,
            metrics::LOAD_ERRORS,
            metrics::LOAD_BODY_BYTES,
            metrics::LOAD_ACTIVE_SECONDS,
            metrics::LOAD_LATENCY,
            metrics::LOAD_PAIRS_DONE,
            metrics::LOAD_PAIRS,
        ]
        .map(Family::new);
        let state = self.lock();
        for (name, experiment) in &state.experiments {
            families[5].push(&[("experiment", name)], f64::from(experiment.done));
            families[6].push(&[("experiment", name)], f64::from(experiment.pairs));
            for variant in Variant::ALL {
                experiment.sides[variant.index()].write(name, variant, &mut families);
            }
        }
        let mut page = String::new();
        encode(&families, &mut page);
        page
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Side {
    fn add(&mut self, block: &SuperBlock) {
        for outcome in Outcome::ALL {
            let count = block.count(outcome);
            if count > 0 {
                *self.outcomes.entry(outcome).or_default() += count;
            }
        }
        for (kind, count) in &block.counters.errors {
            *self.errors.entry(*kind).or_default() += count;
        }
        self.body_bytes += block.counters.body_bytes;
        self.active_s += block.active_ns as f64 / 1e9;
        self.last = Some(block.clone());
    }

    fn line(&self, variant: Variant, last: &SuperBlock) -> String {
        let rate = last.counters.requests as f64 / (last.active_ns as f64 / 1e9).max(1e-9);
        let asked: u64 = Outcome::ALL
            .into_iter()
            .filter(|outcome| outcome.asked_the_cache())
            .map(|outcome| last.count(outcome))
            .sum();
        let hits = last.count(Outcome::Hit) + last.count(Outcome::Stale) + last.count(Outcome::Revalidated);
        let mut line = format!("{variant:<9} {rate:>8.0} req/s");
        if asked > 0 {
            line.push_str(&format!("  hits {:.1} %", hits as f64 / asked as f64 * 100.0));
        }
        for outcome in Outcome::ALL {
            if let Some(histogram) = last.histograms.get(&(outcome, Timing::Body)) {
                let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
                line.push_str(&format!("  {outcome} p50 {} p99 {}", at(0.5), at(0.99)));
            }
        }
        let errors: u64 = self.errors.values().sum();
        if errors > 0 {
            line.push_str(&format!("  {errors} ERRORS"));
        }
        line
    }

    fn write(&self, experiment: &str, variant: Variant, families: &mut [Family; 7]) {
        let Some(last) = &self.last else { return };
        let variant = variant.to_string();
        let side = [("experiment", experiment), ("variant", variant.as_str())];
        for (outcome, count) in &self.outcomes {
            let outcome = outcome.to_string();
            families[0].push(&[side[0], side[1], ("outcome", outcome.as_str())], *count as f64);
        }
        for (kind, count) in &self.errors {
            families[1].push(&[side[0], side[1], ("kind", kind.as_str())], *count as f64);
        }
        families[2].push(&side, self.body_bytes as f64);
        families[3].push(&side, self.active_s);
        for ((outcome, timing), histogram) in &last.histograms {
            if *timing != Timing::Body {
                continue;
            }
            let outcome = outcome.to_string();
            for (quantile, name) in QUANTILES {
                let labels = [side[0], side[1], ("outcome", outcome.as_str()), ("quantile", name)];
                families[4].push(&labels, histogram.value_at_quantile(quantile) as f64 / 1e9);
            }
        }
    }
}

fn milliseconds(ns: u64) -> String {
    match ns {
        0..1_000_000 => format!("{:.0} µs", ns as f64 / 1e3),
        _ => format!("{:.1} ms", ns as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use hitmark_schema::Counters;
    use hitmark_schema::measurement::latency_histogram;

    use super::*;

    fn block(outcome: Outcome, count: u64) -> SuperBlock {
        let mut histogram = latency_histogram();
        histogram.saturating_record_n(60_000, count);
        SuperBlock {
            experiment: "x".to_owned(),
            variant: Variant::Candidate,
            index: 0,
            started_unix_ns: 0,
            duration_ns: 2_000_000_000,
            active_ns: 1_000_000_000,
            histograms: BTreeMap::from([((outcome, Timing::Body), histogram)]),
            counters: Counters {
                requests: count,
                body_bytes: 10 * count,
                errors: BTreeMap::from([(ErrorKind::Check, 1)]),
                ..Counters::default()
            },
        }
    }

    #[test]
    fn counts_add_up_over_super_blocks_and_the_lines_show_the_last_one() {
        let live = Live::default();
        assert!(live.lines().is_empty());
        live.step(&Progress::Began { experiment: "x", pairs: 9 });
        for done in 1..=2 {
            let blocks = [block(Outcome::Hit, 500)];
            live.step(&Progress::Pair { experiment: "x", done, pairs: 9, requests: 500, blocks: &blocks });
        }
        let page = live.page();
        for line in [
            "hitmark_load_requests_total{experiment=\"x\",variant=\"candidate\",outcome=\"hit\"} 1000",
            "hitmark_load_errors_total{experiment=\"x\",variant=\"candidate\",kind=\"check\"} 2",
            "hitmark_load_pairs_done{experiment=\"x\"} 2",
            "outcome=\"hit\",quantile=\"0.99\"} 0.0000",
        ] {
            assert!(page.contains(line), "missing {line} in:\n{page}");
        }
        let lines = live.lines();
        assert_eq!(lines.len(), 1, "the baseline has no figures yet: {lines:?}");
        for part in ["500 req/s", "hits 100.0 %", "hit p50 60 µs", "2 ERRORS"] {
            assert!(lines[0].contains(part), "missing {part} in {}", lines[0]);
        }
    }
}
