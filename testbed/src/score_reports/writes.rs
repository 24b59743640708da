//! What adds reports. A commit to a table removes every cached answer that read it; a rollback removes
//! nothing.

use hitmark_cache::QueryCache;
use sqlx::query as sql;
use sqlx::{AnyConnection, Row};

use super::keys::TABLES;
use super::model::{Created, NewReport, scaled};
use crate::answer::Failure;
use crate::app::Endpoint;

/// How often numbers that another request took are tried again.
const TRIES: usize = 5;

const INSERT_REPORT: &str = "INSERT INTO score_reports (id, user_id, title, taken_at) \
     SELECT (SELECT COALESCE(MAX(id), 0) + 1 FROM score_reports), u.id, $2, $3 FROM score_users u \
     WHERE u.id = $1 RETURNING id";
const INSERT_SECTION: &str = "INSERT INTO score_sections (id, report_id, name, questions, correct, scaled) \
     VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM score_sections), $1, $2, $3, $4, $5)";

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
    let mut attempt = 1;
    let id = loop {
        match insert(endpoint, new).await {
            Err(Refused::Failed(Failure::Database(sqlx::Error::Database(error))))
                if error.is_unique_violation() && attempt < TRIES =>
            {
                attempt += 1;
            }
            inserted => break inserted?,
        }
    };
    // Only now: before the commit a reader would store the old rows again.
    let mut changed = QueryCache::new(endpoint.app.cache.clone()).begin();
    TABLES.iter().for_each(|table| changed.table(table));
    let invalidated = changed.commit().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cached answers could not be removed");
        0
    });
    Ok(Created { id, invalidated })
}

async fn insert(endpoint: &Endpoint, new: &NewReport) -> Result<i64, Refused> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Dropped on the way out by an error: a rollback.
    let mut transaction = endpoint.app.database.pool.begin().await?;
    endpoint.stats.count_query();
    let row = sql(INSERT_REPORT)
        .bind(new.user_id)
        .bind(new.title.as_str())
        .bind(now.as_secs() as i64)
        .fetch_optional(&mut *transaction)
        .await?;
    let id: i64 = row.ok_or(Refused::NoUser)?.try_get(0)?;
    for section in &new.sections {
        endpoint.stats.count_query();
        let scaled = scaled(section.questions, section.correct);
        let values = (id, section.name.as_str(), section.questions, section.correct, scaled);
        insert_section(&mut transaction, values).await?;
    }
    transaction.commit().await?;
    Ok(id)
}

async fn insert_section(
    connection: &mut AnyConnection,
    (report, name, questions, correct, scaled): (i64, &str, i64, i64, i64),
) -> sqlx::Result<()> {
    let insert = sql(INSERT_SECTION).bind(report).bind(name).bind(questions).bind(correct).bind(scaled);
    insert.execute(connection).await.map(drop)
}
