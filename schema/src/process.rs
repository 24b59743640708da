//! What this process uses of its machine, read from `/proc`.
//!
//! It is here because two rooms that must not know each other say it of themselves: the exporter and
//! the service under test. The `prometheus` crate's collector counts whole seconds of processor time
//! and reads the limits anew each time, which costs several times as much. Where there is no `/proc`
//! there are no samples. Format: proc(5), getauxval(3).

use std::fs::File;
use std::io::Read;
use std::sync::LazyLock;

use crate::exposition::Family;
use crate::metrics as m;

/// The keys of the auxiliary vector: page size and ticks of the processor clock for each second.
const AT_PAGESZ: usize = 6;
const AT_CLKTCK: usize = 17;

/// What does not change while a process runs.
#[derive(Debug)]
struct Constants {
    page_bytes: f64,
    ticks_per_s: f64,
    /// When the machine started, in Unix time.
    booted: Option<f64>,
    fds_max: Option<f64>,
}

/// The fields of `/proc/self/stat` that are told.
#[derive(Debug, PartialEq, Eq)]
struct Usage {
    cpu_ticks: u64,
    threads: u64,
    started_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

static CONSTANTS: LazyLock<Constants> = LazyLock::new(constants);

/// The samples of this process now.
#[must_use]
pub fn families() -> Vec<Family> {
    let Some(usage) = stat().and_then(|stat| usage(&stat)) else { return Vec::new() };
    let constants = &*CONSTANTS;
    let seconds = |ticks: u64| ticks as f64 / constants.ticks_per_s;
    // The directory that is being read is one of them.
    let open_fds = std::fs::read_dir("/proc/self/fd").ok().map(|open| open.count().saturating_sub(1) as f64);
    let values = [
        (m::PROCESS_CPU, Some(seconds(usage.cpu_ticks))),
        (m::PROCESS_OPEN_FDS, open_fds),
        (m::PROCESS_MAX_FDS, constants.fds_max),
        (m::PROCESS_VIRTUAL, Some(usage.virtual_bytes as f64)),
        (m::PROCESS_RESIDENT, Some(usage.resident_pages as f64 * constants.page_bytes)),
        (m::PROCESS_START, constants.booted.map(|booted| booted + seconds(usage.started_ticks))),
        (m::PROCESS_THREADS, Some(usage.threads as f64)),
    ];
    values.into_iter().filter_map(|(metric, value)| Some(Family::single(metric, value?))).collect()
}

/// The line of `/proc/self/stat`. Such a file tells no length, and reading it without one takes six calls.
fn stat() -> Option<String> {
    let mut line = vec![0; 2_048];
    let bytes = File::open("/proc/self/stat").and_then(|mut file| file.read(&mut line)).ok()?;
    line.truncate(bytes);
    String::from_utf8(line).ok()
}

fn constants() -> Constants {
    let auxv = std::fs::read("/proc/self/auxv").unwrap_or_default();
    let text = |path| std::fs::read_to_string(path).unwrap_or_default();
    Constants {
        page_bytes: auxiliary(&auxv, AT_PAGESZ).unwrap_or(4_096) as f64,
        ticks_per_s: auxiliary(&auxv, AT_CLKTCK).unwrap_or(100) as f64,
        booted: after(&text("/proc/stat"), "btime "),
        // "unlimited" is no number and gives no sample.
        fds_max: after(&text("/proc/self/limits"), "Max open files"),
    }
}

/// User and system time and the rest. The name of the process stands in brackets and may hold any sign.
fn usage(stat: &str) -> Option<Usage> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    // The first field after the name is the third in proc(5).
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Usage {
        cpu_ticks: field(14)? + field(15)?,
        threads: field(20)?,
        started_ticks: field(22)?,
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
    })
}

/// The first word after `name` at the beginning of a line.
fn after(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}

/// The value of a key in the auxiliary vector: pairs of machine words.
fn auxiliary(vector: &[u8], wanted: usize) -> Option<usize> {
    let words = vector.as_chunks::<{ size_of::<usize>() }>().0.iter().map(|word| usize::from_ne_bytes(*word));
    let words: Vec<usize> = words.collect();
    words.as_chunks::<2>().0.iter().find(|[key, _]| *key == wanted).map(|[_, value]| *value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Value;

    #[test]
    fn the_fields_are_found_behind_a_name_that_holds_brackets_and_spaces() {
        let rest = "R 1 2 3 4 5 6 7 8 9 10 70 5 0 0 20 0 4 0 900 123456 77 18446744073709551615 1";
        let stat = format!("42 (odd ) name) {rest}");
        let wanted = Usage {
            cpu_ticks: 75,
            threads: 4,
            started_ticks: 900,
            virtual_bytes: 123_456,
            resident_pages: 77,
        };
        assert_eq!(usage(&stat), Some(wanted));
        assert_eq!(usage("42 (cut) R 1 2"), None);
    }

    #[test]
    fn a_limit_is_the_soft_one_and_an_unlimited_one_is_none() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024   4096   files\n";
        assert_eq!(after(text, "Max open files"), Some(1_024.0));
        assert_eq!(after("Max open files   unlimited unlimited files", "Max open files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_each_sample_and_they_are_plausible() {
        let families = families();
        assert_eq!(families.iter().map(|family| family.metric).collect::<Vec<_>>(), m::PROCESS);
        let value =
            |metric: m::Metric| match &families.iter().find(|f| f.metric == metric).unwrap().samples[0].value
            {
                Value::Number(value) => *value,
                other => panic!("{other:?}"),
            };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!((now - 86_400.0..=now + 2.0).contains(&value(m::PROCESS_START)), "{families:?}");
        assert!(value(m::PROCESS_RESIDENT) < value(m::PROCESS_VIRTUAL) && value(m::PROCESS_RESIDENT) > 1e5);
        assert!(value(m::PROCESS_THREADS) >= 1.0 && value(m::PROCESS_OPEN_FDS) >= 1.0);
    }
}
