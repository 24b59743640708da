//! What the health endpoints answer. Means are given in thousandths, as whole numbers, so that two
//! databases write the same text.

use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Recommendation {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) condition_id: i64,
    pub(super) effectiveness_score: i64,
    pub(super) locale: &'static str,
    pub(super) direction: &'static str,
}

/// Patients that resemble another, nearest first, and what helped them.
#[derive(Debug, Serialize)]
pub(super) struct Prediction {
    pub(super) diagnosis_id: i64,
    pub(super) patient_id: i64,
    pub(super) severity: i64,
    pub(super) similar_patients: Vec<SimilarPatient>,
    pub(super) predicted_wellness_milli: i64,
    pub(super) recommended: Vec<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct SimilarPatient {
    pub(super) patient_id: i64,
    pub(super) distance: i64,
    pub(super) wellness_milli: i64,
}

/// How a recommendation does, month by month of thirty days.
#[derive(Debug, Serialize)]
pub(super) struct Analytics {
    pub(super) recommendation_id: i64,
    pub(super) months: Vec<Month>,
}

#[derive(Debug, Serialize)]
pub(super) struct Month {
    pub(super) month: i64,
    pub(super) feedback: i64,
    pub(super) patients: i64,
    pub(super) rating_milli: i64,
    pub(super) age_milli: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct FeedbackSummary {
    pub(super) recommendation_id: i64,
    pub(super) feedback: i64,
    pub(super) patients: i64,
    pub(super) rating_milli: i64,
    pub(super) helped: i64,
}

#[derive(Debug, Serialize)]
pub(super) struct Profile {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) mizaj_type: String,
    pub(super) age: i64,
    pub(super) records: i64,
    pub(super) wellness_milli: i64,
    pub(super) locale: &'static str,
    pub(super) direction: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    pub(super) status: &'static str,
    pub(super) patients: i64,
    pub(super) records: i64,
}
