//! Queues of keys in two flat arrays: no allocation for each entry, and removal from anywhere.

/// A key that is no key.
const NONE: u32 = u32::MAX;

/// Doubly linked queues over keys from 0; a key is in one queue at most.
#[derive(Debug)]
pub(super) struct Links {
    next: Vec<u32>,
    previous: Vec<u32>,
    keys: u32,
}

impl Links {
    pub(super) fn new(keys: u32, queues: u32) -> Self {
        let mut links = Self {
            next: vec![NONE; (keys + queues) as usize],
            previous: vec![NONE; (keys + queues) as usize],
            keys,
        };
        for queue in 0..queues {
            let head = links.head(queue);
            links.next[head as usize] = head;
            links.previous[head as usize] = head;
        }
        links
    }

    /// A queue is a ring; its head is a node that is no key.
    const fn head(&self, queue: u32) -> u32 {
        self.keys + queue
    }

    pub(super) fn push_front(&mut self, queue: u32, key: u32) {
        let head = self.head(queue);
        let first = self.next[head as usize];
        self.next[head as usize] = key;
        self.previous[key as usize] = head;
        self.next[key as usize] = first;
        self.previous[first as usize] = key;
    }

    pub(super) fn remove(&mut self, key: u32) {
        let (before, after) = (self.previous[key as usize], self.next[key as usize]);
        self.next[before as usize] = after;
        self.previous[after as usize] = before;
        self.next[key as usize] = NONE;
        self.previous[key as usize] = NONE;
    }

    /// The key that has been in the queue longest.
    pub(super) fn back(&self, queue: u32) -> Option<u32> {
        let last = self.previous[self.head(queue) as usize];
        (last < self.keys).then_some(last)
    }

    pub(super) fn pop_back(&mut self, queue: u32) -> Option<u32> {
        let last = self.back(queue)?;
        self.remove(last);
        Some(last)
    }

    /// The neighbour towards the front; none at the front.
    pub(super) fn towards_front(&self, key: u32) -> Option<u32> {
        let before = self.previous[key as usize];
        (before < self.keys).then_some(before)
    }

    pub(super) fn is_empty(&self, queue: u32) -> bool {
        self.back(queue).is_none()
    }
}
