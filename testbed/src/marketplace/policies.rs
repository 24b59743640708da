//! How the marketplace's answers are cached, and the tables that each is read from.

use super::keys::{PRIVATE_TTL, PUBLIC_TTL, SEARCH_TTL};
use crate::policy::policies;

policies! {
    LIST = PUBLIC_TTL, ["products", "shops", "categories", "orders"];
    PRODUCT = PUBLIC_TTL, ["products", "shops", "categories", "orders"];
    ORDERS = PRIVATE_TTL, ["orders", "products", "users"];
    SEARCH = SEARCH_TTL, ["products", "shops", "categories", "orders"];
}
