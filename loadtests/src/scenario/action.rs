//! What a scenario does to a service beside its load: expire a key, stop a server, clear a cache.
//!
//! An action of a plan is a command, a request, or a pause. Commands can do whatever the machine
//! allows (`redis-cli`, `kill -STOP`, `systemctl`), so no fault is built in and none is simulated.

use std::time::Duration;

use hitmark_schema::{Variant, redact};

use super::stage::Stage;
use crate::plan::StepPlan;
use crate::plan::fields::{Fields, Notes};
use crate::plan::steps;
use crate::plan::texts::Known;
use crate::runner::hooks;
use crate::template::Values;

/// How long a plan may let an action wait.
const WAIT_S_MAX: f64 = 3_600.0;

/// One thing that is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Runs a program to its end.
    Command(Vec<String>),
    /// Sends a request to the side that is measured.
    Request(Box<StepPlan>),
    /// Waits, as for the end of a time to live.
    Wait(Duration),
}

impl Action {
    /// Reads `{ command = […] }`, `{ path = "…", method = "POST", … }` or `{ wait_s = 2.1 }` under a key.
    pub(crate) fn read(
        notes: &mut Notes<'_>,
        fields: &mut Fields<'_, '_>,
        key: &'static str,
        known: &mut Known,
    ) -> Option<Self> {
        let mut table = fields.table(notes, key)?;
        let given: Vec<&str> =
            ["command", "path", "wait_s"].into_iter().filter(|kind| table.value(kind).is_some()).collect();
        match given.as_slice() {
            ["command"] => {
                let command = table.strings(notes, "command");
                if let Some((_, at)) = command.as_ref().filter(|(command, _)| command.is_empty()) {
                    notes.add(at.clone(), format!("{} command: must not be empty", table.name()));
                }
                table.finish(notes);
                command.map(|(command, _)| Self::Command(command))
            }
            ["path"] => steps::step(notes, table, known).map(|step| Self::Request(Box::new(step))),
            ["wait_s"] => {
                let seconds = table.number(notes, "wait_s", 0.0, WAIT_S_MAX);
                table.finish(notes);
                seconds.map(|seconds| Self::Wait(Duration::from_secs_f64(seconds)))
            }
            _ => {
                let advice = "give one of 'command', 'path' (with method, body, headers) and 'wait_s'";
                notes.add(table.span(), format!("{}: {advice}", table.name()));
                None
            }
        }
    }

    /// As [`Self::read`]; that the key is absent is a mistake.
    pub(crate) fn required(
        notes: &mut Notes<'_>,
        fields: &mut Fields<'_, '_>,
        key: &'static str,
        known: &mut Known,
    ) -> Option<Self> {
        if fields.value(key).is_none() {
            notes.add(
                fields.span(),
                format!("{} needs '{key}': a command, a request or a wait", fields.name()),
            );
        }
        Self::read(notes, fields, key, known)
    }

    /// The action in words, secrets masked.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Command(command) => format!("'{}'", redact::command_line(command.iter().cloned())),
            Self::Request(step) => format!("{} {}", step.method, redact::text(&step.path)),
            Self::Wait(time) => format!("waiting {} s", time.as_secs_f64()),
        }
    }

    /// Does it, for one side.
    ///
    /// # Errors
    ///
    /// What went wrong, in words: the program failed, or the answer was not the expected one.
    pub async fn perform(&self, stage: &Stage<'_>, variant: Variant) -> Result<(), String> {
        match self {
            Self::Command(command) => hooks::run(command).await,
            Self::Wait(time) => {
                stage.sleep(*time).await;
                Ok(())
            }
            Self::Request(step) => {
                let mut client = stage.client_of(variant, step)?;
                let reply = client.ask(&Values::default()).await;
                match reply.error {
                    None => Ok(()),
                    Some(why) => Err(format!("{} {}: {why}", step.method, step.path)),
                }
            }
        }
    }
}
