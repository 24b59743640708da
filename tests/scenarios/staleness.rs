//! Who is shown an old version where several processes answer.

use hitmark_testkit::NginxServer;

use crate::shipped::{Servers, figure, run, shipped};

const WRITES: &str = "12";

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_before_one_redis_and_one_postgresql_agree_on_a_version() {
    let servers = Servers::start().await;
    let dir = tempfile::tempdir().unwrap();
    for cache in ["redis", "tiered"] {
        let (service, other) = (servers.testbed(cache).await, servers.testbed(cache).await);
        let processes = format!("[\"{}\"]", other.url);
        let short =
            [("writes", WRITES), ("every_s", "0.2"), ("users", "4"), ("processes", processes.as_str())];
        let plan = shipped(dir.path(), "staleness.toml", &service, &servers, &short);
        let plan_of_its_own = plan.replace("staleness.toml", &format!("{cache}.toml"));
        std::fs::rename(&plan, &plan_of_its_own).unwrap();
        let (printed, found) = run(dir.path(), &plan_of_its_own, &[]);
        assert_eq!(printed.code, 0, "{cache}: {printed:?}");
        for side in [0, 1] {
            let of = |name| figure(&found, 0, side, name);
            assert_eq!((of("commits"), of("failed reads")), (Some(12.0), Some(0.0)), "{}", printed.stdout);
            assert!(of("reads").unwrap() > 100.0, "{}", printed.stdout);
            // What is not cached is never stale. What both processes share is cleared before the writer is
            // answered; what each holds in its own memory is told right after, within the plan's second.
            if side == 0 || cache == "redis" {
                let stale = (of("stale reads"), of("monotonic-read violations"));
                assert_eq!(stale, (Some(0.0), Some(0.0)), "{cache}, side {side}: {}", printed.stdout);
                assert_eq!(of("commit to last stale serve, max"), Some(0.0));
            }
        }
    }
}

/// A cache that holds answers for a second and hears of no write.
async fn deaf_cache(service: &str) -> NginxServer {
    let http = format!(
        "proxy_cache_path {{dir}}/cache keys_zone=answers:1m;\nserver {{ listen 127.0.0.1:{{port}};\n\
         location / {{ proxy_pass {service}; proxy_cache answers; proxy_cache_valid 200 1s;\n\
         proxy_ignore_headers Cache-Control Expires Vary; proxy_cache_key $uri$http_hitmark_variant; }} }}"
    );
    NginxServer::start(&http).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lifetime_without_invalidation_is_stale_for_as_long_as_it_lasts() {
    let servers = Servers::start().await;
    let (service, other) = (servers.testbed("redis").await, servers.testbed("redis").await);
    let (one, two) = (deaf_cache(&service.url).await, deaf_cache(&other.url).await);
    let dir = tempfile::tempdir().unwrap();
    let processes = format!("[\"{}\"]", two.url());
    // The last commit is 5 s after the first: without a lifetime its value would be stale all that time.
    let short = [
        ("writes", "6"),
        ("every_s", "1.0"),
        ("users", "2"),
        ("processes", processes.as_str()),
        ("stale_for_max_s", "4.5"),
    ];
    let plan = shipped(dir.path(), "staleness.toml", &service, &servers, &short);
    let text = std::fs::read_to_string(&plan).unwrap().replace(&service.url, &one.url());
    std::fs::write(&plan, text).unwrap();
    let (printed, found) = run(dir.path(), &plan, &[]);
    assert_eq!(printed.code, 0, "no longer than its lifetime, and a busy machine's pauses: {printed:?}");
    for side in [0, 1] {
        let of = |name| figure(&found, 0, side, name).unwrap();
        assert_eq!((of("commits"), of("failed reads")), (6.0, 0.0), "{}", printed.stdout);
        assert!(of("stale reads") > 0.0 && of("stale-read ratio") < 1.0, "{}", printed.stdout);
        // A second of lifetime, counted in whole seconds: up to two.
        let longest = of("commit to last stale serve, max");
        assert!(longest > 0.0 && longest < 4.5, "{longest}: {}", printed.stdout);
    }
}
