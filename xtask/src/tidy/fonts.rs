//! Charts are drawn without font libraries, so that a report needs nothing of the machine's.
//!
//! plotters has a feature that pulls them in; a dependency of ours may switch it on by accident.

use super::Violation;
use crate::command;

const FONT_LIBRARY: &str = "font-kit";

/// Asks cargo who depends on the font library.
pub(super) fn check() -> anyhow::Result<Vec<Violation>> {
    let args = ["tree", "--workspace", "--edges", "features", "--invert", FONT_LIBRARY];
    let output = command::cargo(&args).output()?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    Ok(judge(output.status.success(), &stdout, &stderr))
}

fn judge(success: bool, stdout: &str, stderr: &str) -> Vec<Violation> {
    let rule = match (success, stdout.trim(), stderr) {
        // Known to the lock file but used by nobody.
        (true, "", _) => return Vec::new(),
        (true, tree, _) => {
            format!("{FONT_LIBRARY} is linked; turn off the feature that asks for it:\n{tree}")
        }
        (false, _, stderr) if stderr.contains("did not match any packages") => return Vec::new(),
        (false, _, stderr) => {
            format!("cargo tree could not tell who needs {FONT_LIBRARY}: {}", stderr.trim())
        }
    };
    vec![Violation::new("Cargo.toml", 1, rule)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absence_is_in_order_and_presence_or_ignorance_is_not() {
        let absent = "error: package ID specification `font-kit` did not match any packages";
        assert!(judge(false, "", absent).is_empty());
        assert!(judge(true, "", "warning: nothing to print.").is_empty());
        assert!(judge(true, "font-kit v0.14.0\n└── plotters", "")[0].rule.contains("plotters"));
        assert!(judge(false, "", "error: no such command: tree")[0].rule.contains("could not tell"));
    }
}
