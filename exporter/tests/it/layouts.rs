//! Streams, apalis, BullMQ and Sidekiq: real servers, and real producers where there are any.

use std::time::Duration;

use apalis::prelude::{AbortError, BoxDynError, TaskBuilder, TaskSink, WorkerBuilder};
use apalis_redis::{Config, RedisStorage};
use hitmark_exporter::Exporter;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{BullMq, RedisServer, Sidekiq};

use crate::support::{assert_clean, commands, config_of, exporter, find, sample, target};

fn list(names: &[&str]) -> OptionValue {
    OptionValue::List(names.iter().map(|name| (*name).to_owned()).collect())
}

/// The series of one queue.
fn of(system: &str, metric: &str, queue: &str) -> String {
    format!("{metric}{{system=\"{system}\",queue=\"{queue}\"}}")
}

/// Scrapes until the page is as it will be, for ten seconds at most; gives the last page.
async fn settled(exporter: &Exporter, is_done: impl Fn(&str) -> bool) -> String {
    let mut page = String::new();
    for _ in 0..200 {
        page = exporter.scrape().await;
        if is_done(&page) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    page
}

#[tokio::test]
async fn a_stream_s_groups_tell_what_they_have_not_read_and_what_they_hold() {
    let server = RedisServer::start().await.unwrap();
    let mut lines =
        vec!["SET other 1", "XGROUP CREATE orders ship 0 MKSTREAM", "XGROUP CREATE orders bill 0"];
    // The first two entries are of 2023; the time of the others is the server's.
    lines.extend(["XADD orders 1700000000000-0 a 1", "XADD orders 1700000100000-0 a 1"]);
    lines.extend(["XADD orders * a 1"; 8]);
    lines.extend(["XREADGROUP GROUP ship one COUNT 1 STREAMS orders >", "XACK orders ship 1700000000000-0"]);
    lines.extend([
        "XREADGROUP GROUP bill one COUNT 4 STREAMS orders >",
        "XADD log 1-1 a 1",
        "XADD log 1-2 a 1",
    ]);
    commands(server.port(), &lines);
    let page = exporter(config_of("stream", &server.url(), &[])).await.scrape().await;
    let at = |metric: &str, queue: &str| sample(&page, &of("stream", metric, queue));
    assert_eq!((at("queue_length", "orders"), at("queue_length", "log")), (9.0, 2.0));
    assert_eq!((at("queue_running", "orders"), at("queue_stored_entries", "orders")), (4.0, 10.0));
    assert_eq!((at("queue_enqueued_total", "orders"), at("queue_completed_total", "orders")), (10.0, 0.0));
    let group = |metric: &str, group: &str| {
        sample(&page, &format!("{metric}{{system=\"stream\",queue=\"orders\",group=\"{group}\"}}"))
    };
    assert_eq!((group("queue_group_lag", "ship"), group("queue_group_lag", "bill")), (9.0, 6.0));
    assert_eq!((group("queue_group_pending", "ship"), group("queue_group_pending", "bill")), (0.0, 4.0));
    assert_eq!(group("queue_group_consumers", "bill"), 1.0);
    // `ship` acknowledged the first entry; the second waits for it. `bill` still holds the first.
    let (waits, held) = (
        at("queue_oldest_message_age_seconds", "orders"),
        group("queue_group_oldest_pending_age_seconds", "bill"),
    );
    assert!((99.0..101.0).contains(&(held - waits)), "{held} {waits}");
    assert_eq!(find(&page, &of("stream", "queue_oldest_message_age_seconds", "log")), None);
    assert_clean(&page);
}

#[tokio::test]
async fn a_stream_that_was_found_and_is_gone_is_empty_and_no_mistake() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["XADD orders:a * a 1", "XADD other * a 1"]);
    let pattern = OptionValue::Text("orders:*".to_owned());
    let exporter = exporter(config_of("stream", &server.url(), &[("pattern", pattern)])).await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &of("stream", "queue_length", "orders:a")), 1.0);
    assert_eq!(find(&page, &of("stream", "queue_length", "other")), None, "the pattern leaves it out");
    commands(server.port(), &["DEL orders:a"]);
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, &of("stream", "queue_length", "orders:a")), 0.0);
    assert_eq!(find(&page, &of("stream", "queue_listed_unknown", "orders:a")), None);
}

#[tokio::test]
async fn a_listed_queue_that_the_broker_does_not_know_is_told() {
    let server = RedisServer::start().await.unwrap();
    commands(server.port(), &["XADD here * a 1", "SADD queues here", "LPUSH queue:here {}"]);
    for (kind, queues) in [("stream", ["here", "gone"]), ("sidekiq", ["here", "gone"])] {
        let config = config_of(kind, &server.url(), &[("queues", list(&queues))]);
        let page = exporter(config).await.scrape().await;
        assert_eq!(sample(&page, &of(kind, "queue_listed_unknown", "gone")), 1.0);
        assert_eq!(find(&page, &of(kind, "queue_listed_unknown", "here")), None);
        assert_eq!(sample(&page, &of(kind, "queue_length", "here")), 1.0);
    }
}

#[tokio::test]
async fn reading_the_queues_leaves_the_application_s_hits_and_misses_alone() {
    let server = RedisServer::start().await.unwrap();
    let mut lines = vec!["XADD orders * a 1", "XGROUP CREATE orders ship 0", "SADD rq:queues rq:queue:mail"];
    lines.extend([
        "LPUSH rq:queue:mail 1",
        "SADD queues q",
        "SADD _kombu.binding.celery x\u{6}\u{16}\u{6}\u{16}celery",
    ]);
    lines.extend([
        "HSET unacked a b",
        "HSET bull:a:meta x 1",
        "LPUSH bull:a:wait 7",
        "HSET bull:a:7 timestamp 5",
    ]);
    lines.extend([
        "ZADD core:apalis:queues:list 1 ship:workers",
        "ZADD ship:workers 1 one",
        "ZADD ship:scheduled 9 a",
    ]);
    commands(server.port(), &lines);
    let mut config = config_of("redis", &server.url(), &[]);
    for kind in ["celery", "rq", "sidekiq", "bullmq", "apalis", "stream"] {
        config.targets.push(target(kind, &server.url()));
    }
    let exporter = exporter(config).await;
    exporter.scrape().await;
    exporter.scrape().await;
    commands(server.port(), &["GET none", "HGET bull:a:meta x"]);
    // What this scrape looks up after the counters were read belongs to the next one.
    let page = exporter.scrape().await;
    let app = |name: &str| sample(&page, &format!("redis_app_keyspace_{name}_total"));
    assert_eq!((app("hits"), app("misses")), (1.0, 1.0), "{page}");
    assert!(sample(&page, "redis_keyspace_hits_total") > 10.0);
    assert!(sample(&page, "queue_induced_keyspace_lookups_total{system=\"rq\",result=\"hit\"}") > 2.0);
    assert_clean(&page);
}

/// Task 0 never ends, task 1 fails for good, all others succeed.
async fn work(task: u64) -> Result<(), BoxDynError> {
    match task {
        0 => std::future::pending().await,
        1 => Err(AbortError::new(std::io::Error::other("no")).into()),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn apalis_s_tasks_are_counted_in_every_state() {
    let server = RedisServer::start().await.unwrap();
    let connection = apalis_redis::connect(server.url()).await.unwrap();
    let config = Config::default().queue("shop:mail").heartbeat_interval(Duration::from_millis(50));
    let mut storage: RedisStorage<u64> = RedisStorage::new(connection).with_config(config);
    for task in 0..5 {
        storage.push_task(TaskBuilder::new(task).build()).await.unwrap();
    }
    for task in 7..9 {
        let later = TaskBuilder::new(task).run_after(Duration::from_secs(3_600)).build();
        storage.push_task(later).await.unwrap();
    }
    // No worker has registered: the queue is only known to who lists it.
    let listed = config_of("apalis", &server.url(), &[("queues", list(&["shop:mail"]))]);
    let page = exporter(listed).await.scrape().await;
    let at = |page: &str, metric: &str| find(page, &of("apalis", metric, "shop:mail"));
    assert_eq!((at(&page, "queue_length"), at(&page, "queue_scheduled")), (Some(5.0), Some(2.0)));
    assert_eq!(at(&page, "queue_listed_unknown"), None, "it holds tasks");
    assert!(at(&page, "queue_oldest_message_age_seconds").unwrap() < 600.0);

    let mut workers = tokio::task::JoinSet::new();
    workers.spawn(async move { WorkerBuilder::new("one").backend(storage).build(work).run().await });
    let found = exporter(config_of("apalis", &server.url(), &[])).await;
    let page = settled(&found, |page| {
        at(page, "queue_completed_total") == Some(3.0) && at(page, "queue_dead") == Some(1.0)
    })
    .await;
    assert_eq!(
        (at(&page, "queue_completed_total"), at(&page, "queue_dead")),
        (Some(3.0), Some(1.0)),
        "{page}"
    );
    assert_eq!((at(&page, "queue_length"), at(&page, "queue_running")), (Some(0.0), Some(1.0)));
    assert_eq!((at(&page, "queue_scheduled"), at(&page, "queue_workers")), (Some(2.0), Some(1.0)));
    assert_eq!(at(&page, "queue_time_to_drain_seconds"), Some(0.0));
    assert_clean(&page);
}

/// Six jobs that end, one that never does, and what is left waiting, in every way.
const BULLMQ: &str = r#"
const { Queue, Worker } = require("bullmq");
const url = new URL(process.argv[1]);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };
const prefix = "{shop}";
const queue = new Queue("mail", { connection, prefix });
async function main() {
    for (let n = 0; n < 4; n++) await queue.add("ok", {});
    for (let n = 0; n < 2; n++) await queue.add("bad", {});
    await queue.add("hold", {});
    let ended = 0;
    const settled = new Promise((resolve) => {
        const worker = new Worker("mail", async (job) => {
            if (job.name === "bad") throw new Error("no");
            if (job.name === "hold") { resolve(); await new Promise(() => {}); }
        }, { connection, prefix, concurrency: 1, metrics: { maxDataPoints: 10 } });
        worker.on("error", () => {});
    });
    await settled;
    for (let n = 0; n < 7; n++) await queue.add("wait", {});
    for (let n = 0; n < 3; n++) await queue.add("first", {}, { priority: 1 });
    for (let n = 0; n < 2; n++) await queue.add("later", {}, { delay: 3600000 });
    process.exit(0);
}
main();
"#;

#[tokio::test]
async fn bullmq_s_jobs_are_counted_by_state_and_the_oldest_tells_its_age() {
    let (server, node) = (RedisServer::start().await.unwrap(), BullMq::install().await.unwrap());
    // In braces, as a Redis Cluster needs it.
    let prefix = [("prefix", OptionValue::Text("{shop}".to_owned()))];
    node.script(BULLMQ, &[&server.url()]).await.unwrap();
    let page = exporter(config_of("bullmq", &server.url(), &prefix)).await.scrape().await;
    let at = |metric: &str| sample(&page, &of("bullmq", metric, "mail"));
    assert_eq!((at("queue_length"), at("queue_running"), at("queue_scheduled")), (10.0, 1.0, 2.0));
    assert_eq!((at("queue_failed"), at("queue_enqueued_total")), (2.0, 19.0));
    assert_eq!(at("queue_completed_total"), 4.0);
    assert_eq!(sample(&page, "bullmq_job_completed_total{queue=\"mail\"}"), 4.0);
    assert_eq!(sample(&page, "bullmq_job_failed_total{queue=\"mail\"}"), 2.0);
    assert!(at("queue_oldest_message_age_seconds") < 600.0);
    for (state, jobs) in [("waiting", 7.0), ("prioritized", 3.0), ("completed", 4.0), ("delayed", 2.0)] {
        let series = format!("bullmq_job_count{{queue=\"mail\",state=\"{state}\"}}");
        assert_eq!(sample(&page, &series), jobs, "{state}");
    }
    assert_clean(&page);
}

/// What Sidekiq's process runs: jobs that end, fail for another try, and fail for good.
const SIDEKIQ_JOBS: &str = r#"
require "fileutils"
Sidekiq.configure_server do |config|
  config.redis = { url: ENV_URL }
  config.on(:startup) { FileUtils.touch(File.join(__dir__, "ready")) }
end
class Ok; include Sidekiq::Worker; def perform; end; end
class Again; include Sidekiq::Worker; def perform; raise "no"; end; end
class Hold; include Sidekiq::Worker; def perform; sleep 600; end; end
class Never; include Sidekiq::Worker; sidekiq_options retry: 0; def perform; raise "no"; end; end
"#;

const SIDEKIQ_PUSH: &str = r#"
Sidekiq.configure_client { |config| config.redis = { url: ARGV[0] } }
push = ->(name, count, more = {}) { count.times { Sidekiq::Client.push({ "class" => name, "args" => [], "queue" => ARGV[1] }.merge(more)) } }
if ARGV[1] == "work"
  push.("Ok", 5); push.("Again", 2); push.("Never", 1, { "retry" => 0 }); push.("Hold", 1)
else
  push.("Ok", 6)
  push.("Ok", 3, { "at" => Time.now.to_f + 3600 })
end
"#;

#[tokio::test]
async fn sidekiq_s_jobs_are_counted_in_every_state() {
    let (server, ruby) = (RedisServer::start().await.unwrap(), Sidekiq::find().unwrap());
    let url = server.url();
    let jobs = SIDEKIQ_JOBS.replace("ENV_URL", &format!("{url:?}"));
    let worker = ruby.worker(&jobs, &["--queue", "work", "--concurrency", "3"]).await.unwrap();
    ruby.script(SIDEKIQ_PUSH, &[&url, "work"]).await.unwrap();
    ruby.script(SIDEKIQ_PUSH, &[&url, "mail"]).await.unwrap();
    let exporter = exporter(config_of("sidekiq", &url, &[])).await;
    let at = |page: &str, metric: &str, queue: &str| find(page, &of("sidekiq", metric, queue));
    // The process writes its counters when its heart beats, every few seconds.
    let is_done = |page: &str| {
        at(page, "queue_completed_total", "all") == Some(5.0)
            && find(page, "sidekiq_busy_workers") == Some(1.0)
    };
    let page = settled(&exporter, is_done).await;
    assert_eq!(at(&page, "queue_completed_total", "all"), Some(5.0), "{page}");
    assert_eq!((at(&page, "queue_retrying", "all"), at(&page, "queue_dead", "all")), (Some(2.0), Some(1.0)));
    assert_eq!(
        (at(&page, "queue_length", "mail"), at(&page, "queue_length", "work")),
        (Some(6.0), Some(0.0))
    );
    assert_eq!(at(&page, "queue_scheduled", "all"), Some(3.0));
    assert!(at(&page, "queue_oldest_message_age_seconds", "mail").unwrap() < 600.0);
    for (series, expected) in [
        ("sidekiq_queue_enqueued_jobs{name=\"mail\"}", 6.0),
        ("sidekiq_enqueued_jobs", 6.0),
        ("sidekiq_processed_jobs_total", 8.0),
        ("sidekiq_failed_jobs_total", 3.0),
        ("sidekiq_retry_jobs", 2.0),
        ("sidekiq_dead_jobs", 1.0),
        ("sidekiq_processes", 1.0),
        ("sidekiq_workers", 3.0),
        ("sidekiq_busy_workers", 1.0),
        ("sidekiq_queue_workers{name=\"work\"}", 3.0),
        ("sidekiq_queue_processes{name=\"mail\"}", 0.0),
    ] {
        assert_eq!(sample(&page, series), expected, "{series}");
    }
    assert_clean(&page);
    worker.kill();
}
