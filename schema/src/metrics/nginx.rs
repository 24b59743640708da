//! nginx' page of its own state, under the names of nginx-prometheus-exporter.

use super::Metric;
use super::declare::metrics;

metrics! {
    /// Every metric of nginx' stub_status.
    NGINX;

    gauge NGINX_UP "nginx_up" [] "1 if the server answered this scrape, else 0.";
    gauge NGINX_ACTIVE "nginx_connections_active" [] "Open connections of clients, waiting ones and this exporter's among them.";
    counter NGINX_ACCEPTED "nginx_connections_accepted" [] "Connections accepted, one of them for each scrape.";
    counter NGINX_HANDLED "nginx_connections_handled" [] "Connections handled; fewer than accepted if a limit was reached.";
    gauge NGINX_READING "nginx_connections_reading" [] "Connections whose request is being read.";
    gauge NGINX_WRITING "nginx_connections_writing" [] "Connections whose response is being written, this exporter's among them.";
    gauge NGINX_WAITING "nginx_connections_waiting" [] "Idle connections that wait for a request.";
    counter NGINX_REQUESTS "nginx_http_requests_total" [] "Requests of clients, one of them for each scrape.";
}

/// Names that break Prometheus' rules and are kept because dashboards select them.
pub const NGINX_KEPT: &[&str] = &["nginx_connections_accepted", "nginx_connections_handled"];
