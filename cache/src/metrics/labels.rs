//! The words of the labels: every value that a label can have, each with its series from the start.

use crate::error::CacheError;
use crate::invalidation::Invalidation;

/// A set of label values, with their words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant),+
        }

        impl $name {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant),+];
            pub(super) const COUNT: usize = Self::ALL.len();

            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }
    };
}

words! {
    /// An operation of the backend.
    Op {
        Get => "get",
        Set => "set",
        Claim => "claim",
        Renounce => "renounce",
        Delete => "delete",
        DeleteTag => "delete_tag",
        DeletePattern => "delete_pattern",
        Clear => "clear",
    }
}

words! {
    /// How an operation ended.
    OpResult {
        Hit => "hit",
        Stale => "stale",
        Miss => "miss",
        Corrupt => "corrupt",
        Ok => "ok",
        Refused => "refused",
        Error => "error",
        Timeout => "timeout",
        Unreachable => "unreachable",
    }
}

words! {
    /// How an origin call ended.
    OriginResult {
        Ok => "ok",
        Error => "error",
        Timeout => "timeout",
        Panic => "panic",
    }
}

words! {
    /// What an invalidation aimed at.
    Scope {
        Key => "key",
        Tag => "tag",
        Pattern => "pattern",
        Table => "table",
        All => "all",
    }
}

words! {
    /// What became of a refresh in the background.
    Refresh {
        Started => "started",
        Skipped => "skipped",
    }
}

impl Op {
    /// How this operation can end, so that a series is there, as zero, before its first event.
    pub(super) const fn results(self) -> &'static [OpResult] {
        use OpResult::{Corrupt, Error, Hit, Miss, Ok, Refused, Stale, Timeout, Unreachable};
        match self {
            Self::Get => &[Hit, Stale, Miss, Corrupt, Error, Timeout, Unreachable],
            Self::Set | Self::Claim => &[Ok, Refused, Error, Timeout, Unreachable],
            Self::Renounce | Self::Delete | Self::DeleteTag | Self::DeletePattern | Self::Clear => {
                &[Ok, Error, Timeout, Unreachable]
            }
        }
    }
}

impl From<&CacheError> for OpResult {
    fn from(error: &CacheError) -> Self {
        match error {
            CacheError::Timeout => Self::Timeout,
            CacheError::Unreachable => Self::Unreachable,
            CacheError::Url { .. } | CacheError::Open { .. } => Self::Error,
            CacheError::Server(_) | CacheError::Store(_) => Self::Error,
        }
    }
}

impl Scope {
    pub(crate) const fn of(what: &Invalidation) -> Self {
        match what {
            Invalidation::Key(_) => Self::Key,
            Invalidation::Tag(_) => Self::Tag,
            Invalidation::Pattern(_) => Self::Pattern,
            Invalidation::Table(_) => Self::Table,
            Invalidation::All => Self::All,
        }
    }
}
