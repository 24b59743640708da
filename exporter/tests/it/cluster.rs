//! A cluster of three and a Sentinel with its master and replica, all real.

use std::time::Duration;

use axum::http::StatusCode;
use hitmark_exporter::ExporterConfig;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{RedisSentinel, RedisServer, free_port};

use crate::support::{commands, config, exporter, find, get, request, sample, with_redis_options};

/// Three masters that share the slots.
struct Cluster {
    nodes: Vec<RedisServer>,
}

impl Cluster {
    async fn start() -> Self {
        let mut nodes = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..3 {
            let bus = free_port().to_string();
            let args = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"];
            nodes.push(RedisServer::start_with(&args).await.unwrap());
            buses.push(bus);
        }
        let first = nodes[0].port();
        for (node, range) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
            commands(node.port(), &[&format!("CLUSTER ADDSLOTSRANGE {range}")]);
        }
        for (node, bus) in nodes.iter().zip(&buses).skip(1) {
            commands(first, &[&format!("CLUSTER MEET 127.0.0.1 {} {bus}", node.port())]);
        }
        let cluster = Self { nodes };
        let is_whole = |port| {
            let info = commands(port, &["CLUSTER INFO"]);
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
        };
        for _ in 0..600 {
            if cluster.nodes.iter().all(|node| is_whole(node.port())) {
                return cluster;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the cluster did not form: {}", commands(first, &["CLUSTER INFO", "CLUSTER NODES"]));
    }

    fn url(&self, node: usize) -> String {
        format!("redis://127.0.0.1:{}", self.nodes[node].port())
    }

    fn config(&self, options: &[(&str, OptionValue)]) -> ExporterConfig {
        let mut config = with_redis_options(self.url(0).replace("redis://", "redis+cluster://"), options);
        let kinds = config.modules.get_mut("default").unwrap();
        let options = kinds.remove("redis").unwrap();
        kinds.insert("redis_cluster".to_owned(), options);
        config
    }
}

#[tokio::test]
async fn every_node_is_found_from_one_and_asked_as_a_target() {
    let cluster = Cluster::start().await;
    // The slots of these keys lie in the first, second and third range.
    for (node, key) in cluster.nodes.iter().zip(["b", "c", "a"]) {
        let answer = commands(node.port(), &[&format!("SET {key} abc")]);
        assert!(answer.contains("+OK"), "{key}: {answer}");
    }
    let keys = OptionValue::List(["a", "b", "c"].map(str::to_owned).to_vec());
    let exporter = exporter(cluster.config(&[("keys", keys)])).await;
    exporter.scrape().await;
    let page = exporter.scrape().await;
    let at = |name: &str, labels: &str, node: usize| {
        sample(&page, &format!("{name}{{{labels}target=\"{}\"}}", cluster.url(node)))
    };
    for node in 0..3 {
        assert_eq!(at("redis_up", "", node), 1.0);
        assert_eq!(at("redis_cluster_state", "", node), 1.0);
        assert_eq!(at("redis_cluster_slots_assigned", "", node), 16_384.0);
        assert_eq!(at("redis_cluster_known_nodes", "", node), 3.0);
        assert_eq!(at("redis_db_keys", "db=\"db0\",", node), 1.0);
        let key = ["b", "c", "a"][node];
        assert_eq!(at("redis_key_size", &format!("db=\"db0\",key=\"{key}\","), node), 3.0);
        let address = format!("127.0.0.1:{}", cluster.nodes[node].port());
        let slots = sample(&page, &format!("redis_cluster_node_slots{{node=\"{address}\"}}"));
        assert_eq!(slots, [5_461.0, 5_462.0, 5_461.0][node]);
    }
    assert_eq!(page.matches("\nredis_key_size{").count(), 3, "each key is asked of its owner only");
    assert!(!page.contains("redis_errors_total{err=\"MOVED\""), "{page}");
    assert_eq!(sample(&page, "redis_cluster_nodes_found"), 3.0);
    assert_eq!(sample(&page, "redis_cluster_nodes_left_out"), 0.0);
    let complaints = hitmark_testkit::promtool_with_input(["check", "metrics"], &page);
    assert!(complaints.is_ok() || !complaints.unwrap_err().to_string().contains("redis_cluster_node"));
}

#[tokio::test]
async fn a_cluster_without_its_seed_is_still_found_and_the_bound_holds() {
    let cluster = Cluster::start().await;
    let exporter_of_all = exporter(cluster.config(&[])).await;
    exporter_of_all.scrape().await;
    cluster.nodes[0].kill();
    let page = exporter_of_all.scrape().await;
    let up = |node: usize| sample(&page, &format!("redis_up{{target=\"{}\"}}", cluster.url(node)));
    assert_eq!([up(0), up(1), up(2)], [0.0, 1.0, 1.0]);

    cluster.nodes[0].restart().await.unwrap();
    let mut bounded = cluster.config(&[("nodes_max", OptionValue::Number(2.0))]);
    bounded.redis = vec![cluster.url(1).replace("redis://", "redis+cluster://")];
    let page = exporter(bounded).await.scrape().await;
    assert_eq!(page.matches("\nredis_up{").count(), 2, "{page}");
    assert_eq!(sample(&page, "redis_cluster_nodes_left_out"), 1.0);
}

#[tokio::test]
async fn a_node_that_hangs_costs_its_own_samples_even_if_it_is_the_seed() {
    let cluster = Cluster::start().await;
    let mut config = cluster.config(&[]);
    config.timeout = Duration::from_secs(4);
    let exporter = exporter(config).await;
    exporter.scrape().await;
    cluster.nodes[0].pause();
    let page = exporter.scrape().await;
    cluster.nodes[0].resume();
    let up = |node: usize| sample(&page, &format!("redis_up{{target=\"{}\"}}", cluster.url(node)));
    assert_eq!([up(0), up(1), up(2)], [0.0, 1.0, 1.0]);
}

#[tokio::test]
async fn a_node_that_is_a_target_too_stands_on_the_page_once() {
    let cluster = Cluster::start().await;
    let mut config = cluster.config(&[]);
    config.redis.push(cluster.url(1));
    config.redis.push(cluster.url(2).replace("redis://", "redis+cluster://"));
    let page = exporter(config).await.scrape().await;
    assert_eq!(page.matches("\nredis_up{").count(), 3, "{page}");
    let series: Vec<&str> = page.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
    let different: std::collections::HashSet<&str> = series.iter().copied().collect();
    assert_eq!(series.len(), different.len(), "no series twice");
}

#[tokio::test]
async fn the_nodes_are_told_to_service_discovery() {
    let cluster = Cluster::start().await;
    let mut config = cluster.config(&[]);
    config.redis[0] = config.redis[0].replace("127.0.0.1", ":hunter2@127.0.0.1");
    let with_password = exporter(config).await;
    // These servers have no password: the refusal is told, the password is not.
    let (status, text) = get(&with_password, request("/discover-cluster-nodes")).await;
    assert!(status == StatusCode::BAD_GATEWAY && !text.contains("hunter2"), "{status} {text}");

    let exporter = exporter(cluster.config(&[])).await;
    let (status, text) = get(&exporter, request("/discover-cluster-nodes")).await;
    assert_eq!(status, StatusCode::OK);
    let groups: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut targets: Vec<&str> =
        groups[0]["targets"].as_array().unwrap().iter().map(|target| target.as_str().unwrap()).collect();
    let mut nodes: Vec<String> = (0..3).map(|node| cluster.url(node)).collect();
    targets.sort_unstable();
    nodes.sort_unstable();
    assert_eq!(targets, nodes);
    assert_eq!(groups[0]["labels"]["__meta_redis_role"], "master");
}

#[tokio::test]
async fn a_server_that_is_no_cluster_is_a_failure_with_its_words() {
    let server = RedisServer::start().await.unwrap();
    let url = format!("redis+cluster://127.0.0.1:{}", server.port());
    let exporter = exporter(config([url.clone()])).await;
    let page = exporter.scrape().await;
    let success =
        format!("hitmark_exporter_collector_success{{collector=\"redis_cluster\",target=\"{url}\"}}");
    assert_eq!(sample(&page, &success), 0.0);
    assert_eq!(
        sample(&page, "hitmark_exporter_failures_total{collector=\"redis_cluster\",kind=\"refused\"}"),
        1.0
    );
    let (status, _) = get(&exporter, request(&format!("/discover?target=redis://h:{}", server.port()))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_sentinel_tells_its_master_and_who_watches_it() {
    let sentinel = RedisSentinel::start().await.unwrap();
    let url = sentinel.url().replace("redis+sentinel", "redis").replace("/main/0", "");
    let exporter = exporter(config([url])).await;
    exporter.scrape().await;
    let page = exporter.scrape().await;
    let address = format!("127.0.0.1:{}", sentinel.first_master().port());
    let master = format!("master_name=\"main\",master_address=\"{address}\"");
    let of = |name: &str| sample(&page, &format!("redis_sentinel_master_{name}{{{master}}}"));
    assert_eq!((sample(&page, "redis_up"), sample(&page, "redis_sentinel_masters")), (1.0, 1.0));
    assert_eq!(sample(&page, "redis_sentinel_tilt"), 0.0);
    assert_eq!(sample(&page, &format!("redis_sentinel_master_status{{{master},master_status=\"ok\"}}")), 1.0);
    for (name, value) in [
        ("slaves", 1.0),
        ("ok_slaves", 1.0),
        ("sentinels", 1.0),
        ("ok_sentinels", 1.0),
        ("setting_ckquorum", 1.0),
        ("setting_down_after_milliseconds", 1500.0),
        ("setting_failover_timeout", 5_000.0),
        ("setting_parallel_syncs", 1.0),
    ] {
        assert_eq!(of(name), value, "{name}");
    }
    assert!(of("last_ok_ping_reply_seconds") < 60.0);
    assert!(
        page.contains("redis_sentinel_master_ckquorum_status{master_name=\"main\",message=\"OK 1 usable")
    );

    sentinel.first_replica().kill();
    let is_down =
        |page: &str| find(page, &format!("redis_sentinel_master_ok_slaves{{{master}}}")) == Some(0.0);
    for _ in 0..400 {
        if is_down(&exporter.scrape().await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("a replica that is gone was never told");
}
