//! The colours of the charts: Okabe and Ito's palette, which colour-blind readers can tell apart.
//!
//! An SVG names a role by a colour of its own; the style sheet of the page maps that colour to one
//! with enough contrast in the light and in the dark scheme. So every role has a unique colour,
//! even where two look alike.

use hitmark_schema::Outcome;
use plotters::style::RGBColor;

/// What a line, a dot or a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text and axes.
    Ink,
    /// Grid lines.
    Grid,
    /// The reference line: no difference.
    Reference,
    /// The baseline, all outcomes.
    Baseline,
    /// The baseline's tail: dashed.
    BaselineTail,
    /// The candidate, all outcomes.
    Candidate,
    /// The candidate's tail: dashed.
    CandidateTail,
    /// The candidate's hits.
    Hit,
    /// Their tail: dashed.
    HitTail,
    /// The candidate's misses.
    Miss,
    /// Their tail: dashed.
    MissTail,
    /// The candidate's stale and revalidated answers.
    Stale,
    /// Their tail: dashed.
    StaleTail,
    /// Something that happened.
    Event,
}

/// A role, its colour in the SVG, and the name of its colour in the style sheet.
pub(crate) const ROLES: [(Role, (u8, u8, u8), &str); 14] = [
    (Role::Ink, (0x22, 0x22, 0x22), "ink"),
    (Role::Grid, (0xDD, 0xDD, 0xDD), "grid"),
    (Role::Reference, (0x77, 0x77, 0x77), "soft"),
    (Role::Baseline, (0xD5, 0x5E, 0x00), "baseline"),
    (Role::BaselineTail, (0xD5, 0x5E, 0x01), "baseline"),
    (Role::Candidate, (0x00, 0x72, 0xB3), "hit"),
    (Role::CandidateTail, (0x00, 0x72, 0xB4), "hit"),
    (Role::Hit, (0x00, 0x72, 0xB2), "hit"),
    (Role::HitTail, (0x00, 0x72, 0xB1), "hit"),
    (Role::Miss, (0xCC, 0x79, 0xA7), "miss"),
    (Role::MissTail, (0xCC, 0x79, 0xA8), "miss"),
    (Role::Stale, (0x00, 0x9E, 0x73), "stale"),
    (Role::StaleTail, (0x00, 0x9E, 0x74), "stale"),
    (Role::Event, (0xB0, 0x00, 0x20), "event"),
];

impl Role {
    /// The role of the candidate's answers of one outcome.
    #[must_use]
    pub const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Hit => Self::Hit,
            Outcome::Miss => Self::Miss,
            Outcome::Stale | Outcome::Revalidated => Self::Stale,
            Outcome::Bypass | Outcome::Error | Outcome::Unknown => Self::Candidate,
        }
    }

    /// The role of the same answers' tail.
    #[must_use]
    pub const fn tail(self) -> Self {
        match self {
            Self::Baseline => Self::BaselineTail,
            Self::Hit => Self::HitTail,
            Self::Miss => Self::MissTail,
            Self::Stale => Self::StaleTail,
            _ => Self::CandidateTail,
        }
    }

    /// Whether lines of this role are dashed.
    #[must_use]
    pub const fn is_tail(self) -> bool {
        matches!(
            self,
            Self::BaselineTail | Self::CandidateTail | Self::HitTail | Self::MissTail | Self::StaleTail
        )
    }

    pub(super) fn colour(self) -> RGBColor {
        let (_, (red, green, blue), _) = ROLES[self as usize];
        RGBColor(red, green, blue)
    }
}

/// The colour as it stands in the SVG.
pub(crate) fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_role_has_its_place_and_a_colour_of_its_own() {
        for (place, (role, ..)) in ROLES.into_iter().enumerate() {
            assert_eq!(role as usize, place, "{role:?}");
        }
        let colours: HashSet<_> = ROLES.into_iter().map(|(_, colour, _)| colour).collect();
        assert_eq!(colours.len(), ROLES.len());
    }
}
