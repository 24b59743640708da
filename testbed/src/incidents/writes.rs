//! What changes incidents and users, and removes the cached answers that no longer hold.
//!
//! Rows are changed first and cached answers removed after: the other way round, a reader in between
//! would store the old rows for a whole lifetime.

use hitmark_cache::{CacheError, CacheLayer};
use sqlx::Row;
use sqlx::query as sql;

use super::keys;
use super::media;
use super::model::{Created, NewIncident, Processing};
use super::{policies, queries};
use crate::answer::Failure;
use crate::app::Endpoint;
use crate::database::Database;
use crate::media::occupied;
use crate::tasks::Task;
use crate::telemetry::RouteStats;

/// How often a number that another request took is tried again.
const TRIES: usize = 5;

const INSERT: &str = "INSERT INTO incidents \
     (id, store_id, store_name, user_id, kind, severity, status, title, details, created_at) \
     SELECT (SELECT COALESCE(MAX(id), 0) + 1 FROM incidents), s.id, s.name, u.id, 'report', 3, 'open', $3, $4, $5 \
     FROM incident_stores s, incident_users u WHERE s.id = $1 AND u.id = $2 RETURNING id";
const SET_ROLE: &str = "UPDATE incident_users SET role = $2 WHERE id = $1 RETURNING id";

/// Stores a new incident and does what follows from it, now or later: its report is printed and the
/// manager gets a mail. `None` if there is no such store or user.
pub(super) async fn create(
    endpoint: &Endpoint,
    new: &NewIncident,
    processing: Processing,
) -> Result<Option<Created>, Failure> {
    let Some(id) = insert(endpoint, new).await? else { return Ok(None) };
    let invalidated = invalidate_store(endpoint, new.store_id).await;
    let to = format!("manager{}@example.com", new.store_id);
    let subject = format!("Incident {id}: {}", new.title);
    let (report_bytes, tasks) = match processing {
        Processing::Inline => (follow(endpoint, id, &to, &subject).await?, Vec::new()),
        Processing::Queued => {
            let tasks = &endpoint.app.tasks;
            let report = tasks.leave(Task::PrintReport { incident: id }, None).await?;
            let mail = tasks.leave(Task::SendEmail { to, subject }, None).await?;
            (None, report.into_iter().chain(mail).collect())
        }
    };
    Ok(Some(Created { id, invalidated, report_bytes, tasks }))
}

/// The work itself, in the request.
async fn follow(endpoint: &Endpoint, id: i64, to: &str, subject: &str) -> Result<Option<usize>, Failure> {
    let app = &endpoint.app;
    let bytes = print_report(&app.database, &endpoint.stats, &app.cache, id).await?;
    app.tasks.work.mail.put(&format!("incident-{id}"), to, subject).await?;
    Ok(bytes)
}

/// Prints an incident's report and puts it into the cache; how many bytes it has. None if there is no
/// such incident.
pub(crate) async fn print_report(
    database: &Database,
    stats: &RouteStats,
    cache: &CacheLayer,
    incident: i64,
) -> Result<Option<usize>, Failure> {
    let incident = queries::incident(&mut database.session(stats).await?, incident).await?;
    let Some(incident) = incident else { return Ok(None) };
    let key = keys::report(incident.id);
    let report = occupied(move || media::report(&incident)).await?;
    let bytes = report.len();
    // A cache that cannot be asked prints again at the first request.
    let _ = cache.put(&key, report, &policies::REPORT).await;
    Ok(Some(bytes))
}

async fn insert(endpoint: &Endpoint, new: &NewIncident) -> Result<Option<i64>, Failure> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    for attempt in 1.. {
        let insert = sql(INSERT)
            .bind(new.store_id)
            .bind(new.user_id)
            .bind(new.title.as_str())
            .bind(new.details.as_str())
            .bind(now.as_secs() as i64);
        match endpoint.session().await?.optional(insert).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() && attempt < TRIES => {}
            row => return Ok(row?.map(|row| row.try_get(0)).transpose()?),
        }
    }
    Ok(None)
}

/// Gives a user another role, and removes what was cached of the old; `None` if there is no such user.
pub(super) async fn set_role(endpoint: &Endpoint, user: i64, role: &str) -> Result<Option<u64>, Failure> {
    let changed = endpoint.session().await?.optional(sql(SET_ROLE).bind(user).bind(role)).await?;
    if changed.is_none() {
        return Ok(None);
    }
    Ok(Some(told(endpoint.app.cache.delete(&keys::permissions(user)).await.map(u64::from))))
}

/// Removes what was cached of a store: its figures, and every page of its list of every reader.
async fn invalidate_store(endpoint: &Endpoint, store: i64) -> u64 {
    let cache = &endpoint.app.cache;
    let info = told(cache.delete(&keys::store(store)).await.map(u64::from));
    info + told(cache.delete_pattern(&keys::incidents_of_store(store)).await)
}

/// How many answers were removed. A cache that cannot be asked is no reason to refuse a write, and
/// its old answers end with their lifetime.
fn told(removed: Result<u64, CacheError>) -> u64 {
    removed.unwrap_or_else(|error| {
        tracing::warn!(%error, "cached answers could not be removed");
        0
    })
}
