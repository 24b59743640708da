//! No large files: history keeps them for ever.

use super::Violation;
use crate::repository::File;

const BYTES_MAX: u64 = 256 * 1024;

/// Files that may be larger.
const LARGE_FILES: &[&str] = &["Cargo.lock"];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.size_bytes > BYTES_MAX && !LARGE_FILES.contains(&file.path.as_str()))
        .map(|file| {
            let rule = format!("{} bytes; {BYTES_MAX} are the limit for a file in git", file.size_bytes);
            Violation::new(&file.path, 1, rule)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_reported_unless_it_is_listed() {
        let of = |path: &str, size_bytes| File { path: path.into(), size_bytes, text: None };
        let files = [of("a.png", BYTES_MAX + 1), of("b.png", BYTES_MAX), of("Cargo.lock", BYTES_MAX * 9)];
        let found = check(&files);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path, "a.png");
    }
}
