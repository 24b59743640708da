//! W-TinyLFU (Einziger, Friedman and Manes, 2017): a small LRU window before a segmented LRU; a
//! key that leaves the window enters only if a sketch has counted it more often than the key that
//! would have to go.

use super::Policy;
use super::links::Links;
use crate::keys::mix;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;
const ROWS: usize = 4;
/// Counts are halved after so many requests for each entry of the cache.
const AGE: usize = 10;
const COUNT_MAX: u8 = 15;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    In(u32),
}

pub(super) struct TinyLfu {
    links: Links,
    places: Vec<Place>,
    lengths: [usize; 3],
    window_max: usize,
    protected_max: usize,
    main_max: usize,
    sketch: Sketch,
}

impl TinyLfu {
    /// The window has a hundredth of the capacity, the protected part four fifths of the rest.
    pub(super) fn new(keys: u32, capacity: usize) -> Self {
        let window_max = (capacity / 100).max(1);
        let main_max = capacity - window_max;
        Self {
            links: Links::new(keys, 3),
            places: vec![Place::Nowhere; keys as usize],
            lengths: [0; 3],
            window_max,
            protected_max: main_max * 4 / 5,
            main_max,
            sketch: Sketch::new(capacity),
        }
    }

    fn enter(&mut self, key: u32, queue: u32) {
        self.links.push_front(queue, key);
        self.lengths[queue as usize] += 1;
        self.places[key as usize] = Place::In(queue);
    }

    fn leave(&mut self, key: u32, queue: u32) {
        self.links.remove(key);
        self.lengths[queue as usize] -= 1;
        self.places[key as usize] = Place::Nowhere;
    }

    fn hit(&mut self, key: u32, queue: u32) {
        self.leave(key, queue);
        if queue == WINDOW || self.protected_max == 0 {
            return self.enter(key, queue);
        }
        self.enter(key, PROTECTED);
        if self.lengths[PROTECTED as usize] > self.protected_max
            && let Some(demoted) = self.links.back(PROTECTED)
        {
            self.leave(demoted, PROTECTED);
            self.enter(demoted, PROBATION);
        }
    }

    /// Takes the oldest key out of a window that is too long, and lets it into the main part if it
    /// is worth it.
    fn admit(&mut self) {
        if self.lengths[WINDOW as usize] <= self.window_max {
            return;
        }
        let Some(candidate) = self.links.back(WINDOW) else { return };
        self.leave(candidate, WINDOW);
        if self.main_max == 0 {
            return;
        }
        if self.lengths[PROBATION as usize] + self.lengths[PROTECTED as usize] < self.main_max {
            return self.enter(candidate, PROBATION);
        }
        let queue = if self.lengths[PROBATION as usize] > 0 { PROBATION } else { PROTECTED };
        let Some(victim) = self.links.back(queue) else { return };
        if self.sketch.count(candidate) > self.sketch.count(victim) {
            self.leave(victim, queue);
            self.enter(candidate, PROBATION);
        }
    }
}

impl Policy for TinyLfu {
    fn access(&mut self, key: u32) -> bool {
        self.sketch.add(key);
        if let Place::In(queue) = self.places[key as usize] {
            self.hit(key, queue);
            return true;
        }
        self.enter(key, WINDOW);
        self.admit();
        false
    }
}

/// A count-min sketch whose counts age.
struct Sketch {
    rows: [Vec<u8>; ROWS],
    mask: usize,
    added: usize,
    age: usize,
}

impl Sketch {
    fn new(capacity: usize) -> Self {
        let width = (capacity * 4).next_power_of_two();
        Self { rows: std::array::from_fn(|_| vec![0; width]), mask: width - 1, added: 0, age: capacity * AGE }
    }

    fn places(&self, key: u32) -> [usize; ROWS] {
        let hash = mix(u64::from(key));
        let (low, high) = (hash as u32 as usize, (hash >> 32) as usize | 1);
        std::array::from_fn(|row| low.wrapping_add(high.wrapping_mul(row)) & self.mask)
    }

    fn add(&mut self, key: u32) {
        let places = self.places(key);
        for (row, place) in self.rows.iter_mut().zip(places) {
            row[place] = (row[place] + 1).min(COUNT_MAX);
        }
        self.added += 1;
        if self.added >= self.age {
            self.added /= 2;
            self.rows.iter_mut().flatten().for_each(|count| *count /= 2);
        }
    }

    fn count(&self, key: u32) -> u8 {
        let places = self.places(key);
        self.rows.iter().zip(places).map(|(row, place)| row[place]).min().unwrap_or(0)
    }
}
