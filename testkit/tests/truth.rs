//! The truth server tells the truth.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_testkit::{SimplestClient, TruthConfig, TruthServer};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;

struct Client(SendRequest<Empty<Bytes>>);

impl Client {
    async fn connect(server: &TruthServer) -> Self {
        let socket = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        self.0.ready().await.unwrap();
        let mut request = Request::get(path).header("host", "truth");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.0.send_request(request.body(Empty::new()).unwrap()).await.unwrap()
    }

    async fn body(&mut self, path: &str, headers: &[(&str, &str)]) -> Bytes {
        self.get(path, headers).await.into_body().collect().await.unwrap().to_bytes()
    }
}

async fn start() -> (TruthServer, Client) {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let client = Client::connect(&server).await;
    (server, client)
}

#[tokio::test]
async fn a_spin_takes_at_least_its_time_and_the_client_sees_no_less_than_the_server() {
    let (server, mut client) = start().await;
    let mut seen = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        client.body("/spin/300", &[]).await;
        seen.push(u64::try_from(begun.elapsed().as_nanos()).unwrap());
    }
    seen.sort_unstable();
    let least = server.quantile_ns("/spin/300", 0.0).unwrap();
    let median = server.median_ns("/spin/300").unwrap();
    assert!(least >= 300_000, "{least}");
    assert!(seen[50] >= median, "the client saw {} ns, the server {median} ns", seen[50]);
    assert_eq!(server.median_ns("/spin/200"), None);
}

#[tokio::test]
async fn spins_of_one_thread_happen_one_after_the_other() {
    let server = TruthServer::start(TruthConfig { threads: 1 }).await.unwrap();
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(&server).await;
        tasks.push(tokio::spawn(async move { client.body("/spin/20000", &[]).await }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_millis(80), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn requests_and_connections_are_counted_exactly() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    assert_eq!((server.requests(), server.connections()), (0, 0));
    let mut client = Client::connect(&server).await;
    for path in ["/noop", "/items/1", "/status/404", "/nowhere"] {
        client.body(path, &[]).await;
    }
    assert_eq!((server.requests(), server.connections()), (4, 1));
    server.reset_counts();
    assert_eq!((server.requests(), server.median_ns("/noop")), (0, None));
}

#[tokio::test]
async fn the_query_chooses_the_cache_status_header_on_any_path() {
    let (_server, mut client) = start().await;
    let response = client.get("/items/3?cs=hit", &[]).await;
    assert_eq!(response.headers()["cache-status"], "truth; hit; ttl=30");
    response.into_body().collect().await.unwrap();
    assert!(client.get("/items/3", &[]).await.headers().get("cache-status").is_none());
}

#[tokio::test]
async fn items_are_the_same_every_time_and_wrong_ones_differ_for_the_candidate_only() {
    let (_server, mut client) = start().await;
    let candidate = [("variant", "candidate")];
    let baseline = [("variant", "baseline")];
    let item = client.body("/items/7", &baseline).await;
    assert_eq!(item, client.body("/items/7", &candidate).await);
    assert_ne!(item, client.body("/items/8", &[]).await);
    let right = client.body("/wrong/7", &baseline).await;
    let wrong = client.body("/wrong/7", &candidate).await;
    assert_eq!(right, item);
    assert_ne!(right, wrong);
    assert_eq!(right.len(), wrong.len());
}

#[tokio::test]
async fn a_slow_body_comes_after_its_headers() {
    let (_server, mut client) = start().await;
    let begun = Instant::now();
    let response = client.get("/slow-body/100", &[]).await;
    let headers = begun.elapsed();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "late");
    assert!(begun.elapsed() >= headers + Duration::from_millis(50), "{headers:?} {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_reset_breaks_the_body_off_after_the_headers() {
    let (_server, mut client) = start().await;
    let response = client.get("/reset", &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_status_is_what_was_asked_for() {
    let (_server, mut client) = start().await;
    for (path, status) in [("/status/503", 503), ("/status/201", 201), ("/nowhere", 404), ("/noop", 200)] {
        let response = client.get(path, &[]).await;
        assert_eq!(response.status(), status, "{path}");
        response.into_body().collect().await.unwrap();
    }
}

#[tokio::test]
async fn a_stall_holds_answers_back_once_and_then_is_over() {
    let (server, mut client) = start().await;
    client.body("/noop", &[]).await;
    assert_eq!(server.stalled(), 0);
    let begun = Instant::now();
    server.stall(Duration::from_millis(200));
    client.body("/noop", &[]).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    client.body("/noop", &[]).await;
    assert_eq!(server.stalled(), 1, "the request after the stall was not held back");
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_dropped_server_refuses_connections() {
    let (server, _client) = start().await;
    let port = server.port();
    drop(server);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[tokio::test]
async fn the_simplest_client_sees_no_less_than_the_server_took_for_it_alone() {
    let (server, mut client) = start().await;
    let paths = ["/spin/100?by=simplest&cs=hit".to_owned(), "/items/7?by=simplest".to_owned()];
    let asker = SimplestClient::new(server.port(), &paths);
    client.body("/spin/100", &[]).await;
    let mut latencies_ns =
        asker.ask_for(Duration::from_millis(50), |nth| usize::from(nth % 5 == 4)).await.unwrap();
    for latencies_ns in &mut latencies_ns {
        latencies_ns.sort_unstable();
    }
    let [spun, items] = latencies_ns.as_slice() else { panic!("{} paths", latencies_ns.len()) };
    assert_eq!(spun.len(), server.answers("/spin/100?by=simplest"));
    assert_eq!((items.len(), server.answers("/spin/100")), (server.answers("/items/{id}?by=simplest"), 1));
    assert_eq!(items.len(), spun.len() / 4, "every fifth is an item: {} to {}", items.len(), spun.len());
    let server_ns = server.median_ns("/spin/100?by=simplest").unwrap();
    assert!(spun[spun.len().div_ceil(2) - 1] > server_ns, "{spun:?}, the server {server_ns} ns");
}

#[tokio::test]
async fn the_simplest_client_tells_of_a_server_that_breaks_off() {
    let (server, _client) = start().await;
    let asker = SimplestClient::new(server.port(), &["/reset".to_owned()]);
    asker.ask_for(Duration::from_secs(1), |_| 0).await.unwrap_err();
}
