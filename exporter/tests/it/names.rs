//! Every name, type and label set of redis_exporter that a Redis 7.0 can give is given.
//!
//! `tests/fixtures/redis_names-7.0.txt` is the list: name, type, labels. Only what Redis 7.0 cannot
//! give stands not in it: fields of Valkey, KeyDB and Tile38, modules that are not installed, and
//! values of Lua scripts. A master with a replica, a Sentinel, a node of a cluster and every option
//! of the module together give all of it.

use std::collections::{BTreeMap, BTreeSet};

use hitmark_exporter::options::OptionValue;
use hitmark_schema::metrics::REDIS_KEPT;
use hitmark_testkit::{RedisSentinel, RedisServer, promtool_with_input};

use crate::support::{commands, config, exporter, find, get, request, sample, with_redis_options};

/// Name to type and label sets, as a page shows them.
#[derive(Default)]
pub(crate) struct Shown {
    types: BTreeMap<String, String>,
    labels: BTreeMap<String, BTreeSet<Vec<String>>>,
}

impl Shown {
    pub(crate) fn add(&mut self, page: &str) {
        for line in page.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                let (name, kind) = declared.split_once(' ').unwrap();
                self.types.insert(name.to_owned(), kind.to_owned());
            } else if !line.starts_with('#') {
                let series = line.rsplit_once(' ').unwrap().0;
                let (name, labels) = series.split_once('{').unwrap_or((series, ""));
                self.labels.entry(self.family(name)).or_default().insert(names_of(labels));
            }
        }
    }

    /// The names of the list that were not shown as the list says, each with what was shown.
    pub(crate) fn missing(&self) -> Vec<(&'static str, String)> {
        let list = include_str!("../fixtures/redis_names-7.0.txt");
        assert!(list.lines().count() > 150);
        let mut missing = Vec::new();
        for line in list.lines() {
            let mut words = line.split(' ');
            let (name, kind) = (words.next().unwrap(), words.next().unwrap());
            let labels: Vec<String> =
                words.next().map_or(Vec::new(), |labels| labels.split(',').map(str::to_owned).collect());
            // Valkey adds its own version to who it is.
            let mut of_valkey = labels.clone();
            of_valkey.extend(["valkey_version", "valkey_release_stage"].map(str::to_owned));
            let given =
                self.labels.get(name).is_some_and(|sets| sets.contains(&labels) || sets.contains(&of_valkey));
            if !given || self.types.get(name).map(String::as_str) != Some(kind) {
                missing
                    .push((name, format!("{line}: {:?} {:?}", self.types.get(name), self.labels.get(name))));
            }
        }
        missing
    }

    /// The family of a series: histograms and summaries write several.
    fn family(&self, name: &str) -> String {
        let suffixes = ["_bucket", "_count", "_sum"].iter();
        let cut = suffixes.filter_map(|suffix| name.strip_suffix(suffix));
        let mut composed = cut.filter(|short| {
            self.types.get(*short).is_some_and(|kind| kind == "histogram" || kind == "summary")
        });
        composed.next().unwrap_or(name).to_owned()
    }
}

/// The label names of `a="x",b="y"}`, but for those of buckets and quantiles.
fn names_of(labels: &str) -> Vec<String> {
    let (mut names, mut rest) = (Vec::new(), labels.trim_end_matches('}'));
    while let Some((name, after)) = rest.split_once("=\"") {
        names.push(name.trim_start_matches(',').to_owned());
        let mut escaped = false;
        let end = after.char_indices().find(|(_, sign)| {
            let ends = *sign == '"' && !escaped;
            escaped = *sign == '\\' && !escaped;
            ends
        });
        rest = &after[end.unwrap().0 + 1..];
    }
    names.retain(|name| name != "le" && name != "quantile");
    names
}

fn every_option() -> Vec<(&'static str, OptionValue)> {
    let list = |items: &[&str]| OptionValue::List(items.iter().map(|item| (*item).to_owned()).collect());
    let mut options = vec![
        ("keys", list(&["number", "text", "user:*"])),
        ("count_keys", list(&["user:*", "*"])),
        ("streams", list(&["x"])),
        ("census_ms", OptionValue::Number(1_000.0)),
        ("latency_histogram_every", OptionValue::Number(1.0)),
    ];
    for flag in ["key_values", "key_groups", "clients", "client_details", "config", "ping"] {
        options.push((flag, OptionValue::Flag(true)));
    }
    options
}

/// What a server is started with whose full page is asked for.
pub(crate) const FULL: [&str; 4] = ["--latency-monitor-threshold", "1", "--requirepass", "hunter2"];

/// The pages of a busy server with every option, before and after the requests that only fail.
pub(crate) async fn full_page(server: &RedisServer) -> String {
    commands(
        server.port(),
        &[
            "AUTH hunter2",
            "SET number 42 EX 600",
            "SET text words",
            "SET user:1 a",
            "SET user:2 b",
            "LPUSH text x",
            "GET a b",
            "XADD x * f v",
            "XADD x * f v",
            "XGROUP CREATE x g 0",
            "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
            "DEBUG SLEEP 0.02",
        ],
    );
    let url = server.url().replace("127.0.0.1", ":hunter2@127.0.0.1");
    let exporter = exporter(with_redis_options(url, &every_option())).await;
    get(&exporter, request("/probe")).await;
    exporter.scrape().await;
    let page = exporter.scrape().await;
    assert_eq!(sample(&page, "redis_keys_count{db=\"db0\",key=\"user:*\"}"), 2.0);
    assert_eq!(sample(&page, "redis_keys_count{db=\"db0\",key=\"*\"}"), 5.0);
    assert_eq!(sample(&page, "redis_key_group_count{db=\"db0\",key_group=\"user\"}"), 2.0);
    assert_eq!(sample(&page, "redis_key_size{db=\"db0\",key=\"user:2\"}"), 1.0, "found by its pattern");
    assert_eq!(sample(&page, "redis_key_value{db=\"db0\",key=\"number\"}"), 42.0);
    assert_eq!(sample(&page, "redis_key_value_as_string{db=\"db0\",key=\"text\",val=\"words\"}"), 1.0);
    let consumer = "{db=\"db0\",stream=\"x\",group=\"g\",consumer=\"c\"}";
    assert_eq!(sample(&page, &format!("redis_stream_group_consumer_messages_pending{consumer}")), 1.0);
    // From 7.0 on.
    let added = find(&page, "redis_stream_entries_added_total{db=\"db0\",stream=\"x\"}");
    assert!(added.is_none_or(|added| added == 2.0), "{added:?}");
    assert_eq!(sample(&page, "redis_target_scrape_request_errors_total"), 1.0);
    for name in ["redis_app_keyspace_hits_total", "redis_app_keyspace_misses_total"] {
        let next = exporter.scrape().await;
        assert_eq!(sample(&next, name), sample(&page, name), "{name}: nobody else looked anything up");
    }
    assert!(!page.contains("hunter2"), "{page}");
    page
}

#[tokio::test]
async fn every_name_type_and_label_set_is_there() {
    let mut shown = Shown::default();
    let debug = ["--enable-debug-command", "yes"];
    let server = RedisServer::start_with(&[&FULL[..], &debug].concat()).await.unwrap();
    let full = full_page(&server).await;
    shown.add(&full);

    let sentinel = RedisSentinel::start().await.unwrap();
    let of_sentinel = sentinel.url().replace("redis+sentinel", "redis").replace("/main/0", "");
    let node = RedisServer::start_with(&["--cluster-enabled", "yes"]).await.unwrap();
    let urls = [sentinel.first_master().url(), sentinel.first_replica().url(), of_sentinel, node.url()];
    for url in urls {
        shown.add(&exporter(config([url])).await.scrape().await);
    }

    let missing: Vec<String> = shown.missing().into_iter().map(|(_, what)| what).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));

    if let Err(error) = promtool_with_input(["check", "metrics"], &full) {
        let complaints = error.to_string();
        assert!(!complaints.contains("error while linting"), "{complaints}");
        for line in complaints.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            assert!(REDIS_KEPT.contains(&line.split_whitespace().next().unwrap()), "{line}");
        }
    }
}
