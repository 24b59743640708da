//! Every field of `INFO` that a real server writes is exported or left out on purpose, and the newer ones
//! tell what clients did.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use hitmark_exporter::Exporter;
use hitmark_exporter::collectors::redis::{NOT_EXPORTED, unknown_fields};
use hitmark_testkit::{RedisSentinel, RedisServer, RedisVersion};

use crate::support::{commands, config, exporter, find, sample};

const THREADS: &[&str] = &["--io-threads", "2"];

/// A server of this version; none is Debian's.
async fn start(version: Option<RedisVersion>, args: &[&str]) -> RedisServer {
    match version {
        Some(version) => RedisServer::start_version(version, args).await,
        None => RedisServer::start_with(args).await,
    }
    .unwrap()
}

/// The first page, or text of `INFO ALL`, that holds these words.
async fn info_with(port: u16, words: &str) -> String {
    for _ in 0..600 {
        let info = commands(port, &["INFO ALL"]);
        if info.contains(words) {
            return info;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{words} within 60 s:\n{}", commands(port, &["INFO ALL"]));
}

/// A busy master, its replica, a replica without a master and a node of a cluster.
async fn assert_every_field_is_decided_about(version: Option<RedisVersion>) {
    // The delay would only wait for more replicas.
    let args = ["--appendonly", "yes", "--repl-diskless-sync-delay", "0"];
    let master = start(version, &[THREADS, &args].concat()).await;
    let port = master.port().to_string();
    commands(
        master.port(),
        &["SET a 1", "SET b 2 EX 600", "GET a", "INCR", "RPUSH l 1 2", "HSET h f v", "BGREWRITEAOF"],
    );
    let replica = start(version, &["--replicaof", "127.0.0.1", &port]).await;
    let orphan = start(version, &["--replicaof", "127.0.0.1", "1"]).await;
    let node = start(version, &[THREADS, &["--cluster-enabled", "yes"]].concat()).await;
    let pages = [
        info_with(replica.port(), "master_link_status:up").await,
        info_with(master.port(), "state=online").await,
        info_with(orphan.port(), "master_link_status:down").await,
        info_with(node.port(), "cluster_enabled:1").await,
    ];
    for info in &pages {
        assert_eq!(unknown_fields(info), [""; 0], "decide about these: fields.rs, lines.rs or known.rs");
        assert!(info.contains("used_memory:"), "{info}");
    }
}

/// A replica that loads its copy slowly: the only time at which a server tells how far it is.
async fn assert_loading_is_told(version: Option<RedisVersion>) {
    let master = start(version, &["--repl-diskless-sync-delay", "0"]).await;
    let port = master.port().to_string();
    let keys: Vec<String> = (0..4_000).map(|key| format!("SET key:{key} {}", "x".repeat(64))).collect();
    commands(master.port(), &keys.iter().map(String::as_str).collect::<Vec<_>>());
    // Ten milliseconds for each key, with a look at the clients between.
    let slowly = ["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"];
    let replica = start(version, &slowly).await;
    // Only now: who loads does not say that it is ready, and the start would wait until it has loaded.
    commands(replica.port(), &[&format!("REPLICAOF 127.0.0.1 {port}")]);
    let info = info_with(replica.port(), "\r\nloading_eta_seconds:").await;
    assert_eq!(unknown_fields(&info), [""; 0], "decide about these");
    let exporter = exporter(config([replica.url()])).await;
    let page = exporter.scrape().await;
    assert_eq!((sample(&page, "redis_up"), sample(&page, "redis_loading_dump_file")), (1.0, 1.0), "{page}");
    let (size, loaded) =
        (sample(&page, "redis_loading_size_bytes"), sample(&page, "redis_loading_loaded_bytes"));
    assert!(0.0 < loaded && loaded < size, "{loaded} of {size}");
    assert!(sample(&page, "redis_loading_eta_seconds") >= 0.0);
    assert!(sample(&page, "redis_loading_start_timestamp_seconds") > 1e9);
    commands(replica.port(), &["CONFIG SET key-load-delay 0"]);
    let after = exporter_until(&exporter, "redis_loading_dump_file 0\n").await;
    assert_eq!(find(&after, "redis_loading_eta_seconds"), None, "told while it loads only");
    assert_eq!(sample(&after, "redis_db_keys{db=\"db0\"}"), 4_000.0);
}

async fn exporter_until(exporter: &Exporter, words: &str) -> String {
    for _ in 0..600 {
        let page = exporter.scrape().await;
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{words} within 60 s:\n{}", exporter.scrape().await);
}

#[tokio::test]
async fn redis_tells_how_far_it_has_loaded() {
    // Redis 6.2 cannot be made to look at its clients this often.
    for version in [None, Some(RedisVersion::Redis8)] {
        assert_loading_is_told(version).await;
    }
}

#[tokio::test]
async fn valkey_tells_how_far_it_has_loaded() {
    for version in [RedisVersion::Valkey8, RedisVersion::Valkey9] {
        assert_loading_is_told(Some(version)).await;
    }
}

#[tokio::test]
async fn every_field_of_redis_7_0_and_of_its_sentinel_is_decided_about() {
    assert_every_field_is_decided_about(None).await;
    let sentinel = RedisSentinel::start().await.unwrap();
    let address = sentinel.url();
    let address = address.split("//").nth(1).unwrap().split('/').next().unwrap();
    // A Sentinel knows no QUIT, so its answer ends with what it says of its master.
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"INFO ALL\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut info = Vec::new();
    while info.last().is_none_or(|line: &String| !line.starts_with("master0:")) {
        info.push(lines.next().unwrap());
    }
    let info = info.join("\n");
    assert!(info.contains("sentinel_masters:1"), "{info}");
    assert_eq!(unknown_fields(&info), [""; 0]);
}

#[tokio::test]
async fn every_field_of_redis_6_2_is_decided_about() {
    assert_every_field_is_decided_about(Some(RedisVersion::Redis6)).await;
}

#[tokio::test]
async fn every_field_of_redis_8_2_is_decided_about() {
    assert_every_field_is_decided_about(Some(RedisVersion::Redis8)).await;
}

#[tokio::test]
async fn every_field_of_valkey_8_1_is_decided_about() {
    assert_every_field_is_decided_about(Some(RedisVersion::Valkey8)).await;
}

#[tokio::test]
async fn every_field_of_valkey_9_1_is_decided_about() {
    assert_every_field_is_decided_about(Some(RedisVersion::Valkey9)).await;
}

#[test]
fn each_field_that_is_left_out_has_a_reason() {
    assert!(NOT_EXPORTED.iter().all(|(field, why)| !field.is_empty() && why.len() > 20));
}

/// What clients did to fields of hashes and against their rights, on the servers that have such fields.
async fn assert_newer_fields_are_exact(version: RedisVersion, expired: &str) {
    let server = start(Some(version), THREADS).await;
    let exporter = exporter(config([server.url()])).await;
    commands(
        server.port(),
        &["ACL SETUSER reader on nopass +get ~free:*", "HSET h gone v stays v", "SET text 12345678"],
    );
    commands(server.port(), &["AUTH reader x", "GET free:1", "GET text", "DEL free:1", "DEL free:1"]);
    commands(server.port(), &["HEXPIRE h 600 FIELDS 1 stays"]);
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "redis_db_keys_with_expiring_items{db=\"db0\"}"), 1.0);
    assert_eq!(sample(&page, expired), 0.0);
    assert_eq!(sample(&page, "redis_acl_access_denied_cmd_total"), 2.0);
    assert_eq!(sample(&page, "redis_acl_access_denied_key_total"), 1.0);
    assert_eq!(sample(&page, "redis_acl_access_denied_auth_total"), 0.0);
    commands(server.port(), &["AUTH nobody x", "HPEXPIRE h 1 FIELDS 1 gone"]);
    let mut page = exporter.scrape().await;
    for _ in 0..600 {
        if sample(&page, expired) == 1.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        page = exporter.scrape().await;
    }
    assert_eq!(sample(&page, expired), 1.0, "{page}");
    assert_eq!(sample(&page, "redis_acl_access_denied_auth_total"), 1.0);
    if version == RedisVersion::Redis8 {
        let sized = |kind: &str, size: u32| {
            let labels = format!("{{db=\"db0\",type=\"{kind}\",at_least=\"{size}\"}}");
            find(&page, &format!("redis_db_sized_keys{labels}"))
        };
        assert_eq!(
            (sized("strings", 8), sized("hashes", 1), sized("strings", 16)),
            (Some(1.0), Some(1.0), None)
        );
        assert!(sample(&page, "redis_io_thread_clients{thread=\"1\"}") >= 0.0);
    } else {
        let engine = page.lines().find(|line| line.starts_with("redis_scripting_engine_info{engine=\"LUA\""));
        assert!(engine.is_some_and(|line| line.ends_with(" 1")), "{page}");
        assert_eq!(sample(&page, "redis_tls_certificate_info{certificate=\"server\",serial=\"none\"}"), 1.0);
    }
}

#[tokio::test]
async fn the_newer_fields_of_redis_8_2_are_exact() {
    assert_newer_fields_are_exact(RedisVersion::Redis8, "redis_expired_subkeys_total").await;
}

#[tokio::test]
async fn the_newer_fields_of_valkey_9_1_are_exact() {
    assert_newer_fields_are_exact(RedisVersion::Valkey9, "redis_expired_fields_total").await;
}
