//! What a hundred clients and a key that expires cost the origin behind nginx, Varnish and hitmark's edge.
//!
//! ```text
//! cargo run --release --example edge_stampede
//! ```
//!
//! Debian's `nginx` and `varnish` must be installed. Each row is a run of the `stampede` scenario: 100
//! clients that pause for 20 ms, one key, an origin of 200 ms, 2 s of freshness, 10 s, a cold start. Origin
//! calls and the most of them at once are the origin's own counts. Rows are run one after another, each
//! before a truth server of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hitmark_loadtests::{Plan, RunOptions, Stop};
use hitmark_schema::{Run, ScenarioResult};
use hitmark_testbed::edge::{Edge, EdgeConfig};
use hitmark_testkit::{NginxServer, TruthConfig, TruthServer, VarnishServer};

const PAGE: &str = "/call/200?cc=max-age:2";
/// The origin says itself how long an old page may be shown (RFC 5861).
const TOLERANT_PAGE: &str = "/call/200?cc=max-age:2,stale-while-revalidate:10";
const LOCK: &str = "proxy_cache_lock on;";
const STALE: &str = "proxy_cache_use_stale updating; proxy_cache_background_update on;";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what the program is for")]
async fn main() -> anyhow::Result<()> {
    println!(
        "| cache | origin calls | peak at once | requests over 150 ms | p99 ms | requests | hit ratio |"
    );
    println!("|---|---|---|---|---|---|---|");
    let truth = TruthServer::start(TruthConfig::default()).await?;
    println!("{}", row("none", &truth.url(), PAGE).await?);
    let both = format!("{LOCK} {STALE}");
    for (name, directives, page) in [
        ("nginx, lifetime only", "", PAGE),
        ("nginx, lock", LOCK, PAGE),
        ("nginx, lock + stale", both.as_str(), PAGE),
        (
            "nginx, lock, origin allows stale",
            "proxy_cache_lock on; proxy_cache_background_update on;",
            TOLERANT_PAGE,
        ),
    ] {
        let truth = TruthServer::start(TruthConfig::default()).await?;
        let server = nginx(&truth, directives).await?;
        println!("{}", row(name, &server.url(), page).await?);
    }
    for (name, grace) in [("Varnish, no grace", "0s"), ("Varnish, 10 s of grace", "10s")] {
        let truth = TruthServer::start(TruthConfig::default()).await?;
        let server = varnish(&truth, grace).await?;
        println!("{}", row(name, &server.url(), PAGE).await?);
    }
    for (name, page) in [("hitmark edge", PAGE), ("hitmark edge, origin allows stale", TOLERANT_PAGE)] {
        let truth = TruthServer::start(TruthConfig::default()).await?;
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let edge = Edge::start(EdgeConfig { listen, origin: truth.url(), ..EdgeConfig::default() }).await?;
        let url = edge.url();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(edge.serve(async {
            let _ = stopped.await;
        }));
        println!("{}", row(name, &url, page).await?);
        drop(stop);
        serving.await?;
    }
    Ok(())
}

async fn nginx(truth: &TruthServer, directives: &str) -> anyhow::Result<NginxServer> {
    let origin = truth.url();
    // What an answer came from, in the words of RFC 9211.
    let status = "map $upstream_cache_status $told {\n HIT \"nginx; hit\"; STALE \"nginx; hit; ttl=-1\";\n\
                  UPDATING \"nginx; hit; ttl=-1\"; EXPIRED \"nginx; fwd=stale\"; default \"nginx; fwd=uri-miss\"; }";
    let http = format!(
        "{status}\nproxy_cache_path {{dir}}/cache keys_zone=pages:10m;\nserver {{ listen 127.0.0.1:{{port}};\n\
         location / {{ proxy_pass {origin}; proxy_cache pages; add_header Cache-Status $told; {directives} }}\n\
         location /metrics {{ proxy_pass {origin}; }} }}"
    );
    Ok(NginxServer::start(&http).await?)
}

async fn varnish(truth: &TruthServer, grace: &str) -> anyhow::Result<VarnishServer> {
    let vcl = format!(
        "vcl 4.1;\nbackend default {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}\n\
         sub vcl_recv {{ if (req.url == \"/metrics\") {{ return (pass); }} }}\n\
         sub vcl_backend_response {{ set beresp.grace = {grace}; }}\n\
         sub vcl_deliver {{ if (obj.hits > 0) {{ set resp.http.Cache-Status = \"varnish; hit\"; }}\n\
         else {{ set resp.http.Cache-Status = \"varnish; fwd=uri-miss\"; }} }}",
        truth.port()
    );
    Ok(VarnishServer::start(&vcl).await?)
}

/// Runs the scenario before one cache; a row of the table.
async fn row(name: &str, url: &str, page: &str) -> anyhow::Result<String> {
    let text = format!(
        "[[experiment]]\nname = \"{name}\"\nscenario = \"stampede\"\ndiffers = \"protection\"\npath = \"{page}\"\n\
         users = 100\nthink_ms = 20\n[experiment.stampede]\nlength_s = 10\nslow_ms = 150\n\
         [experiment.baseline]\nname = \"before the origin\"\nbase_url = \"{url}\"\nobserve = {{ metrics = \"/metrics\" }}\n"
    );
    let plan = Plan::parse(&text, "stampede")?;
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("run");
    let options = RunOptions {
        out: out.clone(),
        command: "stampede".to_owned(),
        servers: BTreeMap::new(),
        progress: Arc::new(|_| {}),
        stop: Stop::default(),
    };
    hitmark_loadtests::run(&plan, options).await?;
    let run = Run::read(&out)?;
    let found = run.scenarios.first().context("the scenario left no result")?;
    let of = |figure| told(found, figure);
    let p99 = found.value("p99").map(Duration::from_secs_f64).context("no request")?;
    Ok(format!(
        "| {name} | {} | {} | {} | {:.1} | {} | {} |",
        of("origin calls"),
        of("peak origin concurrency"),
        of("slow requests"),
        p99.as_secs_f64() * 1e3,
        of("requests"),
        found.value("hit ratio").map_or_else(|| "—".to_owned(), |ratio| format!("{:.2} %", ratio * 100.0)),
    ))
}

fn told(found: &ScenarioResult, figure: &str) -> String {
    found.value(figure).map_or_else(|| "—".to_owned(), |value| value.to_string())
}
