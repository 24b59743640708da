//! No path of somebody's machine: what works here only is a broken build elsewhere.

use super::Violation;
use crate::repository::File;

/// Put together here, or this file would break its own rule.
const PLACES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text().lines().enumerate() {
            if let Some(place) = PLACES.iter().find(|place| names(line, place)) {
                let rule = format!("the path {place} belongs to one machine");
                violations.push(Violation::new(&file.path, index + 1, rule));
            }
        }
    }
    violations
}

/// The place begins a path here, and is not a part of a longer one or of an address.
fn names(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_machine_is_reported_with_its_line() {
        for place in PLACES {
            let found = check(&[File::of("a.md", &format!("one\nsee {place}x and \"{place}y\"\n"))]);
            assert_eq!(found.len(), 1, "{place}");
            assert_eq!(found[0].line, 2);
        }
    }

    #[test]
    fn the_same_words_within_a_longer_path_or_an_address_are_fine() {
        for place in PLACES {
            let text = format!("https://example.org{place}x ./a{place}b ${{X}}{place}");
            assert!(check(&[File::of("a.md", &text)]).is_empty(), "{text}");
        }
    }
}
