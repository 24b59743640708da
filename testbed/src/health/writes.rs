//! The health system's writes. Each clears what it changes after the database has taken it, and
//! nothing if the database refused.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use hitmark_cache::Pattern;
use serde_json::json;
use sqlx::query as sql;

use super::keys::{self, Category};
use crate::admin::invalidation::invalidate;
use crate::app::Endpoint;
use crate::parameters::{Mistakes, Parameters};
use crate::reply;

const UPDATE: &str =
    "UPDATE recommendations SET effectiveness_score = $2 WHERE id = $1 RETURNING effectiveness_score";
/// One opinion for each patient and recommendation: sent twice, it counts once.
const SUBMIT: &str = "INSERT INTO feedback (id, recommendation_id, patient_id, rating, created_at) \
     SELECT $1 * 1000000000 + p.id, $1, p.id, $3, 1735603200 FROM patients p WHERE p.id = $2 \
     ON CONFLICT (id) DO UPDATE SET rating = excluded.rating RETURNING rating";
/// Scores follow what the feedback says, for one condition.
const OPTIMIZE: &str = "UPDATE recommendations SET effectiveness_score = \
     (SELECT CAST(COALESCE(SUM(f.rating), 0) AS BIGINT) * 200 / (COUNT(*) + 1) FROM feedback f \
      WHERE f.recommendation_id = recommendations.id) \
     WHERE condition_id = (SELECT condition_id FROM diagnoses WHERE id = $1) RETURNING id";

type Answered = Result<Response, Response>;

/// `PUT /api/recommendations/{id}?effectiveness=…` clears recommendations and what ranks them.
pub(super) async fn update(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = super::handlers::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let mut parameters = Parameters::read(query.as_deref(), &["effectiveness"]);
    let score = parameters.number("effectiveness", 500, 0..=1_000);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let changed = written(&endpoint, sql(UPDATE).bind(id).bind(i64::from(score))).await?;
    if changed == 0 {
        return Err(reply::error(StatusCode::NOT_FOUND, super::handlers::NO_RECOMMENDATION));
    }
    cleared(&endpoint, &[Category::Recommendations.all(), Category::Trending.all()], "recommendation").await
}

/// `POST /api/feedback/submit?recommendation=…&patient=…&rating=…` clears analytics.
pub(super) async fn submit(State(endpoint): State<Endpoint>, RawQuery(query): RawQuery) -> Answered {
    let mut parameters = Parameters::read(query.as_deref(), &["recommendation", "patient", "rating"]);
    let (recommendation, patient) = (parameters.id("recommendation"), parameters.id("patient"));
    let rating = parameters.number("rating", 5, 1..=5);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let (Some(recommendation), Some(patient)) = (recommendation, patient) else {
        return Err(reply::bad_request(&Mistakes::one("recommendation", "and patient must be given")));
    };
    if recommendation > 500 {
        return Err(reply::error(StatusCode::NOT_FOUND, super::handlers::NO_RECOMMENDATION));
    }
    let insert = sql(SUBMIT).bind(recommendation).bind(patient).bind(i64::from(rating));
    if written(&endpoint, insert).await? == 0 {
        return Err(reply::error(StatusCode::NOT_FOUND, super::handlers::NO_PATIENT));
    }
    cleared(&endpoint, &[Category::Analytics.all()], "feedback").await
}

/// `POST /api/predictions/optimize?diagnosis=…` clears predictions, and the scores that it changed.
pub(super) async fn optimize(State(endpoint): State<Endpoint>, RawQuery(query): RawQuery) -> Answered {
    let mut parameters = Parameters::read(query.as_deref(), &["diagnosis"]);
    let diagnosis = parameters.id("diagnosis").unwrap_or(1);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    if written(&endpoint, sql(OPTIMIZE).bind(diagnosis)).await? == 0 {
        return Err(reply::error(StatusCode::NOT_FOUND, super::handlers::NO_DIAGNOSIS));
    }
    let stale = [Category::Predictions.all(), Category::Recommendations.all(), Category::Trending.all()];
    cleared(&endpoint, &stale, "optimize").await
}

/// `POST /api/auth/logout/{id}` clears everything of one user.
pub(super) async fn logout(State(endpoint): State<Endpoint>, Path(id): Path<String>) -> Answered {
    let id = super::handlers::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    cleared(&endpoint, &[keys::of_user(id)], "logout").await
}

async fn written(
    endpoint: &Endpoint,
    query: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
) -> Result<usize, Response> {
    let rows = async { endpoint.session().await?.all(query).await };
    rows.await.map(|rows| rows.len()).map_err(|error| {
        tracing::error!(route = endpoint.stats.route(), %error, "the write was refused");
        reply::internal_error()
    })
}

/// The write stands whatever the cache does; a cache that could not be asked is told, since its
/// answers may then be old until they end.
async fn cleared(endpoint: &Endpoint, stale: &[Pattern], reason: &str) -> Answered {
    let (mut cleared, mut is_fresh) = (0, true);
    for pattern in stale {
        match invalidate(&endpoint.app, pattern, reason).await {
            Ok(keys) => cleared += keys,
            Err(_) => is_fresh = false,
        }
    }
    let body = json!({ "cleared_entries": cleared, "cache_is_fresh": is_fresh });
    Ok(reply::respond(StatusCode::OK, body.to_string().into()))
}
