//! Where a run was made: a figure without its machine is a rumour.
//!
//! Everything is read from files and two short commands; what cannot be read is `None`. Nothing
//! here is a secret: no user, no path, no address.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The machine, the build and the state of the working tree.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Host name.
    pub host: Option<String>,
    /// Operating system, for example `linux`.
    pub os: String,
    /// Kernel release.
    pub kernel: Option<String>,
    /// Processor model.
    pub cpu: Option<String>,
    /// Processors that this process may use.
    pub cores: usize,
    /// Frequency governor of the first processor.
    pub governor: Option<String>,
    /// Main memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Load average over one minute when the run began.
    pub load_average_1m: Option<f64>,
    /// Version of hitmark.
    pub hitmark: String,
    /// Compiler that built hitmark.
    pub rustc: String,
    /// `release` or `debug`. Figures of a debug build describe nothing.
    pub profile: String,
    /// Commit of the working directory.
    pub git_commit: Option<String>,
    /// Whether tracked files of the working directory differ from that commit.
    pub git_dirty: Option<bool>,
    /// Versions of the servers that took part, by name, for example `redis` to `7.0.15`.
    pub servers: BTreeMap<String, String>,
}

impl Environment {
    /// Reads this machine.
    #[must_use]
    pub fn capture() -> Self {
        Self {
            host: first_line("/proc/sys/kernel/hostname"),
            os: std::env::consts::OS.to_owned(),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| field(&text, "model name")),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            memory_bytes: fs::read_to_string("/proc/meminfo").ok().and_then(|text| memory_bytes(&text)),
            load_average_1m: first_line("/proc/loadavg")
                .and_then(|line| line.split(' ').next()?.parse().ok()),
            hitmark: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: env!("HITMARK_RUSTC").to_owned(),
            profile: env!("HITMARK_PROFILE").to_owned(),
            git_commit: git(&["rev-parse", "HEAD"]).filter(|commit| !commit.is_empty()),
            git_dirty: git(&["status", "--porcelain", "--untracked-files=no"])
                .map(|changes| !changes.is_empty()),
            servers: BTreeMap::new(),
        }
    }
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The value of the first `name : value` line.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn memory_bytes(meminfo: &str) -> Option<u64> {
    let value = field(meminfo, "MemTotal")?;
    let kibibytes: u64 = value.split(' ').next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read_field_by_field() {
        assert_eq!(memory_bytes("MemFree: 1 kB\nMemTotal:       24576 kB\n"), Some(25_165_824));
        assert_eq!(memory_bytes("MemTotal: lots\n"), None);
        assert_eq!(field("model name\t: A B\nmodel name\t: C\n", "model name").as_deref(), Some("A B"));
    }

    #[test]
    fn this_machine_has_at_least_a_core_and_a_compiler() {
        let here = Environment::capture();
        assert!(here.cores >= 1);
        assert!(here.rustc.starts_with("rustc"));
    }
}
