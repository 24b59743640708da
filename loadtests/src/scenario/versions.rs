//! Which version was committed when, and which ones readers were shown: the book-keeping of staleness.
//!
//! Pure but for the clock readings it is given, so that its arithmetic can be tested with times that
//! are made up. It keeps one entry for each write and a few counts for each reader, however many
//! reads there are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hitmark_schema::{Figure, ScenarioResult, Unit};

use super::interval;

/// The versions of one side.
#[derive(Debug)]
pub struct Versions {
    first: u64,
    /// The highest version that was acknowledged to the writer; below `first` before that.
    acknowledged: AtomicU64,
    /// The highest version that was ever sent.
    begun: AtomicU64,
    closed: AtomicBool,
    commits: Mutex<Vec<Commit>>,
}

/// One acknowledged version.
#[derive(Debug, Clone, Copy)]
struct Commit {
    at: Instant,
    /// How long after it a lower version was last served to a request that was sent after it.
    stale_for: Option<Duration>,
}

/// What one reader saw.
#[derive(Debug, Default)]
pub struct Reader {
    reads: u64,
    stale: u64,
    /// Answers with a lower version than this reader had been shown before.
    steps_back: u64,
    /// Answers with a version that nobody had written.
    unknown: u64,
    failed: u64,
    failed_in_a_row: u64,
    highest: u64,
    first_failure: Option<String>,
}

impl Reader {
    /// Reads without a version since the last one that had one.
    #[must_use]
    pub const fn failures_in_a_row(&self) -> u64 {
        self.failed_in_a_row
    }
}

impl Versions {
    /// Versions from `first` on.
    #[must_use]
    pub const fn new(first: u64) -> Self {
        Self {
            first,
            acknowledged: AtomicU64::new(first - 1),
            begun: AtomicU64::new(first - 1),
            closed: AtomicBool::new(false),
            commits: Mutex::new(Vec::new()),
        }
    }

    /// A version is about to be sent.
    pub fn begin(&self, version: u64) {
        self.begun.store(version, Ordering::SeqCst);
    }

    /// A version was acknowledged; they come one after another.
    pub fn acknowledge(&self, version: u64, at: Instant) {
        self.lock().push(Commit { at, stale_for: None });
        self.acknowledged.store(version, Ordering::SeqCst);
    }

    /// The highest acknowledged version: to be read before a request is sent.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// No more reads.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether readers are to end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// A reader was shown a version at a time, or could not read one. `acknowledged` is what held as
    /// it asked.
    pub fn note(&self, reader: &mut Reader, acknowledged: u64, shown: Result<u64, String>, at: Instant) {
        let version = match shown {
            Ok(version) => version,
            Err(why) => {
                reader.failed += 1;
                reader.failed_in_a_row += 1;
                reader.first_failure.get_or_insert(why);
                return;
            }
        };
        reader.reads += 1;
        reader.failed_in_a_row = 0;
        if version > self.begun.load(Ordering::SeqCst) {
            reader.unknown += 1;
            return;
        }
        reader.steps_back += u64::from(version < reader.highest);
        reader.highest = reader.highest.max(version);
        if version >= acknowledged {
            return;
        }
        reader.stale += 1;
        // Every version above the one that was shown had been committed and was not shown.
        let from = (version + 1).max(self.first) - self.first;
        let to = acknowledged - self.first;
        let mut commits = self.lock();
        for commit in commits.iter_mut().take(to as usize + 1).skip(from as usize) {
            let stale_for = at.saturating_duration_since(commit.at);
            commit.stale_for = Some(commit.stale_for.map_or(stale_for, |longest| longest.max(stale_for)));
        }
    }

    /// Writes what was seen into a result. A value that was served for longer than `limit` after a
    /// commit is a failure.
    pub fn tell(&self, readers: &[Reader], limit: Option<Duration>, result: &mut ScenarioResult) {
        let sum = |of: fn(&Reader) -> u64| readers.iter().map(of).sum::<u64>();
        let (reads, stale, failed) = (sum(|r| r.reads), sum(|r| r.stale), sum(|r| r.failed));
        let (steps_back, unknown) = (sum(|r| r.steps_back), sum(|r| r.unknown));
        let commits = self.lock().clone();
        let writes = commits.len() as u64;
        // A version that was never missed was stale for no time.
        let times: Vec<f64> =
            commits.iter().map(|commit| commit.stale_for.unwrap_or_default().as_secs_f64()).collect();
        let missed = commits.iter().filter(|commit| commit.stale_for.is_some()).count() as f64;
        let longest = interval::quantile(&times, 1.0);
        let share = |part: f64, of: u64| (of > 0).then(|| part / of as f64);
        result.figures = vec![
            Figure::maybe("stale-read ratio", Unit::Share, share(stale as f64, reads), reads),
            Figure::exact("stale reads", Unit::Count, stale as f64, reads),
            Figure::maybe(
                "commit to last stale serve, p50",
                Unit::Seconds,
                interval::quantile(&times, 0.5),
                writes,
            ),
            Figure::maybe("commit to last stale serve, max", Unit::Seconds, longest, writes),
            Figure::maybe("commits that were served stale", Unit::Share, share(missed, writes), writes),
            Figure::exact("monotonic-read violations", Unit::Count, steps_back as f64, reads),
            Figure::exact("reads", Unit::Count, reads as f64, reads),
            Figure::exact("commits", Unit::Count, writes as f64, writes),
            Figure::exact("failed reads", Unit::Count, failed as f64, reads + failed),
        ];
        if let Some((limit, longest)) = limit.zip(longest)
            && longest > limit.as_secs_f64()
        {
            let limit = limit.as_secs_f64();
            result.failures.push(format!(
                "a stale value was served {longest:.3} s after a commit, the plan allows {limit} s"
            ));
        }
        if unknown > 0 {
            result.failures.push(format!("{unknown} answers showed a version higher than any written: choose 'first' above what is there"));
        }
        if reads == 0 {
            result.failures.push("no reader was shown a version".to_owned());
        }
        if let Some(why) = readers.iter().find_map(|reader| reader.first_failure.as_deref()) {
            result.notes.push(format!("reads failed, the first one: {why}"));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Commit>> {
        self.commits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hitmark_schema::Variant;

    use super::*;

    fn empty() -> ScenarioResult {
        ScenarioResult {
            experiment: "x".to_owned(),
            scenario: "staleness".to_owned(),
            variant: Variant::Baseline,
            figures: Vec::new(),
            series: Vec::new(),
            failures: Vec::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_read_is_stale_by_what_was_acknowledged_as_it_was_sent() {
        let (versions, start) = (Versions::new(5), Instant::now());
        let ms = |ms| start + Duration::from_millis(ms);
        for (version, at) in [(5, 0), (6, 100), (7, 200)] {
            versions.begin(version);
            versions.acknowledge(version, ms(at));
        }
        let mut reader = Reader::default();
        // Version 7 was not acknowledged yet as this one was sent: 6 is fresh.
        versions.note(&mut reader, 6, Ok(6), ms(210));
        // Two behind: 6 and 7 were committed 170 ms and 70 ms before, and not shown; a step back from 6.
        versions.note(&mut reader, 7, Ok(5), ms(270));
        versions.note(&mut reader, 7, Ok(7), ms(280));
        versions.note(&mut reader, 7, Ok(6), ms(300));
        versions.note(&mut reader, 7, Err("status 500".to_owned()), ms(310));
        let mut result = empty();
        versions.tell(&[reader], Some(Duration::from_millis(150)), &mut result);
        let value = |name: &str| result.value(name).unwrap();
        assert_eq!((value("reads"), value("stale reads"), value("stale-read ratio")), (4.0, 2.0, 0.5));
        assert_eq!(value("monotonic-read violations"), 2.0);
        assert_eq!(value("commit to last stale serve, max"), 0.17);
        assert_eq!(value("commit to last stale serve, p50"), 0.1, "of 0 ms, 100 ms and 170 ms");
        assert_eq!(value("commits that were served stale"), 2.0 / 3.0);
        assert_eq!(value("failed reads"), 1.0);
        assert!(result.failures[0].contains("0.170 s after a commit, the plan allows 0.15 s"));
    }

    #[test]
    fn a_version_from_nowhere_and_no_version_at_all_are_failures() {
        let versions = Versions::new(1);
        versions.begin(1);
        versions.acknowledge(1, Instant::now());
        let mut reader = Reader::default();
        versions.note(&mut reader, 1, Ok(900), Instant::now());
        let mut result = empty();
        versions.tell(&[reader], None, &mut result);
        assert!(result.failures[0].contains("higher than any written"), "{:?}", result.failures);
        let mut result = empty();
        versions.tell(&[Reader::default()], None, &mut result);
        assert_eq!(result.value("stale-read ratio"), None);
        assert_eq!(result.failures, ["no reader was shown a version"]);
    }
}
