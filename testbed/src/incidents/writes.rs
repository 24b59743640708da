//! What changes incidents and users, and with the commit removes the cached answers that no longer hold.
//! A write that is refused removes nothing.

use hitmark_cache::CacheLayer;
use sqlx::Row;
use sqlx::query as sql;

use super::keys;
use super::media;
use super::model::{Created, NewIncident, Processing};
use super::{policies, queries};
use crate::answer::Failure;
use crate::app::Endpoint;
use crate::changes::{Changes, Cleared, is_taken, numbered};
use crate::database::Database;
use crate::media::occupied;
use crate::tasks::Task;
use crate::telemetry::RouteStats;

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
    let Some((id, cleared)) = numbered(|| insert(endpoint, new), is_taken).await? else { return Ok(None) };
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
    Ok(Some(Created {
        id,
        invalidated: cleared.entries,
        cache_is_fresh: cleared.is_fresh,
        report_bytes,
        tasks,
    }))
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

/// Adds the row; its number and what went with the commit.
async fn insert(endpoint: &Endpoint, new: &NewIncident) -> sqlx::Result<Option<(i64, Cleared)>> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut changes = Changes::begin(endpoint).await?;
    let insert = sql(INSERT)
        .bind(new.store_id)
        .bind(new.user_id)
        .bind(new.title.as_str())
        .bind(new.details.as_str())
        .bind(now.as_secs() as i64);
    let Some(row) = changes.optional(insert).await? else { return Ok(None) };
    let id = row.try_get(0)?;
    keys::made_untrue_by(new.store_id, id).into_iter().for_each(|what| changes.invalidate(what));
    Ok(Some((id, changes.commit().await?)))
}

/// Gives a user another role. It shows in the user's permissions, and in lists, stores and reports too,
/// so all that was read from the table goes. `None` if there is no such user.
pub(super) async fn set_role(endpoint: &Endpoint, user: i64, role: &str) -> Result<Option<Cleared>, Failure> {
    let mut changes = Changes::begin(endpoint).await?;
    if changes.optional(sql(SET_ROLE).bind(user).bind(role)).await?.is_none() {
        return Ok(None);
    }
    changes.table("incident_users");
    Ok(Some(changes.commit().await?))
}
