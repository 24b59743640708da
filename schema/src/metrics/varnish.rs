//! Varnish, under the names of prometheus_varnish_exporter. Only what varnishstat does not name
//! itself is here: its counters differ by version and become `varnish_GROUP_NAME` as they come.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// The metrics of a Varnish server that are not counters of varnishstat.
    VARNISH;

    gauge VARNISH_UP "varnish_up" [] "1 if varnishstat told the counters in this scrape, else 0.";
    gauge VARNISH_VERSION "varnish_version" ["major", "minor", "patch", "revision", "version"] "Always 1; the labels say which version varnishstat is.";
    gauge VARNISH_BACKEND_UP "varnish_backend_up" ["backend", "server"] "1 if the latest health probe of the backend went well, else 0; 0 too where no probe is configured.";
}

/// Beginnings of names that break Prometheus' rules and are kept because dashboards select them:
/// promtool takes the `s` of a sum for seconds.
pub const VARNISH_KEPT: &[&str] = &["varnish_main_s_"];
