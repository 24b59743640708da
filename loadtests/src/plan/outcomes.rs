//! `outcome = { header = "x-store", hit = ["memory"], miss = ["database"] }`: how a cache that follows
//! no convention says what it did.

use hitmark_schema::Outcome;

use super::fields::{Fields, Notes};

/// A rule for outcomes: the words of one header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeRule {
    /// The header that tells, in lower case.
    pub header: String,
    /// Texts that stand in its value, in lower case, and what they mean; the first that does counts.
    pub words: Vec<(String, Outcome)>,
    /// What a response without any of them means.
    pub otherwise: Outcome,
}

pub(super) fn rule(notes: &mut Notes<'_>, fields: &mut Fields<'_, '_>) -> Option<OutcomeRule> {
    let mut table = fields.table(notes, "outcome")?;
    let header = table.required_string(notes, "header");
    let mut words = Vec::new();
    for (key, outcome) in [
        ("hit", Outcome::Hit),
        ("stale", Outcome::Stale),
        ("revalidated", Outcome::Revalidated),
        ("bypass", Outcome::Bypass),
        ("miss", Outcome::Miss),
    ] {
        let texts = table.string_or_strings(notes, key);
        words.extend(texts.into_iter().map(|text| (text.to_ascii_lowercase(), outcome)));
    }
    let otherwise = match table.string(notes, "otherwise") {
        None => Outcome::Unknown,
        Some((text, at)) => text.parse().unwrap_or_else(|fault| {
            notes.add(at, format!("{} otherwise: {fault}", table.name()));
            Outcome::Unknown
        }),
    };
    if words.is_empty() {
        notes.add(table.span(), format!("{} needs words, for example hit = [\"memory\"]", table.name()));
    }
    table.finish(notes);
    Some(OutcomeRule { header: header?.0.to_ascii_lowercase(), words, otherwise })
}
