//! A bag of named deadlines.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::Instant;

/// Deadlines by key; each key has at most one.
///
/// Setting, cancelling and taking cost O(log n). Equal deadlines expire in the order of their keys, so a run is
/// the same every time.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_key: BTreeMap<K, Instant>,
    by_time: BTreeSet<(Instant, K)>,
}

impl<K: Ord + Clone> Timers<K> {
    /// No deadlines.
    pub const fn new() -> Self {
        Self { by_key: BTreeMap::new(), by_time: BTreeSet::new() }
    }

    /// Sets or moves the deadline of `key`.
    pub fn set(&mut self, key: K, at: Instant) {
        if let Some(old) = self.by_key.insert(key.clone(), at) {
            self.by_time.remove(&(old, key.clone()));
        }
        self.by_time.insert((at, key));
    }

    /// Forgets the deadline of `key`; does nothing when there is none.
    pub fn cancel(&mut self, key: &K) {
        if let Some(old) = self.by_key.remove(key) {
            self.by_time.remove(&(old, key.clone()));
        }
    }

    /// The deadline of `key`.
    pub fn deadline(&self, key: &K) -> Option<Instant> {
        self.by_key.get(key).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the earliest key whose deadline is at or before `now`. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<K> {
        let (at, _) = self.by_time.first()?;
        if *at > now {
            return None;
        }
        let (_, key) = self.by_time.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    /// How many deadlines are set.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether no deadline is set.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }
}

impl<K: Ord + Clone> Default for Timers<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expire_in_order_and_once() {
        let mut timers = Timers::new();
        timers.set('b', Instant::from_millis(2));
        timers.set('a', Instant::from_millis(2));
        timers.set('c', Instant::from_millis(1));
        timers.set('c', Instant::from_millis(3));
        timers.set('d', Instant::from_millis(1));
        timers.cancel(&'d');
        assert_eq!(timers.next(), Some(Instant::from_millis(2)));
        assert_eq!(timers.pop_expired(Instant::from_millis(1)), None);
        let now = Instant::from_millis(9);
        assert_eq!(timers.pop_expired(now), Some('a'));
        assert_eq!(timers.pop_expired(now), Some('b'));
        assert_eq!(timers.pop_expired(now), Some('c'));
        assert_eq!(timers.pop_expired(now), None);
        assert!(timers.is_empty());
    }
}
