//! The exporter as its users meet it: captured replies, real servers, the built binary.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod cli;
mod edge;
mod golden;
mod http;
mod http_json;
mod live;
mod memcached;
mod nginx;
mod queues;
mod redis_more;
mod service;
mod support;
mod varnish;
