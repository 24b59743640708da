//! The health system's writes. Each clears what it changes with its commit, and nothing if the database
//! refused. The document's rules are followed unless `?invalidating=tables` is asked for: they leave
//! predictions that were made from the old rows, so that the difference can be measured.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use hitmark_cache::Invalidation;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query as sql;
use sqlx::query::Query;

use super::handlers::{NO_DIAGNOSIS, NO_PATIENT, NO_RECOMMENDATION};
use super::keys::{self, Category};
use crate::admin::invalidation::invalidate;
use crate::answer::{Failure, failed};
use crate::app::Endpoint;
use crate::changes::{Changes, Cleared, Invalidating};
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

/// What a write makes untrue, and what is said if there was nothing to change.
struct Untrue<'a> {
    categories: &'a [Category],
    table: &'static str,
    invalidating: Invalidating,
    absent: &'static str,
}

/// `PUT /api/recommendations/{id}?effectiveness=…` clears recommendations and what ranks them.
pub(super) async fn update(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = super::handlers::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let mut parameters = Parameters::read(query.as_deref(), &["effectiveness", "invalidating"]);
    let score = parameters.number("effectiveness", 500, 0..=1_000);
    let invalidating = parameters.one_of("invalidating", Invalidating::RULES_FIRST);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let untrue = Untrue {
        categories: &[Category::Recommendations, Category::Trending],
        table: "recommendations",
        invalidating,
        absent: NO_RECOMMENDATION,
    };
    written(&endpoint, sql(UPDATE).bind(id).bind(i64::from(score)), untrue).await
}

/// `POST /api/feedback/submit?recommendation=…&patient=…&rating=…` clears analytics.
pub(super) async fn submit(State(endpoint): State<Endpoint>, RawQuery(query): RawQuery) -> Answered {
    let mut parameters =
        Parameters::read(query.as_deref(), &["recommendation", "patient", "rating", "invalidating"]);
    let (recommendation, patient) = (parameters.id("recommendation"), parameters.id("patient"));
    let rating = parameters.number("rating", 5, 1..=5);
    let invalidating = parameters.one_of("invalidating", Invalidating::RULES_FIRST);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let (Some(recommendation), Some(patient)) = (recommendation, patient) else {
        return Err(reply::bad_request(&Mistakes::one("recommendation", "and patient must be given")));
    };
    if recommendation > 500 {
        return Err(reply::error(StatusCode::NOT_FOUND, NO_RECOMMENDATION));
    }
    let insert = sql(SUBMIT).bind(recommendation).bind(patient).bind(i64::from(rating));
    let untrue =
        Untrue { categories: &[Category::Analytics], table: "feedback", invalidating, absent: NO_PATIENT };
    written(&endpoint, insert, untrue).await
}

/// `POST /api/predictions/optimize?diagnosis=…` clears predictions, and the scores that it changed.
pub(super) async fn optimize(State(endpoint): State<Endpoint>, RawQuery(query): RawQuery) -> Answered {
    let mut parameters = Parameters::read(query.as_deref(), &["diagnosis", "invalidating"]);
    let diagnosis = parameters.id("diagnosis").unwrap_or(1);
    let invalidating = parameters.one_of("invalidating", Invalidating::RULES_FIRST);
    parameters.finish(()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let untrue = Untrue {
        categories: &[Category::Predictions, Category::Recommendations, Category::Trending],
        table: "recommendations",
        invalidating,
        absent: NO_DIAGNOSIS,
    };
    written(&endpoint, sql(OPTIMIZE).bind(diagnosis), untrue).await
}

/// `POST /api/auth/logout/{id}` clears everything of one user.
pub(super) async fn logout(State(endpoint): State<Endpoint>, Path(id): Path<String>) -> Answered {
    let id = super::handlers::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    // No row changes. A cache that cannot be asked is told of, since its answers then last until they end.
    let cleared = match invalidate(&endpoint.app, &keys::of_user(id), "logout").await {
        Ok(entries) => Cleared { entries, is_fresh: true },
        Err(_) => Cleared { entries: 0, is_fresh: false },
    };
    Ok(reply::cleared(StatusCode::OK, cleared))
}

/// Runs a statement, and clears with its commit what it makes untrue: by the rules of the document, or
/// all that was read from its table. A statement that changes no row clears nothing.
async fn written(endpoint: &Endpoint, query: Query<'_, Any, AnyArguments>, untrue: Untrue<'_>) -> Answered {
    match changed(endpoint, query, &untrue).await {
        Ok(Some(cleared)) => Ok(reply::cleared(StatusCode::OK, cleared)),
        Ok(None) => Err(reply::error(StatusCode::NOT_FOUND, untrue.absent)),
        Err(error) => {
            let failure = Failure::from(error);
            Err(failed(endpoint, Some(&failure), &failure))
        }
    }
}

async fn changed(
    endpoint: &Endpoint,
    query: Query<'_, Any, AnyArguments>,
    untrue: &Untrue<'_>,
) -> sqlx::Result<Option<Cleared>> {
    let mut changes = Changes::begin(endpoint).await?;
    if changes.all(query).await?.is_empty() {
        return Ok(None);
    }
    match untrue.invalidating {
        Invalidating::Tables => changes.table(untrue.table),
        Invalidating::Rules => {
            let patterns = untrue.categories.iter().map(|category| Invalidation::Pattern(category.all()));
            patterns.for_each(|what| changes.invalidate(what));
        }
    }
    changes.commit().await.map(Some)
}
