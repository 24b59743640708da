//! The Prometheus text page (format 0.0.4): families of samples become text.
//!
//! It is here because two rooms that must not know each other write such a page: the exporter and
//! the service under test. It only encodes. What is measured, and when, is theirs.
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::Write;

use crate::metrics::{Kind, Metric};

/// The content type of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    for family in families {
        if family.samples.is_empty() {
            continue;
        }
        let Metric { name, help, kind, .. } = family.metric;
        let _ = writeln!(page, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(page, "# TYPE {name} {}", kind.as_str());
        for sample in &family.samples {
            encode_sample(name, kind, sample, page);
        }
    }
}

fn encode_sample(name: &str, kind: Kind, sample: &Sample, page: &mut String) {
    match &sample.value {
        Value::Number(value) => {
            debug_assert!(kind != Kind::Histogram, "{name} is a histogram but has a number");
            encode_line(name, "", &sample.labels, None, *value, page);
        }
        Value::Histogram { buckets, count, sum } => {
            for (bound, cumulative) in buckets {
                encode_line(name, "_bucket", &sample.labels, Some(*bound), *cumulative as f64, page);
            }
            encode_line(name, "_bucket", &sample.labels, Some(f64::INFINITY), *count as f64, page);
            encode_line(name, "_sum", &sample.labels, None, *sum, page);
            encode_line(name, "_count", &sample.labels, None, *count as f64, page);
        }
    }
}

fn encode_line(
    name: &str,
    suffix: &str,
    labels: &[(&'static str, String)],
    bound: Option<f64>,
    value: f64,
    page: &mut String,
) {
    page.push_str(name);
    page.push_str(suffix);
    let mut separator = '{';
    for (label, value) in labels {
        page.push(separator);
        let _ = write!(page, "{label}=\"");
        push_escaped(value, page);
        page.push('"');
        separator = ',';
    }
    if let Some(bound) = bound {
        let _ = write!(page, "{separator}le=\"");
        push_number(bound, page);
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

fn push_escaped(value: &str, page: &mut String) {
    for ch in value.chars() {
        match ch {
            '\\' => page.push_str("\\\\"),
            '"' => page.push_str("\\\""),
            '\n' => page.push_str("\\n"),
            ch => page.push(ch),
        }
    }
}

fn push_number(value: f64, page: &mut String) {
    if value.is_nan() {
        page.push_str("NaN");
    } else if value.is_infinite() {
        page.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        let _ = write!(page, "{value}");
    }
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
}
