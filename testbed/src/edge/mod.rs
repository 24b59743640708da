//! The edge: the response cache as a small reverse proxy before any HTTP/1.1 origin.
//!
//! It stands in for a content delivery network where none can be had, and it is the way in which the
//! response cache is judged from outside. What is cached is decided in `hitmark_cache::response`;
//! here are sockets, forwarding, limits and the administrative requests. It speaks plain HTTP/1.1 on
//! both sides: no TLS, no upgrades, no configuration file.
//!
//! - `config`: what it is started with, checked whole. `server`: connections, limits, the end.
//! - `proxy`: what happens to a request before and after the cache. `origin`: the client behind it.
//! - `interim`: the passing on of 1xx answers.
//! - `admin`: `PURGE`, `/.hitmark/metrics`, `/.hitmark/healthz`.

mod admin;
mod config;
mod interim;
mod origin;
mod proxy;
mod server;

pub use config::EdgeConfig;
pub use server::Edge;
