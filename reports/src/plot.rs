//! The miss-ratio curve as characters, for a terminal: the picture of the page at the size of a table.
//!
//! The area under the curve is what a cache of that size misses. Eighths of a block resolve a row, so
//! that a dozen rows show a percent. No colours and no control characters: it can be piped and pasted.

use hitmark_schema::whatif::WhatIf;

use crate::format::{binary, count};

const WIDTH: usize = 64;
const HEIGHT: usize = 12;
/// From empty to full, in eighths from below.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Columns between two labels at least.
const GAP: usize = 3;

/// The curve over bytes where sizes are known, else over entries, with the knee and, of a running
/// cache, its present size; none if there are fewer than two sizes.
pub(crate) fn miss_ratio_plot(whatif: &WhatIf) -> Option<String> {
    let curve = Curve::of(whatif)?;
    let highest = top(curve.points.iter().map(|(_, miss)| *miss).fold(0.0, f64::max));
    let eighths: Vec<usize> = (0..WIDTH)
        .map(|column| (curve.miss_ratio(curve.size_at(column)) / highest * (8 * HEIGHT) as f64).round())
        .map(|filled| filled as usize)
        .collect();
    let mut lines = vec![format!("miss ratio by cache size in {}", curve.scale.name())];
    for row in (0..HEIGHT).rev() {
        let cells = eighths.iter().map(|filled| EIGHTHS[filled.saturating_sub(8 * row).min(8)]);
        let at = (row + 1) as f64 / HEIGHT as f64 * highest;
        let label = if (row + 1) % 3 == 0 {
            format!("{:.*} %", decimals(highest), at * 100.0)
        } else {
            String::new()
        };
        lines.push(line(&label, '┤', cells));
    }
    let (ticks, labels) = curve.axis();
    lines.push(line("0 %", '└', ticks.into_iter()));
    lines.push(line("", ' ', labels.into_iter()));
    lines.extend(curve.marks().map(|marks| line("", ' ', marks.into_iter())));
    Some(lines.join("\n"))
}

/// One line: a label, the axis, what stands beside it. Nothing trails.
fn line(label: &str, axis: char, cells: impl Iterator<Item = char>) -> String {
    let cells: String = cells.collect();
    format!("{label:>7} {axis}{cells}").trim_end().to_owned()
}

/// The round ratio that the highest row stands for: four labels of it are round as well.
fn top(highest: f64) -> f64 {
    let steps = [0.0004, 0.001, 0.002, 0.004, 0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8];
    steps.into_iter().find(|top| highest <= *top).unwrap_or(1.0)
}

fn decimals(top: f64) -> usize {
    match top {
        top if top < 0.004 => 2,
        top if top < 0.04 => 1,
        _ => 0,
    }
}

/// What sizes are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Entries,
    Bytes,
}

/// What is drawn: misses by size, smallest first.
struct Curve {
    scale: Scale,
    points: Vec<(f64, f64)>,
    /// Sizes that are pointed out, with their names.
    marked: Vec<(f64, String)>,
}

impl Curve {
    fn of(whatif: &WhatIf) -> Option<Self> {
        let now = whatif.live.as_ref().and_then(|live| live.capacity_bytes);
        let (scale, points, knee, now) = match &whatif.by_bytes {
            Some(points) => {
                let points = points.iter().map(|point| (point.bytes, point.hit_ratio)).collect();
                (Scale::Bytes, points, whatif.knee.and_then(|knee| knee.bytes), now)
            }
            None => {
                let points = whatif.by_entries.iter().map(|point| (point.entries, point.hit_ratio)).collect();
                (Scale::Entries, points, whatif.knee.map(|knee| knee.entries), None)
            }
        };
        let points: Vec<(u64, f64)> = points;
        let marked =
            [("knee", knee), ("now", now)].into_iter().filter_map(|(name, size)| Some((name, size?)));
        let curve = Self {
            scale,
            points: points.into_iter().map(|(size, hit_ratio)| (size as f64, 1.0 - hit_ratio)).collect(),
            marked: marked
                .map(|(name, size)| (size as f64, format!("{name}: {}", scale.text(size))))
                .collect(),
        };
        (curve.points.len() >= 2 && curve.first() > 0.0 && curve.last() > curve.first()).then_some(curve)
    }

    fn first(&self) -> f64 {
        self.points.first().map_or(1.0, |(size, _)| *size)
    }

    fn last(&self) -> f64 {
        self.points.last().map_or(1.0, |(size, _)| *size)
    }

    /// The size that a column stands for: columns are evenly apart on a logarithmic axis.
    fn size_at(&self, column: usize) -> f64 {
        self.first() * (self.last() / self.first()).powf(column as f64 / (WIDTH - 1) as f64)
    }

    /// The column of a size, if it is on the axis.
    fn column_of(&self, size: f64) -> Option<usize> {
        let share = (size / self.first()).ln() / (self.last() / self.first()).ln();
        (-1e-9..=1.0 + 1e-9).contains(&share).then(|| (share * (WIDTH - 1) as f64).round() as usize)
    }

    /// Between two points, in proportion to the logarithm of the size.
    fn miss_ratio(&self, size: f64) -> f64 {
        let after = self.points.partition_point(|(other, _)| *other <= size);
        match (after.checked_sub(1).map(|before| self.points[before]), self.points.get(after)) {
            (Some((low, miss)), Some((high, next))) => {
                miss + (next - miss) * (size / low).ln() / (high / low).ln()
            }
            (Some((_, miss)), None) | (None, Some(&(_, miss))) => miss,
            (None, None) => 0.0,
        }
    }

    /// Ticks and their labels: as many round sizes as have room, or else the ends.
    fn axis(&self) -> (Vec<char>, Vec<char>) {
        let label = |size: f64| Some((self.column_of(size)?, self.scale.tick(size as u64)));
        let round: Vec<(usize, String)> = self.scale.round_sizes().into_iter().filter_map(label).collect();
        let every = |step| round.iter().step_by(step).cloned().collect();
        let shown = (1..=round.len()).map(every).find(|labels: &Vec<_>| has_room(labels));
        let ends = || [self.first(), self.last()].into_iter().filter_map(label).collect();
        let shown = shown.filter(|labels| labels.len() > 1).unwrap_or_else(ends);
        let (mut ticks, mut labels) = (vec!['─'; WIDTH], vec![' '; WIDTH]);
        for (column, text) in &shown {
            ticks[*column] = '┴';
            write(&mut labels, start_of(*column, text), text);
        }
        (ticks, labels)
    }

    /// A line for each size that is pointed out: on the axis, or beyond its end.
    fn marks(&self) -> impl Iterator<Item = Vec<char>> {
        self.marked.iter().filter_map(|(size, name)| {
            let mut cells = vec![' '; WIDTH];
            if *size > self.last() {
                let beyond = format!("{name} →");
                write(&mut cells, WIDTH.saturating_sub(beyond.chars().count()), &beyond);
                return Some(cells);
            }
            let column = self.column_of(*size)?;
            let after = format!("▲ {name}");
            let (start, text) = match column.checked_sub(after.chars().count() - 1) {
                Some(start) if column + after.chars().count() > WIDTH => (start, format!("{name} ▲")),
                _ => (column, after),
            };
            write(&mut cells, start, &text);
            Some(cells)
        })
    }
}

impl Scale {
    const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Bytes => "bytes",
        }
    }

    fn text(self, size: u64) -> String {
        match self {
            Self::Entries => count(size),
            Self::Bytes => binary(size),
        }
    }

    /// The same without the decimals of a round number.
    fn tick(self, size: u64) -> String {
        let text = self.text(size);
        match text.split_once(' ').and_then(|(number, unit)| Some((number.split_once('.')?, unit))) {
            Some(((whole, zeros), unit)) if zeros.bytes().all(|digit| digit == b'0') => {
                format!("{whole} {unit}")
            }
            _ => text,
        }
    }

    /// Sizes that one names: 1, 2, 5, 10 … entries; powers of two in bytes.
    fn round_sizes(self) -> Vec<f64> {
        match self {
            Self::Entries => {
                (0..18).flat_map(|power| [1.0, 2.0, 5.0].map(|head| head * 10_f64.powi(power))).collect()
            }
            Self::Bytes => (0..60).map(|power| 2_f64.powi(power)).collect(),
        }
    }
}

/// Where a label begins that is centred on its tick as far as the picture reaches.
fn start_of(column: usize, text: &str) -> usize {
    let length = text.chars().count();
    column.saturating_sub(length / 2).min(WIDTH.saturating_sub(length))
}

/// Whether labels in a row stay apart.
fn has_room(labels: &[(usize, String)]) -> bool {
    labels.windows(2).all(|pair| {
        let end = start_of(pair[0].0, &pair[0].1) + pair[0].1.chars().count();
        end + GAP <= start_of(pair[1].0, &pair[1].1)
    })
}

fn write(cells: &mut [char], start: usize, text: &str) {
    for (cell, character) in cells.iter_mut().skip(start).zip(text.chars()) {
        *cell = character;
    }
}

#[cfg(test)]
mod tests {
    use hitmark_schema::whatif::{BytePoint, CurvePoint, Knee, Live};

    use super::*;
    use crate::whatif::tests::whatif;

    #[test]
    fn the_area_falls_from_what_the_smallest_cache_misses_to_what_every_cache_misses() {
        let mut whatif = whatif();
        whatif.by_entries = [(1, 0.2), (100, 0.5), (10_000, 0.8)]
            .map(|(entries, hit_ratio)| CurvePoint { entries, hit_ratio })
            .to_vec();
        whatif.knee = Some(Knee { entries: 100, hit_ratio: 0.5, bytes: None });
        let plot = miss_ratio_plot(&whatif).expect("a curve");
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), 1 + HEIGHT + 3, "{plot}");
        assert_eq!(lines[0], "miss ratio by cache size in entries");
        assert!(lines[1].starts_with("   80 % ┤█") && lines[12].ends_with('█'), "{plot}");
        let filled = |line: &str| line.chars().filter(|cell| *cell == '█').count();
        assert!(lines[1..=HEIGHT].windows(2).all(|pair| filled(pair[0]) <= filled(pair[1])), "{plot}");
        // 20 % of 80 %: a quarter of the rows is full to the right end.
        assert_eq!(lines[1..=HEIGHT].iter().filter(|line| filled(line) == WIDTH).count(), 3, "{plot}");
        assert!(lines[14].contains("1") && lines[14].ends_with("10,000"), "{plot}");
        assert_eq!(lines[15].find('▲'), lines[13].find('┴').map(|_| 9 + 32), "{plot}");
        assert!(
            plot.lines().all(|line| line.trim_end() == line && line.chars().count() <= WIDTH + 9),
            "{plot}"
        );
    }

    #[test]
    fn sizes_in_bytes_are_preferred_and_the_present_one_of_a_running_cache_is_pointed_out() {
        let mut whatif = whatif();
        whatif.knee = Some(Knee { entries: 100, hit_ratio: 0.5, bytes: Some(4 << 20) });
        whatif.by_bytes = Some(
            [(1 << 20, 0.2), (1 << 30, 0.999)]
                .map(|(bytes, hit_ratio)| BytePoint { bytes, hit_ratio, byte_hit_ratio: None })
                .to_vec(),
        );
        whatif.live =
            Some(Live { window_seconds: 60.0, dropped: 0, capacity_bytes: Some(1 << 30), now: None });
        let plot = miss_ratio_plot(&whatif).expect("a curve");
        for part in ["size in bytes", "▲ knee: 4.00 MiB", "now: 1.00 GiB ▲", " 64 MiB "] {
            assert!(plot.contains(part), "missing {part} in:\n{plot}");
        }
        whatif.live =
            Some(Live { window_seconds: 60.0, dropped: 0, capacity_bytes: Some(1 << 40), now: None });
        let plot = miss_ratio_plot(&whatif).expect("a curve");
        assert!(
            plot.ends_with("now: 1,024 GiB →"),
            "beyond the axis there is an arrow:
{plot}"
        );
    }

    #[test]
    fn small_ratios_get_an_axis_of_their_own_and_labels_never_touch() {
        for last in [3, 40, 7_000, 90_000_000_000] {
            let mut whatif = whatif();
            whatif.by_entries = [(2, 0.997), (last, 0.9999)]
                .map(|(entries, hit_ratio)| CurvePoint { entries, hit_ratio })
                .to_vec();
            let plot = miss_ratio_plot(&whatif).expect("a curve");
            assert!(plot.contains("0.40 % ┤") || plot.contains("0.4 % ┤"), "{plot}");
            let labels = plot.lines().nth(HEIGHT + 2).expect("labels");
            assert!(labels.split_whitespace().count() >= 2, "{plot}");
        }
    }

    #[test]
    fn a_curve_of_one_size_has_no_picture() {
        let mut whatif = whatif();
        whatif.by_entries.truncate(1);
        assert_eq!(miss_ratio_plot(&whatif), None);
    }
}
