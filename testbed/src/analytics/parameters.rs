//! What the analytics endpoints can be asked. Every filter that is left out is `all`, which is also
//! what stands in its place in a key.

use super::pagination::PaginationParams;
use super::seed::{
    ALERT_TYPES, CATEGORIES, DAYS, FIRST_DAY, PRIORITIES, REGIONS, RISKS, SEGMENTS, STATUSES, STREAMS,
};
use crate::parameters::{Mistakes, Parameters};

/// A filter that lets everything through.
pub(super) const ALL: &str = "all";

type Read<T> = Result<T, Mistakes>;

#[derive(Debug, Clone)]
pub(super) struct Revenue {
    pub(super) granularity: &'static str,
    /// The first day, in days since 1970.
    pub(super) start: i64,
    /// The day after the last.
    pub(super) end: i64,
    pub(super) region: &'static str,
    pub(super) category: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Segments {
    pub(super) segment_type: &'static str,
    pub(super) include_predictions: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Products {
    pub(super) category: &'static str,
    pub(super) sort_by: &'static str,
    pub(super) time_range: &'static str,
    pub(super) include_recommendations: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Customers {
    pub(super) segment: &'static str,
    pub(super) risk_level: &'static str,
    pub(super) sort_by: &'static str,
    pub(super) page: PaginationParams,
    /// With a cursor there is no page: the list goes on behind this id.
    pub(super) after: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Alerts {
    pub(super) status: &'static str,
    pub(super) priority: &'static str,
    pub(super) alert_type: &'static str,
    pub(super) page: PaginationParams,
}

#[derive(Debug, Clone)]
pub(super) struct Metrics {
    pub(super) stream_type: &'static str,
    pub(super) time_window: &'static str,
}

impl Revenue {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let known = ["granularity", "start_date", "end_date", "region", "category"];
        let mut parameters = Parameters::read(query, &known);
        let (first, last) = (FIRST_DAY as i64, (FIRST_DAY + DAYS) as i64);
        let read = Self {
            granularity: parameters.choice("granularity", "monthly", &["daily", "weekly", "monthly"]),
            start: parameters.day("start_date", first),
            end: parameters.day("end_date", last),
            region: parameters.choice("region", ALL, REGIONS),
            category: parameters.choice("category", ALL, CATEGORIES),
        };
        if read.start >= read.end {
            parameters.mistake("end_date", "must lie after start_date");
        }
        parameters.finish(read)
    }
}

impl Segments {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let mut parameters = Parameters::read(query, &["segment_type", "include_predictions"]);
        let read = Self {
            segment_type: parameters.choice("segment_type", "value", &["value", "region", "risk"]),
            include_predictions: parameters.flag("include_predictions"),
        };
        parameters.finish(read)
    }
}

impl Products {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let known = ["category", "sort_by", "time_range", "include_recommendations"];
        let mut parameters = Parameters::read(query, &known);
        let read = Self {
            category: parameters.choice("category", ALL, CATEGORIES),
            sort_by: parameters.choice("sort_by", "revenue", &["revenue", "units", "buyers"]),
            time_range: parameters.choice("time_range", "90d", &["7d", "30d", "90d", "365d"]),
            include_recommendations: parameters.flag("include_recommendations"),
        };
        parameters.finish(read)
    }
}

impl Customers {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let known = ["segment", "risk_level", "sort_by", "page", "size", "after"];
        let mut parameters = Parameters::read(query, &known);
        let read = Self {
            segment: parameters.choice("segment", ALL, SEGMENTS),
            risk_level: parameters.choice("risk_level", ALL, RISKS),
            sort_by: parameters.choice("sort_by", "id", &["id", "lifetime"]),
            page: PaginationParams::read(&mut parameters),
            after: parameters.id("after"),
        };
        if read.after.is_some() && (read.sort_by != "id" || read.page.page != 1) {
            parameters.mistake("after", "goes with sort_by=id and without page");
        }
        parameters.finish(read)
    }
}

impl Alerts {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let mut parameters = Parameters::read(query, &["status", "priority", "alert_type", "page", "size"]);
        let read = Self {
            status: parameters.choice("status", ALL, STATUSES),
            priority: parameters.choice("priority", ALL, PRIORITIES),
            alert_type: parameters.choice("alert_type", ALL, ALERT_TYPES),
            page: PaginationParams::read(&mut parameters),
        };
        parameters.finish(read)
    }
}

impl Metrics {
    pub(super) fn read(query: Option<&str>) -> Read<Self> {
        let mut parameters = Parameters::read(query, &["stream_type", "time_window"]);
        let read = Self {
            stream_type: parameters.choice("stream_type", ALL, STREAMS),
            time_window: parameters.choice("time_window", "24h", &["1h", "24h", "7d"]),
        };
        parameters.finish(read)
    }
}

/// A single choice, such as the dashboard's time range.
pub(super) fn one_choice(
    query: Option<&str>,
    name: &'static str,
    default: &'static str,
    choices: &'static [&'static str],
) -> Read<&'static str> {
    let mut parameters = Parameters::read(query, &[name]);
    let chosen = parameters.choice(name, default, choices);
    parameters.finish(chosen)
}

/// The number of a row in a path.
pub(super) fn id(text: &str) -> Read<i64> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(Mistakes::one("id", "must be a whole number from 1")),
    }
}

/// The seconds that a range such as `24h` or `30d` means.
pub(super) fn range_s(range: &str) -> i64 {
    let (number, unit) = range.split_at(range.len() - 1);
    number.parse::<i64>().unwrap_or(1) * if unit == "h" { 3_600 } else { 86_400 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let wrong = Revenue::read(Some("granularity=hourly&start_date=2023-02-30&region=mars")).unwrap_err();
        assert_eq!(wrong.names(), ["granularity", "start_date", "region"]);
        let wrong = Revenue::read(Some("start_date=2024-01-02&end_date=2024-01-02")).unwrap_err();
        assert_eq!(wrong.names(), ["end_date"]);
        let wrong = Customers::read(Some("after=7&page=2")).unwrap_err();
        assert_eq!(wrong.names(), ["after"]);
    }

    #[test]
    fn a_range_is_hours_or_days() {
        assert_eq!((range_s("1h"), range_s("7d")), (3_600, 604_800));
    }
}
