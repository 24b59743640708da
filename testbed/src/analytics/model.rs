//! What the analytics endpoints answer: whole cents, whole seconds, days since 1970, so that the
//! text is the same whichever database it came from.

use serde::Serialize;
use sqlx::Row;
use sqlx::any::AnyRow;

/// A struct of columns that is read from a row and written as JSON, column by column.
macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident { $($field:ident: $kind:ty),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Serialize)]
        pub(super) struct $name { $(pub(super) $field: $kind),+ }

        impl $name {
            pub(super) fn of(row: &AnyRow) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    )+};
}

rows! {
    /// Revenue of one day, week or month.
    RevenuePoint { first_day: i64, sales: i64, units: i64, revenue_cents: i64, customers: i64 }
    /// One group of customers and what it bought.
    Segment { segment: String, customers: i64, sales: i64, revenue_cents: i64, last_day: i64 }
    /// A product and how it sold.
    ProductSales { id: i64, name: String, category: String, sales: i64, units: i64, revenue_cents: i64, buyers: i64 }
    /// Customers by the month in which they joined, and how many bought so many months later.
    Cohort { joined_month: i64, months_later: i64, customers: i64, revenue_cents: i64 }
    /// One step towards a sale.
    FunnelStage { stage: i64, events: i64, customers: i64 }
    /// A customer in a list.
    ListedCustomer {
        id: i64, name: String, region: String, segment: String, risk_level: String,
        lifetime_cents: i64, joined_day: i64,
    }
    /// What one customer bought of one category.
    CategoryShare { category: String, sales: i64, revenue_cents: i64 }
    /// A product that a customer may like.
    Recommendation { id: i64, name: String, category: String, price_cents: i64, buyers: i64 }
    /// An alert of the fraud filter.
    Alert {
        id: i64, customer_id: i64, status: String, priority: String, alert_type: String,
        score: i64, amount_cents: i64, at_s: i64,
    }
    /// Alerts of one kind.
    AlertGroup { alert_type: String, status: String, alerts: i64, amount_cents: i64, score_max: i64 }
    /// Events of one stream.
    StreamMetrics { stream: String, events: i64, customers: i64, latency_ms_sum: i64, latency_ms_max: i64 }
}

/// The answer of `/api/v1/analytics/revenue`.
#[derive(Debug, Serialize)]
pub(super) struct Revenue {
    pub(super) granularity: &'static str,
    pub(super) region: &'static str,
    pub(super) category: &'static str,
    pub(super) total_revenue_cents: i64,
    pub(super) points: Vec<RevenuePoint>,
}

/// The answer of `/api/v1/analytics/segments`.
#[derive(Debug, Serialize)]
pub(super) struct Segments {
    pub(super) segment_type: &'static str,
    pub(super) segments: Vec<Segment>,
    /// The next month's revenue by segment, if asked for: the mean of the last three.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) predicted_revenue_cents: Option<i64>,
}

/// The answer of `/api/v1/analytics/products`.
#[derive(Debug, Serialize)]
pub(super) struct Products {
    pub(super) time_range: &'static str,
    pub(super) products: Vec<ProductSales>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recommendations: Option<Vec<&'static str>>,
}

/// The part of a list behind a cursor.
#[derive(Debug, Serialize)]
pub(super) struct CustomersAfter {
    pub(super) items: Vec<ListedCustomer>,
    /// What to ask for next; left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_after: Option<i64>,
}

/// One customer with what they bought.
#[derive(Debug, Serialize)]
pub(super) struct CustomerDetail {
    #[serde(flatten)]
    pub(super) customer: ListedCustomer,
    pub(super) alerts: i64,
    pub(super) by_category: Vec<CategoryShare>,
}

/// The answer of `/api/v1/fraud/dashboard`.
#[derive(Debug, Serialize)]
pub(super) struct FraudDashboard {
    pub(super) time_range: &'static str,
    pub(super) alerts: i64,
    pub(super) amount_cents: i64,
    pub(super) groups: Vec<AlertGroup>,
}

/// The answer of `/api/v1/realtime/health`.
#[derive(Debug, Serialize)]
pub(super) struct LiveHealth {
    pub(super) status: &'static str,
    pub(super) events_last_hour: i64,
    pub(super) open_alerts: i64,
}
