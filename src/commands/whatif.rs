//! `hitmark whatif`: what a cache of another size or policy would have made of a trace.

use hitmark_loadtests::trace::TraceFormat;
use hitmark_loadtests::whatif::{CacheSize, LiveError, PolicyName, Question, answer, ask, of_page};
use hitmark_reports::{whatif_page, whatif_text};
use hitmark_schema::whatif::WhatIf;

use crate::cli::{WhatIfArgs, WhatIfFormat};
use crate::exit::{Exit, usage};

pub(super) fn run(args: &WhatIfArgs) -> anyhow::Result<Exit> {
    let question = question(args)?;
    let whatif = match (&args.from, &args.trace) {
        (Some(url), _) => super::runtime()?.block_on(live(url, &question))?,
        (None, Some(trace)) => answer(trace, &question).map_err(usage)?,
        (None, None) => return Err(usage("name a trace, or a metrics page with --from")),
    };
    let json = serde_json::to_string_pretty(&whatif)? + "\n";
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out)
            .map_err(|error| usage(format!("--out: cannot make {}: {error}", out.display())))?;
        super::write_file(&out.join("whatif.json"), &json)?;
        super::write_file(&out.join("whatif.html"), &whatif_page(&whatif))?;
    }
    super::print(&match args.format {
        WhatIfFormat::Text => whatif_text(&whatif),
        WhatIfFormat::Json => json,
    })?;
    if let (Some(out), WhatIfFormat::Text) = (&args.out, args.format) {
        super::print(&format!("\npage     {}\n", out.join("whatif.html").display()))?;
    }
    Ok(Exit::Done)
}

/// The curve of a running testbed; the first one, if its page has several.
async fn live(url: &str, question: &Question) -> anyhow::Result<WhatIf> {
    let curves = ask(url).await.map_err(usage)?;
    let shown = hitmark_schema::redact::url(url);
    let curve = curves.first().ok_or_else(|| usage(LiveError::NoCurve(shown.clone())))?;
    Ok(of_page(&format!("{shown} ({})", curve.backend), curve, &question.sizes))
}

/// The flags as a question; all mistakes at once.
fn question(args: &WhatIfArgs) -> anyhow::Result<Question> {
    let mut mistakes = Vec::new();
    let sizes = parsed::<CacheSize>("--sizes", &args.sizes, &mut mistakes);
    let policies = parsed::<PolicyName>("--policy", &args.policies, &mut mistakes);
    let format = parsed::<TraceFormat>("--trace-format", args.trace_format.as_slice(), &mut mistakes);
    if let Some(rate) = args.rate.filter(|rate| !(*rate > 0.0 && *rate <= 1.0)) {
        mistakes.push(format!("--rate: must be above 0 and at most 1, not {rate}"));
    }
    if !mistakes.is_empty() {
        return Err(usage(mistakes.join("\n")));
    }
    Ok(Question { sizes, policies, rate: args.rate, format: format.first().copied() })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    flag: &str,
    texts: &[String],
    mistakes: &mut Vec<String>,
) -> Vec<T> {
    let mut values = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(value) => values.push(value),
            Err(error) => mistakes.push(format!("{flag}: {error}")),
        }
    }
    values
}
