//! Which statements have series of their own, and who leaves when one enters.
//!
//! One half of the places is given by the time since the last scrape, so that what becomes slow now is
//! seen now; the other half by the total. Whoever has a place keeps it unless a newcomer is clearly
//! heavier: series that come and go at every scrape are of no use.

use std::hash::Hash;

use rustc_hash::FxHashSet;

/// A newcomer must have taken this many times what the one who leaves took lately.
const ADVANTAGE: u64 = 2;
/// Or be heavier in total by one part in this many.
const MARGIN: u64 = 10;

/// A statement as the ranking sees it.
#[derive(Debug)]
pub(super) struct Candidate<'k, K> {
    pub(super) key: &'k K,
    /// Time taken since the last scrape.
    pub(super) window: u64,
    /// The same, or half of what it was at the scrape before, if that is more.
    pub(super) recent: u64,
    /// Time taken in all.
    pub(super) total: u64,
    /// Whether it has a place.
    pub(super) shown: bool,
}

/// Why a statement asks for a place.
#[derive(Debug, Clone, Copy)]
enum By {
    Total,
    Window,
    FreePlace,
}

/// Who enters, and who leaves for it if no place is free.
pub(super) fn entering<K: Ord + Hash + Clone>(
    candidates: &[Candidate<'_, K>],
    max: usize,
) -> Vec<(K, Option<K>)> {
    let half = max.div_ceil(2);
    let by_window = top(candidates, half, |candidate| candidate.window);
    let by_window: Vec<_> = by_window.into_iter().filter(|candidate| candidate.window > 0).collect();
    let by_total = top(candidates, max, |candidate| candidate.total);
    let (first, rest) = by_total.split_at(half.min(by_total.len()));
    let kept: FxHashSet<&K> = by_window.iter().chain(first).map(|candidate| candidate.key).collect();
    let mut leaving: Vec<_> =
        candidates.iter().filter(|candidate| candidate.shown && !kept.contains(candidate.key)).collect();
    leaving.sort_unstable_by_key(|leaver| (leaver.recent, leaver.total, leaver.key));
    let mut leaving = leaving.into_iter().peekable();
    let mut free = max.saturating_sub(candidates.iter().filter(|candidate| candidate.shown).count());
    let (mut entering, mut seen) = (Vec::new(), FxHashSet::default());
    let first = first.iter().map(|candidate| (*candidate, By::Total));
    let by_window = by_window.iter().map(|candidate| (*candidate, By::Window));
    let rest = rest.iter().map(|candidate| (*candidate, By::FreePlace));
    for (newcomer, by) in first.chain(by_window).chain(rest) {
        if newcomer.shown || seen.contains(newcomer.key) {
            continue;
        }
        if free > 0 {
            free -= 1;
            entering.push((newcomer.key.clone(), None));
            seen.insert(newcomer.key);
        } else if let Some(leaver) = leaving.next_if(|leaver| outweighs(newcomer, leaver, by)) {
            entering.push((newcomer.key.clone(), Some(leaver.key.clone())));
            seen.insert(newcomer.key);
        }
    }
    entering
}

fn outweighs<K>(newcomer: &Candidate<'_, K>, leaver: &Candidate<'_, K>, by: By) -> bool {
    match by {
        By::Total => newcomer.total > leaver.total.saturating_add(leaver.total / MARGIN),
        By::Window => newcomer.window >= leaver.recent.max(1).saturating_mul(ADVANTAGE),
        By::FreePlace => false,
    }
}

/// The `count` largest, largest first; of equals the smallest key, so that a choice is stable.
fn top<'c, 'k, K: Ord>(
    candidates: &'c [Candidate<'k, K>],
    count: usize,
    score: impl Fn(&Candidate<'k, K>) -> u64,
) -> Vec<&'c Candidate<'k, K>> {
    let mut ranked: Vec<&Candidate<'k, K>> = candidates.iter().collect();
    let order =
        |a: &&Candidate<'k, K>, b: &&Candidate<'k, K>| score(b).cmp(&score(a)).then_with(|| a.key.cmp(b.key));
    if count < ranked.len() {
        ranked.select_nth_unstable_by(count, order);
        ranked.truncate(count);
    }
    ranked.sort_unstable_by(order);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(key: &u32, window: u64, total: u64, shown: bool) -> Candidate<'_, u32> {
        Candidate { key, window, recent: window, total, shown }
    }

    #[test]
    fn free_places_go_to_the_largest_totals() {
        let all = [candidate(&1, 0, 5, false), candidate(&2, 9, 9, false), candidate(&3, 0, 7, false)];
        let mut keys: Vec<u32> = entering(&all, 2).into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        assert_eq!(keys, [2, 3]);
        assert!(entering(&all, 0).is_empty());
    }

    #[test]
    fn a_newcomer_takes_the_place_of_the_least_if_it_is_clearly_heavier() {
        let with = |window| {
            [
                candidate(&1, 6, 900, true),
                candidate(&2, 5, 800, true),
                candidate(&3, window, 100, false),
                candidate(&4, 500, 1_000, true),
            ]
        };
        assert_eq!(entering(&with(10), 3), [(3, Some(2))]);
        assert_eq!(entering(&with(9), 3), []);
    }
}
