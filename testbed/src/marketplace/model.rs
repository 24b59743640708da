//! What the marketplace answers. Truth values, money in whole cents and times in whole seconds have
//! the same text whichever database they came from.

use serde::Serialize;

/// One page of the newest products.
#[derive(Debug, Serialize)]
pub(super) struct ProductPage {
    pub(super) page: u32,
    pub(super) per_page: u32,
    pub(super) total_products: i64,
    pub(super) total_pages: i64,
    pub(super) products: Vec<ListedProduct>,
}

/// One page of what a search found, best first.
#[derive(Debug, Serialize)]
pub(super) struct SearchPage {
    pub(super) query: String,
    pub(super) page: u32,
    pub(super) total_products: i64,
    pub(super) total_pages: i64,
    pub(super) products: Vec<ListedProduct>,
}

/// A product in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedProduct {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) price_cents: i64,
    pub(super) rating: f64,
    pub(super) created_at: i64,
    pub(super) orders: i64,
    pub(super) shop: ShopName,
    pub(super) category: CategoryName,
}

/// A product with what stands around it.
#[derive(Debug, Serialize)]
pub(super) struct ProductDetail {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) price_cents: i64,
    pub(super) rating: f64,
    pub(super) is_available: bool,
    pub(super) created_at: i64,
    pub(super) shop: Shop,
    pub(super) category: CategoryName,
    pub(super) sales: Sales,
    pub(super) similar: Vec<RelatedProduct>,
    pub(super) from_shop: Vec<RelatedProduct>,
}

/// A shop in a list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShopName {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) is_verified: bool,
}

/// A shop on a product's page.
#[derive(Debug, Serialize)]
pub(super) struct Shop {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) is_verified: bool,
    pub(super) latitude: f64,
    pub(super) longitude: f64,
    pub(super) available_products: i64,
}

/// A category.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CategoryName {
    pub(super) id: i64,
    pub(super) name: String,
}

/// What the orders that stand say of a product.
#[derive(Debug, Serialize)]
pub(super) struct Sales {
    pub(super) orders: i64,
    pub(super) customers: i64,
    pub(super) units: i64,
    pub(super) revenue_cents: i64,
    pub(super) last_order_at: Option<i64>,
}

/// A product beside another.
#[derive(Debug, Serialize)]
pub(super) struct RelatedProduct {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) price_cents: i64,
    pub(super) rating: f64,
}

/// A customer's latest orders.
#[derive(Debug, Serialize)]
pub(super) struct OrderList {
    pub(super) user_id: i64,
    pub(super) username: String,
    pub(super) orders: Vec<ListedOrder>,
}

/// An order in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedOrder {
    pub(super) id: i64,
    pub(super) product_id: i64,
    pub(super) product: String,
    pub(super) quantity: i64,
    pub(super) total_cents: i64,
    pub(super) status: String,
}
