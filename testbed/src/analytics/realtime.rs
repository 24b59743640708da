//! Live figures: what a dashboard asks for every few seconds, so that many ask at once when an
//! answer of five seconds ends.

use sqlx::Row;
use sqlx::query as sql;

use super::model::{LiveHealth, StreamMetrics};
use super::parameters::{Metrics, range_s};
use super::seed::NOW_S;
use crate::database::Session;

const METRICS: &str = "SELECT stream, COUNT(*) AS events, COUNT(DISTINCT customer_id) AS customers, \
     CAST(SUM(latency_ms) AS BIGINT) AS latency_ms_sum, MAX(latency_ms) AS latency_ms_max \
     FROM analytics_events WHERE at_s >= $1 AND ($2 = 'all' OR stream = $2) GROUP BY stream ORDER BY stream";
const HEALTH: &str = "SELECT (SELECT COUNT(*) FROM analytics_events WHERE at_s >= $1) AS events, \
     (SELECT COUNT(*) FROM fraud_alerts WHERE status = 'open') AS alerts";

pub(super) async fn metrics(session: &mut Session<'_>, asked: &Metrics) -> sqlx::Result<Vec<StreamMetrics>> {
    let query = sql(METRICS).bind(NOW_S - range_s(asked.time_window)).bind(asked.stream_type);
    session.all(query).await?.iter().map(StreamMetrics::of).collect()
}

pub(super) async fn health(session: &mut Session<'_>) -> sqlx::Result<LiveHealth> {
    let row = session.one(sql(HEALTH).bind(NOW_S - 3_600)).await?;
    let events_last_hour: i64 = row.try_get("events")?;
    let status = if events_last_hour > 0 { "healthy" } else { "silent" };
    Ok(LiveHealth { status, events_last_hour, open_alerts: row.try_get("alerts")? })
}
