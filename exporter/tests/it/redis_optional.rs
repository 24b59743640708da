//! What a Redis module may ask for beyond keys and clients: slots, search indexes, modules, and leaving
//! masters alone.

use std::time::Duration;

use hitmark_exporter::ExporterConfig;
use hitmark_exporter::options::OptionValue;
use hitmark_testkit::{RedisServer, RedisVersion};

use crate::support::{assert_clean, commands, config, exporter, find, sample, with_redis_options};

fn list(items: &[&str]) -> OptionValue {
    OptionValue::List(items.iter().map(|item| (*item).to_owned()).collect())
}

/// The first page that this holds of, of those within a minute.
async fn until(config: ExporterConfig, holds: impl Fn(&str) -> bool) -> String {
    let exporter = exporter(config).await;
    let mut page = String::new();
    for _ in 0..600 {
        page = exporter.scrape().await;
        if holds(&page) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute:\n{page}");
}

/// A cluster of one node, which owns every slot.
async fn assert_slots_are_told(version: RedisVersion) {
    let server = RedisServer::start_version(version, &["--cluster-enabled", "yes"]).await.unwrap();
    commands(server.port(), &["CLUSTER ADDSLOTSRANGE 0 16383"]);
    for _ in 0..600 {
        if commands(server.port(), &["CLUSTER INFO"]).contains("cluster_state:ok") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Tags decide the slot.
    commands(
        server.port(),
        &["SET {a}1 x", "SET {a}2 x", "SET {a}3 x", "SET {b}1 x", "SET {b}2 x", "SET c x"],
    );
    let slots: Vec<String> = ["a", "b", "c"]
        .iter()
        .map(|tag| commands(server.port(), &[&format!("CLUSTER KEYSLOT {tag}")]))
        .map(|answer| answer.lines().next().unwrap().trim_start_matches(':').to_owned())
        .collect();
    let exporter =
        exporter(with_redis_options(server.url(), &[("slot_stats", OptionValue::Number(2.0))])).await;
    let page = exporter.scrape().await;
    let keys = |slot: &str| find(&page, &format!("redis_cluster_slot_key_count{{slot=\"{slot}\"}}"));
    assert_eq!([keys(&slots[0]), keys(&slots[1]), keys(&slots[2])], [Some(3.0), Some(2.0), None], "{page}");
    assert_eq!(page.matches("\nredis_cluster_slot_").count(), 2, "the server keeps no other figures");

    commands(server.port(), &["CONFIG SET cluster-slot-stats-enabled yes", "GET c", "GET c"]);
    let page = exporter.scrape().await;
    let of = |name: &str| find(&page, &format!("redis_cluster_slot_{name}{{slot=\"{}\"}}", slots[2]));
    assert_eq!(of("key_count"), Some(1.0), "first by work, not by keys\n{page}");
    assert!(of("cpu_usec_total").is_some() && of("network_bytes_in_total") > Some(0.0), "{page}");
    assert!(of("network_bytes_out_total") > Some(0.0), "{page}");
    assert_eq!(sample(&page, "redis_total_error_replies"), 0.0, "no question was an error");
    assert_clean(&page);
}

#[tokio::test]
async fn the_first_slots_of_redis_8_2_are_told() {
    assert_slots_are_told(RedisVersion::Redis8).await;
}

#[tokio::test]
async fn the_first_slots_of_valkey_8_1_are_told() {
    assert_slots_are_told(RedisVersion::Valkey8).await;
}

#[tokio::test]
async fn search_indexes_and_their_module_are_told_as_the_server_tells_them() {
    let module = RedisServer::search_module().await.unwrap();
    let server = RedisServer::start_version(RedisVersion::Redis8, &["--loadmodule", &module]).await.unwrap();
    commands(
        server.port(),
        &[
            "FT.CREATE answers ON HASH PREFIX 1 a: SCHEMA text TEXT price NUMERIC",
            "FT.CREATE others ON HASH PREFIX 1 o: SCHEMA text TEXT",
            "HSET a:1 text hello price 3",
            "HSET a:2 text world price 4",
            "HSET o:1 text other",
        ],
    );
    let options = [("search_indexes", list(&["ans*"])), ("modules", OptionValue::Flag(true))];
    let built = "redis_search_index_percent_indexed{index_name=\"answers\"} 1\n";
    let page = until(with_redis_options(server.url(), &options), |page| page.contains(built)).await;
    let of = |name: &str| sample(&page, &format!("redis_search_index_{name}{{index_name=\"answers\"}}"));
    assert_eq!((of("num_docs"), of("percent_indexed"), of("hash_indexing_failures")), (2.0, 1.0, 0.0));
    assert!(of("total_index_memory_size_bytes") > 0.0 && of("number_of_uses_total") > 0.0, "{page}");
    assert!(!page.contains("index_name=\"others\""), "{page}");
    assert_eq!(sample(&page, "redis_search_number_of_indexes"), 2.0);
    assert!(sample(&page, "redis_search_used_memory_indexes_bytes") > 0.0);
    assert!(page.contains("redis_module_info{name=\"search\",ver=\"210"), "{page}");
    assert_eq!(sample(&page, "redis_total_error_replies"), 0.0);
    assert_clean(&page);
}

#[tokio::test]
async fn servers_without_slots_or_the_search_module_are_not_asked_for_them() {
    let server = RedisServer::start().await.unwrap();
    let options = [
        ("search_indexes", list(&["*"])),
        ("modules", OptionValue::Flag(true)),
        ("slot_stats", OptionValue::Number(5.0)),
    ];
    let page = exporter(with_redis_options(server.url(), &options)).await.scrape().await;
    assert_eq!((sample(&page, "redis_up"), sample(&page, "redis_total_error_replies")), (1.0, 0.0));
    assert!(!page.contains("redis_search") && !page.contains("redis_cluster_slot_"), "{page}");
}

#[tokio::test]
async fn keys_of_a_master_are_left_alone_where_the_module_says_so() {
    let master = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"]).await.unwrap();
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await.unwrap();
    commands(master.port(), &["SET a abc", "XADD x * f v", "XGROUP CREATE x g 0"]);
    commands(master.port(), &["XREADGROUP GROUP g c COUNT 1 STREAMS x >"]);
    for _ in 0..600 {
        if commands(replica.port(), &["XPENDING x g"]).contains("c\r\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let options = [
        ("keys", list(&["a"])),
        ("streams", list(&["x"])),
        ("key_groups", OptionValue::Flag(true)),
        ("keys_on_replicas_only", OptionValue::Flag(true)),
        ("stream_consumers", OptionValue::Flag(false)),
    ];
    let [of_master, of_replica] =
        [&master, &replica].map(|server| with_redis_options(server.url(), &options));
    let of_master = exporter(of_master).await.scrape().await;
    // The pass over all keys may need several scrapes.
    let of_replica = until(of_replica, |page| page.contains("redis_key_group_count{")).await;
    for name in ["redis_key_size", "redis_stream_length", "redis_key_group_count"] {
        assert!(!of_master.contains(name), "{name}\n{of_master}");
        assert!(of_replica.contains(name), "{name}\n{of_replica}");
    }
    assert_eq!(sample(&of_master, "redis_keyspace_hits_total"), hits_of_clients(&master));
    let group = "{db=\"db0\",stream=\"x\",group=\"g\"}";
    assert_eq!(sample(&of_replica, &format!("redis_stream_group_messages_pending{group}")), 1.0);
    assert!(!of_replica.contains("redis_stream_group_consumer_"), "{of_replica}");
}

/// What the server counted, which nobody but this test's clients looked up.
fn hits_of_clients(server: &RedisServer) -> f64 {
    let info = commands(server.port(), &["INFO stats"]);
    info.lines().find_map(|line| line.strip_prefix("keyspace_hits:")?.parse().ok()).unwrap()
}

#[tokio::test]
async fn options_out_of_range_are_mistakes() {
    for (name, value) in [
        ("slot_stats", OptionValue::Number(20_000.0)),
        ("modules", OptionValue::Text("yes".to_owned())),
        ("search_indexes", OptionValue::Flag(true)),
    ] {
        let config = with_redis_options("redis://127.0.0.1:1".to_owned(), &[(name, value)]);
        let text = config.validate().unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
    }
    assert!(config(["redis://127.0.0.1:1".to_owned()]).validate().is_ok());
}
