//! Queries of the fraud desk.

use sqlx::query as sql;

use super::model::{Alert, AlertGroup, FraudDashboard};
use super::pagination::Page;
use super::parameters::{Alerts, range_s};
use super::seed::NOW_S;
use crate::database::Session;

macro_rules! alerts {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM fraud_alerts WHERE ($1 = 'all' OR status = $1) AND ($2 = 'all' OR priority = $2) \
             AND ($3 = 'all' OR alert_type = $3)",
            $rest
        )
    };
}

const ALERTS: &str = alerts!(
    "id, customer_id, status, priority, alert_type, score, amount_cents, at_s",
    " ORDER BY at_s DESC, id DESC LIMIT $4 OFFSET $5"
);
const COUNT: &str = alerts!("COUNT(*)", "");
const GROUPS: &str = "SELECT alert_type, status, COUNT(*) AS alerts, \
     CAST(SUM(amount_cents) AS BIGINT) AS amount_cents, MAX(score) AS score_max \
     FROM fraud_alerts WHERE at_s >= $1 GROUP BY alert_type, status ORDER BY 3 DESC, 1, 2";

pub(super) async fn alerts(session: &mut Session<'_>, asked: &Alerts) -> sqlx::Result<Page<Alert>> {
    let page = sql(ALERTS).bind(asked.status).bind(asked.priority).bind(asked.alert_type);
    let rows = session.all(page.bind(asked.page.limit()).bind(asked.page.offset())).await?;
    let count = sql(COUNT).bind(asked.status).bind(asked.priority).bind(asked.alert_type);
    let count = session.count(count).await?;
    let items = rows.iter().map(Alert::of).collect::<sqlx::Result<_>>()?;
    Ok(Page::new(asked.page, count, items))
}

pub(super) async fn dashboard(
    session: &mut Session<'_>,
    time_range: &'static str,
) -> sqlx::Result<FraudDashboard> {
    let rows = session.all(sql(GROUPS).bind(NOW_S - range_s(time_range))).await?;
    let groups: Vec<AlertGroup> = rows.iter().map(AlertGroup::of).collect::<sqlx::Result<_>>()?;
    Ok(FraudDashboard {
        time_range,
        alerts: groups.iter().map(|group| group.alerts).sum(),
        amount_cents: groups.iter().map(|group| group.amount_cents).sum(),
        groups,
    })
}
