//! Invalidations that follow from others, as one declared table: when a product changes, so do the
//! lists that show it.
//!
//! A rule names what it follows from by the text of an [`Invalidation`], in which `{name}` stands for
//! one part, and what follows by texts in which the same names may be used.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::invalidation::Invalidation;

/// Rules may follow from each other so many times; what would come after that is not followed.
pub const MAX_CASCADE_DEPTH: usize = 8;
/// One invalidation leads to so many at most; beyond that everything is invalidated instead.
pub const MAX_CASCADE: usize = 256;

/// Which invalidations follow from which.
///
/// ```
/// use hitmark_cache::{Cascades, Invalidation, Key, Tag};
/// let cascades = Cascades::new()
///     .rule("key product:{id}", &["tag product:{id}", "pattern search:*"])?
///     .rule("tag product:{id}", &["key product:{id}"])?;
/// let all = cascades.follow(&Invalidation::Key(Key::new("product").id(7)));
/// let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
/// assert_eq!(texts, ["key product:7", "tag product:7", "pattern search:*"]);
/// # Ok::<(), hitmark_cache::CascadeError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cascades {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    on: String,
    then: Vec<String>,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the cascade from `{on}` to `{then}` cannot be used: {reason}")]
pub struct CascadeError {
    /// What the rule follows from.
    pub on: String,
    /// What follows, as far as it was read.
    pub then: String,
    /// What is wrong.
    pub reason: String,
}

impl Cascades {
    /// A table without rules.
    #[must_use]
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// The same table with one more rule.
    ///
    /// # Errors
    /// If one of the texts is no invalidation, or what follows uses a name that is not in what it
    /// follows from.
    pub fn rule(mut self, on: &str, then: &[&str]) -> Result<Self, CascadeError> {
        // With every name replaced by itself the text must be an invalidation.
        let known = names(on).map(|name| (name, "x")).collect();
        for then in [on].iter().chain(then) {
            let refused =
                |reason: String| CascadeError { on: on.to_owned(), then: (*then).to_owned(), reason };
            let text = filled(then, &known).map_err(|name| refused(format!("`{{{name}}}` is not known")))?;
            text.parse::<Invalidation>().map_err(|error| refused(error.to_string()))?;
        }
        self.rules
            .push(Rule { on: on.to_owned(), then: then.iter().map(|then| (*then).to_owned()).collect() });
        Ok(self)
    }

    /// An invalidation and all that follow from it, each once, in the order of their distance.
    #[must_use]
    pub fn follow(&self, first: &Invalidation) -> Vec<Invalidation> {
        let mut all = vec![first.clone()];
        if self.rules.is_empty() {
            return all;
        }
        let mut seen = HashSet::from([first.clone()]);
        let mut next = VecDeque::from([(first.clone(), 0)]);
        while let Some((what, depth)) = next.pop_front() {
            if depth == MAX_CASCADE_DEPTH {
                continue;
            }
            for what in self.direct(&what) {
                if all.len() == MAX_CASCADE {
                    return vec![Invalidation::All];
                }
                if seen.insert(what.clone()) {
                    all.push(what.clone());
                    next.push_back((what, depth + 1));
                }
            }
        }
        all
    }

    fn direct(&self, what: &Invalidation) -> impl Iterator<Item = Invalidation> {
        let text = what.to_string();
        self.rules.iter().flat_map(move |rule| {
            let known = captured(&rule.on, &text);
            let texts =
                known.map(|known| rule.then.iter().filter_map(|then| filled(then, &known).ok()).collect());
            let texts: Vec<String> = texts.unwrap_or_default();
            texts.into_iter().filter_map(|text| text.parse().ok())
        })
    }
}

/// The names in a rule's text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// What the names of a rule stand for in a text, if it fits.
fn captured<'a>(on: &'a str, text: &'a str) -> Option<HashMap<&'a str, &'a str>> {
    let ((on_scope, on), (scope, text)) = (split(on), split(text));
    let (on, text): (Vec<&str>, Vec<&str>) = (on.split(':').collect(), text.split(':').collect());
    if on_scope != scope || on.len() != text.len() {
        return None;
    }
    let mut known = HashMap::new();
    for (wanted, part) in on.into_iter().zip(text) {
        match wanted.strip_prefix('{').and_then(|wanted| wanted.strip_suffix('}')) {
            Some(name) => _ = known.insert(name, part),
            None if wanted == part => {}
            None => return None,
        }
    }
    Some(known)
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

/// The text with its names replaced, or the name that is not known.
fn filled<'a>(text: &'a str, known: &HashMap<&str, &str>) -> Result<String, &'a str> {
    let mut pieces = text.split('{');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').ok_or(piece)?;
        out.push_str(known.get(name).ok_or(name)?);
        out.push_str(rest);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn texts(cascades: &Cascades, first: &str) -> Vec<String> {
        let first = first.parse().expect("an invalidation");
        cascades.follow(&first).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_circle_ends() {
        let cascades = Cascades::new()
            .rule("tag a:{x}", &["tag b:{x}"])
            .and_then(|cascades| cascades.rule("tag b:{y}", &["tag a:{y}", "table t"]))
            .expect("rules");
        assert_eq!(texts(&cascades, "tag a:1"), ["tag a:1", "tag b:1", "table t"]);
        assert_eq!(texts(&cascades, "tag c:1"), ["tag c:1"]);
        assert_eq!(texts(&cascades, "key a:1"), ["key a:1"], "another scope is another thing");
    }

    #[test]
    fn a_chain_without_end_is_cut() {
        let cascades = Cascades::new().rule("tag a:{x}", &["tag a:{x}{x}"]).expect("a rule");
        assert_eq!(texts(&cascades, "tag a:1").len(), MAX_CASCADE_DEPTH + 1);
    }

    #[test]
    fn a_flood_becomes_everything() {
        let many: Vec<String> = (0..300).map(|id| format!("tag b:{id}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let cascades = Cascades::new().rule("tag a", &many).expect("a rule");
        assert_eq!(texts(&cascades, "tag a"), ["all"]);
    }

    #[test]
    fn a_part_that_a_user_typed_stays_a_part() {
        let cascades = Cascades::new().rule("key user:{id}", &["pattern list:{id}:*"]).expect("a rule");
        let all = cascades.follow(&Invalidation::Key(Key::new("user").id("*:{id}")));
        assert_eq!(all[1].to_string(), "pattern list:%2A%3A{id}:*");
    }

    #[test]
    fn a_rule_that_cannot_work_is_refused() {
        for (on, then) in [
            ("product:{id}", "tag product"),
            ("key product:{id}", "tag product:{shop}"),
            ("key a", "pattern "),
            ("key a:{b", "tag a"),
        ] {
            assert!(Cascades::new().rule(on, &[then]).is_err(), "{on} {then}");
        }
    }
}
