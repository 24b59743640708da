//! Short functions and short files: a function is read on one screen, a file in one sitting.

use super::Violation;
use super::source::{self, Word};
use crate::repository::File;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 400;

/// Sources that may be longer, because they are flat lists.
const LONG_FILES: &[&str] = &[];

/// Functions of sources with more than 70 lines. Tests may be longer: they are lists of steps.
pub(super) fn functions(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_rust_source()) {
        let code = source::without_tests(&source::code(file.text()));
        for (name, line, lines) in function_lengths(&code) {
            if lines > FUNCTION_LINES_MAX {
                let rule = format!("fn {name} has {lines} lines; {FUNCTION_LINES_MAX} are the limit");
                violations.push(Violation::new(&file.path, line, rule));
            }
        }
    }
    violations
}

/// Sources with more than 400 lines before and without their test modules.
pub(super) fn files(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.is_rust_source() && !LONG_FILES.contains(&file.path.as_str()))
    {
        let lines = lines_without_tests(file.text());
        if lines > FILE_LINES_MAX {
            let rule = format!("{lines} lines without tests; {FILE_LINES_MAX} are the limit");
            violations.push(Violation::new(&file.path, FILE_LINES_MAX + 1, rule));
        }
    }
    violations
}

/// Name, first line and number of lines of each function with a body.
fn function_lengths(code: &str) -> Vec<(&str, usize, usize)> {
    let words: Vec<Word<'_>> = source::words(code).collect();
    let mut found = Vec::new();
    for pair in words.windows(2).filter(|pair| pair[0].text == "fn") {
        let name = pair[1];
        // `fn(u8)` is a type; a function has its name right behind the keyword.
        if code[pair[0].start + 2..name.start].trim() != "" {
            continue;
        }
        let Some(open) = body_start(code, name.start) else { continue };
        let Some(close) = source::closing_brace(code, open) else { continue };
        let first = source::line_at(code, pair[0].start);
        found.push((name.text, first, source::line_at(code, close) - first + 1));
    }
    found
}

/// The opening brace of a function's body; `None` for a declaration, which ends in a semicolon.
fn body_start(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn lines_without_tests(text: &str) -> usize {
    let code = source::code(text);
    let left = source::without_tests(&code);
    // A line belongs to the tests if blanking them changed it.
    let of_tests = code.lines().zip(left.lines()).filter(|(with, without)| with != without).count();
    text.lines().count() - of_tests
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("fn long(a: [u8; 2]) {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_of_71_lines_is_reported_and_one_of_70_is_not() {
        let text = format!("const A: u8 = 1;\n{}{}", function(71), function(70));
        let found = functions(&[File::of("a/src/b.rs", &text)]);
        assert_eq!(found, [Violation::new("a/src/b.rs", 2, "fn long has 71 lines; 70 are the limit")]);
    }

    #[test]
    fn braces_in_strings_types_and_declarations_do_not_confuse_the_count() {
        let code = "trait T { fn declared(&self); }\ntype F = fn(u8);\nfn a(f: fn() -> u8) {\n}\nfn b() where T: U {\n\n}\n";
        assert_eq!(function_lengths(code), [("a", 3, 2), ("b", 5, 3)]);
        let text = format!("fn a() {{ \"}}\" }}\n{}", function(71));
        assert_eq!(functions(&[File::of("a/src/b.rs", &text)]).len(), 1);
    }

    #[test]
    fn tests_may_be_long() {
        let text = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", function(500));
        assert!(functions(&[File::of("a/src/b.rs", &text)]).is_empty());
        assert!(files(&[File::of("a/src/b.rs", &text)]).is_empty());
        assert!(functions(&[File::of("a/tests/b.rs", &function(500))]).is_empty());
    }

    #[test]
    fn a_file_is_long_by_what_is_not_tests() {
        let long = "// a line\n".repeat(401);
        assert_eq!(files(&[File::of("src/a.rs", &long)]).len(), 1);
        let just_right = "// a line\n".repeat(400) + "#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n";
        assert!(
            files(&[File::of("src/a.rs", &just_right)]).is_empty(),
            "{}",
            lines_without_tests(&just_right)
        );
    }
}
