//! The plan of the demo: the shipped plan of every system, aimed at the service just started.

use std::time::Duration;

use hitmark_loadtests::Plan;

use crate::cli::DemoArgs;
use crate::exit::usage;

/// Each system's headline experiments, as shipped.
const SYSTEMS: [(&str, &str); 1] =
    [("marketplace", include_str!("../../../loadtests/plans/marketplace.toml"))];

/// The address in the shipped plans, which the demo replaces by that of its own service.
const SHIPPED_URL: &str = "http://127.0.0.1:8080";

/// Pairs of each experiment: three verdicts at 1 % together need nine.
const PAIRS: u32 = 12;
const QUICK_PAIRS: u32 = 10;

/// Super-block pairs in all, which the progress bar must know before the service has an address.
pub(super) fn pairs(args: &DemoArgs) -> anyhow::Result<u64> {
    let plan = of(args, SHIPPED_URL)?;
    Ok(u64::from(plan.run.pairs) * plan.experiments.len() as u64)
}

/// Refuses a system that does not exist, before anything is started.
pub(super) fn check_systems(names: &[String]) -> anyhow::Result<()> {
    let unknown: Vec<&String> =
        names.iter().filter(|name| !SYSTEMS.iter().any(|(system, _)| system == name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = SYSTEMS.iter().map(|(system, _)| *system).collect();
    Err(usage(format!("--system {unknown:?}: the systems are {}", known.join(", "))))
}

/// The demo's plan.
pub(super) fn of(args: &DemoArgs, testbed_url: &str) -> anyhow::Result<Plan> {
    let mut demo: Option<Plan> = None;
    for (system, text) in SYSTEMS
        .iter()
        .filter(|(system, _)| args.systems.is_empty() || args.systems.iter().any(|name| name == system))
    {
        let plan = Plan::parse(&text.replace(SHIPPED_URL, testbed_url), system).map_err(usage)?;
        match &mut demo {
            None => demo = Some(plan),
            Some(demo) => {
                demo.source.push_str(&plan.source);
                demo.experiments.extend(plan.experiments);
            }
        }
    }
    let mut demo = demo.ok_or_else(|| usage("no system to run"))?;
    demo.run.seed = args.seed;
    demo.run.pairs = if args.quick { QUICK_PAIRS } else { PAIRS };
    demo.run.superblock = if args.quick { Duration::from_millis(250) } else { Duration::from_secs(1) };
    demo.run.warmup = if args.quick { Duration::from_millis(500) } else { Duration::from_secs(2) };
    Ok(demo)
}
