//! What a person sees while a run is going: on a terminal a bar with the figures of both sides under
//! it, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitmark_loadtests::Progress;
use hitmark_loadtests::live::Live;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Shows the progress of a run on standard error.
#[derive(Debug, Clone)]
pub(crate) struct RunProgress {
    shown: Arc<Shown>,
    live: Arc<Live>,
}

#[derive(Debug)]
enum Shown {
    /// The bar, and a line for each side under it.
    Bar(ProgressBar, [ProgressBar; 2]),
    Lines(Mutex<Instant>),
}

/// Plain lines are at least this far apart.
const LINE_PAUSE: Duration = Duration::from_secs(5);

impl RunProgress {
    /// Progress over so many super-block pairs in all.
    pub(crate) fn new(pairs: u64) -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let bar = all.add(ProgressBar::new(pairs));
            let style = ProgressStyle::with_template(
                "{bar:32.cyan/dim} {percent:>3} %  {msg}  {elapsed} of about {duration}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
            bar.enable_steady_tick(Duration::from_millis(200));
            let sides = [all.add(ProgressBar::no_length()), all.add(ProgressBar::no_length())];
            for side in &sides {
                let plain = ProgressStyle::with_template("  {wide_msg}");
                side.set_style(plain.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            }
            Shown::Bar(bar, sides)
        } else {
            Shown::Lines(Mutex::new(Instant::now()))
        };
        Self { shown: Arc::new(shown), live: Arc::default() }
    }

    /// The figures of the run that is going.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// Says what is being done before the first pair.
    #[expect(clippy::print_stderr, reason = "plain progress lines")]
    pub(crate) fn say(&self, text: &str) {
        match &*self.shown {
            Shown::Bar(bar, _) => bar.set_message(text.to_owned()),
            Shown::Lines(_) => eprintln!("hitmark: {text}"),
        }
    }

    /// Takes a step of a run.
    #[expect(clippy::print_stderr, reason = "plain progress lines")]
    pub(crate) fn step(&self, step: Progress<'_>) {
        self.live.step(&step);
        match (step, &*self.shown) {
            (Progress::Began { experiment, .. }, Shown::Bar(bar, _)) => {
                bar.set_message(experiment.to_owned());
            }
            (Progress::Began { experiment, pairs: 0 }, Shown::Lines(_)) => eprintln!("hitmark: {experiment}"),
            (Progress::Began { experiment, pairs }, Shown::Lines(_)) => {
                eprintln!("hitmark: {experiment}: {pairs} pairs of super-blocks");
            }
            (Progress::Pair { .. }, Shown::Bar(bar, sides)) => {
                // A scenario's super-blocks are not in the plan's count.
                if Some(bar.position()) >= bar.length() {
                    bar.inc_length(1);
                }
                bar.inc(1);
                for (side, line) in sides.iter().zip(self.live.lines()) {
                    side.set_message(line);
                }
            }
            (Progress::Pair { experiment, done, pairs, requests, .. }, Shown::Lines(last)) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if done == pairs || last.elapsed() >= LINE_PAUSE {
                    *last = Instant::now();
                    eprintln!("hitmark: {experiment}: pair {done} of {pairs}, {requests} requests in it");
                    for line in self.live.lines() {
                        eprintln!("hitmark:   {line}");
                    }
                }
            }
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar, sides) = &*self.shown {
            sides.iter().for_each(ProgressBar::finish_and_clear);
            bar.finish_and_clear();
        }
    }
}
