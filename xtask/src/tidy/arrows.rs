//! Which room may depend on which: the arrows of the architecture, read from the manifests.
//!
//! A new arrow is a change of the architecture, made here, in ARCHITECTURE.md and in the manifest at once.

use toml::{Table, Value};

use super::Violation;
use crate::repository::File;

/// A package and those of ours that it may use.
struct Room {
    name: &'static str,
    dependencies: &'static [&'static str],
    /// Further ones for its tests; `hitmark-testkit` is understood.
    for_tests: &'static [&'static str],
}

const TESTKIT: &str = "hitmark-testkit";
const SCHEMA: &str = "hitmark-schema";

const ROOMS: &[Room] = &[
    Room {
        name: "hitmark",
        dependencies: &[
            SCHEMA,
            "hitmark-cache",
            "hitmark-testbed",
            "hitmark-exporter",
            "hitmark-loadtests",
            "hitmark-reports",
            "hitmark-dashboards",
        ],
        for_tests: &[],
    },
    Room { name: SCHEMA, dependencies: &[], for_tests: &[] },
    Room { name: "hitmark-cache", dependencies: &[SCHEMA], for_tests: &[] },
    Room { name: "hitmark-testbed", dependencies: &["hitmark-cache", SCHEMA], for_tests: &[] },
    Room { name: "hitmark-exporter", dependencies: &[SCHEMA], for_tests: &[] },
    Room { name: "hitmark-loadtests", dependencies: &[SCHEMA], for_tests: &["hitmark-testbed"] },
    Room { name: "hitmark-reports", dependencies: &[SCHEMA], for_tests: &[] },
    Room { name: "hitmark-dashboards", dependencies: &[SCHEMA], for_tests: &[] },
    Room { name: TESTKIT, dependencies: &[], for_tests: &[] },
    Room { name: "xtask", dependencies: &[], for_tests: &[] },
];

/// Packages that may not even be tested with the testkit: itself, and what must work without any room.
const WITHOUT_TESTKIT: &[&str] = &[TESTKIT, "xtask"];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml"))
        .flat_map(check_manifest)
        .collect()
}

fn check_manifest(file: &File) -> Vec<Violation> {
    let manifest: Table = match file.text().parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Violation::new(&file.path, 1, format!("not a manifest: {error}"))],
    };
    let Some(name) = manifest.get("package").and_then(|it| it.get("name")).and_then(Value::as_str) else {
        return Vec::new();
    };
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        let rule = format!("package {name} has no arrows; add it to the rooms in xtask/src/tidy/arrows.rs");
        return vec![Violation::new(&file.path, 1, rule)];
    };
    let mut violations = Vec::new();
    for (kind, key, package) in dependencies(&manifest) {
        let is_ours = ROOMS.iter().any(|room| room.name == package) || package.starts_with("hitmark-");
        if is_ours && !is_allowed(room, kind, &package) {
            let rule =
                format!("{name} must not depend on {package} ({kind}); see ARCHITECTURE.md for the arrows");
            violations.push(Violation::new(&file.path, line_of(file.text(), &key), rule));
        }
    }
    violations
}

fn is_allowed(room: &Room, kind: &str, package: &str) -> bool {
    let is_for_tests = kind == "dev-dependencies";
    room.dependencies.contains(&package)
        || is_for_tests && room.for_tests.contains(&package)
        || is_for_tests && package == TESTKIT && !WITHOUT_TESTKIT.contains(&room.name)
}

/// Kind, key and package of each dependency, also of those for one target only.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String, String)> {
    let for_targets = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(for_targets.filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let Some(entries) = table.get(kind).and_then(Value::as_table) else { continue };
            for (key, value) in entries {
                // A dependency may go by another name here than at home.
                let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push((kind, key.clone(), package.to_owned()));
            }
        }
    }
    found
}

fn line_of(text: &str, key: &str) -> usize {
    let of_key = |(_, line): &(usize, &str)| line.trim_start().starts_with(key);
    text.lines().enumerate().filter(of_key).last().map_or(1, |(index, _)| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(text: &str) -> Vec<String> {
        check(&[File::of("x/Cargo.toml", text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arrow_that_points_up_is_reported_with_its_line() {
        let manifest = "[package]\nname = \"hitmark-cache\"\n[dependencies]\nhitmark-schema.workspace = true\nhitmark-testbed.workspace = true\n";
        let found = violations(manifest);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("x/Cargo.toml:5: hitmark-cache must not depend on hitmark-testbed"),
            "{found:?}"
        );
    }

    #[test]
    fn the_testkit_is_for_tests_only() {
        let with = |name: &str, kind: &str| {
            violations(&format!("[package]\nname = \"{name}\"\n[{kind}]\nhitmark-testkit.workspace = true\n"))
                .len()
        };
        assert_eq!(with("hitmark-exporter", "dev-dependencies"), 0);
        assert_eq!(with("hitmark", "dev-dependencies"), 0);
        assert_eq!(with("hitmark-exporter", "dependencies"), 1);
        assert_eq!(with("hitmark", "build-dependencies"), 1);
        assert_eq!(with("xtask", "dev-dependencies"), 1);
    }

    #[test]
    fn load_tests_know_the_testbed_in_their_tests_only() {
        let with = |kind: &str| {
            violations(&format!(
                "[package]\nname = \"hitmark-loadtests\"\n[{kind}]\nhitmark-testbed.workspace = true\n"
            ))
            .len()
        };
        assert_eq!(with("dev-dependencies"), 0);
        assert_eq!(with("dependencies"), 1);
    }

    #[test]
    fn an_arrow_cannot_hide_behind_another_name_or_a_target() {
        let renamed = "[package]\nname = \"hitmark-reports\"\n[dependencies]\nx = { package = \"hitmark-cache\", path = \"../cache\" }\n";
        assert_eq!(violations(renamed).len(), 1);
        let target = "[package]\nname = \"hitmark-reports\"\n[target.'cfg(unix)'.dependencies]\nhitmark-cache.workspace = true\n";
        assert_eq!(violations(target).len(), 1);
    }

    #[test]
    fn a_package_without_arrows_and_a_broken_manifest_are_reported() {
        assert!(violations("[package]\nname = \"hitmark-new\"\n")[0].contains("has no arrows"));
        assert!(violations("[package\n")[0].contains("not a manifest"));
        assert!(violations("[workspace]\nmembers = []\n").is_empty());
    }

    #[test]
    fn the_arrows_have_no_cycle() {
        // Rooms only point at rooms, so walking longer than there are rooms means going in circles.
        fn depth(name: &str, left: usize) -> usize {
            assert!(left > 0, "a cycle through {name}");
            let room = ROOMS.iter().find(|room| room.name == name).unwrap();
            room.dependencies.iter().map(|next| 1 + depth(next, left - 1)).max().unwrap_or(0)
        }
        let deepest = ROOMS.iter().map(|room| depth(room.name, ROOMS.len())).max();
        assert_eq!(deepest, Some(3), "hitmark, testbed, cache, schema");
    }
}
