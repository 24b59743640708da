//! How long after a purge the first fresh answer comes.
//!
//! An edge that confirms an invalidation may still answer with what it had: for a moment, or for minutes
//! where one call tells a whole network. So the path is asked for before, invalidated, and asked for again
//! until an answer is seen to be newer than the invalidation. Each answer says itself that it is:
//! by the edge's own word, by another body or `ETag`, or by an `Age` that began anew.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hitmark_schema::Outcome;
use http::header::{AGE, ETAG, HOST};
use http::{HeaderMap, HeaderValue};
use object_store::client::HttpRequestBody;
use serde::{Serialize, Serializer};
use url::Url;

use super::config::{CdnConfig, Provider};
use super::error::CdnError;
use super::http::{Answer, Client};
use super::invalidation::{Invalidated, Invalidation, edges, host, invalidate, paths};
use super::trial::outcome;
use crate::assets::AssetSet;

/// The pause between two questions: it bounds how finely the time is known.
const PAUSE: Duration = Duration::from_millis(5);

/// What came of one target at one edge, and when it was fresh there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// The URL that was asked.
    pub edge: String,
    /// The path there.
    pub path: String,
    /// What came of the invalidation.
    pub outcome: Invalidation,
    /// Whether the edge had an answer of its own before, so that there was something to forget.
    pub was_kept: bool,
    /// From the sending of the invalidation to the last byte of the first fresh answer; none if none came
    /// in time.
    #[serde(rename = "fresh_after_ns", serialize_with = "nanoseconds")]
    pub fresh_after: Option<Duration>,
    /// By what the answer was seen to be fresh.
    pub seen_by: Option<Sign>,
    /// Answers in between that were still the old ones.
    pub stale_answers: u32,
}

/// By what an answer is seen to be newer than an invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// The edge says that it asked the origin.
    Outcome,
    /// The body or its `ETag` is another.
    Content,
    /// Its `Age` (RFC 9111 §5.1) is less than that of the answer before.
    Age,
}

impl Sign {
    /// The words for a person.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outcome => "the edge says that it asked the origin",
            Self::Content => "the content is another",
            Self::Age => "its age began anew",
        }
    }
}

/// What is known of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    status: u16,
    outcome: Outcome,
    etag: Option<HeaderValue>,
    age_s: Option<u64>,
    body: Bytes,
}

/// Invalidates each target in turn, and asks for it until it is fresh, for at most `within` each.
///
/// # Errors
/// If a target is no path, no edge is named, or an edge cannot be asked before the invalidation. One that
/// fails afterwards is told in its result.
pub async fn measure(
    config: &CdnConfig,
    assets: &AssetSet,
    targets: &[String],
    within: Duration,
) -> Result<Vec<Freshness>, CdnError> {
    let paths = paths(config, assets, targets)?;
    let asked = match (config.provider, &config.base_url) {
        (Provider::CloudFront, Some(base)) => vec![base.clone()],
        (Provider::CloudFront, None) => {
            return Err(CdnError::config("CloudFront is asked at its base URL: give --cdn-base-url"));
        }
        _ => edges(config)?,
    };
    let (client, host) = (Client::new()?, host(config));
    let mut measured = Vec::new();
    for (target, path) in targets.iter().zip(&paths) {
        let mut before = Vec::new();
        for edge in &asked {
            // The second answer is what the edge keeps, if it keeps any.
            look(&client, edge, path, host.as_ref()).await?;
            before.push(look(&client, edge, path, host.as_ref()).await?);
        }
        let sent = Instant::now();
        let told = invalidate(config, assets, std::slice::from_ref(target)).await?;
        let waits = asked.iter().zip(&before).map(|(edge, before)| {
            let told = outcome_at(&told, edge);
            wait(&client, Place { edge, path, host: host.as_ref() }, before, told, sent, within)
        });
        measured.extend(futures::future::join_all(waits).await);
    }
    Ok(measured)
}

/// Where is asked for what.
struct Place<'a> {
    edge: &'a Url,
    path: &'a str,
    host: Option<&'a HeaderValue>,
}

async fn wait(
    client: &Client,
    place: Place<'_>,
    before: &Seen,
    outcome: Invalidation,
    sent: Instant,
    within: Duration,
) -> Freshness {
    let Place { edge, path, host } = place;
    let mut found = Freshness {
        edge: edge.as_str().trim_end_matches('/').to_owned(),
        path: path.to_owned(),
        was_kept: before.is_kept(),
        fresh_after: None,
        seen_by: None,
        stale_answers: 0,
        outcome,
    };
    if matches!(found.outcome, Invalidation::Failed(_)) {
        return found;
    }
    while sent.elapsed() < within {
        if let Ok(now) = look(client, edge, path, host).await {
            if let Some(sign) = now.is_fresh_after(before) {
                (found.fresh_after, found.seen_by) = (Some(sent.elapsed()), Some(sign));
                break;
            }
            found.stale_answers += u32::from(now.status == before.status);
        }
        tokio::time::sleep(PAUSE).await;
    }
    found
}

/// What the invalidation said of an edge; a network answers for all of its edges at once.
fn outcome_at(told: &[Invalidated], edge: &Url) -> Invalidation {
    let edge = edge.as_str().trim_end_matches('/');
    let found = told.iter().find(|one| one.edge == edge).or_else(|| told.first());
    found.map_or_else(|| Invalidation::Failed("nothing was told".to_owned()), |one| one.outcome.clone())
}

async fn look(client: &Client, edge: &Url, path: &str, host: Option<&HeaderValue>) -> Result<Seen, CdnError> {
    let url = format!("{}{path}", edge.as_str().trim_end_matches('/'));
    let mut request = http::Request::builder().uri(&url);
    if let Some(host) = host {
        request = request.header(HOST, host);
    }
    let request = request.body(HttpRequestBody::empty());
    let request = request.map_err(|error| CdnError::Edge { url, reason: error.to_string() })?;
    Ok(Seen::of(client.send(request).await?))
}

impl Seen {
    fn of(answer: Answer) -> Self {
        let age = |headers: &HeaderMap| headers.get(AGE)?.to_str().ok()?.trim().parse().ok();
        Self {
            status: answer.status.as_u16(),
            outcome: outcome(&answer.headers).0,
            etag: answer.headers.get(ETAG).cloned(),
            age_s: age(&answer.headers),
            body: answer.body,
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self.outcome, Outcome::Hit | Outcome::Stale)
    }

    /// By what this answer is newer than the one before, if it is.
    fn is_fresh_after(&self, before: &Self) -> Option<Sign> {
        if self.status >= 500 {
            return None;
        }
        if matches!(self.outcome, Outcome::Miss | Outcome::Revalidated | Outcome::Bypass) {
            return Some(Sign::Outcome);
        }
        if self.etag != before.etag || self.body != before.body {
            return Some(Sign::Content);
        }
        let began_anew = self.age_s.zip(before.age_s).is_some_and(|(now, then)| now < then);
        began_anew.then_some(Sign::Age)
    }
}

#[expect(clippy::ref_option, reason = "serde hands out a reference to the field")]
fn nanoseconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_fresh_by_its_own_word_its_content_or_its_age() {
        let kept = Seen {
            status: 200,
            outcome: Outcome::Hit,
            etag: Some(HeaderValue::from_static("\"a\"")),
            age_s: Some(7),
            body: Bytes::from_static(b"old"),
        };
        let other = |change: fn(&mut Seen)| {
            let mut seen = kept.clone();
            change(&mut seen);
            seen.is_fresh_after(&kept)
        };
        assert_eq!(other(|_| {}), None);
        assert_eq!(other(|seen| seen.age_s = Some(8)), None, "it only grew older");
        assert_eq!(other(|seen| seen.outcome = Outcome::Stale), None);
        assert_eq!(other(|seen| seen.outcome = Outcome::Miss), Some(Sign::Outcome));
        assert_eq!(other(|seen| seen.body = Bytes::from_static(b"new")), Some(Sign::Content));
        assert_eq!(other(|seen| seen.etag = None), Some(Sign::Content));
        assert_eq!(other(|seen| seen.age_s = Some(0)), Some(Sign::Age));
        assert_eq!(other(|seen| seen.age_s = None), None, "silence is no sign");
        let failing = |seen: &mut Seen| (seen.status, seen.outcome) = (503, Outcome::Miss);
        assert_eq!(other(failing), None, "an error is not fresh");
    }
}
