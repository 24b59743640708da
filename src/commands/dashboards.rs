//! `hitmark dashboards export`

use std::path::Path;

use anyhow::Context as _;

use crate::exit::Exit;

pub(super) fn export(dir: &Path) -> anyhow::Result<Exit> {
    let files = hitmark_dashboards::export(dir)
        .with_context(|| format!("cannot export dashboards to {}", dir.display()))?;
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    super::print(&list)?;
    Ok(Exit::Done)
}
