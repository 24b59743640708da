//! The run directory, written and read back: whole, killed, foreign, broken, merged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop here")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use hitmark_schema::environment::Environment;
use hitmark_schema::measurement::latency_histogram;
use hitmark_schema::run::{Event, EventKind, Extent, MergeError, RUN_SCHEMA, RunState, merge};
use hitmark_schema::{
    Counters, ErrorKind, Experiment, LoadModel, Outcome, Run, RunDocument, RunError, RunWriter, SuperBlock,
    Timing, Variant, VariantPlan,
};

fn document() -> RunDocument {
    let side = |name: &str| VariantPlan {
        name: name.to_owned(),
        base_url: "http://127.0.0.1:8080".to_owned(),
        headers: vec![("hitmark-variant".to_owned(), name.to_owned())],
    };
    RunDocument {
        schema: RUN_SCHEMA,
        state: RunState::Running,
        command: "hitmark load run plan.toml".to_owned(),
        plan: "[run]\nseed = 42\n".to_owned(),
        extent: Extent::Whole,
        seed: 42,
        clock: "monotonic".to_owned(),
        started_unix_ns: 1_700_000_000_000_000_000,
        ended_unix_ns: None,
        environment: Environment::default(),
        experiments: vec![Experiment {
            name: "product detail".to_owned(),
            slug: "product-detail".to_owned(),
            system: Some("marketplace".to_owned()),
            differs: "response cache".to_owned(),
            scenario: None,
            request: "GET /market/products/{key}".to_owned(),
            keys: Some("zipf s=1.07 n=10000".to_owned()),
            load: LoadModel::Closed { users: 2 },
            pairs: 20,
            slice_ms: 20,
            superblock_s: 1.0,
            warmup_s: 1.0,
            baseline: side("uncached"),
            candidate: Some(side("cached")),
        }],
        invalid: Vec::new(),
    }
}

fn block(variant: Variant, index: u32) -> SuperBlock {
    let mut histogram = latency_histogram();
    histogram.saturating_record(61_000 + u64::from(index));
    SuperBlock {
        experiment: "product-detail".to_owned(),
        variant,
        index,
        started_unix_ns: 1_700_000_000_000_000_000 + u64::from(index) * 2_000_000_000,
        duration_ns: 2_000_000_000,
        active_ns: 1_000_000_000,
        histograms: BTreeMap::from([((Outcome::Hit, Timing::Body), histogram)]),
        counters: Counters {
            requests: 1,
            errors: BTreeMap::from([(ErrorKind::Status, 2)]),
            origin_calls: Some(3),
            ..Counters::default()
        },
    }
}

#[test]
fn what_is_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), document()).unwrap();
    let blocks: Vec<SuperBlock> =
        (0..3).flat_map(|index| Variant::ALL.map(|variant| block(variant, index))).collect();
    for block in &blocks {
        writer.write_super_block(block).unwrap();
    }
    let event = Event {
        unix_ns: 1,
        experiment: Some("product-detail".to_owned()),
        variant: Some(Variant::Candidate),
        kind: EventKind::CacheUnreachable,
        detail: "first seen".to_owned(),
    };
    writer.write_event(&event).unwrap();
    writer.invalidate("product-detail", "the generator was late").unwrap();
    writer.finish(RunState::Complete, 5).unwrap();

    let run = Run::read(dir.path()).unwrap();
    assert_eq!(run.blocks, blocks);
    assert_eq!(run.events, [event]);
    assert_eq!((run.document.state, run.document.ended_unix_ns), (RunState::Complete, Some(5)));
    assert_eq!(
        run.document.invalid_reasons("product-detail").collect::<Vec<_>>(),
        ["the generator was late"]
    );
    assert_eq!(run.pairs("product-detail").len(), 3);
    assert!(run.notes.is_empty());
}

#[test]
fn a_killed_run_keeps_its_finished_super_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), document()).unwrap();
    for index in 0..2 {
        for variant in Variant::ALL {
            writer.write_super_block(&block(variant, index)).unwrap();
        }
    }
    writer.write_super_block(&block(Variant::Baseline, 2)).unwrap();
    drop(writer);
    // What a kill in the middle of the candidate's super-block 2 leaves: histograms, half a line of counts.
    for (file, cut) in
        [("counters.jsonl", "{\"experiment\":\"pro"), ("histograms.hlog", "Tag=product-detail/cand")]
    {
        fs::OpenOptions::new()
            .append(true)
            .open(dir.path().join(file))
            .unwrap()
            .write_all(cut.as_bytes())
            .unwrap();
    }

    let run = Run::read(dir.path()).unwrap();
    assert_eq!(run.pairs("product-detail").len(), 2);
    assert_eq!(run.side("product-detail", Variant::Baseline).len(), 3);
    assert_eq!(run.document.ended_unix_ns, None);
    assert_eq!(run.notes.len(), 3, "{:?}", run.notes);
}

#[test]
fn a_run_of_another_version_is_refused_by_name_and_number() {
    let dir = tempfile::tempdir().unwrap();
    drop(RunWriter::create(dir.path(), document()).unwrap());
    let path = dir.path().join("run.json");
    let text = fs::read_to_string(&path).unwrap().replace("\"schema\": 1", "\"schema\": 9");
    fs::write(&path, text).unwrap();
    let error = Run::read(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::SchemaVersion { found: 9, expected: 1, .. }));
    assert!(error.to_string().contains("the run has schema 9, this hitmark reads schema 1"), "{error}");
}

#[test]
fn a_directory_without_a_run_says_what_would_write_one() {
    let dir = tempfile::tempdir().unwrap();
    let error = Run::read(dir.path()).unwrap_err();
    assert!(matches!(error, RunError::NotARun(_)));
    assert!(error.to_string().contains("hitmark load run"), "{error}");
}

#[test]
fn a_run_is_never_rewritten() {
    let dir = tempfile::tempdir().unwrap();
    drop(RunWriter::create(dir.path(), document()).unwrap());
    assert!(matches!(RunWriter::create(dir.path(), document()), Err(RunError::Exists(_))));
}

#[test]
fn a_broken_line_in_the_middle_is_an_error_that_names_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = RunWriter::create(dir.path(), document()).unwrap();
    writer.write_super_block(&block(Variant::Baseline, 0)).unwrap();
    drop(writer);
    let path = dir.path().join("counters.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}nonsense\n{text}")).unwrap();
    let error = Run::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("counters.jsonl:2:"), "{error}");
    fs::write(&path, format!("{text}{text}")).unwrap();
    let error = Run::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("counters.jsonl:2: super-block 0 of product-detail stands twice"), "{error}");
}

/// A run of two pairs in a folder of its own.
fn finished(dir: &Path, change: impl FnOnce(&mut RunDocument)) -> Run {
    let mut document = document();
    change(&mut document);
    let mut writer = RunWriter::create(dir, document).unwrap();
    for index in 0..2 {
        Variant::ALL.iter().for_each(|variant| writer.write_super_block(&block(*variant, index)).unwrap());
    }
    writer.finish(RunState::Complete, 1_700_000_009_000_000_000).unwrap();
    Run::read(dir).unwrap()
}

#[test]
fn merged_runs_keep_every_pair_and_every_request() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, both] = ["a", "b", "both"].map(|name| dir.path().join(name));
    let elsewhere = |document: &mut RunDocument| {
        document.experiments[0].baseline.base_url = "http://10.0.0.2:8080".to_owned();
        document.environment.host = Some("second".to_owned());
        document.started_unix_ns += 5;
    };
    let runs = [finished(&a, |_| {}), finished(&b, elsewhere)];
    merge(&runs, &both, "hitmark merge".to_owned()).unwrap();
    let merged = Run::read(&both).unwrap();
    let pairs = merged.pairs("product-detail");
    assert_eq!(pairs.iter().map(|(baseline, _)| baseline.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(pairs.iter().all(|(baseline, candidate)| baseline.started_unix_ns == candidate.started_unix_ns));
    let count = |run: &Run| run.blocks.iter().map(|block| block.count(Outcome::Hit)).sum::<u64>();
    assert_eq!(count(&merged), runs.iter().map(count).sum::<u64>());
    assert_eq!(merged.document.state, RunState::Complete);
    assert_eq!(merged.document.experiments[0].pairs, 40);
    assert_eq!(merged.events.iter().filter(|event| event.kind == EventKind::Merged).count(), 2);
    let again = merge(&runs, &both, String::new()).unwrap_err();
    assert!(matches!(again, MergeError::Run(RunError::Exists(_))), "a run is never rewritten: {again}");
}

#[test]
fn runs_that_do_not_belong_together_are_refused_with_every_reason() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| dir.path().join(name));
    let first = finished(&a, |_| {});
    let quick = finished(&b, |document| document.extent = Extent::Quick);
    let other = finished(&c, |document| document.plan += "rate = 9\n");
    let runs = [first.clone(), quick, other, first];
    let out = dir.path().join("out");
    let refused = merge(&runs, &out, String::new()).unwrap_err().to_string();
    for reason in ["b has another extent", "c has another plan", "a is named twice"] {
        assert!(refused.contains(reason), "{reason} is missing in\n{refused}");
    }
    assert!(!out.exists(), "nothing is written");
}

#[test]
fn a_scenario_s_figures_are_not_added_up() {
    let dir = tempfile::tempdir().unwrap();
    let stampede =
        |document: &mut RunDocument| document.experiments[0].scenario = Some("stampede".to_owned());
    let run = finished(&dir.path().join("a"), stampede);
    let refused = merge(&[run], &dir.path().join("out"), String::new()).unwrap_err();
    assert!(refused.to_string().contains("is a scenario"), "{refused}");
}
