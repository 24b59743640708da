//! The analytics endpoints, compressed where the client accepts it.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;

use super::parameters::{self, ALL, Alerts, Customers, Metrics, Products, Revenue, Segments};
use super::{customers, fraud, keys, policies, queries, realtime, seed};
use crate::answer::{Question, answer, found, json};
use crate::app::{App, Endpoint};
use crate::compression;
use crate::reply;
use crate::variant::RequestVariant;

const NO_CUSTOMER: &str = "there is no such customer";

type Answered = Result<Response, Response>;

/// An endpoint whose answer is one query function over what was asked.
macro_rules! endpoint {
    ($name:ident, $policy:ident, $asked:ident = $read:expr, $key:expr, $origin:expr) => {
        async fn $name(
            State(endpoint): State<Endpoint>,
            variant: RequestVariant,
            RawQuery(query): RawQuery,
        ) -> Answered {
            let read = $read;
            let $asked = read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
            let question = Question { variant, key: $key, policy: &policies::$policy, absent: NO_CUSTOMER };
            let origin = async move |endpoint: Endpoint| {
                let mut session = endpoint.session().await?;
                json(&$origin(&mut session, &$asked).await?)
            };
            Ok(answer(&endpoint, question, origin).await)
        }
    };
}

/// The analytics system's routes.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    let router = Router::new()
        .merge(app.route("/api/v1/analytics/revenue", revenue))
        .merge(app.route("/api/v1/analytics/segments", segments))
        .merge(app.route("/api/v1/analytics/products", products))
        .merge(app.route("/api/v1/analytics/cohorts", cohorts))
        .merge(app.route("/api/v1/analytics/funnel", funnel))
        .merge(app.route("/api/v1/customers", list))
        .merge(app.route("/api/v1/customers/{id}", detail))
        .merge(app.route("/api/v1/customers/{id}/recommendations", recommendations))
        .merge(app.route("/api/v1/fraud/alerts", alerts))
        .merge(app.route("/api/v1/fraud/dashboard", dashboard))
        .merge(app.route("/api/v1/realtime/health", health))
        .merge(app.route("/api/v1/realtime/metrics", metrics));
    compression::compressed(router, app.compression)
}

endpoint!(revenue, REVENUE, asked = Revenue::read, keys::revenue(&asked), queries::revenue);
endpoint!(segments, SEGMENTS, asked = Segments::read, keys::segments(&asked), queries::segments);
endpoint!(products, PRODUCTS, asked = Products::read, keys::products(&asked), queries::products);
endpoint!(cohorts, COHORTS, asked = nothing, keys::cohorts(), all_cohorts);
endpoint!(funnel, FUNNEL, asked = funnel_stream, keys::funnel(asked), of_funnel);
endpoint!(alerts, ALERTS, asked = Alerts::read, keys::alerts(&asked), fraud::alerts);
endpoint!(dashboard, ALERTS, asked = dashboard_range, keys::dashboard(asked), of_dashboard);
endpoint!(health, HEALTH, asked = nothing, keys::health(), live_health);
endpoint!(metrics, METRICS, asked = Metrics::read, keys::metrics(&asked), realtime::metrics);

async fn list(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    RawQuery(query): RawQuery,
) -> Answered {
    let asked = Customers::read(query.as_deref()).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::customers(&asked), policy: &policies::CUSTOMERS, absent: NO_CUSTOMER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        match asked.after {
            None => json(&customers::page(&mut session, &asked).await?),
            Some(after) => json(&customers::after(&mut session, &asked, after).await?),
        }
    };
    Ok(answer(&endpoint, question, origin).await)
}

async fn detail(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
) -> Answered {
    let id = parameters::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let question =
        Question { variant, key: keys::customer(id), policy: &policies::CUSTOMER, absent: NO_CUSTOMER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(customers::customer(&mut session, id).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

async fn recommendations(
    State(endpoint): State<Endpoint>,
    variant: RequestVariant,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let id = parameters::id(&id).map_err(|mistakes| reply::bad_request(&mistakes))?;
    let kind = parameters::one_choice(query.as_deref(), "type", "similar", &["similar", "popular"])
        .map_err(|mistakes| reply::bad_request(&mistakes))?;
    let key = keys::recommendations(id, kind);
    let question = Question { variant, key, policy: &policies::RECOMMENDATIONS, absent: NO_CUSTOMER };
    let origin = async move |endpoint: Endpoint| {
        let mut session = endpoint.session().await?;
        found(customers::recommendations(&mut session, id, kind).await?)
    };
    Ok(answer(&endpoint, question, origin).await)
}

// What the endpoints without a struct of parameters need to look like those with one.

type Session<'a> = crate::database::Session<'a>;

fn nothing(_: Option<&str>) -> Result<(), crate::parameters::Mistakes> {
    Ok(())
}

fn funnel_stream(query: Option<&str>) -> Result<&'static str, crate::parameters::Mistakes> {
    parameters::one_choice(query, "stream_type", ALL, seed::STREAMS)
}

fn dashboard_range(query: Option<&str>) -> Result<&'static str, crate::parameters::Mistakes> {
    parameters::one_choice(query, "time_range", "7d", &["24h", "7d", "30d"])
}

async fn all_cohorts(session: &mut Session<'_>, (): &()) -> sqlx::Result<Vec<super::model::Cohort>> {
    queries::cohorts(session).await
}

async fn of_funnel(session: &mut Session<'_>, stream: &&str) -> sqlx::Result<Vec<super::model::FunnelStage>> {
    queries::funnel(session, stream).await
}

async fn of_dashboard(
    session: &mut Session<'_>,
    range: &&'static str,
) -> sqlx::Result<super::model::FraudDashboard> {
    fraud::dashboard(session, range).await
}

async fn live_health(session: &mut Session<'_>, (): &()) -> sqlx::Result<super::model::LiveHealth> {
    realtime::health(session).await
}
