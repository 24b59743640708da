//! A plan made short: for a look, and for tests.
//!
//! The requests are the same; there are fewer of them. The run directory says that it is a look, so
//! that no gate takes its figures for those of the plan.

use std::time::Duration;

use hitmark_schema::run::Extent;

use super::Plan;

/// Super-block pairs of a quick run.
const PAIRS: u32 = 6;
/// How long its super-blocks and its warm-up are at most.
const STEP: Duration = Duration::from_millis(300);

impl Plan {
    /// Makes the plan short: fewer and shorter super-blocks, and every scenario as short as it can be
    /// asked. Nothing becomes longer.
    pub fn quicken(&mut self) {
        self.run.extent = Extent::Quick;
        self.run.pairs = self.run.pairs.min(PAIRS);
        self.run.superblock = self.run.superblock.min(STEP).max(self.run.slice);
        self.run.warmup = self.run.warmup.min(STEP);
        self.run.restarts = 1;
        for plan in self.experiments.iter_mut().filter_map(|experiment| experiment.scenario.as_mut()) {
            plan.scenario = plan.scenario.quick();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_plan_is_shorter_and_never_longer() {
        let text = |pairs: u32| {
            format!(
                "[run]\npairs = {pairs}\nwarmup_s = 5\n[[experiment]]\nname = \"x\"\nscenario = \"soak\"\n\
                 differs = \"cache\"\npath = \"/x\"\nusers = 1\n[experiment.soak]\nlength_s = 600\n\
                 [experiment.baseline]\nname = \"old\"\nbase_url = \"http://127.0.0.1:1\"\n"
            )
        };
        for (pairs, quick) in [(50, PAIRS), (3, 3)] {
            let mut plan = Plan::parse(&text(pairs), "p.toml").unwrap();
            assert_eq!(plan.run.extent, Extent::Whole);
            plan.quicken();
            assert_eq!((plan.run.pairs, plan.run.warmup, plan.run.extent), (quick, STEP, Extent::Quick));
            assert_eq!(plan.experiments[0].describe_scenario(), ", 4 s in steps of 0.2 s");
        }
    }
}
