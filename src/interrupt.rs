//! Ctrl-C and SIGTERM: the first asks the run to end in order, a second ends it at once.

use anyhow::Context as _;
use hitmark_loadtests::Stop;

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

/// Resolves on SIGTERM or Ctrl-C: servers then drain and end.
pub(crate) async fn shutdown() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
