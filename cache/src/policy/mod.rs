//! What a caller asks of the cache for one kind of value: how long it is fresh, how long it may be
//! served stale, and what may be done meanwhile.
//!
//! A policy is a value, made once and shared; it is judged in `layer::freshness`. A policy of a TTL
//! alone serves nothing stale.

mod table;

use std::sync::Arc;
use std::time::Duration;

pub use self::table::PolicyTable;
use crate::tag::{MAX_TAGS, Tag};

/// How a value is cached.
///
/// ```
/// use std::time::Duration;
/// use hitmark_cache::{Policy, Tag};
/// let product = Policy::ttl(Duration::from_secs(60))
///     .stale_while_revalidate(Duration::from_secs(30))
///     .stale_if_error(Duration::from_secs(3600))
///     .jitter(0.1)
///     .tag(Tag::new("product").id(7));
/// assert_eq!(product.kept_for(), Duration::from_secs(3660));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) ttl: Duration,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) retry_after: Duration,
    pub(crate) eager: Option<f64>,
    pub(crate) xfetch_beta: Option<f64>,
    pub(crate) jitter: f64,
    pub(crate) soft_timeout: Option<Duration>,
    pub(crate) hard_timeout: Option<Duration>,
    pub(crate) negative_ttl: Option<Duration>,
    pub(crate) adaptive: Option<(Duration, Duration)>,
    pub(crate) joining: Joining,
    pub(crate) leasing: Leasing,
    tags: Option<Arc<[Tag]>>,
}

/// What concurrent misses of one key in this process do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Joining {
    /// One calls the origin, the others wait for it.
    Together,
    /// Each calls the origin: what a cache without protection does, to measure against.
    Alone,
}

/// What concurrent misses of one key in several processes that share a store do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leasing {
    /// Each process calls the origin and stores what it brings.
    None,
    /// The process that holds the lease calls the origin; the others look for its value until they
    /// lose patience, and then call the origin without storing.
    Shared {
        /// After how long the lease of a process that died ends.
        life: Duration,
        /// How long others look for the holder's value.
        wait: Duration,
    },
}

impl Leasing {
    /// A lease of ten seconds, as in the memcache of "Scaling Memcache at Facebook" (NSDI 2013,
    /// 3.2.1); others wait two.
    pub const SHARED: Self = Self::Shared { life: Duration::from_secs(10), wait: Duration::from_secs(2) };
}

impl Policy {
    /// Fresh for `ttl`, and nothing served after it. A `ttl` under a millisecond stores nothing.
    #[must_use]
    pub const fn ttl(ttl: Duration) -> Self {
        Self {
            ttl,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            retry_after: Duration::from_secs(1),
            eager: None,
            xfetch_beta: None,
            jitter: 0.0,
            soft_timeout: None,
            hard_timeout: None,
            negative_ttl: None,
            adaptive: None,
            joining: Joining::Together,
            leasing: Leasing::SHARED,
            tags: None,
        }
    }

    /// For so long after its freshness a value is served at once, while one background call
    /// refreshes it (RFC 5861 §3).
    #[must_use]
    pub const fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window;
        self
    }

    /// For so long after its freshness a value is served if the origin fails (RFC 5861 §4), or takes
    /// longer than the soft timeout.
    #[must_use]
    pub const fn stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// After an origin's failure the stale value is served for so long without asking again; one
    /// second unless told.
    #[must_use]
    pub const fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause;
        self
    }

    /// After this share of its freshness, 0 to 1, a value is refreshed in the background.
    #[must_use]
    pub const fn eager(mut self, share: f64) -> Self {
        self.eager = Some(share.clamp(0.0, 1.0));
        self
    }

    /// Refreshes early by chance, sooner the longer the origin takes: XFetch of Vattani, Chierichetti
    /// and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention" (VLDB 2015). 1 is the
    /// authors' choice of beta.
    #[must_use]
    pub const fn xfetch(mut self, beta: f64) -> Self {
        self.xfetch_beta = Some(beta.max(0.0));
        self
    }

    /// Each value's freshness is shortened by a random share up to this, 0 to 1, so that values
    /// stored together do not end together.
    #[must_use]
    pub const fn jitter(mut self, share: f64) -> Self {
        self.jitter = share.clamp(0.0, 1.0);
        self
    }

    /// A caller that could be served stale waits no longer than this for the origin, which goes on in
    /// the background and is stored.
    #[must_use]
    pub const fn soft_timeout(mut self, patience: Duration) -> Self {
        self.soft_timeout = Some(patience);
        self
    }

    /// An origin call that takes longer is cut off and counts as failed.
    #[must_use]
    pub const fn hard_timeout(mut self, patience: Duration) -> Self {
        self.hard_timeout = Some(patience);
        self
    }

    /// How long the origin's answer that there is no such value is remembered. Without this it is not.
    #[must_use]
    pub const fn negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = Some(ttl);
        self
    }

    /// Lets each key's TTL grow while refreshes bring the same bytes, and shrink when they bring
    /// others, within these bounds. It starts from the TTL of the policy.
    #[must_use]
    pub fn adaptive(mut self, shortest: Duration, longest: Duration) -> Self {
        self.adaptive = Some((shortest, longest.max(shortest)));
        self
    }

    /// What concurrent misses in this process do.
    #[must_use]
    pub const fn joining(mut self, joining: Joining) -> Self {
        self.joining = joining;
        self
    }

    /// What concurrent misses in several processes do.
    #[must_use]
    pub const fn leasing(mut self, leasing: Leasing) -> Self {
        self.leasing = leasing;
        self
    }

    /// One more name by which the value can be invalidated. Beyond [`MAX_TAGS`] the value is not
    /// stored at all, since it could not be invalidated by those left out.
    #[must_use]
    pub fn tag(self, tag: Tag) -> Self {
        self.tags([tag])
    }

    /// More names by which the value can be invalidated.
    #[must_use]
    pub fn tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        let mut all = self.tags.as_deref().unwrap_or_default().to_vec();
        for tag in tags {
            if !all.contains(&tag) {
                all.push(tag);
            }
        }
        self.tags = (!all.is_empty()).then(|| all.into());
        self
    }

    /// How long the store keeps a value: its freshness and the longer window after it.
    #[must_use]
    pub fn kept_for(&self) -> Duration {
        self.ttl.saturating_add(self.window())
    }

    /// The longer of the two windows after freshness.
    pub(crate) fn window(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error)
    }

    /// The tags that its values carry.
    #[must_use]
    pub fn names(&self) -> &[Tag] {
        self.tags.as_deref().unwrap_or_default()
    }

    pub(crate) fn shared_names(&self) -> Option<Arc<[Tag]>> {
        self.tags.clone()
    }

    pub(crate) fn has_too_many_tags(&self) -> bool {
        self.names().len() > MAX_TAGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_carried_once_and_too_many_are_noticed() {
        let policy = Policy::ttl(Duration::from_secs(1)).tag(Tag::new("a")).tag(Tag::new("a"));
        assert_eq!(policy.names(), [Tag::new("a")]);
        assert!(!policy.has_too_many_tags());
        assert!(policy.tags((0..MAX_TAGS).map(|id| Tag::new("b").id(id))).has_too_many_tags());
    }

    #[test]
    fn shares_stay_between_nothing_and_all() {
        let policy = Policy::ttl(Duration::from_secs(1)).eager(7.0).jitter(-1.0);
        assert_eq!((policy.eager, policy.jitter), (Some(1.0), 0.0));
    }
}
