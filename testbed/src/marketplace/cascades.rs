//! What follows from a change of one thing of the marketplace, as its document declares it: shop to
//! shop, products and search; product to product, categories and search; category to category,
//! products and search; user to user and orders.
//!
//! These rules name keys, so they spare the pages of other products. They are also wrong, as the
//! document is: a product's page shows its neighbours and its sales, and no rule leads from a product
//! to its neighbours or from an order to its product. Writes therefore take out what was read from
//! their tables unless they are asked to follow these rules, so that both can be measured.

use hitmark_cache::{CascadeError, Cascades, Invalidation, Tag};

/// What follows from what.
const RULES: [(&str, &[&str]); 4] = [
    ("tag shop:{id}", &["key shop:{id}", "pattern product:*", "pattern products:*", "pattern search:*"]),
    ("tag product:{id}", &["key product:{id}", "pattern products:*", "pattern search:*"]),
    (
        "tag category:{id}",
        &["key category:{id}", "pattern product:*", "pattern products:*", "pattern search:*"],
    ),
    ("tag user:{id}", &["key user:{id}", "pattern orders:{id}:*"]),
];

/// The rules of the marketplace.
///
/// # Errors
/// If a rule cannot be used.
pub(crate) fn cascades() -> Result<Cascades, CascadeError> {
    RULES.iter().try_fold(Cascades::new(), |cascades, (on, then)| cascades.rule(on, then))
}

/// A product has changed.
pub(super) fn product(id: i64) -> Invalidation {
    Invalidation::Tag(Tag::new("product").id(id))
}

/// A shop has changed.
pub(super) fn shop(id: i64) -> Invalidation {
    Invalidation::Tag(Tag::new("shop").id(id))
}

/// A category has changed.
pub(super) fn category(id: i64) -> Invalidation {
    Invalidation::Tag(Tag::new("category").id(id))
}

/// What belongs to a user has changed.
pub(super) fn user(id: i64) -> Invalidation {
    Invalidation::Tag(Tag::new("user").id(id))
}

#[cfg(test)]
mod tests {
    use hitmark_cache::Key;

    use super::*;

    fn follows(first: &str) -> Vec<Invalidation> {
        cascades().expect("good rules").follow(&first.parse().expect("an invalidation"))
    }

    #[test]
    fn each_edge_of_the_document_leads_to_the_keys_that_it_names() {
        let (page, other) = (Key::new("product").id(7), Key::new("product").id(8));
        let list = Key::new("products").and("page", 1).and("per_page", 20).and("category", 3);
        let search = Key::new("search").and("q", "oak").and("page", 1);
        for (first, gone, stays) in [
            ("tag product:7", vec![&page, &list, &search], vec![&other]),
            ("tag shop:1", vec![&page, &other, &list, &search], vec![]),
            ("tag category:3", vec![&page, &other, &list, &search], vec![]),
            ("tag user:1", vec![], vec![&page, &other, &list, &search]),
        ] {
            let all = follows(first);
            let covers = |key: &Key| all.iter().any(|what| what.covers(key, &[]));
            assert!(gone.iter().all(|key| covers(key)), "{first}");
            assert!(!stays.iter().any(|key| covers(key)), "{first}");
        }
    }
}
