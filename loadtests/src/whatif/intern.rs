//! Small numbers for keys, in the order of their first appearance.
//!
//! An open-addressed table of our own, because interning is half of a curve's time: it holds
//! nothing but keys and numbers, and probes line by line.

use crate::keys::mix;

const EMPTY: u32 = u32::MAX;

/// Gives each key a number from 0.
#[derive(Debug)]
pub(super) struct Interner {
    slots: Vec<(u64, u32)>,
    shift: u32,
    count: u32,
}

impl Default for Interner {
    fn default() -> Self {
        Self::with_bits(12)
    }
}

impl Interner {
    fn with_bits(bits: u32) -> Self {
        Self { slots: vec![(0, EMPTY); 1 << bits], shift: u64::BITS - bits, count: 0 }
    }

    /// How many keys there are.
    pub(super) const fn len(&self) -> u32 {
        self.count
    }

    /// The number of a key, a new one if it was never seen.
    pub(super) fn number(&mut self, key: u64) -> u32 {
        if self.count as usize * 2 >= self.slots.len() {
            self.grow();
        }
        let place = self.place(key);
        let slot = &mut self.slots[place];
        if slot.1 == EMPTY {
            *slot = (key, self.count);
            self.count += 1;
        }
        slot.1
    }

    /// Where the key stands, or would stand.
    fn place(&self, key: u64) -> usize {
        let mut place = (mix(key) >> self.shift) as usize;
        loop {
            let (held, number) = self.slots[place];
            if number == EMPTY || held == key {
                return place;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_bits(u64::BITS - self.shift + 1);
        for (key, number) in self.slots.iter().filter(|(_, number)| *number != EMPTY) {
            let place = larger.place(*key);
            larger.slots[place] = (*key, *number);
        }
        larger.count = self.count;
        *self = larger;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_first_appearance_and_survive_growth() {
        let mut interner = Interner::default();
        let keys: Vec<u64> = (0..50_000).map(mix).collect();
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(interner.number(*key) as usize, number);
        }
        for (number, key) in keys.iter().enumerate() {
            assert_eq!(interner.number(*key) as usize, number);
        }
        assert_eq!(interner.len(), 50_000);
        assert_eq!(interner.number(0), interner.number(0), "0 is a key like others");
    }
}
