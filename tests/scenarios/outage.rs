//! The four faults of the shipped plan, made to a real Redis behind a real service: refused, hung, slow,
//! flushed.

use std::path::Path;
use std::time::Duration;

use hitmark_testkit::DelayProxy;
use serde_json::Value;

use crate::shipped::{ATTEMPTS, Servers, UNREACHABLE, figure, run, shipped};
use crate::support::{Finished, Service};

/// Twenty products, one after the other: all of them are in the cache before anything is recorded.
const KEYS: &str = "{ dist = \"sequential\", n = 20 }";

/// A fault's beginning or end that waits until this test has done it.
fn by_the_test(dir: &Path, what: &str) -> String {
    let (asked, done) = (dir.join(format!("{what}.asked")), dir.join(format!("{what}.done")));
    let script = format!("touch {}; until test -e {}; do sleep 0.02; done", asked.display(), done.display());
    format!("{{ command = [\"sh\", \"-c\", \"{script}\"] }}")
}

/// Waits until the run asks for its fault's beginning or end.
async fn asked(dir: &Path, what: &str) {
    let file = dir.join(format!("{what}.asked"));
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn done(dir: &Path, what: &str) {
    std::fs::write(dir.join(format!("{what}.done")), "").unwrap();
}

/// Runs one experiment of the shipped plan with short times and some lines changed, beside the test.
async fn outage(
    dir: &Path,
    service: &Service,
    servers: &Servers,
    experiment: &'static str,
    changed: &[(&str, &str)],
) -> (Finished, Value) {
    let short = [("warmup_s", "2"), ("before_s", "2"), ("during_s", "1.5"), ("rate", "60.0"), ("keys", KEYS)];
    let plan = shipped(dir, "outage.toml", service, servers, &[changed, short.as_slice()].concat());
    let dir = dir.to_owned();
    let (printed, found) =
        tokio::task::spawn_blocking(move || run(&dir, &plan, &["--only", experiment])).await.unwrap();
    assert_eq!(printed.code, 0, "{printed:?}");
    (printed, found)
}

/// What holds of every fault that the database answers for: nobody sees an error.
fn nobody_noticed((printed, found): &(Finished, Value)) {
    for side in 0..found["scenarios"][0]["variants"].as_array().unwrap().len() {
        for when in ["before", "during", "after"] {
            let failed = figure(found, 0, side, &format!("failed requests {when}"));
            assert_eq!(failed, Some(0.0), "{when}: {}", printed.stdout);
        }
    }
}

/// Makes an outage, and once more if the machine was too busy for a cache before or after the fault: its
/// breaker takes a Redis that waits for a processor for a slow one. That nobody sees an error holds always.
async fn undisturbed(outage: impl AsyncFn() -> (Finished, Value)) -> (Finished, Value) {
    let mut last = outage().await;
    nobody_noticed(&last);
    for _ in 1..ATTEMPTS {
        let cached = last.1["scenarios"][0]["variants"].as_array().unwrap().len() - 1;
        let of = |name| figure(&last.1, 0, cached, name);
        if of("hit ratio before") == Some(1.0) && of("hit ratio after") > Some(0.5) {
            break;
        }
        last = outage().await;
        nobody_noticed(&last);
    }
    last
}

/// The cache comes back after the fault.
fn came_back(printed: &Finished, found: &Value) {
    assert_eq!(figure(found, 0, 1, "hit ratio before"), Some(1.0), "{}", printed.stdout);
    assert!(figure(found, 0, 1, "recovery time").is_some(), "{}", printed.stdout);
    assert!(figure(found, 0, 1, "hit ratio after").unwrap() > 0.5, "{}", printed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_refuses_costs_origin_calls_and_no_answer() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let (printed, found) = undisturbed(async || {
        let dir = tempfile::tempdir().unwrap();
        let (begin, end) = (by_the_test(dir.path(), "begin"), by_the_test(dir.path(), "end"));
        let changed = [("begin", begin.as_str()), ("end", end.as_str()), ("after_s", "5")];
        let fault = async {
            asked(dir.path(), "begin").await;
            servers.redis.kill();
            done(dir.path(), "begin");
            asked(dir.path(), "end").await;
            servers.redis.restart().await.unwrap();
            done(dir.path(), "end");
        };
        tokio::join!(outage(dir.path(), &service, &servers, "redis refuses", &changed), fault).0
    })
    .await;
    came_back(&printed, &found);
    let calls = |when: &str| figure(&found, 0, 1, &format!("origin calls {when}")).unwrap();
    assert_eq!(calls("before"), 0.0, "{}", printed.stdout);
    assert!(calls("during") > 0.0, "the database does the cache's work: {}", printed.stdout);
    // What was in the old process is gone: each product is computed at least once more.
    assert!(figure(&found, 0, 1, "origin calls from the fault on").unwrap() >= 20.0, "{}", printed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_costs_time_and_no_answer() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let port = servers.redis.port();
    let begin = format!(
        "{{ command = [\"redis-cli\", \"-p\", \"{port}\", \"client\", \"pause\", \"1500\", \"all\"] }}"
    );
    let (printed, found) = undisturbed(async || {
        let dir = tempfile::tempdir().unwrap();
        let changed = [("begin", begin.as_str()), ("after_s", "4")];
        outage(dir.path(), &service, &servers, "redis hangs", &changed).await
    })
    .await;
    came_back(&printed, &found);
    let p99 = |when: &str| figure(&found, 0, 1, &format!("p99 {when}")).unwrap();
    assert!(p99("during") > p99("before"), "{}", printed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_slow_costs_its_delay_and_no_answer() {
    let servers = Servers::start().await;
    let proxy = DelayProxy::start(servers.redis.port()).await.unwrap();
    let service = servers.testbed_by("redis", &format!("redis://127.0.0.1:{}/0", proxy.port())).await;
    let (printed, found) = undisturbed(async || {
        let dir = tempfile::tempdir().unwrap();
        let (begin, end) = (by_the_test(dir.path(), "begin"), by_the_test(dir.path(), "end"));
        let changed = [("begin", begin.as_str()), ("end", end.as_str()), ("after_s", "5")];
        let fault = async {
            asked(dir.path(), "begin").await;
            proxy.set_delay(Duration::from_millis(25));
            done(dir.path(), "begin");
            asked(dir.path(), "end").await;
            proxy.set_delay(Duration::ZERO);
            done(dir.path(), "end");
        };
        tokio::join!(outage(dir.path(), &service, &servers, "redis is slow", &changed), fault).0
    })
    .await;
    came_back(&printed, &found);
    // 25 ms each way: whoever asked it waited for 50 ms.
    assert!(figure(&found, 0, 1, "p99 during").unwrap() >= 0.05, "{}", printed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_costs_one_origin_call_for_each_key() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let (printed, found) = undisturbed(async || {
        let dir = tempfile::tempdir().unwrap();
        outage(dir.path(), &service, &servers, "redis is emptied", &[("after_s", "3")]).await
    })
    .await;
    let of = |name| figure(&found, 0, 0, name);
    assert_eq!(
        (of("hit ratio before"), of("origin calls before")),
        (Some(1.0), Some(0.0)),
        "{}",
        printed.stdout
    );
    // A Redis that was too slow for a moment can only add calls.
    let (calls, is_disturbed) = (of("origin calls from the fault on"), printed.stdout.contains(UNREACHABLE));
    assert!(calls == Some(20.0) || is_disturbed && calls > Some(20.0), "{}", printed.stdout);
    assert!(of("recovery time").is_some(), "{}", printed.stdout);
}
