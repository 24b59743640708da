//! The marketplace's queries: one set, for SQLite and PostgreSQL alike.
//!
//! Lists are ordered by numbers only and end in the id, so that two databases with two collations
//! give one order. Sums are of whole numbers, so that no order of addition shows.

use sqlx::Row;
use sqlx::any::AnyRow;
use sqlx::query as sql;

use super::handlers::{ListParameters, SearchParameters};
use super::loading::{self, Loading};
use super::model::{
    CategoryName, ListedOrder, ListedProduct, OrderList, ProductDetail, ProductPage, RelatedProduct, Sales,
    SearchPage, Shop, ShopName,
};
use crate::database::Session;

/// Products on a page of search results.
const SEARCH_PAGE: u32 = 20;
const SIMILAR_PRODUCTS: i64 = 8;
const SHOP_PRODUCTS: i64 = 4;

/// A list of products. `$page` is cut first and joined after, so that skipped rows cost no join.
macro_rules! listed {
    ($total:literal, $page:expr, $order:literal) => {
        concat!(
            "SELECT p.id, p.name, p.price_cents, p.rating, p.created_at, ",
            $total,
            "(SELECT COUNT(*) FROM orders o WHERE o.product_id = p.id) AS orders, \
             s.id AS shop_id, s.name AS shop_name, s.is_verified, c.id AS category_id, c.name AS category_name \
             FROM (",
            $page,
            ") p JOIN shops s ON s.id = p.shop_id JOIN categories c ON c.id = p.category_id ORDER BY ",
            $order
        )
    };
}

macro_rules! newest {
    ($filter:literal) => {
        listed!(
            "",
            concat!(
                "SELECT * FROM products WHERE is_available = 1",
                $filter,
                " ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"
            ),
            "p.created_at DESC, p.id DESC"
        )
    };
}

const NEWEST: &str = newest!("");
const NEWEST_IN_CATEGORY: &str = newest!(" AND category_id = $3");
const COUNT: &str = "SELECT COUNT(*) FROM products WHERE is_available = 1";
const COUNT_IN_CATEGORY: &str = "SELECT COUNT(*) FROM products WHERE category_id = $1 AND is_available = 1";

const PRODUCT: &str = "SELECT p.id, p.name, p.description, p.price_cents, p.rating, p.is_available, p.created_at, \
     s.id AS shop_id, s.name AS shop_name, s.is_verified, s.latitude, s.longitude, \
     (SELECT COUNT(*) FROM products x WHERE x.shop_id = s.id AND x.is_available = 1) AS shop_products, \
     c.id AS category_id, c.name AS category_name \
     FROM products p JOIN shops s ON s.id = p.shop_id JOIN categories c ON c.id = p.category_id WHERE p.id = $1";
const SALES: &str = "SELECT COUNT(*) AS orders, COUNT(DISTINCT customer_id) AS customers, \
     CAST(COALESCE(SUM(quantity), 0) AS BIGINT) AS units, \
     CAST(COALESCE(SUM(total_cents), 0) AS BIGINT) AS revenue_cents, MAX(created_at) AS last_order_at \
     FROM orders WHERE product_id = $1 AND status <> 'cancelled'";
const SIMILAR: &str = "SELECT id, name, price_cents, rating FROM products \
     WHERE category_id = $1 AND is_available = 1 AND id <> $2 ORDER BY ABS(price_cents - $3), id LIMIT $4";
const FROM_SHOP: &str = "SELECT id, name, price_cents, rating FROM products \
     WHERE shop_id = $1 AND is_available = 1 AND id <> $2 ORDER BY created_at DESC, id DESC LIMIT $3";

const USERNAME: &str = "SELECT username FROM users WHERE id = $1";
const ORDERS: &str = "SELECT o.id, o.product_id, p.name, o.quantity, o.total_cents, o.status FROM orders o \
     JOIN products p ON p.id = o.product_id WHERE o.customer_id = $1 ORDER BY o.created_at DESC, o.id DESC LIMIT $2";
/// Orders in a list, at most.
const ORDERS_MAX: i64 = 50;

/// What a search matches: `$1` is the pattern. The texts are looked through once, and both the total
/// and the page are taken from what was found.
macro_rules! matching {
    ($columns:literal, $filter:literal) => {
        concat!(
            "SELECT ",
            $columns,
            r" FROM products WHERE search_text LIKE $1 ESCAPE '\' AND is_available = 1",
            $filter
        )
    };
}

macro_rules! found {
    ($filter:literal) => {
        concat!(
            "WITH matches AS MATERIALIZED (",
            matching!(
                r"id, price_cents, CASE WHEN LOWER(name) LIKE $1 ESCAPE '\' THEN 0 ELSE 1 END AS place",
                $filter
            ),
            ") ",
            listed!(
                "(SELECT COUNT(*) FROM matches) AS total, ",
                "SELECT x.*, m.place FROM (SELECT id, place FROM matches \
                 ORDER BY place, price_cents, id LIMIT $2 OFFSET $3) m JOIN products x ON x.id = m.id",
                "p.place, p.price_cents, p.id"
            )
        )
    };
}

const FOUND: &str = found!("");
const FOUND_IN_CATEGORY: &str = found!(" AND category_id = $4");
const COUNT_FOUND: &str = matching!("COUNT(*)", "");
const COUNT_FOUND_IN_CATEGORY: &str = matching!("COUNT(*)", " AND category_id = $2");

/// One page of the newest available products.
pub(super) async fn newest(
    session: &mut Session<'_>,
    list: &ListParameters,
    loading: Loading,
) -> sqlx::Result<ProductPage> {
    let products = match loading {
        Loading::Joined => joined(session, list).await?,
        Loading::Batch | Loading::Each => loading::newest(session, list, loading).await?,
    };
    let count = list.category.map_or_else(|| sql(COUNT), |category| sql(COUNT_IN_CATEGORY).bind(category));
    let total_products = session.count(count).await?;
    Ok(ProductPage {
        page: list.page,
        per_page: list.per_page,
        total_products,
        total_pages: pages(total_products, list.per_page),
        products,
    })
}

async fn joined(session: &mut Session<'_>, list: &ListParameters) -> sqlx::Result<Vec<ListedProduct>> {
    let (limit, offset) = cut(list.page, list.per_page);
    let page = match list.category {
        None => sql(NEWEST).bind(limit).bind(offset),
        Some(category) => sql(NEWEST_IN_CATEGORY).bind(limit).bind(offset).bind(category),
    };
    session.all(page).await?.iter().map(listed_product).collect()
}

/// One page of the products that contain a text: those with it in their name first, then by price.
pub(super) async fn found(session: &mut Session<'_>, search: &SearchParameters) -> sqlx::Result<SearchPage> {
    let (limit, offset) = cut(search.page, SEARCH_PAGE);
    let pattern = contains(&search.query);
    let page = match search.category {
        None => sql(FOUND).bind(pattern.as_str()).bind(limit).bind(offset),
        Some(category) => {
            sql(FOUND_IN_CATEGORY).bind(pattern.as_str()).bind(limit).bind(offset).bind(category)
        }
    };
    let rows = session.all(page).await?;
    let total_products = match rows.first() {
        Some(row) => row.try_get("total")?,
        None if search.page == 1 => 0,
        // A page past the end has no row that could carry the total.
        None => count_found(session, &pattern, search.category).await?,
    };
    Ok(SearchPage {
        query: search.query.clone(),
        page: search.page,
        total_products,
        total_pages: pages(total_products, SEARCH_PAGE),
        products: rows.iter().map(listed_product).collect::<sqlx::Result<_>>()?,
    })
}

async fn count_found(session: &mut Session<'_>, pattern: &str, category: Option<i64>) -> sqlx::Result<i64> {
    let count = match category {
        None => sql(COUNT_FOUND).bind(pattern),
        Some(category) => sql(COUNT_FOUND_IN_CATEGORY).bind(pattern).bind(category),
    };
    session.count(count).await
}

/// A product with its shop, its category, its sales and its neighbours; `None` if there is none.
pub(super) async fn product(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<ProductDetail>> {
    let Some(row) = session.optional(sql(PRODUCT).bind(id)).await? else { return Ok(None) };
    let (shop_id, category_id): (i64, i64) = (row.try_get("shop_id")?, row.try_get("category_id")?);
    let price_cents: i64 = row.try_get("price_cents")?;
    let sales = session.one(sql(SALES).bind(id)).await?;
    let similar = sql(SIMILAR).bind(category_id).bind(id).bind(price_cents).bind(SIMILAR_PRODUCTS);
    let similar = session.all(similar).await?;
    let from_shop = session.all(sql(FROM_SHOP).bind(shop_id).bind(id).bind(SHOP_PRODUCTS)).await?;
    Ok(Some(ProductDetail {
        id,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        price_cents,
        rating: row.try_get("rating")?,
        is_available: truth(&row, "is_available")?,
        created_at: row.try_get("created_at")?,
        shop: shop(&row)?,
        category: category(&row)?,
        sales: product_sales(&sales)?,
        similar: similar.iter().map(related_product).collect::<sqlx::Result<_>>()?,
        from_shop: from_shop.iter().map(related_product).collect::<sqlx::Result<_>>()?,
    }))
}

/// A customer's latest orders; `None` if there is no such user.
pub(super) async fn orders(session: &mut Session<'_>, user: i64) -> sqlx::Result<Option<OrderList>> {
    let Some(name) = session.optional(sql(USERNAME).bind(user)).await? else { return Ok(None) };
    let mut orders = Vec::new();
    for row in session.all(sql(ORDERS).bind(user).bind(ORDERS_MAX)).await? {
        orders.push(ListedOrder {
            id: row.try_get("id")?,
            product_id: row.try_get("product_id")?,
            product: row.try_get("name")?,
            quantity: row.try_get("quantity")?,
            total_cents: row.try_get("total_cents")?,
            status: row.try_get("status")?,
        });
    }
    Ok(Some(OrderList { user_id: user, username: name.try_get(0)?, orders }))
}

fn listed_product(row: &AnyRow) -> sqlx::Result<ListedProduct> {
    product_of(row, shop_name(row)?, category(row)?, row.try_get("orders")?)
}

pub(super) fn shop_name(row: &AnyRow) -> sqlx::Result<ShopName> {
    Ok(ShopName {
        id: row.try_get("shop_id")?,
        name: row.try_get("shop_name")?,
        is_verified: truth(row, "is_verified")?,
    })
}

/// A product of a list, with what was read of it elsewhere.
pub(super) fn product_of(
    row: &AnyRow,
    shop: ShopName,
    category: CategoryName,
    orders: i64,
) -> sqlx::Result<ListedProduct> {
    Ok(ListedProduct {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        price_cents: row.try_get("price_cents")?,
        rating: row.try_get("rating")?,
        created_at: row.try_get("created_at")?,
        orders,
        shop,
        category,
    })
}

fn shop(row: &AnyRow) -> sqlx::Result<Shop> {
    Ok(Shop {
        id: row.try_get("shop_id")?,
        name: row.try_get("shop_name")?,
        is_verified: truth(row, "is_verified")?,
        latitude: row.try_get("latitude")?,
        longitude: row.try_get("longitude")?,
        available_products: row.try_get("shop_products")?,
    })
}

pub(super) fn category(row: &AnyRow) -> sqlx::Result<CategoryName> {
    Ok(CategoryName { id: row.try_get("category_id")?, name: row.try_get("category_name")? })
}

fn product_sales(row: &AnyRow) -> sqlx::Result<Sales> {
    Ok(Sales {
        orders: row.try_get("orders")?,
        customers: row.try_get("customers")?,
        units: row.try_get("units")?,
        revenue_cents: row.try_get("revenue_cents")?,
        last_order_at: row.try_get("last_order_at")?,
    })
}

fn related_product(row: &AnyRow) -> sqlx::Result<RelatedProduct> {
    Ok(RelatedProduct {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        price_cents: row.try_get("price_cents")?,
        rating: row.try_get("rating")?,
    })
}

fn truth(row: &AnyRow, column: &str) -> sqlx::Result<bool> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

/// The limit and the offset of a page that is numbered from 1.
pub(super) fn cut(page: u32, per_page: u32) -> (i64, i64) {
    (i64::from(per_page), (i64::from(page) - 1) * i64::from(per_page))
}

fn pages(total: i64, per_page: u32) -> i64 {
    let per_page = i64::from(per_page);
    (total + per_page - 1) / per_page
}

/// A pattern for texts that contain `text`, in which the signs of LIKE mean themselves.
fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for sign in text.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signs_of_like_mean_themselves() {
        assert_eq!(contains("m-1"), "%m-1%");
        assert_eq!(contains(r"50%_\"), r"%50\%\_\\%");
    }

    #[test]
    fn pages_are_cut_and_counted_from_one() {
        assert_eq!(cut(1, 20), (20, 0));
        assert_eq!(cut(u32::MAX, 100), (100, 429_496_729_400));
        assert_eq!((pages(0, 20), pages(1, 20), pages(20, 20), pages(21, 20)), (0, 1, 1, 2));
    }
}
