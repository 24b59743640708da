//! How a layer is set up, beside its backend.

use hitmark_schema::curve::SamplerConfig;

use crate::breaker::BreakerConfig;
use crate::cascade::Cascades;
use crate::random::Randomness;

/// Settings of a layer that no backend needs to know.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LayerOptions {
    /// When a cache server is left alone, in a Cluster each shard by itself. A backend in this process
    /// has no breaker.
    pub breaker: BreakerConfig,
    /// Which invalidations follow from which.
    pub cascades: Cascades,
    /// The most refreshes in the background at a time. Beyond it, stale values are served without.
    pub background_max: usize,
    /// The most invalidations that wait for a server, or for each shard of a Cluster; beyond it they become one for everything.
    pub pending_max: usize,
    /// Chance for jitter and early refresh.
    pub random: Randomness,
    /// What the sample of the live miss-ratio curve may cost; without it, there is no curve.
    pub curve: Option<SamplerConfig>,
}

impl Default for LayerOptions {
    /// The breaker's defaults, no cascades, 64 refreshes, 10,000 waiting invalidations, no curve.
    fn default() -> Self {
        Self {
            breaker: BreakerConfig::default(),
            cascades: Cascades::new(),
            background_max: 64,
            pending_max: 10_000,
            random: Randomness::default(),
            curve: None,
        }
    }
}
