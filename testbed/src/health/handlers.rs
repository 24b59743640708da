//! The health system's reads, and all its routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::VARY;
use axum::response::Response;

use super::keys;
use super::locale::Locale;
use super::{policies, queries, writes};
use crate::answer::{Question, answer, found, json};
use crate::app::{App, Endpoint, Write};
use crate::parameters::Mistakes;
use crate::reply;
use crate::variant::RequestVariant;

pub(super) const NO_RECOMMENDATION: &str = "there is no such recommendation";
pub(super) const NO_DIAGNOSIS: &str = "there is no such diagnosis";
pub(super) const NO_PATIENT: &str = "there is no such patient";

type Answered = Result<Response, Response>;

/// The health system's routes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.route("/api/recommendations/{id}", recommendation))
        .merge(app.write("/api/recommendations/{id}", Write::Put, writes::update))
        .merge(app.route("/api/recommendations/trending", trending))
        .merge(app.route("/api/predictions/diagnosis/{id}/predict", prediction))
        .merge(app.write("/api/predictions/optimize", Write::Post, writes::optimize))
        .merge(app.route("/api/analytics/recommendation/{id}", analytics))
        .merge(app.route("/api/feedback/recommendation/{id}/summary", summary))
        .merge(app.write("/api/feedback/submit", Write::Post, writes::submit))
        .merge(app.route("/api/users/{id}/profile", profile))
        .merge(app.write("/api/auth/logout/{id}", Write::Post, writes::logout))
        .merge(app.route("/api/health", health))
}

/// The number of a row in a path.
pub(super) fn id(text: &str) -> Result<i64, Mistakes> {
    match text.parse() {
        Ok(id) if (1..=1_000_000_000).contains(&id) => Ok(id),
        _ => Err(Mistakes::one("id", "must be a whole number from 1 to 1000000000")),
    }
}

/// Tells caches on the way that the language chose the answer.
fn varied(mut response: Response) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-language"));
    response
}

async fn recommendation(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    locale: Locale,
    Path(path): Path<String>,
) -> Answered {
    let id = id(&path).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question = Question {
        variant,
        key: keys::recommendation(id, locale),
        policy: &policies::RECOMMENDATION,
        absent: NO_RECOMMENDATION,
    };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::recommendation(&mut session, id, locale).await?)
    };
    Ok(varied(answer(&endpoint, question, origin).await))
}

async fn trending(State(endpoint): State<Endpoint>, variant: RequestVariant, locale: Locale) -> Response {
    let question = Question {
        variant,
        key: keys::trending(locale),
        policy: &policies::TRENDING,
        absent: NO_RECOMMENDATION,
    };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::trending(&mut session, locale).await?)
    };
    varied(answer(&endpoint, question, origin).await)
}

async fn prediction(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(path): Path<String>,
) -> Answered {
    let id = id(&path).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::prediction(id), policy: &policies::PREDICTION, absent: NO_DIAGNOSIS };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::prediction(&mut session, id).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

async fn analytics(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(path): Path<String>,
) -> Answered {
    let id = id(&path).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question = Question {
        variant,
        key: keys::analytics(id),
        policy: &policies::ANALYTICS,
        absent: NO_RECOMMENDATION,
    };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::analytics(&mut session, id).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

async fn summary(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(path): Path<String>,
) -> Answered {
    let id = id(&path).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::feedback(id), policy: &policies::SUMMARY, absent: NO_RECOMMENDATION };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::summary(&mut session, id).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

async fn profile(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    locale: Locale,
    Path(path): Path<String>,
) -> Answered {
    let id = id(&path).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::profile(id, locale), policy: &policies::PROFILE, absent: NO_PATIENT };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(queries::profile(&mut session, id, locale).await?)
    };
    Ok(varied(answer(&endpoint, question, origin).await))
}

async fn health(State(endpoint): State<Endpoint>, variant: RequestVariant) -> Response {
    let question = Question { variant, key: keys::health(), policy: &policies::STATUS, absent: NO_PATIENT };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        json(&queries::health(&mut session).await?)
    };
    answer(&endpoint, question, origin).await
}
