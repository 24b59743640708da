//! What a testbed can be built from: caches, indexes, sizes of data, each by its name on the command
//! line.

use std::fmt;
use std::str::FromStr;

/// Which cache stands behind the cached variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheChoice {
    /// In the process.
    Memory,
    /// A Redis server.
    Redis,
    /// Copies in the process before a Redis server, kept coherent by it.
    Tiered,
    /// A SQLite file.
    Sqlite,
    /// Files of a folder.
    File,
    /// None: both variants do the query work.
    Off,
}

impl CacheChoice {
    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
            Self::Tiered => "tiered",
            Self::Sqlite => "sqlite",
            Self::File => "file",
            Self::Off => "off",
        }
    }

    /// Whether it keeps values in a Redis server.
    #[must_use]
    pub const fn needs_redis(self) -> bool {
        matches!(self, Self::Redis | Self::Tiered)
    }
}

/// Whether the database has its secondary indexes. Primary keys are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexes {
    /// All of them.
    Present,
    /// None: the migrations that make them are taken back.
    Absent,
}

/// How much data a testbed holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedSize {
    /// For tests: 2,000 products.
    Small,
    /// For measuring: 100,000 products, 200,000 orders.
    Medium,
    /// Ten times medium.
    Large,
}

impl SeedSize {
    /// The name on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// The text names no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownChoice {
    /// No cache at all.
    #[error("'{0}' is not a cache; the caches are memory, redis, tiered, sqlite, file, off")]
    Cache(String),
    /// No seed size.
    #[error("'{0}' is not a seed size; the sizes are small, medium, large")]
    SeedSize(String),
}

impl FromStr for CacheChoice {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory" => Ok(Self::Memory),
            "redis" => Ok(Self::Redis),
            "tiered" => Ok(Self::Tiered),
            "sqlite" => Ok(Self::Sqlite),
            "file" => Ok(Self::File),
            "off" => Ok(Self::Off),
            _ => Err(UnknownChoice::Cache(text.to_owned())),
        }
    }
}

impl FromStr for SeedSize {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "small" => Ok(Self::Small),
            "medium" => Ok(Self::Medium),
            "large" => Ok(Self::Large),
            _ => Err(UnknownChoice::SeedSize(text.to_owned())),
        }
    }
}

impl fmt::Display for CacheChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for SeedSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_by_name_and_others_are_answered_with_the_names() {
        let choices = [
            CacheChoice::Memory,
            CacheChoice::Redis,
            CacheChoice::Tiered,
            CacheChoice::Sqlite,
            CacheChoice::File,
            CacheChoice::Off,
        ];
        for choice in choices {
            assert_eq!(choice.as_str().parse(), Ok(choice));
        }
        for size in [SeedSize::Small, SeedSize::Medium, SeedSize::Large] {
            assert_eq!(size.as_str().parse(), Ok(size));
        }
        let unknown = "memcached".parse::<CacheChoice>().expect_err("no cache");
        assert_eq!(
            unknown.to_string(),
            "'memcached' is not a cache; the caches are memory, redis, tiered, sqlite, file, off"
        );
        assert!(
            "huge".parse::<SeedSize>().expect_err("no size").to_string().contains("small, medium, large")
        );
    }
}
