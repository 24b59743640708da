//! Versioned assets: style sheets, scripts and pictures under names that hold a hash of their content.
//!
//! A name with the hash never changes its content, so that browsers and edges may keep it for a year
//! and never ask again ([`IMMUTABLE`]); new content gets a new name. The plain name is answered too,
//! for a minute ([`SHORT`]). Apart from `cdn`, which brings assets to stores and edges and knows
//! nothing of how they are made; nothing here touches the network.

mod links;
mod page;
mod serve;
mod set;

pub use links::Links;
pub(crate) use links::Versions;
pub(crate) use serve::{Served, routes};
pub(crate) use set::ASSET_BYTES_MAX;
pub use set::{Asset, AssetError, AssetSet};

/// The folder of assets in a URL and in an object store.
pub const FOLDER: &str = "assets";

/// `Cache-Control` of a name with a hash (RFC 8246 for `immutable`): a year.
pub const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// `Cache-Control` of a plain name, whose content changes with each release: a minute, another one in
/// which an edge may answer while it asks, and a day in which it may stand in for a failing origin
/// (RFC 5861).
pub const SHORT: &str = "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400";
