//! Rewrites files that are made from code and checked in: dashboards, rules, snapshots, golden files.
//!
//! Blessing says "what it does now is right"; the person who blesses reads the diff.

use crate::command;

/// The packages whose tests compare with golden files.
const PACKAGES: &[&str] =
    &["--package", "hitmark-exporter", "--package", "hitmark-reports", "--package", "hitmark-dashboards"];

/// `cargo xtask bless`.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut cargo = command::cargo(if command::has_nextest() { &["nextest", "run"] } else { &["test"] });
    cargo.args(PACKAGES).arg("--no-fail-fast").env("INSTA_UPDATE", "always").env("BLESS", "1");
    command::run(&mut cargo)
}

/// `cargo xtask gen`.
pub(crate) fn generate() -> anyhow::Result<()> {
    command::run(&mut command::cargo(&["run", "-p", "hitmark", "--", "dashboards", "export", "dashboards/"]))
}
