//! The marketplace's endpoints: each reads its parameters, names its key, and leaves the choice
//! between cache and database to `answer`.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use bytes::Bytes;

use super::loading::Loading;
use super::{around, keys, policies, queries, writes};
use crate::answer::{Failure, Question, answer, found, json};
use crate::app::{App, Endpoint, Write};
use crate::database::Session;
use crate::freshness;
use crate::parameters::{Mistakes, Parameters, number};
use crate::reply::{self, bad};
use crate::variant::RequestVariant;

const PER_PAGE: u32 = 20;
const PER_PAGE_MAX: u32 = 100;
const PAGE_MAX: u32 = 1_000_000;
const QUERY_CHARS_MAX: usize = 64;
pub(super) const NO_PRODUCT: &str = "there is no such product";
const NO_USER: &str = "there is no such user";

/// Which page of products is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListParameters {
    pub(super) page: u32,
    pub(super) per_page: u32,
    pub(super) category: Option<i64>,
}

/// What is searched for. The text is in lower case and trimmed, so that all spellings share a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SearchParameters {
    pub(super) query: String,
    pub(super) category: Option<i64>,
    pub(super) page: u32,
}

/// The marketplace's routes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.route("/market/products", list))
        .merge(app.route("/market/products/{id}", detail))
        .merge(app.write("/market/products/{id}", Write::Put, writes::update))
        .merge(app.write("/market/orders", Write::Post, writes::order))
        .merge(app.write("/market/shops/{id}", Write::Put, around::shop))
        .merge(app.write("/market/categories/{id}", Write::Put, around::category))
        .merge(app.write("/market/users/{id}", Write::Put, around::user))
        .merge(app.route("/market/users/{id}/orders", orders))
        .merge(app.route("/market/search", search))
}

/// `?loading=each` and `?loading=batch` read the rows in another way: the answer is the same, the price is
/// not.
async fn list(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let (list, loading) =
        ListParameters::read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::products(&list), policy: &policies::LIST, absent: NO_PRODUCT };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::newest(&mut session, &list, loading).await?)
    };
    Ok(freshness::public(answer(&endpoint, question, origin).await, keys::PUBLIC_TTL))
}

async fn detail(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let id = product_id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::product(id), policy: &policies::PRODUCT, absent: NO_PRODUCT };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        product_body(&mut session, id).await
    };
    Ok(freshness::public(answer(&endpoint, question, origin).await, keys::PUBLIC_TTL))
}

/// The body of a product's page; empty if there is none.
pub(crate) async fn product_body(session: &mut Session<'_>, id: i64) -> Result<Bytes, Failure> {
    found(queries::product(session, id).await?)
}

async fn search(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let search =
        SearchParameters::read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::search(&search), policy: &policies::SEARCH, absent: NO_PRODUCT };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::found(&mut session, &search).await?)
    };
    Ok(freshness::public(answer(&endpoint, question, origin).await, keys::SEARCH_TTL))
}

/// A customer's latest orders: for him alone.
async fn orders(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let user = number(&id).map_err(bad)?;
    let question =
        Question { variant, key: keys::orders_of(user), policy: &policies::ORDERS, absent: NO_USER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::orders(&mut session, user).await?)
    };
    Ok(freshness::private(answer(&endpoint, question, origin).await))
}

impl ListParameters {
    /// The page, and how its rows are read, which is no part of its name.
    fn read(query: Option<&str>) -> Result<(Self, Loading), Mistakes> {
        let mut parameters = Parameters::read(query, &["page", "per_page", "category", "loading"]);
        let list = Self {
            page: parameters.number("page", 1, 1..=PAGE_MAX),
            per_page: parameters.number("per_page", PER_PAGE, 1..=PER_PAGE_MAX),
            category: parameters.id("category"),
        };
        let ways = [("joined", Loading::Joined), ("batch", Loading::Batch), ("each", Loading::Each)];
        let loading = parameters.one_of("loading", &ways);
        parameters.finish((list, loading))
    }
}

impl SearchParameters {
    fn read(query: Option<&str>) -> Result<Self, Mistakes> {
        let mut parameters = Parameters::read(query, &["q", "category", "page"]);
        let search = Self {
            query: parameters.text("q", QUERY_CHARS_MAX).to_ascii_lowercase(),
            category: parameters.id("category"),
            page: parameters.number("page", 1, 1..=PAGE_MAX),
        };
        parameters.finish(search)
    }
}

pub(super) fn product_id(text: &str) -> Result<i64, Mistakes> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(Mistakes::one("id", "must be a whole number from 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_defaults_and_every_bad_one_is_told() {
        let list = ListParameters::read(None).expect("defaults");
        assert_eq!(list, (ListParameters { page: 1, per_page: 20, category: None }, Loading::Joined));
        let bad = "page=0&per_page=101&category=x&loading=lazily";
        let bad = ListParameters::read(Some(bad)).expect_err("four mistakes");
        assert_eq!(bad.names(), ["page", "per_page", "category", "loading"]);
        let bad = SearchParameters::read(Some("page=-1")).expect_err("two mistakes");
        assert_eq!(bad.names(), ["q", "page"]);
    }

    #[test]
    fn spellings_of_one_search_share_a_key_and_different_searches_do_not() {
        let key = |query| keys::search(&SearchParameters::read(Some(query)).expect(query)).to_string();
        assert_eq!(key("q=Oak+Panel"), key("q=%20oak%20panel%20&page=1"));
        let keys = [key("q=oak"), key("q=oak&page=2"), key("q=oak&category=2"), key("q=oak:page:2")];
        for (place, one) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(one), "{one}");
        }
    }
}
