//! S3-FIFO (Yang and others, SOSP 2023): a small queue that filters keys asked for once, a main
//! queue that gives second chances, and a ghost queue that remembers what the small one let go.

use super::Policy;
use super::links::Links;

const SMALL: u32 = 0;
const MAIN: u32 = 1;
const GHOST: u32 = 2;
/// Requests that are counted at most.
const COUNT_MAX: u8 = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    Small,
    Main,
    Ghost,
}

pub(super) struct S3Fifo {
    links: Links,
    places: Vec<Place>,
    counts: Vec<u8>,
    small: usize,
    main: usize,
    ghosts: usize,
    small_max: usize,
    capacity: usize,
}

impl S3Fifo {
    /// The small queue has a tenth of the capacity, the ghost queue as many keys as the main one.
    pub(super) fn new(keys: u32, capacity: usize) -> Self {
        Self {
            links: Links::new(keys, 3),
            places: vec![Place::Nowhere; keys as usize],
            counts: vec![0; keys as usize],
            small: 0,
            main: 0,
            ghosts: 0,
            small_max: (capacity / 10).max(1),
            capacity,
        }
    }

    fn evict(&mut self) {
        while self.small + self.main >= self.capacity {
            if self.small >= self.small_max || self.main == 0 {
                self.evict_small();
            } else {
                self.evict_main();
            }
        }
    }

    fn evict_small(&mut self) {
        let Some(key) = self.links.pop_back(SMALL) else { return };
        self.small -= 1;
        if self.counts[key as usize] > 1 {
            self.counts[key as usize] = 0;
            self.enter(key, MAIN);
            return;
        }
        if self.ghosts >= self.capacity - self.small_max.min(self.capacity - 1)
            && let Some(forgotten) = self.links.pop_back(GHOST)
        {
            self.places[forgotten as usize] = Place::Nowhere;
            self.ghosts -= 1;
        }
        self.places[key as usize] = Place::Ghost;
        self.ghosts += 1;
        self.links.push_front(GHOST, key);
    }

    fn evict_main(&mut self) {
        while let Some(key) = self.links.pop_back(MAIN) {
            if self.counts[key as usize] > 0 {
                self.counts[key as usize] -= 1;
                self.links.push_front(MAIN, key);
            } else {
                self.places[key as usize] = Place::Nowhere;
                self.main -= 1;
                return;
            }
        }
    }

    fn enter(&mut self, key: u32, queue: u32) {
        self.links.push_front(queue, key);
        if queue == SMALL {
            self.small += 1;
            self.places[key as usize] = Place::Small;
        } else {
            self.main += 1;
            self.places[key as usize] = Place::Main;
        }
    }
}

impl Policy for S3Fifo {
    fn access(&mut self, key: u32) -> bool {
        let place = self.places[key as usize];
        if matches!(place, Place::Small | Place::Main) {
            let count = &mut self.counts[key as usize];
            *count = (*count + 1).min(COUNT_MAX);
            return true;
        }
        self.evict();
        // Making room may have pushed this key out of the ghosts; it still was one when it was asked for.
        if self.places[key as usize] == Place::Ghost {
            self.links.remove(key);
            self.ghosts -= 1;
        }
        self.counts[key as usize] = 0;
        self.enter(key, if place == Place::Ghost { MAIN } else { SMALL });
        false
    }
}
