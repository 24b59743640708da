//! `hitmark load run --verify`: each request once, checked, printed.

use hitmark_loadtests::{Plan, Verified, verify};

use crate::exit::Exit;

pub(super) fn run(plan: &Plan) -> anyhow::Result<Exit> {
    let mut printed = Ok(());
    let tell = |verified: &Verified| {
        let line = line(plan, verified);
        if printed.is_ok() {
            printed = super::print(&line);
        }
    };
    let all = super::runtime()?.block_on(verify(plan, tell)).map_err(super::load::of_load)?;
    printed?;
    let faults = all.iter().filter(|verified| verified.fault.is_some()).count();
    super::print(&format!("{} requests, {faults} with faults\n", all.len()))?;
    Ok(if faults > 0 { Exit::Functional } else { Exit::Done })
}

fn line(plan: &Plan, verified: &Verified) -> String {
    let experiment = plan.experiments.iter().find(|experiment| experiment.name == verified.experiment);
    let side = experiment.and_then(|experiment| experiment.side(verified.variant));
    let side = side.map_or_else(|| verified.variant.to_string(), |side| side.name.clone());
    let mark = if verified.fault.is_some() { "FAULT" } else { "ok   " };
    let status = verified.status.map_or_else(|| "---".to_owned(), |status| status.to_string());
    let mut line = format!(
        "{mark}  {}, {side}: {}  {status}  {}  {} bytes  {:.2} ms\n",
        verified.experiment,
        verified.request,
        verified.outcome,
        verified.body_bytes,
        verified.took.as_secs_f64() * 1e3
    );
    if let Some(fault) = &verified.fault {
        line.push_str(&format!("       {fault}\n"));
    }
    line
}
