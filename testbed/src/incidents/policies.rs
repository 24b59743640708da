//! How the incident service's answers are cached, and the tables that each is read from.

use super::keys::{MEDIA_TTL, PRIVATE_TTL, STORE_TTL};
use crate::policy::policies;

policies! {
    STORE = STORE_TTL, ["incident_stores", "incident_users", "incidents"];
    LIST = PRIVATE_TTL, ["incidents", "incident_stores", "incident_users"];
    PERMISSIONS = PRIVATE_TTL, ["incident_users"];
    /// A photo is made of nothing but the number of its incident; the row says only that there is one.
    PHOTO = MEDIA_TTL, ["incidents"];
    REPORT = MEDIA_TTL, ["incidents", "incident_stores", "incident_users"];
}
