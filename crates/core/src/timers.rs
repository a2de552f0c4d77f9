//! A bag of named deadlines.

use alloc::collections::BTreeMap;

use crate::{Alarm, Alarms, Instant};

/// Deadlines by key; each key has at most one. [`Alarms`] keeps them, and here is which is whose.
///
/// Setting, cancelling and taking cost one search of a tree of keys. Deadlines expire in order of time, equal ones in the
/// order they were set, so a run is the same every time.
#[derive(Clone, Debug)]
pub struct Timers<K> {
    by_key: BTreeMap<K, Alarm>,
    alarms: Alarms<K>,
}

impl<K: Ord + Clone> Timers<K> {
    /// No deadlines.
    pub const fn new() -> Self {
        Self { by_key: BTreeMap::new(), alarms: Alarms::new() }
    }

    /// Sets or moves the deadline of `key`; does nothing when it is there already.
    pub fn set(&mut self, key: K, at: Instant) {
        match self.by_key.get_mut(&key) {
            Some(alarm) if alarm.at() == at => {}
            Some(alarm) => {
                self.alarms.cancel(*alarm);
                *alarm = self.alarms.set(at, key);
            }
            None => {
                let alarm = self.alarms.set(at, key.clone());
                self.by_key.insert(key, alarm);
            }
        }
    }

    /// Forgets the deadline of `key`; does nothing when there is none.
    pub fn cancel(&mut self, key: &K) {
        if let Some(alarm) = self.by_key.remove(key) {
            self.alarms.cancel(alarm);
        }
    }

    /// The deadline of `key`.
    pub fn deadline(&self, key: &K) -> Option<Instant> {
        self.by_key.get(key).map(|alarm| alarm.at())
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Takes the earliest key whose deadline is at or before `now`. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<K> {
        let key = self.alarms.pop_expired(now)?;
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
        timers.set('b', Instant::from_millis(2));
        assert_eq!(timers.next(), Some(Instant::from_millis(2)));
        assert_eq!(timers.deadline(&'c'), Some(Instant::from_millis(3)));
        assert_eq!(timers.pop_expired(Instant::from_millis(1)), None);
        let now = Instant::from_millis(9);
        assert_eq!(timers.pop_expired(now), Some('b'));
        assert_eq!(timers.pop_expired(now), Some('a'));
        assert_eq!(timers.pop_expired(now), Some('c'));
        assert_eq!(timers.pop_expired(now), None);
        assert!(timers.is_empty());
    }
}
