//! Panels become SVG. The only file that knows plotters.
//!
//! plotters is built without fonts: it writes `<text>` and estimates widths, so all room for text is
//! given here by number. It knows neither titles nor classes, so the root element is written anew,
//! and colours are mapped by the style sheet of the page.

use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette::Role;
use super::panel::{Axis, Label, Mark, Panel};

/// Width of every chart in pixels; the page scales it.
pub(crate) const WIDTH: u32 = 800;
/// Room for the names at the right edge, at least and at most.
const LABELS_WIDTH: (u32, u32) = (132, 250);
/// Room for the texts of the y axis, at least and at most.
const Y_TEXTS_WIDTH: (u32, u32) = (64, 190);
/// Width of a character, for the room that texts need.
const CHAR_WIDTH: u32 = 8;
/// Room for the texts of the x axis.
const X_TEXTS_HEIGHT: u32 = 46;
/// Room above the axes, which holds the texts of upright lines.
const TOP: u32 = 30;
/// Distance between two names at the right edge.
const LINE_HEIGHT: f64 = 16.0;

type Failure<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Context<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Ticked, Ticked>>;

/// A linear axis whose ticks are given. plotters' own binding of ticks knows no formatter for
/// floating-point numbers.
struct Ticked {
    range: std::ops::Range<f64>,
    ticks: Vec<f64>,
}

impl From<&Axis> for Ticked {
    fn from(axis: &Axis) -> Self {
        Self { range: axis.range.0..axis.range.1, ticks: axis.ticks.iter().map(|(at, _)| *at).collect() }
    }
}

impl Ranged for Ticked {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.range.clone()
    }
}

/// The panels below each other as one `<svg>` element with title and description.
pub(super) fn svg(id: &str, title: &str, desc: &str, panels: &[Panel]) -> String {
    let height: u32 = panels.iter().map(|panel| panel.height).sum();
    let mut drawn = String::new();
    // Writing to a string cannot fail; should plotters refuse a panel, the table still has it all.
    let body = match draw(&mut drawn, height, panels) {
        Ok(()) => body(&drawn),
        Err(_) => {
            "<text x=\"20\" y=\"20\">This chart could not be drawn; its numbers are below.</text>".to_owned()
        }
    };
    let (title, desc) = (escape(title), escape(desc));
    format!(
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 {WIDTH} {height}\">\
         <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{desc}</desc>\n{body}</svg>"
    )
}

/// What stands within plotters' root element, without the attributes that say the default.
fn body(drawn: &str) -> String {
    let inner = drawn.split_once(">\n").map_or("", |(_, inner)| inner);
    let inner = inner.rsplit_once("</svg>").map_or(inner, |(inner, _)| inner);
    let mut body = inner.replace(" opacity=\"1\"", "").replace(" font-family=\"sans-serif\"", "");
    body = body.replace(" stroke-width=\"1\"", "").replace(" \"/>", "\"/>").replace("\n</text>", "</text>");
    body
}

fn draw<'a>(drawn: &'a mut String, height: u32, panels: &[Panel]) -> Result<(), Failure<'a>> {
    let root = SVGBackend::with_string(drawn, (WIDTH, height)).into_drawing_area();
    let mut rest = root.clone();
    let frame = Frame::around(panels);
    for panel in panels {
        let (area, below) = rest.split_vertically(panel.height);
        draw_panel(&area, panel, frame)?;
        rest = below;
    }
    root.present()
}

/// The room for texts on both sides, the same for all panels: what is above each other happened at the
/// same time.
#[derive(Debug, Clone, Copy)]
struct Frame {
    y_texts: u32,
    labels: u32,
}

impl Frame {
    fn around(panels: &[Panel]) -> Self {
        let y_texts = panels.iter().flat_map(|panel| panel.y.ticks.iter().map(|(_, text)| text));
        let labels = panels.iter().flat_map(|panel| panel.labels.iter().map(|label| &label.text));
        Self { y_texts: room(y_texts, 14, Y_TEXTS_WIDTH), labels: room(labels, 12, LABELS_WIDTH) }
    }
}

/// What the longest text needs with its margin, within bounds.
fn room<'t>(texts: impl Iterator<Item = &'t String>, margin: u32, (least, most): (u32, u32)) -> u32 {
    let longest = texts.map(|text| text.chars().count()).max().unwrap_or(0);
    (u32::try_from(longest).unwrap_or(most).saturating_mul(CHAR_WIDTH) + margin).clamp(least, most)
}

fn draw_panel<'a>(area: &Area<'a>, panel: &Panel, frame: Frame) -> Result<(), Failure<'a>> {
    let mut chart: Context<'a> = ChartBuilder::on(area)
        .margin_top(TOP)
        .margin_right(frame.labels)
        .x_label_area_size(X_TEXTS_HEIGHT)
        .y_label_area_size(frame.y_texts)
        .build_cartesian_2d(Ticked::from(&panel.x), Ticked::from(&panel.y))?;
    let text = ("sans-serif", 15).into_font().color(&Role::Ink.colour());
    chart
        .configure_mesh()
        .axis_style(Role::Reference.colour())
        .bold_line_style(Role::Grid.colour())
        .label_style(text.clone())
        .axis_desc_style(text)
        .x_desc(&panel.x.title)
        .x_label_formatter(&|at| panel.x.tick_text(*at))
        .y_label_formatter(&|at| panel.y.tick_text(*at))
        .draw()?;
    for mark in &panel.marks {
        draw_mark(&mut chart, panel, mark)?;
    }
    // The title of the y axis lies above it: turned text is hard to read.
    area.draw(&Text::new(
        panel.y.title.clone(),
        (4, 4),
        style(Role::Ink).pos(Pos::new(HPos::Left, VPos::Top)),
    ))?;
    draw_labels(area, panel, frame)
}

fn draw_mark<'a>(chart: &mut Context<'a>, panel: &Panel, mark: &Mark) -> Result<(), Failure<'a>> {
    let ((left, right), (bottom, top)) = (panel.x.range, panel.y.range);
    let area = |from: (f64, f64), to: (f64, f64), role: Role| {
        Rectangle::new([from, to], role.colour().mix(0.16).filled())
    };
    match mark {
        Mark::Line { role, points } => {
            chart.draw_series(std::iter::once(PathElement::new(
                points.clone(),
                role.colour().stroke_width(2),
            )))?;
        }
        Mark::Dots { role, points } => {
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, role.colour().filled())))?;
        }
        Mark::Band { role, from, to } => {
            chart.draw_series([area((left, *from), (right, *to), *role)])?;
        }
        Mark::Column { role, from, to } => {
            chart.draw_series([area((*from, bottom), (*to, top), *role)])?;
        }
        Mark::Across { role, y } => {
            chart.draw_series([PathElement::new(
                vec![(left, *y), (right, *y)],
                role.colour().stroke_width(2),
            )])?;
        }
        Mark::Upright { role, x, text } => {
            chart.draw_series([PathElement::new(
                vec![(*x, bottom), (*x, top)],
                role.colour().stroke_width(2),
            )])?;
            let anchored = style(*role).pos(Pos::new(HPos::Center, VPos::Bottom));
            chart.draw_series([EmptyElement::at((*x, top)) + Text::new(text.clone(), (0, -3), anchored)])?;
        }
        Mark::Interval { role, y, at, from, to } => {
            chart.draw_series([PathElement::new(
                vec![(*from, *y), (*to, *y)],
                role.colour().stroke_width(3),
            )])?;
            chart.draw_series([Circle::new((*at, *y), 5, role.colour().filled())])?;
        }
    }
    Ok(())
}

/// Writes the names at the right edge, moved apart where they would overlap.
fn draw_labels<'a>(area: &Area<'a>, panel: &Panel, frame: Frame) -> Result<(), Failure<'a>> {
    let x = (WIDTH - frame.labels + 6) as i32;
    for (label, y) in panel.labels.iter().zip(label_heights(panel)) {
        let text =
            Text::new(label.text.clone(), (x, y), style(label.role).pos(Pos::new(HPos::Left, VPos::Center)));
        area.draw(&text)?;
    }
    Ok(())
}

fn label_heights(panel: &Panel) -> Vec<i32> {
    let plot = f64::from(panel.height - TOP - X_TEXTS_HEIGHT);
    let (bottom, top) = panel.y.range;
    let height = |label: &Label| f64::from(TOP) + plot * (top - label.y) / (top - bottom);
    let mut order: Vec<(usize, f64)> = panel.labels.iter().map(height).enumerate().collect();
    order.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut heights = vec![0; panel.labels.len()];
    let mut free = f64::from(TOP);
    // Later ones need room below: the last may end at the bottom of the panel.
    for (place, (label, wanted)) in order.iter().enumerate() {
        let below = (order.len() - 1 - place) as f64 * LINE_HEIGHT;
        let y = wanted.min(f64::from(TOP) + plot - below).max(free);
        heights[*label] = y.round() as i32;
        free = y + LINE_HEIGHT;
    }
    heights
}

fn style(role: Role) -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&role.colour())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            ch if ch.is_control() => {
                let _ = write!(escaped, " ");
            }
            ch => escaped.push(ch),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::ticks;

    fn panel() -> Panel {
        Panel {
            height: 200,
            x: ticks::linear(0.0, 10.0, "seconds", |value| format!("{value} s")),
            y: ticks::logarithmic([10.0, 1_000.0].into_iter(), "latency", |value| format!("{value} ns")),
            marks: vec![
                Mark::Line { role: Role::Hit, points: vec![(0.0, 1.0), (10.0, 3.0)] },
                Mark::Dots { role: Role::Miss, points: vec![(5.0, 2.0)] },
                Mark::Upright { role: Role::Event, x: 4.0, text: "cache <away>".to_owned() },
            ],
            labels: ["a", "b"].map(|text| Label { y: 3.0, text: text.to_owned(), role: Role::Hit }).to_vec(),
        }
    }

    #[test]
    fn the_element_has_title_description_labels_and_escaped_text() {
        let svg = svg("x", "A & B", "from <a> to \"b\"", &[panel()]);
        assert!(svg.starts_with("<svg class=\"chart\" role=\"img\" aria-labelledby=\"x-t x-d\""), "{svg}");
        assert!(svg.contains("<title id=\"x-t\">A &amp; B</title>"));
        assert!(svg.contains("<desc id=\"x-d\">from &lt;a&gt; to &quot;b&quot;</desc>"));
        for part in ["cache &lt;away&gt;", "500 ns", "10 s", "#0072B2", "#CC79A7", "latency", "seconds"] {
            assert!(svg.contains(part), "{part} is missing:\n{svg}");
        }
        assert!(!svg.contains("http"), "{svg}");
    }

    #[test]
    fn panels_below_each_other_have_the_same_frame_whatever_their_texts() {
        let mut wide = panel();
        wide.y.ticks = vec![(2.0, "1,000,000 MB".to_owned())];
        wide.labels[0].text = "cached, zipf 0.6, users 2".to_owned();
        let frame = Frame::around(&[panel(), wide]);
        assert_eq!((frame.y_texts, frame.labels), (12 * CHAR_WIDTH + 14, 25 * CHAR_WIDTH + 12));
        let alone = Frame::around(&[panel()]);
        assert_eq!(alone.labels, LABELS_WIDTH.0, "short names leave the room to the lines");
    }

    #[test]
    fn names_at_the_same_height_are_moved_apart() {
        let heights = label_heights(&panel());
        assert!((heights[1] - heights[0]).abs() >= 15, "{heights:?}");
    }

    #[test]
    fn the_same_panel_gives_the_same_bytes() {
        assert_eq!(svg("x", "t", "d", &[panel()]), svg("x", "t", "d", &[panel()]));
    }
}
