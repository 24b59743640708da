//! Plan files: what is accepted, and how every mistake is told.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

use std::time::Duration;

use hitmark_loadtests::Plan;
use hitmark_loadtests::keys::KeyDistribution;
use hitmark_loadtests::plan::CompareBodies;
use hitmark_schema::{LoadModel, Variant};

const LEAST: &str = r#"
[run]
seed = 42
pairs = 20
allow_hosts = []

[[experiment]]
name = "product detail"
differs = "response cache"
path = "/market/products/{key}"
keys = { dist = "zipf", s = 1.07, n = 10000 }
users = 20
[experiment.baseline]
name = "uncached"
base_url = "http://127.0.0.1:8080"
headers = { "cache-control" = "no-cache" }
[experiment.candidate]
name = "cached"
base_url = "http://127.0.0.1:8080"
"#;

/// The mistakes of a plan, as they are printed.
fn mistakes(text: &str) -> String {
    Plan::parse(text, "plan.toml").expect_err("the plan has mistakes").to_string()
}

#[test]
fn the_least_plan_of_the_contract_is_accepted_with_its_defaults() {
    let plan = Plan::parse(LEAST, "plan.toml").unwrap();
    assert_eq!((plan.run.seed, plan.run.pairs, plan.run.restarts), (42, 20, 1));
    assert_eq!((plan.run.slice, plan.run.superblock), (Duration::from_millis(20), Duration::from_secs(1)));
    let experiment = &plan.experiments[0];
    assert_eq!(experiment.slug, "product-detail");
    assert_eq!(experiment.describe_requests(), "GET /market/products/{key}");
    assert_eq!(experiment.load, LoadModel::Closed { users: 20 });
    assert_eq!(
        experiment.keys.as_ref().map(|keys| &keys.distribution),
        Some(&KeyDistribution::Zipf { exponent: 1.07 })
    );
    assert_eq!(experiment.compare_bodies, CompareBodies::Sample);
    assert_eq!(experiment.side(Variant::Candidate).map(|side| side.name.as_str()), Some("cached"));
}

#[test]
fn every_key_that_the_contract_names_is_taken() {
    let plan = r#"
run = { seed = 1, pairs = 4, slice_ms = 5, superblock_s = 0.5, warmup_s = 0, restarts = 2, requests_max = 1000, allow_hosts = ["cache.test"] }
[[experiment]]
name = "a"
system = "s"
differs = "d"
method = "POST"
path = "/x?y={key}"
body = '{"id": {key}}'
headers = { accept = "application/json" }
keys = { dist = "uniform", n = 5 }
rate = 500.0
max_in_flight = 64
timeout_ms = 250
expect_status = [200, 404]
compare_bodies = false
[experiment.baseline]
name = "old"
base_url = "http://cache.test"
query = { a = "1", b = 2 }
start = { command = ["./service", "--port", "80"], ready = "/healthz", env = { PORT = 80 } }
"#;
    let plan = Plan::parse(plan, "plan.toml").unwrap();
    let experiment = &plan.experiments[0];
    assert_eq!(experiment.load, LoadModel::Open { rate_per_s: 500.0, in_flight_max: 64 });
    assert!(experiment.candidate.is_none(), "an experiment without a candidate measures the baseline alone");
    let start = experiment.baseline.start.as_ref().unwrap();
    assert_eq!(
        (start.ready.as_str(), start.env.as_slice()),
        ("/healthz", &[("PORT".to_owned(), "80".to_owned())][..])
    );
    assert_eq!(
        experiment.baseline.query,
        [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]
    );
}

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line() {
    let plan = r#"[run]
seed = "x"
pairs = 0
speed = 3
[[experiment]]
name = "a"
path = "market"
keys = { dist = "zip", n = 10 }
users = 4
rate = 10.0
[experiment.baseline]
name = "b"
base_url = "http://example.org"
headers = { "bad name" = "x" }
[experiment.candidate]
base_url = "ftp://127.0.0.1"
[[experiment]]
name = "b"
differs = "d"
path = "/"
users = 1
pace = 3
[experiment.baseline]
name = "b"
base_url = "http://127.0.0.1"
[experiment.candidate]
name = "c"
base_url = "http://10.0.0.1"
"#;
    let told = mistakes(plan);
    for line in [
        "plan.toml:2: [run] seed: must be a whole number, not string",
        "plan.toml:3: [run] pairs: must be from 1 to 1000, not 0",
        "plan.toml:4: [run] has no key 'speed'; did you mean 'seed'? it takes seed, pairs,",
        "plan.toml:5: experiment 'a' needs 'differs'",
        "plan.toml:7: experiment 'a' path: 'market' must begin with '/'",
        "plan.toml:8: experiment 'a' keys dist: must be zipf, uniform, hotset, sequential or trace, not 'zip'",
        "give either 'users' (closed model) or 'rate' (open model)",
        "plan.toml:13: experiment 'a' baseline base_url: 'http://example.org/' is not loopback",
        "plan.toml:14: experiment 'a' baseline headers: 'bad name' is not a header name",
        "plan.toml:15: experiment 'a' candidate needs 'name'",
        "experiment 'b' has no key 'pace'; it takes name, system,",
        "plan.toml:16: experiment 'a' candidate base_url: 'ftp://127.0.0.1/': only http:// and https:// URLs",
    ] {
        assert!(told.contains(line), "missing: {line}\nin:\n{told}");
    }
}

#[test]
fn single_mistakes_are_named() {
    let cases = [
        ("users = 20", "users = 20\nmax_in_flight = 3", "'max_in_flight' goes with 'rate'"),
        ("users = 20", "users = 100000", "users: must be from 1 to 10000, not 100000"),
        ("users = 20", "rate = 0.0", "rate: must be from 0.1 to 200000, not 0"),
        ("keys = { dist = \"zipf\", s = 1.07, n = 10000 }", "", "{key} is used but 'keys' says nothing"),
        ("/products/{key}", "/products/1", "neither path nor body holds {key}"),
        ("/products/{key}", "/products/{id}", "knows only {key} in braces"),
        ("n = 10000 }", "}", "needs 'n', the number of keys"),
        ("allow_hosts = []", "slice_ms = 2000", "a slice of 2000 ms does not fit into a super-block of 1 s"),
        ("allow_hosts = []", "restarts = 20\npairs = 3", "duplicate key"),
        ("name = \"cached\"", "name = \"\"", "name: must not be empty"),
        ("users = 20", "users = 20\nexpect_status = [20]", "20 is not an HTTP status"),
        ("users = 20", "users = 20\nmethod = \"FETCH\"", "method: must be one of GET, HEAD"),
        ("users = 20", "users = 20\nheaders = { Host = \"x\" }", "'Host' is set by hitmark itself"),
        ("[[experiment]]", "[experiment]", "two brackets"),
    ];
    for (from, to, part) in cases {
        let told = mistakes(&LEAST.replacen(from, to, 1));
        assert!(told.contains(part), "{from} -> {to}\nshould tell: {part}\ntold: {told}");
    }
    assert!(mistakes("").contains("the plan has no [[experiment]]"));
    assert!(mistakes("[run\nx").contains("plan.toml:1: not TOML"));
    let twice = format!("{LEAST}{}", &LEAST[LEAST.find("[[experiment]]").unwrap()..]);
    assert!(mistakes(&twice).contains("two experiments are called 'product detail'"));
}

#[test]
fn a_missing_file_is_named() {
    let error = Plan::read(std::path::Path::new("no/such/plan.toml")).unwrap_err().to_string();
    assert!(error.starts_with("no/such/plan.toml: cannot read the plan"), "{error}");
}

#[test]
fn only_keeps_the_named_experiments_and_refuses_unknown_names() {
    let plan = Plan::parse(LEAST, "plan.toml").unwrap();
    assert_eq!(plan.clone().only(&["product-detail".to_owned()]).unwrap().experiments.len(), 1);
    assert_eq!(plan.clone().only(&[]).unwrap().experiments.len(), 1);
    let refusal = plan.only(&["prodct".to_owned()]).unwrap_err();
    assert!(refusal.contains("prodct") && refusal.contains("the plan has product detail"), "{refusal}");
}

#[test]
fn every_shipped_plan_is_right() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let plans_of = |dir: std::path::PathBuf| {
        let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_file()).collect::<Vec<_>>()
    };
    let (plans, scenarios) = (plans_of(dir.clone()), plans_of(dir.join("scenarios")));
    assert!(!plans.is_empty() && !scenarios.is_empty());
    for path in plans.into_iter().chain(scenarios) {
        if let Err(mistakes) = Plan::read(&path) {
            panic!("{mistakes}");
        }
    }
}
