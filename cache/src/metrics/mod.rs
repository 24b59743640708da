//! What the layer counts while it works: plain relaxed atomics, without a lock or an allocation.
//!
//! Counts are spread over a few shards, one for each of so many threads, because a counter that two
//! cores write costs more than the lookup that it counts. Reading adds the shards up, in `families`.

mod families;
mod histogram;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use self::histogram::Histogram;
use crate::error::CacheError;

/// More threads than this share shards, which costs time and no count.
const SHARDS: usize = 8;

/// An operation of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Get,
    Set,
    Delete,
    DeletePattern,
    Clear,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpResult {
    Hit,
    Miss,
    Corrupt,
    Ok,
    Error,
    Timeout,
    Unreachable,
}

/// How an origin call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OriginResult {
    Ok,
    Error,
    Panic,
}

/// What an invalidation aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Key,
    Pattern,
    All,
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

/// All counts of one layer.
#[derive(Debug)]
pub(crate) struct Metrics {
    shards: Box<[Shard; SHARDS]>,
}

/// Aligned to its own cache lines; 128 bytes, since processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    operations: [[AtomicU64; OpResult::COUNT]; Op::COUNT],
    operation_times: [Histogram; Op::COUNT],
    origin_calls: [AtomicU64; OriginResult::COUNT],
    origin_times: Histogram,
    coalesced: AtomicU64,
    invalidated: [AtomicU64; Scope::COUNT],
    empty: [AtomicU64; Scope::COUNT],
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { shards: Box::new(std::array::from_fn(|_| Shard::default())) }
    }

    /// An operation that took `time`. One that was not sent, because the server is known to be
    /// away, has no time worth recording.
    pub(crate) fn operation(&self, op: Op, result: OpResult, time: Duration) {
        let shard = self.shard();
        add(&shard.operations[op as usize][result as usize], 1);
        if result != OpResult::Unreachable {
            shard.operation_times[op as usize].record(time);
        }
    }

    pub(crate) fn origin(&self, result: OriginResult, time: Duration) {
        let shard = self.shard();
        add(&shard.origin_calls[result as usize], 1);
        shard.origin_times.record(time);
    }

    pub(crate) fn coalesced(&self) {
        add(&self.shard().coalesced, 1);
    }

    /// An invalidation that removed so many keys.
    pub(crate) fn invalidated(&self, scope: Scope, keys: u64) {
        let shard = self.shard();
        if keys == 0 {
            add(&shard.empty[scope as usize], 1);
        } else {
            add(&shard.invalidated[scope as usize], keys);
        }
    }

    /// The shard of this thread. Threads take turns at their first call.
    fn shard(&self) -> &Shard {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        let mine = MINE.with(|mine| {
            if mine.get() == usize::MAX {
                mine.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            }
            mine.get()
        });
        &self.shards[mine]
    }

    /// One count, added up over the shards.
    fn sum(&self, count: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| count(shard).load(Ordering::Relaxed)).sum()
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

impl Op {
    const ALL: [Self; 5] = [Self::Get, Self::Set, Self::Delete, Self::DeletePattern, Self::Clear];
    const COUNT: usize = Self::ALL.len();

    const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::DeletePattern => "delete_pattern",
            Self::Clear => "clear",
        }
    }

    /// How this operation can end, so that a series is there, as zero, before its first event.
    const fn results(self) -> &'static [OpResult] {
        use OpResult::{Corrupt, Error, Hit, Miss, Ok, Timeout, Unreachable};
        match self {
            Self::Get => &[Hit, Miss, Corrupt, Error, Timeout, Unreachable],
            Self::Set | Self::Delete | Self::DeletePattern | Self::Clear => {
                &[Ok, Error, Timeout, Unreachable]
            }
        }
    }
}

impl OpResult {
    const COUNT: usize = 7;

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Corrupt => "corrupt",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

impl OriginResult {
    const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Panic];
    const COUNT: usize = Self::ALL.len();

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Panic => "panic",
        }
    }
}

impl Scope {
    const ALL: [Self; 3] = [Self::Key, Self::Pattern, Self::All];
    const COUNT: usize = Self::ALL.len();

    const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::All => "all",
        }
    }
}
