//! Scenarios that arrange their own requests: staleness and the leak probe.

use std::time::Duration;

use hitmark_schema::Variant::{Baseline, Candidate};

use crate::service::Service;
use crate::support::{baseline, candidate, found, plan, run, value};

fn staleness(path: &str, more: &str) -> String {
    format!(
        "scenario = \"staleness\"\npath = \"{path}\"\nusers = 1\n[experiment.staleness]\nversion = \"json:/v\"\n\
         writes = 4\nevery_s = 0.3\n{more}\n\
         [experiment.staleness.write]\nmethod = \"PUT\"\npath = \"/version\"\njson = {{ v = \"{{version}}\" }}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn five_stale_answers_after_each_commit_are_five_for_each_commit() {
    let service = Service::start(Duration::ZERO).await;
    let sides = baseline(&service.url, "");
    let once = staleness("/lagging", "").replace("writes = 4", "writes = 1");
    let (single, _) = run(&plan(&once, &sides)).await;
    assert_eq!((value(&single, Baseline, "commits"), value(&single, Baseline, "stale reads")), (1.0, 5.0));

    let (several, report) = run(&plan(&staleness("/lagging", "first = 10"), &sides)).await;
    let of = |figure| value(&several, Baseline, figure);
    // A read that was on its way during a commit may get one of the five and is right not to be stale.
    assert!((17.0..=20.0).contains(&of("stale reads")), "{}", of("stale reads"));
    assert_eq!(of("commits"), 4.0);
    assert_eq!(of("stale-read ratio"), of("stale reads") / of("reads"));
    assert_eq!(of("commits that were served stale"), 1.0);
    assert_eq!(of("monotonic-read violations"), 0.0, "nobody had seen the newer one yet");
    let longest = of("commit to last stale serve, max");
    assert!(longest > 0.0 && longest < 0.3, "five reads after a commit, before the next: {longest}");
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_with_a_lifetime_is_stale_for_no_longer_than_that() {
    let (one, other) = (Service::start(Duration::ZERO).await, Service::start(Duration::ZERO).await);
    let slow = |path: &str| staleness(path, "").replace("every_s = 0.3", "every_s = 1.0");
    let sides = (baseline(&one.url, ""), baseline(&other.url, ""));
    let plans = (plan(&slow("/lifetime/400"), &sides.0), plan(&slow("/lifetime/0"), &sides.1));
    let ((lasting, _), (none, _)) = tokio::join!(run(&plans.0), run(&plans.1));
    let of = |figure| value(&lasting, Baseline, figure);
    assert!(of("stale reads") > 0.0 && of("stale-read ratio") < 1.0, "{:?}", found(&lasting, Baseline));
    // A copy that never ended would be stale until the next commit, a second later, and beyond.
    let longest = of("commit to last stale serve, max");
    assert!(longest > 0.0 && longest < 1.0, "400 ms, and what a busy machine adds: {longest}");
    assert_eq!(of("monotonic-read violations"), 0.0, "one copy only gets newer");
    assert_eq!(value(&none, Baseline, "stale reads"), 0.0, "a copy that is made anew each time");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_goes_back_is_a_violation_and_a_fresh_cache_has_none_of_either() {
    let service = Service::start(Duration::ZERO).await;
    let sides = baseline(&service.url, "");
    let (flapping, _) = run(&plan(&staleness("/flapping", ""), &sides)).await;
    let of = |figure| value(&flapping, Baseline, figure);
    // Every second answer is one behind. It is no step back only where it comes first after a commit.
    // A read that was on its way during one of the commits is right not to be stale.
    assert!((of("stale reads") - of("reads") / 2.0).abs() <= 4.5, "{:?}", found(&flapping, Baseline));
    assert!((0.0..=4.0).contains(&(of("stale reads") - of("monotonic-read violations"))));
    // Versions must grow, so the second run begins above the first.
    let (fresh, _) = run(&plan(&staleness("/version", "first = 100"), &sides)).await;
    assert_eq!(value(&fresh, Baseline, "stale reads"), 0.0);
    assert_eq!(value(&fresh, Baseline, "commit to last stale serve, max"), 0.0);
    assert!(value(&fresh, Baseline, "reads") > 20.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hears_of_no_commit_makes_every_second_read_stale_and_breaks_its_limit() {
    let (writes, deaf) = (Service::start(Duration::ZERO).await, Service::start(Duration::ZERO).await);
    let more = format!("processes = [\"{}\"]\nstale_for_max_s = 0.1", deaf.url);
    let (run, report) = run(&plan(&staleness("/version", &more), &baseline(&writes.url, ""))).await;
    let of = |figure| value(&run, Baseline, figure);
    assert!((of("stale reads") - of("reads") / 2.0).abs() <= 0.5, "{:?}", found(&run, Baseline));
    assert_eq!(of("monotonic-read violations"), of("stale reads"), "each one comes after a newer one");
    assert!(report.failures[0].1.contains("the plan allows 0.1 s"), "{:?}", report.failures);
}

fn leak_probe(path: &str, more: &str) -> String {
    format!(
        "scenario = \"leak_probe\"\npath = \"{path}\"\nkeys = {{ dist = \"uniform\", n = 9 }}\nusers = 1\n\
         [experiment.leak_probe]\nrounds = 4\nkeys = 2\n[[experiment.leak_probe.axis]]\nname = \"tenant\"\nvalues = [\n\
         {{ name = \"a\", headers = {{ x-tenant = \"a\" }}, canary = \"canary-of-a for {{key}}\" }},\n\
         {{ name = \"b\", headers = {{ x-tenant = \"b\" }}, canary = \"canary-of-b\" }},\n\
         {{ name = \"c\", headers = {{ x-tenant = \"c\" }}, canary = \"canary-of-c\" }},\n]\n{more}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_key_without_the_tenant_shows_two_of_three_another_ones_page() {
    let (shared, private) = (Service::start(Duration::ZERO).await, Service::start(Duration::ZERO).await);
    let (leaky, report) = run(&plan(&leak_probe("/shared/{key}", ""), &baseline(&shared.url, ""))).await;
    let of = |figure| value(&leaky, Baseline, figure);
    assert_eq!((of("probes"), of("failed probes")), (12.0, 0.0), "three tenants, four rounds");
    // Of each key's pages, those of the tenant that asked first are right.
    assert_eq!((of("leaks"), of("leaks across tenant")), (8.0, 8.0));
    assert_eq!(of("answers without their own canary"), 8.0);
    assert!(report.failures.iter().any(|(_, what)| what.contains("was shown what is of tenant")));

    let sides = baseline(&private.url, "") + &candidate(&private.url, "");
    let (tight, report) = run(&plan(&leak_probe("/private/{key}", ""), &sides)).await;
    for side in [Baseline, Candidate] {
        assert_eq!(
            (value(&tight, side, "leaks"), value(&tight, side, "answers out of the cache")),
            (0.0, 1.0)
        );
    }
    assert!(report.failures.is_empty(), "{:?}", report.failures);
}

/// Two of each: tenants, users of each tenant, locales, encodings.
fn members(forgotten: &str) -> String {
    let axis = |name: &str, header: &str, values: [&str; 2]| {
        let value = |value: &str| {
            let canary =
                if name == "encoding" { String::new() } else { format!(", canary = \"[{name} {value}]\"") };
            format!("{{ name = \"{value}\", headers = {{ {header} = \"{value}\" }}{canary} }}")
        };
        let (one, other) = (value(values[0]), value(values[1]));
        format!("[[experiment.leak_probe.axis]]\nname = \"{name}\"\nvalues = [{one}, {other}]\n")
    };
    let axes = [
        axis("tenant", "x-tenant", ["north", "south"]),
        axis("user", "x-user", ["ann", "bob"]),
        axis("locale", "accept-language", ["en", "fa"]),
        axis("encoding", "accept-encoding", ["identity", "gzip"]),
    ];
    format!(
        "scenario = \"leak_probe\"\npath = \"/member/{{key}}?forget={forgotten}\"\n\
         keys = {{ dist = \"uniform\", n = 9 }}\nusers = 1\n[experiment.leak_probe]\nrounds = 6\nkeys = 2\n{}",
        axes.concat()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_axis_a_cache_key_forgets_is_the_one_that_leaks() {
    for forgotten in ["nothing", "tenant", "user", "locale", "encoding"] {
        let service = Service::start(Duration::ZERO).await;
        let plan = plan(&members(forgotten), &baseline(&service.url, ""));
        let told = plan.experiments[0].describe_scenario();
        assert!(
            told.contains("16 combinations of tenant × user × locale × encoding, 6 rounds: 96 probes"),
            "{told}"
        );
        let (run, report) = run(&plan).await;
        let of = |figure: &str| value(&run, Baseline, figure);
        assert_eq!((of("probes"), of("failed probes")), (96.0, 0.0), "{forgotten}");
        for axis in ["tenant", "user", "locale"] {
            // Two share each page; one of them asked first, and the other is shown it in all six rounds.
            let leaks = if axis == forgotten { 48.0 } else { 0.0 };
            assert_eq!(of(&format!("leaks across {axis}")), leaks, "{axis} where {forgotten} is forgotten");
        }
        let encodings = of("answers in an encoding that was not asked for");
        assert_eq!(encodings > 0.0, forgotten == "encoding", "{forgotten}: {encodings}");
        assert_eq!(report.failures.is_empty(), forgotten == "nothing", "{:?}", report.failures);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_log_in_are_told_apart_by_their_cookies() {
    let service = Service::start(Duration::ZERO).await;
    let user = |name: &str| {
        format!(
            "{{ name = \"{name}\", login = {{ path = \"/login/{name}\", method = \"POST\" }}, canary = \"[user {name}]\" }}"
        )
    };
    for (path, leaks) in [("/mine/1", 0.0), ("/mine/1?forget=user", 4.0)] {
        let experiment = format!(
            "scenario = \"leak_probe\"\npath = \"{path}\"\nusers = 1\n[experiment.leak_probe]\nrounds = 4\n\
             [[experiment.leak_probe.axis]]\nname = \"user\"\nvalues = [{}, {}]",
            user("ann"),
            user("bob")
        );
        let (run, _) = run(&plan(&experiment, &baseline(&service.url, ""))).await;
        let of = |figure| value(&run, Baseline, figure);
        assert_eq!((of("probes"), of("failed probes"), of("leaks across user")), (8.0, 0.0, leaks), "{path}");
    }
    let nobody = "scenario = \"leak_probe\"\npath = \"/mine/1\"\nusers = 1\n[experiment.leak_probe]\nrounds = 2\n\
                  [[experiment.leak_probe.axis]]\nname = \"user\"\nvalues = [\n\
                  { name = \"ann\", login = { path = \"/version\" } },\n{ name = \"bob\" }]";
    let dir = tempfile::tempdir().unwrap();
    let options =
        hitmark_loadtests::RunOptions::new(dir.path().join("run"), hitmark_loadtests::Stop::default());
    let error =
        hitmark_loadtests::run(&plan(nobody, &baseline(&service.url, "")), options).await.unwrap_err();
    assert!(error.to_string().contains("the login of 'ann' set no cookie"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoding_that_was_not_asked_for_is_found() {
    let service = Service::start(Duration::ZERO).await;
    let experiment = "scenario = \"leak_probe\"\npath = \"/gzip/1\"\nusers = 2\n[experiment.leak_probe]\nrounds = 3\n\
         [[experiment.leak_probe.axis]]\nname = \"encoding\"\nvalues = [\n\
         { name = \"plain\", headers = { accept-encoding = \"identity\" } },\n\
         { name = \"packed\", headers = { accept-encoding = \"br, gzip\" } },\n]";
    let (run, report) = run(&plan(experiment, &baseline(&service.url, ""))).await;
    assert_eq!(value(&run, Baseline, "answers in an encoding that was not asked for"), 3.0);
    assert_eq!(value(&run, Baseline, "leaks"), 0.0);
    assert!(report.failures[0].1.contains("gzip came to a request for 'identity'"), "{:?}", report.failures);
}
