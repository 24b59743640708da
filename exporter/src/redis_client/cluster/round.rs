//! One question to a cluster on its way: what goes to which node, what came back, what is asked again.
//!
//! It is apart from the client, which knows the nodes: here they are only owners of slots.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::{Answered, Master, Words, left};
use crate::failure::Failure;
use crate::induced;
use crate::redis_client::Reply;
use crate::redis_client::nodes::Seeds;

/// A command on its way.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    /// Which of the commands asked; those of one SCAN share it.
    index: usize,
    pub(super) words: Words,
    /// Whether the node is told that the slot is on its way to it.
    pub(super) asking: bool,
}

impl Sent {
    /// The command to be asked again; a SCAN only of this node.
    fn again(mut self, address: &str) -> (usize, Words) {
        if is_scan(&self.words) {
            self.words[1] = format!("{address}={}", self.words[1]);
        }
        (self.index, self.words)
    }
}

/// What came in so far.
pub(super) struct Gathered {
    replies: Vec<Reply>,
    /// Cursors that are not at their end and keys, of those commands that are a SCAN.
    scans: BTreeMap<usize, (Vec<String>, Vec<Reply>)>,
    cost: (u64, u64),
    /// Why the last turn is not whole, if a node failed in it.
    pub(super) failure: Option<Failure>,
}

impl Gathered {
    pub(super) fn new(commands: &[Words]) -> Self {
        Self {
            replies: vec![Reply::Nil; commands.len()],
            scans: BTreeMap::new(),
            cost: (0, 0),
            failure: None,
        }
    }

    /// Asks once what is open; returns what must be asked again.
    pub(super) async fn turn(
        &mut self,
        masters: &[Master],
        open: Vec<(usize, Words)>,
        seeds: &Seeds,
        limit: Duration,
    ) -> Result<Vec<(usize, Words)>, Failure> {
        let deadline = Instant::now() + limit;
        self.failure = None;
        let (mut again, mut on_the_way) = (Vec::new(), BTreeMap::<String, Vec<Sent>>::new());
        let answered = join_all(pipelines(masters, open)?.into_iter().map(|(master, sent)| async move {
            let answer = master.ask(&sent, limit).await;
            (master, sent, answer)
        }));
        for (master, sent, answer) in answered.await {
            let (replies, cost) = match answer {
                Ok(answered) => answered,
                Err(failure) => {
                    self.failure = Some(failure);
                    again.extend(sent.into_iter().map(|sent| sent.again(&master.address)));
                    continue;
                }
            };
            self.cost = (self.cost.0 + cost.0, self.cost.1 + cost.1);
            for (sent, reply) in sent.into_iter().zip(replies) {
                match redirected(&reply) {
                    Some((Redirect::Moved, _)) => again.push((sent.index, sent.words)),
                    Some((Redirect::Ask, address)) => {
                        on_the_way.entry(address.to_owned()).or_default().push(sent);
                    }
                    None => self.take(&master.address, &sent, reply),
                }
            }
        }
        for (address, sent) in on_the_way {
            let known = masters.iter().find(|master| master.address == address).cloned();
            match known.or_else(|| Master::of(seeds, &address)) {
                Some(node) => again.extend(self.follow(&node, sent, left(deadline)).await?),
                None => again.extend(sent.into_iter().map(|sent| (sent.index, sent.words))),
            }
        }
        Ok(again)
    }

    /// A key of a slot on its way is where the answer says, for this once; returns what is not.
    async fn follow(
        &mut self,
        node: &Master,
        mut sent: Vec<Sent>,
        limit: Duration,
    ) -> Result<Vec<(usize, Words)>, Failure> {
        sent.iter_mut().for_each(|sent| sent.asking = true);
        let (replies, cost) = node.ask(&sent, limit).await?;
        self.cost = (self.cost.0 + cost.0, self.cost.1 + cost.1);
        let mut again = Vec::new();
        for (sent, reply) in sent.into_iter().zip(replies) {
            match redirected(&reply) {
                Some(_) => again.push((sent.index, sent.words)),
                None => self.take(&node.address, &sent, reply),
            }
        }
        Ok(again)
    }

    fn take(&mut self, address: &str, sent: &Sent, reply: Reply) {
        if !is_scan(&sent.words) {
            self.replies[sent.index] = reply;
            return;
        }
        let scan = self.scans.entry(sent.index).or_default();
        match reply {
            Reply::List(parts) => {
                let mut parts = parts.into_iter();
                if let Some(Reply::Text(cursor)) = parts.next()
                    && cursor != "0"
                {
                    scan.0.push(format!("{address}={cursor}"));
                }
                if let Some(Reply::List(keys)) = parts.next() {
                    scan.1.extend(keys);
                }
            }
            refused => self.replies[sent.index] = refused,
        }
    }

    pub(super) fn finish(mut self) -> Answered {
        for (index, (cursors, keys)) in self.scans {
            if self.replies[index] == Reply::Nil {
                let cursor = if cursors.is_empty() { "0".to_owned() } else { cursors.join(" ") };
                self.replies[index] = Reply::List(vec![Reply::Text(cursor), Reply::List(keys)]);
            }
        }
        (self.replies, self.cost)
    }
}

/// One pipeline for each node: a command goes to its key's owner, a SCAN to every master that its
/// cursor has not finished.
fn pipelines(masters: &[Master], open: Vec<(usize, Words)>) -> Result<Vec<(&Master, Vec<Sent>)>, Failure> {
    let mut pipelines: Vec<(&Master, Vec<Sent>)> =
        masters.iter().map(|master| (master, Vec::new())).collect();
    for (index, words) in open {
        if is_scan(&words) {
            let cursors = words[1].clone();
            for (master, sent) in &mut pipelines {
                let Some(cursor) = cursor_of(&cursors, &master.address) else { continue };
                let mut words = words.clone();
                cursor.clone_into(&mut words[1]);
                sent.push(Sent { index, words, asking: false });
            }
            continue;
        }
        let key = words.get(induced::position(&words)).map_or("", String::as_str);
        match pipelines.iter_mut().find(|(master, _)| master.slots.contain(key)) {
            Some((_, sent)) => sent.push(Sent { index, words, asking: false }),
            None => return Err(Failure::Refused("no node owns the slot of a queue's key".to_owned())),
        }
    }
    pipelines.retain(|(_, sent)| !sent.is_empty());
    Ok(pipelines)
}

fn is_scan(words: &[String]) -> bool {
    words.first().is_some_and(|name| name == "SCAN") && words.len() > 1
}

/// The cursor of one node in `host:port=cursor host:port=cursor`; `0` begins everywhere.
fn cursor_of<'a>(cursors: &'a str, address: &str) -> Option<&'a str> {
    if !cursors.contains('=') {
        return Some(cursors);
    }
    let mut each = cursors.split(' ').filter_map(|one| one.rsplit_once('='));
    each.find(|(node, _)| *node == address).map(|(_, cursor)| cursor)
}

/// `Moved` or `Ask`, and the node to ask instead.
fn redirected(reply: &Reply) -> Option<(Redirect, &str)> {
    let Reply::Refused(words) = reply else { return None };
    let (name, rest) = words.split_once([':', ' '])?;
    let redirect = match name {
        "Moved" | "MOVED" => Redirect::Moved,
        "Ask" | "ASK" => Redirect::Ask,
        _ => return None,
    };
    Some((redirect, rest.trim().rsplit(' ').next()?))
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Redirect {
    /// At another node from now on.
    Moved,
    /// On its way: this key is there already.
    Ask,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::induced::Lookups;
    use crate::redis_client::RedisClient;
    use crate::redis_client::slots::Slots;
    use crate::tls::TlsOptions;

    fn words(text: &str) -> Words {
        text.split(' ').map(str::to_owned).collect()
    }

    fn masters() -> Vec<Master> {
        let master = |(address, slots): (&str, &str)| {
            let url = format!("redis://{address}");
            let client = RedisClient::new(&url, Duration::from_secs(1), &TlsOptions::default()).unwrap();
            let slots = Slots::read([slots].into_iter());
            Master {
                address: address.to_owned(),
                slots,
                client: Arc::new(client),
                lookups: Lookups::of(&url),
            }
        };
        [("h:1", "0-8191"), ("h:2", "8192-16383")].map(master).into()
    }

    #[test]
    fn a_command_goes_to_the_owner_of_its_key_and_a_scan_to_every_master() {
        let masters = masters();
        // By CLUSTER KEYSLOT: foo 12182, a 15495, {user1000} 3443.
        let asked = ["LLEN foo", "XINFO STREAM {user1000}.x", "SCAN 0 MATCH q:*", "GET a"];
        let open = asked.iter().map(|text| words(text)).enumerate().collect();
        let pipelines = pipelines(&masters, open).unwrap();
        let sent: Vec<(&str, Vec<usize>)> = pipelines
            .iter()
            .map(|(master, sent)| (master.address.as_str(), sent.iter().map(|sent| sent.index).collect()))
            .collect();
        assert_eq!(sent, [("h:1", vec![1, 2]), ("h:2", vec![0, 2, 3])]);
    }

    #[test]
    fn the_cursor_of_a_scan_holds_those_of_the_nodes_that_are_not_through() {
        let asked = [words("SCAN 0 MATCH q:*")];
        let mut gathered = Gathered::new(&asked);
        let sent = Sent { index: 0, words: asked[0].clone(), asking: false };
        let part = |cursor: &str, key: &str| {
            Reply::List(vec![Reply::Text(cursor.to_owned()), Reply::List(vec![Reply::Text(key.to_owned())])])
        };
        gathered.take("h:1", &sent, part("0", "q:a"));
        gathered.take("h:2", &sent, part("17", "q:b"));
        let (replies, _) = gathered.finish();
        let Reply::List(parts) = &replies[0] else { panic!("{replies:?}") };
        assert_eq!(parts[0], Reply::Text("h:2=17".to_owned()));
        let next = vec![(0, words("SCAN h:2=17 MATCH q:*"))];
        let masters = masters();
        let pipelines = pipelines(&masters, next).unwrap();
        assert_eq!((pipelines.len(), pipelines[0].1[0].words[1].as_str()), (1, "17"));
    }

    #[test]
    fn answers_that_send_elsewhere_are_told_from_other_refusals() {
        let told = |text: &str| redirected(&Reply::Refused(text.to_owned())).map(|(_, to)| to.to_owned());
        assert_eq!(told("Moved: 12182 10.0.0.1:7002"), Some("10.0.0.1:7002".to_owned()));
        assert_eq!(told("ASK 3443 h:1"), Some("h:1".to_owned()));
        assert_eq!(told("ClusterDown: The cluster is down"), None);
        assert_eq!(redirected(&Reply::Nil), None);
    }
}
