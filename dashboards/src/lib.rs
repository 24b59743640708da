//! Typed generator of Grafana dashboards and Prometheus rules.
//!
//! Metric names come from the registry that the exporter writes from and thresholds from the one
//! table, so a panel cannot ask for a metric that nobody writes, and one figure cannot be green on
//! a panel and an alert at once. The output is checked in beside this crate; a test writes it anew
//! and compares.
//!
//! # Layout
//!
//! - [`dashboards`]: one dashboard, one file. [`grafana`]: what a dashboard is, and its JSON.
//! - [`rules`]: recording rules, alerts, their tests, and the YAML of all three.
//! - [`promql`]: expressions made of registered metrics.

pub mod dashboards;
pub mod grafana;
pub mod promql;
pub mod rules;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Grafana finds the dashboards, for its own configuration.
const PROVISION_DASHBOARDS: &str = "\
# Copy to Grafana's provisioning/dashboards and put the dashboards at the path below.
apiVersion: 1
providers:
  - name: hitmark
    folder: hitmark
    type: file
    allowUiUpdates: false
    options:
      path: /var/lib/grafana/dashboards/hitmark
";

/// Where Grafana finds Prometheus.
const PROVISION_DATASOURCES: &str = "\
# Copy to Grafana's provisioning/datasources and set the address of your Prometheus.
apiVersion: 1
datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
";

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct ExportError {
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Every generated file: its path below the target directory, and its text.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = dashboards::DASHBOARDS
        .iter()
        .map(|make| make())
        .map(|dashboard| (format!("grafana/{}.json", dashboard.name), grafana::to_json(&dashboard)))
        .collect();
    let mut add = |path: &str, text: String| files.push((path.to_owned(), text));
    add("grafana/provisioning/dashboards/hitmark.yml", PROVISION_DASHBOARDS.to_owned());
    add("grafana/provisioning/datasources/prometheus.yml", PROVISION_DATASOURCES.to_owned());
    add("prometheus/rules.yml", rules::recording_yaml());
    add("prometheus/alerts.yml", rules::alerts_yaml());
    add("prometheus/tests/alerts.yml", rules::tests_yaml());
    files
}

/// Writes every generated file below `dir` and returns the paths written.
///
/// # Errors
/// [`ExportError`] with the path that could not be written.
pub fn export(dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
    files().into_iter().map(|(path, text)| write(dir.join(path), &text)).collect()
}

fn write(path: PathBuf, text: &str) -> Result<PathBuf, ExportError> {
    let parent = path.parent().unwrap_or(&path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, text))
        .map_err(|source| ExportError { path: path.clone(), source })?;
    Ok(path)
}
