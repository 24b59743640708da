//! `hitmark load new`: a commented plan to begin with.

use std::fs::OpenOptions;
use std::io::Write as _;

use hitmark_loadtests::starter;

use crate::cli::LoadNewArgs;
use crate::exit::{Exit, usage};

pub(super) fn run(args: &LoadNewArgs) -> anyhow::Result<Exit> {
    let text = starter(&args.urls).map_err(|faults| usage(faults.join("\n")))?;
    let Some(out) = &args.out else {
        super::print(&text)?;
        return Ok(Exit::Done);
    };
    // A plan that somebody has worked on must not be lost to a repeated command.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(out)
        .map_err(|error| usage(format!("--out: cannot make {}: {error}", out.display())))?;
    file.write_all(text.as_bytes())?;
    super::print(&format!("{}\n", out.display()))?;
    Ok(Exit::Done)
}
