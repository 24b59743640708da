//! The score report generator's queries, for SQLite and PostgreSQL alike.

use sqlx::Row;
use sqlx::query as sql;

use super::model::{ListedReport, Report, ReportList, Section};
use crate::database::Session;

/// Reports in a list, at most.
const REPORTS_MAX: i64 = 100;

const USER: &str = "SELECT name FROM score_users WHERE id = $1";
const USER_BY_EMAIL: &str = "SELECT id FROM score_users WHERE email = $1";
const LIST: &str = "SELECT r.id, r.title, r.taken_at, CAST(SUM(s.scaled) AS BIGINT) AS total \
     FROM score_reports r JOIN score_sections s ON s.report_id = r.id WHERE r.user_id = $1 \
     GROUP BY r.id, r.title, r.taken_at ORDER BY r.taken_at DESC, r.id DESC LIMIT $2";
const REPORT: &str = "SELECT r.user_id, r.title, r.taken_at, u.name FROM score_reports r \
     JOIN score_users u ON u.id = r.user_id WHERE r.id = $1";
const SECTIONS: &str = "SELECT s.name, s.questions, s.correct, s.scaled, \
     (SELECT COUNT(*) FROM score_sections o WHERE o.name = s.name AND o.scaled < s.scaled) * 100 / \
     (SELECT COUNT(*) FROM score_sections o WHERE o.name = s.name) AS percentile \
     FROM score_sections s WHERE s.report_id = $1 ORDER BY s.id";

/// A user's reports; `None` if there is no such user.
pub(super) async fn list(session: &mut Session<'_>, user: i64) -> sqlx::Result<Option<ReportList>> {
    let Some(name) = name(session, user).await? else { return Ok(None) };
    let mut reports = Vec::new();
    for row in session.all(sql(LIST).bind(user).bind(REPORTS_MAX)).await? {
        reports.push(ListedReport {
            id: row.try_get("id")?,
            title: row.try_get("title")?,
            taken_at: row.try_get("taken_at")?,
            total: row.try_get("total")?,
        });
    }
    Ok(Some(ReportList { user_id: user, name, reports }))
}

/// A report with its percentiles among all who took its sections; `None` if there is none.
pub(super) async fn report(session: &mut Session<'_>, id: i64) -> sqlx::Result<Option<Report>> {
    let Some(row) = session.optional(sql(REPORT).bind(id)).await? else { return Ok(None) };
    let mut sections = Vec::new();
    for row in session.all(sql(SECTIONS).bind(id)).await? {
        sections.push(Section {
            name: row.try_get("name")?,
            questions: row.try_get("questions")?,
            correct: row.try_get("correct")?,
            scaled: row.try_get("scaled")?,
            percentile: row.try_get("percentile")?,
        });
    }
    Ok(Some(Report {
        id,
        user_id: row.try_get("user_id")?,
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        taken_at: row.try_get("taken_at")?,
        total: sections.iter().map(|section| section.scaled).sum(),
        sections,
    }))
}

/// A user's name; `None` if there is no such user.
pub(super) async fn name(session: &mut Session<'_>, user: i64) -> sqlx::Result<Option<String>> {
    session.optional(sql(USER).bind(user)).await?.map(|row| row.try_get(0)).transpose()
}

/// The number of the user with this address; `None` if there is none.
pub(super) async fn user_of(session: &mut Session<'_>, email: &str) -> sqlx::Result<Option<i64>> {
    session.optional(sql(USER_BY_EMAIL).bind(email)).await?.map(|row| row.try_get(0)).transpose()
}
