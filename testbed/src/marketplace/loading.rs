//! Three ways to read what stands around the products of a list: joined, in batches, or one by one.
//!
//! The answer is the same to the byte, so that an experiment between two of them measures the way and
//! nothing else. Only the list offers the choice; `queries` holds the joined way, which all lists take
//! unless they are asked otherwise.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::query as sql;
use sqlx::{AssertSqlSafe, Row};

use super::handlers::ListParameters;
use super::model::ListedProduct;
use super::queries::{category, cut, product_of, shop_name};
use crate::database::Session;

/// How the rows around a product are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loading {
    /// One query that joins them.
    Joined,
    /// One query for each kind of row, for all products of the page together.
    Batch,
    /// One query for each row: N+1, as an ORM does that loads lazily.
    Each,
}

macro_rules! plain {
    ($filter:literal) => {
        concat!(
            "SELECT id, name, price_cents, rating, created_at, shop_id, category_id FROM products \
             WHERE is_available = 1",
            $filter,
            " ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"
        )
    };
}

const PLAIN: &str = plain!("");
const PLAIN_IN_CATEGORY: &str = plain!(" AND category_id = $3");

macro_rules! shops {
    ($which:literal) => {
        concat!("SELECT id AS shop_id, name AS shop_name, is_verified FROM shops WHERE id ", $which)
    };
}

macro_rules! categories {
    ($which:literal) => {
        concat!("SELECT id AS category_id, name AS category_name FROM categories WHERE id ", $which)
    };
}

const SHOP: &str = shops!("= $1");
const CATEGORY: &str = categories!("= $1");
const ORDERS: &str = "SELECT COUNT(*) FROM orders WHERE product_id = $1";
const SHOPS: &str = shops!("IN (ids)");
const CATEGORIES: &str = categories!("IN (ids)");
const ALL_ORDERS: &str =
    "SELECT product_id, COUNT(*) AS orders FROM orders WHERE product_id IN (ids) GROUP BY product_id";

/// The products of a page, newest first, with what stands around them read as asked.
pub(super) async fn newest(
    session: &mut Session<'_>,
    list: &ListParameters,
    loading: Loading,
) -> sqlx::Result<Vec<ListedProduct>> {
    let (limit, offset) = cut(list.page, list.per_page);
    let page = match list.category {
        None => sql(PLAIN).bind(limit).bind(offset),
        Some(category) => sql(PLAIN_IN_CATEGORY).bind(limit).bind(offset).bind(category),
    };
    let rows = session.all(page).await?;
    if loading == Loading::Each { each(session, &rows).await } else { batch(session, &rows).await }
}

async fn each(session: &mut Session<'_>, rows: &[AnyRow]) -> sqlx::Result<Vec<ListedProduct>> {
    let mut products = Vec::with_capacity(rows.len());
    for row in rows {
        let shop = session.one(sql(SHOP).bind(row.try_get::<i64, _>("shop_id")?)).await?;
        let of = session.one(sql(CATEGORY).bind(row.try_get::<i64, _>("category_id")?)).await?;
        let orders = session.count(sql(ORDERS).bind(row.try_get::<i64, _>("id")?)).await?;
        products.push(product_of(row, shop_name(&shop)?, category(&of)?, orders)?);
    }
    Ok(products)
}

async fn batch(session: &mut Session<'_>, rows: &[AnyRow]) -> sqlx::Result<Vec<ListedProduct>> {
    let shops = by_id(session, SHOPS, rows, "shop_id", shop_name).await?;
    let categories = by_id(session, CATEGORIES, rows, "category_id", category).await?;
    let orders = by_id(session, ALL_ORDERS, rows, "id", |row| row.try_get::<i64, _>("orders")).await?;
    let mut products = Vec::with_capacity(rows.len());
    for row in rows {
        let of = |column| row.try_get::<i64, _>(column);
        // A foreign key leads somewhere: without its row the database is broken.
        let shop = shops.get(&of("shop_id")?).ok_or(sqlx::Error::RowNotFound)?.clone();
        let category = categories.get(&of("category_id")?).ok_or(sqlx::Error::RowNotFound)?.clone();
        let orders = orders.get(&of("id")?).copied().unwrap_or(0);
        products.push(product_of(row, shop, category, orders)?);
    }
    Ok(products)
}

/// One query for all ids that a column holds: what it finds, by its own first column.
async fn by_id<T>(
    session: &mut Session<'_>,
    text: &str,
    rows: &[AnyRow],
    column: &str,
    read: impl Fn(&AnyRow) -> sqlx::Result<T>,
) -> sqlx::Result<HashMap<i64, T>> {
    let mut ids = rows.iter().map(|row| row.try_get(column)).collect::<sqlx::Result<Vec<i64>>>()?;
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    // Only places for values are written into the text, never a value.
    let text = AssertSqlSafe(text.replace("(ids)", &format!("({})", places.join(", "))));
    let query = ids.into_iter().fold(sql(text), |query, id| query.bind(id));
    let found = session.all(query).await?;
    found.iter().map(|row| Ok((row.try_get(0)?, read(row)?))).collect()
}
