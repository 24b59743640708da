//! Least recently used: the key that was not asked for longest goes.

use super::Policy;
use super::links::Links;

pub(super) struct Lru {
    links: Links,
    held: Vec<bool>,
    free: usize,
}

impl Lru {
    pub(super) fn new(keys: u32, capacity: usize) -> Self {
        Self { links: Links::new(keys, 1), held: vec![false; keys as usize], free: capacity }
    }
}

impl Policy for Lru {
    fn access(&mut self, key: u32) -> bool {
        let hit = self.held[key as usize];
        if hit {
            self.links.remove(key);
        } else if self.free > 0 {
            self.free -= 1;
        } else if let Some(victim) = self.links.pop_back(0) {
            self.held[victim as usize] = false;
        }
        self.held[key as usize] = true;
        self.links.push_front(0, key);
        hit
    }
}
