//! What a Sentinel knows: its masters, and for each of them its replicas and the other Sentinels.
//!
//! Names and labels are redis_exporter's. A Sentinel watches few masters; the bound is for one that
//! does not.

use hitmark_schema::exposition::Family;
use hitmark_schema::metrics as m;

use super::fields::number;
use super::pairs_of;
use crate::redis_client::{Command, Followed, Reply};

/// Most masters that are told.
const MASTERS_MAX: usize = 64;
/// Most other Sentinels of a master that are told one by one.
const PEERS_MAX: usize = 32;
/// The longest message of a quorum's check that becomes a label.
const MESSAGE_MAX: usize = 128;

/// The question for all masters.
pub(super) const MASTERS: Command<'static> = &["SENTINEL", "MASTERS"];

/// Whether the server is a Sentinel.
pub(super) fn is_one(info: &str) -> bool {
    super::info::field(info, "redis_mode") == Some("sentinel")
}

/// The master that a target with Sentinels is: so a failover is seen on the page.
pub(super) fn followed(followed: &Followed) -> [Family; 2] {
    let address = followed.address.as_deref().unwrap_or_default();
    let labels = [("master_name", followed.name.as_str()), ("master_address", address)];
    [
        Family::new(m::REDIS_FOLLOWED_MASTER).with(&labels, 1.0),
        Family::new(m::REDIS_FOLLOWED_CHANGES)
            .with(&[("master_name", followed.name.as_str())], followed.changes as f64),
    ]
}

/// The lines `master0:name=main,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=3` of `INFO`.
pub(super) fn own(info: &str) -> Vec<Family> {
    if !is_one(info) {
        return Vec::new();
    }
    let gauges = [
        ("sentinel_masters", m::REDIS_SENTINEL_MASTERS),
        ("sentinel_tilt", m::REDIS_SENTINEL_TILT),
        ("sentinel_running_scripts", m::REDIS_SENTINEL_SCRIPTS),
        ("sentinel_scripts_queue_length", m::REDIS_SENTINEL_QUEUE),
        ("sentinel_simulate_failure_flags", m::REDIS_SENTINEL_SIMULATED),
    ];
    let mut families: Vec<Family> = gauges
        .into_iter()
        .filter_map(|(name, metric)| {
            Some(Family::single(metric, super::info::field(info, name).and_then(number)?))
        })
        .collect();
    let mut statuses = Family::new(m::REDIS_SENTINEL_STATUS);
    let mut replicas = Family::new(m::REDIS_SENTINEL_REPLICAS);
    let mut sentinels = Family::new(m::REDIS_SENTINEL_SENTINELS);
    let masters = info.lines().filter_map(|line| {
        let (place, attributes) = line.strip_prefix("master")?.split_once(':')?;
        place.parse::<u32>().ok().map(|_| attributes)
    });
    for attributes in masters.take(MASTERS_MAX) {
        let of = |name: &str| {
            attributes
                .split(',')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_default()
        };
        let master = [("master_name", of("name")), ("master_address", of("address"))];
        let status = of("status");
        let with_status = [master[0], master[1], ("master_status", status)];
        statuses.push(&with_status, f64::from(u8::from(status == "ok")));
        for (name, family) in [("slaves", &mut replicas), ("sentinels", &mut sentinels)] {
            if let Some(value) = number(of(name)) {
                family.push(&master, value);
            }
        }
    }
    families.extend([statuses, replicas, sentinels]);
    families
}

/// One master of the reply to [`MASTERS`]: its name and its address.
pub(super) type Master = (String, String);

/// The masters' settings.
pub(super) fn masters(reply: &Reply) -> Vec<Family> {
    let columns = [
        ("quorum", m::REDIS_SENTINEL_QUORUM, 1.0),
        ("failover-timeout", m::REDIS_SENTINEL_FAILOVER, 1.0),
        ("parallel-syncs", m::REDIS_SENTINEL_SYNCS, 1.0),
        ("down-after-milliseconds", m::REDIS_SENTINEL_DOWN_AFTER, 1.0),
        ("config-epoch", m::REDIS_SENTINEL_EPOCH, 1.0),
        ("last-ok-ping-reply", m::REDIS_SENTINEL_LAST_OK, 1e3),
    ];
    let mut families: Vec<Family> = columns.iter().map(|(_, metric, _)| Family::new(*metric)).collect();
    for master in list(reply).iter().take(MASTERS_MAX) {
        let (name, address) = name_of(master);
        let labels = [("master_name", name.as_str()), ("master_address", address.as_str())];
        for ((field, _, divisor), family) in columns.iter().zip(&mut families) {
            if let Some(value) = text_of(master, field).and_then(number) {
                family.push(&labels, value / divisor);
            }
        }
    }
    families
}

/// The masters' names and addresses.
pub(super) fn names(reply: &Reply) -> Vec<Master> {
    list(reply).iter().take(MASTERS_MAX).map(name_of).filter(|(name, _)| !name.is_empty()).collect()
}

/// Three questions for each master.
pub(super) fn questions(masters: &[Master]) -> Vec<[&str; 3]> {
    masters
        .iter()
        .flat_map(|(name, _)| ["CKQUORUM", "SENTINELS", "SLAVES"].map(|about| ["SENTINEL", about, name]))
        .collect()
}

/// Reads the answers to [`questions`]; `one_by_one` tells who the other Sentinels are.
pub(super) fn peers(masters: &[Master], answers: &[Reply], one_by_one: bool) -> Vec<Family> {
    let mut others_info = Family::new(m::REDIS_SENTINEL_PEER);
    let mut quorum = Family::new(m::REDIS_SENTINEL_QUORUM_OK);
    let mut sentinels = Family::new(m::REDIS_SENTINEL_OK_SENTINELS);
    let mut replicas = Family::new(m::REDIS_SENTINEL_OK_REPLICAS);
    for ((name, address), answers) in masters.iter().zip(answers.chunks_exact(3)) {
        let (holds, message) = match &answers[0] {
            Reply::Text(text) => (1.0, text.as_str()),
            Reply::Refused(text) => (0.0, text.as_str()),
            _ => (0.0, ""),
        };
        let message: String = message.chars().take(MESSAGE_MAX).collect();
        quorum.push(&[("master_name", name), ("message", &message)], holds);
        let labels = [("master_name", name.as_str()), ("master_address", address.as_str())];
        if let Reply::List(others) = &answers[1] {
            // The one that answers is well, or it would not.
            sentinels.push(&labels, 1.0 + up(others));
            for other in others.iter().take(if one_by_one { PEERS_MAX } else { 0 }) {
                let text = |name| (name, text_of(other, name).unwrap_or_default());
                let [name, ip, port, runid, flags] = ["name", "ip", "port", "runid", "flags"].map(text);
                others_info.push(&[labels[0], labels[1], name, ip, port, runid, flags], 1.0);
            }
        }
        if let Reply::List(all) = &answers[2] {
            replicas.push(&labels, up(all));
        }
    }
    vec![quorum, sentinels, replicas, others_info]
}

/// How many of them nobody holds to be down.
fn up(servers: &[Reply]) -> f64 {
    let is_up = |server: &&Reply| text_of(server, "flags").is_some_and(|flags| !flags.contains("_down"));
    servers.iter().filter(is_up).count() as f64
}

fn name_of(master: &Reply) -> Master {
    let text = |name| text_of(master, name).unwrap_or_default();
    (text("name").to_owned(), format!("{}:{}", text("ip"), text("port")))
}

fn text_of<'a>(map: &'a Reply, wanted: &str) -> Option<&'a str> {
    pairs_of(map).find_map(|pair| match pair {
        (Reply::Text(key), Reply::Text(value)) if key == wanted => Some(value.as_str()),
        _ => None,
    })
}

fn list(reply: &Reply) -> &[Reply] {
    match reply {
        Reply::List(items) => items,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_sentinels_are_told_one_by_one_where_that_is_wanted() {
        let text = |text: &str| Reply::Text(text.to_owned());
        let peer = ["name", "ab", "ip", "10.0.0.2", "port", "26379", "runid", "ab", "flags", "sentinel"];
        let answers =
            [text("OK 2 usable"), Reply::List(vec![Reply::List(peer.map(text).into())]), Reply::Nil];
        let masters = [("main".to_owned(), "10.0.0.1:6379".to_owned())];
        let page = |one_by_one| {
            let mut page = String::new();
            hitmark_schema::exposition::encode(&peers(&masters, &answers, one_by_one), &mut page);
            page
        };
        let wanted = "redis_sentinel_peer_info{master_name=\"main\",master_address=\"10.0.0.1:6379\",name=\"ab\",\
                      ip=\"10.0.0.2\",port=\"26379\",runid=\"ab\",flags=\"sentinel\"} 1\n";
        assert!(page(true).contains(wanted), "{}", page(true));
        assert!(!page(false).contains("peer_info"), "{}", page(false));
    }
}
