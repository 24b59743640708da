//! `hitmark testbed cdn`: the network before the assets, as an operator sees it.

use std::time::Duration;

use anyhow::Context as _;
use hitmark_testbed::assets::AssetSet;
use hitmark_testbed::cdn::{
    self, CdnConfig, CdnError, CdnSettings, CloudFrontSettings, Freshness, Invalidated, Invalidation,
    Judgement, Probe, Store, StoreState, SyncMode, SyncReport, Trial,
};
use serde_json::{Value, json};

use crate::cli_cdn::{CdnArgs, CdnCommand, CdnCommandArgs, CdnFormat};
use crate::exit::{Exit, print_error, usage};

pub(super) fn run(args: &CdnCommandArgs) -> anyhow::Result<Exit> {
    let mut config = config(&args.network)?;
    let ended = super::runtime()?.block_on(async {
        let assets = config.load_assets()?;
        match &args.command {
            CdnCommand::Status => status(&config, &assets, args.format).await,
            CdnCommand::Sync { dry_run } => sync(&config, &assets, *dry_run, args.format).await,
            CdnCommand::Invalidate { paths, purge_token, measure: true, within } => {
                config.purge_token.clone_from(purge_token);
                let measured = cdn::measure(&config, &assets, paths, Duration::from_secs(*within)).await?;
                print(args.format, || measured_text(&measured), || json!(measured))?;
                Ok(exit_of_measured(&measured))
            }
            CdnCommand::Invalidate { paths, purge_token, .. } => {
                config.purge_token.clone_from(purge_token);
                let told = cdn::invalidate(&config, &assets, paths).await?;
                print(args.format, || invalidated_text(&told), || json!(told))?;
                let is_failed = |one: &Invalidated| matches!(one.outcome, Invalidation::Failed(_));
                Ok(if told.iter().any(is_failed) { Exit::Functional } else { Exit::Done })
            }
            CdnCommand::Test { asset } => {
                let trial = cdn::trial(&config, &assets, asset.as_deref()).await?;
                print(args.format, || trial_text(&trial), || trial_json(&trial))?;
                Ok(exit_of(trial.judgement()))
            }
        }
    });
    ended.or_else(told)
}

/// A mistake of the user is 2; a store or an edge that failed is 6: hitmark itself is whole.
fn told(error: anyhow::Error) -> anyhow::Result<Exit> {
    match error.downcast_ref::<CdnError>() {
        Some(CdnError::Config(_) | CdnError::Assets(_)) => Err(usage(error)),
        Some(CdnError::Store { .. } | CdnError::Edge { .. }) => {
            print_error(&error);
            Ok(Exit::Functional)
        }
        None => Err(error),
    }
}

/// Flags and environment over the file over the defaults.
pub(super) fn config(args: &CdnArgs) -> anyhow::Result<CdnConfig> {
    let file = match &args.config {
        None => CdnSettings::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))
                .map_err(|error| usage(format!("{error:#}")))?;
            CdnSettings::from_toml(&text).map_err(|error| usage(format!("{}: {error}", path.display())))?
        }
    };
    let given = CdnSettings {
        enabled: args.enabled,
        provider: args.provider.clone(),
        base_url: args.base_url.clone(),
        store: args.store.clone(),
        assets: args.assets.clone(),
        edges: args.edges.clone(),
        cloudfront: CloudFrontSettings {
            distribution_id: args.distribution_id.clone(),
            s3_bucket: args.s3_bucket.clone(),
            aws_region: args.aws_region.clone(),
            endpoint: args.endpoint.clone(),
        },
        ..CdnSettings::default()
    };
    given.or(file).resolve().map_err(usage)
}

async fn status(config: &CdnConfig, assets: &AssetSet, format: CdnFormat) -> anyhow::Result<Exit> {
    let mut document = cdn::document(config, assets);
    let store = match &config.store {
        None => None,
        Some(_) => Some(cdn::state(assets, &Store::open(config)?).await?),
    };
    document["holds"] = json!(store);
    print(format, || status_text(config, assets, store.as_ref()), || document)?;
    Ok(Exit::Done)
}

async fn sync(
    config: &CdnConfig,
    assets: &AssetSet,
    dry_run: bool,
    format: CdnFormat,
) -> anyhow::Result<Exit> {
    let mode = if dry_run { SyncMode::DryRun } else { SyncMode::Apply };
    // A dry run makes no folder either, so that there must be one.
    let store = if dry_run { Store::open(config)? } else { Store::create(config)? };
    let report = cdn::sync(assets, &store, mode).await?;
    print(format, || sync_text(&report, store.shown(), mode), || json!(report))?;
    Ok(Exit::Done)
}

fn exit_of(judgement: Judgement) -> Exit {
    match judgement {
        Judgement::Hit => Exit::Done,
        Judgement::Miss => Exit::Failed,
        Judgement::Unknown => Exit::NoData,
        Judgement::Wrong => Exit::Functional,
    }
}

fn print(
    format: CdnFormat,
    text: impl FnOnce() -> String,
    document: impl FnOnce() -> Value,
) -> anyhow::Result<()> {
    match format {
        CdnFormat::Text => super::print(&text()),
        CdnFormat::Json => super::print(&format!("{:#}\n", document())),
    }
}

fn status_text(config: &CdnConfig, assets: &AssetSet, store: Option<&StoreState>) -> String {
    let enabled = if config.enabled { "enabled" } else { "disabled: pages name the service's own URLs" };
    let base = config.base_url.as_ref().map_or("none", |url| url.as_str());
    let mut text = format!(
        "network    {enabled}\nprovider   {}\nbase URL   {base}\nassets     {} files, {} bytes\n",
        config.provider.as_str(),
        assets.len(),
        assets.bytes()
    );
    match store {
        None => text.push_str("store      none\n"),
        Some(state) => text.push_str(&format!(
            "store      {}: {} files, {} objects to upload, {} objects of earlier releases\n",
            state.store, state.files, state.to_upload, state.earlier
        )),
    }
    text
}

fn sync_text(report: &SyncReport, store: &str, mode: SyncMode) -> String {
    let verb = if mode == SyncMode::DryRun { "would upload" } else { "uploaded" };
    let mut text: String = report.uploaded.iter().map(|name| format!("{verb} {name}\n")).collect();
    text.push_str(&format!(
        "{store}: {verb} {} objects, {} bytes; {} unchanged, {} of earlier releases\n",
        report.uploaded.len(),
        report.uploaded_bytes,
        report.unchanged,
        report.earlier
    ));
    text
}

fn invalidated_text(told: &[Invalidated]) -> String {
    let line = |one: &Invalidated| {
        let outcome = match &one.outcome {
            Invalidation::Purged => "purged".to_owned(),
            Invalidation::NotStored => "was not stored".to_owned(),
            Invalidation::UnderWay(id) => format!("under way as {id}"),
            Invalidation::Failed(why) => format!("failed: {why}"),
        };
        format!("{} {}: {outcome}\n", one.edge, one.path)
    };
    told.iter().map(line).collect()
}

fn measured_text(measured: &[Freshness]) -> String {
    let line = |one: &Freshness| {
        let place = format!("{} {}", one.edge, one.path);
        let kept = if one.was_kept { "" } else { " (it was not kept before: there was nothing to forget)" };
        match (&one.outcome, one.fresh_after, one.seen_by) {
            (Invalidation::Failed(why), ..) => format!("{place}: failed: {why}\n"),
            (_, Some(after), Some(sign)) => format!(
                "{place}: fresh {:.1} ms after the invalidation was sent, {} stale answers in between: {}{kept}\n",
                after.as_secs_f64() * 1e3,
                one.stale_answers,
                sign.as_str(),
            ),
            _ => format!("{place}: no fresh answer in time, {} stale ones{kept}\n", one.stale_answers),
        }
    };
    measured.iter().map(line).collect()
}

fn exit_of_measured(measured: &[Freshness]) -> Exit {
    if measured.iter().any(|one| matches!(one.outcome, Invalidation::Failed(_))) {
        return Exit::Functional;
    }
    if measured.iter().any(|one| one.fresh_after.is_none()) { Exit::Failed } else { Exit::Done }
}

fn trial_text(trial: &Trial) -> String {
    let line = |name: &str, probe: &Probe| {
        let said = probe.said.as_deref().unwrap_or("the edge says nothing");
        let right = if probe.is_right { "" } else { ", NOT the asset" };
        format!(
            "{name}  {:<7} {} {} bytes{right}, first byte after {:.1} ms  ({said})\n",
            probe.outcome.as_str(),
            probe.status,
            probe.bytes,
            probe.first_byte.as_secs_f64() * 1e3
        )
    };
    let judgement = match trial.judgement() {
        Judgement::Hit => "the edge answers by itself",
        Judgement::Miss => "the edge asked the origin twice",
        Judgement::Unknown => "the edge does not say whether it kept the answer",
        Judgement::Wrong => "an answer was wrong",
    };
    format!(
        "{}\n{}{}{judgement}; {} bytes saved at the origin\n",
        trial.url,
        line("first ", &trial.first),
        line("second", &trial.second),
        trial.saved_bytes
    )
}

fn trial_json(trial: &Trial) -> Value {
    let probe = |probe: &Probe| {
        json!({
            "status": probe.status,
            "outcome": probe.outcome.as_str(),
            "first_byte_ns": u64::try_from(probe.first_byte.as_nanos()).unwrap_or(u64::MAX),
            "bytes": probe.bytes,
            "is_right": probe.is_right,
            "said": probe.said,
        })
    };
    let judgement = match trial.judgement() {
        Judgement::Hit => "hit",
        Judgement::Miss => "miss",
        Judgement::Unknown => "unknown",
        Judgement::Wrong => "wrong",
    };
    json!({
        "schema": 1,
        "url": trial.url,
        "first": probe(&trial.first),
        "second": probe(&trial.second),
        "saved_bytes": trial.saved_bytes,
        "judgement": judgement,
    })
}
