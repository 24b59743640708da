//! The verdict on an experiment: is the median request faster, slower, the same, or can the run
//! not tell?
//!
//! Exact ranks at 1 %, Holm's correction over the experiments of the run, and a tolerance of 2 %,
//! because identical processes differ by that much. Only the median is judged here; budgets judge
//! what else a project cares about.

use std::fmt;

use hitmark_schema::measurement::ERROR_RATIO_MAX;

use crate::format::{percent, significant};
use crate::pairing::{NotMeasured, Ratio};
use crate::statistics::{ALPHA_VERDICT, PAIRS_MIN, holm};
use crate::variants::VariantSummary;

/// Two sides that differ by less than this are not called different.
pub const TOLERANCE: f64 = 0.02;

/// Two sides whose interval lies within this of 1 are called the same.
pub const SAME_WITHIN: f64 = 0.05;

/// What a run says about an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The candidate's median request is faster, beyond the tolerance and the noise.
    Faster,
    /// It is slower, beyond the tolerance and the noise.
    Slower,
    /// The whole interval lies within 5 % of no change.
    Same,
    /// The run cannot tell.
    Inconclusive,
    /// The figures must not be used.
    Invalid,
}

impl Verdict {
    /// The word in files and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::Same => "same",
            Self::Inconclusive => "inconclusive",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one experiment brings to the verdicts of its run.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    /// Why the figures must not be used, if so.
    pub(crate) void: Option<String>,
    /// The ratio of the median over all outcomes; none for a baseline that was measured alone.
    pub(crate) p50: Option<&'a Result<Ratio, NotMeasured>>,
}

/// Judges all experiments of a run: Holm's correction needs them together. Each gets a verdict,
/// none for a baseline alone, and a sentence that says why.
pub(crate) fn judge(questions: &[Question<'_>]) -> Vec<(Option<Verdict>, String)> {
    let p_values: Vec<f64> = questions.iter().filter_map(p_value).collect();
    let mut levels = holm(&p_values, ALPHA_VERDICT).into_iter();
    questions
        .iter()
        .map(|question| match (&question.void, question.p50) {
            (Some(reason), _) => (Some(Verdict::Invalid), reason.clone()),
            (None, None) => (None, "baseline only: there is nothing to compare with".to_owned()),
            (None, Some(Err(reason))) => (Some(Verdict::Inconclusive), reason.to_string()),
            (None, Some(Ok(ratio))) => {
                let level = levels.next().unwrap_or(ALPHA_VERDICT);
                let (verdict, why) = of_ratio(ratio, level, p_values.len());
                (Some(verdict), why)
            }
        })
        .collect()
}

/// How many pairs a run needs so that each of its experiments can get a verdict: the rarest rank
/// sum, with chance 2^-K, must be rarer than the strictest level that Holm's correction asks for.
#[must_use]
pub fn pairs_needed(experiments: usize) -> usize {
    let strictest = ALPHA_VERDICT / experiments.max(1) as f64;
    ((1.0 / strictest).log2().ceil() as usize).max(PAIRS_MIN)
}

/// The reason for which functional errors void an experiment's timing, if there is one: any body
/// that differs, or more than 0.1 % failed requests.
pub(crate) fn functional_errors(variants: &[VariantSummary]) -> Option<String> {
    let mismatches: u64 = variants.iter().map(|side| side.counters.mismatches).sum();
    if mismatches > 0 {
        let compared: u64 = variants.iter().map(|side| side.counters.bodies_compared).sum();
        let of = if compared > 0 { format!(" of {compared} compared") } else { String::new() };
        return Some(format!(
            "{mismatches} bodies{of} differ between the variants: a fast wrong answer is an error"
        ));
    }
    variants.iter().find_map(|side| {
        let ratio = side.error_ratio().filter(|ratio| *ratio > ERROR_RATIO_MAX)?;
        let limit = percent(ERROR_RATIO_MAX);
        Some(format!("{} of the requests of {} failed, more than {limit}", percent(ratio), side.name))
    })
}

fn p_value(question: &Question<'_>) -> Option<f64> {
    match (&question.void, question.p50) {
        (None, Some(Ok(ratio))) => {
            let limit = TOLERANCE.ln_1p();
            Some(ratio.shift.p_below(-limit).min(ratio.shift.p_above(limit)))
        }
        _ => None,
    }
}

fn of_ratio(ratio: &Ratio, level: f64, family: usize) -> (Verdict, String) {
    let Some((lower, upper)) = ratio.interval else {
        let pairs = ratio.each.len();
        return (Verdict::Inconclusive, format!("{pairs} pairs are too few: an interval needs {PAIRS_MIN}"));
    };
    let limit = TOLERANCE.ln_1p();
    let at = format!("at a level of {} (1 %, Holm over {family})", fine_percent(level));
    let bounds = (ratio.shift.lower(level).map(f64::exp), ratio.shift.upper(level).map(f64::exp));
    if let Some(bound) = bounds.1.filter(|_| ratio.shift.p_below(-limit) <= level) {
        let why = format!("the ratio is below {} {at}, beyond the tolerance of 2 %", significant(bound));
        return (Verdict::Faster, why);
    }
    if let Some(bound) = bounds.0.filter(|_| ratio.shift.p_above(limit) <= level) {
        let why = format!("the ratio is above {} {at}, beyond the tolerance of 2 %", significant(bound));
        return (Verdict::Slower, why);
    }
    let shown = format!("the 95 % interval of the ratio is {} to {}", significant(lower), significant(upper));
    if lower >= 1.0 / (1.0 + SAME_WITHIN) && upper <= 1.0 + SAME_WITHIN {
        return (Verdict::Same, format!("{shown}: within 5 % of no change"));
    }
    if bounds == (None, None) {
        let why = format!("{} pairs cannot reach {}: run more pairs", ratio.each.len(), fine_percent(level));
        return (Verdict::Inconclusive, format!("{shown}; {why}"));
    }
    let seen =
        ratio.detectable.map_or_else(String::new, |d| format!("; this run could have seen {}", percent(d)));
    (Verdict::Inconclusive, format!("{shown}: neither beyond the tolerance nor within 5 %{seen}"))
}

fn fine_percent(level: f64) -> String {
    format!("{} %", significant(level * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(centre: f64, spread: f64, pairs: usize) -> Result<Ratio, NotMeasured> {
        let middle = (pairs as f64 - 1.0) / 2.0;
        let differences: Vec<f64> =
            (0..pairs).map(|k| f64::ln(centre) + spread * (k as f64 - middle) / pairs as f64).collect();
        Ok(Ratio::new(&differences, 1).unwrap())
    }

    fn verdicts(ratios: &[Result<Ratio, NotMeasured>]) -> Vec<Option<Verdict>> {
        let questions: Vec<Question<'_>> =
            ratios.iter().map(|ratio| Question { void: None, p50: Some(ratio) }).collect();
        judge(&questions).into_iter().map(|(verdict, _)| verdict).collect()
    }

    #[test]
    fn the_three_values_follow_from_the_interval() {
        for (centre, spread, expected) in [
            (0.03, 0.1, Verdict::Faster),
            (0.90, 0.02, Verdict::Faster),
            (1.10, 0.02, Verdict::Slower),
            (0.99, 0.02, Verdict::Same),
            (1.03, 0.01, Verdict::Slower),
            (0.97, 1.0, Verdict::Inconclusive),
            (1.015, 0.4, Verdict::Inconclusive),
        ] {
            assert_eq!(verdicts(&[ratio(centre, spread, 20)]), [Some(expected)], "{centre} ± {spread}");
        }
    }

    #[test]
    fn too_few_pairs_are_inconclusive_however_large_the_effect() {
        assert_eq!(verdicts(&[ratio(0.01, 0.0, 5)]), [Some(Verdict::Inconclusive)]);
        let three = [ratio(0.01, 0.0, 8), ratio(0.01, 0.0, 8), ratio(0.01, 0.0, 8)];
        assert_eq!(verdicts(&three), [Some(Verdict::Inconclusive); 3], "8 pairs cannot reach 0.33 %");
        let three = [ratio(0.01, 0.0, 9), ratio(0.01, 0.0, 9), ratio(0.01, 0.0, 9)];
        assert_eq!(verdicts(&three), [Some(Verdict::Faster); 3]);
        assert_eq!([1, 3, 5, 15].map(pairs_needed), [7, 9, 9, 11]);
    }

    #[test]
    fn a_void_experiment_is_invalid_and_a_lone_baseline_has_no_verdict() {
        let fine = ratio(0.5, 0.01, 20);
        let judged = judge(&[
            Question { void: Some("the generator was late".to_owned()), p50: Some(&fine) },
            Question { void: None, p50: None },
            Question { void: None, p50: Some(&Err(NotMeasured("not enough data".to_owned()))) },
            Question { void: None, p50: Some(&fine) },
        ]);
        let verdicts: Vec<_> = judged.iter().map(|(verdict, _)| *verdict).collect();
        assert_eq!(
            verdicts,
            [Some(Verdict::Invalid), None, Some(Verdict::Inconclusive), Some(Verdict::Faster)]
        );
        assert_eq!(judged[0].1, "the generator was late");
        assert!(judged[3].1.contains("Holm over 1"), "{}", judged[3].1);
    }
}
