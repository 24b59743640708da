//! Unfinished work: marks in any text, and in code the macros and the attribute that postpone.

use super::Violation;
use super::source;
use crate::repository::File;

/// Put together here, or this file would break its own rule.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("TO", "DO")];
const POSTPONED: &[&str] = &[concat!("todo", "!"), concat!("unimplemented", "!"), concat!("#[", "ignore")];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for word in source::words(file.text()).filter(|word| MARKS.contains(&word.text)) {
            let line = source::line_at(file.text(), word.start);
            violations.push(Violation::new(
                &file.path,
                line,
                format!("{}: finish it or open an issue", word.text),
            ));
        }
        if file.is_rust() {
            violations.extend(postponed(file));
        }
    }
    violations
}

fn postponed(file: &File) -> Vec<Violation> {
    let code = source::code(file.text());
    let mut violations = Vec::new();
    for pattern in POSTPONED {
        for (at, _) in code.match_indices(pattern) {
            let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if is_word {
                let rule = format!("{pattern}: what is not done or not tested must not look as if it were");
                violations.push(Violation::new(&file.path, source::line_at(&code, at), rule));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_in_any_text_and_as_whole_words_only() {
        let mark = MARKS[0];
        let files = [
            File::of("a.md", &format!("é one\n<!-- {mark}: two -->\n")),
            File::of("b.rs", &format!("// x{mark} {mark}S _{mark}_\n")),
        ];
        let found = check(&files);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].path.as_str(), found[0].line), ("a.md", 2));
    }

    #[test]
    fn postponing_code_is_found_in_code_only() {
        for pattern in POSTPONED {
            let text = format!("fn a() {{}}\n{pattern}()\n// {pattern}\nlet a = \"{pattern}\";\n");
            let lines: Vec<_> = check(&[File::of("a.rs", &text)]).iter().map(|found| found.line).collect();
            assert_eq!(lines, [2], "{pattern}");
        }
        assert!(check(&[File::of("a.rs", "not_todo!()")]).is_empty());
    }
}
