//! What the incident service answers, and what it takes.

use serde::{Deserialize, Serialize};

/// One page of a store's newest incidents, as one user may see them.
#[derive(Debug, Serialize)]
pub(super) struct IncidentPage {
    pub(super) page: u32,
    pub(super) total_incidents: i64,
    pub(super) incidents: Vec<ListedIncident>,
}

/// An incident in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedIncident {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) severity: i64,
    pub(super) status: String,
    pub(super) created_at: i64,
    pub(super) store: String,
    pub(super) reporter: Reporter,
    /// Whether the reader may change it: its own reporter may, and the managers of its store.
    pub(super) can_edit: bool,
}

/// Who reported an incident.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Reporter {
    pub(super) id: i64,
    pub(super) username: String,
    pub(super) role: String,
}

/// What is known of a store.
#[derive(Debug, Serialize)]
pub(super) struct StoreInfo {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) region: String,
    pub(super) opened_at: i64,
    pub(super) staff: i64,
    pub(super) incidents: i64,
    pub(super) open_incidents: i64,
    pub(super) by_severity: Vec<SeverityCount>,
    pub(super) last_incident_at: Option<i64>,
}

/// How many incidents of one severity.
#[derive(Debug, Serialize)]
pub(super) struct SeverityCount {
    pub(super) severity: i64,
    pub(super) incidents: i64,
}

/// One incident, for its report.
#[derive(Debug)]
pub(super) struct Incident {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) severity: i64,
    pub(super) status: String,
    pub(super) store: String,
    pub(super) reporter: String,
    pub(super) details: String,
    pub(super) created_at: i64,
}

/// A new incident, as a client sends it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewIncident {
    pub(super) store_id: i64,
    pub(super) user_id: i64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) details: String,
}

/// When the work that follows from a new incident is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Processing {
    /// Before the answer.
    Inline,
    /// Later, by a worker.
    Queued,
}

/// What became of a new incident.
#[derive(Debug, Serialize)]
pub(super) struct Created {
    pub(super) id: i64,
    /// Cached answers that were removed, since they no longer hold.
    pub(super) invalidated: u64,
    /// Whether the cache could be asked for all of them.
    pub(super) cache_is_fresh: bool,
    /// Bytes of the printed report, if it was printed before the answer.
    pub(super) report_bytes: Option<usize>,
    /// The numbers of the tasks that were left for later.
    pub(super) tasks: Vec<String>,
}

/// What a user may do, by role. A guest may do nothing: an empty list, which is an answer like any
/// other and is cached as one.
pub(super) const fn permissions(role: &str) -> &'static [&'static str] {
    match role.as_bytes() {
        b"manager" => &["read", "report", "edit_any", "close", "print"],
        b"staff" => &["read", "report", "edit_own", "print"],
        b"auditor" => &["read", "print"],
        _ => &[],
    }
}

/// The roles, from the most to the least common.
pub(super) const ROLES: [&str; 4] = ["staff", "manager", "auditor", "guest"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_but_the_guest_may_read_and_an_unknown_one_may_nothing() {
        for role in ROLES {
            assert_eq!(permissions(role).contains(&"read"), role != "guest", "{role}");
        }
        assert!(permissions("Manager").is_empty());
    }
}
