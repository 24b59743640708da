//! Assets on their way: the service, an object store, and real edges before an origin that is told
//! what to answer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop here")]

mod cloud;
mod edges;
mod freshness;
mod serving;
mod support;
mod synchronising;
