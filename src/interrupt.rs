//! Ctrl-C and SIGTERM: the first asks the run to end in order, a second ends it at once.

use anyhow::Context as _;
use hitmark_loadtests::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A stop flag that the first Ctrl-C sets; the second leaves with 130, as a shell expects.
///
/// The handler must be ours before a load starts: the load engine would install its own, whose
/// switch is global to the process.
pub(crate) fn stop_on_ctrl_c() -> anyhow::Result<Stop> {
    let stop = Stop::default();
    let seen = stop.clone();
    ctrlc::set_handler(move || {
        if seen.is_set() {
            std::process::exit(130);
        }
        seen.set();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}

/// Waits for SIGTERM or Ctrl-C, from the moment that it is made: a server that is asked to end while
/// it still starts must not miss it.
#[derive(Debug)]
pub(crate) struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
}

impl Shutdown {
    /// Begins to listen.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Resolves once the server is to end.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
