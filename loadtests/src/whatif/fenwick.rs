//! A Fenwick tree (1994): sums of a prefix and changes of one place, each in a few steps.

use std::ops::{AddAssign, SubAssign};

/// Sums over places from 0.
#[derive(Debug)]
pub(super) struct Fenwick<T> {
    nodes: Vec<T>,
}

impl<T: Copy + Default + AddAssign + SubAssign> Fenwick<T> {
    pub(super) fn new(length: usize) -> Self {
        Self { nodes: vec![T::default(); length + 1] }
    }

    pub(super) fn add(&mut self, place: usize, value: T) {
        let mut node = place + 1;
        while node < self.nodes.len() {
            self.nodes[node] += value;
            node += node & node.wrapping_neg();
        }
    }

    pub(super) fn subtract(&mut self, place: usize, value: T) {
        let mut node = place + 1;
        while node < self.nodes.len() {
            self.nodes[node] -= value;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum of all places up to this one.
    pub(super) fn sum_through(&self, place: usize) -> T {
        let mut node = place + 1;
        let mut sum = T::default();
        while node > 0 {
            sum += self.nodes[node];
            node &= node - 1;
        }
        sum
    }
}
