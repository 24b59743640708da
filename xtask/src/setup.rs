//! `cargo xtask setup`: installs the programs that tests start and that are not there yet.
//!
//! The tests run against real servers and fail without them; they are never skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::command;

/// A program that tests start.
#[derive(Debug)]
struct Need {
    /// Any of these names will do.
    programs: &'static [&'static str],
    /// The Debian package that brings it.
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need { programs: &["python3"], package: "python3-venv" },
    Need { programs: &["redis-server"], package: "redis-server" },
    Need { programs: &["memcached"], package: "memcached" },
    Need { programs: &["nginx"], package: "nginx" },
    Need { programs: &["openssl"], package: "openssl" },
    Need { programs: &["ngx_http_cache_purge_module.so"], package: "libnginx-mod-http-cache-purge" },
    Need { programs: &["varnishd"], package: "varnish" },
    Need { programs: &["postgres"], package: "postgresql" },
    Need { programs: &["psql"], package: "postgresql-client" },
    Need { programs: &["mariadbd"], package: "mariadb-server" },
    Need { programs: &["prometheus"], package: "prometheus" },
    Need { programs: &["promtool"], package: "prometheus" },
    Need {
        programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        package: "chromium",
    },
    Need { programs: &["nginx"], package: "nginx" },
    Need { programs: &["varnishd"], package: "varnish" },
    Need { programs: &["node", "nodejs"], package: "nodejs" },
    Need { programs: &["npm"], package: "npm" },
    Need { programs: &["sidekiq"], package: "ruby-sidekiq" },
    Need { programs: &["rabbitmq-server"], package: "rabbitmq-server" },
    Need { programs: &["setpriv"], package: "util-linux" },
];

/// Installs what is missing, and fails if something is missing afterwards.
pub(crate) fn run() -> anyhow::Result<()> {
    let missing = missing_packages(NEEDS, is_installed);
    if missing.is_empty() {
        println!("all programs that the tests start are installed");
        return Ok(());
    }
    if command::find("apt-get", &[]).is_none() {
        bail!("missing: {}; there is no apt-get here, so install these by hand", missing.join(", "));
    }
    command::run(&mut apt_get(&["update"])?)?;
    let mut words = vec!["install", "--yes", "--no-install-recommends"];
    words.extend(&missing);
    command::run(&mut apt_get(&words)?)?;
    let missing = missing_packages(NEEDS, is_installed);
    if !missing.is_empty() {
        bail!("apt-get succeeded, but the programs of these packages are not found: {}", missing.join(", "));
    }
    Ok(())
}

/// The packages to install, each once.
fn missing_packages(needs: &[Need], is_installed: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs
        .iter()
        .filter(|need| !need.programs.iter().any(|program| is_installed(program)))
        .map(|need| need.package)
        .collect();
    packages.dedup();
    packages
}

fn is_installed(program: &str) -> bool {
    command::find(program, &directories_outside_path()).is_some()
}

/// Debian keeps the PostgreSQL server and the modules of nginx out of `PATH`, and what only administrators
/// start out of a user's.
fn directories_outside_path() -> Vec<PathBuf> {
    let mut directories = vec![PathBuf::from("/usr/sbin"), PathBuf::from("/usr/lib/nginx/modules")];
    if let Ok(entries) = std::fs::read_dir(Path::new("/usr/lib/postgresql")) {
        directories.extend(entries.filter_map(|entry| Some(entry.ok()?.path().join("bin"))));
    }
    directories
}

fn apt_get(args: &[&str]) -> anyhow::Result<Command> {
    let user = Command::new("id").arg("-u").output().context("could not start: id -u")?;
    let is_root = user.stdout.trim_ascii() == b"0";
    if !is_root && command::find("sudo", &[]).is_none() {
        bail!("apt-get needs root, and there is no sudo: run as root: cargo xtask setup");
    }
    // `env` carries the variable through sudo, which drops the environment.
    let mut command = Command::new(if is_root { "env" } else { "sudo" });
    if !is_root {
        command.arg("env");
    }
    command.arg("DEBIAN_FRONTEND=noninteractive").arg("apt-get").args(args);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed_and_each_package_once() {
        assert_eq!(missing_packages(NEEDS, |_| true), [""; 0]);
        let without_prometheus = |program: &str| !program.starts_with("prom");
        assert_eq!(missing_packages(NEEDS, without_prometheus), ["prometheus"]);
    }

    #[test]
    fn one_of_several_browsers_is_enough() {
        let only_chrome = |program: &str| program == "google-chrome";
        assert!(!missing_packages(NEEDS, only_chrome).contains(&"chromium"));
        assert!(missing_packages(NEEDS, |_| false).contains(&"chromium"));
    }
}
