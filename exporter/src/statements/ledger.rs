//! A server's table of statements as counters: the top ones, `other`, and what was retired.
//!
//! Four things are promised. Each counter only grows: what the server forgot or reset stays counted.
//! The sum of all series is the server's own sum, as long as the server forgets nothing. The number
//! of series is bounded. A statement that becomes slow is among them at the next scrape, since places
//! are given by the time since the last scrape as well as by the total.
//!
//! To keep `other` growing smoothly, a statement that enters starts with its first window (what it did
//! before stays in `other`), and what one that leaves did while it was shown moves to `retired`. So
//! rates of `other` and of every statement are true; `retired` holds history only.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::ranking::{self, Candidate};

/// The column of executions: it tells a reset.
pub(crate) const CALLS: usize = 0;
/// The column that ranks: time spent.
pub(crate) const TIME: usize = 1;
/// One line of the server's table.
#[derive(Debug, Clone)]
pub(crate) struct Row<K, const N: usize> {
    /// Which statement; none if we may not see it.
    pub(crate) key: Option<K>,
    /// Tells two lines of one statement apart.
    pub(crate) variant: usize,
    /// When the line began, in any unit; 0 if the server does not say.
    pub(crate) born: i64,
    /// The counters.
    pub(crate) values: [u64; N],
}

/// How many variants a statement may have.
pub(crate) const VARIANTS: usize = 2;

/// What is known of one statement of the server's table.
#[derive(Debug, Clone, Copy)]
struct Entry<const N: usize> {
    last: [[u64; N]; VARIANTS],
    born: [i64; VARIANTS],
    total: u64,
    recent: u64,
    scrape: u64,
}

impl<const N: usize> Default for Entry<N> {
    fn default() -> Self {
        Self { last: [[0; N]; VARIANTS], born: [0; VARIANTS], total: 0, recent: 0, scrape: 0 }
    }
}

/// A statement with series of its own.
#[derive(Debug, Clone)]
pub(crate) struct Shown<L, const N: usize> {
    /// What its series are labelled with.
    pub(crate) label: L,
    /// What it did since it is shown.
    pub(crate) values: [u64; N],
}

/// The counters; see the module.
#[derive(Debug)]
pub(crate) struct Ledger<K, L, const N: usize> {
    max: usize,
    /// By keys that the server computes, so a fast hash cannot be played against us.
    entries: FxHashMap<K, Entry<N>>,
    shown: BTreeMap<K, Shown<L, N>>,
    other: [u64; N],
    retired: [u64; N],
    hidden: [u64; N],
    scrape: u64,
}

/// What a scrape would change.
#[derive(Debug)]
pub(crate) struct Plan<K, const N: usize> {
    /// Who enters, and who leaves for it.
    pub(crate) entering: Vec<(K, Option<K>)>,
    deltas: Vec<[u64; N]>,
    windows: FxHashMap<K, u64>,
    hidden: [u64; N],
}

impl<K: Eq + Hash + Ord + Clone, L, const N: usize> Ledger<K, L, N> {
    /// Shows at most `max` statements.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            entries: FxHashMap::default(),
            shown: BTreeMap::new(),
            other: [0; N],
            retired: [0; N],
            hidden: [0; N],
            scrape: 0,
        }
    }

    /// Compares the server's table with the last one; changes nothing. `was_reset` says that the
    /// server began its whole table anew since.
    pub(crate) fn plan(&self, rows: &[Row<K, N>], was_reset: bool) -> Plan<K, N> {
        let mut plan = Plan {
            entering: Vec::new(),
            deltas: Vec::with_capacity(rows.len()),
            windows: HashMap::with_capacity_and_hasher(rows.len(), FxBuildHasher),
            hidden: [0; N],
        };
        for row in rows {
            let delta = match &row.key {
                None => {
                    add(&mut plan.hidden, &row.values);
                    [0; N]
                }
                Some(key) => {
                    let delta = self.delta(key, row, was_reset);
                    *plan.windows.entry(key.clone()).or_default() += delta[TIME];
                    delta
                }
            };
            plan.deltas.push(delta);
        }
        plan.entering = self.entering(&plan.windows);
        plan
    }

    fn delta(&self, key: &K, row: &Row<K, N>, was_reset: bool) -> [u64; N] {
        let Some(entry) = self.entries.get(key) else { return row.values };
        let (last, born) = (&entry.last[row.variant], entry.born[row.variant]);
        if was_reset || born != row.born || row.values[CALLS] < last[CALLS] {
            return row.values;
        }
        std::array::from_fn(|column| row.values[column].saturating_sub(last[column]))
    }

    /// Who takes a place, seen from what each statement took.
    fn entering(&self, windows: &FxHashMap<K, u64>) -> Vec<(K, Option<K>)> {
        let candidate = |key, window: u64| {
            let (recent, total) = self.entries.get(key).map_or((0, 0), |entry| (entry.recent, entry.total));
            let recent = window.max(recent / 2);
            Candidate { key, window, recent, total: total + window, shown: self.shown.contains_key(key) }
        };
        let mut candidates: Vec<_> = windows.iter().map(|(key, window)| candidate(key, *window)).collect();
        // Those that the server forgot are the first to leave.
        let forgotten = self.shown.keys().filter(|key| !windows.contains_key(key));
        candidates.extend(forgotten.map(|key| Candidate {
            key,
            window: 0,
            recent: 0,
            total: 0,
            shown: true,
        }));
        ranking::entering(&candidates, self.max)
    }

    /// Counts. A statement that should enter and has no label stays in `other` for now.
    pub(crate) fn absorb(&mut self, rows: &[Row<K, N>], plan: Plan<K, N>, mut labels: HashMap<K, L>) {
        self.scrape += 1;
        for (key, leaver) in plan.entering {
            let Some(label) = labels.remove(&key) else { continue };
            if let Some(left) = leaver.and_then(|leaver| self.shown.remove(&leaver)) {
                add(&mut self.retired, &left.values);
            }
            self.shown.insert(key, Shown { label, values: [0; N] });
        }
        for (row, delta) in rows.iter().zip(&plan.deltas) {
            let Some(key) = &row.key else { continue };
            let shown = self.shown.get_mut(key).map(|shown| &mut shown.values);
            add(shown.unwrap_or(&mut self.other), delta);
            self.remember(key, row, plan.windows.get(key).copied().unwrap_or(0));
        }
        // What is hidden is known as a sum only.
        let forgot = plan.hidden[CALLS] < self.hidden[CALLS];
        for (column, now) in plan.hidden.into_iter().enumerate() {
            let before = if forgot { 0 } else { self.hidden[column] };
            self.other[column] += now.saturating_sub(before);
        }
        self.hidden = plan.hidden;
        let scrape = self.scrape;
        self.entries.retain(|_, entry| entry.scrape == scrape);
    }

    fn remember(&mut self, key: &K, row: &Row<K, N>, window: u64) {
        let scrape = self.scrape;
        let entry = match self.entries.get_mut(key) {
            Some(entry) => entry,
            None => self.entries.entry(key.clone()).or_default(),
        };
        if entry.scrape != scrape {
            // A variant that the server no longer has starts from nothing if it comes back.
            // What was there at the first scrape has taken its time before, nobody knows when.
            let lately = if scrape == 1 { 0 } else { window };
            *entry = Entry {
                total: entry.total + window,
                recent: lately.max(entry.recent / 2),
                scrape,
                ..Entry::default()
            };
        }
        entry.last[row.variant] = row.values;
        entry.born[row.variant] = row.born;
    }

    /// The statements with series of their own, in a stable order.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&K, &Shown<L, N>)> {
        self.shown.iter()
    }

    /// What all others did while they had no series.
    pub(crate) fn other(&self) -> &[u64; N] {
        &self.other
    }

    /// What statements did while they were shown that are shown no more; none if all still are.
    pub(crate) fn retired(&self) -> Option<&[u64; N]> {
        (self.retired != [0; N]).then_some(&self.retired)
    }
}

fn add<const N: usize>(sum: &mut [u64; N], more: &[u64; N]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum = sum.saturating_add(*more);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Small = Ledger<u32, String, 2>;

    fn row(key: u32, calls: u64, time: u64) -> Row<u32, 2> {
        Row { key: Some(key), variant: 0, born: 0, values: [calls, time] }
    }

    fn scrape(ledger: &mut Small, rows: &[Row<u32, 2>], was_reset: bool) {
        let plan = ledger.plan(rows, was_reset);
        let labels = plan.entering.iter().map(|(key, _)| (*key, format!("s{key}"))).collect();
        ledger.absorb(rows, plan, labels);
    }

    fn sum(ledger: &Small) -> [u64; 2] {
        let mut sum = *ledger.other();
        ledger.retired().into_iter().for_each(|retired| add(&mut sum, retired));
        ledger.shown().for_each(|(_, shown)| add(&mut sum, &shown.values));
        sum
    }

    fn shown(ledger: &Small) -> Vec<u32> {
        ledger.shown().map(|(key, _)| *key).collect()
    }

    #[test]
    fn the_first_scrape_shows_the_largest_and_adds_up_the_rest() {
        let mut ledger = Small::new(4);
        let rows: Vec<_> = (1..=100).map(|key| row(key, 1, u64::from(key))).collect();
        scrape(&mut ledger, &rows, false);
        assert_eq!(shown(&ledger), [97, 98, 99, 100]);
        assert_eq!((sum(&ledger), *ledger.other()), ([100, 5_050], [96, 5_050 - 394]));
    }

    #[test]
    fn a_statement_that_becomes_slow_is_shown_at_once_and_other_only_grows() {
        let mut ledger = Small::new(4);
        let mut rows: Vec<_> = (1..=100).map(|key| row(key, 10, 1_000 * u64::from(key))).collect();
        scrape(&mut ledger, &rows, false);
        let before = *ledger.other();
        rows[4].values = [20, 5_500];
        scrape(&mut ledger, &rows, false);
        assert_eq!(shown(&ledger), [5, 98, 99, 100]);
        let (_, slow) = ledger.shown().next().unwrap();
        assert_eq!(slow.values, [10, 500], "what it did before stays where it was counted");
        assert_eq!(*ledger.other(), before);
        assert_eq!(ledger.retired(), Some(&[10, 97_000]));
        assert_eq!(sum(&ledger), [1_010, 5_050_500]);
    }

    #[test]
    fn statements_of_about_the_same_weight_do_not_change_places() {
        let mut ledger = Small::new(4);
        let mut rows: Vec<_> = (1..=100).map(|key| row(key, 10, 1_000)).collect();
        scrape(&mut ledger, &rows, false);
        let mut changes = 0;
        for turn in 0..50 {
            let before = shown(&ledger);
            for (at, row) in rows.iter_mut().enumerate() {
                row.values[0] += 1;
                row.values[1] += 100 + (at as u64 * 7 + turn * 13) % 50;
            }
            scrape(&mut ledger, &rows, false);
            changes += shown(&ledger).iter().filter(|key| !before.contains(key)).count();
        }
        assert!(changes < 10, "{changes} changes in 50 scrapes of noise");
    }

    #[test]
    fn a_reset_is_seen_by_the_flag_by_the_birth_and_by_a_smaller_number() {
        for (born, was_reset, calls) in [(0, true, 50), (7, false, 50), (0, false, 3)] {
            let mut ledger = Small::new(1);
            scrape(&mut ledger, &[row(1, 10, 100)], false);
            scrape(&mut ledger, &[Row { born, ..row(1, calls, 300) }], was_reset);
            assert_eq!(sum(&ledger), [10 + calls, 400], "{born} {was_reset} {calls}");
        }
    }

    #[test]
    fn what_the_server_forgot_stays_counted_and_starts_from_nothing_when_it_comes_back() {
        let mut ledger = Small::new(1);
        scrape(&mut ledger, &[row(1, 10, 100), row(2, 1, 1)], false);
        scrape(&mut ledger, &[], false);
        assert_eq!(sum(&ledger), [11, 101]);
        scrape(&mut ledger, &[row(1, 12, 150)], false);
        assert_eq!(sum(&ledger), [23, 251]);
    }

    #[test]
    fn two_variants_are_one_statement_and_each_has_its_own_past() {
        let mut ledger = Small::new(1);
        let inner = |calls| Row { variant: 1, ..row(1, calls, 10) };
        scrape(&mut ledger, &[row(1, 10, 100), inner(5)], false);
        scrape(&mut ledger, &[row(1, 11, 100)], false);
        scrape(&mut ledger, &[row(1, 11, 100), inner(2)], false);
        assert_eq!(sum(&ledger), [18, 120]);
        assert_eq!(shown(&ledger), [1]);
    }

    #[test]
    fn statements_that_we_may_not_see_are_in_other() {
        let mut ledger = Small::new(1);
        let hidden = |calls| Row { key: None, ..row(0, calls, 10) };
        scrape(&mut ledger, &[hidden(4), hidden(5)], false);
        scrape(&mut ledger, &[hidden(4), hidden(6)], false);
        assert_eq!((sum(&ledger)[0], shown(&ledger).len()), (10, 0));
    }

    #[test]
    fn a_statement_without_a_label_waits_and_nothing_is_lost() {
        let mut ledger = Small::new(2);
        let plan = ledger.plan(&[row(1, 10, 100)], false);
        ledger.absorb(&[row(1, 10, 100)], plan, HashMap::new());
        assert_eq!((shown(&ledger).len(), sum(&ledger)), (0, [10, 100]));
        scrape(&mut ledger, &[row(1, 11, 110)], false);
        assert_eq!((shown(&ledger).len(), sum(&ledger)), (1, [11, 110]));
    }

    proptest! {
        #[test]
        fn sums_are_exact_counters_only_grow_and_the_series_are_bounded(
            scrapes in prop::collection::vec(prop::collection::vec(0..1_000_u64, 20), 1..20),
        ) {
            let mut ledger = Small::new(5);
            let mut truth = [[0_u64; 2]; 20];
            let mut last: HashMap<u32, [u64; 2]> = HashMap::new();
            let mut other = [0; 2];
            for times in scrapes {
                for (statement, time) in truth.iter_mut().zip(&times) {
                    add(statement, &[1, time * time]);
                }
                let rows: Vec<_> = (0..20).map(|at| row(at as u32, truth[at][0], truth[at][1])).collect();
                scrape(&mut ledger, &rows, false);
                let mut wanted = [0; 2];
                truth.iter().for_each(|statement| add(&mut wanted, statement));
                prop_assert_eq!(sum(&ledger), wanted);
                prop_assert!(shown(&ledger).len() <= 5);
                prop_assert!(ledger.other()[0] >= other[0] && ledger.other()[1] >= other[1]);
                other = *ledger.other();
                let now: HashMap<u32, [u64; 2]> = ledger.shown().map(|(k, s)| (*k, s.values)).collect();
                for (key, values) in &now {
                    if let Some(before) = last.get(key) {
                        prop_assert!(values[0] >= before[0] && values[1] >= before[1]);
                    }
                }
                last = now;
            }
        }
    }
}
