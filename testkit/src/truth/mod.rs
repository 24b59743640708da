//! An HTTP server whose service times are known, so that a measuring instrument can be measured.
//!
//! It runs on threads of its own with a runtime of its own: the test's runtime cannot slow it down,
//! and its busy-spinning cannot block the test. It notes how long each answer really took, beside
//! what it was asked to take, since on a busy machine the two differ.
//!
//! | path | answer |
//! |---|---|
//! | `/noop` | nothing, at once |
//! | `/spin/{micros}` | after spinning (not sleeping) that long, one second at most |
//! | `/items/{id}` | a body that depends on the id alone |
//! | `/wrong/{id}` | the same, but another body to a request with the header `variant: candidate` |
//! | `/slow-body/{ms}` | headers at once, the body that much later, one minute at most |
//! | `/call/{ms}` | after sleeping that long, ten seconds at most: an origin call, counted |
//! | `/metrics` | origin calls in all, under way and most at once, as a cached service would tell them |
//! | `/reset` | half of the announced body, then the end of the connection |
//! | `/status/{code}` | that status |
//!
//! Each path takes `?cs=` (`hit`, `miss`, `stale`, `revalidated`, `bypass`, `collapsed`), which adds
//! a `cache-status` header of that meaning, `?cc=max-age:2,public`, which adds `cache-control`, and
//! `?by=NAME`, under which the service times of its asker are kept apart from all others'.

mod body;
mod calls;
mod routes;
mod serve;
mod simplest;
mod times;
mod verdict;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::{TestkitError, blocking};
use calls::Calls;
pub use simplest::SimplestClient;
use times::ServiceTimes;
pub use verdict::{Verdict, Witnesses};

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct TruthConfig {
    /// Threads that answer. With one, answers come strictly one after the other, which is the
    /// service whose queueing theory is known; more threads answer side by side.
    pub threads: usize,
}

impl Default for TruthConfig {
    fn default() -> Self {
        Self { threads: 1 }
    }
}

/// A running truth server; dropping it stops it.
#[derive(Debug)]
pub struct TruthServer {
    port: u16,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TruthServer {
    /// Starts the server on a free port.
    ///
    /// # Errors
    /// If there is no port or no thread to be had.
    pub async fn start(config: TruthConfig) -> Result<Self, TestkitError> {
        blocking(move || Self::start_blocking(&config)).await
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Requests received so far, on all paths.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// TCP connections accepted so far. Zero proves that nobody even tried.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Origin calls (`/call/{ms}`) so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.calls.all()
    }

    /// The most origin calls that were ever under way at one moment.
    #[must_use]
    pub fn most_calls_at_once(&self) -> u64 {
        self.shared.calls.most_at_once()
    }

    /// Withholds every answer until `duration` from now, once, as a garbage collection or a failing
    /// disk would. Requests are still received and counted; what is then late is not lost.
    pub fn stall(&self, duration: Duration) {
        let until = Instant::now() + duration;
        *self.shared.stalled_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// How many answers a stall has held back so far.
    #[must_use]
    pub fn stalled(&self) -> u64 {
        self.shared.stalled.load(Ordering::SeqCst)
    }

    /// The median of the server's own service times of a path, in nanoseconds; see [`Self::quantile_ns`].
    #[must_use]
    pub fn median_ns(&self, path: &str) -> Option<u64> {
        self.quantile_ns(path, 0.5)
    }

    /// A quantile (0 to 1, nearest rank) of the time between a request's arrival in the handler and
    /// its answer, in nanoseconds, without stalls, the reading of the request and the writing of the
    /// answer. `None` if the path was never asked for. Ask for `/spin/200` by that path; the paths
    /// with an id go together as `/items/{id}`, and so on. What was asked for with `?by=NAME` is kept
    /// by the path with `?by=NAME` alone.
    #[must_use]
    pub fn quantile_ns(&self, path: &str, quantile: f64) -> Option<u64> {
        self.shared.times.lock().unwrap_or_else(PoisonError::into_inner).quantile_ns(path, quantile)
    }

    /// How many answers of a path have their service times kept; see [`Self::quantile_ns`].
    #[must_use]
    pub fn answers(&self, path: &str) -> usize {
        self.shared.times.lock().unwrap_or_else(PoisonError::into_inner).count(path)
    }

    /// Forgets counts and service times, as after a warm-up.
    pub fn reset_counts(&self) {
        for counter in [&self.shared.requests, &self.shared.connections, &self.shared.stalled] {
            counter.store(0, Ordering::SeqCst);
        }
        self.shared.calls.reset();
        *self.shared.times.lock().unwrap_or_else(PoisonError::into_inner) = ServiceTimes::default();
    }

    fn start_blocking(config: &TruthConfig) -> Result<Self, TestkitError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("truth")
            .enable_all()
            .build()
            .map_err(TestkitError::io("making the truth server's runtime"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(TestkitError::io("binding the truth server"))?;
        let port =
            listener.local_addr().map_err(TestkitError::io("asking the truth server's address"))?.port();
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let for_thread = shared.clone();
        let thread = std::thread::Builder::new()
            .name("truth-accept".into())
            .spawn(move || {
                runtime.block_on(serve::until(stopped, listener, for_thread));
                // Answers under way are cut off, as they are when a service dies.
                runtime.shutdown_timeout(Duration::from_secs(1));
            })
            .map_err(TestkitError::io("starting the truth server's thread"))?;
        Ok(Self { port, shared, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for TruthServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the handle and the handlers share.
#[derive(Debug, Default)]
struct Shared {
    requests: AtomicU64,
    connections: AtomicU64,
    stalled: AtomicU64,
    stalled_until: Mutex<Option<Instant>>,
    calls: Calls,
    times: Mutex<ServiceTimes>,
}
