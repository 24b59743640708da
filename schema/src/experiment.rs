//! An experiment as a run directory records it: the question, its two sides, the load.
//!
//! This is what a reader of results needs. How a plan file is written and checked is the business
//! of `loadtests`; here nothing is validated and nothing is sent.

use serde::{Deserialize, Serialize};

use crate::variant::Variant;

/// A question with a baseline and a candidate that differ in one declared thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// The name as the plan gives it.
    pub name: String,
    /// The name in file tags: lower-case letters, digits and dashes, unique within the run.
    pub slug: String,
    /// The group it belongs to, for example `marketplace`. Tables are grouped by it.
    pub system: Option<String>,
    /// The one declared difference between the variants.
    pub differs: String,
    /// The scenario; none where baseline and candidate are compared in alternating slices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The request, for example `GET /market/products/{key}`.
    pub request: String,
    /// The key stream in words, for example `zipf s=1.07 n=10000`.
    pub keys: Option<String>,
    /// How requests are offered.
    pub load: LoadModel,
    /// Super-block pairs that the plan asks for.
    pub pairs: u32,
    /// Length of a slice in milliseconds.
    pub slice_ms: u64,
    /// Length of a super-block in seconds for each variant.
    pub superblock_s: f64,
    /// Warm-up in seconds, not recorded.
    pub warmup_s: f64,
    /// The side that the other is compared with.
    pub baseline: VariantPlan,
    /// The side that is proposed; none when the baseline is measured alone.
    pub candidate: Option<VariantPlan>,
}

/// One side of an experiment, without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantPlan {
    /// Its name, for example `cached`.
    pub name: String,
    /// Where it is reached, password masked.
    pub base_url: String,
    /// Names and values of its extra headers; values of secret headers are masked.
    pub headers: Vec<(String, String)>,
}

/// How requests are offered to the service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case")]
pub enum LoadModel {
    /// Each user sends its next request when the last one is answered.
    Closed {
        /// Concurrent users.
        users: usize,
    },
    /// Requests arrive at a fixed rate whether or not earlier ones are answered.
    Open {
        /// Arrivals each second.
        rate_per_s: f64,
        /// Requests under way at once, at most.
        in_flight_max: usize,
    },
}

impl LoadModel {
    /// How many users the generator needs.
    #[must_use]
    pub const fn users(self) -> usize {
        match self {
            Self::Closed { users } => users,
            Self::Open { in_flight_max, .. } => in_flight_max,
        }
    }

    /// The model in words, for tables.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Closed { users: 1 } => "closed, 1 user".to_owned(),
            Self::Closed { users } => format!("closed, {users} users"),
            Self::Open { rate_per_s, in_flight_max } => {
                format!("open, {rate_per_s} requests/s, at most {in_flight_max} in flight")
            }
        }
    }
}

impl Experiment {
    /// The plan of one side, where the experiment has it.
    #[must_use]
    pub const fn side(&self, variant: Variant) -> Option<&VariantPlan> {
        match variant {
            Variant::Baseline => Some(&self.baseline),
            Variant::Candidate => self.candidate.as_ref(),
        }
    }

    /// The variants that this experiment runs.
    pub fn variants(&self) -> impl Iterator<Item = Variant> + '_ {
        Variant::ALL.into_iter().filter(|variant| self.side(*variant).is_some())
    }
}

/// Turns a name into a slug: lower-case letters, digits and single dashes.
///
/// ```
/// assert_eq!(hitmark_schema::experiment::slug("Product detail (Zipf 1.07)"), "product-detail-zipf-1-07");
/// ```
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for ch in name.chars() {
        if ch.is_ascii_alphanumeric() {
            slug.push(ch.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    while slug.ends_with('-') {
        slug.pop();
    }
    if slug.is_empty() { "experiment".to_owned() } else { slug }
}
