//! Trying an edge: one asset is asked for twice, and the answers are judged by what the edge says of
//! them and by what they hold.
//!
//! This is a trial of a configuration and no measurement: two requests have no interval. The
//! experiment that compares edge and origin is a plan in `loadtests/plans/`.

use std::time::Duration;

use hitmark_schema::Outcome;
use hitmark_schema::cache_status::CacheStatus;
use http::HeaderMap;
use http::header::AGE;
use object_store::client::HttpRequestBody;

use super::config::CdnConfig;
use super::error::CdnError;
use super::http::{Answer, Client};
use crate::assets::{Asset, AssetSet, FOLDER};

/// Two requests for one asset.
#[derive(Debug, Clone)]
pub struct Trial {
    /// What was asked for.
    pub url: String,
    /// The first answer.
    pub first: Probe,
    /// The second.
    pub second: Probe,
    /// Bytes that the origin did not have to send.
    pub saved_bytes: u64,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The status code.
    pub status: u16,
    /// What the edge made of the request, as it says.
    pub outcome: Outcome,
    /// From the request, with its new connection, to the head of the answer.
    pub first_byte: Duration,
    /// Bytes of the body.
    pub bytes: u64,
    /// Whether the body is the asset.
    pub is_right: bool,
    /// The header by which the outcome was told.
    pub said: Option<String>,
}

/// What a trial shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The second answer came from the edge.
    Hit,
    /// The edge asked the origin again.
    Miss,
    /// The edge does not say.
    Unknown,
    /// An answer was an error, or not the asset.
    Wrong,
}

impl Trial {
    /// What the trial shows.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        if [&self.first, &self.second].iter().any(|probe| probe.status != 200 || !probe.is_right) {
            return Judgement::Wrong;
        }
        match self.second.outcome {
            Outcome::Hit | Outcome::Stale => Judgement::Hit,
            Outcome::Unknown => Judgement::Unknown,
            _ => Judgement::Miss,
        }
    }
}

/// Asks for an asset twice through the base URL: the named one, or else the largest.
///
/// # Errors
/// If there is no base URL or no such asset, or the edge cannot be reached.
pub async fn trial(config: &CdnConfig, assets: &AssetSet, name: Option<&str>) -> Result<Trial, CdnError> {
    let Some(base) = &config.base_url else {
        return Err(CdnError::config("there is no base_url to ask: give --cdn-base-url (CDN_BASE_URL)"));
    };
    let asset = match name {
        Some(name) => assets.find(name.trim_start_matches('/')),
        None => assets.iter().max_by_key(|asset| asset.body.len()),
    };
    let Some(asset) = asset else {
        let names: Vec<&str> = assets.iter().map(|asset| asset.name.as_str()).take(20).collect();
        return Err(CdnError::config(format!("there is no such asset; there are: {}", names.join(", "))));
    };
    let name = if config.auto_version { &asset.versioned } else { &asset.name };
    let url = format!("{}/{FOLDER}/{name}", base.as_str().trim_end_matches('/'));
    let client = Client::new()?;
    let first = ask(&client, &url, asset).await?;
    let second = ask(&client, &url, asset).await?;
    let is_hit = |probe: &&Probe| matches!(probe.outcome, Outcome::Hit | Outcome::Stale);
    let saved_bytes = [&first, &second].into_iter().filter(is_hit).map(|probe| probe.bytes).sum();
    Ok(Trial { url, first, second, saved_bytes })
}

async fn ask(client: &Client, url: &str, asset: &Asset) -> Result<Probe, CdnError> {
    let request = http::Request::builder().uri(url).body(HttpRequestBody::empty());
    let request =
        request.map_err(|error| CdnError::Edge { url: url.to_owned(), reason: error.to_string() })?;
    Ok(probe(&client.send(request).await?, asset))
}

fn probe(answer: &Answer, asset: &Asset) -> Probe {
    let (outcome, said) = outcome(&answer.headers);
    Probe {
        status: answer.status.as_u16(),
        outcome,
        first_byte: answer.first_byte,
        bytes: answer.body.len() as u64,
        is_right: answer.body == asset.body,
        said,
    }
}

/// What the edge says: by `Cache-Status` (RFC 9211), or else by the `X-Cache` of CloudFront and
/// others, or else by an `Age` above nothing, which only a stored answer has (RFC 9111 §5.1).
pub(super) fn outcome(headers: &HeaderMap) -> (Outcome, Option<String>) {
    let text = |name: &str| {
        let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    };
    if let Some(said) = text("cache-status") {
        let outcome = CacheStatus::parse(&said).map_or(Outcome::Unknown, |status| status.outcome());
        return (outcome, Some(format!("Cache-Status: {said}")));
    }
    if let Some(said) = text("x-cache") {
        let word = said.to_ascii_lowercase();
        let outcome = match word {
            word if word.starts_with("refreshhit") => Outcome::Revalidated,
            word if word.starts_with("hit") => Outcome::Hit,
            word if word.starts_with("miss") => Outcome::Miss,
            _ => Outcome::Unknown,
        };
        return (outcome, Some(format!("X-Cache: {said}")));
    }
    match text(AGE.as_str()) {
        Some(age) if age.parse::<u64>().is_ok_and(|age| age > 0) => {
            (Outcome::Hit, Some(format!("Age: {age}")))
        }
        _ => (Outcome::Unknown, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[test]
    fn the_edge_closest_to_us_is_believed_and_silence_is_unknown() {
        for (lines, expected) in [
            (&["cache-status: origin; fwd=miss, edge; hit; ttl=9"][..], Outcome::Hit),
            (&["cache-status: origin; hit", "cache-status: edge; fwd=uri-miss; stored"], Outcome::Miss),
            (&["cache-status: edge; hit; ttl=-3"], Outcome::Stale),
            (&["x-cache: Hit from cloudfront"], Outcome::Hit),
            (&["x-cache: RefreshHit from cloudfront"], Outcome::Revalidated),
            (&["x-cache: Miss from cloudfront", "age: 7"], Outcome::Miss),
            (&["age: 7"], Outcome::Hit),
            (&["age: 0"], Outcome::Unknown),
            (&[], Outcome::Unknown),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                let (name, value) = line.split_once(": ").expect("a line");
                let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
                headers.append(name, HeaderValue::from_static(value));
            }
            assert_eq!(outcome(&headers).0, expected, "{lines:?}");
        }
    }

    #[test]
    fn a_wrong_body_is_worse_than_a_miss() {
        let probe = |outcome, is_right| Probe {
            status: 200,
            outcome,
            first_byte: Duration::ZERO,
            bytes: 1,
            is_right,
            said: None,
        };
        for (first, second, expected) in [
            (probe(Outcome::Miss, true), probe(Outcome::Hit, true), Judgement::Hit),
            (probe(Outcome::Miss, true), probe(Outcome::Miss, true), Judgement::Miss),
            (probe(Outcome::Miss, true), probe(Outcome::Unknown, true), Judgement::Unknown),
            (probe(Outcome::Miss, false), probe(Outcome::Hit, true), Judgement::Wrong),
            (probe(Outcome::Hit, true), Probe { status: 404, ..probe(Outcome::Hit, true) }, Judgement::Wrong),
        ] {
            let trial = Trial { url: String::new(), first, second, saved_bytes: 0 };
            assert_eq!(trial.judgement(), expected);
        }
    }
}
