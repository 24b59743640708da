//! The page of assets: a table of what this release has, made with the helpers it shows.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{AssetSet, Links};

/// What is asked for before the page is read to its end.
pub(super) const PRELOADED: &[(&str, &str)] = &[("css/critical.css", "style"), ("css/main.css", "style")];

/// The page. `edge` is the host of the network that serves assets, if one does.
pub(super) fn page(assets: &AssetSet, links: &Links<'_>, edge: Option<&str>) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Assets" }
                @if let Some(host) = edge { (links.dns_prefetch(host)) }
                (links.preload_asset("css/critical.css", "style"))
                link rel="icon" href=(links.asset_url("img/logo.svg"));
                link rel="stylesheet" href=(links.asset_url("css/critical.css"));
                link rel="stylesheet" href=(links.cdn_url_for("static", "css/main.css"));
                script defer src=(links.asset_url("js/app.js")) {}
            }
            body {
                header {
                    img src=(links.asset_url("img/logo.svg")) alt="";
                    h1 { "Assets" }
                }
                main {
                    p.note { "A name with a hash never changes what it means, and is kept for a year." }
                    (table(assets, links))
                    p #timings {}
                }
            }
        }
    }
}

fn table(assets: &AssetSet, links: &Links<'_>) -> Markup {
    html! {
        table {
            caption { (assets.len()) " files, " (assets.bytes()) " bytes" }
            thead { tr {
                th aria-sort="ascending" { "Name" }
                th.number aria-sort="none" { "Bytes" }
                th aria-sort="none" { "URL" }
            } }
            tbody { @for asset in assets.iter() { tr {
                td { (asset.name) }
                td.number { (asset.body.len()) }
                td { a href=(links.asset_url(&asset.name)) { code { (links.asset_url(&asset.name)) } } }
            } } }
        }
        (PreEscaped("\n"))
    }
}
