//! Deadlines by handle, for tables that hold very many.
//!
//! ```text
//! this second      near: a heap, in exact order
//! the next minute  ring: a bucket for each 2²⁰ µs, about a second, unordered
//! beyond           later: unordered
//! ```
//!
//! Most deadlines are never reached: a response comes, a transaction ends. So cancelling only takes a mark away, and
//! setting only appends. When the heap has run out, the next bucket becomes the heap; when half the ring is used up, it
//! turns on and takes in what was later. Deadlines are exact to the microsecond, and equal ones expire in the order they
//! were set.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::{Ordering, Reverse};

use crate::Instant;

/// Buckets of the ring.
const RING: u64 = 64;

/// A bucket's width as a power of two, in microseconds.
const WIDTH_BITS: u32 = 20;

/// Cancelled entries that may lie about beside as many as there are live ones.
const SLACK: usize = 1024;

/// One deadline that was set. It means nothing to other [`Alarms`], and nothing once it has expired or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    at: Instant,
    slot: u32,
    mark: u32,
}

impl Alarm {
    /// When it is due.
    pub const fn at(self) -> Instant {
        self.at
    }
}

/// Deadlines, each with a value that tells whose it is.
///
/// Setting and cancelling take constant time on average, taking the next one O(log n) in those of its second.
#[derive(Clone, Debug)]
pub struct Alarms<T> {
    near: BinaryHeap<Reverse<Entry<T>>>,
    ring: Vec<Vec<Entry<T>>>,
    later: Vec<Entry<T>>,
    /// The first bucket that is not in the heap, counted from the origin of time.
    horizon: u64,
    /// The first bucket beyond the ring; at most `RING` after the horizon.
    reach: u64,
    /// For each slot the mark of the entry that has it, 0 for none; small, to stay in the cache.
    marks: Vec<u32>,
    free: Vec<u32>,
    /// Entries in heap, ring and later, cancelled ones included.
    entries: usize,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    at: Instant,
    /// Counts up; its low half is the mark.
    number: u64,
    slot: u32,
    value: T,
}

impl<T: Copy> Alarms<T> {
    /// No deadlines.
    pub const fn new() -> Self {
        Self {
            near: BinaryHeap::new(),
            ring: Vec::new(),
            later: Vec::new(),
            horizon: 0,
            reach: RING,
            marks: Vec::new(),
            free: Vec::new(),
            entries: 0,
            last: 0,
        }
    }

    /// Sets a deadline.
    pub fn set(&mut self, at: Instant, value: T) -> Alarm {
        self.last += 1;
        if mark_of(self.last) == 0 {
            self.last += 1;
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.marks.push(0);
            u32::try_from(self.marks.len() - 1).expect("fewer than 2³² deadlines")
        });
        let entry = Entry { at, number: self.last, slot, value };
        let mark = mark_of(entry.number);
        if let Some(free) = self.marks.get_mut(slot as usize) {
            *free = mark;
        }
        self.entries += 1;
        self.file(entry);
        self.refill();
        Alarm { at, slot, mark }
    }

    /// Forgets a deadline; false when it has expired or was cancelled.
    pub fn cancel(&mut self, alarm: Alarm) -> bool {
        if !self.clear(alarm.slot, alarm.mark) {
            return false;
        }
        if self.entries > 2 * self.len() + SLACK {
            self.sweep();
        }
        self.refill();
        true
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Instant> {
        self.near.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes the earliest value whose deadline is at or before `now`. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<T> {
        let Reverse(entry) = *self.near.peek()?;
        if entry.at > now {
            return None;
        }
        self.clear(entry.slot, mark_of(entry.number));
        self.refill();
        Some(entry.value)
    }

    /// How many deadlines are set.
    pub fn len(&self) -> usize {
        self.marks.len() - self.free.len()
    }

    /// Whether no deadline is set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn clear(&mut self, slot: u32, mark: u32) -> bool {
        match self.marks.get_mut(slot as usize) {
            Some(known) if *known == mark => *known = 0,
            _ => return false,
        }
        self.free.push(slot);
        true
    }

    fn file(&mut self, entry: Entry<T>) {
        let bucket = bucket_of(entry.at);
        if bucket < self.horizon {
            return self.near.push(Reverse(entry));
        }
        if self.ring.is_empty() {
            self.ring.resize_with(place(RING - 1) + 1, Vec::new);
        }
        match self.ring.get_mut(place(bucket)).filter(|_| bucket < self.reach) {
            Some(entries) => entries.push(entry),
            None => self.later.push(entry),
        }
    }

    /// Puts a live entry on top of the heap, if there is any.
    fn refill(&mut self) {
        loop {
            while let Some(Reverse(entry)) = self.near.peek() {
                if entry.is_live(&self.marks) {
                    return;
                }
                self.near.pop();
                self.entries -= 1;
            }
            if self.is_empty() {
                return self.throw_away();
            }
            self.turn();
        }
    }

    /// Makes the next bucket that holds anything the heap.
    fn turn(&mut self) {
        let ring = &mut self.ring;
        let mut buckets = self.horizon..self.reach;
        let next = buckets.find(|at| ring.get(place(*at)).is_some_and(|held| !held.is_empty()));
        self.horizon = match next {
            Some(bucket) => {
                if let Some(entries) = ring.get_mut(place(bucket)) {
                    self.near.extend(entries.drain(..).map(Reverse));
                }
                bucket + 1
            }
            // The ring is empty: it goes on where the first of the later ones is.
            None => {
                let live = self.later.iter().filter(|entry| entry.is_live(&self.marks));
                live.map(|entry| bucket_of(entry.at)).min().unwrap_or(self.reach)
            }
        };
        if self.reach.saturating_sub(self.horizon) <= RING / 2 {
            self.reach = self.horizon.saturating_add(RING);
            for entry in core::mem::take(&mut self.later) {
                self.file(entry);
            }
        }
    }

    /// Throws away what was cancelled.
    fn sweep(&mut self) {
        let marks = &self.marks;
        self.near.retain(|Reverse(entry)| entry.is_live(marks));
        self.later.retain(|entry| entry.is_live(marks));
        for bucket in &mut self.ring {
            bucket.retain(|entry| entry.is_live(marks));
        }
        let ring: usize = self.ring.iter().map(Vec::len).sum();
        self.entries = self.near.len() + self.later.len() + ring;
    }

    /// Throws everything away: there is no live entry.
    fn throw_away(&mut self) {
        if self.entries > 0 {
            self.near.clear();
            self.later.clear();
            self.ring.iter_mut().for_each(Vec::clear);
            self.entries = 0;
        }
        (self.horizon, self.reach) = (0, RING);
    }
}

impl<T: Copy> Default for Alarms<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Entry<T> {
    fn is_live(&self, marks: &[u32]) -> bool {
        marks.get(self.slot as usize) == Some(&mark_of(self.number))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

const fn mark_of(number: u64) -> u32 {
    number as u32
}

const fn bucket_of(at: Instant) -> u64 {
    at.as_micros() >> WIDTH_BITS
}

const fn place(bucket: u64) -> usize {
    (bucket % RING) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rng, Timers};

    /// Sets, moves and cancels at random beside the simple bag of deadlines; `spread` is how far ahead, in µs.
    fn beside_the_model(seed: u64, spread: u64) {
        let mut chance = Rng::new(seed);
        let (mut alarms, mut model) = (Alarms::new(), Timers::new());
        let mut held: Vec<(u64, Alarm)> = Vec::new();
        let mut now = Instant::from_micros(chance.below(u64::from(u32::MAX)));
        for key in 0..2000 {
            match chance.below(10) {
                0..=4 => {
                    let at = Instant::from_micros(now.as_micros() + chance.below(spread));
                    held.push((key, alarms.set(at, key)));
                    model.set(key, at);
                }
                5..=7 if !held.is_empty() => {
                    let at = usize::try_from(chance.below(held.len() as u64)).expect("small");
                    let (key, alarm) = held.swap_remove(at);
                    let known = model.deadline(&key);
                    assert!(known.is_none_or(|at| at == alarm.at()));
                    assert_eq!(alarms.cancel(alarm), known.is_some(), "seed {seed}");
                    assert!(!alarms.cancel(alarm), "seed {seed}: twice");
                    model.cancel(&key);
                }
                _ => {
                    now += crate::Duration::from_micros(chance.below(spread / 20 + 1));
                    while let Some(key) = model.pop_expired(now) {
                        assert_eq!(alarms.pop_expired(now), Some(key), "seed {seed}");
                    }
                    assert_eq!(alarms.pop_expired(now), None, "seed {seed}");
                }
            }
            assert_eq!(alarms.next(), model.next(), "seed {seed}, step {key}");
            assert_eq!(alarms.len(), model.len());
            let bound = 2 * alarms.len() + SLACK + 1;
            assert!(alarms.entries <= bound, "seed {seed}: {} lie about", alarms.entries);
        }
    }

    #[test]
    fn it_does_what_the_simple_bag_does_however_far_ahead() {
        for seed in 0..40 {
            for spread in [1000, 3_000_000, 40_000_000, 2_000_000_000, u64::from(u32::MAX) << 20] {
                beside_the_model(seed, spread);
            }
        }
    }

    #[test]
    fn equal_deadlines_expire_in_the_order_they_were_set() {
        let mut alarms = Alarms::new();
        let at = Instant::from_millis(90_000);
        let first = alarms.set(at, 'a');
        alarms.set(at, 'b');
        assert!(alarms.cancel(first));
        alarms.set(at, 'c');
        alarms.set(Instant::from_micros(u64::MAX), 'z');
        assert_eq!(alarms.pop_expired(at), Some('b'));
        assert_eq!(alarms.pop_expired(at), Some('c'));
        assert_eq!(alarms.pop_expired(at), None);
        assert_eq!(alarms.next(), Some(Instant::from_micros(u64::MAX)));
        assert_eq!(alarms.len(), 1);
    }

    #[test]
    fn what_is_cancelled_does_not_pile_up() {
        let mut alarms = Alarms::new();
        let lasting = alarms.set(Instant::from_millis(1), 0);
        for n in 1..100_000u64 {
            let alarm = alarms.set(Instant::from_millis(32_000 + n), n);
            assert!(alarms.cancel(alarm));
            assert!(alarms.entries <= SLACK + 4);
        }
        assert!(alarms.cancel(lasting));
        assert!(alarms.is_empty());
        assert_eq!(alarms.entries, 0);
    }
}
