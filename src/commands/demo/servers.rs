//! The demo's servers: the service and the exporter, each with threads of its own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use hitmark_exporter::{Exporter, ExporterConfig};
use hitmark_testbed::{CacheChoice, SeedSize, Testbed, TestbedConfig};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::cli::DemoArgs;
use crate::commands::testbed::of_start;
use crate::progress::RunProgress;

/// How long a scrape may take.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(5);

/// Running servers. They end when this is stopped or dropped.
#[derive(Debug)]
pub(super) struct Servers {
    /// Where the service listens.
    pub(super) testbed_url: String,
    /// Versions of what takes part.
    pub(super) versions: BTreeMap<String, String>,
    exporter_addr: SocketAddr,
    runtime: Runtime,
    shutdowns: Vec<oneshot::Sender<()>>,
}

impl Servers {
    /// Starts service and exporter on free ports of the loopback.
    pub(super) fn start(args: &DemoArgs, progress: &RunProgress) -> anyhow::Result<Self> {
        let runtime = crate::commands::runtime()?;
        progress.say("making the data");
        let testbed = runtime.block_on(Testbed::start(testbed_config(args), |_| {})).map_err(of_start)?;
        let testbed_url = testbed.url();
        let mut versions = testbed.summary().servers.clone();
        let mut shutdowns = Vec::new();
        let (shutdown, ended) = oneshot::channel::<()>();
        shutdowns.push(shutdown);
        runtime.spawn(testbed.serve(async { drop(ended.await) }));

        let mut config = ExporterConfig::default();
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.redis = args.redis_url.iter().cloned().collect();
        config.services = vec![format!("{testbed_url}/metrics")];
        let exporter = runtime.block_on(Exporter::bind(config)).context("cannot start the exporter")?;
        let exporter_addr = exporter.addr();
        let (shutdown, ended) = oneshot::channel::<()>();
        shutdowns.push(shutdown);
        runtime.spawn(exporter.serve(async { drop(ended.await) }));
        // The exporter asks every server anyway: it knows what the service does not say.
        if let Some(version) = redis_version(&scrape(exporter_addr).unwrap_or_default()) {
            versions.insert("redis".to_owned(), version);
        }
        Ok(Self { testbed_url, versions, exporter_addr, runtime, shutdowns })
    }

    /// What the exporter says now.
    pub(super) fn exporter_page(&self) -> anyhow::Result<String> {
        scrape(self.exporter_addr).context("cannot read the exporter's page")
    }

    /// Ends the servers.
    pub(super) fn stop(self) {
        for shutdown in self.shutdowns {
            let _ = shutdown.send(());
        }
        self.runtime.shutdown_timeout(Duration::from_secs(2));
    }
}

/// One scrape, as Prometheus would do it. HTTP/1.0 keeps the answer in one piece.
fn scrape(addr: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, SCRAPE_TIMEOUT)?;
    stream.set_read_timeout(Some(SCRAPE_TIMEOUT))?;
    stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: exporter\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n") {
        Some((head, page)) if head.contains(" 200 ") => Ok(page.to_owned()),
        _ => Err(std::io::Error::other("the exporter did not answer with a page")),
    }
}

/// The version in the exporter's `redis_instance_info`.
fn redis_version(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("redis_version=\"")?;
    rest.split_once('"').map(|(version, _)| version.to_owned())
}

fn testbed_config(args: &DemoArgs) -> TestbedConfig {
    TestbedConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        database_url: args.database_url.clone(),
        cache: if args.redis_url.is_some() { CacheChoice::Redis } else { CacheChoice::Memory },
        redis_url: args.redis_url.clone(),
        cache_path: None,
        // The shipped plans ask for keys that exist from this size on.
        seed_size: SeedSize::Medium,
        admin_token: None,
    }
}
