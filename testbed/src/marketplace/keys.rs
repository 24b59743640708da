//! The marketplace's cache keys and lifetimes. Every parameter that changes the answer is in the
//! key, and nothing else is.

use std::time::Duration;

use hitmark_cache::Key;

use super::handlers::{ListParameters, SearchParameters};

/// Public data.
pub(super) const PUBLIC_TTL: Duration = Duration::from_secs(3_600);
/// What is one user's alone.
pub(super) const PRIVATE_TTL: Duration = Duration::from_secs(300);
/// Results of a search.
pub(super) const SEARCH_TTL: Duration = Duration::from_secs(300);

/// `product:456`
pub(super) fn product(id: i64) -> Key {
    Key::new("product").id(id)
}

/// `products:page:1:per_page:20:category:7`
pub(super) fn products(list: &ListParameters) -> Key {
    let key = Key::new("products").and("page", list.page).and("per_page", list.per_page);
    match list.category {
        Some(category) => key.and("category", category),
        None => key,
    }
}

/// `search:q:oak:page:1:category:7`
pub(super) fn search(search: &SearchParameters) -> Key {
    let key = Key::new("search").and("q", &search.query).and("page", search.page);
    match search.category {
        Some(category) => key.and("category", category),
        None => key,
    }
}

/// `orders:user:7`
pub(super) fn orders_of(user: i64) -> Key {
    Key::new("orders").and("user", user)
}
