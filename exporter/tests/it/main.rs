//! The exporter as its users meet it: captured replies, real servers, the built binary.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod bars;
mod celery_watch;
mod certificates;
mod cli;
mod cluster;
mod commandlog;
mod database_tls;
mod edge;
mod golden;
mod hot_keys;
mod http;
mod http_json;
mod layouts;
mod live;
mod manual;
mod memcached;
mod mysql;
mod names;
mod nginx;
mod postgres;
mod postgres_replication;
mod postgres_statements;
mod postgres_versions;
mod prefixes;
mod queues;
mod queues_cluster;
mod rabbitmq;
mod redis_fields;
mod redis_links;
mod redis_more;
mod redis_optional;
mod redis_versions;
mod reload;
mod sentinel;
mod service;
mod sql_golden;
mod support;
mod varnish;
mod web;
