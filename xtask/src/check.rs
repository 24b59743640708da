//! `cargo xtask check`: everything that a change has to pass.
//!
//! A step that fails does not stop the next one: whoever waits for a slow machine wants to learn
//! about all failures at once. All steps build the whole workspace, because another choice of
//! packages would be another choice of features, and with it another build of the dependencies.

use anyhow::bail;

use crate::{command, repository, tidy};

/// A name and what it runs; cheap steps first.
type Step = (&'static str, fn() -> anyhow::Result<()>);

const STEPS: &[Step] = &[
    ("formatting", || command::run(&mut command::cargo(&["fmt", "--all", "--check"]))),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("tests", tests),
    ("doc tests", || command::run(&mut command::cargo(&["test", "--workspace", "--doc"]))),
    ("benches, once each", benches),
    ("rustdoc", rustdoc),
];

/// Runs all steps and names those that failed.
pub(crate) fn run() -> anyhow::Result<()> {
    let failures = run_steps(STEPS);
    if failures.is_empty() {
        println!("\nall {} steps passed", STEPS.len());
        return Ok(());
    }
    bail!("{} of {} steps failed:\n  {}", failures.len(), STEPS.len(), failures.join("\n  "))
}

fn run_steps(steps: &[Step]) -> Vec<String> {
    let mut failures = Vec::new();
    for (name, step) in steps {
        println!("\n=== {name}");
        if let Err(error) = step() {
            eprintln!("{name}: {error:#}");
            failures.push(format!("{name}: {}", error.to_string().lines().next().unwrap_or_default()));
        }
    }
    failures
}

fn clippy() -> anyhow::Result<()> {
    command::run(&mut command::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tests() -> anyhow::Result<()> {
    if command::has_nextest() {
        return command::run(&mut command::cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--no-fail-fast",
            "--profile",
            "ci",
        ]));
    }
    command::run(&mut command::cargo(&[
        "test",
        "--workspace",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ]))
}

/// Without `--bench` criterion runs each bench once and measures nothing: it proves that they work.
fn benches() -> anyhow::Result<()> {
    let has_rust = |entry: &std::fs::DirEntry| entry.path().extension().is_some_and(|it| it == "rs");
    let any = std::fs::read_dir(repository::root().join("benches"))
        .is_ok_and(|entries| entries.filter_map(Result::ok).any(|entry| has_rust(&entry)));
    if !any {
        println!("there are no benches");
        return Ok(());
    }
    command::run(&mut command::cargo(&["test", "--workspace", "--bench", "*"]))
}

fn rustdoc() -> anyhow::Result<()> {
    let mut cargo = command::cargo(&["doc", "--workspace", "--no-deps"]);
    command::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_is_named_and_does_not_stop_the_next() {
        let steps: &[Step] = &[
            ("first", || bail!("broken\nwith details")),
            ("second", || Ok(())),
            ("third", || bail!("broken too")),
        ];
        assert_eq!(run_steps(steps), ["first: broken", "third: broken too"]);
    }
}
