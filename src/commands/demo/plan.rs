//! The plan of the demo: the shipped plan of every system, aimed at the service just started.

use std::time::Duration;

use hitmark_loadtests::Plan;
use hitmark_schema::run::Extent;

use crate::cli::DemoArgs;
use crate::exit::usage;

/// A system's share of the demo.
struct System {
    name: &'static str,
    /// Its shipped plan.
    plan: &'static str,
    /// What the demo of all systems runs of it.
    headline: &'static [&'static str],
    /// What its own demo runs: the rest of the plan asks for more time.
    own: &'static [&'static str],
}

const MARKETPLACE: &[&str] = &["product list", "product detail", "search"];

const SYSTEMS: [System; 5] = [
    System {
        name: "marketplace",
        plan: include_str!("../../../loadtests/plans/marketplace.toml"),
        headline: MARKETPLACE,
        own: MARKETPLACE,
    },
    System {
        name: "analytics",
        plan: include_str!("../../../loadtests/plans/analytics.toml"),
        headline: &["revenue"],
        own: &["revenue", "customer list", "fraud dashboard", "cursor at page 10000"],
    },
    System {
        name: "health",
        plan: include_str!("../../../loadtests/plans/health.toml"),
        headline: &["recommendation analytics"],
        // A prediction takes longer than a super-block of the demo can hold ten of.
        own: &["recommendation analytics", "feedback summary", "profile"],
    },
    System {
        name: "score_reports",
        plan: include_str!("../../../loadtests/plans/score_reports.toml"),
        headline: &["report list"],
        own: &["report list", "report details", "report document"],
    },
    System {
        name: "incidents",
        plan: include_str!("../../../loadtests/plans/incidents.toml"),
        headline: &["incident list"],
        own: &["incident list", "store info", "incidents, one by one or joined"],
    },
];

/// The address in the shipped plans, which the demo replaces by that of its own service.
const SHIPPED_URL: &str = "http://127.0.0.1:8080";

/// Pairs of each experiment: seven verdicts at 1 % together need ten. What a demo has no time for comes
/// off the length of its super-blocks, which costs a little precision, and never off these, which would
/// cost the verdicts.
const PAIRS: u32 = 12;
const QUICK_PAIRS: u32 = 10;
/// The demo of all systems ends within three minutes: seven experiments of 12 pairs, two sides of this
/// length each, and the making of the data.
const SUPERBLOCK: Duration = Duration::from_millis(800);
const QUICK_SUPERBLOCK: Duration = Duration::from_millis(120);
const WARMUP: Duration = Duration::from_millis(1_500);
const QUICK_WARMUP: Duration = Duration::from_millis(200);

/// Super-block pairs in all, which the progress bar must know before the service has an address.
pub(super) fn pairs(args: &DemoArgs) -> anyhow::Result<u64> {
    let plan = of(args, SHIPPED_URL)?;
    Ok(u64::from(plan.run.pairs) * plan.experiments.len() as u64)
}

/// Refuses a system that does not exist, before anything is started.
pub(super) fn check_systems(names: &[String]) -> anyhow::Result<()> {
    let unknown: Vec<&String> =
        names.iter().filter(|name| !SYSTEMS.iter().any(|system| system.name == **name)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
    Err(usage(format!("--system {unknown:?}: the systems are {}", known.join(", "))))
}

/// The demo's plan.
pub(super) fn of(args: &DemoArgs, testbed_url: &str) -> anyhow::Result<Plan> {
    let mut demo: Option<Plan> = None;
    let is_wanted =
        |system: &System| args.systems.is_empty() || args.systems.iter().any(|name| name == system.name);
    for system in SYSTEMS.iter().filter(|system| is_wanted(system)) {
        let text = system.plan.replace(SHIPPED_URL, testbed_url);
        let mut plan = Plan::parse(&text, system.name).map_err(usage)?;
        let chosen = match (args.systems.is_empty(), args.quick) {
            (true, false) => system.headline,
            (true, true) => &system.headline[..1],
            (false, _) => system.own,
        };
        plan.experiments.retain(|experiment| chosen.contains(&experiment.name.as_str()));
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
    demo.run.extent = if args.quick { Extent::Quick } else { Extent::Whole };
    demo.run.pairs = if args.quick { QUICK_PAIRS } else { PAIRS };
    demo.run.superblock = if args.quick { QUICK_SUPERBLOCK } else { SUPERBLOCK };
    demo.run.warmup = if args.quick { QUICK_WARMUP } else { WARMUP };
    Ok(demo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experiment_that_the_demo_names_is_in_its_systems_plan() {
        for system in SYSTEMS {
            let plan = Plan::parse(system.plan, system.name).expect(system.name);
            for name in system.headline.iter().chain(system.own) {
                assert!(plan.experiments.iter().any(|experiment| experiment.name == *name), "{name}");
            }
        }
    }

    #[test]
    fn the_demo_of_all_systems_has_pairs_for_its_verdicts_and_ends_within_three_minutes() {
        let count: usize = SYSTEMS.iter().map(|system| system.headline.len()).sum();
        assert!(PAIRS as usize >= hitmark_reports::pairs_needed(count), "{count} experiments");
        assert!(QUICK_PAIRS as usize >= hitmark_reports::pairs_needed(SYSTEMS.len()));
        // What is left of the time is for making the data and for answers that outlast their slice.
        let experiments = u32::try_from(count).unwrap();
        let load = (SUPERBLOCK * 2 * PAIRS + WARMUP) * experiments;
        assert!(load <= Duration::from_secs(150), "{load:?}");
    }

    #[test]
    fn the_headline_plan_is_right_and_has_an_experiment_of_each_system() {
        let text = include_str!("../../../loadtests/plans/headline.toml");
        let plan = Plan::parse(text, "headline").expect("a plan");
        for system in SYSTEMS {
            let mut systems = plan.experiments.iter().map(|experiment| experiment.system.as_deref());
            assert!(systems.any(|name| name == Some(system.name)), "{}", system.name);
        }
    }
}
