//! The style sheet: system fonts, two schemes, print, and the colours of the charts.

use std::fmt::Write as _;

use crate::charts::ROLES;

/// Names and values in the light and the dark scheme. Everything that carries text has a contrast
/// of at least 4.5 to 1 on its background, which a test computes.
pub(super) const COLOURS: [(&str, &str, &str); 14] = [
    ("page", "#fdfdfc", "#15171a"),
    ("card", "#f4f4f1", "#1e2125"),
    ("ink", "#1c1d1f", "#e8e8e6"),
    ("soft", "#5a5f66", "#a6adb5"),
    ("grid", "#e3e3df", "#33383e"),
    ("baseline", "#a84a00", "#f0904a"),
    ("hit", "#00639b", "#5cb8ee"),
    ("miss", "#99447a", "#dc9cc2"),
    ("stale", "#00694d", "#3fc79c"),
    ("event", "#a8001f", "#ff8a94"),
    ("good", "#00613f", "#4fd0a0"),
    ("bad", "#a8001f", "#ff8a94"),
    ("unsure", "#6b5200", "#e2bd55"),
    ("link", "#00639b", "#5cb8ee"),
];

const SHEET: &str = r#"
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main,footer{max-width:60rem;margin:0 auto;padding:0 1.25rem}
main{padding-top:2.5rem}
footer{padding:2rem 1.25rem 3rem;color:var(--soft);font-size:.85rem}
h1{font-size:2rem;line-height:1.2;margin:.1rem 0 .4rem;letter-spacing:-.01em;font-weight:650}
h2{font-size:1.3rem;line-height:1.3;margin:3rem 0 .6rem;font-weight:650}
h3{font-size:1rem;margin:1.6rem 0 .3rem;font-weight:650}
p{margin:.4rem 0}
.kicker{color:var(--soft);font-size:.85rem;letter-spacing:.04em;margin:0}
.when,.fine,.meta{color:var(--soft);font-size:.9rem}
section.run+section.run{margin-top:5rem;border-top:3px solid var(--grid);padding-top:2rem}
.notice{border-left:4px solid var(--unsure);background:var(--card);padding:.6rem .9rem;margin:.8rem 0}
.notice.invalid{border-color:var(--bad)}
ul.headlines{list-style:none;margin:1.6rem 0;padding:0;border-top:1px solid var(--grid)}
ul.headlines li{display:grid;grid-template-columns:8.6rem 1fr;gap:1rem;padding:.9rem 0;border-bottom:1px solid var(--grid);align-items:baseline}
ul.headlines p{margin:0}
.badge{display:inline-block;font-size:.78rem;font-weight:700;letter-spacing:.05em;text-transform:uppercase;border:1.5px solid currentColor;border-radius:.3rem;padding:.1rem .5rem;white-space:nowrap}
.badge.faster{color:var(--good)}.badge.slower,.badge.invalid{color:var(--bad)}.badge.inconclusive{color:var(--unsure)}.badge.same,.badge.none{color:var(--soft)}
.scroll{overflow-x:auto}
.scroll+.scroll{margin-top:1.2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem;width:100%}
th,td{padding:.28rem .7rem;text-align:right;vertical-align:baseline;white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{color:var(--soft);font-weight:600;border-bottom:1.5px solid var(--soft)}
.figures th[scope=rowgroup]{padding-top:1.1rem;font-size:1rem;white-space:normal}
.figures tbody tr.outcome td:first-child{padding-left:1.1rem}
.figures tr.outcome td{color:var(--soft)}
.figures tr.speed td{border-top:1px solid var(--grid);font-weight:650}
.figures tr.interval td{color:var(--soft);font-size:.85rem;padding-top:0}
.figures .facts{display:inline;font-weight:400;color:var(--soft);font-size:.9rem}
.swatch{display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.45em}
figure{margin:1.2rem 0 1.8rem}
figcaption{font-weight:600;margin-bottom:.2rem}
details{margin:.4rem 0;color:var(--ink)}
summary{cursor:pointer;color:var(--link);font-size:.9rem}
summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
details table{font-size:.82rem;margin-top:.4rem}
pre{background:var(--card);padding:.8rem 1rem;overflow-x:auto;font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:.3rem 1.4rem;margin:.8rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
ol.events{padding-left:1.4rem}
.at{font-variant-numeric:tabular-nums;font-weight:600;color:var(--event)}
.where{color:var(--soft)}
svg.chart{display:block;width:100%;height:auto}
svg.chart text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media (max-width:40rem){ul.headlines li{grid-template-columns:1fr;gap:.3rem}dl{grid-template-columns:1fr}dd{margin-bottom:.5rem}}
@media print{body{font-size:11pt}main,footer{max-width:none;padding:0}.scroll{overflow:visible}figure,tbody,ul.headlines li{break-inside:avoid}h2,h3{break-after:avoid}details:not([open])>*:not(summary){display:none}summary{display:none}}
"#;

/// The whole sheet.
pub(super) fn sheet() -> String {
    let mut sheet = String::new();
    let scheme = |dark: bool| {
        COLOURS.iter().fold(String::new(), |mut text, (name, light, night)| {
            let _ = write!(text, "--{name}:{};", if dark { night } else { light });
            text
        })
    };
    let _ = write!(sheet, ":root{{{}}}", scheme(false));
    let _ = write!(sheet, "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}", scheme(true));
    sheet.push_str(SHEET.trim());
    for (role, colour, name) in ROLES {
        let hex = crate::charts::hex(colour);
        let _ = write!(
            sheet,
            "\n.chart [fill=\"{hex}\"]{{fill:var(--{name})}}.chart [stroke=\"{hex}\"]{{stroke:var(--{name})}}"
        );
        if role.is_tail() {
            let _ = write!(sheet, ".chart polyline[stroke=\"{hex}\"]{{stroke-dasharray:5 4}}");
        }
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(hex: &str) -> f64 {
        let channel = |place: usize| {
            let value = f64::from(u8::from_str_radix(&hex[place..place + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_has_enough_contrast_in_both_schemes() {
        let [page, card, text @ ..] = COLOURS;
        for (name, light, dark) in text.into_iter().filter(|(name, ..)| *name != "grid") {
            for (background, colour) in [(page.1, light), (card.1, light), (page.2, dark), (card.2, dark)] {
                let found = contrast(background, colour);
                assert!(found >= 4.5, "{name}: {colour} on {background} is {found:.2}");
            }
        }
    }

    #[test]
    fn every_colour_of_a_chart_is_mapped_to_a_colour_that_exists() {
        for (role, _, name) in ROLES {
            assert!(COLOURS.iter().any(|(other, ..)| *other == name), "{role:?} wants --{name}");
        }
        assert!(!sheet().contains("url("));
    }
}
