//! Lines of the HdrHistogram interval log, as HdrHistogram's own tools read them.
//!
//! The tag of a line is `experiment/variant/outcome/timing/super-block`, which any log processor
//! can filter on. Format: `Tag=<tag>,<start s>,<length s>,<max ms>,<base64 of V2 + deflate>`, with the
//! legend and version comments of the reference implementation's log writer (version 1.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};

use crate::measurement::{LATENCY_DIGITS, LATENCY_NS_MAX, Timing};
use crate::outcome::Outcome;
use crate::variant::Variant;

/// Nanoseconds to a millisecond: the reference tools show the maximum in milliseconds.
const MAX_DIVISOR: f64 = 1e6;

/// What identifies one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Tag {
    pub(super) experiment: String,
    pub(super) variant: Variant,
    pub(super) outcome: Outcome,
    pub(super) timing: Timing,
    pub(super) superblock: u32,
}

impl Tag {
    fn text(&self) -> String {
        let Self { experiment, variant, outcome, timing, superblock } = self;
        format!("{experiment}/{variant}/{outcome}/{}/{superblock}", timing.as_str())
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let tag = Self {
            experiment: parts.next()?.to_owned(),
            variant: parts.next()?.parse().ok()?,
            outcome: parts.next()?.parse().ok()?,
            timing: {
                let name = parts.next()?;
                Timing::ALL.into_iter().find(|timing| timing.as_str() == name)?
            },
            superblock: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(tag)
    }
}

/// The comments with which a log begins.
pub(super) fn header(started_unix_ns: u64) -> String {
    let seconds = started_unix_ns as f64 / 1e9;
    format!(
        "#[Histogram log format version 1.3]\n#[StartTime: {seconds:.3} (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
    )
}

/// One line of the log, with its line feed.
pub(super) fn line(
    tag: &Tag,
    started_unix_ns: u64,
    duration_ns: u64,
    histogram: &Histogram<u64>,
) -> Result<String, String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).map_err(|error| error.to_string())?;
    Ok(format!(
        "Tag={},{:.3},{:.3},{:.3},{}\n",
        tag.text(),
        started_unix_ns as f64 / 1e9,
        duration_ns as f64 / 1e9,
        histogram.max() as f64 / MAX_DIVISOR,
        STANDARD.encode(bytes),
    ))
}

/// Reads one line. `None` for comments, the legend and blank lines.
pub(super) fn parse(line: &str) -> Result<Option<(Tag, Histogram<u64>)>, String> {
    if line.is_empty() || line.starts_with('#') || line.starts_with('"') {
        return Ok(None);
    }
    let fields: Vec<&str> = line.split(',').collect();
    let [tag, _start, _length, _max, encoded] = fields.as_slice() else {
        return Err(format!("an interval has 5 comma-separated fields, this has {}", fields.len()));
    };
    let tag = tag
        .strip_prefix("Tag=")
        .and_then(Tag::parse)
        .ok_or_else(|| format!("'{tag}' is not Tag=experiment/variant/outcome/timing/super-block"))?;
    let bytes = STANDARD.decode(encoded).map_err(|error| format!("the histogram is not base64: {error}"))?;
    let histogram: Histogram<u64> = Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| format!("the histogram cannot be decoded: {error:?}"))?;
    if histogram.sigfig() != LATENCY_DIGITS || histogram.high() != LATENCY_NS_MAX || histogram.low() != 1 {
        return Err(format!(
            "the histogram spans {}..{} with {} digits, hitmark's span 1..{LATENCY_NS_MAX} with {LATENCY_DIGITS}",
            histogram.low(),
            histogram.high(),
            histogram.sigfig()
        ));
    }
    Ok(Some((tag, histogram)))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::measurement::latency_histogram;

    fn tag() -> Tag {
        Tag {
            experiment: "product-detail".to_owned(),
            variant: Variant::Candidate,
            outcome: Outcome::Hit,
            timing: Timing::Body,
            superblock: 7,
        }
    }

    #[test]
    fn a_line_is_read_back_and_by_another_reader_of_the_format() {
        let mut histogram = latency_histogram();
        for value in [61_000, 62_000, 5_000_000] {
            histogram.saturating_record(value);
        }
        let line = line(&tag(), 1_700_000_000_250_000_000, 2_000_000_000, &histogram).unwrap();
        assert_eq!(parse(line.trim_end()).unwrap(), Some((tag(), histogram)));

        let log = header(1_700_000_000_000_000_000) + &line;
        let intervals: Vec<_> = IntervalLogIterator::new(log.as_bytes())
            .filter_map(|entry| match entry.unwrap() {
                LogEntry::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        assert_eq!(intervals.len(), 1);
        assert_eq!(intervals[0].tag().unwrap().as_str(), "product-detail/candidate/hit/body/7");
        assert!((intervals[0].max() - 5.0).abs() < 0.01, "{}", intervals[0].max());
    }

    #[test]
    fn a_broken_line_says_what_is_wrong() {
        for (line, part) in [
            ("Tag=a/b", "5 comma-separated fields"),
            ("Tag=a/b,0,1,2,x", "is not Tag="),
            ("Tag=a/candidate/hit/body/1,0,1,2,!", "not base64"),
            ("Tag=a/candidate/hit/body/1,0,1,2,AAAA", "cannot be decoded"),
        ] {
            assert!(parse(line).unwrap_err().contains(part), "{line}");
        }
        assert_eq!(parse("#[StartTime: 1]").unwrap(), None);
    }
}
