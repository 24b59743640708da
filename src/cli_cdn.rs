//! The flags of the network before the assets: of the service, which names its URLs, and of
//! `hitmark testbed cdn`, which operates it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand, ValueEnum};

/// What the network is. A flag is stronger than the environment, and that than the file.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network before the assets")]
pub(crate) struct CdnArgs {
    /// A TOML file with a table `cdn`: enabled, provider, base_url, auto_version, store, assets, edges,
    /// and [cdn.cloudfront] with distribution_id, s3_bucket, aws_region, endpoint.
    #[arg(long = "cdn-config", value_name = "FILE", env = "CDN_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Whether pages name the network's URLs.
    #[arg(long = "cdn-enabled", value_name = "BOOL", env = "CDN_ENABLED", num_args = 0..=1,
        default_missing_value = "true", require_equals = true, action = ArgAction::Set)]
    pub(crate) enabled: Option<bool>,
    /// edge, varnish, nginx or cloudfront.
    #[arg(long = "cdn-provider", value_name = "NAME", env = "CDN_PROVIDER")]
    pub(crate) provider: Option<String>,
    /// What stands before each asset's URL.
    #[arg(long = "cdn-base-url", value_name = "URL", env = "CDN_BASE_URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,
    /// Where assets are kept for edges: a folder or s3://bucket; the credentials of S3 and CloudFront
    /// are those of AWS's own clients (AWS_ACCESS_KEY_ID and others).
    #[arg(long = "cdn-store", value_name = "STORE", env = "CDN_STORE", hide_env_values = true)]
    pub(crate) store: Option<String>,
    /// A store by the name of its bucket alone.
    #[arg(long = "cdn-s3-bucket", value_name = "NAME", env = "CDN_S3_BUCKET")]
    pub(crate) s3_bucket: Option<String>,
    /// The CloudFront distribution to invalidate.
    #[arg(long = "cdn-distribution-id", value_name = "ID", env = "CDN_DISTRIBUTION_ID")]
    pub(crate) distribution_id: Option<String>,
    /// The region of the bucket.
    #[arg(long = "cdn-aws-region", value_name = "REGION", env = "AWS_REGION")]
    pub(crate) aws_region: Option<String>,
    /// Another address of S3 and CloudFront.
    #[arg(long = "cdn-endpoint", value_name = "URL", env = "AWS_ENDPOINT_URL", hide_env_values = true)]
    pub(crate) endpoint: Option<String>,
    /// Where an edge takes PURGE, if not at the base URL; repeatable.
    #[arg(
        long = "cdn-edge",
        value_name = "URL",
        env = "CDN_EDGES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub(crate) edges: Option<Vec<String>>,
    /// The folder of assets; by default those that come with the testbed.
    #[arg(long = "cdn-assets", value_name = "FOLDER", env = "CDN_ASSETS")]
    pub(crate) assets: Option<PathBuf>,
}

/// `hitmark testbed cdn`
#[derive(Debug, Args)]
pub(crate) struct CdnCommandArgs {
    #[command(flatten)]
    pub(crate) network: CdnArgs,
    #[command(subcommand)]
    pub(crate) command: CdnCommand,
    /// How the answer is printed.
    #[arg(long, global = true, value_enum, default_value_t = CdnFormat::Text)]
    pub(crate) format: CdnFormat,
}

/// How the answer of `hitmark testbed cdn` is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CdnFormat {
    /// Lines for people.
    Text,
    /// One JSON document.
    Json,
}

/// `hitmark testbed cdn …`
#[derive(Debug, Subcommand)]
pub(crate) enum CdnCommand {
    /// Tell the configuration, the assets, and what the store holds of them.
    #[command(after_help = "Example: hitmark testbed cdn --cdn-config cdn.toml status")]
    Status,
    /// Upload the assets that the store does not hold; by default to the folder cdn-store.
    #[command(after_help = "Example: hitmark testbed cdn --cdn-store s3://my-app-assets sync")]
    Sync {
        /// Only tell what would be uploaded.
        #[arg(long)]
        dry_run: bool,
    },
    /// Make edges forget paths: assets by their plain names, or any path.
    #[command(after_help = "Example: hitmark testbed cdn --cdn-base-url http://127.0.0.1:8090 invalidate \
        /css/main.css /js/app.js\n\nExits with 6 if an edge refused or was not reached,\n\
        and, with --measure, with 1 if no fresh answer came in time.")]
    Invalidate {
        /// The paths.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
        /// The token that PURGE carries.
        #[arg(long, value_name = "TOKEN", env = "HITMARK_PURGE_TOKEN", hide_env_values = true)]
        purge_token: Option<String>,
        /// Ask for each path before and after, and tell how long after the sending of its invalidation the
        /// first fresh answer came.
        #[arg(long)]
        measure: bool,
        /// How long to wait for a fresh answer of each path, with --measure.
        #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "measure")]
        within: u64,
    },
    /// Ask for an asset twice through the edge, and tell whether the second answer came from it.
    #[command(after_help = "Example: hitmark testbed cdn --cdn-base-url http://127.0.0.1:8090 test\n\n\
        Exits with 0 for a hit, 1 for a miss, 5 if the edge does not say, 6 for a wrong answer or none.")]
    Test {
        /// The asset's plain name; by default the largest.
        #[arg(value_name = "ASSET")]
        asset: Option<String>,
    },
}
