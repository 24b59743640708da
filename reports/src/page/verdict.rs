//! The first thing on the page: one sentence for each experiment, with its verdict.

use maud::{Markup, html};

use crate::comparison::{ExperimentComparison, RunComparison};
use crate::verdict::Verdict;
use crate::words;

pub(super) fn headlines(comparison: &RunComparison) -> Markup {
    html! {
        ul.headlines {
            @for experiment in &comparison.experiments {
                li {
                    (badge(experiment.verdict))
                    p { strong { (experiment.experiment.name) ": " } (words::headline(experiment)) }
                }
            }
        }
    }
}

/// The verdict as a word in a frame: the word alone says it, the colour only helps.
pub(super) fn badge(verdict: Option<Verdict>) -> Markup {
    let (class, word) =
        verdict.map_or(("none", "baseline only"), |verdict| (verdict.as_str(), verdict.as_str()));
    html! { div { span class=(format!("badge {class}")) { (word) } } }
}

/// Why the verdict is what it is.
pub(super) fn why(comparison: &ExperimentComparison) -> Markup {
    html! { p.meta { "Verdict: " (super::sentence(&comparison.why)) } }
}
