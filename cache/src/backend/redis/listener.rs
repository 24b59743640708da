//! Hears what others write: a connection of its own, on which the server pushes the names of keys.
//!
//! By RESP3 client tracking in broadcast mode, which tells of every change of a key under the
//! namespace, whoever made it; by pub/sub where the server refuses that or the configuration asks
//! for it, which tells of what caches of this crate say they did ([`Announce`](super::Announce)).
//!
//! Pushes are handled as they are read, without a queue that could overflow. A PING whose answer
//! comes has seen all pushes before it, since both come in order on one connection.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{debug, info, warn};

use super::link::Link;
use super::names::{Name, Role, is_value};

/// How copies in this process hear of writes by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coherence {
    /// By client tracking; by pub/sub if the server refuses that.
    Tracking,
    /// By pub/sub: hears only of writes by processes that announce them, not of a FLUSHALL.
    PubSub,
}

/// What a listener tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum News<'a> {
    /// The value under this key was written or removed.
    Changed(&'a [u8]),
    /// Any value may have been, for instance while nobody listened.
    Everything,
}

/// Told the news, from the connection's own task.
pub(super) type Ear = Arc<dyn Fn(News<'_>) + Send + Sync>;

/// The running listener. It ends when this is dropped.
pub(in crate::backend) struct Listener {
    hearing: Arc<Hearing>,
    task: JoinHandle<()>,
}

struct Hearing {
    link: Arc<Link>,
    by: Coherence,
    heartbeat: Duration,
    state: Arc<State>,
    connection: RwLock<Option<MultiplexedConnection>>,
    sessions: AtomicU64,
}

/// What the connection's own task changes. It must not hold the connection, which would then keep
/// itself alive.
struct State {
    ear: Ear,
    namespace: String,
    /// The number of the connection on which pushes come; 0 for none.
    session: AtomicU64,
    /// Which connection of the link it began with. A newer one may be to another server.
    generation: AtomicU64,
    ended: Notify,
}

impl Listener {
    pub(super) async fn start(link: Arc<Link>, by: Coherence, heartbeat: Duration, ear: Ear) -> Self {
        let namespace = link.config.namespace.clone();
        let (session, generation, ended) = (AtomicU64::new(0), AtomicU64::new(0), Notify::new());
        let state = Arc::new(State { ear, namespace, session, generation, ended });
        let (connection, sessions) = (RwLock::new(None), AtomicU64::new(0));
        let hearing = Arc::new(Hearing { link, by, heartbeat, state, connection, sessions });
        if let Err(error) = hearing.begin().await {
            warn!(%error, "nobody listens to other writers yet: no value is served from this process");
        }
        let task = tokio::spawn(Arc::clone(&hearing).keep_listening());
        Self { hearing, task }
    }

    /// Whether every write by others is heard, those through the link's present connection too.
    pub(in crate::backend) fn hears(&self) -> bool {
        let state = &self.hearing.state;
        state.session.load(Ordering::SeqCst) != 0
            && state.generation.load(Ordering::SeqCst) == self.hearing.link.generation()
    }

    /// Waits until all that the server has pushed so far is handled; false if that cannot be known.
    pub(in crate::backend) async fn catch_up(&self) -> bool {
        self.hears() && self.hearing.ping().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hearing {
    /// Listens, and begins again whenever it ended, for ever.
    async fn keep_listening(self: Arc<Self>) {
        let mut pause = self.link.config.pause_min;
        loop {
            if self.state.session.load(Ordering::SeqCst) != 0 {
                self.stay().await;
                self.end();
                pause = self.link.config.pause_min;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.link.config.pause_max);
            if let Err(error) = self.begin().await {
                debug!(%error, ?pause, "nobody listens to other writers");
            }
        }
    }

    /// Returns when pushes may be missed: the connection broke or answers no PING, or the link has
    /// a new one, perhaps to another server.
    async fn stay(&self) {
        loop {
            let woken = tokio::time::timeout(self.heartbeat, async {
                tokio::select! {
                    () = self.state.ended.notified() => {}
                    () = self.link.came_up.notified() => {}
                }
            });
            let is_quiet = woken.await.is_err();
            let is_current = self.state.session.load(Ordering::SeqCst) != 0
                && self.state.generation.load(Ordering::SeqCst) == self.link.generation();
            if !is_current || (is_quiet && !self.ping().await) {
                return;
            }
        }
    }

    async fn ping(&self) -> bool {
        let connection = self.connection.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(mut connection) = connection else { return false };
        let answer = connection.send_packed_command(&redis::cmd("PING")).await;
        answer.is_ok_and(|answer| !matches!(answer, Value::ServerError(_)))
    }

    /// Makes a connection and asks for pushes on it. All copies from before are void.
    async fn begin(&self) -> Result<(), RedisError> {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        // Before the address is looked up: whatever the link connects to later is not heard here.
        let generation = self.link.generation();
        let lost = Arc::new(AtomicBool::new(false));
        let (state, is_lost) = (Arc::clone(&self.state), Arc::clone(&lost));
        let hear = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                is_lost.store(true, Ordering::SeqCst);
            }
            state.hear(number, &push);
            Ok::<(), Infallible>(())
        };
        let client = resp3(&self.link.target.client(&self.link.options).await?)?;
        let options = self.link.options.clone().set_push_sender(hear);
        let options = options.set_response_timeout(Some(self.link.config.invalidation_timeout));
        let mut connection = client.get_multiplexed_async_connection_with_config(&options).await?;
        let by = self.ask_for_pushes(&mut connection).await?;
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        (self.state.ear)(News::Everything);
        self.state.generation.store(generation, Ordering::SeqCst);
        self.state.session.store(number, Ordering::SeqCst);
        if lost.load(Ordering::SeqCst) {
            self.state.lose(number);
        }
        info!(?by, "listening to other writers");
        Ok(())
    }

    async fn ask_for_pushes(&self, connection: &mut MultiplexedConnection) -> Result<Coherence, RedisError> {
        if self.by == Coherence::Tracking {
            let mut tracking = redis::cmd("CLIENT");
            tracking.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(&self.state.namespace);
            match connection.send_packed_command(&tracking).await?.extract_error() {
                Ok(_) => return Ok(Coherence::Tracking),
                Err(error) => warn!(%error, "client tracking is refused: listening by pub/sub"),
            }
        }
        let channel = Name { namespace: &self.state.namespace, role: Role::Channel, text: "" };
        connection.subscribe(channel).await?;
        Ok(Coherence::PubSub)
    }

    /// Stops listening: the copies are void, and the connection is closed.
    fn end(&self) {
        self.state.lose(self.state.session.load(Ordering::SeqCst));
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl State {
    fn hear(&self, number: u64, push: &PushInfo) {
        match (&push.kind, &push.data[..]) {
            (PushKind::Invalidate, [Value::Array(names)]) => {
                for name in names {
                    match bytes_of(name).and_then(|name| name.strip_prefix(self.namespace.as_bytes())) {
                        Some(key) if is_value(key) => (self.ear)(News::Changed(key)),
                        Some(_) => {}
                        None => (self.ear)(News::Everything),
                    }
                }
            }
            (PushKind::Message, [_, told]) => match bytes_of(told) {
                // No key holds a space, and none is a star.
                Some(b"*") | None => (self.ear)(News::Everything),
                Some(keys) => {
                    keys.split(|byte| *byte == b' ').for_each(|key| (self.ear)(News::Changed(key)));
                }
            },
            (PushKind::Invalidate | PushKind::Message, _) => (self.ear)(News::Everything),
            (PushKind::Disconnection | PushKind::Unsubscribe, _) => self.lose(number),
            _ => {}
        }
    }

    /// This connection is no longer listened to, unless a later one is already.
    fn lose(&self, number: u64) {
        if self.session.compare_exchange(number, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            (self.ear)(News::Everything);
            self.ended.notify_one();
        }
    }
}

fn bytes_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// The same server, asked to speak the protocol that has pushes.
fn resp3(client: &Client) -> Result<Client, RedisError> {
    let info = client.get_connection_info().clone();
    let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    Client::open(info.set_redis_settings(settings).into_connection_info()?)
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("by", &self.hearing.by).field("hears", &self.hears()).finish()
    }
}
