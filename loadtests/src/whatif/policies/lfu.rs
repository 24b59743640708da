//! Least frequently used since it came in; among equals the least recently used goes.

use super::Policy;
use super::links::Links;

/// Counts above this are equal: it bounds the queues, and orders what could not matter.
const COUNT_MAX: u32 = 1 << 16;

pub(super) struct Lfu {
    links: Links,
    /// How often each key was asked for; 0 if it is not held.
    counts: Vec<u32>,
    least: u32,
    free: usize,
}

impl Lfu {
    pub(super) fn new(keys: u32, capacity: usize) -> Self {
        Self {
            links: Links::new(keys, COUNT_MAX + 1),
            counts: vec![0; keys as usize],
            least: 1,
            free: capacity,
        }
    }

    fn evict(&mut self) {
        while self.links.is_empty(self.least) && self.least < COUNT_MAX {
            self.least += 1;
        }
        if let Some(victim) = self.links.pop_back(self.least) {
            self.counts[victim as usize] = 0;
        }
    }
}

impl Policy for Lfu {
    fn access(&mut self, key: u32) -> bool {
        let count = self.counts[key as usize];
        let hit = count > 0;
        if hit {
            self.links.remove(key);
        } else if self.free > 0 {
            self.free -= 1;
        } else {
            self.evict();
        }
        let count = (count + 1).min(COUNT_MAX);
        self.counts[key as usize] = count;
        self.links.push_front(count, key);
        if !hit {
            self.least = 1;
        }
        hit
    }
}
