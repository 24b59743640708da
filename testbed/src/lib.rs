//! The reference service: five systems with and without their caches.
//!
//! hitmark measures services, so it carries one that it can be proven on. Every endpoint does the
//! real query work and answers in two variants which differ in nothing but the cache: a request
//! header chooses ([`VARIANT_HEADER`]), the `Cache-Status` header of the response tells what came
//! of it, and the bodies are the same to the byte. Nothing sleeps, and nothing pretends.
//!
//! [`Testbed::start`] migrates and fills a database (SQLite or PostgreSQL, through one set of
//! queries), [`Testbed::serve`] answers until it is told to stop. The command line is not here.
//!
//! # Layout
//!
//! - `service`: the life of a testbed. `config`: what it is started with, checked whole.
//! - `database`: connections, migrations, the loading of generated data.
//! - `marketplace`, `analytics`, `health`, `incidents`: the systems. A system is one module with its queries, model, keys,
//!   handlers and data, and its line in `database::seed::SYSTEMS` and in `service`.
//! - `variant`, `answer`, `cache_status`: how a request chooses its variant and how it is answered.
//! - `policy`, `changes`: what an answer is read from, and what a change of rows takes out of the cache.
//! - [`edge`]: the response cache as a reverse proxy, which knows nothing of the service.
//! - [`assets`]: versioned assets, and the pages' helpers for them. [`cdn`]: their way to object stores and edges.
//! - `admin`: figures and invalidation of the cache, behind the admin token.
//! - `freshness`: what the caches of others are told.
//! - `bare`: the floor under a hit, for comparison.
//! - `compression`, `rate_limit`: what stands around the endpoints of those who ask for it.
//! - `telemetry`, `probes`: counts by route, and the pages `/metrics`, `/healthz`, `/openapi.json`.

mod admin;
mod analytics;
mod answer;
mod app;
pub mod assets;
mod bare;
mod cache_status;
pub mod cdn;
mod changes;
mod choices;
mod compression;
mod config;
mod database;
pub mod edge;
mod error;
mod freshness;
mod health;
mod incidents;
mod marketplace;
mod media;
mod openapi;
mod parameters;
mod policy;
mod probes;
mod rate_limit;
mod redis_link;
mod reply;
mod score_reports;
mod service;
mod sessions;
mod tasks;
mod telemetry;
mod variant;

pub use choices::{CacheChoice, Indexes, SeedSize, UnknownChoice};
pub use compression::Compression;
pub use config::{ConfigError, TestbedConfig};
pub use database::seed::SeedProgress;
pub use error::TestbedError;
pub use service::{Summary, Testbed};
pub use variant::VARIANT_HEADER;
