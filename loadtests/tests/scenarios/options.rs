//! Options are checked with the rest of the plan, all mistakes at once.

use hitmark_loadtests::Plan;
use hitmark_loadtests::scenarios::SCENARIOS;

fn mistakes(experiment: &str) -> String {
    let text = format!(
        "[[experiment]]\nname = \"x\"\ndiffers = \"d\"\n{experiment}\n\
         [experiment.baseline]\nname = \"old\"\nbase_url = \"http://127.0.0.1:1\"\n"
    );
    Plan::parse(&text, "p.toml").map(|_| ()).unwrap_err().to_string()
}

#[test]
fn every_mistake_of_a_scenario_is_told_at_once_and_with_its_line() {
    let told = mistakes(
        "scenario = \"stampede\"\npath = \"/x\"\nrate = 5.0\n[experiment.stampede]\nexpiries = 0\nhot_keys = 3\n\
         expire = { wait_s = 1, command = [\"true\"] }\nflsh = 1",
    );
    for part in [
        "p.toml:8: experiment 'x' stampede expiries: must be from 1 to 1000, not 0",
        "stampede: this scenario needs 'users', not 'rate'",
        "stampede hot_keys: needs {key} in the path",
        "stampede expire: give one of 'command', 'path' (with method, body, headers) and 'wait_s'",
        "has no key 'flsh'; did you mean 'flush'?",
    ] {
        assert!(told.contains(part), "missing {part} in:\n{told}");
    }
}

#[test]
fn the_two_courses_of_a_stampede_have_options_of_their_own() {
    let told = mistakes(
        "scenario = \"stampede\"\npath = \"/x\"\nusers = 5\n[experiment.stampede]\nlength_s = 3\nevery_s = 1\n\
         expiries = 2\njitter_ms = -1",
    );
    for part in [
        "stampede: 'expire' and 'every_s' need each other beside 'length_s'",
        "has no key 'expiries'; ",
        "stampede jitter_ms: must be from 0 to 60000, not -1",
    ] {
        assert!(told.contains(part), "missing {part} in:\n{told}");
    }
}

#[test]
fn probes_for_leaks_have_a_bound_that_counts_every_combination() {
    let axis = "[[experiment.leak_probe.axis]]\nname = \"tenant\"\nvalues = [\n";
    let values: String = (0..200)
        .map(|tenant| format!("{{ name = \"{tenant}\", headers = {{ x-tenant = \"{tenant}\" }} }},\n"))
        .collect();
    let told = mistakes(&format!(
        "scenario = \"leak_probe\"\npath = \"/x\"\nusers = 5\n[experiment.leak_probe]\nrounds = 6000\n{axis}{values}]"
    ));
    assert!(told.contains("6000 rounds of 200 combinations are over 1000000 probes"), "{told}");
}

#[test]
fn an_unknown_scenario_names_those_that_there_are() {
    let told = mistakes("scenario = \"stampeed\"\npath = \"/x\"\nusers = 1");
    assert!(told.contains("must be one of compare, stampede"), "{told}");
    let told = mistakes("scenario = \"stampede\"\npath = \"/x\"\nusers = 1");
    assert!(told.contains("needs its options in [experiment.stampede]"), "{told}");
    let told = mistakes("path = \"/x\"\nusers = 1\n[experiment.stampede]\nexpire = { wait_s = 1 }");
    assert!(told.contains("has no key 'stampede'"), "{told}");
}

#[test]
fn names_of_scenarios_are_different_and_each_says_what_it_measures() {
    let mut names: Vec<&str> = SCENARIOS.iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), SCENARIOS.len());
    assert!(SCENARIOS.iter().all(|entry| entry.about.len() > 20));
}
