//! The databases behind the cache: what they spend their time on, and what of it a cache could save.
//!
//! A statement is marked cacheable where it reads only, is repeated and is slow; the figure of the
//! first row is the time that goes into such statements, an upper bound of what a cache would save.

use hitmark_schema::metrics::{self as m, Metric};

use super::panels::{over_time, query, stat};
use crate::grafana::{Dashboard, Row, Shape, Unit};
use crate::promql::{Scope, max, ratio, sum};

const HERE: Scope = Scope::Dashboard;
const SERVER: &[&str] = &["instance", "target"];
const LEGEND: &str = "{{target}} {{instance}}";

/// The dashboard.
#[must_use]
pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "databases",
        title: "Databases",
        description: "PostgreSQL and MySQL behind the cache: their time, and what of it a cache could save.",
        present: &[&m::PG_UP, &m::MYSQL_UP],
        rows: vec![cacheable(), postgres(), statements(), mysql()],
    }
}

/// The time of statements that are marked: a mark of 1 keeps it, a mark of 0 takes it away.
fn marked_seconds(seconds: &Metric, mark: &Metric, keys: &str, by: &[&str]) -> String {
    let on = format!("job, instance, target, {keys}");
    let marks = format!("max by ({on}) ({})", HERE.series(mark, ""));
    sum(&format!("{} * on ({on}) group_left {marks}", HERE.rate(seconds, "")), by)
}

fn of_postgres(by: &[&str]) -> String {
    marked_seconds(&m::PG_STATEMENT_SECONDS, &m::PG_STATEMENT_CACHEABLE, "user, datname, queryid", by)
}

fn of_mysql(by: &[&str]) -> String {
    marked_seconds(&m::MYSQL_STATEMENT_SECONDS, &m::MYSQL_STATEMENT_CACHEABLE, "schema, digest", by)
}

fn cacheable() -> Row {
    let panels = vec![
        stat(
            "PostgreSQL's time that a cache could save",
            "Share of the time of all statements that goes into those marked cacheable. Near 0, a cache in front saves nothing here.",
            Unit::Ratio,
            ratio(&of_postgres(&[]), &sum(&HERE.rate(&m::PG_STATEMENT_SECONDS, ""), &[])),
        ),
        stat(
            "MySQL's time that a cache could save",
            "Share of the time of all statements that goes into those marked cacheable. Near 0, a cache in front saves nothing here.",
            Unit::Ratio,
            ratio(&of_mysql(&[]), &sum(&HERE.rate(&m::MYSQL_STATEMENT_SECONDS, ""), &[])),
        ),
        over_time(
            "Cacheable statements of PostgreSQL",
            "Seconds for each second, the ten largest. pg_stat_statements_query_id tells the text.",
            Shape::Stacked,
            Unit::Seconds,
            vec![query(
                format!("topk(10, {} > 0)", of_postgres(&["datname", "queryid"])),
                "{{datname}} {{queryid}}",
            )],
        ),
        over_time(
            "Cacheable statements of MySQL",
            "Seconds for each second, the ten largest.",
            Shape::Stacked,
            Unit::Seconds,
            vec![query(
                format!("topk(10, {} > 0)", of_mysql(&["schema", "digest"])),
                "{{schema}} {{digest}}",
            )],
        ),
    ];
    Row { title: "What a cache could save", panels }
}

fn postgres() -> Row {
    let panels = vec![
        over_time(
            "Connections and their limit",
            "Near the limit new clients are refused. Bound the clients' pools before raising it.",
            Shape::Lines,
            Unit::Count,
            vec![
                query(sum(&HERE.series(&m::PG_BACKENDS, ""), SERVER), LEGEND),
                query(max(&HERE.series(&m::PG_MAX_CONNECTIONS, ""), SERVER), "limit {{target}} {{instance}}"),
            ],
        ),
        over_time(
            "Buffer hit ratio",
            "Share of block lookups since the last scrape that needed no read. Below 0.9 the working set does not fit.",
            Shape::Lines,
            Unit::Ratio,
            vec![query(max(&HERE.series(&m::PG_BUFFER_HIT_RATIO, ""), &["datname"]), "{{datname}}")],
        ),
        over_time(
            "Longest query",
            "That runs now. A line that climbs straight is one query: find it in pg_stat_activity.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(max(&HERE.series(&m::PG_LONGEST_QUERY, ""), SERVER), LEGEND)],
        ),
        over_time(
            "Deadlocks",
            "For each second. Each is a transaction that was ended to free another.",
            Shape::Lines,
            Unit::PerSecond,
            vec![query(sum(&HERE.rate(&m::PG_DEADLOCKS, ""), &["datname"]), "{{datname}}")],
        ),
        over_time(
            "Bytes of temporary files",
            "For each second: sorts and joins that did not fit into work_mem.",
            Shape::Lines,
            Unit::Bytes,
            vec![query(sum(&HERE.rate(&m::PG_TEMP_BYTES, ""), &["datname"]), "{{datname}}")],
        ),
        over_time(
            "Size of indexes that nobody uses",
            "Each costs every write. Look at replicas too before you drop one.",
            Shape::Lines,
            Unit::Bytes,
            vec![query(
                format!(
                    "topk(10, {})",
                    max(&HERE.series(&m::PG_INDEX_UNUSED_BYTES, ""), &["relname", "indexrelname"])
                ),
                "{{relname}} {{indexrelname}}",
            )],
        ),
    ];
    Row { title: "PostgreSQL", panels }
}

fn statements() -> Row {
    let by = &["datname", "queryid"];
    let (seconds, calls) =
        (sum(&HERE.rate(&m::PG_STATEMENT_SECONDS, ""), by), sum(&HERE.rate(&m::PG_STATEMENT_CALLS, ""), by));
    let panels = vec![
        over_time(
            "Statements by time",
            "Seconds for each second, the ten largest; other and retired hold the rest, so that the sum is exact.",
            Shape::Stacked,
            Unit::Seconds,
            vec![query(format!("topk(10, {seconds})"), "{{datname}} {{queryid}}")],
        ),
        over_time(
            "Mean time of a statement",
            "Of the ten slowest now.",
            Shape::Lines,
            Unit::Seconds,
            vec![query(format!("topk(10, {})", ratio(&seconds, &calls)), "{{datname}} {{queryid}}")],
        ),
        over_time(
            "Calls",
            "Of the ten most frequent. A cheap statement that is asked very often is a cache's best guest.",
            Shape::Lines,
            Unit::PerSecond,
            vec![query(format!("topk(10, {calls})"), "{{datname}} {{queryid}}")],
        ),
    ];
    Row { title: "Statements of PostgreSQL", panels }
}

fn mysql() -> Row {
    let by = &["schema", "digest"];
    let (asked, read) = (
        sum(&HERE.rate(&m::MYSQL_POOL_REQUESTS, ""), SERVER),
        sum(&HERE.rate(&m::MYSQL_POOL_READS, ""), SERVER),
    );
    let panels = vec![
        over_time(
            "Statements by time",
            "Seconds for each second, the ten largest; other and retired hold the rest.",
            Shape::Stacked,
            Unit::Seconds,
            vec![query(
                format!("topk(10, {})", sum(&HERE.rate(&m::MYSQL_STATEMENT_SECONDS, ""), by)),
                "{{schema}} {{digest}}",
            )],
        ),
        over_time(
            "Pages that had to be read from disk",
            "As a share of those asked of the buffer pool. Above 0.05 the working set does not fit.",
            Shape::Lines,
            Unit::Ratio,
            vec![query(ratio(&read, &asked), LEGEND)],
        ),
        over_time(
            "Connections and their limit",
            "Near the limit new clients are refused.",
            Shape::Lines,
            Unit::Count,
            vec![
                query(max(&HERE.series(&m::MYSQL_THREADS_CONNECTED, ""), SERVER), LEGEND),
                query(
                    max(&HERE.series(&m::MYSQL_MAX_CONNECTIONS, ""), SERVER),
                    "limit {{target}} {{instance}}",
                ),
            ],
        ),
    ];
    Row { title: "MySQL", panels }
}
