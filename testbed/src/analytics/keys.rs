//! The analytics system's cache keys and lifetimes, in the seed's schema. Every parameter that
//! changes an answer is in its key, in one order, `all` where a filter is left out.

use std::time::Duration;

use hitmark_cache::Key;

use super::parameters::{Alerts, Customers, Metrics, Products, Revenue, Segments};

/// Aggregates over the whole shop.
pub(super) const ANALYTICS_TTL: Duration = Duration::from_secs(300);
/// Lists of customers.
pub(super) const LIST_TTL: Duration = Duration::from_secs(120);
/// One customer.
pub(super) const CUSTOMER_TTL: Duration = Duration::from_secs(300);
/// What the fraud desk looks at.
pub(super) const FRAUD_TTL: Duration = Duration::from_secs(60);
/// What a live dashboard asks for every few seconds.
pub(super) const REALTIME_TTL: Duration = Duration::from_secs(5);

/// What stands first in the keys of a family, and therefore what its invalidation names.
pub(crate) const ANALYTICS: &str = "analytics";
/// Lists, details and recommendations of customers.
pub(crate) const CUSTOMERS: &str = "customers";
/// Alerts and their dashboard.
pub(crate) const FRAUD: &str = "fraud";
/// Live figures.
pub(crate) const REALTIME: &str = "realtime";

fn analytics(kind: &str) -> Key {
    Key::new(ANALYTICS).id(kind)
}

/// `analytics:revenue:{granularity}:{start}:{end}:{region}:{category}`, days since 1970.
pub(super) fn revenue(asked: &Revenue) -> Key {
    analytics("revenue")
        .id(asked.granularity)
        .id(asked.start)
        .id(asked.end)
        .id(asked.region)
        .id(asked.category)
}

/// `analytics:segments:{type}:{include_predictions}`
pub(super) fn segments(asked: &Segments) -> Key {
    analytics("segments").id(asked.segment_type).id(asked.include_predictions)
}

/// `analytics:products:{category}:{sort_by}:{time_range}:{include_recommendations}`
pub(super) fn products(asked: &Products) -> Key {
    analytics("products")
        .id(asked.category)
        .id(asked.sort_by)
        .id(asked.time_range)
        .id(asked.include_recommendations)
}

/// `analytics:cohorts`
pub(super) fn cohorts() -> Key {
    analytics("cohorts")
}

/// `analytics:funnel:{stream_type}`
pub(super) fn funnel(stream: &str) -> Key {
    analytics("funnel").id(stream)
}

/// `customers:list:{segment}:{risk_level}:{sort_by}:{page}:{size}`, or with a cursor
/// `customers:after:{segment}:{risk_level}:{id}:{size}`.
pub(super) fn customers(asked: &Customers) -> Key {
    let key = |kind| Key::new(CUSTOMERS).id(kind).id(asked.segment).id(asked.risk_level);
    match asked.after {
        None => key("list").id(asked.sort_by).id(asked.page.page).id(asked.page.size),
        Some(after) => key("after").id(after).id(asked.page.size),
    }
}

/// `customers:details:{id}`
pub(super) fn customer(id: i64) -> Key {
    Key::new(CUSTOMERS).id("details").id(id)
}

/// `customers:recommendations:{id}:{type}`
pub(super) fn recommendations(id: i64, kind: &str) -> Key {
    Key::new(CUSTOMERS).id("recommendations").id(id).id(kind)
}

/// `fraud:alerts:{status}:{priority}:{alert_type}:{page}:{size}`
pub(super) fn alerts(asked: &Alerts) -> Key {
    Key::new(FRAUD)
        .id("alerts")
        .id(asked.status)
        .id(asked.priority)
        .id(asked.alert_type)
        .id(asked.page.page)
        .id(asked.page.size)
}

/// `fraud:dashboard:{time_range}`
pub(super) fn dashboard(time_range: &str) -> Key {
    Key::new(FRAUD).id("dashboard").id(time_range)
}

/// `realtime:health`
pub(super) fn health() -> Key {
    Key::new(REALTIME).id("health")
}

/// `realtime:metrics:{stream_type}:{time_window}`
pub(super) fn metrics(asked: &Metrics) -> Key {
    Key::new(REALTIME).id("metrics").id(asked.stream_type).id(asked.time_window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_is_in_its_key() {
        let revenue = |query| revenue(&Revenue::read(Some(query)).expect(query)).to_string();
        let base = "granularity=daily&start_date=2023-02-01&end_date=2023-03-01&region=asia&category=toys";
        assert_eq!(revenue(base), "analytics:revenue:daily:19389:19417:asia:toys");
        assert_eq!(revenue(""), "analytics:revenue:monthly:19358:20088:all:all");
        for (from, to) in
            [("daily", "weekly"), ("02-01", "02-02"), ("03-01", "03-02"), ("asia", "all"), ("toys", "home")]
        {
            let other = base.replace(from, to);
            let read = Revenue::read(Some(&other)).expect("good parameters");
            assert_ne!(revenue(base), super::revenue(&read).to_string(), "{to}");
        }
        let products = |query| products(&Products::read(Some(query)).expect(query)).to_string();
        assert_eq!(products("include_recommendations=true"), "analytics:products:all:revenue:90d:true");
        let customers = |query| customers(&Customers::read(Some(query)).expect(query)).to_string();
        assert_eq!(customers("segment=vip&page=3&size=20"), "customers:list:vip:all:id:3:20");
        assert_eq!(customers("segment=vip&after=3&size=20"), "customers:after:vip:all:3:20");
        let alerts = |query| alerts(&Alerts::read(Some(query)).expect(query)).to_string();
        assert_eq!(alerts("status=open&alert_type=velocity"), "fraud:alerts:open:all:velocity:1:100");
        assert_eq!(recommendations(7, "popular").to_string(), "customers:recommendations:7:popular");
        assert_eq!(metrics(&Metrics::read(None).expect("defaults")).to_string(), "realtime:metrics:all:24h");
    }
}
