//! The marketplace's writes: real rows in a transaction, and with its commit the cached answers that
//! showed them. A write that is refused takes out nothing.

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use sqlx::query as sql;

use super::cascades;
use super::handlers::{NO_PRODUCT, product_id};
use crate::answer::{Failure, failed};
use crate::app::Endpoint;
use crate::changes::{Changes, Cleared, Invalidating, is_taken};
use crate::parameters::{Mistakes, Parameters};
use crate::reply;

const NAME_CHARS_MAX: usize = 200;
const PRICE_CENTS_MAX: u32 = 1_000_000_000;
const QUANTITY_MAX: u32 = 10_000;
const NO_SALE: &str = "there is no such product on sale, or no such customer";
const ORDER_TAKEN: &str = "there is an order of this number; nothing was changed";

/// What is not given stays: `-1` and the empty text stand for that.
const UPDATE: &str = "UPDATE products SET price_cents = CASE WHEN $2 < 0 THEN price_cents ELSE $2 END, \
     is_available = CASE WHEN $3 < 0 THEN is_available ELSE $3 END, \
     name = CASE WHEN $4 = '' THEN name ELSE $4 END, \
     search_text = CASE WHEN $4 = '' THEN search_text ELSE LOWER($4 || ' ' || description) END \
     WHERE id = $1 RETURNING id";
const SOLD_OUT: &str = "UPDATE products SET is_available = 0 WHERE id = $1 RETURNING id";
const ORDER: &str = "INSERT INTO orders \
     (id, customer_id, shop_id, product_id, quantity, total_cents, status, payment_status, created_at) \
     SELECT $1, u.id, p.shop_id, p.id, $4, p.price_cents * $4, 'pending', 'pending', $5 \
     FROM products p, users u WHERE p.id = $2 AND u.id = $3 RETURNING id";

/// What changes of a product.
struct Change {
    price_cents: Option<u32>,
    is_available: Option<bool>,
    name: Option<String>,
    invalidating: Invalidating,
}

/// What is ordered.
struct Order {
    id: i64,
    product: i64,
    customer: i64,
    quantity: u32,
    is_last: bool,
    invalidating: Invalidating,
}

/// `PUT /market/products/{id}?price_cents=…&available=…&name=…`
pub(super) async fn update(
    State(endpoint): State<Endpoint>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let id = product_id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let change = Change::read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    match changed(&endpoint, id, &change).await {
        Ok(Some(cleared)) => Ok(reply::cleared(StatusCode::OK, cleared)),
        Ok(None) => Err(reply::not_found(NO_PRODUCT)),
        Err(error) => Err(refused(&endpoint, error)),
    }
}

/// `POST /market/orders?order=…&product=…&customer=…&quantity=…&last=true`. The client numbers its
/// orders, so that one sent twice is taken once; `last` sells the last piece.
pub(super) async fn order(
    State(endpoint): State<Endpoint>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let order = Order::read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    match ordered(&endpoint, &order).await {
        Ok(Some(cleared)) => Ok(reply::cleared(StatusCode::CREATED, cleared)),
        Ok(None) => Err(reply::not_found(NO_SALE)),
        Err(error) => Err(refused(&endpoint, error)),
    }
}

async fn changed(endpoint: &Endpoint, id: i64, change: &Change) -> sqlx::Result<Option<Cleared>> {
    let mut changes = Changes::begin(endpoint).await?;
    let update = sql(UPDATE)
        .bind(id)
        .bind(change.price_cents.map_or(-1, i64::from))
        .bind(change.is_available.map_or(-1, i64::from))
        .bind(change.name.as_deref().unwrap_or_default());
    if changes.optional(update).await?.is_none() {
        return Ok(None);
    }
    match change.invalidating {
        Invalidating::Tables => changes.table("products"),
        Invalidating::Rules => changes.invalidate(cascades::product(id)),
    }
    changes.commit().await.map(Some)
}

async fn ordered(endpoint: &Endpoint, order: &Order) -> sqlx::Result<Option<Cleared>> {
    let mut changes = Changes::begin(endpoint).await?;
    if order.is_last && changes.optional(sql(SOLD_OUT).bind(order.product)).await?.is_none() {
        return Ok(None);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let insert = sql(ORDER)
        .bind(order.id)
        .bind(order.product)
        .bind(order.customer)
        .bind(i64::from(order.quantity))
        .bind(now.as_secs() as i64);
    if changes.optional(insert).await?.is_none() {
        return Ok(None);
    }
    match order.invalidating {
        Invalidating::Tables => {
            changes.table("orders");
            if order.is_last {
                changes.table("products");
            }
        }
        Invalidating::Rules => {
            changes.invalidate(cascades::user(order.customer));
            if order.is_last {
                changes.invalidate(cascades::product(order.product));
            }
        }
    }
    changes.commit().await.map(Some)
}

pub(super) fn refused(endpoint: &Endpoint, error: sqlx::Error) -> Response {
    if is_taken(&error) {
        return reply::error(StatusCode::CONFLICT, ORDER_TAKEN);
    }
    let failure = Failure::from(error);
    failed(endpoint, Some(&failure), &failure)
}

impl Change {
    fn read(query: Option<&str>) -> Result<Self, Mistakes> {
        let mut parameters = Parameters::read(query, &["price_cents", "available", "name", "invalidating"]);
        let price = parameters.number("price_cents", 1, 1..=PRICE_CENTS_MAX);
        let available = parameters.choice("available", "true", &["false"]) == "true";
        let name = parameters.has("name").then(|| parameters.text("name", NAME_CHARS_MAX));
        let change = Self {
            price_cents: parameters.has("price_cents").then_some(price),
            is_available: parameters.has("available").then_some(available),
            name,
            invalidating: parameters.one_of("invalidating", Invalidating::TABLES_FIRST),
        };
        if change.price_cents.is_none() && change.is_available.is_none() && change.name.is_none() {
            parameters.mistake("price_cents", "or available or name must be given");
        }
        parameters.finish(change)
    }
}

impl Order {
    fn read(query: Option<&str>) -> Result<Self, Mistakes> {
        let known = ["order", "product", "customer", "quantity", "last", "invalidating"];
        let mut parameters = Parameters::read(query, &known);
        for name in ["order", "product", "customer"] {
            if !parameters.has(name) {
                parameters.mistake(name, "must be given: a whole number from 1");
            }
        }
        let order = Self {
            id: parameters.id("order").unwrap_or_default(),
            product: parameters.id("product").unwrap_or_default(),
            customer: parameters.id("customer").unwrap_or_default(),
            quantity: parameters.number("quantity", 1, 1..=QUANTITY_MAX),
            is_last: parameters.flag("last"),
            invalidating: parameters.one_of("invalidating", Invalidating::TABLES_FIRST),
        };
        parameters.finish(order)
    }
}
