//! Compression of answers, for the systems that ask for it: gzip and brotli by `Accept-Encoding`, from
//! 1,024 bytes on, at level 6, and never what is compressed already.
//!
//! The cache holds the plain bytes, so that one entry serves every client; a hit is compressed for
//! each who wants it so, and a client that accepts nothing pays nothing.

use axum::Router;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// The smallest body that is worth the work.
pub(crate) const MIN_BYTES: u16 = 1_024;
/// The seed's balance of work against size.
const LEVEL: i32 = 6;

/// The routes with compression around them, and `Vary: accept-encoding` on what it touches.
pub(crate) fn compressed(router: Router) -> Router {
    let worth_it = SizeAbove::new(MIN_BYTES)
        .and(NotForContentType::IMAGES)
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/pdf"))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/gzip"));
    let layer = CompressionLayer::new().quality(CompressionLevel::Precise(LEVEL)).compress_when(worth_it);
    router.layer(layer)
}
