//! Changes of what stands around products: shops, categories and users, by the same two ways of naming
//! what they make untrue.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use hitmark_cache::Invalidation;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query as sql;
use sqlx::query::Query;

use super::cascades;
use super::writes::refused;
use crate::app::Endpoint;
use crate::changes::{Changes, Cleared, Invalidating};
use crate::parameters::{Mistakes, Parameters, number};
use crate::reply::{self, bad};

const SET_VERIFIED: &str = "UPDATE shops SET is_verified = $2 WHERE id = $1 RETURNING id";
const SET_CATEGORY: &str = "UPDATE categories SET name = $2 WHERE id = $1 RETURNING id";
const SET_USER: &str = "UPDATE users SET username = $2 WHERE id = $1 RETURNING id";
const NAME_CHARS_MAX: usize = 64;

type Answered = Result<Response, Response>;

/// What a change makes untrue.
struct Untrue {
    table: &'static str,
    rule: Invalidation,
    invalidating: Invalidating,
}

/// `PUT /market/shops/{id}?verified=0|1`
pub(super) async fn shop(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["verified", "invalidating"]);
    if !parameters.has("verified") {
        parameters.mistake("verified", "must be given: 0 or 1");
    }
    let verified = parameters.number("verified", 1, 0..=1);
    let invalidating = parameters.one_of("invalidating", Invalidating::TABLES_FIRST);
    let verified = parameters.finish(i64::from(verified)).map_err(bad)?;
    let untrue = Untrue { table: "shops", rule: cascades::shop(id), invalidating };
    answered(&endpoint, sql(SET_VERIFIED).bind(id).bind(verified), untrue).await
}

/// `PUT /market/categories/{id}?name=…`
pub(super) async fn category(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let (id, name, invalidating) = named(&id, query.as_deref()).map_err(bad)?;
    let untrue = Untrue { table: "categories", rule: cascades::category(id), invalidating };
    answered(&endpoint, sql(SET_CATEGORY).bind(id).bind(name.as_str()), untrue).await
}

/// `PUT /market/users/{id}?name=…`
pub(super) async fn user(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let (id, name, invalidating) = named(&id, query.as_deref()).map_err(bad)?;
    let untrue = Untrue { table: "users", rule: cascades::user(id), invalidating };
    answered(&endpoint, sql(SET_USER).bind(id).bind(name.as_str()), untrue).await
}

fn named(id: &str, query: Option<&str>) -> Result<(i64, String, Invalidating), Mistakes> {
    let id = number(id)?;
    let mut parameters = Parameters::read(query, &["name", "invalidating"]);
    let name = parameters.text("name", NAME_CHARS_MAX);
    let invalidating = parameters.one_of("invalidating", Invalidating::TABLES_FIRST);
    parameters.finish((id, name, invalidating))
}

async fn answered(endpoint: &Endpoint, update: Query<'_, Any, AnyArguments>, untrue: Untrue) -> Answered {
    match changed(endpoint, update, untrue).await {
        Ok(Some(cleared)) => Ok(reply::cleared(StatusCode::OK, cleared)),
        Ok(None) => Err(reply::not_found("there is nothing of this number")),
        Err(error) => Err(refused(endpoint, error)),
    }
}

async fn changed(
    endpoint: &Endpoint,
    update: Query<'_, Any, AnyArguments>,
    untrue: Untrue,
) -> sqlx::Result<Option<Cleared>> {
    let mut changes = Changes::begin(endpoint).await?;
    if changes.optional(update).await?.is_none() {
        return Ok(None);
    }
    match untrue.invalidating {
        Invalidating::Tables => changes.table(untrue.table),
        Invalidating::Rules => changes.invalidate(untrue.rule),
    }
    changes.commit().await.map(Some)
}
