//! Reads the Prometheus text page (format 0.0.4) that a service writes about itself.
//!
//! It is here because the exporter passes some of those families on and must not let one service
//! spoil the whole page: so it is strict, and what it returns can be written again as it stands.
//! Pure and total. Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use hitmark_schema::exposition::{Format, head};

/// Most samples that are read from one page.
pub const SAMPLES_MAX: usize = 50_000;

/// One family as a service wrote it.
#[derive(Debug, Clone, PartialEq)]
pub struct TextFamily {
    /// The name of the family.
    pub name: String,
    /// Its help, escaped as it was.
    pub help: String,
    /// Its type: `counter`, `gauge`, `histogram`, `summary` or `untyped`.
    pub kind: String,
    /// Its samples in the order of the page.
    pub samples: Vec<TextSample>,
}

/// One sample; of a histogram, one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextSample {
    /// The name with its suffix, such as `_bucket`.
    pub name: String,
    /// Label names and unescaped values.
    pub labels: Vec<(String, String)>,
    /// The number as it was written, and a time stamp if there was one.
    pub value: String,
}

/// Where and why a page could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TextError {
    /// Line number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads the families whose name `wanted` accepts. The other lines must still be well formed.
///
/// # Errors
/// [`TextError`] at the first line that is no comment and no sample, at a sample that stands on
/// the page twice, or at one too many.
pub fn parse(page: &str, wanted: impl Fn(&str) -> bool) -> Result<Vec<TextFamily>, TextError> {
    let mut reader = Reader::default();
    for (index, line) in page.lines().enumerate() {
        let line = line.trim();
        let fail = |reason| TextError { line: index + 1, reason };
        if let Some(comment) = line.strip_prefix('#') {
            reader.comment(comment.trim_start());
        } else if !line.is_empty() {
            let sample = sample(line).map_err(fail)?;
            reader.sample(sample, &wanted).map_err(fail)?;
        }
    }
    reader.families.retain(|family| !family.samples.is_empty());
    Ok(reader.families)
}

impl TextFamily {
    /// Adds `label` to every sample, in front of its own; one that the service wrote under that
    /// name becomes `exported_<label>`, as Prometheus would do it.
    pub fn label(&mut self, label: &str, value: &str) {
        for sample in &mut self.samples {
            for (name, _) in sample.labels.iter_mut().filter(|(name, _)| name == label) {
                name.insert_str(0, "exported_");
            }
            sample.labels.insert(0, (label.to_owned(), value.to_owned()));
        }
    }
}

/// A help text as a page holds it, and so as [`TextFamily::help`] does.
pub(crate) fn escaped_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// Undoes [`escaped_help`]; a backslash before anything else stands for itself.
fn unescaped_help(help: &str) -> String {
    let mut text = String::with_capacity(help.len());
    let mut chars = help.chars().peekable();
    while let Some(ch) = chars.next() {
        match (ch, chars.peek()) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('\\')) => text.push('\\'),
            _ => {
                text.push(ch);
                continue;
            }
        }
        chars.next();
    }
    text
}

/// Writes families as a text page, appending to `page`.
pub fn encode<'a>(families: impl IntoIterator<Item = &'a TextFamily>, page: &mut String) {
    encode_as(Format::Text, families, page);
}

/// Writes families in a format, appending to `page`.
pub fn encode_as<'a>(format: Format, families: impl IntoIterator<Item = &'a TextFamily>, page: &mut String) {
    for family in families {
        // The help is escaped as it was read: unescaped here, since the writer escapes it again.
        let help = unescaped_help(&family.help);
        head(format, &family.name, &help, &family.kind, page);
        for sample in &family.samples {
            page.push_str(&sample.name);
            let mut separator = '{';
            for (name, value) in &sample.labels {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
                let _ = write!(page, "{separator}{name}=\"{value}\"");
                separator = ',';
            }
            if separator == ',' {
                page.push('}');
            }
            let _ = writeln!(page, " {}", sample.value);
        }
    }
}

#[derive(Default)]
struct Reader {
    families: Vec<TextFamily>,
    places: HashMap<String, usize>,
    helps: HashMap<String, String>,
    kinds: HashMap<String, String>,
    seen: HashSet<(String, Vec<(String, String)>)>,
}

impl Reader {
    fn comment(&mut self, comment: &str) {
        let mut words = comment.splitn(3, [' ', '\t']);
        let (Some(keyword), Some(name)) = (words.next(), words.next()) else { return };
        let rest = words.next().unwrap_or_default().trim();
        match keyword {
            "HELP" => drop(self.helps.insert(name.to_owned(), rest.to_owned())),
            "TYPE" if is_kind(rest) => drop(self.kinds.insert(name.to_owned(), rest.to_owned())),
            _ => {}
        }
    }

    fn sample(&mut self, sample: TextSample, wanted: &impl Fn(&str) -> bool) -> Result<(), &'static str> {
        let mut labels = sample.labels.clone();
        labels.sort_unstable();
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err("a label stands in the sample twice");
        }
        if self.seen.len() >= SAMPLES_MAX {
            return Err("more samples than one page may have");
        }
        if !self.seen.insert((sample.name.clone(), labels)) {
            return Err("the sample stands on the page twice");
        }
        let family = self.family_of(&sample.name).to_owned();
        if !wanted(&family) {
            return Ok(());
        }
        let place = *self.places.entry(family.clone()).or_insert_with(|| {
            let help = self.helps.get(&family).cloned().unwrap_or_default();
            let kind = self.kinds.get(&family).cloned().unwrap_or_else(|| "untyped".to_owned());
            self.families.push(TextFamily { name: family, help, kind, samples: Vec::new() });
            self.families.len() - 1
        });
        self.families[place].samples.push(sample);
        Ok(())
    }

    /// The family of a sample: its own name, or without the suffix if that is a declared histogram
    /// or summary.
    fn family_of<'a>(&self, name: &'a str) -> &'a str {
        let is = |family: &str, kinds: &[&str]| {
            self.kinds.get(family).is_some_and(|kind| kinds.contains(&kind.as_str()))
        };
        for (suffix, kinds) in [
            ("_bucket", &["histogram"] as &[&str]),
            ("_sum", &["histogram", "summary"]),
            ("_count", &["histogram", "summary"]),
        ] {
            if let Some(family) = name.strip_suffix(suffix).filter(|family| is(family, kinds)) {
                return family;
            }
        }
        name
    }
}

fn is_kind(word: &str) -> bool {
    ["counter", "gauge", "histogram", "summary", "untyped"].contains(&word)
}

fn sample(line: &str) -> Result<TextSample, &'static str> {
    let end = line.find(|ch: char| ch == '{' || ch.is_whitespace()).ok_or("a sample without a value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name, ':') {
        return Err("no metric name at its start");
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (Vec::new(), rest),
    };
    let mut words = rest.split_whitespace();
    let value = words.next().ok_or("a sample without a value")?;
    value.parse::<f64>().map_err(|_| "the value is not a number")?;
    let value = match (words.next(), words.next()) {
        (None, _) => value.to_owned(),
        (Some(stamp), None) if stamp.parse::<i64>().is_ok() => format!("{value} {stamp}"),
        _ => return Err("something follows the value"),
    };
    Ok(TextSample { name: name.to_owned(), labels, value })
}

/// Label names with their values, and what follows the closing brace.
type Labels<'a> = (Vec<(String, String)>, &'a str);

/// Reads `name="value",…}`.
fn labels(mut rest: &str) -> Result<Labels<'_>, &'static str> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok((labels, after));
        }
        let (name, after) = rest.split_once('=').ok_or("a label without a value")?;
        let name = name.trim();
        if !is_name(name, '_') {
            return Err("a label name that is none");
        }
        let after = after.trim_start().strip_prefix('"').ok_or("a label value without quotes")?;
        let (value, after) = quoted(after)?;
        labels.push((name.to_owned(), value));
        rest = after.trim_start();
        rest = match rest.strip_prefix(',') {
            Some(after) => after,
            None if rest.starts_with('}') => rest,
            None => return Err("no comma between labels"),
        };
    }
}

/// Reads up to the closing quote and undoes the escapes.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, ch)) = chars.next() {
        match ch {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            ch => value.push(ch),
        }
    }
    Err("a label value without its closing quote")
}

fn is_name(name: &str, also: char) -> bool {
    let valid = |ch: char| ch.is_ascii_alphanumeric() || ch == '_' || ch == also;
    name.starts_with(|ch: char| !ch.is_ascii_digit()) && name.chars().all(valid)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "# HELP cache_ops_total Operations.\n# TYPE cache_ops_total counter\n\
        cache_ops_total{op=\"get\",result=\"a \\\"b\\\" \\\\ c\\nd\"} 3\n\
        # TYPE cache_seconds histogram\ncache_seconds_bucket{le=\"+Inf\"} 2\ncache_seconds_sum 0.5\n\
        cache_seconds_count 2\n# a remark\nother_total 7 1700000000000\n";

    #[test]
    fn families_are_read_with_their_suffixes_and_written_as_they_were() {
        let families = parse(PAGE, |name| name.starts_with("cache_")).unwrap();
        let names: Vec<&str> = families.iter().map(|family| family.name.as_str()).collect();
        assert_eq!(names, ["cache_ops_total", "cache_seconds"]);
        assert_eq!((families[1].kind.as_str(), families[1].samples.len()), ("histogram", 3));
        let mut again = String::new();
        encode(&families, &mut again);
        assert_eq!(parse(&again, |_| true).unwrap(), families);
    }

    #[test]
    fn a_label_is_added_and_the_service_s_own_keeps_its_value() {
        let mut families = parse("cache_x{service=\"a\"} 1\n", |_| true).unwrap();
        families[0].label("service", "h:1");
        let mut page = String::new();
        encode(&families, &mut page);
        assert!(page.ends_with("cache_x{service=\"h:1\",exported_service=\"a\"} 1\n"), "{page}");
    }

    #[test]
    fn a_help_with_backslashes_and_lines_survives() {
        for text in ["C:\\new\\\\n", "two\nlines", "\\", "\\\n", "plain"] {
            assert_eq!(unescaped_help(&escaped_help(text)), text);
        }
    }

    #[test]
    fn a_broken_page_is_refused_with_its_line() {
        for (page, line) in [
            ("cache_x", 1),
            ("ok 1\ncache_x{a=\"b\"", 2),
            ("cache_x{a=b} 1", 1),
            ("cache_x nope", 1),
            ("cache_x 1 2 3", 1),
            ("cache_x 1\n\ncache_x 2", 3),
            ("cache_x{a=\"1\",a=\"2\"} 1", 1),
            ("cache_x{a=\"1\" b=\"2\"} 1", 1),
            ("<html>", 1),
        ] {
            assert_eq!(parse(page, |_| true).unwrap_err().line, line, "{page:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_families_or_an_error_and_what_is_read_can_be_read_again(page in "(?s).{0,400}") {
            if let Ok(families) = parse(&page, |_| true) {
                let mut again = String::new();
                encode(&families, &mut again);
                prop_assert!(parse(&again, |_| true).is_ok(), "{again:?}");
            }
        }

        #[test]
        fn any_label_value_survives(value in "(?s).{0,40}") {
            let mut family = TextFamily {
                name: "x".to_owned(), help: String::new(), kind: "gauge".to_owned(),
                samples: vec![TextSample { name: "x".to_owned(), labels: vec![], value: "1".to_owned() }],
            };
            family.label("a", &value);
            let mut page = String::new();
            encode([&family], &mut page);
            // A carriage return before a line feed is the line's end to every reader of the format.
            prop_assume!(!value.contains('\r'));
            prop_assert_eq!(&parse(&page, |_| true).unwrap()[0], &family);
        }
    }
}
