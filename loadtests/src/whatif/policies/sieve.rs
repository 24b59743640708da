//! SIEVE (Zhang and others, NSDI 2024): a queue in order of arrival, a mark for keys that were
//! asked for again, and a hand that walks from old to new, takes marks away and evicts the first
//! key without one.

use super::Policy;
use super::links::Links;

pub(super) struct Sieve {
    links: Links,
    held: Vec<bool>,
    visited: Vec<bool>,
    hand: Option<u32>,
    free: usize,
}

impl Sieve {
    pub(super) fn new(keys: u32, capacity: usize) -> Self {
        Self {
            links: Links::new(keys, 1),
            held: vec![false; keys as usize],
            visited: vec![false; keys as usize],
            hand: None,
            free: capacity,
        }
    }

    fn evict(&mut self) {
        let mut at = self.hand.or_else(|| self.links.back(0));
        while let Some(key) = at
            && self.visited[key as usize]
        {
            self.visited[key as usize] = false;
            at = self.links.towards_front(key).or_else(|| self.links.back(0));
        }
        if let Some(victim) = at {
            self.hand = self.links.towards_front(victim);
            self.links.remove(victim);
            self.held[victim as usize] = false;
        }
    }
}

impl Policy for Sieve {
    fn access(&mut self, key: u32) -> bool {
        if self.held[key as usize] {
            self.visited[key as usize] = true;
            return true;
        }
        if self.free > 0 {
            self.free -= 1;
        } else {
            self.evict();
        }
        self.held[key as usize] = true;
        self.visited[key as usize] = false;
        self.links.push_front(0, key);
        false
    }
}
