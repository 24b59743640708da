//! Queues in a Redis Cluster of three: lists and streams lie in several slots, slots move, nodes die.

use std::time::Duration;

use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{BullMq, RedisCluster};

use crate::support::{assert_clean, commands, config, config_of, exporter, find, sample, target};

/// Runs a command on the node that owns its key.
fn run(cluster: &RedisCluster, line: &str) {
    let answers: Vec<String> = cluster.nodes().iter().map(|node| commands(node.port(), &[line])).collect();
    assert!(answers.iter().any(|answer| !answer.starts_with('-')), "{line}: {answers:?}");
}

/// The slot of a key, and the node that owns it at first.
fn place(cluster: &RedisCluster, key: &str) -> (u16, usize) {
    let answer = commands(cluster.nodes()[0].port(), &[&format!("CLUSTER KEYSLOT {key}")]);
    let slot: u16 = answer.trim_start_matches(':').split('\r').next().unwrap().parse().unwrap();
    let node = (0..3).rfind(|node| usize::from(slot) >= node * 16_384 / 3).unwrap();
    (slot, node)
}

fn list(names: &[&str]) -> OptionValue {
    OptionValue::List(names.iter().map(|name| (*name).to_owned()).collect())
}

fn of(system: &str, metric: &str, queue: &str) -> String {
    format!("{metric}{{system=\"{system}\",queue=\"{queue}\"}}")
}

#[tokio::test]
async fn queues_in_several_slots_are_read_whole_and_each_lookup_is_booked_to_its_node() {
    let cluster = RedisCluster::start().await.unwrap();
    // Names in every third of the slots.
    let names: Vec<String> = (0..12).map(|n| format!("orders:{n}")).collect();
    let nodes: std::collections::BTreeSet<usize> = names.iter().map(|name| place(&cluster, name).1).collect();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    for (n, name) in names.iter().enumerate() {
        for _ in 0..=n {
            run(&cluster, &format!("XADD {name} * a 1"));
        }
    }
    for line in ["LPUSH mail a b", "LPUSH mail\u{6}\u{16}3 c", "LPUSH pay d", "SADD rq:queues rq:queue:jobs"]
    {
        run(&cluster, line);
    }
    run(&cluster, "RPUSH rq:queue:jobs 1 2 3");
    run(&cluster, "SADD queues default");
    run(&cluster, "LPUSH queue:default {}");

    let streams = exporter(config_of("stream", &cluster.url(), &[])).await;
    let page = streams.scrape().await;
    for (n, name) in names.iter().enumerate() {
        assert_eq!(sample(&page, &of("stream", "queue_length", name)), n as f64 + 1.0, "{name}");
    }
    assert_clean(&page);
    // Celery itself has no way to a cluster; its lists are read by name, without events and bus.
    let queues = [("queues", list(&["mail", "pay"]))];
    let page = exporter(config_of("celery", &cluster.url(), &queues)).await.scrape().await;
    assert_eq!(sample(&page, &of("celery", "queue_length", "mail")), 3.0);
    assert_eq!(sample(&page, &of("celery", "queue_length", "pay")), 1.0);
    assert!(!page.contains("celery_worker"), "{page}");
    let page = exporter(config_of("rq", &cluster.url(), &[])).await.scrape().await;
    assert_eq!(sample(&page, &of("rq", "queue_length", "jobs")), 3.0);
    let page = exporter(config_of("sidekiq", &cluster.url(), &[])).await.scrape().await;
    assert_eq!(sample(&page, &of("sidekiq", "queue_length", "default")), 1.0);

    // Beside the nodes' own pages: what the queues looked up is no hit or miss of the application.
    let mut both = config([cluster.url()]);
    both.targets = vec![target("stream", &cluster.url())];
    let both = exporter(both).await;
    both.scrape().await;
    let page = both.scrape().await;
    for node in cluster.nodes() {
        let target = format!("{{target=\"redis://127.0.0.1:{}\"}}", node.port());
        assert_eq!(sample(&page, &format!("redis_app_keyspace_hits_total{target}")), 0.0, "{page}");
    }
}

#[tokio::test]
async fn a_slot_that_moves_is_followed_and_a_node_that_dies_is_a_failure_and_no_half_truth() {
    let cluster = RedisCluster::start().await.unwrap();
    let tagged: Vec<String> = (0..30).map(|n| format!("{{tag}}:{n}")).collect();
    for name in &tagged {
        run(&cluster, &format!("XADD {name} * a 1"));
    }
    let (slot, from) = place(&cluster, "{tag}");
    let to = (from + 1) % 3;
    let streams = exporter(config_of("stream", &cluster.url(), &[])).await;
    let all = |page: &str| page.matches("\nqueue_length{").count();
    assert_eq!(all(&streams.scrape().await), 30);
    cluster.begin_move(slot, from, to).await.unwrap();
    assert_eq!(cluster.move_some(slot, from, to).await.unwrap(), 10);
    for page in
        [streams.scrape().await, exporter(config_of("stream", &cluster.url(), &[])).await.scrape().await]
    {
        assert_eq!(all(&page), 30, "a third of them is on its way: {page}");
        let lengths: f64 = tagged.iter().map(|name| sample(&page, &of("stream", "queue_length", name))).sum();
        assert_eq!(lengths, 30.0);
    }
    cluster.finish_move(slot, from, to).await.unwrap();
    let page = streams.scrape().await;
    let lengths: f64 = tagged.iter().map(|name| sample(&page, &of("stream", "queue_length", name))).sum();
    assert_eq!((all(&page), lengths), (30, 30.0));

    cluster.nodes()[to].kill();
    let page = streams.scrape().await;
    let success = "hitmark_exporter_collector_success{collector=\"stream\",target=";
    let line = page.lines().find(|line| line.starts_with(success)).unwrap();
    assert!(line.ends_with(" 0") && all(&page) == 0, "{page}");
    assert_eq!(find(&page, &of("stream", "queue_length", &tagged[0])), None);
}

/// Jobs of a queue whose keys share a slot, by BullMQ itself.
const BULLMQ: &str = r#"
const { Queue, Worker } = require("bullmq");
const { Cluster } = require("ioredis");
const nodes = process.argv[1].split(",").map((one) => ({ host: one.split(":")[0], port: Number(one.split(":")[1]) }));
const cluster = () => new Cluster(nodes, { redisOptions: { maxRetriesPerRequest: null } });
async function main() {
    for (const prefix of ["{shop}", "{bill}", "{news}"]) {
        const queue = new Queue("mail", { connection: cluster(), prefix });
        for (let n = 0; n < prefix.length; n++) await queue.add("ok", {});
        await queue.add("later", {}, { delay: 3600000 });
    }
    const tagged = new Queue("{mail}", { connection: cluster() });
    for (let n = 0; n < 2; n++) await tagged.add("ok", {});
    process.exit(0);
}
main();
"#;

#[tokio::test]
async fn bullmq_s_queues_are_read_with_the_braces_in_prefix_or_name() {
    let (cluster, node) = (RedisCluster::start().await.unwrap(), BullMq::install().await.unwrap());
    let hosts = cluster.url().replace("redis+cluster://", "");
    node.script(BULLMQ, &[&hosts]).await.unwrap();
    for prefix in ["{shop}", "{bill}", "{news}"] {
        let option = [("prefix", OptionValue::Text(prefix.to_owned()))];
        let page = exporter(config_of("bullmq", &cluster.url(), &option)).await.scrape().await;
        assert_eq!(sample(&page, &of("bullmq", "queue_length", "mail")), 6.0, "{page}");
        assert_eq!(sample(&page, &of("bullmq", "queue_scheduled", "mail")), 1.0);
        assert!(sample(&page, &of("bullmq", "queue_oldest_message_age_seconds", "mail")) < 600.0);
    }
    let page = exporter(config_of("bullmq", &cluster.url(), &[])).await.scrape().await;
    assert_eq!(sample(&page, &of("bullmq", "queue_length", "{mail}")), 2.0, "{page}");
}

#[tokio::test]
async fn a_cluster_is_found_from_any_of_its_seeds_and_one_that_is_gone_costs_nothing() {
    let cluster = RedisCluster::start().await.unwrap();
    run(&cluster, "XADD orders * a 1");
    let url = cluster.url().replace("://", "://127.0.0.1:1,");
    let mut config = config_of("stream", &url, &[]);
    config.redis = vec![url];
    config.timeout = Duration::from_secs(4);
    let page = exporter(config).await.scrape().await;
    assert_eq!(page.matches("\nredis_up{").count(), 3, "{page}");
    assert_eq!(sample(&page, &of("stream", "queue_length", "orders")), 1.0);
    // No cluster at all, and no database in one.
    let wrong = config_of("rq", "redis+cluster://:hunter2@h:1/3", &[]).validate().unwrap_err().to_string();
    assert!(wrong.contains("only number 0") && !wrong.contains("hunter2"), "{wrong}");
}
