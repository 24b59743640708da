//! Names in the server: the namespace, then a key's own text, or `%` and what no key's text can be.
//!
//! In the text of a key a `%` is always followed by two hex digits, so that `%lease:` and the others
//! below begin no key. A user's pattern may still match them as a glob, so whoever scans asks
//! [`is_value`].

use std::io::Write;

use redis::{RedisWrite, ToRedisArgs};

use crate::entry::Entry;
use crate::wire::{Codec, HEADER_BYTES};

/// What a name in the server is the name of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role {
    Value,
    Lease,
    /// The set of keys that carry a tag.
    Tag,
    /// Such a set while it is swept.
    Swept,
    /// What changes with each invalidation by pattern.
    Epoch,
    /// The channel on which removals are announced.
    Channel,
}

impl Role {
    const fn mark(self) -> &'static str {
        match self {
            Self::Value => "",
            Self::Lease => "%lease:",
            Self::Tag => "%tag:",
            Self::Swept => "%swept:",
            Self::Epoch => "%epoch",
            Self::Channel => "%removed",
        }
    }
}

/// A name, written into a command without a string between.
pub(super) struct Name<'a> {
    pub(super) namespace: &'a str,
    pub(super) role: Role,
    pub(super) text: &'a str,
}

impl ToRedisArgs for Name<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        let mut argument = out.writer_for_next_arg();
        for piece in [self.namespace, self.role.mark(), self.text] {
            // The writer appends to the command's own buffer and cannot fail.
            let _ = argument.write_all(piece.as_bytes());
        }
    }
}

impl redis::ToSingleRedisArg for Name<'_> {}

/// A value with its header, written into a command without a buffer between.
pub(super) struct Payload<'a>(pub(super) &'a Entry, pub(super) &'a Codec);

impl ToRedisArgs for Payload<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        out.reserve_space_for_args([HEADER_BYTES + self.0.value.len()]);
        // The writer appends to the command's own buffer and cannot fail.
        let _ = self.1.encode(self.0, &mut out.writer_for_next_arg());
    }
}

impl redis::ToSingleRedisArg for Payload<'_> {}

/// Whether a name without its namespace is a value's: no lease, tag set or epoch.
pub(super) fn is_value(text: &[u8]) -> bool {
    let is_escape = |rest: &[u8]| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit);
    text.strip_prefix(b"%").is_none_or(is_escape)
}

/// The text as a glob that matches just it. A namespace is the operator's, so it may hold anything.
pub(super) fn escape_glob(text: &str) -> String {
    let mut glob = String::with_capacity(text.len());
    for ch in text.chars() {
        if matches!(ch, '*' | '?' | '[' | ']' | '\\' | '^') {
            glob.push('\\');
        }
        glob.push(ch);
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_namespace_is_matched_literally() {
        assert_eq!(escape_glob("shop[1]*:"), "shop\\[1\\]\\*:");
        assert_eq!(escape_glob("hitmark:"), "hitmark:");
    }

    #[test]
    fn no_key_is_taken_for_bookkeeping() {
        for first in ["a", "%lease:a", "%", " ", "%2A", ""] {
            assert!(is_value(Key::new(first).id(1).as_str().as_bytes()), "{first:?}");
        }
        for role in [Role::Lease, Role::Tag, Role::Swept, Role::Epoch] {
            assert!(!is_value(role.mark().as_bytes()), "{role:?}");
        }
    }
}
