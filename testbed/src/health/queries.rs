//! The health system's reads.

use sqlx::Row;
use sqlx::any::AnyRow;
use sqlx::query as sql;

use super::locale::Locale;
use super::model::{
    Analytics, FeedbackSummary, Health, Month, Prediction, Profile, Recommendation, SimilarPatient,
};
use crate::database::Session;

const RECOMMENDATION: &str = "SELECT id, name_en, name_fa, name_ar, condition_id, effectiveness_score FROM recommendations WHERE id = $1";
const TRENDING: &str = "SELECT id, name_en, name_fa, name_ar, condition_id, effectiveness_score \
     FROM recommendations ORDER BY effectiveness_score DESC, id LIMIT 20";

const DIAGNOSIS: &str = "SELECT d.patient_id, d.condition_id, d.severity, p.mizaj_type \
     FROM diagnoses d JOIN patients p ON p.id = d.patient_id WHERE d.id = $1";
/// Every patient of the type is compared by the means of all their records; the twenty nearest.
const SIMILAR: &str = "WITH means AS MATERIALIZED (\
     SELECT r.patient_id, CAST(SUM(r.pulse) AS BIGINT) * 1000 / COUNT(*) AS pulse, \
     CAST(SUM(r.sleep_minutes) AS BIGINT) * 1000 / COUNT(*) AS sleep, CAST(SUM(r.wellness) AS BIGINT) * 1000 / COUNT(*) AS wellness \
     FROM health_records r JOIN patients p ON p.id = r.patient_id WHERE p.mizaj_type = $2 GROUP BY r.patient_id) \
     SELECT m.patient_id, ABS(m.pulse - own.pulse) + ABS(m.sleep - own.sleep) AS distance, \
     m.wellness AS wellness FROM means m JOIN means own ON own.patient_id = $1 \
     WHERE m.patient_id <> $1 ORDER BY distance, m.patient_id LIMIT 20";
/// What patients of the condition rated best.
const HELPFUL: &str = "SELECT f.recommendation_id, CAST(SUM(f.rating) AS BIGINT) * 1000 / COUNT(*) AS rating FROM feedback f \
     JOIN recommendations r ON r.id = f.recommendation_id WHERE r.condition_id = $1 \
     GROUP BY f.recommendation_id ORDER BY 2 DESC, 1 LIMIT 5";

/// In thirty-day months since 1970, of all feedback: there is no index to find it by.
const ANALYTICS: &str = "SELECT f.created_at / 2592000 AS month, COUNT(*) AS feedback, \
     COUNT(DISTINCT f.patient_id) AS patients, CAST(SUM(f.rating) AS BIGINT) * 1000 / COUNT(*) AS rating, \
     CAST(SUM(p.age) AS BIGINT) * 1000 / COUNT(*) AS age \
     FROM feedback f JOIN patients p ON p.id = f.patient_id WHERE f.recommendation_id = $1 GROUP BY 1 ORDER BY 1";
const SUMMARY: &str = "SELECT COUNT(*) AS feedback, COUNT(DISTINCT patient_id) AS patients, \
     CAST(COALESCE(SUM(rating), 0) AS BIGINT) AS rating, \
     CAST(COALESCE(SUM(CASE WHEN rating >= 4 THEN 1 ELSE 0 END), 0) AS BIGINT) AS helped \
     FROM feedback WHERE recommendation_id = $1";
const PROFILE: &str = "SELECT p.id, p.name, p.mizaj_type, p.age, COUNT(r.id) AS records, \
     CAST(COALESCE(SUM(r.wellness), 0) AS BIGINT) AS wellness FROM patients p \
     LEFT JOIN health_records r ON r.patient_id = p.id WHERE p.id = $1 GROUP BY p.id, p.name, p.mizaj_type, p.age";
const HEALTH: &str = "SELECT (SELECT COUNT(*) FROM patients) AS patients, \
     (SELECT COUNT(*) FROM health_records) AS records";

pub(super) async fn recommendation(
    session: &mut Session<'_>,
    id: i64,
    locale: Locale,
) -> sqlx::Result<Option<Recommendation>> {
    let row = session.optional(sql(RECOMMENDATION).bind(id)).await?;
    row.map(|row| one_recommendation(&row, locale)).transpose()
}

pub(super) async fn trending(session: &mut Session<'_>, locale: Locale) -> sqlx::Result<Vec<Recommendation>> {
    session.all(sql(TRENDING)).await?.iter().map(|row| one_recommendation(row, locale)).collect()
}

pub(super) async fn prediction(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<Prediction>> {
    let Some(row) = session.optional(sql(DIAGNOSIS).bind(id)).await? else { return Ok(None) };
    let patient_id: i64 = row.try_get("patient_id")?;
    let mizaj_type: String = row.try_get("mizaj_type")?;
    let condition_id: i64 = row.try_get("condition_id")?;
    let similar = session.all(sql(SIMILAR).bind(patient_id).bind(mizaj_type)).await?;
    let similar: Vec<SimilarPatient> = similar.iter().map(similar_patient).collect::<sqlx::Result<_>>()?;
    let helpful = session.all(sql(HELPFUL).bind(condition_id)).await?;
    let wellness: i64 = similar.iter().map(|patient| patient.wellness_milli).sum();
    Ok(Some(Prediction {
        diagnosis_id: id,
        patient_id,
        severity: row.try_get("severity")?,
        predicted_wellness_milli: wellness / (similar.len() as i64).max(1),
        similar_patients: similar,
        recommended: helpful.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?,
    }))
}

pub(super) async fn analytics(session: &mut Session<'_>, id: i64) -> sqlx::Result<Analytics> {
    let rows = session.all(sql(ANALYTICS).bind(id)).await?;
    Ok(Analytics { recommendation_id: id, months: rows.iter().map(month).collect::<sqlx::Result<_>>()? })
}

pub(super) async fn summary(session: &mut Session<'_>, id: i64) -> sqlx::Result<FeedbackSummary> {
    let row = session.one(sql(SUMMARY).bind(id)).await?;
    let feedback: i64 = row.try_get("feedback")?;
    Ok(FeedbackSummary {
        recommendation_id: id,
        feedback,
        patients: row.try_get("patients")?,
        rating_milli: row.try_get::<i64, _>("rating")? * 1_000 / feedback.max(1),
        helped: row.try_get("helped")?,
    })
}

pub(super) async fn profile(
    session: &mut Session<'_>,
    id: i64,
    locale: Locale,
) -> sqlx::Result<Option<Profile>> {
    let Some(row) = session.optional(sql(PROFILE).bind(id)).await? else { return Ok(None) };
    let records: i64 = row.try_get("records")?;
    Ok(Some(Profile {
        id,
        name: row.try_get("name")?,
        mizaj_type: row.try_get("mizaj_type")?,
        age: row.try_get("age")?,
        records,
        wellness_milli: row.try_get::<i64, _>("wellness")? * 1_000 / records.max(1),
        locale: locale.as_str(),
        direction: locale.direction(),
    }))
}

pub(super) async fn health(session: &mut Session<'_>) -> sqlx::Result<Health> {
    let row = session.one(sql(HEALTH)).await?;
    Ok(Health { status: "healthy", patients: row.try_get("patients")?, records: row.try_get("records")? })
}

fn one_recommendation(row: &AnyRow, locale: Locale) -> sqlx::Result<Recommendation> {
    Ok(Recommendation {
        id: row.try_get("id")?,
        name: row.try_get(locale.column())?,
        condition_id: row.try_get("condition_id")?,
        effectiveness_score: row.try_get("effectiveness_score")?,
        locale: locale.as_str(),
        direction: locale.direction(),
    })
}

fn similar_patient(row: &AnyRow) -> sqlx::Result<SimilarPatient> {
    Ok(SimilarPatient {
        patient_id: row.try_get("patient_id")?,
        distance: row.try_get("distance")?,
        wellness_milli: row.try_get("wellness")?,
    })
}

fn month(row: &AnyRow) -> sqlx::Result<Month> {
    Ok(Month {
        month: row.try_get("month")?,
        feedback: row.try_get("feedback")?,
        patients: row.try_get("patients")?,
        rating_milli: row.try_get("rating")?,
        age_milli: row.try_get("age")?,
    })
}
