//! Pages: the parameters that every list shares, and what an answer says about where it stands. The
//! names and limits are those of the seed document.

use serde::Serialize;

use crate::parameters::Parameters;

const SIZE: u32 = 100;
const SIZE_MAX: u32 = 1_000;
const PAGE_MAX: u32 = 1_000_000;
/// From this offset on an answer advises to use a cursor: the rows before it are read and thrown away.
const DEEP_OFFSET: i64 = 10_000;
const ADVICE: &str = "this page lies deep: ask with after=<the last id seen> instead of page";

/// Which page is asked for: numbered from 1, with 1 to 1000 items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PaginationParams {
    pub(super) page: u32,
    pub(super) size: u32,
}

/// Where a page stands among all.
#[derive(Debug, Serialize)]
pub(super) struct PaginationMeta {
    page: u32,
    size: u32,
    total_items: i64,
    total_pages: i64,
    has_next: bool,
    has_previous: bool,
    next_page: Option<u32>,
    previous_page: Option<u32>,
}

#[derive(Debug, Serialize)]
struct PageSummary {
    total_items: i64,
    current_page_items: usize,
    page: u32,
    total_pages: i64,
}

/// A page of a list. A field that is null at the top of an answer is left out.
#[derive(Debug, Serialize)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pagination: PaginationMeta,
    summary: PageSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

impl PaginationParams {
    /// Reads `page` and `size`.
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Self {
        Self {
            page: parameters.number("page", 1, 1..=PAGE_MAX),
            size: parameters.number("size", SIZE, 1..=SIZE_MAX),
        }
    }

    pub(super) fn limit(self) -> i64 {
        i64::from(self.size)
    }

    pub(super) fn offset(self) -> i64 {
        (i64::from(self.page) - 1) * self.limit()
    }
}

impl<T> Page<T> {
    pub(super) fn new(asked: PaginationParams, total_items: i64, items: Vec<T>) -> Self {
        let pagination = PaginationMeta::new(asked, total_items);
        let summary = PageSummary {
            total_items,
            current_page_items: items.len(),
            page: asked.page,
            total_pages: pagination.total_pages,
        };
        let warning = (asked.offset() >= DEEP_OFFSET).then_some(ADVICE);
        Self { items, pagination, summary, warning }
    }
}

impl PaginationMeta {
    fn new(asked: PaginationParams, total_items: i64) -> Self {
        let total_pages = (total_items + asked.limit() - 1) / asked.limit();
        let has_next = i64::from(asked.page) < total_pages;
        let has_previous = asked.page > 1;
        Self {
            page: asked.page,
            size: asked.size,
            total_items,
            total_pages,
            has_next,
            has_previous,
            next_page: has_next.then_some(asked.page + 1),
            previous_page: has_previous.then(|| asked.page - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<PaginationParams, Vec<&'static str>> {
        let mut parameters = Parameters::read(Some(query), &["page", "size"]);
        let asked = PaginationParams::read(&mut parameters);
        parameters.finish(asked).map_err(|mistakes| mistakes.names())
    }

    #[test]
    fn a_page_is_numbered_from_one_and_holds_one_to_a_thousand() {
        assert_eq!(read(""), Ok(PaginationParams { page: 1, size: 100 }));
        assert_eq!(read("page=3&size=1000"), Ok(PaginationParams { page: 3, size: 1_000 }));
        assert_eq!(read("page=0&size=1001"), Err(vec!["page", "size"]));
        assert_eq!(read("size=0"), Err(vec!["size"]));
        assert_eq!(read("page=-1&size=ten"), Err(vec!["page", "size"]));
    }

    #[test]
    fn the_ends_of_a_list_have_no_neighbour() {
        let meta = |page, total| {
            let meta = PaginationMeta::new(PaginationParams { page, size: 100 }, total);
            (meta.total_pages, meta.previous_page, meta.next_page)
        };
        assert_eq!(meta(1, 1_000), (10, None, Some(2)));
        assert_eq!(meta(10, 1_000), (10, Some(9), None));
        assert_eq!(meta(10, 1_001), (11, Some(9), Some(11)));
        assert_eq!(meta(1, 0), (0, None, None));
        assert_eq!(meta(7, 100), (1, Some(6), None));
    }

    #[test]
    fn only_a_deep_page_is_advised_against() {
        let warned = |page| Page::<()>::new(PaginationParams { page, size: 100 }, 0, Vec::new()).warning;
        assert_eq!(warned(100), None);
        assert_eq!(warned(101), Some(ADVICE));
    }
}
