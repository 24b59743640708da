//! What clients may ask about tasks: the queues, and the result of one task.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::answer::failed;
use crate::app::{App, Endpoint};
use crate::reply;

/// Longest number of a task.
const ID_CHARS_MAX: usize = 64;

pub(crate) fn routes(app: &Arc<App>) -> Router {
    Router::new()
        .merge(app.route("/api/tasks/status", status))
        .merge(app.route("/api/tasks/results/{id}", result))
}

async fn status(State(endpoint): State<Endpoint>) -> Response {
    let tasks = &endpoint.app.tasks;
    let queues = tasks.status().await;
    let reachable = queues.iter().all(|queue| queue.waiting.is_some());
    let body = json!({
        "status": if reachable { "healthy" } else { "broker unreachable" },
        "broker": tasks.broker_name(),
        "queues": queues,
    });
    reply::respond(StatusCode::OK, body.to_string().into())
}

async fn result(State(endpoint): State<Endpoint>, Path(id): Path<String>) -> Response {
    if id.len() > ID_CHARS_MAX {
        return reply::not_found("there is no such task");
    }
    match endpoint.app.tasks.result(&id).await {
        Ok(Some(result)) => reply::respond(StatusCode::OK, result),
        Err(error) => failed(&endpoint, None, &error),
        // Whether it waits or never was, only the broker could tell, at a price.
        Ok(None) => reply::respond(StatusCode::OK, json!({ "status": "PENDING" }).to_string().into()),
    }
}
