//! Paths into a JSON document: the small part of JSONPath that a mapping needs.
//!
//! `$.queues[0].name`, `$['a name']`, `@.waiting`, `@`: from the root or from the element at hand.
//! What one path gives is one value or none. A star, which gives many, may only end the path of
//! `each`. Nothing here loops over more than the path's own length.

use std::fmt;

use serde_json::Value;

/// Longest path that is read.
const LEN_MAX: usize = 256;
/// Most steps of one path.
const STEPS_MAX: usize = 16;

/// A path to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    from: From,
    steps: Vec<Step>,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// `$`: the document.
    Root,
    /// `@`: the element that `each` is at.
    Element,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Place(usize),
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoPath(&'static str);

impl fmt::Display for NoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; write $.a.b[0], $['a b'] or, after each, @.b", self.0)
    }
}

impl Path {
    /// The document itself.
    pub(super) const fn root() -> Self {
        Self { from: From::Root, steps: Vec::new() }
    }

    /// Reads `$.a[0]['b']` or `@.a`.
    pub(super) fn parse(text: &str) -> Result<Self, NoPath> {
        if text.len() > LEN_MAX {
            return Err(NoPath("the path is too long"));
        }
        let (from, mut rest) = match text.as_bytes().first() {
            Some(b'$') => (From::Root, &text[1..]),
            Some(b'@') => (From::Element, &text[1..]),
            _ => return Err(NoPath("a path begins with $ or @")),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest)?;
            steps.push(step);
            rest = after;
        }
        if steps.len() > STEPS_MAX {
            return Err(NoPath("the path has too many steps"));
        }
        Ok(Self { from, steps })
    }

    /// Reads a path that ends in `[*]` or `.*`, without that end.
    pub(super) fn parse_each(text: &str) -> Result<Self, NoPath> {
        let stem = text.strip_suffix("[*]").or_else(|| text.strip_suffix(".*"));
        let path = Self::parse(stem.ok_or(NoPath("each ends in [*]"))?)?;
        if path.from == From::Root { Ok(path) } else { Err(NoPath("each begins with $")) }
    }

    /// Whether it begins at the element.
    pub(super) fn needs_element(&self) -> bool {
        self.from == From::Element
    }

    /// The value, if the document has one there.
    pub(super) fn find<'a>(&self, root: &'a Value, element: &'a Value) -> Option<&'a Value> {
        let start = match self.from {
            From::Root => root,
            From::Element => element,
        };
        self.steps.iter().try_fold(start, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Place(place) => value.get(place),
        })
    }
}

/// The first step of a path and what follows it.
fn step(text: &str) -> Result<(Step, &str), NoPath> {
    if let Some(rest) = text.strip_prefix('.') {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let plain = !name.is_empty() && !name.contains(['*', ']', '\'', '"', ' ', '(', '?']);
        return if plain {
            Ok((Step::Name(name.to_owned()), rest))
        } else {
            Err(NoPath("a name is missing"))
        };
    }
    let rest = text.strip_prefix('[').ok_or(NoPath("a step begins with . or ["))?;
    if let Some(rest) = rest.strip_prefix('\'') {
        let (name, rest) = rest.split_once("']").ok_or(NoPath("a name in quotes has no end"))?;
        return Ok((Step::Name(name.to_owned()), rest));
    }
    let (place, rest) = rest.split_once(']').ok_or(NoPath("a bracket has no end"))?;
    let place = place.parse().map_err(|_| NoPath("in brackets stands a number or a name in quotes"))?;
    Ok((Step::Place(place), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_finds_its_value_or_none() {
        let root = json!({ "a": { "b": [1, { "c d": 2 }] }, "x": null });
        let element = json!({ "n": 7 });
        for (text, wanted) in [
            ("$.a.b[0]", Some(json!(1))),
            ("$.a.b[1]['c d']", Some(json!(2))),
            ("$['a'].b[9]", None),
            ("$.a.b.c", None),
            ("$.x", Some(json!(null))),
            ("$.x.y", None),
            ("@.n", Some(json!(7))),
            ("@", Some(element.clone())),
        ] {
            let path = Path::parse(text).unwrap();
            assert_eq!(path.find(&root, &element), wanted.as_ref(), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_told() {
        for text in [
            "",
            "a",
            ".a",
            "$a",
            "$.",
            "$..a",
            "$[a]",
            "$[-1]",
            "$['a",
            "$[0",
            "$.a[*]",
            "$.*",
            "$.a[?(@.b)]",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        assert!(Path::parse(&format!("${}", "[0]".repeat(17))).is_err());
        assert_eq!(Path::parse_each("$.queues[*]").unwrap(), Path::parse("$.queues").unwrap());
        for text in ["$.queues", "@.queues[*]", "$.a[*].b[*]"] {
            assert!(Path::parse_each(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_an_error(text in "[$@][.\\['\\]a-z0-9*]{0,40}") {
            if let Ok(path) = Path::parse(&text) {
                let _ = path.find(&json!([[0], {"a": 1}]), &Value::Null);
            }
        }
    }
}
