//! What a template says of assets: their URLs, and hints to the browser.
//!
//! The URLs of a release: on the network's base URL where that is enabled, else on the service itself;
//! with the hash in the name unless versions are switched off. An unknown name keeps its plain URL: a
//! page without its picture is better than no page.

use maud::{Markup, html};

use super::{AssetSet, FOLDER};

/// The helpers of a page's template.
#[derive(Debug, Clone, Copy)]
pub struct Links<'a> {
    assets: &'a AssetSet,
    base: &'a str,
    versions: Versions,
}

/// Whether URLs hold the hash of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// They do: kept for a year.
    InNames,
    /// They do not: kept for a minute.
    Off,
}

impl<'a> Links<'a> {
    /// `base` stands before each URL: `https://cdn.example`, or nothing for the service itself.
    pub(crate) fn new(assets: &'a AssetSet, base: &'a str, versions: Versions) -> Self {
        Self { assets, base, versions }
    }

    /// The URL of an asset: `/assets/css/main.0123456789abcdef.css`.
    #[must_use]
    pub fn asset_url(&self, name: &str) -> String {
        let name = name.trim_start_matches('/');
        let known = self.assets.find(name).filter(|_| self.versions == Versions::InNames);
        let name = known.map_or(name, |asset| &asset.versioned);
        format!("{}/{FOLDER}/{name}", self.base)
    }

    /// The URL of a file of an endpoint. Files of `static` are the assets; those of another endpoint
    /// have no versions.
    #[must_use]
    pub fn cdn_url_for(&self, endpoint: &str, filename: &str) -> String {
        match endpoint {
            "static" => self.asset_url(filename),
            endpoint => format!("{}/{endpoint}/{}", self.base, filename.trim_start_matches('/')),
        }
    }

    /// A hint in a page's head that an asset will be needed; `kind` is `style`, `script`, `image`…
    /// (the destinations of Fetch).
    #[must_use]
    pub fn preload_asset(&self, name: &str, kind: &str) -> Markup {
        html! { link rel="preload" href=(self.asset_url(name)) as=(kind); }
    }

    /// The same hint as a `Link` header (RFC 8288), which comes before the page: for each asset its
    /// name and kind.
    #[must_use]
    pub fn preload_header(&self, assets: &[(&str, &str)]) -> String {
        let one = |(name, kind): &(&str, &str)| format!("<{}>; rel=preload; as={kind}", self.asset_url(name));
        assets.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// A hint in a page's head that a host will be asked, so that its address is looked up now.
    #[must_use]
    pub fn dns_prefetch(&self, host: &str) -> Markup {
        html! { link rel="dns-prefetch" href=(format!("//{host}")); }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_base_and_the_versions() {
        let assets = AssetSet::built_in();
        let versioned = &assets.find("css/main.css").expect("built in").versioned;
        let own = Links::new(&assets, "", Versions::InNames);
        assert_eq!(own.asset_url("css/main.css"), format!("/assets/{versioned}"));
        assert_eq!(own.asset_url("/css/main.css"), format!("/assets/{versioned}"));
        assert_eq!(own.asset_url("css/unknown.css"), "/assets/css/unknown.css");
        let edge = Links::new(&assets, "https://cdn.test", Versions::Off);
        assert_eq!(edge.asset_url("css/main.css"), "https://cdn.test/assets/css/main.css");
        assert_eq!(edge.cdn_url_for("static", "css/main.css"), "https://cdn.test/assets/css/main.css");
        assert_eq!(edge.cdn_url_for("uploads", "7.png"), "https://cdn.test/uploads/7.png");
    }

    #[test]
    fn hints_are_elements_and_headers_and_are_escaped() {
        let assets = AssetSet::default();
        let links = Links::new(&assets, "", Versions::Off);
        assert_eq!(
            links.preload_asset("a.css", "style").into_string(),
            "<link rel=\"preload\" href=\"/assets/a.css\" as=\"style\">"
        );
        assert_eq!(
            links.preload_header(&[("a.css", "style"), ("b.js", "script")]),
            "</assets/a.css>; rel=preload; as=style, </assets/b.js>; rel=preload; as=script"
        );
        assert_eq!(
            links.dns_prefetch("fonts.test").into_string(),
            "<link rel=\"dns-prefetch\" href=\"//fonts.test\">"
        );
        let hostile = links.preload_asset("\"><script>", "style").into_string();
        assert!(!hostile.contains("<script>"), "{hostile}");
    }
}
