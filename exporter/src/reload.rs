//! The configuration in force, and its replacement while requests run.
//!
//! A request takes the scraper that is in force when it begins and keeps it to its end. A reload
//! reads everything anew and changes nothing unless all of it is right; targets that are the same
//! before and after keep their connections and counters.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::Semaphore;

use crate::compression::Gzip;
use crate::config::{ConfigError, ExporterConfig, Lifecycle, Mistake};
use crate::exporter::Scraper;
use crate::exposition::SelfMetrics;
use crate::web::Web;

/// Most pages that are made at once; further requests are refused, not queued.
const PAGES_MAX: usize = 32;
/// Most probes under way at once: each waits for one target, and many may be black holes.
const PROBES_MAX: usize = 1_024;

/// Reads the configuration anew.
pub(crate) type Source = Box<dyn Fn() -> Result<ExporterConfig, ConfigError> + Send + Sync>;

/// What every request shares.
pub(crate) struct Current {
    in_force: RwLock<InForce>,
    source: Option<Source>,
    lifecycle: Lifecycle,
    /// Held for a whole reload: two at once would race for the last word.
    reloading: Mutex<()>,
    pub(crate) about: SelfMetrics,
    pub(crate) gzip: Gzip,
    pub(crate) permits: Semaphore,
    pub(crate) probe_permits: Semaphore,
}

/// What a reload replaces.
#[derive(Clone)]
struct InForce {
    scraper: Arc<Scraper>,
    web: Arc<Web>,
}

impl Current {
    /// Checks the configuration and puts it into force.
    pub(crate) fn new(
        config: ExporterConfig,
        source: Option<Source>,
        about: SelfMetrics,
    ) -> Result<Self, ConfigError> {
        let lifecycle = config.lifecycle;
        let in_force = RwLock::new(InForce::new(config, None)?);
        about.tell_reload(true);
        Ok(Self {
            in_force,
            source,
            lifecycle,
            reloading: Mutex::new(()),
            about,
            gzip: Gzip::default(),
            permits: Semaphore::new(PAGES_MAX),
            probe_permits: Semaphore::new(PROBES_MAX),
        })
    }

    pub(crate) fn scraper(&self) -> Arc<Scraper> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner).scraper)
    }

    pub(crate) fn web(&self) -> Arc<Web> {
        Arc::clone(&self.in_force.read().unwrap_or_else(PoisonError::into_inner).web)
    }

    /// Whether `POST /-/reload` is obeyed.
    pub(crate) fn lifecycle(&self) -> Lifecycle {
        self.lifecycle
    }

    /// Reads the configuration anew and puts it into force, or keeps the old one.
    ///
    /// # Errors
    /// Every mistake of the new configuration.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        let _alone = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.scraper();
        let read = match &self.source {
            Some(source) => source(),
            None => Ok(old.config().clone()),
        };
        let result = read.and_then(|config| InForce::new(config, Some(&old)));
        self.about.tell_reload(result.is_ok());
        match result {
            Ok(new) => {
                if new.scraper.config().listen != old.config().listen {
                    tracing::warn!("the address to listen on changes only with a restart");
                }
                *self.in_force.write().unwrap_or_else(PoisonError::into_inner) = new;
                tracing::info!("the configuration was reloaded");
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the configuration was not reloaded; the old one stays in force");
                Err(error)
            }
        }
    }
}

/// Everything that is wrong with a configuration, the files that it names among it.
pub(crate) fn check(config: ExporterConfig) -> Result<(), ConfigError> {
    InForce::new(config, None).map(drop)
}

impl InForce {
    /// Makes all of it, or says every mistake.
    fn new(config: ExporterConfig, old: Option<&Scraper>) -> Result<Self, ConfigError> {
        let web = Web::read(config.web_config.as_deref());
        let place = config.web_config.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let in_file = |texts: Vec<String>| -> Vec<Mistake> {
            texts.into_iter().map(|text| Mistake::new(&*place, text)).collect()
        };
        match (Scraper::new(config, old), web) {
            (Ok(scraper), Ok(web)) => Ok(Self { scraper: Arc::new(scraper), web: Arc::new(web) }),
            (Ok(_), Err(texts)) => Err(ConfigError { mistakes: in_file(texts) }),
            (Err(error), Ok(_)) => Err(error),
            (Err(mut error), Err(texts)) => {
                error.mistakes.extend(in_file(texts));
                Err(error)
            }
        }
    }
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Current").field("lifecycle", &self.lifecycle).finish_non_exhaustive()
    }
}
