//! How long a backend keeps an entry: beyond its lifetime, as long as it can be of use.

use std::time::{Duration, SystemTime};

use super::config::ResponseCacheConfig;
use super::entry::Entry;
use super::validation;

/// The time from `now` after which the entry can serve nothing any more.
pub(super) fn kept_for(entry: &Entry, now: SystemTime, config: &ResponseCacheConfig) -> Duration {
    let reading = entry.read(now);
    let says = &reading.effective.directives;
    let keep = if validation::has_validator(&entry.headers) {
        config.keep_for_validation
    } else {
        config.keep_stale
    };
    let stale = says.stale_while_revalidate.max(says.stale_if_error).unwrap_or_default();
    let fresh = reading.lifetime.saturating_sub(reading.age);
    // A second more: ages are told in whole seconds, so that the last one must still be there.
    fresh + keep.max(stale).max(config.stale_if_error) + Duration::from_secs(1)
}
