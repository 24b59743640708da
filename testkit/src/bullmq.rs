//! Real BullMQ: a folder with the package from npm, and scripts for node that use it.
//!
//! The folder is filled once, under the target directory, and found again later. What a script does
//! to the broker is the test's; this file only runs it.

use std::path::PathBuf;
use std::process::Command;

use crate::programs::run;
use crate::{TestkitError, blocking, installed, programs};

/// A node that can `require("bullmq")`.
#[derive(Debug, Clone)]
pub struct BullMq {
    node: PathBuf,
    folder: PathBuf,
}

impl BullMq {
    /// Finds the folder or fills it, which needs npm's registry.
    ///
    /// # Errors
    /// If node or npm is missing or the package cannot be installed; the message names them.
    pub async fn install() -> Result<Self, TestkitError> {
        blocking(|| {
            let node = programs::find("node", "nodejs")?;
            let folder = installed::folder("bullmq", |folder| {
                let mut npm = Command::new(programs::find("npm", "npm")?);
                npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
                npm.arg(folder).args(["bullmq@6", "ioredis@5"]);
                run(&mut npm, "npm install bullmq ioredis").map(drop)
            })?;
            Ok(Self { node, folder })
        })
        .await
    }

    /// Runs a script with these arguments to its end and returns what it printed.
    ///
    /// # Errors
    /// If it ends with another code than 0; the message holds what it said.
    pub async fn script(&self, text: &str, args: &[&str]) -> Result<String, TestkitError> {
        let mut command = Command::new(&self.node);
        command.current_dir(&self.folder).args(["-e", text, "--"]).args(args);
        blocking(move || run(&mut command, "a script with bullmq")).await
    }
}
