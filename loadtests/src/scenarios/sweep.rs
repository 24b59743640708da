//! Sweep: hit ratio and cost over a grid of settings: keys, skew, lifetime, value size, concurrency.
//!
//! One point of a grid is an experiment of its own, with both sides in alternating slices; the
//! scenario changes the settings, empties the cache between points if the plan says how, and puts the
//! points on curves. What a service must be told (a lifetime, a size) goes by header or query.

use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::scenario::{Point, Series};
use hitmark_schema::{Figure, ScenarioResult, SuperBlock, Timing, Unit, Variant};

use crate::plan::fields::{Fields, Notes};
use crate::runner::LoadError;
use crate::scenario::action::Action;
use crate::scenario::grid::{Grid, Setting};
use crate::scenario::interval::{mean, of_mean};
use crate::scenario::stage::{Load, LoadSides, Stage};
use crate::scenario::{Context, Entry, Found, Scenario, timeline};

pub(super) const ENTRY: Entry = Entry {
    name: "sweep",
    about: "hit ratio and cost over key space, Zipf exponent, concurrency, and settings of the service: curves",
    read,
};

#[derive(Debug, Clone)]
struct Sweep {
    grid: Grid,
    reset: Option<Action>,
    blocks: u64,
    block: Duration,
}

fn read(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    context: &mut Context<'_>,
) -> Option<Arc<dyn Scenario>> {
    let grid = Grid::read(notes, &mut fields, context);
    let reset = Action::read(notes, &mut fields, "reset", context.known);
    let blocks = fields.whole(notes, "blocks", 2..=1_000).unwrap_or(5);
    let block = fields.number(notes, "block_s", 0.02, 60.0).unwrap_or(1.0);
    fields.finish(notes);
    Some(Arc::new(Sweep { grid: grid?, reset, blocks, block: Duration::from_secs_f64(block) }))
}

impl Scenario for Sweep {
    fn describe(&self) -> String {
        format!("{} points of {}", self.grid.points().len(), self.grid.describe())
    }

    fn quick(&self) -> Arc<dyn Scenario> {
        Arc::new(Self {
            grid: self.grid.ends(),
            blocks: self.blocks.min(2),
            block: self.block.min(Duration::from_millis(150)),
            ..self.clone()
        })
    }

    fn run<'s>(&'s self, stage: &'s Stage<'s>) -> Found<'s> {
        Box::pin(async move {
            let mut measured: Vec<(Vec<Setting>, Vec<SuperBlock>)> = Vec::new();
            let mut faults = Vec::new();
            for settings in self.grid.points() {
                if stage.is_stopped() {
                    break;
                }
                let (blocks, new_faults) = self.point(stage, &settings).await?;
                measured.push((settings, blocks));
                faults.extend(new_faults);
            }
            let side = |variant| {
                let mut result = stage.result(variant);
                tell(&measured, variant, &mut result);
                result.notes.extend(faults.iter().cloned());
                result
            };
            Ok(stage.variants().map(side).collect())
        })
    }
}

impl Sweep {
    async fn point(
        &self,
        stage: &Stage<'_>,
        settings: &[Setting],
    ) -> Result<(Vec<SuperBlock>, Vec<String>), LoadError> {
        let mut experiment = stage.experiment().clone();
        settings.iter().for_each(|setting| setting.apply(&mut experiment));
        if let Some(reset) = &self.reset {
            for variant in stage.variants() {
                reset.perform(stage, variant).await.map_err(|why| stage.failed(why))?;
            }
        }
        let words: Vec<String> = settings.iter().map(Setting::describe).collect();
        stage.tell(None, format!("point {}", words.join(", ")));
        let load = Load {
            experiment,
            blocks: u32::try_from(self.blocks).unwrap_or(u32::MAX),
            superblock: self.block,
            warmup: stage.run().warmup,
            sides: LoadSides::All,
        };
        let loaded = stage.load(load).await?;
        let at = |fault: String| format!("at {}: {fault}", words.join(", "));
        Ok((loaded.blocks, loaded.faults.into_iter().map(at).collect()))
    }
}

/// What a point shows of one super-block; none if it was not measured.
type Measure = fn(&SuperBlock) -> Option<f64>;

const MEASURES: [(&str, Unit, Measure); 5] = [
    ("hit ratio", Unit::Share, |block| timeline::hit_ratio([block])),
    ("mean latency", Unit::Seconds, |block| {
        let all = block.merged(Timing::Body, |_| true);
        (!all.is_empty()).then(|| all.mean() / 1e9)
    }),
    ("p50", Unit::Seconds, |block| timeline::quantile_s([block], 0.5)),
    ("p99", Unit::Seconds, |block| timeline::quantile_s([block], 0.99)),
    ("origin calls per request", Unit::Ratio, |block| {
        let requests = block.counters.requests;
        let calls = timeline::origin_calls(&timeline::moments([block]));
        (requests > 0).then(|| calls as f64 / requests as f64)
    }),
];

fn tell(measured: &[(Vec<Setting>, Vec<SuperBlock>)], variant: Variant, result: &mut ScenarioResult) {
    for (name, unit, measure) in MEASURES {
        let point = |(settings, blocks): &(Vec<Setting>, Vec<SuperBlock>)| {
            let blocks = blocks.iter().filter(|block| block.variant == variant);
            let values: Vec<f64> = blocks.filter_map(measure).collect();
            let (lower, upper) = of_mean(&values).unzip();
            let rest: Vec<String> = settings.iter().skip(1).map(Setting::describe).collect();
            let at = settings.first().map_or(0.0, Setting::number);
            Point { at, setting: rest.join(", "), value: mean(&values), lower, upper }
        };
        let over = measured.first().and_then(|(settings, _)| settings.first()).map_or("", Setting::name);
        let points: Vec<Point> = measured.iter().map(point).collect();
        let values: Vec<f64> = points.iter().filter_map(|point| point.value).collect();
        let count = values.len() as u64;
        let lowest = values.iter().copied().reduce(f64::min);
        let highest = values.iter().copied().reduce(f64::max);
        result.figures.push(Figure::maybe(&format!("lowest {name}"), unit, lowest, count));
        result.figures.push(Figure::maybe(&format!("highest {name}"), unit, highest, count));
        result.series.push(Series { name: name.to_owned(), unit, over: over.to_owned(), points });
    }
    result.notes.push(
        "an interval is that of the mean over the super-blocks of a point, taken as independent".to_owned(),
    );
}
