//! temporary
use axum::body::Body;
use axum::http::Request;
use hitmark_testbed::*;
use http_body_util::BodyExt;
use std::time::Instant;
use tower::ServiceExt;
#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let size = args.next().unwrap().parse().unwrap();
    let url = args.next();
    let config = TestbedConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        database_url: url,
        seed_size: size,
        ..Default::default()
    };
    let t0 = Instant::now();
    let last = std::sync::Mutex::new(("", Instant::now()));
    let testbed = Testbed::start(config, move |p| {
        let mut l = last.lock().unwrap();
        if l.0 != p.table {
            *l = (p.table, Instant::now());
        }
        if p.done == p.total {
            println!("{} {:?}", p.table, l.1.elapsed());
        }
    })
    .await
    .unwrap();
    println!("start {:?} {:?}", t0.elapsed(), testbed.summary());
    let router = testbed.router();
    if testbed.summary().seed_size.as_str() == "medium" {
        for (path, n) in
            [("/market/products?page=", 200), ("/market/products/", 10000), ("/market/search?q=M-", 1000)]
        {
            let t = Instant::now();
            for key in 1..=n {
                let r = Request::get(format!("{path}{key}"))
                    .header("hitmark-variant", "uncached")
                    .body(Body::empty())
                    .unwrap();
                let response = router.clone().oneshot(r).await.unwrap();
                assert!(response.status() == 200, "{path}{key}");
                let body = response.into_body().collect().await.unwrap().to_bytes();
                assert!(!body.ends_with(b"\"products\":[]}"), "{path}{key}");
            }
            println!("all keys of {path} answered, mean {:?}", t.elapsed() / n);
        }
    }
    for (name, path, n) in [
        ("list", "/market/products?page=", 200u64),
        ("detail", "/market/products/", 2000),
        ("search", "/market/search?q=M-", 1000),
    ] {
        for variant in ["uncached", "cached"] {
            let mut times = vec![];
            let count = if variant == "cached" { 20000 } else { 300 };
            for i in 0..count {
                let u = ((i * 7919 + 13) % 1000) as f64 / 1000.0;
                let key = if variant == "cached" { 1 + i % 20 } else { 1 + (n as f64 * u * u * u) as u64 };
                let r = Request::get(format!("{path}{key}"))
                    .header("hitmark-variant", variant)
                    .body(Body::empty())
                    .unwrap();
                let t = Instant::now();
                let response = router.clone().oneshot(r).await.unwrap();
                assert!(response.status() == 200);
                let body = response.into_body().collect().await.unwrap().to_bytes();
                times.push(t.elapsed());
                if i == 0 && variant == "uncached" {
                    println!(
                        "{} bytes {}",
                        body.len(),
                        String::from_utf8_lossy(&body[..300.min(body.len())])
                    );
                }
            }
            times.sort();
            println!(
                "{name} {variant} p50 {:?} p99 {:?}",
                times[count as usize / 2],
                times[count as usize * 99 / 100]
            );
        }
    }
}
