//! A mapping meets a page: samples, what was missing, what was too much. Pure and total.

use std::collections::HashSet;

use serde_json::Value;

use super::mapping::{LabelSource, Presence, Rule};
use crate::text_format::{TextFamily, TextSample, escaped_help};

/// Most samples that one metric may have.
pub(super) const SAMPLES_MAX: usize = 500;
/// Most samples of one page.
pub(super) const PAGE_SAMPLES_MAX: usize = 2_000;
/// Longest value of a label, in characters.
const LABEL_CHARS_MAX: usize = 128;

/// What a page gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Applied {
    pub(super) families: Vec<TextFamily>,
    /// By rule: values that the page does not hold, or not as a number.
    pub(super) missing: Vec<u64>,
    /// By rule: samples beyond the limits, and those whose labels another one has.
    pub(super) dropped: Vec<u64>,
}

/// Applies the rules to a page.
pub(super) fn apply(rules: &[Rule], page: &Value) -> Applied {
    let mut applied = Applied::default();
    let mut left = PAGE_SAMPLES_MAX;
    for rule in rules {
        let mut sink = Sink { rule, samples: Vec::new(), seen: HashSet::new(), missing: 0, dropped: 0, left };
        match &rule.each {
            None => sink.element(page, page, ""),
            Some(each) => sink.all(each.find(page, page), page),
        }
        left = sink.left;
        applied.missing.push(sink.missing);
        applied.dropped.push(sink.dropped);
        if !sink.samples.is_empty() {
            applied.families.push(TextFamily {
                name: rule.name.clone(),
                help: escaped_help(&rule.help),
                kind: rule.kind.to_owned(),
                samples: sink.samples,
            });
        }
    }
    applied
}

/// The samples of one rule.
struct Sink<'r> {
    rule: &'r Rule,
    samples: Vec<TextSample>,
    seen: HashSet<Vec<(String, String)>>,
    missing: u64,
    dropped: u64,
    /// How many more samples the page may have.
    left: usize,
}

impl Sink<'_> {
    fn all(&mut self, parent: Option<&Value>, page: &Value) {
        match parent {
            Some(Value::Array(items)) => {
                for (place, item) in items.iter().enumerate() {
                    self.element(item, page, &place.to_string());
                }
            }
            Some(Value::Object(items)) => {
                for (key, item) in items {
                    self.element(item, page, key);
                }
            }
            _ => self.missed(),
        }
    }

    fn element(&mut self, element: &Value, page: &Value, key: &str) {
        let value = self.rule.path.find(page, element).and_then(|value| number(value, self.rule));
        let labels = self.labels(element, page, key);
        let (Some(value), Some(labels)) = (value, labels) else { return self.missed() };
        if self.samples.len() >= SAMPLES_MAX || self.left == 0 || !self.seen.insert(labels.clone()) {
            self.dropped += 1;
            return;
        }
        self.left -= 1;
        self.samples.push(TextSample { name: self.rule.name.clone(), labels, value: value.to_string() });
    }

    fn missed(&mut self) {
        self.missing += u64::from(self.rule.presence == Presence::Expected);
    }

    fn labels(&self, element: &Value, page: &Value, key: &str) -> Option<Vec<(String, String)>> {
        let value = |source: &LabelSource| match source {
            LabelSource::Fixed(text) => Some(text.clone()),
            LabelSource::Key => Some(key.to_owned()),
            LabelSource::Page(path) => match path.find(page, element)? {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(truth) => Some(truth.to_string()),
                _ => None,
            },
        };
        let shortened = |text: String| text.chars().take(LABEL_CHARS_MAX).collect();
        let labels = self.rule.labels.iter();
        labels.map(|(name, source)| Some((name.clone(), shortened(value(source)?)))).collect()
    }
}

/// The number that a value means by this rule; a text only if the rule says so or it is a number.
fn number(value: &Value, rule: &Rule) -> Option<f64> {
    let mapped = |text: &str| rule.values.get(text).copied();
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(truth) => mapped(&truth.to_string()).or(Some(f64::from(u8::from(*truth)))),
        Value::String(text) => mapped(text).or_else(|| text.trim().parse().ok()),
        Value::Null => mapped("null"),
        Value::Array(_) | Value::Object(_) => None,
    };
    number.map(|number| number * rule.scale).filter(|number| number.is_finite())
}
