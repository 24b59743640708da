//! The printed form of a report.

use bytes::Bytes;
use hitmark_cache::CacheLayer;

use super::model::Report;
use super::{keys, queries};
use crate::answer::Failure;
use crate::database::Database;
use crate::media::{MediaError, occupied, pdf};
use crate::telemetry::RouteStats;

/// What every document explains, so that it has the length of a real one.
const NOTES: [&str; 6] = [
    "A scaled score goes from 200 to 800 and is comparable between tests of different dates.",
    "A percentile of 60 says that 60 of a hundred students who took this section scored lower.",
    "The total is the sum of the sections. It is not comparable with tests that have other sections.",
    "Scores of a practice test foretell those of a real one within about 40 points for each section.",
    "Questions that were left out count as wrong; a guess therefore costs nothing.",
    "Who doubts a score may ask for a second reading within ninety days.",
];

/// Lays out a report. Occupies a core for some milliseconds.
pub(super) fn printed(report: &Report) -> Result<Bytes, MediaError> {
    let mut paragraphs = vec![format!("{}, test {}, total {}.", report.name, report.title, report.total)];
    paragraphs.extend(report.sections.iter().map(|section| {
        format!(
            "{}: {} of {} right, scaled score {}, percentile {}.",
            section.name, section.correct, section.questions, section.scaled, section.percentile
        )
    }));
    paragraphs.extend(NOTES.map(str::to_owned));
    pdf::document(&format!("Score report {}", report.id), &paragraphs)
}

/// Prints a report's document and puts it into the cache; how many bytes it has. None if there is no
/// such report.
pub(crate) async fn print_document(
    database: &Database,
    stats: &RouteStats,
    cache: &CacheLayer,
    report: i64,
) -> Result<Option<usize>, Failure> {
    let found = queries::report(&mut database.session(stats).await?, report).await?;
    let Some(found) = found else { return Ok(None) };
    let document = occupied(move || printed(&found)).await?;
    let bytes = document.len();
    // A cache that cannot be asked prints again at the first request.
    let _ = cache.put(&keys::document(report), document, &keys::DOCUMENT).await;
    Ok(Some(bytes))
}
