//! Accepts connections and answers requests, with hyper alone.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::Shared;
use super::body::TruthBody;
use super::routes::{self, Route};

const RESET_SENT: &str = "the first half";
const RESET_ANNOUNCED_BYTES: u64 = 1_000;

/// Serves until the sender of `stopped` is dropped.
pub(super) async fn until(stopped: oneshot::Receiver<()>, listener: TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    tokio::select! {
        () = accept(&listener, &shared) => {}
        _ = stopped => {}
    }
}

async fn accept(listener: &tokio::net::TcpListener, shared: &Arc<Shared>) {
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let _ = socket.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &shared));
            // A client that goes away is no failure of the server.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, shared: &Arc<Shared>) -> Result<Response<TruthBody>, Infallible> {
    shared.requests.fetch_add(1, Ordering::SeqCst);
    wait_out_stall(shared).await;
    let arrived = Instant::now();
    let query = request.uri().query().unwrap_or_default();
    let route = Route::parse(request.uri().path());
    let mut response = match route {
        Route::Call(time) => {
            let _under_way = shared.calls.begin();
            tokio::time::sleep(time).await;
            Response::new(TruthBody::whole("called"))
        }
        Route::Metrics => {
            let mut response = Response::new(TruthBody::whole(shared.calls.page()));
            // It is asked for through caches too.
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        route => respond(route, is_candidate(&request)),
    };
    if let Some(status) = routes::cache_status(query) {
        response.headers_mut().insert("cache-status", HeaderValue::from_static(status));
    }
    if let Some(value) = routes::cache_control(query) {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    let ns = u64::try_from(arrived.elapsed().as_nanos()).unwrap_or(u64::MAX);
    shared.times.lock().unwrap_or_else(PoisonError::into_inner).record(&routes::kept_as(route, query), ns);
    Ok(response)
}

async fn wait_out_stall(shared: &Shared) {
    let until = *shared.stalled_until.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(until) = until.filter(|until| Instant::now() < *until) {
        shared.stalled.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep_until(until.into()).await;
    }
}

fn is_candidate(request: &Request<Incoming>) -> bool {
    request.headers().get("variant").is_some_and(|value| value == "candidate")
}

fn respond(route: Route, is_candidate: bool) -> Response<TruthBody> {
    match route {
        Route::Noop => Response::new(TruthBody::whole("")),
        Route::Spin(time) => {
            let begun = Instant::now();
            while begun.elapsed() < time {
                std::hint::spin_loop();
            }
            Response::new(TruthBody::whole("spun"))
        }
        Route::Item(id) => json(routes::item(id)),
        // The same length, so that only a comparison of the bytes tells the two apart.
        Route::Wrong(id) if is_candidate => json(routes::item(id).replace("\"name\"", "\"nama\"")),
        Route::Wrong(id) => json(routes::item(id)),
        Route::SlowBody(delay) => Response::new(TruthBody::late(delay, "late")),
        Route::Reset => {
            let mut response = Response::new(TruthBody::broken(RESET_SENT));
            response.headers_mut().insert(CONTENT_LENGTH, RESET_ANNOUNCED_BYTES.into());
            response
        }
        Route::Status(code) => with_status(StatusCode::from_u16(code).unwrap_or_default(), ""),
        // Calls and the page of metrics are answered where the counts are.
        Route::Call(_) | Route::Metrics | Route::Unknown => {
            with_status(StatusCode::NOT_FOUND, "no such path")
        }
    }
}

fn json(body: String) -> Response<TruthBody> {
    let mut response = Response::new(TruthBody::whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn with_status(status: StatusCode, body: &'static str) -> Response<TruthBody> {
    let mut response = Response::new(TruthBody::whole(body));
    *response.status_mut() = status;
    response
}
