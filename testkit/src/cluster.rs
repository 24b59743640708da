//! Three masters of one Redis Cluster, whose slots can be moved while clients are at work.

use std::time::Instant;

use crate::daemon::READY_WITHIN;
use crate::{RedisServer, TestkitError, blocking, free_port, raw};

/// Masters of a Cluster: the fewest with which one may die.
const NODES: usize = 3;
const SLOTS: usize = 16_384;
const POLL_EVERY: std::time::Duration = std::time::Duration::from_millis(10);
/// Names that one MIGRATE takes with it.
const BATCH: &str = "10";

/// Three masters without replicas, each with a third of the slots. A dead one takes only its own slots
/// with it (`cluster-require-full-coverage no`), unless the arguments say otherwise.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes, joins them, and waits until each says that the Cluster is well.
    ///
    /// # Errors
    /// If `redis-server` is not installed or one of them does not get ready.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_with(&[]).await
    }

    /// The same with further arguments of every `redis-server`.
    ///
    /// # Errors
    /// If `redis-server` is not installed, refuses the arguments or does not get ready.
    pub async fn start_with(more: &[&str]) -> Result<Self, TestkitError> {
        let (mut nodes, mut buses) = (Vec::new(), Vec::new());
        for _ in 0..NODES {
            let bus = free_port().to_string();
            let mut args = vec!["--cluster-enabled", "yes", "--cluster-port", &bus];
            args.extend(["--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"]);
            args.extend(["--cluster-allow-replica-migration", "no"]);
            args.extend(more);
            nodes.push(RedisServer::start_with(&args).await?);
            buses.push(bus);
        }
        let cluster = Self { nodes };
        let ports = cluster.ports();
        blocking(move || {
            join(&ports, &buses)?;
            ports.iter().try_for_each(|port| wait_until_well(*port))
        })
        .await?;
        Ok(cluster)
    }

    /// `redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// The nodes, to be killed and paused. A restart keeps a node's slots, and loses its keys.
    #[must_use]
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Begins to move a slot, as an operator does: names that the source has are answered by it, for
    /// others it says `ASK`.
    ///
    /// # Errors
    /// If a node refuses.
    pub async fn begin_move(&self, slot: u16, from: usize, to: usize) -> Result<(), TestkitError> {
        let (from, to, slot) = (self.nodes[from].port(), self.nodes[to].port(), slot.to_string());
        blocking(move || {
            let (source, destination) = (id_of(from)?, id_of(to)?);
            ask(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source])?;
            ask(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &destination]).map(drop)
        })
        .await
    }

    /// Moves up to ten names of a slot whose move has begun; how many it moved.
    ///
    /// # Errors
    /// If a node refuses.
    pub async fn move_some(&self, slot: u16, from: usize, to: usize) -> Result<usize, TestkitError> {
        let (from, to) = (self.nodes[from].port(), self.nodes[to].port());
        blocking(move || move_names(slot, from, to)).await
    }

    /// Moves all names of a slot whose move has begun, and tells every node of the new owner.
    ///
    /// # Errors
    /// If a node refuses.
    pub async fn finish_move(&self, slot: u16, from: usize, to: usize) -> Result<(), TestkitError> {
        let (from, to, ports) = (self.nodes[from].port(), self.nodes[to].port(), self.ports());
        blocking(move || {
            while move_names(slot, from, to)? > 0 {}
            let (slot, owner) = (slot.to_string(), id_of(to)?);
            // The new owner first, so that at no time nobody owns the slot.
            ask(to, &["CLUSTER", "SETSLOT", &slot, "NODE", &owner])?;
            for port in ports.into_iter().filter(|port| *port != to) {
                ask(port, &["CLUSTER", "SETSLOT", &slot, "NODE", &owner])?;
            }
            Ok(())
        })
        .await
    }

    fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(RedisServer::port).collect()
    }
}

/// Gives each node its slots and an epoch of its own, and lets the first meet the others.
fn join(ports: &[u16], buses: &[String]) -> Result<(), TestkitError> {
    for (number, port) in ports.iter().enumerate() {
        let (first, next) = (number * SLOTS / ports.len(), (number + 1) * SLOTS / ports.len());
        let (first, last) = (first.to_string(), (next - 1).to_string());
        ask(*port, &["CLUSTER", "ADDSLOTSRANGE", &first, &last])?;
        ask(*port, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
    }
    for (port, bus) in ports.iter().zip(buses).skip(1) {
        ask(ports[0], &["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), bus])?;
    }
    Ok(())
}

fn wait_until_well(port: u16) -> Result<(), TestkitError> {
    let begun = Instant::now();
    let mut last = String::new();
    while begun.elapsed() < READY_WITHIN {
        last = ask(port, &["CLUSTER", "INFO"])?;
        let nodes = format!("cluster_known_nodes:{NODES}\r\n");
        if last.contains("cluster_state:ok")
            && last.contains(&format!("cluster_slots_ok:{SLOTS}"))
            && last.contains(&nodes)
        {
            return Ok(());
        }
        std::thread::sleep(POLL_EVERY);
    }
    Err(TestkitError::Failed { what: "waiting for a Cluster to be well".into(), output: last })
}

fn move_names(slot: u16, from: u16, to: u16) -> Result<usize, TestkitError> {
    let answer = ask(from, &["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), BATCH])?;
    let names: Vec<&str> = answer.lines().filter(|line| !line.starts_with(['*', '$'])).collect();
    if !names.is_empty() {
        let to = to.to_string();
        let mut command = vec!["MIGRATE", "127.0.0.1", &to, "", "0", "5000", "KEYS"];
        command.extend(&names);
        ask(from, &command)?;
    }
    Ok(names.len())
}

fn id_of(port: u16) -> Result<String, TestkitError> {
    let answer = ask(port, &["CLUSTER", "MYID"])?;
    Ok(answer.lines().nth(1).unwrap_or_default().to_owned())
}

/// Sends one command; the answer as the protocol writes it. An error that the server states is one.
fn ask(port: u16, command: &[&str]) -> Result<String, TestkitError> {
    let mut request = format!("*{}\r\n", command.len());
    for word in command {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    // The answer's length is not known beforehand; the PONG behind it tells its end.
    request += "PING\r\n";
    let answer = raw::exchange(port, request.as_bytes(), |answer| answer.ends_with(b"+PONG\r\n"))
        .map_err(TestkitError::io(format!("asking a node of a Cluster: {}", command.join(" "))))?;
    let answer = String::from_utf8_lossy(&answer);
    let answer = answer.trim_end_matches("+PONG\r\n");
    match answer.starts_with('-') {
        true => Err(TestkitError::Failed { what: command.join(" "), output: answer.to_owned() }),
        false => Ok(answer.to_owned()),
    }
}
