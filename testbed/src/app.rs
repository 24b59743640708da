//! What all requests share, and how a route is made: a handler with its own counts, measured.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post, put};
use hitmark_cache::CacheLayer;
use tempfile::TempDir;

use crate::admin::permits::Permits;
use crate::admin::server::CacheServer;
use crate::assets::Served;
use crate::compression::Compression;
use crate::database::notify::ForeignWrites;
use crate::database::{Database, Session};
use crate::sessions::Sessions;
use crate::tasks::Tasks;
use crate::telemetry::{RouteStats, Telemetry, observe};

/// The label of requests that match no route.
const OTHER: &str = "other";
/// The label of requests that change data.
const WRITES: &str = "writes";

/// What all requests share.
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) cache: CacheLayer,
    pub(crate) telemetry: Telemetry,
    /// Work that requests leave for later.
    pub(crate) tasks: Arc<Tasks>,
    /// Hears of writes by others, if it was asked to.
    pub(crate) foreign: Option<ForeignWrites>,
    /// Files with versions in their names.
    pub(crate) assets: Served,
    /// How answers are compressed, for the systems that do.
    pub(crate) compression: Compression,
    /// Who is logged in.
    pub(crate) sessions: Sessions,
    /// Who may administer.
    pub(crate) permits: Permits,
    /// The cache's server, if it has one at a fixed place.
    pub(crate) server: Option<CacheServer>,
    /// Holds database and cache where no place was named, and goes with the last router. Declared after
    /// both, so that their files are closed before they are removed.
    pub(crate) _folder: Option<TempDir>,
}

/// How a route changes data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Post,
    Put,
}

/// What one endpoint's handler is given: what all share, and its own counts.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) app: Arc<App>,
    pub(crate) stats: Arc<RouteStats>,
}

// Written by hand: the token is a secret.
impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("database", &self.database)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

impl App {
    /// A measured route that answers GET and HEAD.
    pub(crate) fn route<H, T>(self: &Arc<Self>, path: &'static str, handler: H) -> Router
    where
        H: Handler<T, Endpoint>,
        T: 'static,
    {
        self.measured(path, get(handler))
    }

    /// A measured route that answers POST.
    pub(crate) fn post<H, T>(self: &Arc<Self>, path: &'static str, handler: H) -> Router
    where
        H: Handler<T, Endpoint>,
        T: 'static,
    {
        self.measured(path, post(handler))
    }

    fn measured(self: &Arc<Self>, path: &'static str, methods: MethodRouter<Endpoint>) -> Router {
        let stats = self.telemetry.route(path);
        let endpoint = Endpoint { app: Arc::clone(self), stats: Arc::clone(&stats) };
        Router::new().route(path, methods.layer(from_fn_with_state(stats, observe))).with_state(endpoint)
    }

    /// A measured route that changes data. Its counts are apart from those of reads of the same path.
    pub(crate) fn write<H, T>(self: &Arc<Self>, path: &'static str, write: Write, handler: H) -> Router
    where
        H: Handler<T, Endpoint>,
        T: 'static,
    {
        let stats = self.telemetry.route(WRITES);
        let endpoint = Endpoint { app: Arc::clone(self), stats: Arc::clone(&stats) };
        let handler = handler.layer(from_fn_with_state(stats, observe));
        let method = match write {
            Write::Post => post(handler),
            Write::Put => put(handler),
        };
        Router::new().route(path, method).with_state(endpoint)
    }

    /// Adds the answer for requests that match no route.
    pub(crate) fn fallback<H, T>(self: &Arc<Self>, router: Router, handler: H) -> Router
    where
        H: Handler<T, ()>,
        T: 'static,
    {
        let stats = self.telemetry.route(OTHER);
        router.fallback_service(handler.layer(from_fn_with_state(stats, observe)).with_state(()))
    }
}

impl Endpoint {
    /// A database connection whose queries count for this endpoint.
    pub(crate) async fn session(&self) -> sqlx::Result<Session<'_>> {
        self.app.database.session(&self.stats).await
    }
}
