//! How the analytics' answers are cached, and the tables that each is read from.

use super::keys::{ANALYTICS_TTL, CUSTOMER_TTL, FRAUD_TTL, LIST_TTL, REALTIME_TTL};
use crate::policy::policies;

policies! {
    REVENUE = ANALYTICS_TTL, ["analytics_sales"];
    SEGMENTS = ANALYTICS_TTL, ["analytics_customers", "analytics_sales"];
    PRODUCTS = ANALYTICS_TTL, ["analytics_products", "analytics_sales"];
    COHORTS = ANALYTICS_TTL, ["analytics_customers", "analytics_sales"];
    FUNNEL = ANALYTICS_TTL, ["analytics_events"];
    CUSTOMERS = LIST_TTL, ["analytics_customers"];
    CUSTOMER = CUSTOMER_TTL, ["analytics_customers", "analytics_sales", "fraud_alerts"];
    RECOMMENDATIONS = CUSTOMER_TTL, ["analytics_customers", "analytics_products", "analytics_sales"];
    ALERTS = FRAUD_TTL, ["fraud_alerts"];
    HEALTH = REALTIME_TTL, ["analytics_events", "fraud_alerts"];
    METRICS = REALTIME_TTL, ["analytics_events"];
}
