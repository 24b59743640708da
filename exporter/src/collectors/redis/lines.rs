//! Lines of `INFO` that newer servers write about something with a name: I/O threads, engines of
//! scripts, certificates, sizes of keys.
//!
//! It is apart from `info`, which reads what every server writes. A line that makes no sense gives no
//! sample. How many lines of a kind are read is bounded, although servers write few.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics::{self as m, Metric};

use super::fields::number;
use super::info::{self, attribute_of};

/// Most threads, engines or lines of sizes.
const LINES_MAX: usize = 128;
/// Most sizes of all databases and types. A line has one for each power of two that some key has.
const SIZES_MAX: usize = 1_000;

/// The attributes of `io_thread_1:clients=1,reads=3,writes=1`.
pub(super) const THREAD: &[(&str, Metric)] = &[
    ("clients", m::REDIS_IO_THREAD_CLIENTS),
    ("reads", m::REDIS_IO_THREAD_READS),
    ("writes", m::REDIS_IO_THREAD_WRITES),
];
/// The attributes of `engine_0:name=LUA,module=lua,abi_version=4,used_memory=69632,memory_overhead=56`
/// that are numbers.
pub(super) const ENGINE: &[(&str, Metric)] =
    &[("used_memory", m::REDIS_ENGINE_MEMORY), ("memory_overhead", m::REDIS_ENGINE_OVERHEAD)];
/// Those that become labels, in their order.
pub(super) const ENGINE_LABELS: &[&str] = &["name", "module", "abi_version"];
/// How Redis and Valkey write keys with items that have a time to live, in the line of a database.
pub(super) const EXPIRING_ITEMS: &[&str] = &["subexpiry", "keys_with_volatile_items"];
/// Serial numbers of certificates, and whose they are.
pub(super) const SERIALS: &[(&str, &str)] = &[
    ("tls_server_cert_serial", "server"),
    ("tls_client_cert_serial", "client"),
    ("tls_ca_cert_serial", "ca"),
];
/// Before the number of a thread.
pub(super) const ACTIVE_THREAD: &str = "used_active_time_io_thread_";

/// The families, in the order of the page.
struct Lines {
    threads: Vec<Family>,
    active: Family,
    engine: Family,
    engines: Vec<Family>,
    certificates: Family,
    items: Family,
    sizes: Family,
    zone: Family,
}

/// Reads the lines. Pure and total.
pub(super) fn families(text: &str) -> Vec<Family> {
    let of = |columns: &[(&str, Metric)]| columns.iter().map(|(_, metric)| Family::new(*metric)).collect();
    let mut lines = Lines {
        threads: of(THREAD),
        active: Family::new(m::REDIS_ACTIVE_IO_THREAD),
        engine: Family::new(m::REDIS_ENGINE_INFO),
        engines: of(ENGINE),
        certificates: Family::new(m::REDIS_TLS_CERTIFICATE),
        items: Family::new(m::REDIS_DB_KEYS_EXPIRING_ITEMS),
        sizes: Family::new(m::REDIS_DB_SIZED_KEYS),
        zone: Family::new(m::REDIS_AVAILABILITY_ZONE),
    };
    for (field, value) in info::lines(text) {
        // Most lines are of others: one look at the first byte tells.
        if matches!(field.as_bytes().first(), Some(b'a' | b'd' | b'e' | b'i' | b't' | b'u')) {
            lines.read(field, value);
        }
    }
    let Lines { mut threads, active, engine, engines, certificates, items, sizes, zone } = lines;
    threads.extend([active, engine]);
    threads.extend(engines);
    threads.extend([certificates, items, sizes, zone]);
    threads
}

impl Lines {
    fn read(&mut self, field: &str, value: &str) {
        if let Some(rest) = field.strip_prefix("db") {
            self.database(rest, value);
        } else if let Some(thread) = field.strip_prefix("io_thread_").and_then(index) {
            columns(&mut self.threads, THREAD, &[("thread", thread)], value);
        } else if let Some(thread) = field.strip_prefix(ACTIVE_THREAD).and_then(index) {
            if let Some(seconds) = number(value).filter(|_| self.active.samples.len() < LINES_MAX) {
                self.active.push(&[("thread", thread)], seconds);
            }
        } else if field.strip_prefix("engine_").and_then(index).is_some() {
            self.engine(value);
        } else if let Some((_, whose)) = SERIALS.iter().find(|(name, _)| *name == field) {
            self.certificates.push(&[("certificate", whose), ("serial", value)], 1.0);
        } else if field == "availability_zone" && !value.is_empty() {
            self.zone.push(&[("availability_zone", value)], 1.0);
        }
    }

    fn engine(&mut self, value: &str) {
        if self.engine.samples.len() >= LINES_MAX {
            return;
        }
        let labels: Vec<_> = m::REDIS_ENGINE_INFO
            .labels
            .iter()
            .zip(ENGINE_LABELS)
            .map(|(label, name)| (*label, attribute_of(value, name).unwrap_or_default()))
            .collect();
        self.engine.push(&labels, 1.0);
        columns(&mut self.engines, ENGINE, &labels, value);
    }

    /// `db0:keys=1,…,subexpiry=0` and `db0_distrib_strings_sizes:0=1,1=1,2K=1`.
    fn database(&mut self, rest: &str, value: &str) {
        let (digits, kind) = rest.split_once("_distrib_").unwrap_or((rest, ""));
        if index(digits).is_none() {
            return;
        }
        let db = format!("db{digits}");
        if kind.is_empty() {
            let items = EXPIRING_ITEMS.iter().find_map(|name| attribute_of(value, name));
            if let Some(items) = items.and_then(number).filter(|_| self.items.samples.len() < LINES_MAX) {
                self.items.push(&[("db", &db)], items);
            }
            return;
        }
        let kind = kind.strip_suffix("_sizes").or(kind.strip_suffix("_items")).unwrap_or(kind);
        for (size, keys) in value.split(',').filter_map(|part| part.split_once('=')) {
            let room = self.sizes.samples.len() < SIZES_MAX;
            if let (Some(size), Some(keys), true) = (whole(size), number(keys), room) {
                let labels = [("db", db.as_str()), ("type", kind), ("at_least", size.as_str())];
                self.sizes.push(&labels, keys);
            }
        }
    }
}

/// Pushes one sample of each attribute that is there.
fn columns(
    families: &mut [Family],
    columns: &[(&str, Metric)],
    labels: &[(&'static str, &str)],
    value: &str,
) {
    for (family, (name, _)) in families.iter_mut().zip(columns) {
        if let Some(value) = attribute_of(value, name).and_then(number)
            && family.samples.len() < LINES_MAX
        {
            family.push(labels, value);
        }
    }
}

/// The text if it is a number of at most five digits.
fn index(digits: &str) -> Option<&str> {
    (digits.len() <= 5 && digits.parse::<u32>().is_ok()).then_some(digits)
}

/// `2K` is 2048: the server writes powers of two short.
fn whole(size: &str) -> Option<String> {
    let digits = size.trim_end_matches(|sign: char| sign.is_ascii_uppercase());
    let power = match &size[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        "P" => 50,
        "E" => 60,
        _ => return None,
    };
    let size = digits.parse::<u64>().ok()?.checked_mul(1 << power)?;
    Some(size.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(info: &str) -> String {
        let mut page = String::new();
        hitmark_schema::exposition::encode(&families(info), &mut page);
        page.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn threads_tell_their_clients_and_their_work() {
        let page = page("io_thread_1:clients=2,reads=3,writes=4\r\nused_active_time_io_thread_2:0.5\r\n");
        let wanted = "redis_io_thread_clients{thread=\"1\"} 2\nredis_io_thread_reads_total{thread=\"1\"} 3\n\
                      redis_io_thread_writes_total{thread=\"1\"} 4\n\
                      redis_active_time_io_thread_seconds_total{thread=\"2\"} 0.5\n";
        assert_eq!(page, wanted);
    }

    #[test]
    fn an_engine_is_told_whatever_the_order_of_its_attributes() {
        let page =
            page("engine_0:memory_overhead=56,used_memory=69632,abi_version=4,module=lua,name=LUA\r\n");
        let labels = "{engine=\"LUA\",module=\"lua\",abi_version=\"4\"}";
        assert!(page.contains(&format!("redis_scripting_engine_info{labels} 1\n")), "{page}");
        assert!(
            page.contains(&format!("redis_scripting_engine_memory_used_bytes{labels} 69632\n")),
            "{page}"
        );
        assert!(
            page.contains(&format!("redis_scripting_engine_memory_overhead_bytes{labels} 56\n")),
            "{page}"
        );
    }

    #[test]
    fn sizes_of_keys_are_told_in_full_and_by_database_and_type() {
        let page = page("db3_distrib_strings_sizes:0=1,1=2,2K=3,1M=4\r\ndb3_distrib_lists_items:4=1\r\n");
        let wanted =
            [("strings", "0", 1), ("strings", "1", 2), ("strings", "2048", 3), ("strings", "1048576", 4)];
        for (kind, size, keys) in wanted.into_iter().chain([("lists", "4", 1)]) {
            let line =
                format!("redis_db_sized_keys{{db=\"db3\",type=\"{kind}\",at_least=\"{size}\"}} {keys}\n");
            assert!(page.contains(&line), "{line}{page}");
        }
    }

    #[test]
    fn keys_with_expiring_items_are_told_as_redis_and_as_valkey_write_them() {
        for name in EXPIRING_ITEMS {
            let page = page(&format!("db0:keys=9,expires=1,avg_ttl=0,{name}=4\r\n"));
            assert_eq!(page, "redis_db_keys_with_expiring_items{db=\"db0\"} 4\n");
        }
        assert_eq!(page("db0:keys=9,expires=1,avg_ttl=0\r\n"), "");
    }

    #[test]
    fn an_empty_zone_and_what_makes_no_sense_give_no_sample() {
        for line in [
            "availability_zone:",
            "io_thread_x:clients=1",
            "io_thread_0:clients=many",
            "io_threads_active:1",
            "engine_:name=LUA",
            "engines_count:1",
            "db_distrib_x:1=1",
            "db0_distrib_strings_sizes:1X=1,=,2=x,16E=1",
            "used_active_time_io_thread_0:inf",
        ] {
            assert_eq!(page(line), "", "{line}");
        }
        assert_eq!(
            page("availability_zone:eu-1a"),
            "redis_availability_zone_info{availability_zone=\"eu-1a\"} 1\n"
        );
    }
}
