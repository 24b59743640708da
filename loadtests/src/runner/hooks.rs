//! Things done on purpose in the middle of a load: a cache server stopped, a key expired, a count read.
//!
//! A scenario gives them as functions, a plan as commands (`[[experiment.hook]]`). They run beside the
//! users, on time after the warm-up, and each leaves an event, so that curves can be read. None is
//! on the way of a request.

use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use hitmark_schema::Variant;
use hitmark_schema::run::EventKind;
use tokio::task::JoinSet;

use crate::plan::{ExperimentPlan, HookPlan};
use crate::recorder::CurrentCounts;
use crate::user::Shared;

/// How long a command of a plan may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

/// What a hook does; its error is told as an event.
pub type Action =
    Arc<dyn Fn(LiveCounters) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Something to be done in the middle of a load.
#[derive(Clone)]
pub struct Hook {
    /// In the experiment of this name; in all if none is named.
    pub experiment: Option<String>,
    /// When, from the end of the warm-up on.
    pub at: Duration,
    /// What the event says.
    pub name: String,
    /// What is done.
    pub action: Action,
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hook").field("at", &self.at).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The counts of the super-block that is going on.
#[derive(Debug, Clone)]
pub struct LiveCounters(Arc<Shared>);

impl LiveCounters {
    /// The counts of one side, so far.
    #[must_use]
    pub fn now(&self, variant: Variant) -> CurrentCounts {
        self.0.recorder.current(variant)
    }
}

/// Sets the hooks of an experiment going. They end when the returned set is dropped.
pub(super) fn start(
    hooks: &[Hook],
    experiment: &ExperimentPlan,
    warmup: Duration,
    shared: &Arc<Shared>,
) -> JoinSet<()> {
    let mine =
        hooks.iter().filter(|hook| hook.experiment.as_ref().is_none_or(|name| *name == experiment.name));
    let declared = experiment.hooks.iter().map(of_plan);
    let mut tasks = JoinSet::new();
    for hook in mine.cloned().chain(declared) {
        let shared = Arc::clone(shared);
        tasks.spawn(async move {
            tokio::time::sleep(warmup + hook.at).await;
            let ended = (hook.action)(LiveCounters(Arc::clone(&shared))).await;
            let detail = match ended {
                Ok(()) => hook.name,
                Err(error) => format!("{} failed: {error}", hook.name),
            };
            shared.watch.tell(None, EventKind::Intervention, &shared.sink, detail);
        });
    }
    tasks
}

fn of_plan(plan: &HookPlan) -> Hook {
    let command = plan.command.clone();
    let action: Action = Arc::new(move |_| {
        let command = command.clone();
        Box::pin(async move { run(&command).await })
    });
    Hook { experiment: None, at: plan.at, name: plan.name.clone(), action }
}

pub(crate) async fn run(command: &[String]) -> Result<(), String> {
    let [program, arguments @ ..] = command else { return Ok(()) };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(COMMAND_TIMEOUT, command.status()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(format!("'{program}' ended with {status}")),
        Ok(Err(error)) => Err(format!("'{program}' cannot be run: {error}")),
        Err(_) => Err(format!("'{program}' did not end within {} s", COMMAND_TIMEOUT.as_secs())),
    }
}
