//! The page of a trace: what other sizes and policies would have made of it.

use hitmark_schema::whatif::WhatIf;
use maud::{DOCTYPE, Markup, html};

use super::{experiment, style};
use crate::charts;
use crate::whatif::{COLUMNS, basis, knee, limits, policies, present, sizes};

/// One self-contained page from a what-if document.
#[must_use]
pub fn whatif_page(whatif: &WhatIf) -> String {
    let title = format!("{} – hitmark what-if", whatif.trace);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (maud::PreEscaped(style::sheet())) }
            }
            body {
                main {
                    section.run {
                        header { p.kicker { "hitmark what-if" } h1 { "What would another cache hit?" } }
                        p { (basis(whatif)) "." }
                        @for sentence in [knee(whatif), present(whatif)].into_iter().flatten() { p { (sentence) } }
                        (table(&COLUMNS.map(str::to_owned), &sizes(whatif)))
                        @for chart in charts::of_whatif(whatif) { (experiment::figure(&chart)) }
                        @if let Some((columns, rows)) = policies(whatif) {
                            h2 { "Hit ratio by policy" }
                            (table(&columns, &rows))
                        }
                        @if let Some(limits) = limits(whatif) { p.fine { (limits) } }
                        p.fine {
                            "The curve is that of LRU, for every size from one pass over the requests; other policies are \
                             simulated at the sizes of the table. First requests of a key miss whatever the size."
                        }
                    }
                }
                footer { "Written by hitmark from whatif.json alone: the same document gives the same page." }
            }
        }
    };
    page.into_string()
}

fn table(columns: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}
