//! Real BullMQ: a folder with the package from npm, and scripts for node that use it.
//!
//! The folder is filled once, under the target directory, and found again later. What a script does
//! to the broker is the test's; this file only runs it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::programs::run;
use crate::{TestkitError, blocking, programs};

/// One filling at a time: two would write the same files.
static FILLING: Mutex<()> = Mutex::new(());

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
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/testkit/bullmq");
            let node = programs::find("node", "nodejs")?;
            let _filling = FILLING.lock().unwrap_or_else(PoisonError::into_inner);
            let is_there = |name: &str| folder.join("node_modules").join(name).join("package.json").is_file();
            if !["bullmq", "ioredis"].iter().all(|name| is_there(name)) {
                let npm = programs::find("npm", "npm")?;
                std::fs::create_dir_all(&folder).map_err(TestkitError::io("making a folder for bullmq"))?;
                let mut install = Command::new(npm);
                install.args([
                    "install",
                    "--silent",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                    "--prefix",
                ]);
                install.arg(&folder).args(["bullmq@6", "ioredis@5"]);
                run(&mut install, "npm install bullmq ioredis")?;
            }
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
