//! A small service with a cache of each kind that a scenario must tell apart, and real counters.
//!
//! | path | answer |
//! |---|---|
//! | `GET /naive/{key}` | from a map without protection; a miss takes the origin's delay |
//! | `GET /guarded/{key}` | the same, but requests for a key under way wait for it (`collapsed`) |
//! | `POST /expire` | forgets all keys |
//! | `POST /fault/{on}` | from now on `/faulty/{key}` fails (1) or is `/naive/{key}` again (0) |
//! | `PUT /version` | commits the version in the JSON body |
//! | `GET /version` | the committed version |
//! | `GET /lagging` | the version before it to the first five requests after a commit |
//! | `GET /lifetime/{ms}` | a copy of the version that is made anew when it is older than that |
//! | `GET /flapping` | the version before it to every second request |
//! | `GET /shared/{key}` | the page of whichever tenant asked first: its cache key forgets the tenant |
//! | `GET /private/{key}` | the page of the tenant that asks |
//! | `GET /member/{key}?forget=user` | one page for each tenant, user, locale and encoding; the cache key forgets one |
//! | `POST /login/{user}` | sets the cookie by which `/mine/{key}` knows the user |
//! | `GET /mine/{key}?forget=user` | the user's own page, or that of whoever asked first |
//! | `GET /gzip/{key}` | always in gzip, whatever was asked for |
//! | `GET /limited/{per_s}` | at once up to that rate, 400 ms late beyond |
//! | `GET /share?hits=25` | a hit for so many of each hundred requests |
//! | `GET /metrics` | `cache_origin_calls_total`, and a resident memory that grows by 1 MB each second |

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::sync::Mutex as AsyncMutex;

type Answer = ([(&'static str, String); 1], String);

/// What tests see and set.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) origin_calls: AtomicU64,
    /// How long the origin takes.
    pub(crate) origin_delay: Duration,
    began: Instant,
    is_faulty: AtomicBool,
    version: AtomicU64,
    /// Requests for a version since the last commit.
    asked: AtomicU64,
    /// A copy of the version, and since when.
    copy: Mutex<Option<(Instant, u64)>>,
    shared: Mutex<HashMap<u64, String>>,
    /// Pages by what their cache key holds.
    members: Mutex<HashMap<String, Member>>,
    /// Requests in the current window, and when that began.
    window: Mutex<(Instant, u64)>,
    shares: AtomicU64,
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
            began: Instant::now(),
            is_faulty: AtomicBool::new(false),
            version: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            copy: Mutex::default(),
            shared: Mutex::default(),
            members: Mutex::default(),
            window: Mutex::new((Instant::now(), 0)),
            shares: AtomicU64::new(0),
            stored: Mutex::default(),
            flights: Mutex::default(),
        });
        let app = Router::new()
            .route("/naive/{key}", get(naive))
            .route("/guarded/{key}", get(guarded))
            .route("/expire", post(expire))
            .route("/fault/{on}", post(fault))
            .route("/faulty/{key}", get(faulty))
            .route("/version", get(version).put(commit))
            .route("/lagging", get(lagging))
            .route("/lifetime/{ms}", get(lifetime))
            .route("/flapping", get(flapping))
            .route("/shared/{key}", get(shared))
            .route("/private/{key}", get(private))
            .route("/member/{key}", get(member))
            .route("/login/{user}", post(login))
            .route("/mine/{key}", get(mine))
            .route("/gzip/{key}", get(gzip))
            .route("/limited/{per_s}", get(limited))
            .route("/share", get(share))
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

async fn fault(State(shop): State<Arc<Shop>>, Path(on): Path<u8>) {
    shop.is_faulty.store(on == 1, Ordering::SeqCst);
    shop.stored.lock().unwrap().clear();
}

async fn faulty(state: State<Arc<Shop>>, key: Path<u64>) -> Result<Answer, StatusCode> {
    if state.is_faulty.load(Ordering::SeqCst) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(naive(state, key).await)
}

async fn commit(State(shop): State<Arc<Shop>>, Json(body): Json<serde_json::Value>) {
    shop.version.store(body["v"].as_u64().unwrap(), Ordering::SeqCst);
    shop.asked.store(0, Ordering::SeqCst);
}

async fn version(State(shop): State<Arc<Shop>>) -> String {
    format!("{{\"v\": {}}}", shop.version.load(Ordering::SeqCst))
}

async fn lagging(State(shop): State<Arc<Shop>>) -> String {
    let lag = u64::from(shop.asked.fetch_add(1, Ordering::SeqCst) < 5);
    format!("{{\"v\": {}}}", shop.version.load(Ordering::SeqCst) - lag)
}

async fn lifetime(State(shop): State<Arc<Shop>>, Path(ms): Path<u64>) -> String {
    let mut copy = shop.copy.lock().unwrap();
    let fresh = copy.filter(|(since, _)| since.elapsed() < Duration::from_millis(ms));
    let (since, version) = fresh.unwrap_or_else(|| (Instant::now(), shop.version.load(Ordering::SeqCst)));
    *copy = Some((since, version));
    format!("{{\"v\": {version}}}")
}

async fn flapping(State(shop): State<Arc<Shop>>) -> String {
    let lag = shop.shares.fetch_add(1, Ordering::SeqCst) % 2;
    format!("{{\"v\": {}}}", shop.version.load(Ordering::SeqCst) - lag)
}

fn tenant(headers: &HeaderMap) -> String {
    headers["x-tenant"].to_str().unwrap().to_owned()
}

async fn shared(State(shop): State<Arc<Shop>>, Path(key): Path<u64>, headers: HeaderMap) -> Answer {
    let mut pages = shop.shared.lock().unwrap();
    let page = pages.entry(key).or_insert_with(|| format!("canary-of-{} for {key}", tenant(&headers)));
    answer("hit", page.clone())
}

async fn private(Path(key): Path<u64>, headers: HeaderMap) -> Answer {
    answer("hit", format!("canary-of-{} for {key}", tenant(&headers)))
}

/// Whom a page was made for, and its text.
#[derive(Debug, Clone)]
struct Member {
    encoding: String,
    text: String,
}

async fn member(
    State(shop): State<Arc<Shop>>,
    Path(key): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let forgotten = query.get("forget").map_or("nothing", String::as_str);
    let of = |name: &str| headers[name].to_str().unwrap().to_owned();
    let axes = [
        ("tenant", of("x-tenant")),
        ("user", of("x-user")),
        ("locale", of("accept-language")),
        ("encoding", of("accept-encoding")),
    ];
    let kept: Vec<&str> =
        axes.iter().filter(|(name, _)| *name != forgotten).map(|(_, value)| value.as_str()).collect();
    let whose = || axes[..3].iter().map(|(name, value)| format!("[{name} {value}]")).collect::<String>();
    let mut members = shop.members.lock().unwrap();
    let is_hit = members.contains_key(&format!("{key} {kept:?}"));
    let page = members
        .entry(format!("{key} {kept:?}"))
        .or_insert_with(|| Member { encoding: axes[3].1.clone(), text: format!("{} for {key}", whose()) });
    let body =
        if page.encoding == "gzip" { packed(page.text.as_bytes()) } else { page.text.clone().into_bytes() };
    let status = if is_hit { "shop; hit" } else { "shop; fwd=uri-miss; stored" };
    ([("content-encoding", page.encoding.clone()), ("cache-status", status.to_owned())], body)
}

async fn login(Path(user): Path<String>) -> impl IntoResponse {
    [("set-cookie", format!("who={user}; Path=/; HttpOnly"))]
}

async fn mine(
    State(shop): State<Arc<Shop>>,
    Path(key): Path<u64>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let user = headers["cookie"].to_str().unwrap().strip_prefix("who=").unwrap().to_owned();
    if !query.contains_key("forget") {
        return answer("hit", format!("[user {user}]"));
    }
    answer("hit", shop.shared.lock().unwrap().entry(key).or_insert(format!("[user {user}]")).clone())
}

async fn gzip() -> impl IntoResponse {
    ([("content-encoding", "gzip"), ("cache-status", "shop; hit")], packed(b"a page"))
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn limited(State(shop): State<Arc<Shop>>, Path(per_s): Path<u64>) -> &'static str {
    const WINDOW: Duration = Duration::from_millis(500);
    let is_over = {
        let mut window = shop.window.lock().unwrap();
        if window.0.elapsed() > WINDOW {
            *window = (Instant::now(), 0);
        }
        window.1 += 1;
        window.1 > per_s / 2
    };
    if is_over {
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    "done"
}

async fn share(State(shop): State<Arc<Shop>>, Query(query): Query<HashMap<String, u64>>) -> Answer {
    // Spread as evenly as can be, so that every few requests have the share.
    let (nth, share) = (shop.shares.fetch_add(1, Ordering::SeqCst), query["hits"]);
    let is_hit = nth * share / 100 != (nth + 1) * share / 100;
    answer(if is_hit { "hit" } else { "fwd=uri-miss" }, "x".to_owned())
}

async fn expire(State(shop): State<Arc<Shop>>) {
    shop.stored.lock().unwrap().clear();
}

async fn metrics(State(shop): State<Arc<Shop>>) -> impl IntoResponse {
    format!(
        "cache_origin_calls_total {}\nprocess_resident_memory_bytes {}\n",
        shop.origin_calls.load(Ordering::SeqCst),
        50e6 + 1e6 * shop.began.elapsed().as_secs_f64()
    )
}
