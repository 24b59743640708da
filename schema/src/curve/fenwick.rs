//! A Fenwick tree (1994): sums of a prefix and changes of one place, each in a few steps.

use std::ops::{AddAssign, SubAssign};

/// Sums over places from 0.
#[derive(Debug)]
pub struct Fenwick<T> {
    nodes: Vec<T>,
}

impl<T: Copy + Default + AddAssign + SubAssign> Fenwick<T> {
    /// So many places, each of them nothing.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self { nodes: vec![T::default(); length + 1] }
    }

    /// Adds to a place.
    pub fn add(&mut self, place: usize, value: T) {
        let mut node = place + 1;
        while node < self.nodes.len() {
            self.nodes[node] += value;
            node += node & node.wrapping_neg();
        }
    }

    /// Takes from a place what it has.
    pub fn subtract(&mut self, place: usize, value: T) {
        let mut node = place + 1;
        while node < self.nodes.len() {
            self.nodes[node] -= value;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum of all places up to this one.
    #[must_use]
    pub fn sum_through(&self, place: usize) -> T {
        let mut node = place + 1;
        let mut sum = T::default();
        while node > 0 {
            sum += self.nodes[node];
            node &= node - 1;
        }
        sum
    }

    /// Gives the first places these values and the others nothing, in one pass.
    pub fn refill(&mut self, values: impl IntoIterator<Item = T>) {
        let mut values = values.into_iter();
        self.nodes.fill(T::default());
        for node in 1..self.nodes.len() {
            if let Some(value) = values.next() {
                self.nodes[node] += value;
            }
            let sum = self.nodes[node];
            if let Some(above) = self.nodes.get_mut(node + (node & node.wrapping_neg())) {
                *above += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_refilled_tree_is_the_same_as_one_filled_step_by_step(
            before in proptest::collection::vec(0_u64..100, 40),
            values in proptest::collection::vec(0_u64..100, 0..40),
        ) {
            let mut refilled = Fenwick::new(40);
            before.iter().enumerate().for_each(|(place, value)| refilled.add(place, *value));
            refilled.refill(values.iter().copied());
            for place in 0..40 {
                prop_assert_eq!(refilled.sum_through(place), values.iter().take(place + 1).sum::<u64>());
            }
        }
    }
}
