//! What changes the marketplace. Rows are changed first; then what follows by the rules of `changes` is
//! removed from the cache. A write that the database refused, or that named nothing, removes nothing.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query as sql;
use sqlx::query::Query;

use super::changes::Changed;
use crate::answer::{Failure, failed, written};
use crate::app::{App, Endpoint, Write};
use crate::parameters::{Mistakes, Parameters, number};
use crate::reply::{self, bad};

const SET_PRICE: &str = "UPDATE products SET price_cents = $2 WHERE id = $1 RETURNING id";
const SET_VERIFIED: &str = "UPDATE shops SET is_verified = $2 WHERE id = $1 RETURNING id";
const SET_NAME: &str = "UPDATE categories SET name = $2 WHERE id = $1 RETURNING id";
const SET_USERNAME: &str = "UPDATE users SET username = $2 WHERE id = $1 RETURNING id";

const PRICE_MAX_CENTS: u32 = 1_000_000_000;

type Answered = Result<Response, Response>;

pub(super) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.write("/market/products/{id}", Write::Put, set_price))
        .merge(app.write("/market/shops/{id}", Write::Put, set_verified))
        .merge(app.write("/market/categories/{id}", Write::Put, set_name))
        .merge(app.write("/market/users/{id}", Write::Put, set_username))
}

/// `PUT /market/products/{id}?price_cents=…`
async fn set_price(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["price_cents"]);
    if !parameters.has("price_cents") {
        parameters.mistake("price_cents", "must be given");
    }
    let price_cents = parameters.number("price_cents", 0, 1..=PRICE_MAX_CENTS);
    let price_cents = parameters.finish(i64::from(price_cents)).map_err(bad)?;
    change(&endpoint, sql(SET_PRICE).bind(id).bind(price_cents), Changed::Product(id)).await
}

/// `PUT /market/shops/{id}?verified=0|1`
async fn set_verified(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = number(&id).map_err(bad)?;
    let mut parameters = Parameters::read(query.as_deref(), &["verified"]);
    let verified = parameters.number("verified", 1, 0..=1);
    let verified = parameters.finish(i64::from(verified)).map_err(bad)?;
    change(&endpoint, sql(SET_VERIFIED).bind(id).bind(verified), Changed::Shop(id)).await
}

/// `PUT /market/categories/{id}?name=…`
async fn set_name(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let (id, name) = named(&id, query.as_deref()).map_err(bad)?;
    change(&endpoint, sql(SET_NAME).bind(id).bind(name.as_str()), Changed::Category(id)).await
}

/// `PUT /market/users/{id}?name=…`
async fn set_username(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let (id, name) = named(&id, query.as_deref()).map_err(bad)?;
    change(&endpoint, sql(SET_USERNAME).bind(id).bind(name.as_str()), Changed::User(id)).await
}

fn named(id: &str, query: Option<&str>) -> Result<(i64, String), Mistakes> {
    let id = number(id)?;
    let mut parameters = Parameters::read(query, &["name"]);
    let name = parameters.text("name", 64);
    parameters.finish((id, name))
}

/// Changes one row, and removes what it makes untrue.
async fn change(endpoint: &Endpoint, update: Query<'_, Any, AnyArguments>, changed: Changed) -> Answered {
    let row = async { endpoint.session().await?.optional(update).await };
    match row.await {
        Ok(Some(_)) => {}
        Ok(None) => return Err(reply::not_found("there is nothing of this number")),
        Err(error) => {
            let failure = Failure::from(error);
            return Err(failed(endpoint, Some(&failure), &failure));
        }
    }
    // The write stands whatever the cache does: what it could not remove, the layer removes before it
    // serves anything of the server again.
    let invalidated = endpoint.app.cache.invalidate(&changed.invalidation()).await;
    let body = serde_json::json!({ "invalidated": invalidated.as_ref().ok(), "cache_is_fresh": invalidated.is_ok() });
    Ok(written(endpoint, StatusCode::OK, &body))
}
