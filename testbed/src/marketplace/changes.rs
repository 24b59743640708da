//! What follows from a change in the marketplace, declared once: the seed's fan-out of shops, products,
//! users and categories, as rules of the caching layer.
//!
//! The seed lets a product clear itself, its category and the searches, and forgets the lists of
//! products, which show its price: here they are among what follows.

use std::sync::LazyLock;

use hitmark_cache::{CascadeError, Cascades, Invalidation, Policy, Tag, table_tag};

use super::keys::{PRIVATE_TTL, PUBLIC_TTL, SEARCH_TTL};

/// The tables that the marketplace's answers read.
pub(crate) const TABLES: [&str; 5] = ["users", "shops", "categories", "products", "orders"];

/// What carries every list of products.
const LISTS: &str = "products";
/// What carries every page of a search.
const SEARCHES: &str = "search";

/// Lists and searches read these too, for the names and counts that they show.
const SHOWN: [&str; 4] = ["products", "shops", "categories", "orders"];

/// How a list of products is cached.
pub(super) static LIST: LazyLock<Policy> =
    LazyLock::new(|| Policy::ttl(PUBLIC_TTL).tag(Tag::new(LISTS)).tags(SHOWN.map(table_tag)));

/// How a page of a search is cached.
pub(super) static SEARCH: LazyLock<Policy> =
    LazyLock::new(|| Policy::ttl(SEARCH_TTL).tag(Tag::new(SEARCHES)).tags(SHOWN.map(table_tag)));

/// How a product's own page is cached.
pub(super) static PRODUCT: LazyLock<Policy> =
    LazyLock::new(|| Policy::ttl(PUBLIC_TTL).tags(SHOWN.map(table_tag)));

/// How a customer's orders are cached.
pub(super) static ORDERS: LazyLock<Policy> =
    LazyLock::new(|| Policy::ttl(PRIVATE_TTL).tags(["orders", "products", "users"].map(table_tag)));

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Shop(i64),
    Product(i64),
    User(i64),
    Category(i64),
}

impl Changed {
    /// Where the rules begin.
    pub(super) fn invalidation(self) -> Invalidation {
        let (kind, id) = match self {
            Self::Shop(id) => ("shop", id),
            Self::Product(id) => ("product", id),
            Self::User(id) => ("user", id),
            Self::Category(id) => ("category", id),
        };
        Invalidation::Tag(Tag::new("changed").id(kind).id(id))
    }
}

/// The rules, for the layer.
pub(crate) fn cascades() -> Result<Cascades, CascadeError> {
    // A product's page shows its shop, its category, and products beside it.
    let everywhere = ["pattern product:*", "tag products", "tag search"];
    Cascades::new()
        .rule("tag changed:shop:{id}", &everywhere)?
        .rule("tag changed:product:{id}", &everywhere)?
        .rule("tag changed:category:{id}", &everywhere)?
        .rule("tag changed:user:{id}", &["key orders:user:{id}"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketplace::handlers::{ListParameters, SearchParameters};
    use crate::marketplace::keys;

    #[test]
    fn each_change_covers_what_shows_it_and_nothing_else() {
        let cascades = cascades().expect("rules that can be used");
        let list = keys::products(&ListParameters { page: 1, per_page: 20, category: None });
        let query = "oak".to_owned();
        let search = keys::search(&SearchParameters { query, category: None, page: 1 });
        let answers = [
            ("list", list, LIST.clone()),
            ("search", search, SEARCH.clone()),
            ("product", keys::product(7), PRODUCT.clone()),
            ("orders of 7", keys::orders_of(7), ORDERS.clone()),
            ("orders of 8", keys::orders_of(8), ORDERS.clone()),
        ];
        let covered = |changed: Changed| -> Vec<&str> {
            let all = cascades.follow(&changed.invalidation());
            let is_covered = |key, policy: &Policy| all.iter().any(|one| one.covers(key, policy.names()));
            answers
                .iter()
                .filter(|(_, key, policy)| is_covered(key, policy))
                .map(|(name, ..)| *name)
                .collect()
        };
        let pages = vec!["list", "search", "product"];
        assert_eq!(covered(Changed::Product(7)), pages);
        assert_eq!(covered(Changed::Shop(1)), pages);
        assert_eq!(covered(Changed::Category(1)), pages);
        assert_eq!(covered(Changed::User(7)), ["orders of 7"]);
    }
}
