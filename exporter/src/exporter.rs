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
use tokio::sync::{Semaphore, oneshot};

use crate::collectors::Target;
use crate::config::{ConfigError, ExporterConfig, Mistake};
use crate::exposition::{self, SelfMetrics};
use crate::http;
use crate::probe::Probes;

/// Most pages that are made at once; further requests are refused, not queued.
const PAGES_MAX: usize = 32;
/// Most probes under way at once: each waits for one target, and many may be black holes.
const PROBES_MAX: usize = 1_024;
/// How long answers under way may take after the shutdown, beyond the scrape's own deadline.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// A running exporter. It connects to its targets when it is scraped, not before.
#[derive(Debug)]
pub struct Exporter {
    listener: TcpListener,
    addr: SocketAddr,
    scraper: Arc<Scraper>,
}

/// What every request shares.
#[derive(Debug)]
pub(crate) struct Scraper {
    targets: Vec<Target>,
    about: SelfMetrics,
    timeout: Duration,
    pub(crate) permits: Semaphore,
    pub(crate) probes: Probes,
    pub(crate) probe_permits: Semaphore,
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

impl Exporter {
    /// Checks the configuration and takes the address.
    ///
    /// # Errors
    /// [`ExporterError`]: every mistake of the configuration, or the address that is taken.
    pub async fn bind(config: ExporterConfig) -> Result<Self, ExporterError> {
        let targets = config.build()?;
        let about = SelfMetrics::new().map_err(ExporterError::Register)?;
        let wrong = |source| ExporterError::Bind { addr: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(wrong)?;
        let addr = listener.local_addr().map_err(wrong)?;
        let permits = Semaphore::new(PAGES_MAX);
        let timeout = config.timeout;
        let probes = Probes::new(config)
            .map_err(|text| ConfigError { mistakes: vec![Mistake::new("password_file", text)] })?;
        let probe_permits = Semaphore::new(PROBES_MAX);
        let scraper = Arc::new(Scraper { targets, about, timeout, permits, probes, probe_permits });
        Ok(Self { listener, addr, scraper })
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of the landing page, without a final slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The routes: `/metrics`, `/healthz`, `/`. For those who serve them on a listener of their own.
    pub fn router(&self) -> Router {
        http::router(Arc::clone(&self.scraper))
    }

    /// Asks every target and writes the page, as `GET /metrics` does.
    pub async fn scrape(&self) -> String {
        self.scraper.scrape(self.scraper.timeout).await
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
        let drain = self.scraper.timeout + DRAIN_GRACE;
        let (asked, told) = oneshot::channel();
        let stop = async move {
            shutdown.await;
            let _ = asked.send(());
        };
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(stop).into_future();
        // A client that never reads its answer must not hold the process for ever.
        let too_long = async {
            let _ = told.await;
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            served = serving => served.map_err(ExporterError::Serve),
            () = too_long => Ok(()),
        }
    }
}

impl Scraper {
    /// Asks every target at once; `patience` is how long this caller waits for any of them.
    pub(crate) async fn scrape(&self, patience: Duration) -> String {
        self.scrape_as(patience, Format::Text).await
    }

    /// The same, written in another format.
    pub(crate) async fn scrape_as(&self, patience: Duration, format: Format) -> String {
        let patience = patience.min(self.timeout);
        let parts = join_all(self.targets.iter().map(|target| target.scrape(patience, self.timeout))).await;
        self.about.page(&parts, format)
    }

    /// Asks one target that a request named; the page holds nothing of the exporter itself.
    pub(crate) async fn probe(&self, target: &Target, patience: Duration, format: Format) -> String {
        let part = target.scrape(patience.min(self.timeout), self.timeout).await;
        self.about.count(&part);
        exposition::probe_page(&[part], format)
    }

    /// The deadline where the caller states none.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }
}
