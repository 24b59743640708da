//! Turns the tables of a file of claims into claims, collecting every mistake.
//!
//! What the keys mean is documented in `file`.

use hitmark_schema::Variant;
use toml::Spanned;
use toml::de::DeTable;

use super::figure::{Figure, Kind};
use super::file::{Bounds, Claim, Claims, How};
use crate::fields::{Fields, duration_ns};
use crate::statistics::Quantile;

/// Claims of a file, at most.
const CLAIMS_MAX: usize = 1_000;

/// The claims that a document states, as far as they can be understood; what cannot is a mistake.
pub(super) fn checked(
    text: &str,
    path: &str,
    document: &Spanned<DeTable<'_>>,
    mistakes: &mut Vec<(usize, String)>,
) -> Claims {
    let mut root = Fields::new(text, document.get_ref(), 1, "the file of claims");
    let source = root.required_text("source").unwrap_or_default();
    let mut claims: Vec<Claim> = Vec::new();
    for (line, table) in root.tables("claim", CLAIMS_MAX) {
        let mut fields = Fields::new(text, table, line, "a claim");
        if let Some(claim) = claim(&mut fields, &source, line) {
            if claims.iter().any(|other| other.id == claim.id) {
                fields.mistake("id", format!("there is a claim '{}' already", claim.id));
            }
            claims.push(claim);
        }
        fields.finish(mistakes);
    }
    root.finish(mistakes);
    if claims.is_empty() && mistakes.is_empty() {
        mistakes.push((1, "the file has no [[claim]]".to_owned()));
    }
    Claims { path: path.to_owned(), source, claims }
}

fn claim(fields: &mut Fields<'_>, source: &str, line: usize) -> Option<Claim> {
    let (id, stated) = (fields.required_text("id"), fields.required_text("stated"));
    let how = if fields.has("not_measured") {
        How::Not { why: fields.required_text("not_measured")? }
    } else {
        measured(fields)?
    };
    Some(Claim { id: id?, source: source.to_owned(), stated: stated?, how, line })
}

fn measured(fields: &mut Fields<'_>) -> Option<How> {
    let experiment = fields.required_text("experiment");
    if !fields.has("figure") {
        fields.ignore_the_rest();
        return fields.missing("figure (or not_measured)");
    }
    let Some(figure) = fields.one_of("figure", figure_named) else {
        fields.ignore_the_rest();
        return None;
    };
    let kind = kind(fields, figure);
    let bounds = bounds(fields, figure);
    Some(How::Measured { experiment: experiment?, kind: kind?, bounds: bounds? })
}

fn kind(fields: &mut Fields<'_>, figure: Figure) -> Option<Kind> {
    let variant = fields.one_of("variant", |text| {
        text.parse().map_err(|error: hitmark_schema::variant::UnknownVariant| error.to_string())
    });
    let outcome = fields.one_of("outcome", |text| {
        text.parse().map_err(|error: hitmark_schema::outcome::UnknownOutcome| error.to_string())
    });
    if variant.is_some() && !figure.has_side() {
        fields.mistake("variant", format!("{} has no variant: it is about both", figure.as_str()));
    }
    if outcome.is_some() && !figure.has_quantile() {
        fields.mistake("outcome", format!("{} has no outcome: it is over all requests", figure.as_str()));
    }
    let quantile = if figure.has_quantile() {
        if !fields.has("metric") {
            return fields.missing("metric (for example \"p95\")");
        }
        let compared = figure != Figure::Latency;
        fields.one_of("metric", |text| quantile_named(text, compared))?
    } else {
        Quantile::P50
    };
    Some(Kind { figure, variant: variant.unwrap_or(Variant::Candidate), quantile, outcome })
}

fn bounds(fields: &mut Fields<'_>, figure: Figure) -> Option<Bounds> {
    if !fields.has("min") && !fields.has("max") {
        return fields.missing("min or max");
    }
    let mut bound = |key| match figure {
        Figure::Latency => fields.one_of(key, duration_ns),
        _ => fields.number(key),
    };
    let (min, max) = (bound("min"), bound("max"));
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        fields.mistake("min", format!("min {low} is above max {high}: nothing could be so"));
    }
    (min.is_some() || max.is_some()).then_some(Bounds { min, max })
}

fn figure_named(text: &str) -> Result<Figure, String> {
    let names = || Figure::ALL.map(Figure::as_str).join(", ");
    let known = Figure::ALL.into_iter().find(|figure| figure.as_str() == text);
    known.ok_or_else(|| format!("'{text}' is not one of {}", names()))
}

fn quantile_named(text: &str, compared: bool) -> Result<Quantile, String> {
    let allowed: &[Quantile] = if compared { &Quantile::COMPARED } else { &Quantile::ALL };
    let known = allowed.iter().find(|quantile| quantile.as_str() == text);
    let names = || allowed.iter().map(|quantile| quantile.as_str()).collect::<Vec<_>>().join(", ");
    known.copied().ok_or_else(|| format!("'{text}' is not one of {}", names()))
}
