//! Journeys, logins, checks, cookies, redirects, encodings and TLS against a small shop.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hitmark_loadtests::{Plan, RunOptions, RunReport, Stop};
use hitmark_schema::{ErrorKind, Run, Variant};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// A service that asks for a login and remembers what it was asked.
#[derive(Default)]
struct Shop {
    logins: AtomicU64,
    refused: AtomicU64,
    asked: Mutex<BTreeMap<String, u64>>,
    bodies: Mutex<Vec<String>>,
}

impl Shop {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = parts.uri.path_and_query().unwrap().to_string();
        *self.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
        let header = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let plain = |text: &str| Response::new(Full::from(text.to_owned()));
        match path.as_str() {
            "/login" => {
                self.logins.fetch_add(1, Ordering::Relaxed);
                self.bodies.lock().unwrap().push(String::from_utf8(body.to_vec()).unwrap());
                let mut response = plain(r#"{"token": "t-1", "user": {"id": 7}}"#);
                response.headers_mut().insert("set-cookie", "sid=s-1; Path=/".parse().unwrap());
                response
            }
            "/old" => {
                let mut response = plain("");
                *response.status_mut() = hyper::StatusCode::FOUND;
                response.headers_mut().insert("location", "/new".parse().unwrap());
                response
            }
            "/packed" if header("accept-encoding").contains("gzip") => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all("shoe ".repeat(400).as_bytes()).unwrap();
                let mut response = Response::new(Full::from(encoder.finish().unwrap()));
                response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
                response
            }
            "/packed" => plain(&"shoe ".repeat(400)),
            _ if path.starts_with("/orders")
                && (header("authorization") != "Bearer t-1" || header("cookie") != "sid=s-1") =>
            {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let mut response = plain("who are you?");
                *response.status_mut() = hyper::StatusCode::UNAUTHORIZED;
                response
            }
            _ => plain(&format!("{{\"path\": \"{path}\"}}")),
        }
    }
}

/// Serves the shop; over HTTP/1.1 and HTTP/2 alike, whatever the client speaks.
async fn shop() -> (Arc<Shop>, String) {
    let shop = Arc::new(Shop::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = Arc::clone(&shop);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let shop = Arc::clone(&serving);
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |request| {
                    let shop = Arc::clone(&shop);
                    async move { Ok::<_, std::convert::Infallible>(shop.answer(request).await) }
                });
                let mut first = [0; 3];
                stream.peek(&mut first).await.unwrap();
                let io = TokioIo::new(stream);
                if &first == b"PRI" {
                    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(io, service)
                        .await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    });
    (shop, url)
}

async fn run(url: &str, experiment: &str) -> (Run, RunReport) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("users.csv"), "name,city\nann,Bonn\nbo,Köln\n").unwrap();
    std::fs::write(dir.path().join("keys.txt"), "red shoe\nhat\n").unwrap();
    let text = format!(
        "[run]\npairs = 1\nsuperblock_s = 0.1\nslice_ms = 10\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"nothing\"\n\
         users = 2\n{experiment}\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{url}\"\n\
         [experiment.candidate]\nname = \"b\"\nbase_url = \"{url}\"\n"
    );
    let plan = Plan::parse(&text, &dir.path().join("plan.toml").display().to_string())
        .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"));
    let out = dir.path().join("run");
    let options = RunOptions { command: "test".to_owned(), ..RunOptions::new(out.clone(), Stop::default()) };
    let report = hitmark_loadtests::run(&plan, options).await.unwrap();
    (Run::read(&out).unwrap(), report)
}

fn first_event(run: &Run) -> &str {
    run.events.first().map_or("", |event| event.detail.as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_logs_in_once_on_each_side_and_carries_token_and_cookie() {
    let (shop, url) = shop().await;
    let (run, report) = run(
        &url,
        r#"cookies = true
data = "users.csv"
keys = { dist = "uniform", n = 5 }
headers = { authorization = "Bearer {token}" }
[[experiment.login]]
method = "POST"
path = "/login"
json = { name = "{name}", city = "{city}", number = "{key}" }
headers = { authorization = "none" }
extract = { token = "json:/token", id = "json:/user/id" }
[[experiment.journey]]
weight = 3
[[experiment.journey.step]]
path = "/orders/{key}?user={id}"
[[experiment.journey.step]]
path = "/orders?city={city}"
[[experiment.journey]]
[[experiment.journey.step]]
path = "/orders/new"
"#,
    )
    .await;
    assert_eq!((report.errors, shop.refused.load(Ordering::Relaxed)), (0, 0), "{}", first_event(&run));
    assert_eq!(shop.logins.load(Ordering::Relaxed), 4, "two users on two sides");
    let bodies = shop.bodies.lock().unwrap();
    assert!(bodies.contains(&r#"{"city":"Bonn","name":"ann","number":1}"#.to_owned()), "{bodies:?}");
    let asked = shop.asked.lock().unwrap();
    assert!(
        asked.contains_key("/orders?city=K%C3%B6ln") && asked.contains_key("/orders/3?user=7"),
        "{asked:?}"
    );
    let long = asked.iter().filter(|(path, _)| path.contains("?user=")).map(|(_, count)| count).sum::<u64>();
    let short = asked["/orders/new"];
    let share = long as f64 / (long + short) as f64;
    assert!((0.5..0.95).contains(&share), "three of four journeys are the long one: {long} and {short}");
    let logins = shop.logins.load(Ordering::Relaxed);
    assert_eq!(report.requests, asked.values().sum::<u64>() - logins, "logins are not recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_is_an_error_that_says_what_was_expected() {
    let (_, url) = shop().await;
    let (run, report) =
        run(&url, "path = \"/x\"\nexpect = { json = { \"/path\" = \"/y\" }, body_contains = \"path\" }")
            .await;
    assert_eq!(report.errors, report.requests);
    let kinds: Vec<_> = run.blocks.iter().flat_map(|block| block.counters.errors.keys()).collect();
    assert!(kinds.iter().all(|kind| **kind == ErrorKind::Check), "{kinds:?}");
    assert!(first_event(&run).contains("has \"/x\" at '/path', not \"/y\""), "{}", first_event(&run));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_followed_only_where_the_plan_says_so() {
    let (shop, url) = shop().await;
    let (_, refused) = run(&url, "path = \"/old\"").await;
    assert_eq!(refused.errors, refused.requests);
    assert!(!shop.asked.lock().unwrap().contains_key("/new"));
    let (_, followed) = run(&url, "path = \"/old\"\nredirects = 1").await;
    assert_eq!(followed.errors, 0);
    assert_eq!(shop.asked.lock().unwrap()["/new"], followed.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_bodies_are_counted_as_they_cross_the_wire_and_compared_as_they_are_meant() {
    let (_, url) = shop().await;
    let (run, report) = run(
        &url,
        "path = \"/packed\"\nencodings = [\"gzip\", \"br\"]\nexpect = { body_contains = \"shoe shoe\" }",
    )
    .await;
    assert_eq!(report.errors, 0, "{}", first_event(&run));
    for block in &run.blocks {
        let each = block.counters.body_bytes / block.counters.requests;
        assert!(each < 200, "2000 bytes of shoes pack well: {each} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_where_the_plan_asks_for_it() {
    let (shop, url) = shop().await;
    let (run, report) = run(&url, "path = \"/x\"\nhttp = \"2\"").await;
    assert_eq!(report.errors, 0, "{}", first_event(&run));
    assert!(report.requests > 10);
    assert_eq!(shop.asked.lock().unwrap()["/x"], report.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_replayed_with_its_own_keys_the_same_for_both_sides() {
    let (shop, url) = shop().await;
    let (run, report) =
        run(&url, "path = \"/items/{key}\"\nkeys = { dist = \"trace\", file = \"keys.txt\" }").await;
    assert_eq!(report.errors, 0, "{}", first_event(&run));
    let asked = shop.asked.lock().unwrap();
    assert_eq!(asked.keys().collect::<Vec<_>>(), ["/items/hat", "/items/red%20shoe"]);
    assert_eq!(run.document.experiments[0].keys.as_deref(), Some("trace keys.txt of 2 requests"));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_that_think_send_less_and_a_step_of_users_sends_more() {
    let (_, url) = shop().await;
    let (_, thinking) = run(&url, "path = \"/x\"\nthink_ms = [5, 6]").await;
    // The first request of each super-block is sent at its beginning.
    let most = 2 * 2 * (100 / 5 + 1);
    assert!(thinking.requests <= most, "{} requests of 2 users in 200 ms", thinking.requests);
    let (run, _) = run(&url, "path = \"/x\"\nthink_ms = 1\nstages = [{ to = 20 }]").await;
    assert_eq!(run.document.experiments[0].load.users(), 20);
    assert!(run.document.experiments[0].request.contains("to 20"), "{}", run.document.experiments[0].request);
    let requests: u64 = run.side("x", Variant::Baseline).values().map(|block| block.counters.requests).sum();
    assert!(requests > 20, "{requests}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_is_longer_than_a_slice_goes_on_through_the_next_ones() {
    let (_, url) = shop().await;
    let (run, thinking) = run(&url, "path = \"/x\"\nthink_ms = 60").await;
    let wall_ms: u64 =
        run.side("x", Variant::Baseline).values().map(|block| block.duration_ns / 1_000_000).sum();
    // Both users begin at once, and then send once for each pause of the whole time.
    let most = 2 * (1 + wall_ms / 60 + 1);
    assert!(thinking.requests <= most, "{} requests of 2 users in {wall_ms} ms", thinking.requests);
    assert!(thinking.requests >= 2, "{} requests", thinking.requests);
}

/// An authority's certificate in PEM and a service's key and certificate, made anew by openssl (Debian
/// package: openssl).
fn certificates(dir: &std::path::Path) {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca && \
        openssl req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=localhost && \
        printf 'subjectAltName=DNS:localhost' > ext && \
        openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2 -extfile ext";
    let made = std::process::Command::new("sh").args(["-ec", script]).current_dir(dir).output();
    let made = made.expect("sh and openssl are there (Debian package: openssl)");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_over_tls_is_measured_if_its_authority_is_trusted_and_refused_if_not() {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let chain = vec![CertificateDer::from_pem_file(dir.path().join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.path().join("key.pem")).unwrap();
    let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = hyper::service::service_fn(|_| async {
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"safe"))))
                });
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    let run = async |ca: &str| {
        let text = format!(
            "[run]\npairs = 1\nsuperblock_s = 0.1\nwarmup_s = 0\n[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"/\"\nusers = 1\n\
             expect = {{ body_contains = \"safe\" }}\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{url}\"\n{ca}\n"
        );
        let plan = Plan::parse(&text, &dir.path().join("plan.toml").display().to_string());
        let plan = plan.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("run");
        let report =
            hitmark_loadtests::run(&plan, RunOptions::new(out.clone(), Stop::default())).await.unwrap();
        (Run::read(&out).unwrap(), report)
    };
    let (told, trusted) = run("ca = \"ca.pem\"").await;
    assert!(trusted.errors == 0 && trusted.requests > 0, "{}", first_event(&told));
    let (told, refused) = run("").await;
    assert_eq!(refused.errors, refused.requests);
    assert!(first_event(&told).contains("certificate"), "{}", first_event(&told));
}
