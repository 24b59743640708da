//! The exporter: its targets, its page, its HTTP server.
//!
//! It decides who waits how long; what is asked and how a page is written is elsewhere.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::future::join_all;
use hitmark_schema::exposition::Format;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::collectors::{Part, Target};
use crate::config::{ConfigError, ExporterConfig, Mistake, Recipe};
use crate::exposition::SelfMetrics;
use crate::http;
use crate::probe::Probes;
use crate::reload::{Current, Source};
use crate::web::WebListener;

/// How long answers under way may take after the shutdown, beyond the scrape's own deadline.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// A running exporter. It connects to its targets when it is scraped, not before.
#[derive(Debug)]
pub struct Exporter {
    listener: TcpListener,
    addr: SocketAddr,
    current: Arc<Current>,
}

/// What one configuration asks.
#[derive(Debug)]
pub(crate) struct Scraper {
    config: ExporterConfig,
    targets: Vec<(Recipe, Arc<Target>)>,
    pub(crate) probes: Probes,
}

/// Why an exporter could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}; choose another address or stop what uses it")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The exporter's own metrics could not be registered.
    #[error("cannot register the exporter's own metrics: {0}")]
    Register(String),
    /// The server broke while it served.
    #[error("the server broke")]
    Serve(#[source] std::io::Error),
}

/// Reloads a running exporter.
#[derive(Debug, Clone)]
pub struct Reloader(Arc<Current>);

impl Reloader {
    /// As [`Exporter::reload`]. It reads files, so it belongs on a thread that may block.
    ///
    /// # Errors
    /// Every mistake of the new configuration, which is then not in force.
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.0.reload()
    }
}

impl Exporter {
    /// Checks the configuration and takes the address. A reload reads the files that it names anew.
    ///
    /// # Errors
    /// [`ExporterError`]: every mistake of the configuration, or the address that is taken.
    pub async fn bind(config: ExporterConfig) -> Result<Self, ExporterError> {
        Self::bind_from(config, None).await
    }

    /// The same; `source` gives the configuration that [`Self::reload`] puts into force.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub async fn bind_with_source(
        config: ExporterConfig,
        source: impl Fn() -> Result<ExporterConfig, ConfigError> + Send + Sync + 'static,
    ) -> Result<Self, ExporterError> {
        Self::bind_from(config, Some(Box::new(source))).await
    }

    async fn bind_from(config: ExporterConfig, source: Option<Source>) -> Result<Self, ExporterError> {
        let about = SelfMetrics::new().map_err(ExporterError::Register)?;
        let asked = config.listen;
        let current = Arc::new(Current::new(config, source, about)?);
        let wrong = |source| ExporterError::Bind { addr: asked, source };
        let listener = TcpListener::bind(asked).await.map_err(wrong)?;
        let addr = listener.local_addr().map_err(wrong)?;
        Ok(Self { listener, addr, current })
    }

    /// Reads the configuration anew; a wrong one changes nothing.
    ///
    /// # Errors
    /// Every mistake of the new configuration.
    pub fn reload(&self) -> Result<(), ConfigError> {
        self.current.reload()
    }

    /// What reloads this exporter from elsewhere, such as a signal's task.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.current))
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of the landing page, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.current.web().tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.addr)
    }

    /// The routes: `/metrics`, `/healthz`, `/`. For those who serve them on a listener of their own.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.current))
    }

    /// Asks every target and writes the page, as `GET /metrics` does.
    pub async fn scrape(&self) -> String {
        let scraper = self.current.scraper();
        let parts = scraper.scrape(scraper.timeout()).await;
        self.current.about.page(&parts, Format::Text)
    }

    /// Serves until `shutdown` is ready, then lets the answers under way end.
    ///
    /// # Errors
    /// [`ExporterError::Serve`] if the listener breaks.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ExporterError> {
        let router = self.router();
        let current = Arc::clone(&self.current);
        let (asked, told) = oneshot::channel();
        let stop = async move {
            shutdown.await;
            let _ = asked.send(());
        };
        let listener = WebListener::new(self.listener, self.current);
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop).into_future();
        // A client that never reads its answer must not hold the process for ever.
        let too_long = async {
            let _ = told.await;
            tokio::time::sleep(current.scraper().timeout() + DRAIN_GRACE).await;
        };
        tokio::select! {
            served = serving => served.map_err(ExporterError::Serve),
            () = too_long => Ok(()),
        }
    }
}

impl Scraper {
    /// Makes the targets; those that `old` has already are taken over.
    pub(crate) fn new(config: ExporterConfig, old: Option<&Self>) -> Result<Self, ConfigError> {
        let mut targets = config.build()?;
        for (recipe, target) in &mut targets {
            let same = old.and_then(|old| old.targets.iter().find(|(known, _)| known == recipe));
            if let Some((_, same)) = same {
                *target = Arc::clone(same);
            }
        }
        let probes = Probes::new(config.clone(), old.map(|old| &old.probes))
            .map_err(|text| ConfigError { mistakes: vec![Mistake::new("password_file", text)] })?;
        Ok(Self { config, targets, probes })
    }

    /// Asks every target at once; `patience` is how long this caller waits for any of them.
    pub(crate) async fn scrape(&self, patience: Duration) -> Vec<Part> {
        let timeout = self.timeout();
        let patience = patience.min(timeout);
        join_all(self.targets.iter().map(|(_, target)| target.scrape(patience, timeout))).await
    }

    /// Asks one target that a request named.
    pub(crate) async fn probe(&self, target: &Target, patience: Duration) -> Part {
        target.scrape(patience.min(self.timeout()), self.timeout()).await
    }

    /// The URL of the first configured cluster.
    pub(crate) fn first_cluster(&self) -> Option<String> {
        self.config.all().into_iter().find(|target| target.kind == "redis_cluster").map(|target| target.url)
    }

    /// The deadline where the caller states none.
    pub(crate) const fn timeout(&self) -> Duration {
        self.config.timeout
    }

    pub(crate) const fn config(&self) -> &ExporterConfig {
        &self.config
    }
}
