//! Hits as three parties count them, limits that end a run, and the rehearsal of a plan.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hitmark_loadtests::{Hook, Plan, RunOptions, Stop, run_with, verify};
use hitmark_schema::run::{EventKind, RunState};
use hitmark_schema::{Outcome, Run, Variant};
use hitmark_testkit::{RedisServer, TruthConfig, TruthServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A service that looks every request up in Redis, says that it hit, and counts on its own page.
/// Past the cache, a request is three queries and two milliseconds of a processor. Every other hit is
/// missing from that page if `forgetful`.
async fn service(redis: &RedisServer, forgetful: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let redis_port = redis.port();
    let (hits, past) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (hits, past) = (Arc::clone(&hits), Arc::clone(&past));
            tokio::spawn(async move {
                let mut cache = TcpStream::connect(("127.0.0.1", redis_port)).await.unwrap();
                cache.write_all(b"SET k v\r\n").await.unwrap();
                let mut buffer = [0; 4096];
                let _ = cache.read(&mut buffer).await.unwrap();
                loop {
                    let read = stream.read(&mut buffer).await.unwrap_or(0);
                    if read == 0 {
                        return;
                    }
                    let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    let (body, status) = if request.starts_with("GET /metrics") {
                        let count = hits.load(Ordering::Relaxed);
                        let count = if forgetful { count / 2 } else { count };
                        let past = past.load(Ordering::Relaxed);
                        let page = format!(
                            "cache_operations_total{{backend=\"r\",op=\"get\",result=\"hit\"}} {count}\n\
                             asked_total{{table=\"t\"}} {}\nprocess_cpu_seconds_total {}\n",
                            past * 3,
                            past as f64 * 0.002
                        );
                        (page, "")
                    } else if request.contains("no-cache") {
                        past.fetch_add(1, Ordering::Relaxed);
                        ("v".to_owned(), "cache-status: s; fwd=bypass\r\n")
                    } else {
                        cache.write_all(b"GET k\r\n").await.unwrap();
                        let _ = cache.read(&mut buffer).await.unwrap();
                        hits.fetch_add(1, Ordering::Relaxed);
                        ("v".to_owned(), "cache-status: s; hit\r\n")
                    };
                    let head = format!("HTTP/1.1 200 OK\r\n{status}content-length: {}\r\n\r\n", body.len());
                    stream.write_all((head + &body).as_bytes()).await.unwrap();
                }
            });
        }
    });
    url
}

fn plan(url: &str, redis: &RedisServer, run: &str) -> Plan {
    let page = "metrics = \"/metrics\", queries = \"asked_total\"";
    let observe = format!("observe = {{ {page}, redis = \"redis://127.0.0.1:{}\" }}", redis.port());
    let text = format!(
        "[run]\nsuperblock_s = 0.2\nwarmup_s = 0.1\n{run}\n[[experiment]]\nname = \"x\"\ndiffers = \"cache\"\npath = \"/k\"\nusers = 2\n\
         [experiment.baseline]\nname = \"off\"\nbase_url = \"{url}\"\nheaders = {{ cache-control = \"no-cache\" }}\n{observe}\n\
         [experiment.candidate]\nname = \"on\"\nbase_url = \"{url}\"\n{observe}\n"
    );
    Plan::parse(&text, "test").unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

async fn run(plan: &Plan) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    hitmark_loadtests::run(plan, RunOptions::new(out.clone(), Stop::default())).await.unwrap();
    Run::read(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_service_and_cache_server_count_the_same_hits_on_the_right_side() {
    let redis = RedisServer::start().await.unwrap();
    let url = service(&redis, false).await;
    let run = run(&plan(&url, &redis, "pairs = 2")).await;
    for block in &run.blocks {
        let hits = if block.variant == Variant::Candidate { block.count(Outcome::Hit) } else { 0 };
        let counters = &block.counters;
        assert_eq!(
            (counters.service_hits, counters.cache_server_hits),
            (Some(hits), Some(hits)),
            "{block:?}"
        );
        assert_eq!(
            (counters.cache_server_misses, counters.origin_calls),
            (Some(0), None),
            "nobody told of the origin"
        );
        let past = block.count(Outcome::Bypass);
        assert_eq!(counters.database_queries, Some(past * 3), "{block:?}");
        let cpu_ns = counters.cpu_ns.unwrap();
        assert!(cpu_ns.abs_diff(past * 2_000_000) < 1_000, "{cpu_ns} ns of {past} requests");
    }
    assert!(run.events.iter().all(|event| event.kind != EventKind::CountsDiffer), "{:?}", run.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_counts_otherwise_is_told_of() {
    let redis = RedisServer::start().await.unwrap();
    let url = service(&redis, true).await;
    let run = run(&plan(&url, &redis, "pairs = 1")).await;
    let told = run.events.iter().find(|event| event.kind == EventKind::CountsDiffer).expect("an event");
    assert_eq!(told.variant, Some(Variant::Candidate));
    assert!(told.detail.contains("the cache server counts"), "{}", told.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_does_not_answer_leaves_its_counts_unmeasured() {
    let redis = RedisServer::start().await.unwrap();
    let url = service(&redis, false).await;
    let mut plan = plan(&url, &redis, "pairs = 1");
    let nobody = hitmark_testkit::free_port();
    plan.experiments[0].baseline.observed.redis.as_mut().unwrap().port = nobody;
    let run = run(&plan).await;
    let (baseline, candidate) = run.pairs("x")[0];
    assert_eq!((baseline.counters.cache_server_hits, baseline.counters.service_misses), (None, None));
    assert!(candidate.counters.cache_server_hits.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_the_plan_ends_the_run_and_says_why() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let text = format!(
        "[run]\npairs = 100\nsuperblock_s = 0.05\nwarmup_s = 0\nabort_when = {{ error_ratio = 0.5 }}\n[[experiment]]\nname = \"x\"\n\
         differs = \"d\"\npath = \"/status/503\"\nusers = 1\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{}\"\n",
        server.url()
    );
    let run = run(&Plan::parse(&text, "test").unwrap()).await;
    assert_eq!((run.document.state, run.blocks.len()), (RunState::Interrupted, 1));
    let told = run.events.iter().find(|event| event.kind == EventKind::Aborted).expect("an event");
    assert!(told.detail.contains("100.0 % of the baseline requests failed"), "{}", told.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_sends_each_request_once_and_finds_what_is_wrong() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let of = |path: &str| {
        let text = format!(
            "[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"{path}\"\nusers = 8\n\
             [experiment.baseline]\nname = \"a\"\nbase_url = \"{0}\"\n\
             [experiment.candidate]\nname = \"b\"\nbase_url = \"{0}\"\nheaders = {{ variant = \"candidate\" }}\nquery = {{ cs = \"hit\" }}\n",
            server.url()
        );
        Plan::parse(&text, "test").unwrap()
    };
    let mut told = 0;
    let right = verify(&of("/items/3"), |_| told += 1).await.unwrap();
    assert_eq!((right.len(), told, server.requests()), (2, 2, 2));
    assert!(right.iter().all(|verified| verified.fault.is_none()), "{right:?}");
    let refused = verify(&of("/status/503"), |_| {}).await.unwrap();
    assert!(refused[0].fault.as_deref().unwrap().contains("status 503, expected [200]"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_run_in_the_middle_of_a_load_and_leave_events() {
    let server = TruthServer::start(TruthConfig::default()).await.unwrap();
    let text = format!(
        "[run]\npairs = 4\nsuperblock_s = 0.3\nwarmup_s = 0.1\n[[experiment]]\nname = \"x\"\ndiffers = \"d\"\npath = \"/noop\"\n\
         users = 1\n[[experiment.hook]]\nat_s = 0.1\ncommand = [\"true\"]\n[[experiment.hook]]\nat_s = 0.15\nname = \"break it\"\n\
         command = [\"false\"]\n[experiment.baseline]\nname = \"a\"\nbase_url = \"{}\"\n",
        server.url()
    );
    let plan = Plan::parse(&text, "test").unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    let action: hitmark_loadtests::runner::hooks::Action = Arc::new(move |live| {
        counted.store(live.now(Variant::Baseline).requests, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    });
    let hook = Hook { experiment: None, at: Duration::from_millis(250), name: "count".to_owned(), action };
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    run_with(&plan, RunOptions::new(out.clone(), Stop::default()), &[hook]).await.unwrap();
    let run = Run::read(&out).unwrap();
    let told: Vec<&str> = run
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Intervention)
        .map(|event| event.detail.as_str())
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told.contains(&"true") && told.iter().any(|told| told.starts_with("break it failed: 'false' ended"))
    );
    assert!(seen.load(Ordering::Relaxed) > 0, "requests of the super-block that was going on");
}
