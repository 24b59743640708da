//! What a person sees while a run is going: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitmark_loadtests::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows the progress of a run on standard error.
#[derive(Debug, Clone)]
pub(crate) struct RunProgress {
    shown: Arc<Shown>,
}

#[derive(Debug)]
enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
}

/// Plain lines are at least this far apart.
const LINE_PAUSE: Duration = Duration::from_secs(5);

impl RunProgress {
    /// Progress over so many super-block pairs in all.
    pub(crate) fn new(pairs: u64) -> Self {
        let shown = if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(pairs);
            let style = ProgressStyle::with_template(
                "{bar:32.cyan/dim} {percent:>3} %  {msg}  {elapsed} of about {duration}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
            bar.enable_steady_tick(Duration::from_millis(200));
            Shown::Bar(bar)
        } else {
            Shown::Lines(Mutex::new(Instant::now()))
        };
        Self { shown: Arc::new(shown) }
    }

    /// Says what is being done before the first pair.
    #[expect(clippy::print_stderr, reason = "plain progress lines")]
    pub(crate) fn say(&self, text: &str) {
        match &*self.shown {
            Shown::Bar(bar) => bar.set_message(text.to_owned()),
            Shown::Lines(_) => eprintln!("hitmark: {text}"),
        }
    }

    /// Takes a step of a run.
    #[expect(clippy::print_stderr, reason = "plain progress lines")]
    pub(crate) fn step(&self, step: Progress<'_>) {
        match (step, &*self.shown) {
            (Progress::Began { experiment, .. }, Shown::Bar(bar)) => bar.set_message(experiment.to_owned()),
            (Progress::Began { experiment, pairs }, Shown::Lines(_)) => {
                eprintln!("hitmark: {experiment}: {pairs} pairs of super-blocks");
            }
            (Progress::Pair { .. }, Shown::Bar(bar)) => bar.inc(1),
            (Progress::Pair { experiment, done, pairs, requests, .. }, Shown::Lines(last)) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if done == pairs || last.elapsed() >= LINE_PAUSE {
                    *last = Instant::now();
                    eprintln!("hitmark: {experiment}: pair {done} of {pairs}, {requests} requests in it");
                }
            }
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar) = &*self.shown {
            bar.finish_and_clear();
        }
    }
}
