//! Finds server programs, and names the package of one that is missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TestkitError;

/// The first executable of that name in `PATH`, or among those of the administrator, where Debian has
/// its HTTP servers and which is not in everybody's `PATH`.
pub(crate) fn find(program: &str, package: &'static str) -> Result<PathBuf, TestkitError> {
    search_path()
        .into_iter()
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
        .ok_or_else(|| TestkitError::Missing { program: program.to_owned(), package })
}

/// Runs a command to its end and returns what it printed.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<String, TestkitError> {
    let output = command.output().map_err(TestkitError::io(what))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(TestkitError::Failed { what: what.to_owned(), output: text(&output.stderr) })
    }
}

/// The same, also in a directory that is not in everybody's `PATH`.
pub(crate) fn find_or_in(
    program: &str,
    directory: &str,
    package: &'static str,
) -> Result<PathBuf, TestkitError> {
    find(program, package).or_else(|error| {
        let path = Path::new(directory).join(program);
        if path.is_file() { Ok(path) } else { Err(error) }
    })
}

/// The directory that holds PostgreSQL's `initdb`, `postgres` and `psql` together, so that their
/// versions agree: the newest of Debian's (which are not in `PATH`), or else one of `PATH`.
pub(crate) fn postgres_directory() -> Result<PathBuf, TestkitError> {
    debian_postgres_directories(Path::new("/usr/lib/postgresql"))
        .into_iter()
        .chain(search_path())
        .find(|directory| ["initdb", "postgres", "psql"].iter().all(|name| directory.join(name).is_file()))
        .ok_or_else(|| TestkitError::Missing {
            program: "initdb, postgres, psql".into(),
            package: "postgresql",
        })
}

fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// `<root>/<major>/bin`, newest major version first.
fn debian_postgres_directories(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let mut majors: Vec<u32> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.into_iter().map(|major| root.join(major.to_string()).join("bin")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_the_package_to_install() {
        let error = find("no-such-server", "redis-server").unwrap_err().to_string();
        assert!(
            error.contains("no-such-server") && error.contains("apt-get install redis-server"),
            "{error}"
        );
    }

    #[test]
    fn the_newest_postgres_comes_first_and_strangers_are_skipped() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "15", "common", "16"] {
            std::fs::create_dir(root.path().join(name)).unwrap();
        }
        let found = debian_postgres_directories(root.path());
        let expected: Vec<_> =
            ["16", "15", "9"].iter().map(|major| root.path().join(major).join("bin")).collect();
        assert_eq!(found, expected);
    }
}
