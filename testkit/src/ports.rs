//! Free TCP ports on the loopback address.
//!
//! Ports come from below the range that the system gives to outgoing connections, so that no client
//! socket can take a server's port while that server is dead and about to be restarted.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::TestkitError;

const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;
const PROBES_MAX: u32 = 1_000;
const STARTS_MAX: u32 = 5;

/// A TCP port of 127.0.0.1 that nobody listens on at this moment.
///
/// # Panics
/// If a thousand ports in turn are taken.
#[must_use]
pub fn free_port() -> u16 {
    // Each `RandomState` has new keys, so test processes that start together pick different ports.
    let random = RandomState::new();
    for probe in 0..PROBES_MAX {
        let offset = u16::try_from(random.hash_one(probe) % u64::from(COUNT)).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST + offset)).is_ok() {
            return FIRST + offset;
        }
    }
    panic!("none of {PROBES_MAX} TCP ports from {FIRST} on is free on 127.0.0.1");
}

/// Whether somebody listens on this port of 127.0.0.1. Whether it is ours, the daemon's life tells.
pub(crate) fn is_listening(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Starts a server on a free port, and on another one if somebody was faster.
pub(crate) fn on_free_port<T>(start: impl Fn(u16) -> Result<T, TestkitError>) -> Result<T, TestkitError> {
    let mut result = start(free_port());
    for _ in 1..STARTS_MAX {
        match result {
            Err(error) if error.is_port_taken() => result = start(free_port()),
            other => return other,
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_bound_and_then_is_no_longer_handed_out() {
        let held: Vec<_> = (0..50)
            .map(|_| {
                let port = free_port();
                TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free")
            })
            .collect();
        assert_eq!(held.len(), 50);
    }

    #[test]
    fn a_port_lies_below_the_range_of_outgoing_connections() {
        for _ in 0..100 {
            let port = free_port();
            assert!((FIRST..32_768).contains(&port), "{port}");
        }
    }

    #[test]
    fn an_error_that_is_not_about_the_port_is_not_retried() {
        let calls = std::cell::Cell::new(0);
        let result: Result<(), _> = on_free_port(|_| {
            calls.set(calls.get() + 1);
            Err(TestkitError::Missing { program: "x".into(), package: "x" })
        });
        assert!(matches!(result, Err(TestkitError::Missing { .. })));
        assert_eq!(calls.get(), 1);
    }
}
