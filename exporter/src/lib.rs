//! Asks caches and services and answers Prometheus.
//!
//! One scrape: every target is asked at once, in one round trip each, on a connection that is kept;
//! a pure parse turns the answer into samples; the page is written. A target that fails is a sample
//! too. Nothing is asked between scrapes.
//!
//! # Layout
//!
//! - [`config`], [`cli`]: what to ask and where to listen; every mistake at once.
//! - [`Exporter`]: the targets, the page, the server.
//! - `reload`: the configuration in force and its replacement; `web`: our port's TLS and passwords.
//! - [`options`]: what a module of the configuration says to a collector.
//! - `probe`: targets that a request names, within the allow-list.
//! - [`collectors`]: one kind of target, one file.
//! - `tls`, `page_tls`: certificates and the handshake with servers and with pages that speak TLS.
//! - [`redis_client`], [`memcached_client`], `http_client`: the network, without knowing what the answers mean.
//! - `effectiveness`: what a cache tier is worth, under the same names for every kind.
//! - [`redis_client`], `postgres_client`, `mysql_client`, `http_client`: the network, without knowing what the answers mean.
//! - [`sql`]: rows of a database, as the clients hand them over; `statements`: counters of statements
//!   that stay exact, for every database.
//! - [`text_format`]: the pages that services write, read and written again.
//! - `subprocess`: one bounded run of a program, for what only it can read.
//! - `exposition`: the exporter's own page; `compression`: made small; `single_flight`: one question at a time for each target.

pub mod cli;
pub mod collectors;
mod compression;
pub mod config;
mod config_file;
mod config_tables;
mod effectiveness;
mod exporter;
mod exposition;
pub mod failure;
mod http;
mod http_client;
mod induced;
pub mod memcached_client;
mod mysql_client;
pub mod options;
mod overrides;
mod page_tls;
mod postgres_client;
mod probe;
pub mod redis_client;
mod reload;
mod settings;
mod single_flight;
pub mod sql;
mod sql_url;
mod statements;
mod subprocess;
pub mod text_format;
mod tls;
mod web;

pub use config::{ConfigError, ExporterConfig, Lifecycle, TargetConfig};
pub use exporter::{Exporter, ExporterError, Reloader};
