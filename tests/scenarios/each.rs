//! Every scenario but outage and staleness, which have files of their own.

use serde_json::Value;

use crate::shipped::{Servers, figure, out_of, run_undisturbed, shipped};
use crate::support::hitmark;

#[test]
fn load_list_names_every_scenario_and_every_shipped_plan_is_right() {
    let listed = hitmark(&["load", "list"]);
    assert_eq!(listed.code, 0, "{listed:?}");
    for name in [
        "compare",
        "stampede",
        "cold_start",
        "staleness",
        "outage",
        "invalidation_storm",
        "capacity",
        "leak_probe",
        "sweep",
        "soak",
    ] {
        assert!(listed.stdout.lines().any(|line| line.starts_with(name)), "{name}:\n{}", listed.stdout);
        if name != "compare" {
            assert!(listed.stdout.contains(&format!("loadtests/plans/scenarios/{name}.toml")), "{name}");
            let checked = hitmark(&["load", "check", &format!("loadtests/plans/scenarios/{name}.toml")]);
            assert_eq!(checked.code, 0, "{checked:?}");
        }
    }
    assert!(!listed.stdout.contains("has mistakes"), "{}", listed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn stampede_leaks_and_cold_start_against_the_service_with_redis_and_postgresql() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let dir = tempfile::tempdir().unwrap();

    let plan =
        shipped(dir.path(), "stampede.toml", &service, &servers, &[("users", "40"), ("expiries", "3")]);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &["--only", "expiry of a report"], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    // Without a cache all of them compute, with single flight exactly one does.
    for (side, calls) in [(0, Some(40.0)), (1, Some(1.0))] {
        assert_eq!(figure(&found, 0, side, "origin calls per expiry"), calls, "{}", printed.stdout);
        assert_eq!(figure(&found, 0, side, "peak origin concurrency"), calls, "{}", printed.stdout);
    }
    assert_eq!(figure(&found, 0, 1, "origin calls of a cold fill"), Some(1.0));
    assert!(printed.stdout.contains("herd factor"), "{}", printed.stdout);

    let plan = shipped(dir.path(), "leak_probe.toml", &service, &servers, &[]);
    let of_the_cache = |found: &Value, experiment| figure(found, experiment, 1, "answers out of the cache");
    let was_cached = |found: &Value| (0..2).all(|experiment| of_the_cache(found, experiment) > Some(0.5));
    let (printed, found) = run_undisturbed(dir.path(), &plan, &["--quick"], was_cached);
    assert_eq!(printed.code, 0, "{printed:?}");
    // 44 rounds of nine combinations, 50 of eight.
    for (experiment, probes) in [(0, 396.0), (1, 400.0)] {
        for side in [0, 1] {
            let of = |name| figure(&found, experiment, side, name);
            assert_eq!((of("probes"), of("failed probes")), (Some(probes), Some(0.0)), "{}", printed.stdout);
            assert_eq!((of("leaks"), of("answers without their own canary")), (Some(0.0), Some(0.0)));
        }
        assert!(of_the_cache(&found, experiment) > Some(0.5), "{}", printed.stdout);
    }

    let short = [("length_s", "4"), ("bin_s", "0.25"), ("warm_keys", "200"), ("rate", "100.0")];
    let plan = shipped(dir.path(), "cold_start.toml", &service, &servers, &short);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &[], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(figure(&found, 0, 1, "origin calls of warming"), Some(200.0));
    let calls = |side| figure(&found, 0, side, "origin calls in all").unwrap();
    assert!(calls(1) < calls(0), "200 keys were there already: {} and {}", calls(1), calls(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_run_says_so_and_decides_nothing_at_the_gate() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let dir = tempfile::tempdir().unwrap();
    let plan =
        shipped(dir.path(), "stampede.toml", &service, &servers, &[("users", "5"), ("expiries", "100")]);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &["--quick"], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(figure(&found, 0, 1, "expiries"), Some(3.0), "{}", printed.stdout);
    // The figures that expire by themselves: one call at a time at most, and without a cache one for each request.
    assert!(figure(&found, 1, 1, "peak origin concurrency").unwrap() <= 1.0, "{}", printed.stdout);
    let uncached = |name| figure(&found, 1, 0, name);
    assert_eq!(uncached("origin calls"), uncached("requests"), "{}", printed.stdout);
    assert!(uncached("peak origin concurrency") <= Some(5.0), "{}", printed.stdout);
    assert!(printed.stdout.contains("a quick run"), "{}", printed.stdout);
    let out = out_of(dir.path(), &plan);
    let document = std::fs::read_to_string(out.join("run.json")).unwrap();
    assert!(document.contains("\"extent\": \"quick\""), "{document}");
    let budget = dir.path().join("budget.toml");
    let rule = "[[rule]]\nexperiment = \"expiry of a report\"\nkind = \"figure\"\n\
                figure = \"origin calls per expiry\"\nmax = 1.0\n";
    std::fs::write(&budget, rule).unwrap();
    let gate = hitmark(&["gate", out.to_str().unwrap(), "--budget", budget.to_str().unwrap()]);
    assert!(gate.stdout.contains("found by a quick run"), "{gate:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_sweeps_capacity_and_soak_against_the_service_with_redis_and_postgresql() {
    let servers = Servers::start().await;
    let service = servers.testbed("redis").await;
    let dir = tempfile::tempdir().unwrap();
    let keys = ("keys", "{ dist = \"zipf\", s = 1.07, n = 20 }");

    let short = [
        ("warmup_s", "1"),
        ("before_s", "1.5"),
        ("after_s", "2"),
        ("every_s", "0.3"),
        ("rate", "60.0"),
        keys,
    ];
    let plan = shipped(dir.path(), "invalidation_storm.toml", &service, &servers, &short);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &[], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    for storm in 0..found["scenarios"].as_array().unwrap().len() {
        // A storm is counted by the service; at least the popular keys were computed anew.
        assert!(
            figure(&found, storm, 0, "origin calls from the storm on").unwrap() >= 5.0,
            "{}",
            printed.stdout
        );
        assert!(figure(&found, storm, 0, "hit ratio before").unwrap() > 0.9, "{}", printed.stdout);
    }

    let short = [("zipf_s", "[1.07]")];
    let plan = shipped(dir.path(), "sweep.toml", &service, &servers, &short);
    let text = std::fs::read_to_string(&plan).unwrap().replace("keys = [100, 500, 2000]", "keys = [5, 2000]");
    std::fs::write(&plan, text).unwrap();
    let (printed, found) = run_undisturbed(dir.path(), &plan, &["--quick"], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    let (lowest, highest) =
        (figure(&found, 0, 1, "lowest hit ratio"), figure(&found, 0, 1, "highest hit ratio"));
    assert!(lowest < highest && highest > Some(0.9), "few keys hit more: {}", printed.stdout);
    assert_eq!(figure(&found, 0, 0, "highest hit ratio"), None, "uncached answers never asked the cache");

    let short = [("steps_max", "2"), ("p99_ms", "5000"), ("rate", "10.0")];
    let plan = shipped(dir.path(), "capacity.toml", &service, &servers, &short);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &["--quick"], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert_eq!(figure(&found, 0, 1, "steps"), Some(2.0), "{}", printed.stdout);

    let pid = dir.path().join("service.pid");
    std::fs::write(&pid, service.pid().to_string()).unwrap();
    let memory = format!("{{ pid_file = \"{}\" }}", pid.display());
    let short = [("warmup_s", "1"), ("length_s", "2"), ("bin_s", "0.2"), ("memory", memory.as_str()), keys];
    let plan = shipped(dir.path(), "soak.toml", &service, &servers, &short);
    let (printed, found) = run_undisturbed(dir.path(), &plan, &[], |_| true);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(figure(&found, 0, 0, "resident memory drift each hour").is_some(), "{}", printed.stdout);
    assert_eq!(figure(&found, 0, 0, "failed requests"), Some(0.0));
}
