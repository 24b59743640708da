//! The score reports' cache keys, and the policies of their answers.
//!
//! The generator's document caches a user's reports under one constant key, `user_reports`, whoever
//! asks: the first user's reports would be everybody's. Here the key carries the user.

use std::sync::LazyLock;
use std::time::Duration;

use hitmark_cache::{Key, Policy, table_tag};

/// The tables that a list of reports and a report read.
pub(crate) const TABLES: [&str; 2] = ["score_reports", "score_sections"];

/// How long a printed document stays.
pub(super) const DOCUMENT_TTL: Duration = Duration::from_secs(3_600);

/// A user's reports: the document's 300 s.
pub(super) const LIST_TTL: Duration = Duration::from_secs(300);
/// A report: the document's 600 s.
pub(super) const DETAILS_TTL: Duration = Duration::from_secs(600);

/// How a user's reports are cached.
pub(super) static LIST: LazyLock<Policy> = LazyLock::new(|| reads(LIST_TTL));

/// How a report with its percentiles is cached. It reads everybody's sections, so anybody's new
/// report changes it.
pub(super) static DETAILS: LazyLock<Policy> = LazyLock::new(|| reads(DETAILS_TTL));

/// How a printed document is cached: what it tells does not change.
pub(super) static DOCUMENT: LazyLock<Policy> = LazyLock::new(|| Policy::ttl(DOCUMENT_TTL));

fn reads(ttl: Duration) -> Policy {
    Policy::ttl(ttl).tags(TABLES.map(table_tag))
}

/// `score:user:7:reports`
pub(super) fn reports_of(user: i64) -> Key {
    Key::new("score").and("user", user).id("reports")
}

/// `score:report:7`
pub(super) fn report(id: i64) -> Key {
    Key::new("score").and("report", id)
}

/// `score:document:7`
pub(super) fn document(report: i64) -> Key {
    Key::new("score").and("document", report)
}
