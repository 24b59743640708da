//! The log that the server writes ahead, who reads it, and the processes that write blocks.
//!
//! PostgreSQL 17 moved checkpoints to a view of their own and dropped what backends wrote, so the
//! columns of both views stand side by side in one row, and what a version lacks is null.

use std::collections::BTreeMap;

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use crate::failure::Failure;
use crate::sql::Answer;

/// The metrics of the columns of `queries::WRITER`.
const WRITER_COLUMNS: [m::Metric; 23] = [
    m::PG_ARCHIVED,
    m::PG_ARCHIVE_FAILED,
    m::PG_ARCHIVE_AGE,
    m::PG_BUFFERS_CLEAN,
    m::PG_MAXWRITTEN_CLEAN,
    m::PG_BUFFERS_ALLOC,
    m::PG_BGWRITER_RESET,
    m::PG_CHECKPOINTS_TIMED,
    m::PG_CHECKPOINTS_REQ,
    m::PG_CHECKPOINT_WRITE_TIME,
    m::PG_CHECKPOINT_SYNC_TIME,
    m::PG_BUFFERS_CHECKPOINT,
    m::PG_BUFFERS_BACKEND,
    m::PG_BUFFERS_BACKEND_FSYNC,
    m::PG_CHECKPOINTER_TIMED,
    m::PG_CHECKPOINTER_REQUESTED,
    m::PG_RESTARTPOINTS_TIMED,
    m::PG_RESTARTPOINTS_REQ,
    m::PG_RESTARTPOINTS_DONE,
    m::PG_CHECKPOINTER_WRITE_TIME,
    m::PG_CHECKPOINTER_SYNC_TIME,
    m::PG_CHECKPOINTER_BUFFERS,
    m::PG_CHECKPOINTER_RESET,
];

/// Checkpoints, the background writer and the archiver.
pub(super) fn writer(answer: &Answer) -> Vec<Family> {
    let Some(row) = answer.rows_of(WRITER_COLUMNS.len()).next() else { return Vec::new() };
    let value = |(metric, cell): (m::Metric, &crate::sql::Cell)| Some(Family::single(metric, cell.number()?));
    WRITER_COLUMNS.into_iter().zip(row).filter_map(value).collect()
}

/// The files of the log.
pub(super) fn wal(answer: &Answer) -> Vec<Family> {
    let Some([segments, bytes, ..]) = answer.rows_of(2).next() else { return Vec::new() };
    [(m::PG_WAL_SEGMENTS, segments), (m::PG_WAL_SIZE, bytes)]
        .into_iter()
        .filter_map(|(metric, cell)| Some(Family::single(metric, cell.number()?)))
        .collect()
}

/// Why there is nothing to tell of the files.
pub(super) fn no_right() -> Failure {
    Failure::Refused("our role may not list the files of the log: GRANT pg_monitor to it".to_owned())
}

/// Replication slots: each holds the log back until its reader has it.
pub(super) fn slots(answer: &Answer) -> Vec<Family> {
    let metrics = [
        m::PG_SLOT_POSITION,
        m::PG_SLOT_FLUSHED,
        m::PG_SLOT_IS_ACTIVE,
        m::PG_SLOT_SAFE_WAL,
        m::PG_SLOT_STATUS,
        m::PG_SLOTS_ACTIVE,
        m::PG_SLOTS_DISTANCE,
    ];
    let mut families = metrics.map(Family::new);
    for row in answer.rows_of(9) {
        let [name, kind, database, status] = [0, 1, 2, 7].map(|column: usize| row[column].text());
        let [active, position, flushed, safe, distance] =
            [3, 4, 5, 6, 8].map(|column: usize| row[column].number());
        let slot = [("slot_name", &*name), ("slot_type", &*kind)];
        let of_database = [("slot_name", &*name), ("database", &*database)];
        // A reader that is away has confirmed nothing lately.
        let flushed = flushed.filter(|_| active == Some(1.0));
        let of_slot = [(0, position), (1, flushed), (2, active), (3, safe)];
        for (family, value) in of_slot {
            families[family].samples.extend(value.map(|value| sample(&slot, value)));
        }
        if !status.is_empty() {
            families[4].push(&[slot[0], slot[1], ("wal_status", &status)], 1.0);
        }
        for (family, value) in [(5, active), (6, distance)] {
            families[family].samples.extend(value.map(|value| sample(&of_database, value)));
        }
    }
    families.into()
}

fn sample(labels: &[(&'static str, &str)], value: f64) -> hitmark_schema::exposition::Sample {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    hitmark_schema::exposition::Sample { labels, value: hitmark_schema::exposition::Value::Number(value) }
}

/// How far each replica is behind, in bytes and, where the server has measured it, in time.
pub(super) fn replicas(answer: &Answer) -> Vec<Family> {
    let metrics = [
        m::PG_REPLICA_DISTANCE,
        m::PG_REPLICA_POSITION,
        m::PG_REPLICA_WRITE_LAG,
        m::PG_REPLICA_FLUSH_LAG,
        m::PG_REPLICA_REPLAY_LAG,
    ];
    let mut replicas: BTreeMap<[String; 3], [Option<f64>; 5]> = BTreeMap::new();
    for row in answer.rows_of(3 + metrics.len()) {
        let labels = [0, 1, 2].map(|column: usize| row[column].text().into_owned());
        // Two connections of one replica are one series: the one that is further behind.
        let worst = replicas.entry(labels).or_default();
        for (worst, cell) in worst.iter_mut().zip(&row[3..]) {
            *worst = [*worst, cell.number()].into_iter().flatten().reduce(f64::max);
        }
    }
    let mut families = metrics.map(Family::new);
    for ([name, address, state], values) in &replicas {
        let labels = [("application_name", name.as_str()), ("client_addr", address), ("state", state)];
        for (family, value) in families.iter_mut().zip(values) {
            family.samples.extend(value.map(|value| sample(&labels, value)));
        }
    }
    families.into()
}

#[cfg(test)]
mod tests {
    use hitmark_schema::exposition::Value;

    use super::*;

    fn values(family: &Family) -> Vec<f64> {
        let number = |value: &Value| match value {
            Value::Number(number) => *number,
            _ => f64::NAN,
        };
        family.samples.iter().map(|sample| number(&sample.value)).collect()
    }

    #[test]
    fn what_a_version_does_not_tell_is_absent() {
        let row = format!("{}{}\n", "7\t".repeat(14), ["\\N"; 9].join("\t"));
        let names: Vec<_> = writer(&Answer::from_tsv(&row)).iter().map(|family| family.metric.name).collect();
        assert_eq!(names.len(), 14);
        assert!(!names.iter().any(|name| name.contains("checkpointer")), "{names:?}");
    }

    #[test]
    fn a_slot_whose_reader_is_away_has_confirmed_nothing() {
        let rows = "a\tphysical\t\\N\t0\t900\t0\t\\N\treserved\t100\nb\tlogical\tshop\t1\t900\t800\t\\N\treserved\t\\N\n";
        let families = slots(&Answer::from_tsv(rows));
        assert_eq!(values(&families[0]), [900.0, 900.0]);
        assert_eq!(values(&families[1]), [800.0]);
        assert_eq!(values(&families[2]), [0.0, 1.0]);
        assert!(values(&families[3]).is_empty(), "no limit, no danger");
        assert_eq!(families[4].samples[0].labels[2], ("wal_status", "reserved".to_owned()));
        assert_eq!(values(&families[6]), [100.0], "a slot that holds nothing is not behind");
    }

    #[test]
    fn two_connections_of_a_replica_are_told_as_the_one_that_is_further_behind() {
        let rows =
            "r\t10.0.0.2\tstreaming\t5\t100\t\\N\t\\N\t0.5\nr\t10.0.0.2\tstreaming\t7\t100\t\\N\t\\N\t0.25\n";
        let families = replicas(&Answer::from_tsv(rows));
        assert_eq!((values(&families[0]), values(&families[4])), (vec![7.0], vec![0.5]));
        assert!(values(&families[2]).is_empty(), "a lag that was not measured is not 0");
    }
}
