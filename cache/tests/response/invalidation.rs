//! Unsafe methods and purges make stored answers void.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hitmark_cache::response::{ResponseCacheConfig, ResponseCacheLayer};
use hitmark_cache::{CacheLayer, MemoryConfig};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Stand, answer, ok};

#[tokio::test]
async fn an_unsafe_method_that_succeeds_removes_the_resource() {
    for (method, status, is_removed) in [
        ("POST", 200, true),
        ("PUT", 204, true),
        ("DELETE", 303, true),
        ("PATCH", 201, true),
        ("M-SEARCH", 200, true),
        ("POST", 404, false),
        ("POST", 500, false),
        ("OPTIONS", 200, false),
    ] {
        let page = ok(&["cache-control: max-age=60", "vary: accept"], "page");
        let stand = Stand::new(&[page.clone(), page.clone(), answer(status, &[], ""), page]);
        stand.get(&["accept: a"]).await;
        stand.get(&["accept: b"]).await;
        stand.send(method, "/", &[]).await;
        for representation in ["accept: a", "accept: b"] {
            assert_eq!(stand.get(&[representation]).await.is_hit(), !is_removed, "{method} {status}");
        }
    }
}

#[tokio::test]
async fn what_the_answer_names_goes_too_if_it_is_of_the_same_origin() {
    for (line, is_removed) in [
        ("location: /made", true),
        ("content-location: made", true),
        ("location: http://shop.test/made", true),
        ("location: http://evil.test/made", false),
        ("location: https://shop.test/made", false),
    ] {
        let page = ok(&["cache-control: max-age=60"], "page");
        let stand = Stand::new(&[page.clone(), answer(201, &[line], ""), page]);
        stand.send("GET", "/made", &[]).await;
        stand.send("POST", "/form", &[]).await;
        assert_eq!(stand.send("GET", "/made", &[]).await.is_hit(), !is_removed, "{line}");
    }
}

#[tokio::test]
async fn a_purge_tells_whether_something_was_stored() {
    let stand = Stand::new(&[ok(&["cache-control: max-age=60"], "page")]);
    let target = || http::Request::get("http://shop.test/").body(()).unwrap().into_parts().0;
    assert!(!stand.layer.purge(&target()).await.unwrap());
    stand.get(&[]).await;
    assert!(stand.layer.purge(&target()).await.unwrap());
    assert!(!stand.get(&[]).await.is_hit());
    let page = stand.layer.families();
    assert!(page.iter().any(|family| family.metric.name == "response_cache_invalidations_total"));
}

/// Readers and a writer at once: what is read after a write was answered is never older than it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_reader_sees_a_page_that_is_older_than_a_finished_write() {
    let version = Arc::new(AtomicU64::new(0));
    let at_origin = Arc::clone(&version);
    let origin = tower::service_fn(move |request: Request<Empty<Bytes>>| {
        let version = Arc::clone(&at_origin);
        async move {
            let read = match *request.method() {
                Method::POST => version.fetch_add(1, Ordering::SeqCst) + 1,
                _ => version.load(Ordering::SeqCst),
            };
            // A slow answer: the write may be over before it is stored.
            tokio::task::yield_now().await;
            let answer = Response::builder().header("cache-control", "max-age=60");
            Ok::<_, Infallible>(answer.body(Full::<Bytes>::from(read.to_string())).unwrap())
        }
    });
    let layer =
        ResponseCacheLayer::new(CacheLayer::memory(MemoryConfig::default()), ResponseCacheConfig::default());
    let service = layer.layer(origin);
    let ask = move |method: Method| {
        let service = service.clone();
        async move {
            let request = Request::builder().method(method).uri("http://shop.test/").body(Empty::new());
            let response = service.oneshot(request.unwrap()).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            String::from_utf8(body.to_vec()).unwrap().parse::<u64>().unwrap()
        }
    };
    let written = Arc::new(AtomicU64::new(0));
    let readers = (0..8).map(|_| {
        let (ask, written) = (ask.clone(), Arc::clone(&written));
        tokio::spawn(async move {
            let mut reads = 0_u64;
            while written.load(Ordering::SeqCst) < 2000 {
                let before = written.load(Ordering::SeqCst);
                let read = ask(Method::GET).await;
                assert!(read >= before, "read {read} after {before} was written");
                reads += 1;
            }
            reads
        })
    });
    let readers: Vec<_> = readers.collect();
    while written.load(Ordering::SeqCst) < 2000 {
        let done = ask(Method::POST).await;
        written.store(done, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
}
