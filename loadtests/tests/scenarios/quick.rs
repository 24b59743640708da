//! Every scenario made quick ends soon, whatever its plan asks for, and its run says so.

use std::time::{Duration, Instant};

use hitmark_loadtests::scenarios::SCENARIOS;
use hitmark_schema::run::Extent;

use crate::service::Service;
use crate::support::{baseline, plan, run};

/// Far above what a quick scenario takes, and far below what these plans ask for: half an hour and more.
const SOON: Duration = Duration::from_secs(60);

const RATE: &str = "keys = { dist = \"uniform\", n = 20 }\nrate = 100.0\nmax_in_flight = 8";
const EXPIRE: &str = "{ method = \"POST\", path = \"/expire\" }";

/// Each scenario with sizes for a night.
fn long(name: &str) -> String {
    let (request, options) = match name {
        "stampede" => ("path = \"/guarded/1\"\nusers = 5", format!("expiries = 1000\nsettle_s = 60\nexpire = {EXPIRE}")),
        "cold_start" => (RATE, format!("length_s = 3600\nbin_s = 10\nrepeats = 5\nreset = {EXPIRE}")),
        "staleness" => (
            "path = \"/version\"\nusers = 2",
            "version = \"json:/v\"\nwrites = 10000\nevery_s = 60\n[experiment.staleness.write]\nmethod = \"PUT\"\n\
             path = \"/version\"\njson = { v = \"{version}\" }"
                .to_owned(),
        ),
        "outage" => (
            RATE,
            format!("fault = \"flushed\"\nbefore_s = 900\nafter_s = 900\nbin_s = 10\nbegin = {EXPIRE}"),
        ),
        "invalidation_storm" => (
            RATE,
            format!("times = 100\nevery_s = 30\nbefore_s = 900\nafter_s = 900\nbin_s = 10\ninvalidate = {EXPIRE}"),
        ),
        "capacity" => (RATE, "p99_ms = 60000\nstep_s = 300\ngrowth = 1.1\nsteps_max = 50".to_owned()),
        "leak_probe" => (
            "path = \"/private/1\"\nusers = 1",
            "rounds = 10000\n[[experiment.leak_probe.axis]]\nname = \"tenant\"\nvalues = [\n\
             { name = \"a\", headers = { x-tenant = \"a\" } },\n{ name = \"b\", headers = { x-tenant = \"b\" } }]"
                .to_owned(),
        ),
        "sweep" => (
            RATE,
            "keys = [1, 2, 3, 4, 5, 6, 7, 8]\nrate = [50.0, 60.0, 70.0, 80.0]\nblocks = 100\nblock_s = 10".to_owned(),
        ),
        "soak" => (RATE, "length_s = 86400\nbin_s = 60\nmemory = { metric = \"process_resident_memory_bytes\" }".to_owned()),
        other => panic!("the scenario {other} needs a long plan here"),
    };
    let path = if request.contains("path = ") { "" } else { "path = \"/guarded/{key}\"\n" };
    format!("scenario = \"{name}\"\n{path}{request}\n[experiment.{name}]\n{options}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_made_quick_ends_soon_and_marks_its_run() {
    // Side by side: they wait more than they work.
    let each = SCENARIOS.iter().map(|entry| async move {
        let service = Service::start(Duration::from_millis(1)).await;
        let mut plan =
            plan(&long(entry.name), &baseline(&service.url, "observe = { metrics = \"/metrics\" }"));
        plan.quicken();
        let began = Instant::now();
        let (run, report) = run(&plan).await;
        assert!(began.elapsed() < SOON, "{} took {:?}", entry.name, began.elapsed());
        assert_eq!(run.document.extent, Extent::Quick, "{}", entry.name);
        assert!(run.scenarios[0].figures.iter().any(|figure| figure.value.is_some()), "{:?}", run.scenarios);
        assert!(!report.interrupted && report.failures.is_empty(), "{}: {:?}", entry.name, report.failures);
    });
    let tasks: tokio::task::JoinSet<()> = each.collect();
    tasks.join_all().await;
}
