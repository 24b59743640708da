//! Which line of which answer becomes which sample.
//!
//! A server that does not write a field has no sample for it: versions and builds differ.

use std::collections::{BTreeMap, HashMap};

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use hitmark_schema::metrics::Metric;

use crate::collectors::Collected;

/// Most slab classes that are shown; servers have 63 at most.
const CLASSES_MAX: usize = 256;

/// Fields of `stats`.
const SERVER: &[(&str, Metric)] = &[
    ("uptime", m::MEMCACHED_UPTIME),
    ("time", m::MEMCACHED_TIME),
    ("rusage_user", m::MEMCACHED_CPU_USER),
    ("rusage_system", m::MEMCACHED_CPU_SYSTEM),
    ("bytes_read", m::MEMCACHED_READ_BYTES),
    ("bytes_written", m::MEMCACHED_WRITTEN_BYTES),
    ("curr_connections", m::MEMCACHED_CONNECTIONS),
    ("total_connections", m::MEMCACHED_CONNECTIONS_TOTAL),
    ("rejected_connections", m::MEMCACHED_CONNECTIONS_REJECTED),
    ("conn_yields", m::MEMCACHED_CONNECTIONS_YIELDED),
    ("listen_disabled_num", m::MEMCACHED_LISTENER_DISABLED),
    ("accepting_conns", m::MEMCACHED_ACCEPTING),
    ("bytes", m::MEMCACHED_BYTES),
    ("limit_maxbytes", m::MEMCACHED_LIMIT),
    ("curr_items", m::MEMCACHED_ITEMS),
    ("total_items", m::MEMCACHED_ITEMS_TOTAL),
    ("evictions", m::MEMCACHED_EVICTED),
    ("reclaimed", m::MEMCACHED_RECLAIMED),
    ("store_too_large", m::MEMCACHED_TOO_LARGE),
    ("store_no_memory", m::MEMCACHED_NO_MEMORY),
    ("direct_reclaims", m::MEMCACHED_DIRECT_RECLAIMS),
    ("lru_crawler_starts", m::MEMCACHED_CRAWLER_STARTS),
    ("crawler_reclaimed", m::MEMCACHED_CRAWLER_RECLAIMED),
    ("crawler_items_checked", m::MEMCACHED_CRAWLER_CHECKED),
    ("moves_to_cold", m::MEMCACHED_TO_COLD),
    ("moves_to_warm", m::MEMCACHED_TO_WARM),
    ("moves_within_lru", m::MEMCACHED_WITHIN),
    ("extstore_compact_lost", m::MEMCACHED_EXT_LOST),
    ("extstore_compact_rescues", m::MEMCACHED_EXT_RESCUED),
    ("extstore_compact_skipped", m::MEMCACHED_EXT_SKIPPED),
    ("extstore_page_allocs", m::MEMCACHED_EXT_PAGES_ALLOCATED),
    ("extstore_page_evictions", m::MEMCACHED_EXT_PAGES_EVICTED),
    ("extstore_page_reclaims", m::MEMCACHED_EXT_PAGES_RECLAIMED),
    ("extstore_pages_free", m::MEMCACHED_EXT_PAGES_FREE),
    ("extstore_pages_used", m::MEMCACHED_EXT_PAGES_USED),
    ("extstore_objects_evicted", m::MEMCACHED_EXT_OBJECTS_EVICTED),
    ("extstore_objects_read", m::MEMCACHED_EXT_OBJECTS_READ),
    ("extstore_objects_written", m::MEMCACHED_EXT_OBJECTS_WRITTEN),
    ("extstore_objects_used", m::MEMCACHED_EXT_OBJECTS_USED),
    ("extstore_bytes_evicted", m::MEMCACHED_EXT_BYTES_EVICTED),
    ("extstore_bytes_read", m::MEMCACHED_EXT_BYTES_READ),
    ("extstore_bytes_written", m::MEMCACHED_EXT_BYTES_WRITTEN),
    ("extstore_bytes_used", m::MEMCACHED_EXT_BYTES_USED),
    ("extstore_bytes_fragmented", m::MEMCACHED_EXT_BYTES_FRAGMENTED),
    ("extstore_limit_maxbytes", m::MEMCACHED_EXT_BYTES_LIMIT),
    ("extstore_io_queue", m::MEMCACHED_EXT_QUEUE),
];

/// Fields of `stats settings`.
const SETTINGS: &[(&str, Metric)] = &[
    ("maxconns", m::MEMCACHED_CONNECTIONS_MAX),
    ("lru_crawler", m::MEMCACHED_CRAWLER_ENABLED),
    ("lru_crawler_sleep", m::MEMCACHED_CRAWLER_SLEEP),
    ("lru_crawler_tocrawl", m::MEMCACHED_CRAWLER_TO_CRAWL),
    ("lru_maintainer_thread", m::MEMCACHED_MAINTAINER),
    ("hot_lru_pct", m::MEMCACHED_HOT_PERCENT),
    ("warm_lru_pct", m::MEMCACHED_WARM_PERCENT),
    ("hot_max_factor", m::MEMCACHED_HOT_FACTOR),
    ("warm_max_factor", m::MEMCACHED_WARM_FACTOR),
];

/// Fields of a class in `stats slabs`.
const SLABS: &[(&str, Metric)] = &[
    ("chunk_size", m::MEMCACHED_SLAB_CHUNK_SIZE),
    ("chunks_per_page", m::MEMCACHED_SLAB_CHUNKS_PER_PAGE),
    ("total_pages", m::MEMCACHED_SLAB_PAGES),
    ("total_chunks", m::MEMCACHED_SLAB_CHUNKS),
    ("used_chunks", m::MEMCACHED_SLAB_CHUNKS_USED),
    ("free_chunks", m::MEMCACHED_SLAB_CHUNKS_FREE),
    ("free_chunks_end", m::MEMCACHED_SLAB_CHUNKS_FREE_END),
];

/// Fields of a class in `stats items`.
const ITEMS: &[(&str, Metric)] = &[
    ("number", m::MEMCACHED_SLAB_ITEMS),
    ("age", m::MEMCACHED_SLAB_AGE),
    ("number_hot", m::MEMCACHED_SLAB_HOT),
    ("number_warm", m::MEMCACHED_SLAB_WARM),
    ("number_cold", m::MEMCACHED_SLAB_COLD),
    ("number_temp", m::MEMCACHED_SLAB_TEMPORARY),
    ("age_hot", m::MEMCACHED_SLAB_HOT_AGE),
    ("age_warm", m::MEMCACHED_SLAB_WARM_AGE),
    ("mem_requested", m::MEMCACHED_SLAB_REQUESTED),
    ("crawler_reclaimed", m::MEMCACHED_SLAB_CRAWLER_RECLAIMED),
    ("evicted", m::MEMCACHED_SLAB_EVICTED),
    ("evicted_nonzero", m::MEMCACHED_SLAB_EVICTED_NONZERO),
    ("evicted_time", m::MEMCACHED_SLAB_EVICTED_TIME),
    ("evicted_unfetched", m::MEMCACHED_SLAB_EVICTED_UNFETCHED),
    ("expired_unfetched", m::MEMCACHED_SLAB_EXPIRED_UNFETCHED),
    ("outofmemory", m::MEMCACHED_SLAB_OUTOFMEMORY),
    ("reclaimed", m::MEMCACHED_SLAB_RECLAIMED),
    ("tailrepairs", m::MEMCACHED_SLAB_TAILREPAIRS),
    ("moves_to_cold", m::MEMCACHED_SLAB_TO_COLD),
    ("moves_to_warm", m::MEMCACHED_SLAB_TO_WARM),
    ("moves_within_lru", m::MEMCACHED_SLAB_WITHIN),
];

/// Commands that hit or miss.
const OPERATIONS: [&str; 6] = ["get", "delete", "incr", "decr", "cas", "touch"];

/// The lists of items whose hits a class counts: field and label.
const LISTS: [(&str, &str); 4] = [
    ("hits_to_hot", "hot"),
    ("hits_to_warm", "warm"),
    ("hits_to_cold", "cold"),
    ("hits_to_temp", "temporary"),
];

type Fields<'a> = HashMap<&'a str, &'a str>;

/// The samples of `stats`.
pub(super) fn server(fields: &Fields<'_>, collected: &mut Collected) {
    for (name, metric) in SERVER {
        if let Some(value) = read(fields, name, collected) {
            collected.families.push(Family::single(*metric, value));
        }
    }
    if let Some(version) = fields.get("version") {
        collected.families.push(Family::new(m::MEMCACHED_VERSION).with(&[("version", version)], 1.0));
    }
    let mut commands = Family::new(m::MEMCACHED_COMMANDS);
    push_commands(fields, &[], &mut commands, collected);
    if let Some(value) = read(fields, "cmd_flush", collected) {
        commands.push(&[("command", "flush"), ("status", "hit")], value);
    }
    if !commands.samples.is_empty() {
        collected.families.push(commands);
    }
}

/// The samples of `stats settings`.
pub(super) fn settings(fields: &Fields<'_>, collected: &mut Collected) {
    for (name, metric) in SETTINGS {
        if let Some(value) = read(fields, name, collected) {
            collected.families.push(Family::single(*metric, value));
        }
    }
}

/// The samples of `stats slabs`, whose lines are `STAT 1:chunk_size 96` and two for all classes.
pub(super) fn slabs(lines: &str, collected: &mut Collected) {
    let all: Fields<'_> = super::pairs(lines);
    if let Some(value) = read(&all, "total_malloced", collected) {
        collected.families.push(Family::single(m::MEMCACHED_MALLOCED, value));
    }
    let classes = by_class(&all, |name| name.split_once(':'));
    let mut commands = Family::new(m::MEMCACHED_SLAB_COMMANDS);
    for (class, fields) in &classes {
        push_commands(fields, &[("slab", &class.to_string())], &mut commands, collected);
    }
    push_classes(&classes, SLABS, collected);
    collected.families.push(commands);
}

/// The samples of `stats items`, whose lines are `STAT items:1:number 3`.
pub(super) fn items(lines: &str, collected: &mut Collected) {
    let all = super::pairs(lines);
    let classes = by_class(&all, |name| name.strip_prefix("items:")?.split_once(':'));
    push_classes(&classes, ITEMS, collected);
    let mut hits = Family::new(m::MEMCACHED_SLAB_LRU_HITS);
    for (class, fields) in &classes {
        for (name, list) in LISTS {
            if let Some(value) = read(fields, name, collected) {
                hits.push(&[("slab", &class.to_string()), ("lru", list)], value);
            }
        }
    }
    collected.families.push(hits);
}

/// A finite number; anything else is none.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn by_class<'a>(
    all: &Fields<'a>,
    split: impl Fn(&'a str) -> Option<(&'a str, &'a str)>,
) -> BTreeMap<u32, Fields<'a>> {
    let mut classes: BTreeMap<u32, Fields<'a>> = BTreeMap::new();
    for (name, value) in all {
        let Some((class, field)) = split(name) else { continue };
        let Ok(class) = class.parse() else { continue };
        classes.entry(class).or_default().insert(field, value);
    }
    // The lowest classes stay: those above the limit are no server's.
    while classes.len() > CLASSES_MAX {
        classes.pop_last();
    }
    classes
}

fn push_classes(classes: &BTreeMap<u32, Fields<'_>>, table: &[(&str, Metric)], collected: &mut Collected) {
    for (name, metric) in table {
        let mut family = Family::new(*metric);
        for (class, fields) in classes {
            if let Some(value) = read(fields, name, collected) {
                family.push(&[("slab", &class.to_string())], value);
            }
        }
        collected.families.push(family);
    }
}

/// Commands by how they went. The server counts a `cas` among the sets too, so it is taken out.
fn push_commands(
    fields: &Fields<'_>,
    labels: &[(&'static str, &str)],
    family: &mut Family,
    collected: &mut Collected,
) {
    let mut push = |command: &str, status: &str, value: f64| {
        let labels: Vec<_> =
            labels.iter().copied().chain([("command", command), ("status", status)]).collect();
        family.push(&labels, value);
    };
    let mut cas = 0.0;
    for operation in OPERATIONS {
        for (suffix, status) in [("hits", "hit"), ("misses", "miss")] {
            if let Some(value) = read(fields, &format!("{operation}_{suffix}"), collected) {
                push(operation, status, value);
                cas += if operation == "cas" { value } else { 0.0 };
            }
        }
    }
    if let Some(value) = read(fields, "cas_badval", collected) {
        push("cas", "badval", value);
        cas += value;
    }
    if let Some(value) = read(fields, "cmd_set", collected) {
        // The counters are read one after the other, so a busy server may show a cas before its set.
        push("set", "hit", (value - cas).max(0.0));
    }
}

/// The value of a field. One that makes no sense is counted, one that is missing is not.
fn read(fields: &Fields<'_>, name: &str, collected: &mut Collected) -> Option<f64> {
    let text = fields.get(name)?;
    let value = match *text {
        "yes" => Some(1.0),
        "no" => Some(0.0),
        text => number(text),
    };
    collected.unreadable += usize::from(value.is_none());
    value
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_metric_is_in_one_table_once() {
        let rows: Vec<_> = [SERVER, SETTINGS, SLABS, ITEMS].concat();
        let names: HashSet<_> = rows.iter().map(|(_, metric)| metric.name).collect();
        assert_eq!(names.len(), rows.len());
        for (field, metric) in rows {
            assert!(m::MEMCACHED.contains(&metric), "{field}");
        }
    }

    #[test]
    fn a_class_beyond_the_limit_is_left_out() {
        let lines: String = (0..400).map(|class| format!("STAT items:{class}:number 1\r\n")).collect();
        let mut collected = Collected::default();
        items(&lines, &mut collected);
        assert_eq!(collected.families[0].samples.len(), CLASSES_MAX);
    }
}
