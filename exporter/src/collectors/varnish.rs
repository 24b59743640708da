//! Varnish: what `varnishstat -j` reads in shared memory, under prometheus_varnish_exporter's names.
//!
//! There is no socket to ask, and the layout of the memory is the package's own business: so its
//! own program is run, once a scrape, bounded in time and output (`subprocess`). It costs the server
//! nothing, and a server that hangs still shows its last counters.

mod names;
mod parse;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;
use tokio::sync::OnceCell;

pub use self::parse::parse;
use super::{Ask, Built, Collected, Collector, Kind, Labelled};
use crate::config::redacted;
use crate::effectiveness::Effectiveness;
use crate::failure::Failure;
use crate::options::OptionReader;
use crate::subprocess;

/// This collector's line in the list.
pub const KIND: Kind = Kind { name: "varnish", key: "varnish", build };

/// The program, found by `PATH` unless the module names another.
const PROGRAM: &str = "varnishstat";
/// The most that it may print.
const OUTPUT_LEN_MAX: usize = 8 << 20;

#[derive(Debug)]
struct VarnishCollector {
    program: PathBuf,
    /// The name or the folder of the instance; empty is the default one.
    instance: String,
    target: String,
    labelled: Labelled,
    version: OnceCell<Version>,
    effect: Mutex<Effectiveness>,
}

/// What `varnishstat -V` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Version {
    version: String,
    revision: String,
}

fn build(ask: &Ask<'_>) -> Built {
    let mut reader = OptionReader::new(ask.options);
    let program = reader.text("program");
    if !program.is_empty() && !program.starts_with('/') {
        reader.mistake("program: write the whole path, as in /usr/bin/varnishstat");
    }
    let mut mistakes = reader.finish();
    match instance(ask.url) {
        Ok(instance) if mistakes.is_empty() => Ok(Box::new(VarnishCollector {
            program: if program.is_empty() { PROGRAM.into() } else { program.into() },
            target: format!("varnish://{instance}"),
            instance: instance.to_owned(),
            labelled: ask.labelled,
            version: OnceCell::new(),
            effect: Mutex::new(Effectiveness::new("varnish")),
        })),
        Ok(_) => Err(mistakes),
        Err(wrong) => {
            mistakes.push(format!("{}: {wrong}", redacted(ask.url)));
            Err(mistakes)
        }
    }
}

/// The instance of `varnish://`, `varnish://NAME`, `varnish:///FOLDER`, `NAME` or `/FOLDER`.
fn instance(text: &str) -> Result<&str, &'static str> {
    let instance = text.strip_prefix("varnish://").unwrap_or(text);
    let valid = |ch: char| ch.is_ascii_alphanumeric() || "/._-".contains(ch);
    // What begins with a dash would be read as a flag.
    let is_plain = !instance.starts_with('-') && !instance.contains("..") && instance.chars().all(valid);
    let is_whole = instance.starts_with('/') || !instance.contains('/');
    if is_plain && is_whole && !text.is_empty() {
        return Ok(instance);
    }
    Err("is no instance; write varnish:// for the default one, varnish://NAME or varnish:///FOLDER")
}

impl Collector for VarnishCollector {
    fn target(&self) -> &str {
        &self.target
    }

    fn collect(&self, limit: Duration) -> BoxFuture<'_, Result<Collected, Failure>> {
        async move {
            let deadline = Instant::now() + limit;
            // `-t 0`: a server that is not there is told at once instead of being waited for.
            let mut arguments = vec!["-j", "-t", "0"];
            if !self.instance.is_empty() {
                arguments.extend(["-n", &self.instance]);
            }
            let printed = subprocess::run(&self.program, &arguments, OUTPUT_LEN_MAX, limit).await?;
            let mut collected = parse(&printed.output)?;
            if let Some(reading) = parse::reading(&printed.output) {
                let mut effect = self.effect.lock().unwrap_or_else(PoisonError::into_inner);
                collected.families.extend(effect.absorb(reading, Instant::now()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if let Ok(version) = self.version.get_or_try_init(|| self.ask_version(left)).await {
                collected.families.push(version.family());
            }
            self.labelled.label(&self.target, &mut collected.families);
            if self.labelled == Labelled::ByTarget {
                // The locks have a label of this name, which then becomes `exported_target`.
                collected.relayed.iter_mut().for_each(|family| family.label("target", &self.target));
            }
            Ok(collected)
        }
        .boxed()
    }

    fn verdict(&self, failure: Option<&Failure>, _took: Duration) -> Vec<Family> {
        let mut families = vec![Family::single(m::VARNISH_UP, f64::from(u8::from(failure.is_none())))];
        self.labelled.label(&self.target, &mut families);
        families
    }
}

impl VarnishCollector {
    async fn ask_version(&self, limit: Duration) -> Result<Version, Failure> {
        let printed = subprocess::run(&self.program, &["-V"], OUTPUT_LEN_MAX, limit).await?;
        // Which of the two it writes to has changed between versions.
        Ok(Version::read(&format!("{}{}", printed.output, printed.complaint)))
    }
}

impl Version {
    /// Reads `varnishstat (varnish-7.1.1 revision 7cee1c58…)`.
    fn read(text: &str) -> Self {
        let after = |word: &str| -> &str {
            let rest = text.split_once(word).map_or("", |(_, rest)| rest);
            rest.split([' ', ')', '\n']).next().unwrap_or_default()
        };
        Self { version: after("(varnish-").to_owned(), revision: after("revision ").to_owned() }
    }

    fn family(&self) -> Family {
        let mut parts = self.version.split('.');
        let mut part = || parts.next().unwrap_or_default();
        let (major, minor, patch) = (part(), part(), part());
        Family::new(m::VARNISH_VERSION).with(
            &[
                ("major", major),
                ("minor", minor),
                ("patch", patch),
                ("revision", &self.revision),
                ("version", &self.version),
            ],
            1.0,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_name_or_a_folder_and_never_a_flag() {
        for (text, wanted) in [
            ("varnish://", ""),
            ("varnish://shop-1", "shop-1"),
            ("varnish:///run/varnish", "/run/varnish"),
            ("/run/varnish", "/run/varnish"),
        ] {
            assert_eq!(instance(text), Ok(wanted), "{text}");
        }
        for text in ["", "-j", "varnish://-n", "a/b", "/a/../b", "a b", "http://h", "$(x)"] {
            assert!(instance(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_version_is_read_where_it_is_told() {
        let read = Version::read("varnishstat (varnish-7.1.1 revision 7cee1c58)\nCopyright (c) 2006\n");
        assert_eq!((read.version.as_str(), read.revision.as_str()), ("7.1.1", "7cee1c58"));
        assert_eq!(Version::read("something else"), Version::default());
    }
}
