//! Taking out cached answers by hand, with an audit line: a family is the pattern of its keys. What follows
//! from a change of rows is `changes`.

use hitmark_cache::{CacheError, Pattern};

use crate::app::App;

/// Removes what a pattern names, and writes an audit line. A pattern that names nothing is told
/// apart: the seeds have two that never match.
///
/// # Errors
/// If the cache could not be asked.
pub(crate) async fn invalidate(app: &App, pattern: &Pattern, reason: &str) -> Result<u64, CacheError> {
    let cleared = app.cache.delete_pattern(pattern).await;
    match &cleared {
        Ok(0) => {
            tracing::warn!(target: "audit", %pattern, reason, cleared = 0, "invalidation matched nothing");
        }
        Ok(cleared) => tracing::info!(target: "audit", %pattern, reason, cleared, "invalidated"),
        Err(error) => tracing::error!(target: "audit", %pattern, reason, %error, "invalidation failed"),
    }
    cleared
}

/// Removes every entry of this cache, and nothing else that its server holds; how many there were.
///
/// # Errors
/// If the cache could not be asked.
pub(crate) async fn invalidate_all(app: &App, reason: &str) -> Result<u64, CacheError> {
    // `*` names every key of this cache, and is counted, which `clear` is not.
    match "*".parse::<Pattern>() {
        Ok(everything) => invalidate(app, &everything, reason).await,
        Err(_) => Ok(0),
    }
}

/// The pattern of a family: every key that begins with `prefix:`.
pub(crate) fn family(prefix: &str) -> Pattern {
    Pattern::under(&hitmark_cache::Key::new(prefix))
}
