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
//! - [`options`]: what a module of the configuration says to a collector.
//! - `probe`: targets that a request names, within the allow-list.
//! - [`collectors`]: one kind of target, one file.
//! - [`redis_client`], `http_client`: the network, without knowing what the answers mean.
//! - [`text_format`]: the pages that services write, read and written again.
//! - `exposition`: the exporter's own page; `single_flight`: one question at a time for each target.

pub mod cli;
pub mod collectors;
pub mod config;
mod config_file;
mod config_tables;
mod exporter;
mod exposition;
pub mod failure;
mod http;
mod http_client;
mod induced;
pub mod options;
mod probe;
pub mod redis_client;
mod settings;
mod single_flight;
pub mod text_format;

pub use config::{ConfigError, ExporterConfig, TargetConfig};
pub use exporter::{Exporter, ExporterError};
