//! `hitmark claims`: runs against stated figures. A refuted claim is a result, and exits with 0.

use anyhow::Context as _;
use hitmark_reports::claims::{Claims, Format, hold, shipped};
use hitmark_schema::Run;

use crate::cli::ClaimsArgs;
use crate::exit::{Exit, usage};

pub(super) fn run(args: &ClaimsArgs) -> anyhow::Result<Exit> {
    let format: Format = args.format.parse().map_err(|error| usage(format!("--format: {error}")))?;
    let claims = if args.claims.is_empty() { shipped()? } else { read(&args.claims)? };
    let runs = args.runs.iter().map(|dir| Run::read(dir)).collect::<Result<Vec<_>, _>>()?;
    let shown = hold(&runs, &claims).render(format);
    match &args.out {
        Some(path) => super::write_file(path, &shown)?,
        None => super::print(&shown)?,
    }
    Ok(Exit::Done)
}

/// Reads every file, and tells the mistakes of all of them at once.
fn read(paths: &[std::path::PathBuf]) -> anyhow::Result<Vec<Claims>> {
    let (mut claims, mut mistakes) = (Vec::new(), Vec::new());
    for path in paths {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the claims {}", path.display()));
        match text.map(|text| Claims::parse(&text, path)) {
            Ok(Ok(read)) => claims.push(read),
            Ok(Err(errors)) => mistakes.push(errors.to_string()),
            Err(error) => mistakes.push(format!("{error:#}")),
        }
    }
    if mistakes.is_empty() { Ok(claims) } else { Err(usage(mistakes.join("\n"))) }
}
