//! The server, or the cluster of them, in which queues lie.
//!
//! It is apart from the layouts, which ask through [`Ask`] and do not know where their keys are, and
//! from the collector, which does not know how a cluster is asked. Every lookup is counted here.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::ask::{Ask, Request};
use crate::failure::Failure;
use crate::induced::{self, Lookups};
use crate::redis_client::cluster::ClusterClient;
use crate::redis_client::{RedisClient, Reply, nodes};
use crate::tls::TlsOptions;

/// Where the queues lie.
#[derive(Debug)]
pub(super) enum Broker {
    /// In one server, perhaps the one that Sentinels name.
    One { client: Box<RedisClient>, lookups: Arc<Lookups> },
    /// In the slots of several.
    Cluster(Box<ClusterClient>),
}

impl Broker {
    /// Reads the URL. The error says what is wrong with it, without the URL.
    pub(super) fn new(url: &str, timeout: Duration, tls: &TlsOptions) -> Result<Self, String> {
        if nodes::is_meant(url) {
            return Ok(Self::Cluster(Box::new(ClusterClient::new(url, timeout, tls.clone())?)));
        }
        let client = RedisClient::new(url, timeout, tls).map_err(|wrong| {
            format!(
                "{wrong}; write redis://[user:password@]host[:port][/database], redis+sentinel:// or \
                 redis+cluster://"
            )
        })?;
        Ok(Self::One { client: Box::new(client), lookups: Lookups::of(url) })
    }
}

/// One scrape's way to the broker, as a layout sees it.
pub(super) struct Link<'c> {
    pub(super) broker: &'c Broker,
    pub(super) limit: Duration,
    /// Hits and misses so far.
    pub(super) cost: (u64, u64),
}

impl Link<'_> {
    async fn ask(&self, commands: &[Request]) -> Result<(Vec<Reply>, (u64, u64)), Failure> {
        let (client, lookups) = match self.broker {
            Broker::Cluster(cluster) => return cluster.ask(commands, self.limit).await,
            Broker::One { client, lookups } => (client, lookups),
        };
        let words: Vec<Vec<&str>> =
            commands.iter().map(|command| command.iter().map(String::as_str).collect()).collect();
        let asked: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
        let looking = lookups.looking().await;
        let replies = client.ask(&asked, self.limit).await?;
        let cost = induced::lookups(commands, &replies);
        lookups.add(cost);
        drop(looking);
        Ok((replies, cost))
    }
}

impl Ask for Link<'_> {
    fn pipeline<'a>(&'a mut self, commands: &'a [Request]) -> BoxFuture<'a, Result<Vec<Reply>, Failure>> {
        async move {
            let (replies, cost) = self.ask(commands).await?;
            self.cost = (self.cost.0 + cost.0, self.cost.1 + cost.1);
            Ok(replies)
        }
        .boxed()
    }
}
