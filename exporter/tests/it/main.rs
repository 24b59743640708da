//! The exporter as its users meet it: captured replies, real servers, the built binary.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod bars;
mod certificates;
mod cli;
mod cluster;
mod golden;
mod http;
mod live;
mod names;
mod queues;
mod redis_links;
mod redis_more;
mod reload;
mod service;
mod support;
mod web;
