//! What the server as a whole says: settings, databases, connections, locks.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use crate::sql::{Answer, Cell};

/// Most combinations of labels that connections are told apart by: application names are the users'.
const ACTIVITIES_MAX: usize = 200;

/// `(column, metric)` of `pg_stat_database`, after id and name.
const DATABASE_COLUMNS: [m::Metric; 16] = [
    m::PG_BACKENDS,
    m::PG_COMMITS,
    m::PG_ROLLBACKS,
    m::PG_BLOCKS_READ,
    m::PG_BLOCKS_HIT,
    m::PG_ROWS_RETURNED,
    m::PG_ROWS_FETCHED,
    m::PG_ROWS_INSERTED,
    m::PG_ROWS_UPDATED,
    m::PG_ROWS_DELETED,
    m::PG_CONFLICTS,
    m::PG_TEMP_FILES,
    m::PG_TEMP_BYTES,
    m::PG_DEADLOCKS,
    m::PG_READ_TIME,
    m::PG_WRITE_TIME,
];

/// The columns after these, which carry no label but the name.
const NAMED_COLUMNS: [m::Metric; 3] = [m::PG_FROZEN_AGE, m::PG_MULTIXACT_AGE, m::PG_CONNECTION_LIMIT];

/// From how many seconds on a transaction is counted as long, as postgres_exporter has it.
const LONG: [&str; 4] = ["60", "300", "600", "1800"];

/// The modes that a lock may have, as postgres_exporter writes them.
const LOCK_MODES: [&str; 9] = [
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
];

/// Version, settings and role.
pub(super) fn server(answer: &Answer) -> Vec<Family> {
    let Some([version, number, start, connections, reserved, buffers, replica, lag, _, position, ..]) =
        answer.rows_of(10).next()
    else {
        return Vec::new();
    };
    let number = number.count();
    let short = format!("{}.{}.0", number / 10_000, number % 10_000);
    let labels = [("version", &*version.text()), ("short_version", &*short)];
    let mut families = vec![Family::new(m::PG_STATIC).with(&labels, 1.0)];
    for (metric, cell) in [
        (m::PG_START_TIME, start),
        (m::PG_MAX_CONNECTIONS, connections),
        (m::PG_RESERVED_CONNECTIONS, reserved),
        (m::PG_SHARED_BUFFERS, buffers),
        (m::PG_IS_REPLICA, replica),
        (m::PG_REPLICATION_LAG, lag),
        (m::PG_WAL_POSITION, position),
    ] {
        families.extend(cell.number().map(|value| Family::single(metric, value)));
    }
    families
}

/// The counters of each database, and how far it is from running out of transaction numbers.
pub(super) fn databases(answer: &Answer) -> Vec<Family> {
    let mut families: Vec<Family> =
        DATABASE_COLUMNS.into_iter().chain(NAMED_COLUMNS).map(Family::new).collect();
    for row in answer.rows_of(2 + families.len()) {
        let (id, name) = (row[0].text(), row[1].text());
        let labels = [("datid", &*id), ("datname", &*name)];
        for (column, (family, cell)) in families.iter_mut().zip(&row[2..]).enumerate() {
            if let Some(value) = cell.number() {
                family.push(if column < DATABASE_COLUMNS.len() { &labels } else { &labels[1..] }, value);
            }
        }
    }
    families
}

/// What each database read and found at the last scrape.
pub(super) type Blocks = BTreeMap<String, (u64, u64)>;

/// The share of lookups since the last scrape that the buffer pool answered.
pub(super) fn hit_ratio(answer: &Answer, last: &mut Blocks) -> Family {
    let mut family = Family::new(m::PG_BUFFER_HIT_RATIO);
    let mut now = Blocks::new();
    for row in answer.rows_of(7) {
        let (name, read, hit) = (row[1].text().into_owned(), row[5].count(), row[6].count());
        if let Some((read_before, hit_before)) = last.get(&name)
            && read >= *read_before
            && hit >= *hit_before
        {
            let (read, hit) = (read - read_before, hit - hit_before);
            if read + hit > 0 {
                family.push(&[("datname", &name)], hit as f64 / (read + hit) as f64);
            }
        }
        now.insert(name, (read, hit));
    }
    *last = now;
    family
}

/// Connections: each combination of labels up to the cap, the rest as `other`, and the totals.
pub(super) fn activity(answer: &Answer) -> Vec<Family> {
    let mut counts = Family::new(m::PG_ACTIVITY_COUNT);
    let mut longest = Family::new(m::PG_ACTIVITY_MAX_TX);
    let (mut rest, mut rest_longest) = (0.0, 0.0_f64);
    let mut states: BTreeMap<String, f64> = BTreeMap::new();
    let (mut blocked, mut open, mut oldest, mut query) = (0.0, 0.0, 0.0_f64, 0.0_f64);
    let mut long = [0.0; LONG.len()];
    for (at, row) in answer.rows_of(11 + LONG.len()).enumerate() {
        let [count, transaction, running, transactions] =
            [7, 8, 9, 10].map(|column: usize| row[column].number().unwrap_or(0.0));
        let is_client = row[4].text() == "client backend";
        if is_client {
            *states.entry(row[1].text().into_owned()).or_default() += count;
        }
        blocked += if row[5].text() == "Lock" { count } else { 0.0 };
        open += transactions;
        long.iter_mut().zip(&row[11..]).for_each(|(sum, cell)| *sum += cell.number().unwrap_or(0.0));
        oldest = if transactions > 0.0 { oldest.max(transaction) } else { oldest };
        query = query.max(running);
        if at >= ACTIVITIES_MAX {
            rest += count;
            rest_longest = rest_longest.max(transaction);
            continue;
        }
        let texts: Vec<_> = row[..7].iter().map(Cell::text).collect();
        let labels = activity_labels(&texts.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        counts.push(&labels, count);
        longest.push(&labels, transaction);
    }
    if rest > 0.0 {
        let labels = activity_labels(&["other"; 7]);
        counts.push(&labels, rest);
        longest.push(&labels, rest_longest);
    }
    let mut by_state = Family::new(m::PG_CONNECTIONS);
    states.iter().for_each(|(state, count)| by_state.push(&[("state", state)], *count));
    let mut long_transactions = Family::new(m::PG_LONG_TRANSACTIONS_COUNT);
    LONG.iter()
        .zip(long)
        .for_each(|(seconds, count)| long_transactions.push(&[("threshold", seconds)], count));
    vec![
        counts,
        longest,
        by_state,
        Family::single(m::PG_LONGEST_QUERY, query),
        Family::single(m::PG_BLOCKED, blocked),
        Family::single(m::PG_LONG_TRANSACTIONS, open),
        Family::single(m::PG_OLDEST_TRANSACTION, oldest),
        long_transactions,
    ]
}

fn activity_labels<'t>(texts: &[&'t str]) -> Vec<(&'static str, &'t str)> {
    m::PG_ACTIVITY_COUNT.labels.iter().copied().zip(texts.iter().copied()).collect()
}

/// Every mode of every database, 0 where there is none, so that a lock that ends is seen to end.
pub(super) fn locks(answer: &Answer, databases: &Answer) -> Family {
    let mut family = Family::new(m::PG_LOCKS);
    let held: BTreeMap<(u64, String), f64> = answer
        .rows_of(3)
        .map(|row| ((row[0].count(), row[1].text().into_owned()), row[2].number().unwrap_or(0.0)))
        .collect();
    for row in databases.rows_of(2) {
        let (id, name) = (row[0].count(), row[1].text());
        for mode in LOCK_MODES {
            let count = held.get(&(id, mode.to_owned())).copied().unwrap_or(0.0);
            family.push(&[("datname", &name), ("mode", mode)], count);
        }
    }
    family
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_hit_ratio_is_that_of_the_window_and_absent_without_lookups() {
        let mut last = Blocks::new();
        let row = |read, hit| Answer::from_tsv(&format!("5\tshop\t1\t0\t0\t{read}\t{hit}\n"));
        assert!(hit_ratio(&row(100, 900), &mut last).samples.is_empty(), "no window yet");
        let family = hit_ratio(&row(110, 930), &mut last);
        assert_eq!(family.samples, Family::new(family.metric).with(&[("datname", "shop")], 0.75).samples);
        assert!(hit_ratio(&row(110, 930), &mut last).samples.is_empty());
        assert!(hit_ratio(&row(1, 1), &mut last).samples.is_empty(), "a reset is no window");
    }

    #[test]
    fn connections_beyond_the_cap_are_added_up() {
        let mut rows = String::new();
        for at in 0..300 {
            let _ = writeln!(
                rows,
                "shop\tactive\tu\tapp{at}\tclient backend\tLock\trelation\t2\t1.5\t0.5\t2\t1\t0\t0\t0"
            );
        }
        let families = activity(&Answer::from_tsv(&rows));
        assert_eq!(families[0].samples.len(), ACTIVITIES_MAX + 1);
        let single = |at: usize| families[at].samples[0].value.clone();
        use hitmark_schema::exposition::Value::Number;
        assert_eq!(families[0].samples.last().unwrap().value, Number(200.0));
        assert_eq!((single(2), single(4), single(5)), (Number(600.0), Number(600.0), Number(600.0)));
        assert_eq!((single(3), single(6)), (Number(0.5), Number(1.5)));
    }

    #[test]
    fn a_lock_that_nobody_holds_is_told_as_zero() {
        let databases = Answer::from_tsv("5\tshop\n6\tlog\n");
        let family = locks(&Answer::from_tsv("5\texclusivelock\t3\n"), &databases);
        assert_eq!(family.samples.len(), 18);
        let held: Vec<_> = family
            .samples
            .iter()
            .filter(|sample| sample.value != hitmark_schema::exposition::Value::Number(0.0))
            .collect();
        assert_eq!(held.len(), 1);
    }

    #[test]
    fn answers_that_are_not_as_expected_give_no_samples() {
        for text in ["", "1\n", "a\tb\tc\n"] {
            let answer = Answer::from_tsv(text);
            assert!(server(&answer).is_empty());
            assert!(databases(&answer).iter().all(|family| family.samples.is_empty()));
        }
    }
}
