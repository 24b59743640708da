//! A file in a directory of entries is in the list beside it: a forgotten `mod` line would leave a
//! collector, chart or rule uncompiled and silently absent.

use super::Violation;
use super::source;
use crate::repository::File;

/// Directories whose `mod.rs` is a list of all that is in them.
const LISTS: &[&str] = &[
    "exporter/src/collectors",
    "loadtests/src/scenarios",
    "reports/src/charts",
    "reports/src/gate/rules",
    "cache/src/backend",
    "dashboards/src/dashboards",
];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    LISTS.iter().flat_map(|directory| check_list(files, directory)).collect()
}

fn check_list(files: &[File], directory: &str) -> Vec<Violation> {
    let list = format!("{directory}/mod.rs");
    let code = files.iter().find(|file| file.path == list).map(|file| source::code(file.text()));
    let mut violations = Vec::new();
    for (file, name) in files.iter().filter_map(|file| Some((file, entry_name(&file.path, directory)?))) {
        if !code.as_deref().is_some_and(|code| declares(code, name)) {
            let rule = format!("not in the list: add `mod {name};` to {list}");
            violations.push(Violation::new(&file.path, 1, rule));
        }
    }
    violations
}

/// `x` for `<directory>/x.rs` and `<directory>/x/mod.rs`.
fn entry_name<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let inside = path.strip_prefix(directory)?.strip_prefix('/')?.strip_suffix(".rs")?;
    let name = inside.strip_suffix("/mod").unwrap_or(inside);
    (name != "mod" && !name.contains('/')).then_some(name)
}

fn declares(code: &str, name: &str) -> bool {
    let words: Vec<_> = source::words(code).collect();
    words.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files.iter().map(|(path, text)| File::of(path, text)).collect();
        check(&files).into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn a_file_without_its_mod_line_is_reported() {
        let files = [
            ("reports/src/charts/mod.rs", "mod cdf;\n// mod forgotten;\npub(crate) mod heat;\n"),
            ("reports/src/charts/cdf.rs", ""),
            ("reports/src/charts/heat/mod.rs", ""),
            ("reports/src/charts/heat/colours.rs", ""),
            ("reports/src/charts/forgotten.rs", ""),
            ("reports/src/page/other.rs", ""),
        ];
        assert_eq!(found(&files), ["reports/src/charts/forgotten.rs"]);
    }

    #[test]
    fn entries_without_a_list_are_reported_and_no_entries_are_fine() {
        assert_eq!(found(&[("cache/src/backend/memory.rs", "")]), ["cache/src/backend/memory.rs"]);
        assert!(found(&[]).is_empty());
    }
}
