//! The policies of a service as one visible list: a class of keys, named by its prefix, and how its
//! values are cached.

use super::Policy;
use crate::key::{Key, SEPARATOR};

/// Policies by the first parts of a key. The longest prefix that fits counts.
///
/// ```
/// use std::time::Duration;
/// use hitmark_cache::{Key, Policy, PolicyTable};
/// let minutes = |n: u64| Policy::ttl(Duration::from_secs(60 * n));
/// let table = PolicyTable::new(minutes(1))
///     .class(&Key::new("product"), minutes(5))
///     .class(&Key::new("product").id("list"), minutes(2));
/// assert_eq!(table.of(&Key::new("product").id(7)), &minutes(5));
/// assert_eq!(table.of(&Key::new("product").id("list").id(1)), &minutes(2));
/// assert_eq!(table.of(&Key::new("products")), &minutes(1));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyTable {
    /// Longest prefix first.
    classes: Vec<(Key, Policy)>,
    otherwise: Policy,
}

impl PolicyTable {
    /// A table of no class; `otherwise` is the policy of keys that no class names.
    #[must_use]
    pub const fn new(otherwise: Policy) -> Self {
        Self { classes: Vec::new(), otherwise }
    }

    /// The same table with one more class. A prefix that is in it already gets the new policy.
    #[must_use]
    pub fn class(mut self, prefix: &Key, policy: Policy) -> Self {
        self.classes.retain(|(known, _)| known != prefix);
        self.classes.push((prefix.clone(), policy));
        self.classes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.as_str().len()));
        self
    }

    /// The policy of a key.
    #[must_use]
    pub fn of(&self, key: &Key) -> &Policy {
        let class = self.classes.iter().find(|(prefix, _)| is_under(key.as_str(), prefix.as_str()));
        class.map_or(&self.otherwise, |(_, policy)| policy)
    }

    /// Every class with its policy, longest prefix first.
    pub fn classes(&self) -> impl Iterator<Item = (&Key, &Policy)> {
        self.classes.iter().map(|(prefix, policy)| (prefix, policy))
    }
}

/// Whether a key has these first parts, whole.
fn is_under(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(SEPARATOR))
}
