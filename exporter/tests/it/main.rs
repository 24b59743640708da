//! The exporter as its users meet it: captured replies, real servers, the built binary.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod cli;
mod golden;
mod http;
mod live;
mod mysql;
mod postgres;
mod postgres_statements;
mod queues;
mod redis_more;
mod service;
mod sql_golden;
mod support;
