//! The exporter as its users meet it: captured replies, real servers, the built binary.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod celery_watch;
mod cli;
mod golden;
mod http;
mod layouts;
mod live;
mod queues;
mod rabbitmq;
mod redis_more;
mod service;
mod support;
