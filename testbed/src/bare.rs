//! The floor under a hit: `/bare/market/products/1` answers with the bytes of `/market/products/1`, and
//! does nothing else.
//!
//! What a hit costs beyond it is the service's own: parameters, the key, the lookup, the headers, the
//! counts. No measuring stands around this route, so that nothing of that is in the floor too.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use tokio::sync::OnceCell;

use crate::answer::Failure;
use crate::app::App;
use crate::{marketplace, reply};

/// The label of the one query that fetches the bytes.
const BARE: &str = "bare";

#[derive(Debug, Clone)]
struct Floor {
    app: Arc<App>,
    bytes: Arc<OnceCell<Bytes>>,
}

/// The route of the floor.
pub(crate) fn routes(app: &Arc<App>) -> Router {
    let floor = Floor { app: Arc::clone(app), bytes: Arc::default() };
    Router::new().route("/bare/market/products/1", get(product)).with_state(floor)
}

/// The first request fetches the bytes; all others find them in memory.
async fn product(State(floor): State<Floor>) -> Response {
    let fetch = async || -> Result<Bytes, Failure> {
        let stats = floor.app.telemetry.route(BARE);
        marketplace::product_body(&mut floor.app.database.session(&stats).await?, 1).await
    };
    match floor.bytes.get_or_try_init(fetch).await {
        Ok(body) => {
            let json = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (StatusCode::OK, [json], body.clone()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the floor has no bytes");
            reply::internal_error()
        }
    }
}
