//! What this crate must not come to depend on.

use std::process::Command;

#[test]
fn plotters_draws_without_fonts() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "-e", "features", "-p", "hitmark-reports", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("plotters feature \"svg_backend\""), "{tree}");
    for banned in [
        "font-kit",
        "plotters feature \"default\"",
        "plotters feature \"ttf\"",
        "ab_glyph",
        "tokio v",
        "hyper v",
        "goose",
        "redis v",
    ] {
        assert!(!tree.lines().any(|line| line.starts_with(banned)), "{banned} came in:\n{tree}");
    }
}
