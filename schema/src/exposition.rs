//! The page for Prometheus: families of samples become text, in format 0.0.4 or OpenMetrics 1.0.
//!
//! It is here because two rooms that must not know each other write such a page: the exporter and
//! the service under test. It only encodes. What is measured, and when, is theirs.
//! Formats: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write;

use crate::metrics::{Kind, Metric};

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The content type of an OpenMetrics page.
pub const OPENMETRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How a page is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0; whoever completes the page ends it with `# EOF`.
    OpenMetrics,
}

impl Format {
    /// The value of the header `content-type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => CONTENT_TYPE,
            Self::OpenMetrics => OPENMETRICS_TYPE,
        }
    }
}

/// All samples of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name, help, kind.
    pub metric: Metric,
    /// The samples; a family without samples is not written.
    pub samples: Vec<Sample>,
}

/// One sample: label values and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Label names and values. Names are constants: values come from bounded sets.
    pub labels: Vec<(&'static str, String)>,
    /// What was measured.
    pub value: Value,
}

/// What a sample holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A counter or a gauge.
    Number(f64),
    /// A classic histogram: upper bounds with cumulative counts, without the `+Inf` bucket.
    Histogram {
        /// Upper bound and the number of observations at or below it, ascending.
        buckets: Vec<(f64, u64)>,
        /// All observations.
        count: u64,
        /// Their sum, in the metric's unit.
        sum: f64,
    },
    /// A summary: the label value of each quantile with its value.
    Summary {
        /// The text of the label `quantile`, which compatibility may want as `99.9`, and the value.
        quantiles: Vec<(&'static str, f64)>,
        /// All observations.
        count: u64,
        /// Their sum, in the metric's unit.
        sum: f64,
    },
}

impl Family {
    /// A family with no samples yet.
    #[must_use]
    pub const fn new(metric: Metric) -> Self {
        Self { metric, samples: Vec::new() }
    }

    /// A family with one sample that has no labels.
    #[must_use]
    pub fn single(metric: Metric, value: f64) -> Self {
        Self::new(metric).with(&[], value)
    }

    /// Adds a sample.
    #[must_use]
    pub fn with(mut self, labels: &[(&'static str, &str)], value: f64) -> Self {
        self.push(labels, value);
        self
    }

    /// Adds a sample.
    pub fn push(&mut self, labels: &[(&'static str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.samples.push(Sample { labels, value: Value::Number(value) });
    }
}

/// Writes families as a text page, appending to `page`.
pub fn encode<'a>(families: impl IntoIterator<Item = &'a Family>, page: &mut String) {
    encode_as(Format::Text, families, page);
}

/// Writes families in a format, appending to `page`. The end mark of OpenMetrics is the caller's.
pub fn encode_as<'a>(format: Format, families: impl IntoIterator<Item = &'a Family>, page: &mut String) {
    for family in families {
        if family.samples.is_empty() {
            continue;
        }
        let Metric { name, help, kind, .. } = family.metric;
        if format == Format::OpenMetrics && kind == Kind::Summary {
            summary_in_parts(family, page);
            continue;
        }
        head(format, name, help, kind.as_str(), page);
        for sample in &family.samples {
            encode_sample(format, name, sample, page);
        }
    }
}

/// `# HELP` and `# TYPE`. OpenMetrics names a counter without its `_total` and knows no counter
/// that lacks it: such a name, kept for compatibility, is of unknown type there.
pub fn head(format: Format, name: &str, help: &str, kind: &str, page: &mut String) {
    let (mut family, mut word) = (name, kind);
    if format == Format::OpenMetrics {
        match (kind, name.strip_suffix("_total")) {
            ("counter", Some(stem)) => family = stem,
            ("counter", None) | ("untyped", _) => word = "unknown",
            _ => {}
        }
    }
    page.push_str("# HELP ");
    page.push_str(family);
    page.push(' ');
    push_help(help, format, page);
    page.push_str("\n# TYPE ");
    page.push_str(family);
    page.push(' ');
    page.push_str(word);
    page.push('\n');
}

/// A summary whose quantiles are percentages is no OpenMetrics summary: its series keep their names
/// there as three families of unknown type, so that both formats give the same series.
fn summary_in_parts(family: &Family, page: &mut String) {
    let Metric { name, help, .. } = family.metric;
    let start = page.len();
    let (mut counts, mut sums) = (String::new(), String::new());
    head(Format::OpenMetrics, name, help, "untyped", page);
    for Sample { labels, value } in &family.samples {
        let Value::Summary { quantiles, count, sum } = value else { continue };
        for (quantile, value) in quantiles {
            encode_line(name, "", labels, Some(quantile), *value, page);
        }
        encode_line(name, "_sum", labels, None, *sum, &mut sums);
        encode_line(name, "_count", labels, None, *count as f64, &mut counts);
    }
    debug_assert!(page.len() > start);
    for (suffix, lines) in [("_sum", sums), ("_count", counts)] {
        head(Format::OpenMetrics, &format!("{name}{suffix}"), help, "untyped", page);
        page.push_str(&lines);
    }
}

fn encode_sample(format: Format, name: &str, sample: &Sample, page: &mut String) {
    let labels = &sample.labels;
    match &sample.value {
        Value::Number(value) => encode_line(name, "", labels, None, *value, page),
        Value::Histogram { buckets, count, sum } => {
            // Most lines of a page are buckets, and those of one sample begin alike: that is written once.
            let start = page.len();
            page.push_str(name);
            page.push_str("_bucket");
            let separator = push_labels(labels, page);
            page.push(separator);
            page.push_str("le=\"");
            let beginning = start..page.len();
            for (bound, cumulative) in buckets {
                push_bound(*bound, format, page);
                page.push_str("\"} ");
                push_integer(*cumulative, page);
                page.push('\n');
                page.extend_from_within(beginning.clone());
            }
            page.push_str("+Inf\"} ");
            push_integer(*count, page);
            page.push('\n');
            encode_line(name, "_sum", labels, None, *sum, page);
            encode_line(name, "_count", labels, None, *count as f64, page);
        }
        Value::Summary { quantiles, count, sum } => {
            for (quantile, value) in quantiles {
                encode_line(name, "", labels, Some(quantile), *value, page);
            }
            encode_line(name, "_sum", labels, None, *sum, page);
            encode_line(name, "_count", labels, None, *count as f64, page);
        }
    }
}

/// Writes one line; `quantile` is the last label's value.
fn encode_line(
    name: &str,
    suffix: &str,
    labels: &[(&'static str, String)],
    quantile: Option<&str>,
    value: f64,
    page: &mut String,
) {
    page.push_str(name);
    page.push_str(suffix);
    let mut separator = push_labels(labels, page);
    if let Some(quantile) = quantile {
        page.push(separator);
        page.push_str("quantile=\"");
        page.push_str(quantile);
        page.push('"');
        separator = ',';
    }
    if separator == ',' {
        page.push('}');
    }
    page.push(' ');
    push_number(value, page);
    page.push('\n');
}

/// Writes the labels without what closes them, and says what must stand before a further one.
fn push_labels(labels: &[(&'static str, String)], page: &mut String) -> char {
    let mut separator = '{';
    for (label, value) in labels {
        page.push(separator);
        page.push_str(label);
        page.push_str("=\"");
        push_escaped(value, page);
        page.push('"');
        separator = ',';
    }
    separator
}

/// The upper bound of a bucket. OpenMetrics wants it to look like a float.
fn push_bound(bound: f64, format: Format, page: &mut String) {
    push_number(bound, page);
    if format == Format::OpenMetrics && bound.fract() == 0.0 && bound.is_finite() {
        page.push_str(".0");
    }
}

fn push_escaped(value: &str, page: &mut String) {
    if !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        return page.push_str(value);
    }
    for ch in value.chars() {
        match ch {
            '\\' => page.push_str("\\\\"),
            '"' => page.push_str("\\\""),
            '\n' => page.push_str("\\n"),
            ch => page.push(ch),
        }
    }
}

/// Help text: OpenMetrics escapes quotes too.
fn push_help(help: &str, format: Format, page: &mut String) {
    if !help.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        return page.push_str(help);
    }
    for ch in help.chars() {
        match ch {
            '\\' => page.push_str("\\\\"),
            '\n' => page.push_str("\\n"),
            '"' if format == Format::OpenMetrics => page.push_str("\\\""),
            ch => page.push(ch),
        }
    }
}

/// Integers up to here are exact in a float and are written digit by digit.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

fn push_number(value: f64, page: &mut String) {
    if value.is_nan() {
        page.push_str("NaN");
    } else if value.is_infinite() {
        page.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
        if value < 0.0 {
            page.push('-');
        }
        push_integer(value.abs() as u64, page);
    } else {
        let _ = write!(page, "{value}");
    }
}

/// Most numbers of a page are counts, and the formatting machinery costs several times this loop.
fn push_integer(mut number: u64, page: &mut String) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    // One copy instead of a character at a time; digits are always text.
    page.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HITS: Metric =
        Metric { name: "x_hits_total", help: "Hits,\nby key.", kind: Kind::Counter, labels: &["key"] };

    #[test]
    fn a_page_escapes_labels_and_help_and_skips_empty_families() {
        let mut page = String::new();
        let empty = Family::new(Metric { name: "x_none", ..HITS });
        let hits = Family::new(HITS).with(&[("key", "a\"b\\c\nd")], 3.0).with(&[("key", "plain")], 0.5);
        encode([&empty, &hits], &mut page);
        assert_eq!(
            page,
            "# HELP x_hits_total Hits,\\nby key.\n# TYPE x_hits_total counter\n\
             x_hits_total{key=\"a\\\"b\\\\c\\nd\"} 3\nx_hits_total{key=\"plain\"} 0.5\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_its_infinite_bucket_sum_and_count() {
        let metric = Metric { name: "x_seconds", help: "Time.", kind: Kind::Histogram, labels: &["op"] };
        let value = Value::Histogram { buckets: vec![(0.001, 2), (0.01, 3)], count: 4, sum: 1.25 };
        let mut family = Family::new(metric);
        family.samples.push(Sample { labels: vec![("op", "get".to_owned())], value });
        let mut page = String::new();
        encode([&family], &mut page);
        let lines: Vec<&str> = page.lines().skip(2).collect();
        assert_eq!(
            lines,
            [
                "x_seconds_bucket{op=\"get\",le=\"0.001\"} 2",
                "x_seconds_bucket{op=\"get\",le=\"0.01\"} 3",
                "x_seconds_bucket{op=\"get\",le=\"+Inf\"} 4",
                "x_seconds_sum{op=\"get\"} 1.25",
                "x_seconds_count{op=\"get\"} 4",
            ]
        );
    }

    #[test]
    fn openmetrics_names_a_counter_without_total_and_a_bound_as_a_float() {
        let mut page = String::new();
        let hits = Family::new(HITS).with(&[("key", "a")], 3.0);
        let odd = Family::single(Metric { name: "x_odd", ..HITS }, 1.0);
        let metric = Metric { name: "x_seconds", help: "Time.", kind: Kind::Histogram, labels: &[] };
        let mut times = Family::new(metric);
        let value = Value::Histogram { buckets: vec![(1.0, 2)], count: 2, sum: 1.5 };
        times.samples.push(Sample { labels: vec![], value });
        encode_as(Format::OpenMetrics, [&hits, &odd, &times], &mut page);
        for line in
            ["# TYPE x_hits counter\nx_hits_total{", "# TYPE x_odd unknown\nx_odd 1", "{le=\"1.0\"} 2"]
        {
            assert!(page.contains(line), "{line} is missing in\n{page}");
        }
    }

    #[test]
    fn numbers_are_written_without_a_loss() {
        for value in [0.0, 1.0, -1.0, 10.0, 1e15, 9e15, 1e19, 0.1, -2.5, 1e-7, 123_456_789.0] {
            let mut text = String::new();
            push_number(value, &mut text);
            assert_eq!(text.parse::<f64>(), Ok(value), "{text}");
        }
    }
}
