//! The marketplace's generated data: a building supplier's market with a few popular products, a
//! long tail, and a model number in every name.
//!
//! Low numbers are popular: product 1 has the most orders, category 1 the most products. A load
//! whose keys are drawn from 1 upward by popularity therefore meets the rows that have most to sum.

use super::words::{ADJECTIVES, CATEGORIES, DESCRIPTIONS, MATERIALS, NOUNS, SHOP_NAMES};
use crate::choices::SeedSize;
use crate::database::rows::{RowWriter, Table, draw, fraction, skewed};

/// Products share model numbers `M-1` to `M-1000`.
pub(crate) const MODEL_NUMBERS: u64 = 1_000;

/// The earliest time in the data: 2023-01-01 00:00 UTC.
const EPOCH_S: u64 = 1_672_531_200;
const TWO_YEARS_S: u64 = 2 * 365 * 86_400;

const USERS: u64 = 1;
const SHOPS: u64 = 2;
const PRODUCTS: u64 = 3;
const ORDERS: u64 = 4;

/// How many rows each table has.
#[derive(Debug, Clone, Copy)]
struct Counts {
    users: u64,
    shops: u64,
    products: u64,
    orders: u64,
}

impl Counts {
    const fn of(size: SeedSize) -> Self {
        match size {
            SeedSize::Small => Self { users: 1_000, shops: 50, products: 2_000, orders: 4_000 },
            SeedSize::Medium => Self { users: 50_000, shops: 2_000, products: 100_000, orders: 200_000 },
            SeedSize::Large => Self { users: 500_000, shops: 20_000, products: 1_000_000, orders: 2_000_000 },
        }
    }
}

/// The marketplace's tables with their rows.
pub(crate) fn tables(size: SeedSize) -> Vec<Table> {
    let counts = Counts::of(size);
    vec![
        Table {
            name: "users",
            columns: &["id", "email", "username", "user_type", "created_at"],
            rows: counts.users,
            row: Box::new(user),
        },
        Table {
            name: "shops",
            columns: &[
                "id",
                "owner_id",
                "name",
                "is_verified",
                "is_active",
                "latitude",
                "longitude",
                "created_at",
            ],
            rows: counts.shops,
            row: Box::new(move |row, out| shop(row, &counts, out)),
        },
        Table {
            name: "categories",
            columns: &["id", "name"],
            rows: CATEGORIES.len() as u64,
            row: Box::new(|row, out| {
                out.int(row).text(CATEGORIES[row as usize - 1]);
            }),
        },
        Table {
            name: "products",
            columns: &[
                "id",
                "shop_id",
                "category_id",
                "name",
                "description",
                "search_text",
                "price_cents",
                "rating",
                "is_available",
                "created_at",
            ],
            rows: counts.products,
            row: Box::new(move |row, out| product(row, &counts, out)),
        },
        Table {
            name: "orders",
            columns: &[
                "id",
                "customer_id",
                "shop_id",
                "product_id",
                "quantity",
                "total_cents",
                "status",
                "payment_status",
                "created_at",
            ],
            rows: counts.orders,
            row: Box::new(move |row, out| order(row, &counts, out)),
        },
    ]
}

fn user(row: u64, out: &mut RowWriter) {
    let kind = match draw(USERS, row, 1) % 100 {
        0 => "admin",
        1..=8 => "seller",
        _ => "customer",
    };
    out.int(row)
        .text(format!("user{row}@example.com"))
        .text(format!("user{row}"))
        .text(kind)
        .int(time_s(draw(USERS, row, 2)));
}

fn shop(row: u64, counts: &Counts, out: &mut RowWriter) {
    out.int(row)
        .int(1 + draw(SHOPS, row, 1) % counts.users)
        .text(format!("{} {row}", pick(SHOP_NAMES, draw(SHOPS, row, 2))))
        .int(u64::from(!one_in(3, draw(SHOPS, row, 3))))
        .int(u64::from(is_shop_active(row)))
        .real(degrees(draw(SHOPS, row, 4), 90))
        .real(degrees(draw(SHOPS, row, 5), 180))
        .int(time_s(draw(SHOPS, row, 6)));
}

fn product(row: u64, counts: &Counts, out: &mut RowWriter) {
    let shop = shop_of(row, counts);
    let name = product_name(row);
    let description = pick(DESCRIPTIONS, draw(PRODUCTS, row, 7));
    let search_text = format!("{name} {description}").to_ascii_lowercase();
    // A shop that is not active has withdrawn its products.
    let is_available = is_shop_active(shop) && !one_in(20, draw(PRODUCTS, row, 9));
    out.int(row)
        .int(shop)
        .int(skewed(draw(PRODUCTS, row, 2), CATEGORIES.len() as u64, 2))
        .text(name)
        .text(description)
        .text(search_text)
        .int(price_cents(row))
        .real((10 + draw(PRODUCTS, row, 8) % 41) as f64 / 10.0)
        .int(u64::from(is_available))
        .int(time_s(draw(PRODUCTS, row, 10)));
}

fn order(row: u64, counts: &Counts, out: &mut RowWriter) {
    let product = skewed(draw(ORDERS, row, 1), counts.products, 3);
    let quantity = skewed(draw(ORDERS, row, 2), 12, 3);
    let (status, payment) = match draw(ORDERS, row, 3) % 20 {
        0 => ("cancelled", "refunded"),
        1 | 2 => ("pending", "pending"),
        3..=6 => ("shipped", "paid"),
        _ => ("delivered", "paid"),
    };
    out.int(row)
        .int(skewed(draw(ORDERS, row, 4), counts.users, 2))
        .int(shop_of(product, counts))
        .int(product)
        .int(quantity)
        .int(quantity * price_cents(product))
        .text(status)
        .text(payment)
        .int(time_s(draw(ORDERS, row, 5)));
}

/// The model number repeats through the catalogue, so a search for one finds a share of it.
fn product_name(row: u64) -> String {
    let adjective = pick(ADJECTIVES, draw(PRODUCTS, row, 3));
    let material = pick(MATERIALS, draw(PRODUCTS, row, 4));
    let noun = pick(NOUNS, draw(PRODUCTS, row, 5));
    format!("{adjective} {material} {noun} M-{}", 1 + (row - 1) % MODEL_NUMBERS)
}

fn shop_of(product: u64, counts: &Counts) -> u64 {
    skewed(draw(PRODUCTS, product, 1), counts.shops, 2)
}

const fn is_shop_active(shop: u64) -> bool {
    !one_in(20, draw(SHOPS, shop, 7))
}

/// 0.50 to 500.00, cheap ones more often.
fn price_cents(product: u64) -> u64 {
    49 + skewed(draw(PRODUCTS, product, 6), 49_951, 2)
}

const fn time_s(draw: u64) -> u64 {
    EPOCH_S + draw % TWO_YEARS_S
}

/// Six decimals, as a map has them.
fn degrees(draw: u64, bound: u64) -> f64 {
    (fraction(draw) * 2.0e6 * bound as f64).floor() / 1.0e6 - bound as f64
}

const fn one_in(n: u64, draw: u64) -> bool {
    draw.is_multiple_of(n)
}

const fn pick(words: &[&'static str], draw: u64) -> &'static str {
    words[(draw % words.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_that_the_documents_promise() {
        let rows = |size| -> Vec<u64> { tables(size).iter().map(|table| table.rows).collect() };
        assert_eq!(rows(SeedSize::Small), [1_000, 50, 40, 2_000, 4_000]);
        assert_eq!(rows(SeedSize::Medium), [50_000, 2_000, 40, 100_000, 200_000]);
        assert_eq!(rows(SeedSize::Large), [500_000, 20_000, 40, 1_000_000, 2_000_000]);
    }

    #[test]
    fn a_product_is_the_same_for_ever() {
        assert_eq!(product_name(1), "Premium Pine Gutter M-1");
        assert!(product_name(1_000).ends_with(" M-1000"));
        assert!(product_name(1_001).ends_with(" M-1"));
        for row in 1..5_000 {
            assert!((50..=50_000).contains(&price_cents(row)));
        }
    }
}
