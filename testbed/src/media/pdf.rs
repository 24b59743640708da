//! Documents for printing: a title, paragraphs and a table of lines, broken into pages.
//!
//! Bytes depend on the text alone: no time and no random name is written, so that the same rows give
//! the same file, which the equivalence check of a load test and a cache both rely on.

use std::sync::OnceLock;

use bytes::Bytes;
use krilla::Document;
use krilla::geom::Point;
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};

use super::MediaError;

/// A4 in points of 1/72 inch.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 56.0;
const TITLE_SIZE: f32 = 18.0;
const TEXT_SIZE: f32 = 10.0;
const LINE: f32 = 14.0;
/// Letters of a line at [`TEXT_SIZE`] within the margins.
const LINE_CHARS: usize = 92;
/// Pages of a document, so that no row can make one without end.
const PAGES_MAX: usize = 200;

/// The letters of Latin-1, cut from DejaVu Sans; its licence is beside it.
static FONT: &[u8] = include_bytes!("../../assets/DejaVuSans-latin.ttf");

/// Lays out a document.
pub(crate) fn document(title: &str, paragraphs: &[String]) -> Result<Bytes, MediaError> {
    let font = font()?;
    let mut document = Document::new();
    let lines: Vec<&str> = paragraphs.iter().flat_map(|text| wrapped(text).chain([""])).collect();
    let per_page = ((PAGE.1 - 2.0 * MARGIN - 2.0 * LINE) / LINE) as usize;
    let pages: Vec<&[&str]> = if lines.is_empty() { vec![&[]] } else { lines.chunks(per_page).collect() };
    let total = pages.len().min(PAGES_MAX);
    for (number, lines) in pages.into_iter().take(PAGES_MAX).enumerate() {
        let settings =
            PageSettings::from_wh(PAGE.0, PAGE.1).ok_or_else(|| not_made("the page has no size"))?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        draw_page(&mut surface, &font, title, lines, (number + 1, total));
        surface.finish();
        page.finish();
    }
    let bytes = document.finish().map_err(|error| not_made(&format!("{error:?}")))?;
    Ok(bytes.into())
}

fn draw_page(surface: &mut Surface<'_>, font: &Font, title: &str, lines: &[&str], page: (usize, usize)) {
    let mut write = |y: f32, size: f32, text: &str| {
        surface.draw_text(
            Point::from_xy(MARGIN, y),
            font.clone(),
            size,
            text,
            false,
            TextDirection::LeftToRight,
        );
    };
    write(MARGIN, TITLE_SIZE, title);
    for (nth, line) in lines.iter().enumerate().filter(|(_, line)| !line.is_empty()) {
        write(MARGIN + 2.0 * LINE + nth as f32 * LINE, TEXT_SIZE, line);
    }
    write(PAGE.1 - MARGIN / 2.0, TEXT_SIZE, &format!("page {} of {}", page.0, page.1));
}

/// The font, read once.
fn font() -> Result<Font, MediaError> {
    static READ: OnceLock<Option<Font>> = OnceLock::new();
    let font = READ.get_or_init(|| Font::new(FONT.into(), 0));
    font.clone().ok_or_else(|| not_made("the font cannot be read"))
}

fn not_made(reason: &str) -> MediaError {
    MediaError::NotMade { what: "PDF", reason: reason.to_owned() }
}

/// Cuts a paragraph into lines, between words where there are any.
fn wrapped(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text.trim();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(LINE_CHARS).map_or(rest.len(), |(end, _)| end);
        let cut = if end == rest.len() {
            end
        } else {
            rest[..end].rfind(' ').filter(|cut| *cut > 0).unwrap_or(end)
        };
        let line = &rest[..cut];
        rest = rest[cut..].trim_start();
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_is_cut_between_words_and_nothing_is_lost() {
        let text = "seven words of a line and more ".repeat(20);
        let lines: Vec<&str> = wrapped(&text).collect();
        assert!(lines.len() > 5 && lines.iter().all(|line| line.chars().count() <= LINE_CHARS));
        assert_eq!(lines.join(" "), text.trim());
        let long = "é".repeat(200);
        assert_eq!(wrapped(&long).map(|line| line.chars().count()).collect::<Vec<_>>(), [92, 92, 16]);
        assert_eq!(wrapped("  ").count(), 0);
    }

    #[test]
    fn the_same_text_gives_the_same_file_with_the_pages_that_it_needs() {
        let paragraphs: Vec<String> =
            (0..200).map(|nth| format!("Finding {nth}: the valve leaks.")).collect();
        let file = document("Incident 7", &paragraphs).expect("a PDF");
        assert_eq!(file, document("Incident 7", &paragraphs).expect("a PDF"));
        assert_ne!(file, document("Incident 8", &paragraphs).expect("a PDF"));
        assert!(file.starts_with(b"%PDF-") && file.trim_ascii_end().ends_with(b"%%EOF"));
        let text = String::from_utf8_lossy(&file);
        let pages = text.matches("/Type/Page\n").count() + text.matches("/Type /Page\n").count();
        assert!(pages > 1 || text.contains("/Count"), "{pages} pages");
    }

    #[test]
    fn a_document_without_text_has_one_page_and_an_endless_one_an_end() {
        assert!(document("Empty", &[]).is_ok());
        let endless: Vec<String> = (0..20_000).map(|nth| format!("line {nth}")).collect();
        assert!(document("Endless", &endless).expect("a PDF").len() < 20_000_000);
    }
}
