//! What a what-if document says, as text for a terminal.

use comfy_table::{Cell, CellAlignment, Table, presets};
use hitmark_schema::whatif::{SizeRow, WhatIf};

use crate::format::{binary, count, significant};
use crate::plot::miss_ratio_plot;

/// The heads of the table of sizes.
pub(crate) const COLUMNS: [&str; 4] = ["entries", "bytes", "hit ratio", "one more point costs"];

/// A summary: what was read, the curve, the sizes, the knee, the policies; of a running cache also its
/// present size and what the curve cannot tell.
#[must_use]
pub fn whatif_text(whatif: &WhatIf) -> String {
    let mut text = format!("{}\n", basis(whatif));
    if let Some(plot) = miss_ratio_plot(whatif) {
        text.push_str(&format!("\n{plot}\n"));
    }
    text.push_str(&format!("\n{}\n", table(COLUMNS.map(str::to_owned).to_vec(), sizes(whatif))));
    for sentence in [knee(whatif), present(whatif), limits(whatif)].into_iter().flatten() {
        text.push_str(&format!("\n{sentence}\n"));
    }
    if let Some((columns, rows)) = policies(whatif) {
        text.push_str(&format!("\nhit ratio by policy\n{}\n", table(columns, rows)));
    }
    text
}

/// What the curve was made from.
pub(crate) fn basis(whatif: &WhatIf) -> String {
    let method = if whatif.rate >= 1.0 {
        "exact".to_owned()
    } else {
        format!("estimated from {} % of the keys", significant(whatif.rate * 100.0))
    };
    let footprint =
        whatif.footprint_bytes.map_or_else(String::new, |bytes| format!(", {} in all", binary(bytes)));
    format!(
        "{}: {} requests for {} keys{footprint}; {method}; no cache of any size hits more than {}",
        whatif.trace,
        count(whatif.requests),
        count(whatif.keys),
        ratio(whatif.hit_ratio_max)
    )
}

/// Where the curve bends, as a sentence.
pub(crate) fn knee(whatif: &WhatIf) -> Option<String> {
    let knee = whatif.knee?;
    let bytes = knee.bytes.map_or_else(String::new, |bytes| format!(" ({})", binary(bytes)));
    let entries = count(knee.entries);
    Some(format!(
        "The knee is at {entries} entries{bytes}: {} of the requests hit there, and more cache buys less and less.",
        ratio(knee.hit_ratio)
    ))
}

/// What the present size of a running cache would hit, and what one more point costs from there.
pub(crate) fn present(whatif: &WhatIf) -> Option<String> {
    let live = whatif.live.as_ref()?;
    let (bytes, now) = (live.capacity_bytes?, live.now?);
    let more = match now.next_point_bytes {
        Some(more) => format!("one more point of hit ratio costs {}", binary(more)),
        None => "no larger cache hits one point more".to_owned(),
    };
    Some(format!("At its present {} an LRU cache would hit {}; {more}.", binary(bytes), ratio(now.hit_ratio)))
}

/// What a live curve cannot tell.
pub(crate) fn limits(whatif: &WhatIf) -> Option<String> {
    let live = whatif.live.as_ref()?;
    let dropped = match live.dropped {
        0 => String::new(),
        1 => " One lookup of a sampled key was left out.".to_owned(),
        dropped => format!(" {} lookups of sampled keys were left out.", count(dropped)),
    };
    Some(format!(
        "Live: lookups of the last {}.{dropped} It knows sizes alone: a miss of a value that expired or was invalidated\n\
         counts as a hit here, so the cache itself hits less, and more memory does not mend that. Byte hit ratios and\n\
         other policies need a trace: hitmark whatif TRACE --policy s3fifo.",
        span(live.window_seconds)
    ))
}

/// So long, in the unit that one would say.
fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 120.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.0} s", seconds.max(1.0)),
    }
}

/// The rows of the table of sizes.
pub(crate) fn sizes(whatif: &WhatIf) -> Vec<Vec<String>> {
    let row = |size: &SizeRow| {
        vec![
            count(size.entries),
            size.bytes.map_or_else(|| "–".to_owned(), binary),
            ratio(size.hit_ratio),
            next_point(size),
        ]
    };
    whatif.sizes.iter().map(row).collect()
}

fn next_point(size: &SizeRow) -> String {
    match (size.next_point_entries, size.next_point_bytes) {
        (None, _) => "no cache reaches it".to_owned(),
        (Some(more), None) => entries(more),
        (Some(more), Some(bytes)) => format!("{}, {}", entries(more), binary(bytes)),
    }
}

fn entries(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "entry" } else { "entries" })
}

/// Heads and rows of the policies: a line for each size, a column for each policy.
pub(crate) fn policies(whatif: &WhatIf) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let mut names: Vec<&str> = whatif.policies.iter().map(|row| row.policy.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    let of = |entries: u64, name: &str| {
        let row = whatif.policies.iter().find(|row| row.entries == entries && row.policy == name);
        row.map_or_else(|| "–".to_owned(), |row| ratio(row.hit_ratio))
    };
    let rows = whatif.sizes.iter().map(|size| {
        let cells = names.iter().map(|name| of(size.entries, name));
        std::iter::once(count(size.entries)).chain(cells).collect()
    });
    let columns = std::iter::once("entries").chain(names.iter().copied()).map(str::to_owned).collect();
    Some((columns, rows.collect()))
}

fn ratio(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn table(columns: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_header(columns.into_iter().map(right));
    for row in rows {
        table.add_row(row.into_iter().map(right));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
pub(crate) mod tests {
    use hitmark_schema::whatif::{BytePoint, CurvePoint, Knee, Live, PolicyRow, WHATIF_SCHEMA};

    use super::*;

    pub(crate) fn whatif() -> WhatIf {
        WhatIf {
            schema: WHATIF_SCHEMA,
            trace: "shop.csv".to_owned(),
            requests: 1_000_000,
            rate: 1.0,
            sampled_requests: 1_000_000,
            keys: 50_000,
            footprint_bytes: Some(3 << 30),
            hit_ratio_max: 0.95,
            by_entries: vec![
                CurvePoint { entries: 1, hit_ratio: 0.1 },
                CurvePoint { entries: 50_000, hit_ratio: 0.95 },
            ],
            by_bytes: None,
            knee: Some(Knee { entries: 4_000, hit_ratio: 0.8, bytes: Some(240 << 20) }),
            sizes: vec![SizeRow {
                entries: 5_000,
                bytes: Some(300 << 20),
                hit_ratio: 0.82,
                next_point_entries: Some(700),
                next_point_bytes: Some(42 << 20),
            }],
            live: None,
            policies: vec![PolicyRow { policy: "sieve".to_owned(), entries: 5_000, hit_ratio: 0.85 }],
        }
    }

    #[test]
    fn the_text_says_what_one_more_point_costs_and_where_the_knee_is() {
        let text = whatif_text(&whatif());
        for part in [
            "1,000,000 requests for 50,000 keys, 3.00 GiB in all; exact",
            "no cache of any size hits more than 95.00 %",
            "700 entries, 42.0 MiB",
            "The knee is at 4,000 entries (240 MiB): 80.00 %",
            "85.00 %",
        ] {
            assert!(text.contains(part), "missing {part} in:\n{text}");
        }
        let mut highest = whatif();
        highest.rate = 0.1;
        highest.sizes[0].next_point_entries = None;
        let text = whatif_text(&highest);
        assert!(
            text.contains("estimated from 10.0 % of the keys") && text.contains("no cache reaches it"),
            "{text}"
        );
    }

    #[test]
    fn a_live_curve_says_what_the_present_size_hits_and_what_it_cannot_tell() {
        assert!(!whatif_text(&whatif()).contains("Live:"), "a trace is not live");
        let mut live = whatif();
        let now = SizeRow { next_point_bytes: Some(12 << 20), ..live.sizes[0] };
        live.live = Some(Live {
            window_seconds: 1_800.0,
            dropped: 3,
            capacity_bytes: Some(64 << 20),
            now: Some(now),
        });
        let text = whatif_text(&live);
        for part in [
            "At its present 64.0 MiB an LRU cache would hit 82.00 %; one more point of hit ratio costs 12.0 MiB.",
            "Live: lookups of the last 30 min. 3 lookups of sampled keys were left out.",
            "other policies need a trace",
        ] {
            assert!(text.contains(part), "missing {part} in:\n{text}");
        }
        let page = crate::whatif_page(&live);
        assert!(page.contains("At its present 64.0 MiB") && page.contains("Live: lookups"), "{page}");
    }

    #[test]
    fn the_page_draws_curve_knee_and_policies_from_the_document_alone() {
        let page = crate::whatif_page(&whatif());
        for part in ["<svg", "knee: 4,000 entries", "shop.csv: miss ratio by cache size in entries", "sieve"]
        {
            assert!(page.contains(part), "missing {part}");
        }
        assert!(!page.contains("in bytes</figcaption>"), "no curve over bytes without one");
        assert_eq!(page, crate::whatif_page(&whatif()));
        let mut sized = whatif();
        let point = |(bytes, hit_ratio)| BytePoint { bytes, hit_ratio, byte_hit_ratio: None };
        sized.by_bytes = Some([(1 << 20, 0.1), (1 << 32, 0.95)].map(point).to_vec());
        let page = crate::whatif_page(&sized);
        assert!(page.contains("knee: 240 MiB") && page.contains("in bytes</figcaption>"), "{page}");
    }
}
