//! The dashboards: one file each, one line in [`DASHBOARDS`].

pub mod cache_overview;
pub mod databases;
mod panels;
pub mod queues;
pub mod tiers;

use crate::grafana::Dashboard;

/// Every dashboard.
pub const DASHBOARDS: &[fn() -> Dashboard] =
    &[cache_overview::dashboard, tiers::dashboard, queues::dashboard, databases::dashboard];
