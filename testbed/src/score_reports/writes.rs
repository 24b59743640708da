//! What adds reports. A commit to a table removes every cached answer that read it; a rollback removes
//! nothing.

use sqlx::Row;
use sqlx::query as sql;

use super::model::{Created, NewReport, scaled};
use crate::answer::Failure;
use crate::app::Endpoint;
use crate::changes::{Changes, is_taken, numbered};

const INSERT_REPORT: &str = "INSERT INTO score_reports (id, user_id, title, taken_at) \
     SELECT (SELECT COALESCE(MAX(id), 0) + 1 FROM score_reports), u.id, $2, $3 FROM score_users u \
     WHERE u.id = $1 RETURNING id";
const INSERT_SECTION: &str = "INSERT INTO score_sections (id, report_id, name, questions, correct, scaled) \
     VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM score_sections), $1, $2, $3, $4, $5) RETURNING id";

/// Why a report was not added.
#[derive(Debug)]
pub(super) enum Refused {
    /// There is no such user.
    NoUser,
    /// The database holds more right answers than questions to be impossible.
    Impossible,
    /// It could not be asked.
    Failed(Failure),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) if refusal.is_check_violation() => Self::Impossible,
            _ => Self::Failed(error.into()),
        }
    }
}

/// Adds a report with its sections, all or nothing, and removes the answers that no longer hold.
pub(super) async fn create(endpoint: &Endpoint, new: &NewReport) -> Result<Created, Refused> {
    let is_taken =
        |refused: &Refused| matches!(refused, Refused::Failed(Failure::Database(error)) if is_taken(error));
    numbered(|| insert(endpoint, new), is_taken).await
}

async fn insert(endpoint: &Endpoint, new: &NewReport) -> Result<Created, Refused> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Dropped on the way out by an error: a rollback.
    let mut changes = Changes::begin(endpoint).await?;
    let report = sql(INSERT_REPORT).bind(new.user_id).bind(new.title.as_str()).bind(now.as_secs() as i64);
    let id: i64 = changes.optional(report).await?.ok_or(Refused::NoUser)?.try_get(0)?;
    for section in &new.sections {
        let insert = sql(INSERT_SECTION)
            .bind(id)
            .bind(section.name.as_str())
            .bind(section.questions)
            .bind(section.correct)
            .bind(scaled(section.questions, section.correct));
        changes.optional(insert).await?;
    }
    changes.table("score_reports");
    changes.table("score_sections");
    let cleared = changes.commit().await?;
    Ok(Created { id, invalidated: cleared.entries, cache_is_fresh: cleared.is_fresh })
}
