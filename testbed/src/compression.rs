//! Compression of answers, for the systems that ask for it: gzip and brotli by `Accept-Encoding`, from
//! a size on, and never what is compressed already.
//!
//! The cache holds the plain bytes, so that one entry serves every client; a hit is compressed for
//! each who wants it so, and a client that accepts nothing pays nothing.

use axum::Router;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// From which size on, and how hard. The document of system 2 has 512 bytes at level 6 for production,
/// and 1,024 bytes at level 4 for development.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// The smallest body that is worth the work.
    pub min_bytes: u16,
    /// 1 (fast) to 9 (small), for gzip and brotli alike.
    pub level: u8,
}

impl Default for Compression {
    fn default() -> Self {
        Self { min_bytes: 1_024, level: 6 }
    }
}

/// The levels that both encodings have.
const LEVELS: std::ops::RangeInclusive<u8> = 1..=9;

/// What is wrong with it, if anything is.
pub(crate) fn mistake(compression: Compression) -> Option<String> {
    let level = compression.level;
    (!LEVELS.contains(&level)).then(|| format!("compression level {level}: write a number from 1 to 9"))
}

/// The routes with compression around them, and `Vary: accept-encoding` on what it touches.
pub(crate) fn compressed(router: Router, compression: Compression) -> Router {
    let worth_it = SizeAbove::new(compression.min_bytes)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/gzip"));
    let level = CompressionLevel::Precise(i32::from(compression.level));
    router.layer(CompressionLayer::new().quality(level).compress_when(worth_it))
}
