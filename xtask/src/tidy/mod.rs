//! The rules of this repository that no compiler checks.
//!
//! Each check is a pure function from the files to violations, in a file of its own; the list of them
//! is [`CHECKS`]. All violations are reported at once, each with file and line.

mod absolute_paths;
mod arrows;
mod blobs;
mod fonts;
mod knowledge;
mod lengths;
mod registered;
mod source;
mod words;

use std::fmt;

use anyhow::bail;

use crate::repository::{self, File};

/// A rule: all files in, what breaks it out.
type Check = fn(&[File]) -> Vec<Violation>;

/// The checks that need nothing but the files.
const CHECKS: &[Check] = &[
    arrows::check,
    knowledge::check,
    lengths::functions,
    lengths::files,
    words::check,
    blobs::check,
    registered::check,
    absolute_paths::check,
];

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    rule: String,
}

impl Violation {
    /// `line` counts from 1.
    fn new(path: &str, line: usize, rule: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, rule: rule.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// `cargo xtask tidy`.
pub(crate) fn run() -> anyhow::Result<()> {
    let files = repository::files()?;
    let mut violations: Vec<_> = CHECKS.iter().flat_map(|check| check(&files)).collect();
    violations.extend(fonts::check()?);
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("tidy: {} violations", violations.len());
    }
    println!("tidy: {} files in order", files.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_reads_like_a_compiler_message() {
        assert_eq!(Violation::new("a/b.rs", 7, "too long").to_string(), "a/b.rs:7: too long");
    }

    #[test]
    fn this_repository_is_tidy() {
        run().unwrap();
    }
}
