//! The analytics system's generated data: two years of sales to customers of four segments, visits
//! of the last week, and the alerts that a fraud filter would raise.
//!
//! Low numbers are popular, as in the marketplace: customer 1 has the most sales.

use crate::choices::SeedSize;
use crate::database::rows::{RowWriter, Table, draw, skewed};

/// 2023-01-01, in days since 1970.
pub(super) const FIRST_DAY: u64 = 19_358;
/// Two years.
pub(super) const DAYS: u64 = 730;
/// The end of the data, in seconds since 1970: what "now" means here.
pub(super) const NOW_S: i64 = ((FIRST_DAY + DAYS) * 86_400) as i64;
const WEEK_S: u64 = 7 * 86_400;

pub(super) const REGIONS: &[&str] = &["africa", "america", "asia", "europe", "oceania"];
pub(super) const CATEGORIES: &[&str] =
    &["books", "clothing", "electronics", "garden", "grocery", "home", "sport", "toys"];
pub(super) const SEGMENTS: &[&str] = &["occasional", "regular", "loyal", "vip"];
pub(super) const RISKS: &[&str] = &["low", "medium", "high"];
pub(super) const STREAMS: &[&str] = &["clicks", "orders", "payments"];
pub(super) const STATUSES: &[&str] = &["open", "reviewing", "confirmed", "dismissed"];
pub(super) const PRIORITIES: &[&str] = &["low", "medium", "high", "critical"];
pub(super) const ALERT_TYPES: &[&str] = &["velocity", "mismatch", "chargeback", "takeover"];

/// Table numbers of the draws; those below 10 are the marketplace's.
const CUSTOMERS: u64 = 10;
const PRODUCTS: u64 = 11;
const SALES: u64 = 12;
const EVENTS: u64 = 13;
const ALERTS: u64 = 14;

#[derive(Debug, Clone, Copy)]
struct Counts {
    customers: u64,
    products: u64,
    sales: u64,
    events: u64,
    alerts: u64,
}

impl Counts {
    const fn of(size: SeedSize) -> Self {
        let scale = match size {
            SeedSize::Small => 1,
            SeedSize::Medium => 50,
            SeedSize::Large => 500,
        };
        Self {
            customers: 2_000 * scale,
            products: 200 + 16 * scale,
            sales: 3_000 * scale,
            events: 2_000 * scale,
            alerts: 400 * scale,
        }
    }
}

/// The analytics system's tables with their rows.
pub(crate) fn tables(size: SeedSize) -> Vec<Table> {
    let counts = Counts::of(size);
    vec![
        Table {
            name: "analytics_customers",
            columns: &["id", "name", "region", "segment", "risk_level", "lifetime_cents", "joined_day"],
            rows: counts.customers,
            row: Box::new(customer),
        },
        Table {
            name: "analytics_products",
            columns: &["id", "name", "category", "price_cents"],
            rows: counts.products,
            row: Box::new(product),
        },
        Table {
            name: "analytics_sales",
            columns: &[
                "id",
                "customer_id",
                "product_id",
                "category",
                "region",
                "day",
                "month",
                "units",
                "amount_cents",
            ],
            rows: counts.sales,
            row: Box::new(move |row, out| sale(row, &counts, out)),
        },
        Table {
            name: "analytics_events",
            columns: &["id", "customer_id", "stage", "stream", "at_s", "latency_ms"],
            rows: counts.events,
            row: Box::new(move |row, out| event(row, &counts, out)),
        },
        Table {
            name: "fraud_alerts",
            columns: &[
                "id",
                "customer_id",
                "status",
                "priority",
                "alert_type",
                "score",
                "amount_cents",
                "at_s",
            ],
            rows: counts.alerts,
            row: Box::new(move |row, out| alert(row, &counts, out)),
        },
    ]
}

fn customer(row: u64, out: &mut RowWriter) {
    // Three in five buy now and then, one in fifty is a VIP.
    let segment = match draw(CUSTOMERS, row, 3) % 50 {
        0 => "vip",
        1..=7 => "loyal",
        8..=19 => "regular",
        _ => "occasional",
    };
    out.int(row)
        .text(format!("Customer {row}"))
        .text(region_of(row))
        .text(segment)
        .text(RISKS[skewed(draw(CUSTOMERS, row, 4), 3, 2) as usize - 1])
        .int(skewed(draw(CUSTOMERS, row, 5), 2_000_000, 3))
        .int(FIRST_DAY + draw(CUSTOMERS, row, 6) % DAYS);
}

fn product(row: u64, out: &mut RowWriter) {
    out.int(row).text(format!("Item {row}")).text(category_of(row)).int(price_cents(row));
}

fn sale(row: u64, counts: &Counts, out: &mut RowWriter) {
    let customer = skewed(draw(SALES, row, 1), counts.customers, 3);
    let product = skewed(draw(SALES, row, 2), counts.products, 2);
    let day = draw(SALES, row, 3) % DAYS;
    let units = skewed(draw(SALES, row, 4), 6, 3);
    out.int(row)
        .int(customer)
        .int(product)
        .text(category_of(product))
        .text(region_of(customer))
        .int(FIRST_DAY + day)
        .int(month_of(day))
        .int(units)
        .int(units * price_cents(product));
}

fn event(row: u64, counts: &Counts, out: &mut RowWriter) {
    let second = draw(EVENTS, row, 3) % WEEK_S;
    out.int(row)
        .int(skewed(draw(EVENTS, row, 1), counts.customers, 2))
        .int(skewed(draw(EVENTS, row, 2), 5, 2))
        .text(pick(STREAMS, draw(EVENTS, row, 4)))
        .int(NOW_S as u64 - WEEK_S + second)
        .int(skewed(draw(EVENTS, row, 5), 2_000, 4));
}

fn alert(row: u64, counts: &Counts, out: &mut RowWriter) {
    out.int(row)
        .int(skewed(draw(ALERTS, row, 1), counts.customers, 2))
        .text(STATUSES[skewed(draw(ALERTS, row, 2), 4, 2) as usize - 1])
        .text(PRIORITIES[skewed(draw(ALERTS, row, 3), 4, 2) as usize - 1])
        .text(pick(ALERT_TYPES, draw(ALERTS, row, 4)))
        .int(1 + draw(ALERTS, row, 5) % 100)
        .int(skewed(draw(ALERTS, row, 6), 500_000, 3))
        .int(NOW_S as u64 - 1 - draw(ALERTS, row, 7) % (30 * 86_400));
}

fn region_of(customer: u64) -> &'static str {
    pick(REGIONS, draw(CUSTOMERS, customer, 2))
}

fn category_of(product: u64) -> &'static str {
    pick(CATEGORIES, draw(PRODUCTS, product, 2))
}

/// 1.00 to 400.00, cheap ones more often.
fn price_cents(product: u64) -> u64 {
    99 + skewed(draw(PRODUCTS, product, 3), 39_901, 2)
}

/// The day on which the month of the data's day number `day` begins. 2024 is a leap year.
const fn month_of(day: u64) -> u64 {
    const LENGTHS: [u64; 24] =
        [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let (mut month, mut begins) = (0, 0);
    while month < LENGTHS.len() && begins + LENGTHS[month] <= day {
        begins += LENGTHS[month];
        month += 1;
    }
    FIRST_DAY + begins
}

const fn pick(words: &[&'static str], draw: u64) -> &'static str {
    words[(draw % words.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_on_their_first_day() {
        assert_eq!(month_of(0), FIRST_DAY);
        assert_eq!(month_of(30), FIRST_DAY);
        assert_eq!(month_of(31), FIRST_DAY + 31);
        // 2024-02-29 belongs to February, 2024-03-01 does not.
        assert_eq!(month_of(365 + 31 + 28), FIRST_DAY + 365 + 31);
        assert_eq!(month_of(365 + 31 + 29), FIRST_DAY + 365 + 60);
        assert_eq!(month_of(DAYS - 1), FIRST_DAY + 365 + 335);
    }

    #[test]
    fn a_medium_testbed_has_pages_down_to_the_ten_thousandth() {
        assert_eq!(Counts::of(SeedSize::Medium).customers, 10_000 * 10);
    }
}
