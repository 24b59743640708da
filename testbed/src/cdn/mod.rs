//! The network before the assets: configuration, synchronisation with an object store, invalidation
//! of edges, a trial of an edge, and its status.
//!
//! Apart from `assets`, which knows what an asset is, and from [`crate::edge`], which is one of the
//! edges that may stand here; Varnish, nginx and CloudFront are others. Everything here is a client
//! and is asked by an operator: nothing runs while the service answers, except that an earlier
//! version of an asset is read from the store.

mod cloudfront;
mod config;
mod error;
mod freshness;
mod http;
mod invalidation;
pub(crate) mod status;
mod store;
mod sync;
mod trial;

pub use config::{CdnConfig, CdnSettings, CloudFront, CloudFrontSettings, Credentials, Provider};
pub use error::CdnError;
pub use freshness::{Freshness, Sign, measure};
pub use invalidation::{Invalidated, Invalidation, invalidate};
pub use status::{StoreState, document, state};
pub use store::Store;
pub use sync::{SyncMode, SyncReport, sync};
pub use trial::{Judgement, Probe, Trial, trial};
