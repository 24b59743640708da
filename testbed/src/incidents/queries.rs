//! The incident service's queries, for SQLite and PostgreSQL alike.

use sqlx::Row;
use sqlx::any::AnyRow;
use sqlx::query as sql;

use super::handlers::ListParameters;
use super::model::{Incident, IncidentPage, ListedIncident, Reporter, SeverityCount, StoreInfo};
use crate::database::Session;

/// Incidents on a page.
const PER_PAGE: i64 = 50;

const LIST: &str = "SELECT id, title, kind, severity, status, created_at, store_id, user_id FROM incidents \
     WHERE store_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3";
const LIST_JOINED: &str = "SELECT i.id, i.title, i.kind, i.severity, i.status, i.created_at, i.store_id, i.user_id, \
     s.name AS store, u.username, u.role FROM incidents i \
     JOIN incident_stores s ON s.id = i.store_id JOIN incident_users u ON u.id = i.user_id \
     WHERE i.store_id = $1 ORDER BY i.created_at DESC, i.id DESC LIMIT $2 OFFSET $3";
const COUNT: &str = "SELECT COUNT(*) FROM incidents WHERE store_id = $1";
const READER: &str = "SELECT store_id, role FROM incident_users WHERE id = $1";
const REPORTER: &str = "SELECT username, role FROM incident_users WHERE id = $1";
const STORE_NAME: &str = "SELECT name FROM incident_stores WHERE id = $1";
const STORE: &str = "SELECT id, name, region, opened_at, \
     (SELECT COUNT(*) FROM incident_users u WHERE u.store_id = s.id) AS staff FROM incident_stores s WHERE id = $1";
const BY_SEVERITY: &str = "SELECT severity, COUNT(*) AS incidents, \
     CAST(SUM(CASE WHEN status = 'closed' THEN 0 ELSE 1 END) AS BIGINT) AS still_open, MAX(created_at) AS last_at \
     FROM incidents WHERE store_id = $1 GROUP BY severity ORDER BY severity";
const ROLE: &str = "SELECT role FROM incident_users WHERE id = $1";
const INCIDENT: &str = "SELECT i.id, i.title, i.kind, i.severity, i.status, i.details, i.created_at, \
     s.name AS store, u.username FROM incidents i JOIN incident_stores s ON s.id = i.store_id \
     JOIN incident_users u ON u.id = i.user_id WHERE i.id = $1";
const EXISTS: &str = "SELECT 1 FROM incidents WHERE id = $1 LIMIT 1";

/// How the rows around an incident are read. The answer is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loading {
    /// One query for each incident's reporter and store: N+1, as an ORM does that loads lazily.
    Each,
    /// One query that joins them.
    Joined,
}

/// One page of a store's incidents; `None` if there is no such reader.
pub(super) async fn list(
    session: &mut Session<'_>,
    list: &ListParameters,
    loading: Loading,
) -> sqlx::Result<Option<IncidentPage>> {
    let Some(reader) = session.optional(sql(READER).bind(list.user)).await? else { return Ok(None) };
    let (reader_store, role): (i64, String) = (reader.try_get("store_id")?, reader.try_get("role")?);
    let edits_all = role == "manager" && reader_store == list.store;
    let text = if loading == Loading::Joined { LIST_JOINED } else { LIST };
    let offset = (i64::from(list.page) - 1) * PER_PAGE;
    let rows = session.all(sql(text).bind(list.store).bind(PER_PAGE).bind(offset)).await?;
    let mut incidents = Vec::with_capacity(rows.len());
    for row in &rows {
        let reporter_id: i64 = row.try_get("user_id")?;
        let (store, username, role) = match loading {
            Loading::Joined => (row.try_get("store")?, row.try_get("username")?, row.try_get("role")?),
            Loading::Each => around(session, row.try_get("store_id")?, reporter_id).await?,
        };
        let reporter = Reporter { id: reporter_id, username, role };
        incidents.push(listed(row, store, reporter, edits_all || reporter_id == list.user)?);
    }
    let total_incidents = session.count(sql(COUNT).bind(list.store)).await?;
    Ok(Some(IncidentPage { page: list.page, total_incidents, incidents }))
}

/// The store's name, and the reporter's name and role, each by a query of its own.
async fn around(
    session: &mut Session<'_>,
    store: i64,
    reporter: i64,
) -> sqlx::Result<(String, String, String)> {
    let store = session.one(sql(STORE_NAME).bind(store)).await?.try_get(0)?;
    let reporter = session.one(sql(REPORTER).bind(reporter)).await?;
    Ok((store, reporter.try_get("username")?, reporter.try_get("role")?))
}

fn listed(row: &AnyRow, store: String, reporter: Reporter, can_edit: bool) -> sqlx::Result<ListedIncident> {
    Ok(ListedIncident {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        kind: row.try_get("kind")?,
        severity: row.try_get("severity")?,
        status: row.try_get("status")?,
        created_at: row.try_get("created_at")?,
        store,
        reporter,
        can_edit,
    })
}

/// What is known of a store; `None` if there is none.
pub(super) async fn store(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<StoreInfo>> {
    let Some(row) = session.optional(sql(STORE).bind(id)).await? else { return Ok(None) };
    let counts = session.all(sql(BY_SEVERITY).bind(id)).await?;
    let mut info = StoreInfo {
        id,
        name: row.try_get("name")?,
        region: row.try_get("region")?,
        opened_at: row.try_get("opened_at")?,
        staff: row.try_get("staff")?,
        incidents: 0,
        open_incidents: 0,
        by_severity: Vec::with_capacity(counts.len()),
        last_incident_at: None,
    };
    for count in &counts {
        let incidents: i64 = count.try_get("incidents")?;
        info.incidents += incidents;
        info.open_incidents += count.try_get::<i64, _>("still_open")?;
        info.last_incident_at = info.last_incident_at.max(count.try_get("last_at")?);
        info.by_severity.push(SeverityCount { severity: count.try_get("severity")?, incidents });
    }
    Ok(Some(info))
}

/// A user's role; `None` if there is no such user.
pub(super) async fn role(session: &mut Session<'_>, user: i64) -> sqlx::Result<Option<String>> {
    session.optional(sql(ROLE).bind(user)).await?.map(|row| row.try_get(0)).transpose()
}

/// One incident with the names around it; `None` if there is none.
pub(super) async fn incident(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<Incident>> {
    let Some(row) = session.optional(sql(INCIDENT).bind(id)).await? else { return Ok(None) };
    Ok(Some(Incident {
        id,
        title: row.try_get("title")?,
        kind: row.try_get("kind")?,
        severity: row.try_get("severity")?,
        status: row.try_get("status")?,
        store: row.try_get("store")?,
        reporter: row.try_get("username")?,
        details: row.try_get("details")?,
        created_at: row.try_get("created_at")?,
    }))
}

/// Whether there is such an incident, without reading it.
pub(super) async fn exists(session: &mut Session<'_>, id: i64) -> sqlx::Result<bool> {
    session.exists(sql(EXISTS).bind(id)).await
}
