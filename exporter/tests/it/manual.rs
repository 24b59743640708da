//! `docs/exporter.md` is true: every flag and option that it names exists, every option that exists is named,
//! and every flag of redis_exporter has its row.

use std::collections::BTreeSet;
use std::process::Command;

use hitmark_exporter::options::OptionValue;

use crate::support::{here, with_redis_options};

/// The flags of redis_exporter's newest version.
const THEIRS: &str = "append-instance-role-label basic-auth-hash-password basic-auth-password basic-auth-username \
    check-key-groups check-keys check-keys-batch-size check-search-indexes check-single-keys \
    check-single-streams check-streams cluster-discover-hostnames config-command connection-timeout count-keys \
    debug disable-exporting-key-values disable-scrape-endpoint exclude-latency-histogram-metrics \
    export-client-list export-client-port include-cluster-slot-stats include-config-metrics \
    include-go-runtime-metrics include-metrics-for-empty-databases include-modules-metrics \
    include-rdb-file-size-metric include-search-indexes-metrics include-sentinel-peer-info \
    include-system-metrics is-cluster is-tile38 log-format log-level lua-script-read-only \
    max-distinct-key-groups namespace ping-on-connect redact-config-metrics redis-only-metrics redis.addr \
    redis.password redis.password-file redis.user script set-client-name skip-checkkeys-for-role-master \
    skip-tls-verification streams-exclude-consumer-metrics tls-ca-cert-file tls-client-cert-file \
    tls-client-key-file tls-server-ca-cert-file tls-server-cert-file tls-server-key-file \
    tls-server-min-version tls-server-name version web.listen-address web.telemetry-path";

/// The rows of the table below a heading, each as its cells.
fn table(heading: &str) -> Vec<Vec<String>> {
    let manual = std::fs::read_to_string(here("../../docs/exporter.md")).unwrap();
    let (_, below) = manual.split_once(&format!("\n## {heading}\n")).unwrap();
    let rows =
        below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// What stands between backticks.
fn words(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The options of a Redis module, as the message about an unknown one tells them.
fn options() -> BTreeSet<String> {
    let unknown = [("no_such_option", OptionValue::Flag(true))];
    let config = with_redis_options("redis://127.0.0.1:1".to_owned(), &unknown);
    let told = config.validate().unwrap_err().to_string();
    let (_, known) = told.split_once("unknown option; known are ").unwrap();
    known.lines().next().unwrap().split(", ").map(|name| name.trim_end_matches('.').to_owned()).collect()
}

fn flags() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hitmark-exporter")).arg("--help").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_option_of_a_redis_module_is_in_the_manual_and_every_one_there_exists() {
    let named: BTreeSet<String> =
        table("Options of a Redis module").iter().flat_map(|row| words(&row[0])).collect();
    let of_tls = |name: &String| name.starts_with("tls_") || name == "skip_tls_verification";
    let known: BTreeSet<String> = options().into_iter().filter(|name| !of_tls(name)).collect();
    assert!(known.len() > 20, "{known:?}");
    assert_eq!(named, known);
}

#[test]
fn every_flag_of_redis_exporter_has_a_row_with_what_exists_here_or_a_reason() {
    let rows = table("From redis_exporter to this exporter");
    let theirs: Vec<String> = rows.iter().flat_map(|row| words(&row[0])).collect();
    let unique: BTreeSet<&str> = theirs.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), theirs.len(), "a flag has one row");
    assert_eq!(unique, THEIRS.split_whitespace().collect::<BTreeSet<&str>>());
    let (options, flags) = (options(), flags());
    for row in &rows {
        let ours = words(&row[1]);
        assert!(!ours.is_empty() || !row[2].is_empty(), "{row:?}: neither a key nor a reason");
        for name in ours {
            let is_flag = name.starts_with("--") && flags.contains(&format!("{name} "))
                || flags.contains(&format!("{name}\n"));
            assert!(is_flag || options.contains(&name), "{row:?}: there is no {name}");
        }
    }
}
