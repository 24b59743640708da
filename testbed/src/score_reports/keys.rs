//! The score reports' cache keys.
//!
//! The generator's document caches a user's reports under one constant key, `user_reports`, whoever
//! asks: the first user's reports would be everybody's. Here the key carries the user.

use hitmark_cache::Key;

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
