//! A small service with a cache of each kind that a scenario must tell apart, and real counters.
//!
//! | path | answer |
//! |---|---|
//! | `GET /naive/{key}` | from a map without protection; a miss takes the origin's delay |
//! | `GET /guarded/{key}` | the same, but requests for a key under way wait for it (`collapsed`) |
//! | `POST /expire` | forgets all keys |
//! | `GET /metrics` | `cache_origin_calls_total`, and the resident memory that was set |

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::sync::Mutex as AsyncMutex;

type Answer = ([(&'static str, String); 1], String);

/// What tests see and set.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) origin_calls: AtomicU64,
    /// How long the origin takes.
    pub(crate) origin_delay: Duration,
    pub(crate) resident_bytes: AtomicI64,
    stored: Mutex<HashMap<u64, Instant>>,
    flights: Mutex<HashMap<u64, Arc<AsyncMutex<()>>>>,
}

/// A running service.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) shop: Arc<Shop>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub(crate) async fn start(origin_delay: Duration) -> Self {
        let shop = Arc::new(Shop {
            origin_calls: AtomicU64::new(0),
            origin_delay,
            resident_bytes: AtomicI64::new(50_000_000),
            stored: Mutex::default(),
            flights: Mutex::default(),
        });
        let app = Router::new()
            .route("/naive/{key}", get(naive))
            .route("/guarded/{key}", get(guarded))
            .route("/expire", post(expire))
            .route("/metrics", get(metrics))
            .with_state(Arc::clone(&shop));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shop, task }
    }

    pub(crate) fn origin_calls(&self) -> u64 {
        self.shop.origin_calls.load(Ordering::SeqCst)
    }
}

impl Shop {
    fn is_stored(&self, key: u64) -> bool {
        self.stored.lock().unwrap().contains_key(&key)
    }

    async fn ask_origin(&self, key: u64) {
        self.origin_calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.origin_delay).await;
        self.stored.lock().unwrap().insert(key, Instant::now());
    }
}

fn answer(status: &str, body: String) -> Answer {
    ([("cache-status", format!("shop; {status}"))], body)
}

async fn naive(State(shop): State<Arc<Shop>>, Path(key): Path<u64>) -> Answer {
    if shop.is_stored(key) {
        return answer("hit", format!("value {key}"));
    }
    shop.ask_origin(key).await;
    answer("fwd=uri-miss; stored", format!("value {key}"))
}

async fn guarded(State(shop): State<Arc<Shop>>, Path(key): Path<u64>) -> Answer {
    if shop.is_stored(key) {
        return answer("hit", format!("value {key}"));
    }
    let flight = Arc::clone(shop.flights.lock().unwrap().entry(key).or_default());
    let _turn = flight.lock().await;
    if shop.is_stored(key) {
        return answer("fwd=uri-miss; collapsed", format!("value {key}"));
    }
    shop.ask_origin(key).await;
    answer("fwd=uri-miss; stored", format!("value {key}"))
}

async fn expire(State(shop): State<Arc<Shop>>) {
    shop.stored.lock().unwrap().clear();
}

async fn metrics(State(shop): State<Arc<Shop>>, _headers: HeaderMap) -> impl IntoResponse {
    format!(
        "cache_origin_calls_total {}\nprocess_resident_memory_bytes {}\n",
        shop.origin_calls.load(Ordering::SeqCst),
        shop.resident_bytes.load(Ordering::SeqCst)
    )
}
