//! The scenarios: questions that only a cache can be asked. One file each; the list is [`SCENARIOS`].
//!
//! An experiment names one by `scenario = "stampede"` and gives its options in a table of the same
//! name. Without one, baseline and candidate are compared in alternating slices, which is the engine
//! itself and needs no file here.

mod capacity;
mod cold_start;
mod invalidation_storm;
mod leak_probe;
mod outage;
mod soak;
mod staleness;
mod stampede;
mod sweep;

use crate::scenario::Entry;

/// The name of what an experiment does without a scenario.
pub const COMPARE: &str = "compare";

/// What [`COMPARE`] measures.
pub const COMPARE_ABOUT: &str = "baseline and candidate in alternating slices of about 20 ms, paired";

/// Every scenario, in the order of `hitmark load list`.
pub const SCENARIOS: &[Entry] = &[
    stampede::ENTRY,
    cold_start::ENTRY,
    staleness::ENTRY,
    outage::ENTRY,
    invalidation_storm::ENTRY,
    capacity::ENTRY,
    leak_probe::ENTRY,
    sweep::ENTRY,
    soak::ENTRY,
];

/// The scenario of a name.
pub(crate) fn find(name: &str) -> Option<&'static Entry> {
    SCENARIOS.iter().find(|entry| entry.name == name)
}

/// The names that a plan may give.
pub(crate) fn names() -> Vec<&'static str> {
    std::iter::once(COMPARE).chain(SCENARIOS.iter().map(|entry| entry.name)).collect()
}
