//! The incident service's cache keys and lifetimes.
//!
//! A list says what its reader may change, so its key carries the user: the service's document puts
//! `public` on it, and would have shown one user's list to another. Its keys of function name and
//! Python's `hash` differ from process to process; these do not.

use std::time::Duration;

use hitmark_cache::{Invalidation, Key, Pattern};

use super::handlers::ListParameters;
use crate::media::photo::{PhotoFormat, PhotoSize};

/// A list, and a user's permissions: a revoked permission is served for so long at most.
pub(super) const PRIVATE_TTL: Duration = Duration::from_secs(300);
/// What is known of a store.
pub(super) const STORE_TTL: Duration = Duration::from_secs(600);
/// Photos and printed reports.
pub(super) const MEDIA_TTL: Duration = Duration::from_secs(3_600);

/// `incidents:store:3:user:12:page:1`
pub(super) fn incidents(list: &ListParameters) -> Key {
    Key::new("incidents").and("store", list.store).and("user", list.user).and("page", list.page)
}

/// What a new incident makes untrue: its store's figures, every page of its list of every reader, and
/// that there was nothing under its number. Lists of other stores stay.
pub(super) fn made_untrue_by(store_id: i64, incident: i64) -> [Invalidation; 7] {
    [
        Invalidation::Key(store(store_id)),
        Invalidation::Pattern(incidents_of_store(store_id)),
        Invalidation::Key(photo(incident, PhotoFormat::Jpeg, PhotoSize::Main)),
        Invalidation::Key(photo(incident, PhotoFormat::Webp, PhotoSize::Main)),
        Invalidation::Key(photo(incident, PhotoFormat::Jpeg, PhotoSize::Thumbnail)),
        Invalidation::Key(photo(incident, PhotoFormat::Webp, PhotoSize::Thumbnail)),
        Invalidation::Key(report(incident)),
    ]
}

/// Every page of a store's list, of every reader.
fn incidents_of_store(store: i64) -> Pattern {
    Pattern::under(&Key::new("incidents").and("store", store))
}

/// `incident-store:3`
pub(super) fn store(id: i64) -> Key {
    Key::new("incident-store").id(id)
}

/// `permissions:user:12`
pub(super) fn permissions(user: i64) -> Key {
    Key::new("permissions").and("user", user)
}

/// `incident-photo:7:webp`, `incident-photo:7:webp:thumbnail`
pub(super) fn photo(incident: i64, format: PhotoFormat, size: PhotoSize) -> Key {
    let key = Key::new("incident-photo").id(incident).id(format.as_str());
    match size {
        PhotoSize::Main => key,
        PhotoSize::Thumbnail => key.id("thumbnail"),
    }
}

/// `pdf:7`
pub(super) fn report(incident: i64) -> Key {
    Key::new("pdf").id(incident)
}
