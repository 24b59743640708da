//! The sides of an experiment: their address, headers, query, and the service they may start.

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::fields::{Fields, Notes};
use super::hosts::{redis_address, service_address};
use super::texts::{Known, sample};
use super::{HookPlan, Observed, StartCommand, VariantSettings};

/// One side. `None` if it is not right; every mistake is noted.
pub(super) fn variant(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    allow_hosts: &[String],
    known: &Known,
) -> Option<VariantSettings> {
    let name = fields.required_string(notes, "name");
    let base_url = fields.required_string(notes, "base_url");
    let headers = headers(notes, &mut fields, known);
    let ca = ca(notes, &mut fields);
    let observed = fields.table(notes, "observe").map(|table| observed(notes, table, allow_hosts));
    let query = fields.string_map(notes, "query");
    let start = fields.table(notes, "start").and_then(|start| start_command(notes, start));
    let address = base_url.as_ref().and_then(|(url, at)| match service_address(url, allow_hosts) {
        Ok(address) => Some(address),
        Err(fault) => {
            notes.add(at.clone(), format!("{} base_url: {fault}", fields.name()));
            None
        }
    });
    fields.finish(notes);
    Some(VariantSettings {
        name: name?.0,
        base_url: base_url?.0,
        address: address?,
        headers,
        query,
        start,
        ca,
        observed: observed.unwrap_or_default(),
    })
}

/// A certificate authority: read now, so that a wrong path is a mistake of the plan.
fn ca(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<Vec<u8>> {
    let (file, at) = fields.string(notes, "ca")?;
    let path = notes.beside(&file);
    match std::fs::read(&path) {
        Ok(pem) if String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") => Some(pem),
        Ok(_) => {
            notes.add(at, format!("{} ca: {} holds no PEM certificate", fields.name(), path.display()));
            None
        }
        Err(error) => {
            notes.add(at, format!("{} ca: cannot read {}: {error}", fields.name(), path.display()));
            None
        }
    }
}

fn observed(notes: &mut Notes<'_>, mut fields: Fields<'_, '_>, allow_hosts: &[String]) -> Observed {
    let mut text = |notes: &mut Notes<'_>, key| fields.string(notes, key).map(|(text, _)| text);
    let metrics = text(notes, "metrics");
    let (hits, misses, origin_calls) =
        (text(notes, "hits"), text(notes, "misses"), text(notes, "origin_calls"));
    let (queries, cpu) = (text(notes, "queries"), text(notes, "cpu"));
    let redis = fields.string(notes, "redis").and_then(|(url, at)| match redis_address(&url, allow_hosts) {
        Ok(address) => Some(address),
        Err(fault) => {
            notes.add(at, format!("{} redis: {fault}", fields.name()));
            None
        }
    });
    let of_the_page = [&hits, &misses, &origin_calls, &queries, &cpu];
    if metrics.is_none() && of_the_page.into_iter().any(Option::is_some) {
        notes.add(fields.span(), format!("{} needs 'metrics', the path of the page", fields.name()));
    }
    fields.finish(notes);
    Observed { metrics, hits, misses, origin_calls, queries, cpu, redis }
}

fn start_command(notes: &mut Notes<'_>, mut fields: Fields<'_, '_>) -> Option<StartCommand> {
    let command = fields.strings(notes, "command");
    if command.as_ref().is_none_or(|(command, _)| command.is_empty()) {
        notes.add(
            fields.span(),
            format!("{} needs 'command', a list of program and arguments", fields.name()),
        );
    }
    let ready = fields.string(notes, "ready").map_or_else(|| "/".to_owned(), |(ready, _)| ready);
    let env = fields.string_map(notes, "env");
    fields.finish(notes);
    command.map(|(command, _)| StartCommand { command, ready, env })
}

/// `[[experiment.hook]]`.
pub(super) fn hooks(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Vec<HookPlan> {
    let mut hooks = Vec::new();
    for mut table in fields.tables(notes, "hook") {
        let name = table.string(notes, "name").map(|(name, _)| name);
        let present = table.value("at_s").is_some();
        let at_s = table.number(notes, "at_s", 0.0, 86_400.0);
        if !present {
            notes.add(table.span(), format!("{} needs 'at_s', seconds after the warm-up", table.name()));
        }
        let command = table.strings(notes, "command").map(|(command, _)| command).unwrap_or_default();
        if command.is_empty() {
            notes.add(table.span(), format!("{} needs 'command', program and arguments", table.name()));
        }
        table.finish(notes);
        if let Some(at_s) = at_s {
            let name = name.unwrap_or_else(|| command.join(" "));
            hooks.push(HookPlan { at: Duration::from_secs_f64(at_s), name, command });
        }
    }
    hooks
}

/// Headers of a side or of both.
pub(crate) fn headers(
    notes: &mut Notes<'_>,
    fields: &mut Fields<'_, '_>,
    known: &Known,
) -> Vec<(String, String)> {
    const OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
    let at = fields.value("headers").map_or(0..0, toml::Spanned::span);
    let headers = fields.string_map(notes, "headers");
    for (name, value) in &headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            notes.add(at.clone(), format!("{} headers: '{name}' is not a header name", fields.name()));
        } else if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            notes.add(at.clone(), format!("{} headers: '{name}' is set by hitmark itself", fields.name()));
        }
        if HeaderValue::from_str(&sample(value, known).0).is_err() {
            notes.add(
                at.clone(),
                format!("{} headers: the value of '{name}' is not a header value", fields.name()),
            );
        }
    }
    headers
}
