//! The life of a testbed: checked, migrated, filled, bound, serving, drained.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::serve::ListenerExt;
use hitmark_cache::{
    CacheError, CacheLayer, FileConfig, LayerOptions, MemoryConfig, RedisConfig, SqliteConfig, TieredConfig,
};
use hitmark_schema::redact;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::admin::permits::Permits;
use crate::admin::server::CacheServer;
use crate::app::App;
use crate::assets::{self, Served};
use crate::choices::{CacheChoice, SeedSize};
use crate::config::{TestbedConfig, is_of_several};
use crate::database::notify::ForeignWrites;
use crate::database::seed::{self, Loaded, SeedProgress};
use crate::database::{self, Database};
use crate::error::TestbedError;
use crate::sessions::Sessions;
use crate::tasks::{self, Counts, Mailbox, Tasks, Work};
use crate::telemetry::Telemetry;
use crate::{
    admin, analytics, bare, health, incidents, marketplace, probes, rate_limit, reply, score_reports,
};

/// How long open requests may take to end after the testbed was told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A filled database, a cache and a bound address, ready to serve.
#[derive(Debug)]
pub struct Testbed {
    app: Arc<App>,
    listener: TcpListener,
    addr: SocketAddr,
    summary: Summary,
    rate_limit: Option<NonZeroU32>,
}

/// What a testbed runs on: for the environment of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// `sqlite` or `postgresql`.
    pub database: &'static str,
    /// The name of the cache backend, such as `memory`.
    pub cache: &'static str,
    /// Versions of the servers that take part, by name, such as `sqlite` to `3.50.2`.
    pub servers: BTreeMap<String, String>,
    /// How much data was asked for.
    pub seed_size: SeedSize,
    /// Rows by table, as counted.
    pub rows: Vec<(&'static str, u64)>,
    /// How long migrating and loading took; `None` if the data were there.
    pub load_time: Option<Duration>,
}

impl Testbed {
    /// Checks the configuration, migrates and fills the database, sets up the cache and binds.
    ///
    /// A database that holds the wanted data already is taken as it is. One in which the testbed
    /// loaded other data is emptied and filled anew; tables that it did not make are never touched.
    /// `progress` is called after each statement of a load.
    ///
    /// # Errors
    /// [`TestbedError`], naming the setting, the database or the address.
    pub async fn start(
        config: TestbedConfig,
        mut progress: impl Fn(SeedProgress) + Send,
    ) -> Result<Self, TestbedError> {
        config.validate()?;
        let assets = Served::open(config.cdn.clone())?;
        // Bound first: an address in use is told before half a minute of loading, not after.
        let listener = bind(config.listen).await?;
        let addr =
            listener.local_addr().map_err(|source| TestbedError::Listen { addr: config.listen, source })?;
        let folder = temporary_folder(config.database_url.is_none() || cache_is_homeless(&config))?;
        let url = database_url(&config, folder.as_ref());
        let database = Database::connect(&url).await?;
        let begun = Instant::now();
        let loaded = database.prepare(config.seed_size, config.indexes, &mut progress).await?;
        let load_time = (loaded == Loaded::Now).then(|| begun.elapsed());
        // A store that outlives the testbed must not answer for other data.
        let name = format!("{}-{}", config.seed_size, seed::REVISION);
        let cache = cache(&config, &name, folder.as_ref(), options(&config)?).await?;
        let summary = Summary {
            database: database.kind.as_str(),
            cache: cache.backend_name(),
            servers: BTreeMap::from([(database.kind.as_str().to_owned(), database.version().await?)]),
            seed_size: config.seed_size,
            rows: database.count_rows(config.seed_size).await?,
            load_time,
        };
        let telemetry = Telemetry::new(config.slow_after);
        let tasks = tasks(&config, &database, &cache, &telemetry).await?;
        let foreign = match config.listen_writes {
            true => Some(ForeignWrites::listen(&url, &database, &cache).await?),
            false => None,
        };
        let server = cache_server(&config, &name)?;
        let permits = Permits::new(config.admin_token.clone(), config.jwt_secret.as_deref());
        let sessions = sessions(&config).await?;
        let app = App {
            database,
            cache,
            telemetry,
            tasks,
            assets,
            compression: config.compression,
            sessions,
            foreign,
            permits,
            server,
            _folder: folder,
        };
        let app = Arc::new(app);
        let testbed = Self { app, listener, addr, summary, rate_limit: config.rate_limit };
        if config.warm {
            health::warm::warm(&testbed.unlimited()).await;
        }
        Ok(testbed)
    }

    /// The address that was bound.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The service's base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// What the testbed runs on.
    #[must_use]
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// The service without its socket: for tests, and for embedding. All routers of one testbed
    /// share its database, cache and counts.
    pub fn router(&self) -> Router {
        match self.rate_limit {
            None => self.unlimited(),
            Some(per_minute) => rate_limit::limited(self.unlimited(), per_minute),
        }
    }

    fn unlimited(&self) -> Router {
        let router = Router::new()
            .merge(probes::routes(&self.app))
            .merge(bare::routes(&self.app))
            .merge(marketplace::routes(&self.app))
            .merge(analytics::routes(&self.app))
            .merge(health::routes(&self.app))
            .merge(incidents::routes(&self.app))
            .merge(score_reports::routes(&self.app))
            .merge(tasks::routes(&self.app))
            .merge(assets::routes(&self.app))
            .merge(admin::routes(&self.app));
        self.app.fallback(router, reply::no_such_path)
    }

    /// Answers until `shutdown` completes, then lets open requests end for at most ten seconds.
    ///
    /// # Errors
    /// If the system refuses to accept connections for good.
    pub async fn serve(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TestbedError> {
        let router = self.router();
        let (tell, told) = oneshot::channel();
        let signal = async move {
            shutdown.await;
            let _ = tell.send(());
        };
        let listener = self.listener.tap_io(|stream| {
            // Small answers must not wait for the acknowledgement of the one before.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "the connection keeps Nagle's algorithm");
            }
        });
        let server = axum::serve(listener, router).with_graceful_shutdown(signal).into_future();
        let served = tokio::select! {
            served = server => served.map_err(TestbedError::Serve),
            () = drain_ended(told) => {
                tracing::warn!(seconds = DRAIN.as_secs(), "requests were still open at the end of the drain");
                Ok(())
            }
        };
        // Connections that a cut-off request still holds must not hold up the end.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.app.database.pool.close()).await;
        served
    }
}

/// Ends when the drain has lasted its whole time; never, if the server ends of itself.
async fn drain_ended(told: oneshot::Receiver<()>) {
    match told.await {
        Ok(()) => tokio::time::sleep(DRAIN).await,
        Err(_) => std::future::pending().await,
    }
}

async fn bind(addr: SocketAddr) -> Result<TcpListener, TestbedError> {
    TcpListener::bind(addr).await.map_err(|source| TestbedError::Listen { addr, source })
}

/// Whether the cache is on disk and was given no place.
pub(crate) fn cache_is_homeless(config: &TestbedConfig) -> bool {
    matches!(config.cache, CacheChoice::Sqlite | CacheChoice::File) && config.cache_path.is_none()
}

/// A folder for what was given no place of its own, if anything is.
pub(crate) fn temporary_folder(is_needed: bool) -> Result<Option<TempDir>, TestbedError> {
    if !is_needed {
        return Ok(None);
    }
    let folder = tempfile::Builder::new().prefix("hitmark-testbed-").tempdir();
    folder.map(Some).map_err(TestbedError::TemporaryFolder)
}

/// The label under which the queries of tasks are counted.
const TASKS: &str = "tasks";

async fn tasks(
    config: &TestbedConfig,
    database: &Database,
    cache: &CacheLayer,
    telemetry: &Telemetry,
) -> Result<Arc<Tasks>, TestbedError> {
    let mail = Mailbox::new().map_err(TestbedError::TemporaryFolder)?;
    let work = Work {
        database: database.clone(),
        cache: cache.clone(),
        mail,
        stats: telemetry.route(TASKS),
        counts: Arc::new(Counts::default()),
    };
    let tasks = Tasks::start(config.tasks_url.as_deref(), config.task_results_url(), work).await;
    tasks.map_err(|error| TestbedError::Tasks(error.to_string()))
}

async fn sessions(config: &TestbedConfig) -> Result<Sessions, TestbedError> {
    let sessions = Sessions::start(config.sessions_url.as_deref()).await;
    sessions.map_err(|error| TestbedError::Sessions(error.to_string()))
}

fn database_url(config: &TestbedConfig, folder: Option<&TempDir>) -> String {
    let in_folder = || database::sqlite_url(&own_path(folder).join("testbed.db"));
    config.database_url.clone().unwrap_or_else(in_folder)
}

/// The cache that the configuration chooses. `name` parts it from others in the same server or folder.
pub(crate) async fn cache(
    config: &TestbedConfig,
    name: &str,
    folder: Option<&TempDir>,
    options: LayerOptions,
) -> Result<CacheLayer, TestbedError> {
    let path = config.cache_path.clone().unwrap_or_else(|| own_path(folder));
    match config.cache {
        CacheChoice::Memory => Ok(CacheLayer::memory_with(MemoryConfig::default(), options)),
        CacheChoice::Off => Ok(CacheLayer::off()),
        CacheChoice::Redis | CacheChoice::Tiered => {
            let url = config.redis_url.as_deref().unwrap_or_default();
            let mut redis = RedisConfig::new(url);
            redis.namespace = namespace(name);
            let layer = match config.cache {
                CacheChoice::Tiered => CacheLayer::tiered_with(TieredConfig::new(redis), options).await,
                _ => CacheLayer::redis_with(redis, options).await,
            };
            layer.map_err(|error| TestbedError::Cache { url: redact::url(url), reason: error.to_string() })
        }
        CacheChoice::Sqlite => {
            std::fs::create_dir_all(&path).map_err(|error| refused(&path, &error))?;
            let sqlite = SqliteConfig::new(path.join(format!("cache-{name}.db")));
            let layer = CacheLayer::sqlite_with(sqlite, options).await;
            layer.map_err(|error: CacheError| refused(&path, &error))
        }
        CacheChoice::File => {
            let file = FileConfig::new(path.join(format!("cache-{name}")));
            let layer = CacheLayer::file_with(file, options).await;
            layer.map_err(|error: CacheError| refused(&path, &error))
        }
    }
}

/// The layer's settings, with the rules of what follows from what.
fn options(config: &TestbedConfig) -> Result<LayerOptions, TestbedError> {
    let cascades = marketplace::cascades::cascades();
    let cascades = cascades
        .map_err(|error| TestbedError::Cache { url: "its cascades".to_owned(), reason: error.to_string() })?;
    let mut options = LayerOptions::default();
    options.cascades = cascades;
    options.curve = config.curve;
    Ok(options)
}

fn own_path(folder: Option<&TempDir>) -> PathBuf {
    folder.map(|folder| folder.path().to_owned()).unwrap_or_default()
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> TestbedError {
    TestbedError::Cache { url: path.display().to_string(), reason: error.to_string() }
}

/// What every key in a cache server begins with.
fn namespace(name: &str) -> String {
    format!("hitmark:{name}:")
}

fn cache_server(config: &TestbedConfig, name: &str) -> Result<Option<CacheServer>, TestbedError> {
    let Some(url) = config.redis_url.as_deref().filter(|_| config.cache.needs_redis()) else {
        return Ok(None);
    };
    // The administration asks one server at a fixed place.
    if is_of_several(url) {
        return Ok(None);
    }
    let server = CacheServer::new(url, &namespace(name));
    server.map(Some).map_err(|error| TestbedError::Cache { url: redact::url(url), reason: error.to_string() })
}
