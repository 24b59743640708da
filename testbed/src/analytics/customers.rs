//! Queries about customers: lists by page and by cursor, one customer, what they may like.

use sqlx::Row;
use sqlx::query as sql;

use super::model::{CategoryShare, CustomerDetail, CustomersAfter, ListedCustomer, Recommendation};
use super::pagination::Page;
use super::parameters::Customers;
use crate::database::Session;

const RECOMMENDED: i64 = 10;

macro_rules! customers {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM analytics_customers WHERE ($1 = 'all' OR segment = $1) AND ($2 = 'all' OR risk_level = $2)",
            $rest
        )
    };
    ($rest:literal) => {
        customers!("id, name, region, segment, risk_level, lifetime_cents, joined_day", $rest)
    };
}

const COUNT: &str = customers!("COUNT(*)", "");
const BY_ID: &str = customers!(" ORDER BY id LIMIT $3 OFFSET $4");
const BY_LIFETIME: &str = customers!(" ORDER BY lifetime_cents DESC, id DESC LIMIT $3 OFFSET $4");
const AFTER: &str = customers!(" AND id > $4 ORDER BY id LIMIT $3");

const CUSTOMER: &str = "SELECT id, name, region, segment, risk_level, lifetime_cents, joined_day, \
     (SELECT COUNT(*) FROM fraud_alerts a WHERE a.customer_id = c.id) AS alerts \
     FROM analytics_customers c WHERE id = $1";
const BY_CATEGORY: &str = "SELECT category, COUNT(*) AS sales, CAST(SUM(amount_cents) AS BIGINT) AS revenue_cents \
     FROM analytics_sales WHERE customer_id = $1 GROUP BY category ORDER BY 3 DESC, 1";

/// What others bought who bought the same: the customers' common products lead to theirs.
const SIMILAR: &str = "SELECT p.id, p.name, p.category, p.price_cents, COUNT(DISTINCT o.customer_id) AS buyers \
     FROM (SELECT DISTINCT product_id FROM analytics_sales WHERE customer_id = $1 ORDER BY product_id LIMIT 20) mine \
     JOIN analytics_sales s ON s.product_id = mine.product_id \
     JOIN analytics_sales o ON o.customer_id = s.customer_id AND o.day > s.day \
     JOIN analytics_products p ON p.id = o.product_id \
     WHERE s.customer_id <> $1 AND s.customer_id > 200 \
     GROUP BY p.id, p.name, p.category, p.price_cents ORDER BY buyers DESC, p.id LIMIT $2";
const POPULAR: &str = "SELECT p.id, p.name, p.category, p.price_cents, COUNT(DISTINCT s.customer_id) AS buyers \
     FROM analytics_sales s JOIN analytics_products p ON p.id = s.product_id \
     WHERE s.region = (SELECT region FROM analytics_customers WHERE id = $1) \
     GROUP BY p.id, p.name, p.category, p.price_cents ORDER BY buyers DESC, p.id LIMIT $2";
const EXISTS: &str = "SELECT 1 FROM analytics_customers WHERE id = $1";

pub(super) async fn page(session: &mut Session<'_>, asked: &Customers) -> sqlx::Result<Page<ListedCustomer>> {
    let query = if asked.sort_by == "lifetime" { BY_LIFETIME } else { BY_ID };
    let query = sql(query).bind(asked.segment).bind(asked.risk_level);
    let rows = session.all(query.bind(asked.page.limit()).bind(asked.page.offset())).await?;
    let count = session.count(sql(COUNT).bind(asked.segment).bind(asked.risk_level)).await?;
    let items = rows.iter().map(ListedCustomer::of).collect::<sqlx::Result<_>>()?;
    Ok(Page::new(asked.page, count, items))
}

/// The part of the list behind a customer: the index leads to its first row, whatever the depth.
/// There is no total, since counting reads what the cursor saved.
pub(super) async fn after(
    session: &mut Session<'_>,
    asked: &Customers,
    after: i64,
) -> sqlx::Result<CustomersAfter> {
    let query = sql(AFTER).bind(asked.segment).bind(asked.risk_level);
    let rows = session.all(query.bind(asked.page.limit()).bind(after)).await?;
    let items: Vec<ListedCustomer> = rows.iter().map(ListedCustomer::of).collect::<sqlx::Result<_>>()?;
    let is_full = items.len() as i64 == asked.page.limit();
    let next_after = items.last().filter(|_| is_full).map(|last| last.id);
    Ok(CustomersAfter { items, next_after })
}

pub(super) async fn customer(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<CustomerDetail>> {
    let Some(row) = session.optional(sql(CUSTOMER).bind(id)).await? else { return Ok(None) };
    let shares = session.all(sql(BY_CATEGORY).bind(id)).await?;
    Ok(Some(CustomerDetail {
        customer: ListedCustomer::of(&row)?,
        alerts: row.try_get("alerts")?,
        by_category: shares.iter().map(CategoryShare::of).collect::<sqlx::Result<_>>()?,
    }))
}

/// `None` if there is no such customer; an empty list for one who bought nothing yet.
pub(super) async fn recommendations(
    session: &mut Session<'_>,
    id: i64,
    kind: &str,
) -> sqlx::Result<Option<Vec<Recommendation>>> {
    if !session.exists(sql(EXISTS).bind(id)).await? {
        return Ok(None);
    }
    let query = if kind == "popular" { POPULAR } else { SIMILAR };
    let rows = session.all(sql(query).bind(id).bind(RECOMMENDED)).await?;
    rows.iter().map(Recommendation::of).collect::<sqlx::Result<_>>().map(Some)
}
