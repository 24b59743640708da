//! The aggregates over the whole shop: each reads every row that it adds up.

use sqlx::Row;
use sqlx::query as sql;

use super::model::{self, Cohort, FunnelStage, ProductSales, RevenuePoint, Segment};
use super::parameters::{ALL, Products, Revenue, Segments, range_s};
use super::seed::NOW_S;
use crate::database::Session;

const TOP_PRODUCTS: i64 = 50;

macro_rules! revenue {
    ($bucket:literal) => {
        concat!(
            "SELECT ",
            $bucket,
            " AS first_day, COUNT(*) AS sales, CAST(SUM(units) AS BIGINT) AS units, \
             CAST(SUM(amount_cents) AS BIGINT) AS revenue_cents, COUNT(DISTINCT customer_id) AS customers \
             FROM analytics_sales WHERE day >= $1 AND day < $2 \
             AND ($3 = 'all' OR region = $3) AND ($4 = 'all' OR category = $4) GROUP BY 1 ORDER BY 1"
        )
    };
}

const DAILY: &str = revenue!("day");
/// Weeks begin on Monday; the first day of 1970 was a Thursday.
const WEEKLY: &str = revenue!("day - (day + 3) % 7");
const MONTHLY: &str = revenue!("month");

macro_rules! segments {
    ($column:literal) => {
        concat!(
            "SELECT c.",
            $column,
            " AS segment, COUNT(DISTINCT c.id) AS customers, COUNT(s.id) AS sales, \
             CAST(COALESCE(SUM(s.amount_cents), 0) AS BIGINT) AS revenue_cents, \
             COALESCE(MAX(s.day), 0) AS last_day \
             FROM analytics_customers c LEFT JOIN analytics_sales s ON s.customer_id = c.id \
             GROUP BY 1 ORDER BY 4 DESC, 1"
        )
    };
}

const BY_VALUE: &str = segments!("segment");
const BY_REGION: &str = segments!("region");
const BY_RISK: &str = segments!("risk_level");
const LAST_QUARTER: &str =
    "SELECT CAST(COALESCE(SUM(amount_cents), 0) AS BIGINT) FROM analytics_sales WHERE day >= $1";

macro_rules! products {
    ($order:literal) => {
        concat!(
            "SELECT p.id, p.name, p.category, COUNT(*) AS sales, CAST(SUM(s.units) AS BIGINT) AS units, \
             CAST(SUM(s.amount_cents) AS BIGINT) AS revenue_cents, COUNT(DISTINCT s.customer_id) AS buyers \
             FROM analytics_sales s JOIN analytics_products p ON p.id = s.product_id \
             WHERE s.day >= $1 AND ($2 = 'all' OR s.category = $2) \
             GROUP BY p.id, p.name, p.category ORDER BY ",
            $order,
            " DESC, p.id LIMIT $3"
        )
    };
}

const BY_REVENUE: &str = products!("revenue_cents");
const BY_UNITS: &str = products!("units");
const BY_BUYERS: &str = products!("buyers");

/// Months of thirty days: a cohort is compared with itself, so that all must be as long.
const COHORTS: &str = "SELECT c.joined_day / 30 AS joined_month, s.day / 30 - c.joined_day / 30 AS months_later, \
     COUNT(DISTINCT c.id) AS customers, CAST(SUM(s.amount_cents) AS BIGINT) AS revenue_cents \
     FROM analytics_customers c JOIN analytics_sales s ON s.customer_id = c.id AND s.day >= c.joined_day \
     GROUP BY 1, 2 ORDER BY 1, 2";

const FUNNEL: &str = "SELECT stage, COUNT(*) AS events, COUNT(DISTINCT customer_id) AS customers \
     FROM analytics_events WHERE ($1 = 'all' OR stream = $1) GROUP BY stage ORDER BY stage";

pub(super) async fn revenue(session: &mut Session<'_>, asked: &Revenue) -> sqlx::Result<model::Revenue> {
    let query = match asked.granularity {
        "daily" => sql(DAILY),
        "weekly" => sql(WEEKLY),
        _ => sql(MONTHLY),
    };
    let query = query.bind(asked.start).bind(asked.end).bind(asked.region).bind(asked.category);
    let points: Vec<RevenuePoint> =
        session.all(query).await?.iter().map(RevenuePoint::of).collect::<sqlx::Result<_>>()?;
    Ok(model::Revenue {
        granularity: asked.granularity,
        region: asked.region,
        category: asked.category,
        total_revenue_cents: points.iter().map(|point| point.revenue_cents).sum(),
        points,
    })
}

pub(super) async fn segments(session: &mut Session<'_>, asked: &Segments) -> sqlx::Result<model::Segments> {
    let query = match asked.segment_type {
        "region" => BY_REGION,
        "risk" => BY_RISK,
        _ => BY_VALUE,
    };
    let rows = session.all(sql(query)).await?;
    let predicted_revenue_cents = match asked.include_predictions {
        false => None,
        true => {
            let quarter: i64 = session.one(sql(LAST_QUARTER).bind(since_day("90d"))).await?.try_get(0)?;
            Some(quarter / 3)
        }
    };
    Ok(model::Segments {
        segment_type: asked.segment_type,
        segments: rows.iter().map(Segment::of).collect::<sqlx::Result<_>>()?,
        predicted_revenue_cents,
    })
}

pub(super) async fn products(session: &mut Session<'_>, asked: &Products) -> sqlx::Result<model::Products> {
    let query = match asked.sort_by {
        "units" => BY_UNITS,
        "buyers" => BY_BUYERS,
        _ => BY_REVENUE,
    };
    let query = sql(query).bind(since_day(asked.time_range)).bind(asked.category).bind(TOP_PRODUCTS);
    let products: Vec<ProductSales> =
        session.all(query).await?.iter().map(ProductSales::of).collect::<sqlx::Result<_>>()?;
    let recommendations = asked.include_recommendations.then(|| products.iter().map(advice).collect());
    Ok(model::Products { time_range: asked.time_range, products, recommendations })
}

pub(super) async fn cohorts(session: &mut Session<'_>) -> sqlx::Result<Vec<Cohort>> {
    session.all(sql(COHORTS)).await?.iter().map(Cohort::of).collect()
}

pub(super) async fn funnel(session: &mut Session<'_>, stream: &str) -> sqlx::Result<Vec<FunnelStage>> {
    session.all(sql(FUNNEL).bind(stream)).await?.iter().map(FunnelStage::of).collect()
}

/// What to do about a product, by how many of its sales go to customers that return.
fn advice(product: &ProductSales) -> &'static str {
    match product.sales - product.buyers {
        0 => "find more buyers",
        repeats if repeats * 4 > product.sales => "keep in stock",
        _ => "offer again to its buyers",
    }
}

/// The first day of a range that ends now.
fn since_day(range: &str) -> i64 {
    debug_assert_ne!(range, ALL);
    (NOW_S - range_s(range)) / 86_400
}
