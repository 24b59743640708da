//! The photos and printed reports of incidents.
//!
//! A chain of stores has a photo for each incident; the testbed has four, of the size that a camera
//! takes, and shows each incident another cut of one. Reading, cutting, resizing and packing are real
//! work, as on the first request for any upload.

use std::sync::OnceLock;

use bytes::Bytes;
use image::imageops::crop_imm;

use super::model::Incident;
use crate::media::photo::{PhotoFormat, PhotoSize, encode, fit, made_up, unpack};
use crate::media::{MediaError, pdf};

/// How many photos there are.
const SOURCES: u64 = 4;
/// Width and height of a camera's photo.
const TAKEN: (u32, u32) = (2_400, 1_800);
/// Width and height of the cut that an incident shows.
const CUT: (u32, u32) = (2_000, 1_500);

/// An incident's photo, fit for the web. Occupies a core for some tens of milliseconds.
pub(super) fn photo(incident: i64, format: PhotoFormat, size: PhotoSize) -> Result<Bytes, MediaError> {
    let incident = incident.unsigned_abs();
    let taken = unpack(source(incident % SOURCES)?)?;
    // The numbers have no common divisor with the ranges, so that neighbours differ.
    let left = (incident * 37 % u64::from(TAKEN.0 - CUT.0)) as u32;
    let top = (incident * 53 % u64::from(TAKEN.1 - CUT.1)) as u32;
    let cut = crop_imm(&taken, left, top, CUT.0, CUT.1).to_image();
    encode(&fit(cut, size)?, format, size)
}

/// A photo as a camera would have sent it: made and packed at its first use.
fn source(number: u64) -> Result<&'static [u8], MediaError> {
    static PACKED: [OnceLock<Bytes>; SOURCES as usize] = [const { OnceLock::new() }; SOURCES as usize];
    let place = &PACKED[(number % SOURCES) as usize];
    if let Some(packed) = place.get() {
        return Ok(packed);
    }
    let packed = encode(&made_up(number, TAKEN.0, TAKEN.1), PhotoFormat::Jpeg, PhotoSize::Main)?;
    Ok(place.get_or_init(|| packed))
}

/// An incident's report for printing.
pub(super) fn report(incident: &Incident) -> Result<Bytes, MediaError> {
    let facts = format!(
        "Store: {}. Kind: {}. Severity: {} of 5. Status: {}. Reported by {} at {} s since 1970.",
        incident.store,
        incident.kind,
        incident.severity,
        incident.status,
        incident.reporter,
        incident.created_at
    );
    let mut paragraphs = vec![facts];
    paragraphs.extend(incident.details.split_inclusive(". ").map(str::to_owned));
    paragraphs.extend(CHECKS.iter().map(|check| format!("[ ] {check}")));
    pdf::document(&format!("Incident {}: {}", incident.id, incident.title), &paragraphs)
}

/// What every report asks to be checked, so that it has the length of a real one.
const CHECKS: [&str; 12] = [
    "The people concerned were asked for their own account, and it is attached.",
    "Photos were taken before anything was moved.",
    "The recordings of the cameras were kept from an hour before to an hour after.",
    "The manager on duty was told within the hour.",
    "The insurer was told within a day, if anyone was hurt or the damage is above the limit.",
    "The place was made safe, and who did so is named.",
    "Equipment that failed was put aside and labelled, and is not to be used.",
    "The maintenance log of that equipment was copied for the last twelve months.",
    "Witnesses were named, with a way to reach them.",
    "The authorities were told where the law asks for it.",
    "What will be changed is written down, with a date and a name.",
    "The report was read and signed by the manager of the store.",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(incident: i64, size: PhotoSize) -> Bytes {
        photo(incident, PhotoFormat::Jpeg, size).expect("a photo")
    }

    #[test]
    fn incidents_show_different_photos_and_each_the_same_one_for_ever() {
        let first = jpeg(1, PhotoSize::Main);
        assert_eq!(first, jpeg(1, PhotoSize::Main));
        assert_ne!(first, jpeg(5, PhotoSize::Main), "another cut of the same photo");
        assert_eq!(unpack(&first).expect("a JPEG").dimensions(), (800, 600));
    }

    #[test]
    fn a_thumbnail_is_the_same_photo_in_a_sixteenth_of_the_pixels_and_of_lower_quality() {
        let (main, thumbnail) = (jpeg(1, PhotoSize::Main), jpeg(1, PhotoSize::Thumbnail));
        assert_eq!(unpack(&thumbnail).expect("a JPEG").dimensions(), (200, 150));
        assert!(thumbnail.len() * 8 < main.len(), "{} against {}", thumbnail.len(), main.len());
    }
}
