//! The sides of an experiment: their address, headers, query, and the service they may start.

use hyper::header::{HeaderName, HeaderValue};

use super::fields::{Fields, Notes};
use super::hosts::service_address;
use super::{StartCommand, VariantSettings};

/// One side. `None` if it is not right; every mistake is noted.
pub(super) fn variant(
    notes: &mut Notes<'_>,
    mut fields: Fields<'_, '_>,
    allow_hosts: &[String],
) -> Option<VariantSettings> {
    let name = fields.required_string(notes, "name");
    let base_url = fields.required_string(notes, "base_url");
    let headers = headers(notes, &mut fields);
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
    Some(VariantSettings { name: name?.0, base_url: base_url?.0, address: address?, headers, query, start })
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

/// Headers of a side or of both.
pub(super) fn headers(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Vec<(String, String)> {
    const OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];
    let at = fields.value("headers").map_or(0..0, toml::Spanned::span);
    let headers = fields.string_map(notes, "headers");
    for (name, value) in &headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            notes.add(at.clone(), format!("{} headers: '{name}' is not a header name", fields.name()));
        } else if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            notes.add(at.clone(), format!("{} headers: '{name}' is set by hitmark itself", fields.name()));
        }
        if HeaderValue::from_str(value).is_err() {
            notes.add(
                at.clone(),
                format!("{} headers: the value of '{name}' is not a header value", fields.name()),
            );
        }
    }
    headers
}
