//! The files of the repository, read once, so that each tidy check is a pure function of them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// One file: its path with forward slashes, relative to the root.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
    /// `None` if the file is not text.
    pub(crate) text: Option<String>,
}

impl File {
    /// A text file for a test of a check.
    #[cfg(test)]
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), size_bytes: text.len() as u64, text: Some(text.to_owned()) }
    }

    /// The text, or nothing for what is not text.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or("")
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A Rust file of a program or library, as against tests, benches and build scripts.
    pub(crate) fn is_rust_source(&self) -> bool {
        self.is_rust() && (self.path.starts_with("src/") || self.path.contains("/src/"))
    }
}

/// The root of the repository, from where this crate was compiled.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// All files that git tracks or would track: new files are checked before they are added.
pub(crate) fn files() -> anyhow::Result<Vec<File>> {
    let root = root();
    let output = Command::new("git")
        // In a container the checkout often belongs to another user, which git refuses by default.
        .args(["-c", "safe.directory=*"])
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
        .current_dir(&root)
        .output()
        .context("could not start git, which lists the files to check")?;
    if !output.status.success() {
        bail!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|path| !path.is_empty()) {
        let full = root.join(path);
        // A tracked file may be deleted, or be a link to a directory.
        if full.is_file() {
            let bytes = std::fs::read(&full).with_context(|| format!("could not read {path}"))?;
            files.push(read(path, bytes));
        }
    }
    Ok(files)
}

fn read(path: &str, bytes: Vec<u8>) -> File {
    let size_bytes = bytes.len() as u64;
    let text = if bytes.contains(&0) { None } else { String::from_utf8(bytes).ok() };
    File { path: path.to_owned(), size_bytes, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_include_this_one_and_nothing_that_was_built() {
        let files = files().unwrap();
        assert!(files.iter().any(|file| file.path == "xtask/src/repository.rs"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    }

    #[test]
    fn bytes_that_are_not_text_have_no_text() {
        assert_eq!(read("a.png", vec![0x89, b'P', 0, 1]).text, None);
        assert_eq!(read("a.bin", vec![0xFF, 0xFE]).text, None);
        assert_eq!(read("a.txt", b"yes".to_vec()).text(), "yes");
    }

    #[test]
    fn sources_are_told_from_tests_and_benches() {
        for (path, expected) in [
            ("src/main.rs", true),
            ("cache/src/backend/redis.rs", true),
            ("cache/tests/all.rs", false),
            ("benches/cache.rs", false),
            ("schema/build.rs", false),
            ("src/page.html", false),
        ] {
            assert_eq!(File::of(path, "").is_rust_source(), expected, "{path}");
        }
    }
}
