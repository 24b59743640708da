//! What the score report generator answers, and what it takes.

use serde::{Deserialize, Serialize};

/// A user's reports, newest first.
#[derive(Debug, Serialize)]
pub(super) struct ReportList {
    pub(super) user_id: i64,
    pub(super) name: String,
    pub(super) reports: Vec<ListedReport>,
}

/// A report in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedReport {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) taken_at: i64,
    /// The sum of the sections.
    pub(super) total: i64,
}

/// A report with its sections.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) id: i64,
    pub(super) user_id: i64,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) taken_at: i64,
    pub(super) total: i64,
    pub(super) sections: Vec<Section>,
}

/// A section of a test.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) questions: i64,
    pub(super) correct: i64,
    pub(super) scaled: i64,
    /// How many of a hundred who took this section scored lower, rounded down.
    pub(super) percentile: i64,
}

/// A new report, as a client sends it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewReport {
    pub(super) user_id: i64,
    pub(super) title: String,
    pub(super) sections: Vec<NewSection>,
}

/// A section of a new report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSection {
    pub(super) name: String,
    pub(super) questions: i64,
    pub(super) correct: i64,
}

/// What became of a new report.
#[derive(Debug, Serialize)]
pub(super) struct Created {
    pub(super) id: i64,
    /// Cached answers that were removed, since they no longer hold.
    pub(super) invalidated: u64,
}

/// The scaled score of a section: 200 to 800 in tens, as the share of right answers tells.
pub(super) const fn scaled(questions: i64, correct: i64) -> i64 {
    if questions <= 0 {
        return 200;
    }
    200 + correct * 60 / questions * 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_score_goes_from_200_to_800_in_tens() {
        assert_eq!([scaled(40, 0), scaled(40, 20), scaled(40, 40), scaled(0, 0)], [200, 500, 800, 200]);
        assert!((0..=58).all(|correct| scaled(58, correct) % 10 == 0));
    }
}
