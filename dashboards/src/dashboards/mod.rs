//! The dashboards: one file each, one line in [`DASHBOARDS`].

pub mod cache_overview;

use crate::grafana::Dashboard;

/// Every dashboard.
pub const DASHBOARDS: &[fn() -> Dashboard] = &[cache_overview::dashboard];
