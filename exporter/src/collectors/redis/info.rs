//! The text of `INFO ALL`: lines of `field:value`, read once, then put in the order of the page.
//!
//! Lines that name something (a command, an error, a database) come from users in part, so each
//! kind is capped: what is over the cap is added up under `other`, and no sum is lost.

use std::collections::BTreeMap;

use hitmark_schema::exposition::{Family, Sample, Value};
use hitmark_schema::metrics as m;
use memchr::{memchr, memmem};
use rustc_hash::FxHashMap;

use super::fields::{FIELDS, number};
use crate::collectors::Collected;
use crate::failure::Failure;

/// Most values of the label `cmd`, `err` or `db`.
const NAMED_MAX: usize = 512;
/// Most databases that are reported as empty: a server may be configured for thousands.
const EMPTY_DATABASES_MAX: u32 = 64;

/// The columns of a named line: attribute, metric, divisor.
type Columns = [(&'static str, m::Metric, f64)];

const COMMAND_COLUMNS: &Columns = &[
    ("calls", m::REDIS_COMMANDS, 1.0),
    ("usec", m::REDIS_COMMANDS_SECONDS, 1e6),
    ("rejected_calls", m::REDIS_COMMANDS_REJECTED, 1.0),
    ("failed_calls", m::REDIS_COMMANDS_FAILED, 1.0),
];
const ERROR_COLUMNS: &Columns = &[("count", m::REDIS_ERRORS, 1.0)];
const DATABASE_COLUMNS: &Columns = &[
    ("keys", m::REDIS_DB_KEYS, 1.0),
    ("expires", m::REDIS_DB_KEYS_EXPIRING, 1.0),
    ("avg_ttl", m::REDIS_DB_AVG_TTL, 1e3),
];

/// The lines, sorted by what they are.
#[derive(Default)]
struct Info<'a> {
    // The names are the server's own, never a client's, so a fast hash cannot be played against us.
    fields: FxHashMap<&'a str, &'a str>,
    commands: BTreeMap<&'a str, &'a str>,
    errors: BTreeMap<&'a str, &'a str>,
    databases: BTreeMap<u32, &'a str>,
    percentiles: BTreeMap<&'a str, &'a str>,
    replicas: Vec<&'a str>,
    modules: Vec<&'a str>,
}

/// Reads the text and adds its samples.
pub(super) fn parse(text: &str, databases: u32, now: u64, collected: &mut Collected) -> Result<(), Failure> {
    let mut info = Info::read(text);
    if !FIELDS.iter().any(|(field, ..)| info.fields.contains_key(field)) {
        return Err(Failure::Answer("INFO holds no field of a Redis server".to_owned()));
    }
    for empty in 0..databases.min(EMPTY_DATABASES_MAX) {
        info.databases.entry(empty).or_insert("keys=0,expires=0");
    }
    info.identity(now, collected);
    info.numbers(collected);
    named("cmd", COMMAND_COLUMNS, info.commands.iter().map(|(k, v)| ((*k).to_owned(), *v)), collected);
    named("err", ERROR_COLUMNS, info.errors.iter().map(|(k, v)| ((*k).to_owned(), *v)), collected);
    named("db", DATABASE_COLUMNS, info.databases.iter().map(|(k, v)| (format!("db{k}"), *v)), collected);
    percentiles(&info, collected);
    replicas(&info, collected);
    modules(&info, collected);
    Ok(())
}

/// The value of one field of the text.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    // A dozen fields are looked up in each scrape: a search for the name costs a tenth of reading lines.
    let begins_a_line = |at: &usize| *at == 0 || text.as_bytes()[at - 1] == b'\n';
    memmem::find_iter(text.as_bytes(), name).filter(begins_a_line).find_map(|at| {
        let value = text.get(at + name.len()..)?.strip_prefix(':')?;
        value.lines().next().or(Some(""))
    })
}

/// The first two numbers of a version that the server tells.
pub(super) fn version(info: &str, name: &str) -> (Option<u32>, Option<u32>) {
    let mut parts = field(info, name).unwrap_or_default().split('.').map_while(|part| part.parse().ok());
    (parts.next(), parts.next())
}

/// The lines of the text with what stands before and after their first colon.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if let Some(colon) = memchr(b':', line.as_bytes()) {
                let value = &line[colon + 1..];
                return Some((&line[..colon], value.strip_suffix('\r').unwrap_or(value)));
            }
        }
        None
    })
}

/// The percentiles that the server writes, and the label values under which they are known.
const PERCENTILES: &[(&str, &str)] = &[
    ("p0", "0"),
    ("p50", "50"),
    ("p75", "75"),
    ("p90", "90"),
    ("p95", "95"),
    ("p99", "99"),
    ("p99.9", "99.9"),
    ("p99.99", "99.99"),
    ("p100", "100"),
];

fn percentiles(info: &Info<'_>, collected: &mut Collected) {
    let mut family = Family::new(m::REDIS_PERCENTILES);
    for (command, attributes) in info.percentiles.iter().take(NAMED_MAX) {
        let stat = info.commands.get(command).copied().unwrap_or_default();
        let total = |name| attribute_of(stat, name).and_then(number).unwrap_or(0.0);
        let quantiles = attributes.split(',').filter_map(|attribute| attribute.split_once('='));
        let quantiles = quantiles.filter_map(|(theirs, value)| {
            let (_, label) = PERCENTILES.iter().find(|(known, _)| *known == theirs)?;
            Some((*label, number(value)?))
        });
        let value = Value::Summary {
            quantiles: quantiles.collect(),
            count: total("calls") as u64,
            sum: total("usec"),
        };
        family.samples.push(Sample { labels: vec![("cmd", (*command).to_owned())], value });
    }
    collected.families.push(family);
}

/// `module:name=search,ver=21005,api=1,filters=0,usedby=[],using=[ReJSON|x],options=[]`.
fn modules(info: &Info<'_>, collected: &mut Collected) {
    let mut family = Family::new(m::REDIS_MODULE_INFO);
    for attributes in info.modules.iter().take(NAMED_MAX) {
        let labels = m::REDIS_MODULE_INFO.labels.iter();
        let labels: Vec<_> =
            labels.map(|label| (*label, attribute_of(attributes, label).unwrap_or_default())).collect();
        family.push(&labels, 1.0);
    }
    collected.families.push(family);
}

/// `slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=0`.
fn replicas(info: &Info<'_>, collected: &mut Collected) {
    let mut offsets = Family::new(m::REDIS_REPLICA_OFFSET);
    let mut lags = Family::new(m::REDIS_REPLICA_LAG);
    for attributes in info.replicas.iter().take(NAMED_MAX) {
        let text = |name| attribute_of(attributes, name).unwrap_or_default();
        let labels = [("slave_ip", text("ip")), ("slave_port", text("port")), ("slave_state", text("state"))];
        for (family, name) in [(&mut offsets, "offset"), (&mut lags, "lag")] {
            if let Some(value) = number(text(name)) {
                family.push(&labels, value);
            }
        }
    }
    collected.families.extend([offsets, lags]);
}

impl<'a> Info<'a> {
    fn read(text: &'a str) -> Self {
        let mut info = Self::default();
        info.fields.reserve(FIELDS.len() * 2);
        for (field, value) in lines(text) {
            if let Some(command) = field.strip_prefix("cmdstat_") {
                info.commands.insert(command, value);
            } else if let Some(error) = field.strip_prefix("errorstat_") {
                info.errors.insert(error, value);
            } else if let Some(number) = field.strip_prefix("db").and_then(|n| n.parse().ok()) {
                info.databases.insert(number, value);
            } else if let Some(command) = field.strip_prefix("latency_percentiles_usec_") {
                info.percentiles.insert(command, value);
            } else if value.starts_with("ip=") && field.starts_with("slave") {
                info.replicas.push(value);
            } else if field == "module" {
                info.modules.push(value);
            } else {
                info.fields.insert(field, value);
            }
        }
        info
    }

    fn get(&self, field: &str) -> &'a str {
        self.fields.get(field).copied().unwrap_or_default()
    }

    /// Who the server is, when it started, and, for a replica, whose it is.
    fn identity(&self, now: u64, collected: &mut Collected) {
        let mode = if self.fields.contains_key("redis_mode") { "redis_mode" } else { "server_mode" };
        let labels = m::REDIS_INSTANCE_INFO
            .labels
            .iter()
            .map(|label| (*label, self.get(if *label == "redis_mode" { mode } else { label })));
        let mut labels: Vec<_> = labels.collect();
        // Valkey tells the Redis that it is compatible with as its version, and its own beside it.
        let of_valkey = ["valkey_version", "valkey_release_stage"];
        labels.extend(of_valkey.iter().filter_map(|label| Some((*label, *self.fields.get(label)?))));
        collected.families.push(Family::new(m::REDIS_INSTANCE_INFO).with(&labels, 1.0));

        if let Some(uptime) = number(self.get("uptime_in_seconds")) {
            let server_now =
                self.get("server_time_usec").parse::<u64>().ok().map(|micros| micros / 1_000_000);
            let started = server_now.unwrap_or(now) as f64 - uptime;
            collected.families.push(Family::single(m::REDIS_START_TIME, started));
        }
        if self.get("role") != "slave" {
            return;
        }
        let master = [("master_host", self.get("master_host")), ("master_port", self.get("master_port"))];
        let read_only = [master[0], master[1], ("read_only", self.get("slave_read_only"))];
        let link_up = f64::from(u8::from(self.get("master_link_status") == "up"));
        collected.families.push(Family::new(m::REDIS_REPLICA_INFO).with(&read_only, 1.0));
        collected.families.push(Family::new(m::REDIS_MASTER_LINK_UP).with(&master, link_up));
        if let Some(seconds) = number(self.get("master_last_io_seconds_ago")) {
            collected.families.push(Family::new(m::REDIS_MASTER_LAST_IO).with(&master, seconds));
        }
        for (field, metric) in
            [("master_sync_in_progress", m::REDIS_MASTER_SYNC), ("slave_repl_offset", m::REDIS_SLAVE_OFFSET)]
        {
            if let Some(value) = number(self.get(field)) {
                collected.families.push(Family::new(metric).with(&master, value));
            }
        }
    }

    fn numbers(&self, collected: &mut Collected) {
        for (field, metric, scale) in FIELDS {
            let Some(text) = self.fields.get(field) else { continue };
            match scale.read(text) {
                Some(value) => collected.families.push(Family::single(*metric, value)),
                None => collected.unreadable += 1,
            }
        }
    }
}

/// Adds the samples of lines such as `cmdstat_get:calls=1,usec=2`: a family for each column.
fn named<'a>(
    label: &'static str,
    columns: &Columns,
    lines: impl Iterator<Item = (String, &'a str)>,
    collected: &mut Collected,
) {
    let mut families: Vec<Family> = columns.iter().map(|(_, metric, _)| Family::new(*metric)).collect();
    families.iter_mut().for_each(|family| family.samples.reserve(lines.size_hint().0.min(NAMED_MAX + 1)));
    let mut others: Vec<Option<f64>> = vec![None; columns.len()];
    for (place, (name, attributes)) in lines.enumerate() {
        for (attribute, text) in attributes.split(',').filter_map(|attribute| attribute.split_once('=')) {
            let Some(column) = columns.iter().position(|(wanted, ..)| *wanted == attribute) else { continue };
            let Some(value) = number(text).map(|value| value / columns[column].2) else {
                collected.unreadable += 1;
                continue;
            };
            if place < NAMED_MAX {
                families[column].push(&[(label, &name)], value);
            } else {
                *others[column].get_or_insert(0.0) += value;
            }
        }
    }
    for ((family, other), (_, metric, _)) in families.iter_mut().zip(others).zip(columns) {
        // A mean cannot be added up.
        if let Some(value) = other.filter(|_| metric.name != m::REDIS_DB_AVG_TTL.name) {
            family.push(&[(label, "other")], value);
        }
    }
    collected.families.extend(families);
}

/// The value of one attribute of `name=value,name=value`.
pub(super) fn attribute_of<'a>(attributes: &'a str, wanted: &str) -> Option<&'a str> {
    attributes.split(',').find_map(|attribute| attribute.strip_prefix(wanted)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, databases: u32) -> String {
        let mut collected = Collected::default();
        parse(text, databases, 1_000, &mut collected).unwrap();
        let mut page = String::new();
        hitmark_schema::exposition::encode(&collected.families, &mut page);
        page.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn commands_over_the_cap_are_added_up_and_no_call_is_lost() {
        let mut text = "uptime_in_seconds:1\r\n".to_owned();
        for number in 0..NAMED_MAX + 3 {
            text += &format!("cmdstat_c{number:04}:calls=2,usec=500000,usec_per_call=1\r\n");
        }
        let page = page(&text, 0);
        let calls: Vec<&str> = page.lines().filter(|l| l.starts_with("redis_commands_total")).collect();
        assert_eq!(calls.len(), NAMED_MAX + 1);
        assert_eq!(calls[NAMED_MAX], "redis_commands_total{cmd=\"other\"} 6");
        assert!(page.contains("redis_commands_duration_seconds_total{cmd=\"other\"} 1.5\n"), "{page}");
        assert!(!page.contains("failed_calls"), "an old server has no such column");
    }

    #[test]
    fn empty_databases_have_no_keys_rather_than_no_series() {
        let page = page("uptime_in_seconds:1\r\ndb1:keys=5,expires=2,avg_ttl=1500\r\n", 2);
        assert!(page.contains("redis_db_keys{db=\"db0\"} 0\nredis_db_keys{db=\"db1\"} 5\n"), "{page}");
        assert!(page.contains("redis_db_avg_ttl_seconds{db=\"db1\"} 1.5\n"), "{page}");
        assert!(!page.contains("avg_ttl_seconds{db=\"db0\"}"), "a mean of nothing is not 0");
    }

    #[test]
    fn a_start_is_known_by_the_server_s_clock_or_else_by_ours() {
        let theirs = page("uptime_in_seconds:10\r\nserver_time_usec:500000000\r\n", 0);
        assert!(theirs.contains("redis_start_time_seconds 490\n"), "{theirs}");
        assert!(page("uptime_in_seconds:10\r\n", 0).contains("redis_start_time_seconds 990\n"));
    }

    #[test]
    fn a_replica_says_whose_it_is_and_whether_the_link_is_up() {
        let text = "role:slave\r\nuptime_in_seconds:1\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n\
                    master_link_status:down\r\nmaster_last_io_seconds_ago:7\r\nslave_read_only:1\r\n";
        let page = page(text, 0);
        let labels = "{master_host=\"10.0.0.1\",master_port=\"6379\"}";
        assert!(page.contains(&format!("redis_master_link_up{labels} 0\n")), "{page}");
        assert!(page.contains(&format!("redis_master_last_io_seconds_ago{labels} 7\n")), "{page}");
    }

    #[test]
    fn valkey_tells_its_own_version_beside_the_one_that_it_is_compatible_with() {
        let text = "uptime_in_seconds:1\r\nredis_version:7.2.4\r\nvalkey_version:8.1.8\r\nvalkey_release_stage:ga\r\n";
        let ends = ",master_replid=\"\",valkey_version=\"8.1.8\",valkey_release_stage=\"ga\"} 1";
        assert!(page(text, 0).contains(ends), "{}", page(text, 0));
        assert!(!page("uptime_in_seconds:1\r\n", 0).contains("valkey"));
    }

    #[test]
    fn modules_are_listed() {
        let text = "uptime_in_seconds:1\r\nmodule:name=search,ver=21005,api=1,filters=0,usedby=[],using=[ReJSON],options=[]\r\n";
        let wanted = "redis_module_info{name=\"search\",ver=\"21005\",api=\"1\",filters=\"0\",usedby=\"[]\",using=\"[ReJSON]\"} 1";
        assert!(page(text, 0).contains(wanted), "{}", page(text, 0));
    }

    #[test]
    fn what_makes_no_sense_is_counted_and_what_is_unknown_is_ignored() {
        let mut collected = Collected::default();
        let text = "used_memory:lots\r\nkeyspace_hits:3\r\nnew_in_redis_9:x\r\ncmdstat_get:calls=x\r\n";
        parse(text, 0, 0, &mut collected).unwrap();
        assert_eq!(collected.unreadable, 2);
    }
}
