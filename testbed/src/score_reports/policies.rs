//! How the score reports' answers are cached, and the tables that each is read from.

use std::time::Duration;

use crate::policy::policies;

/// How long a printed document stays.
const DOCUMENT_TTL: Duration = Duration::from_secs(3_600);

policies! {
    /// A user's reports: the document's 300 s.
    LIST = Duration::from_secs(300), ["score_users", "score_reports", "score_sections"];
    /// A report with its percentiles: the document's 600 s. It reads everybody's sections, so anybody's
    /// new report changes it.
    DETAILS = Duration::from_secs(600), ["score_users", "score_reports", "score_sections"];
    /// A printed document: what it tells of the other students is of the day on which it was printed.
    DOCUMENT = DOCUMENT_TTL, ["score_users"];
}
