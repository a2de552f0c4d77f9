//! Deadlines by handle: a hierarchical timing wheel.
//!
//! ```text
//! level 0   64 slots of 2¹⁰ µs, about a millisecond, one of which is the cursor's
//! level 1   64 slots of 2¹⁶ µs
//! level 2   64 slots of 2²² µs, about four seconds
//! …
//! level 8   64 slots of 2⁵⁸ µs: the end of time
//! ```
//!
//! The cursor is the millisecond up to which everything has expired. A deadline lies on the level of the first digit to
//! base 64, counted from the top, in which its millisecond differs from the cursor's, in the slot of its own digit there.
//! So whatever lies on a level is due before everything on the levels above it, and within a level the slots are in
//! order of time. When the cursor enters a slot, what lies in it comes down to lower levels; a deadline is touched at
//! most once a level, and most are cancelled before.
//!
//! A slot is a list in the order of setting. Deadlines are exact to the microsecond all the same: a slot is put in order
//! when it has become the first, if it is not so already. Timers of one length are set in the order they expire.

use alloc::vec::Vec;

use crate::Instant;

/// One deadline that was set. It means nothing to other [`Alarms`], and nothing once it has expired or was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    at: Instant,
    index: u32,
    generation: u32,
}

impl Alarm {
    /// When it is due.
    pub const fn at(self) -> Instant {
        self.at
    }
}

/// Deadlines, each with a value that tells whose it is.
///
/// None expires early; they expire in order of time, and equal ones in the order they were set. [`next`](Self::next) is
/// exact. Setting and cancelling take constant time, and no memory once as many have been set at the same time before; but
/// cancelling the earliest may have the slot that is first after it put in order.
/// What that leaves to do, taking them does: bringing each down a few levels and putting those of the first slot in order.
#[derive(Clone, Debug)]
pub struct Alarms<T> {
    entries: Vec<Entry<T>>,
    /// Of the slots, then of the entries; each slot's list is a ring through its own link.
    links: Vec<Link>,
    /// The first entry that is not in use; `NONE` when there is none.
    free: u32,
    len: usize,
    /// The earliest deadline.
    next: Option<Instant>,
    /// A bit for each level that has an occupied slot.
    levels: u32,
    /// For each level a bit for each slot that holds something.
    occupied: [u64; LEVELS],
    /// For each level a bit for each occupied slot whose list is known to be in order of time.
    ordered: [u64; LEVELS],
    /// In milliseconds of 2¹⁰ µs. No deadline set since is before it but one that was over when it was set.
    cursor: u64,
    /// Room to put a slot in order.
    sorting: Vec<(Instant, u32, u32)>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    at: Instant,
    /// How often the entry has been used before.
    generation: u32,
    value: Option<T>,
}

/// A place in a ring; in an entry that is not in use `next` is the next of these.
#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    next: u32,
}

impl<T> Alarms<T> {
    /// No deadlines.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            links: Vec::new(),
            free: NONE,
            len: 0,
            next: None,
            levels: 0,
            occupied: [0; LEVELS],
            ordered: [0; LEVELS],
            cursor: 0,
            sorting: Vec::new(),
        }
    }

    /// Sets a deadline.
    pub fn set(&mut self, at: Instant, value: T) -> Alarm {
        let index = if self.free == NONE { self.grow() } else { self.free };
        self.free = self.links[SLOTS + index as usize].next;
        let entry = &mut self.entries[index as usize];
        entry.at = at;
        entry.value = Some(value);
        let generation = entry.generation;
        self.file(index, at);
        self.len += 1;
        if self.next.is_none_or(|next| at < next) {
            self.next = Some(at);
        }
        Alarm { at, index, generation }
    }

    /// Forgets a deadline; its value, or `None` when it has expired or was cancelled.
    pub fn cancel(&mut self, alarm: Alarm) -> Option<T> {
        let entry = self.entries.get(alarm.index as usize)?;
        if entry.generation != alarm.generation {
            return None;
        }
        let value = self.release(alarm.index);
        if self.next == Some(alarm.at) {
            self.find_next();
        }
        value
    }

    /// The earliest deadline.
    pub const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Takes the earliest value whose deadline is at or before `now`. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<T> {
        match self.next {
            Some(at) if at <= now => {
                self.advance(at);
                let slot = self.first_slot()?;
                self.put_in_order(slot);
                let value = self.release(self.links[slot].next - SLOTS as u32);
                self.find_next();
                value
            }
            Some(_) | None => {
                self.advance(now);
                None
            }
        }
    }

    /// How many deadlines are set.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no deadline is set.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes an entry that is not in use.
    fn grow(&mut self) -> u32 {
        if self.links.is_empty() {
            self.links.extend((0..SLOTS as u32).map(Link::alone));
        }
        let index = u32::try_from(self.entries.len()).ok().filter(|n| *n < NONE - SLOTS as u32);
        let index = index.expect("fewer than 2³² deadlines");
        self.entries.push(Entry { at: Instant::ZERO, generation: 0, value: None });
        self.links.push(Link::alone(NONE));
        index
    }

    /// Takes an entry out of its slot and out of use.
    fn release(&mut self, index: u32) -> Option<T> {
        let place = SLOTS + index as usize;
        let Link { before, next } = self.links[place];
        self.links[before as usize].next = next;
        self.links[next as usize].before = before;
        if before == next && (next as usize) < SLOTS {
            self.empty(next as usize);
        }
        self.links[place].next = self.free;
        self.free = index;
        self.len -= 1;
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.value.take()
    }

    /// Puts an entry into the slot where its deadline belongs, as the cursor stands.
    fn file(&mut self, index: u32, at: Instant) {
        let (slot, place) = (self.slot_of(at), SLOTS as u32 + index);
        let (level, bit) = (slot / DIGIT, 1 << (slot % DIGIT));
        let Link { before: last, next: first } = self.links[slot];
        let mut before = last;
        if last as usize == slot {
            self.levels |= 1 << level;
            self.occupied[level] |= bit;
            self.ordered[level] |= bit;
        } else if at < self.at(last) && self.ordered[level] & bit != 0 {
            if at < self.at(first) {
                before = slot as u32;
            } else {
                self.ordered[level] &= !bit;
            }
        }
        let next = self.links[before as usize].next;
        self.links[place as usize] = Link { before, next };
        self.links[before as usize].next = place;
        self.links[next as usize].before = place;
    }

    /// Moves the cursor on to `to`. Nothing is due before that.
    fn advance(&mut self, to: Instant) {
        let (to, from) = (tick_of(to), self.cursor);
        if to <= from {
            return;
        }
        self.cursor = to;
        let level = level_of(from ^ to);
        let digit = digit_of(to, level);
        // The lower levels are empty: what was there is over. The higher ones stay as they are.
        if self.occupied[level] & (1 << digit) == 0 || level == 0 {
            return;
        }
        let slot = level * DIGIT + digit;
        let mut place = self.links[slot].next;
        self.links[slot] = Link::alone(slot as u32);
        self.empty(slot);
        while place as usize != slot {
            let next = self.links[place as usize].next;
            self.file(place - SLOTS as u32, self.at(place));
            place = next;
        }
    }

    /// Finds the earliest deadline after the one that was it has gone.
    fn find_next(&mut self) {
        self.next = self.first_slot().map(|slot| {
            self.put_in_order(slot);
            self.at(self.links[slot].next)
        });
    }

    /// The slot that holds the earliest deadline.
    fn first_slot(&self) -> Option<usize> {
        let level = self.levels.trailing_zeros() as usize;
        let occupied = self.occupied.get(level)?;
        Some(level * DIGIT + occupied.trailing_zeros() as usize)
    }

    /// Notes that a slot holds nothing more.
    fn empty(&mut self, slot: usize) {
        let level = slot / DIGIT;
        self.occupied[level] &= !(1 << (slot % DIGIT));
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    fn put_in_order(&mut self, slot: usize) {
        let (level, bit) = (slot / DIGIT, 1 << (slot % DIGIT));
        if self.ordered[level] & bit != 0 {
            return;
        }
        self.ordered[level] |= bit;
        let mut sorting = core::mem::take(&mut self.sorting);
        let mut place = self.links[slot].next;
        while place as usize != slot {
            sorting.push((self.at(place), sorting.len() as u32, place));
            place = self.links[place as usize].next;
        }
        sorting.sort_unstable();
        let mut before = slot as u32;
        for (_, _, place) in sorting.drain(..) {
            self.links[before as usize].next = place;
            self.links[place as usize].before = before;
            before = place;
        }
        self.links[before as usize].next = slot as u32;
        self.links[slot].before = before;
        self.sorting = sorting;
    }

    fn slot_of(&self, at: Instant) -> usize {
        // What is over already is due in the cursor's millisecond.
        let tick = tick_of(at).max(self.cursor);
        let level = level_of(tick ^ self.cursor);
        level * DIGIT + digit_of(tick, level)
    }

    fn at(&self, place: u32) -> Instant {
        self.entries[place as usize - SLOTS].at
    }
}

impl<T> Default for Alarms<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Link {
    const fn alone(place: u32) -> Self {
        Self { before: place, next: place }
    }
}

const fn tick_of(at: Instant) -> u64 {
    at.as_micros() >> TICK_BITS
}

/// The level where ticks belong that differ from the cursor by these bits.
const fn level_of(difference: u64) -> usize {
    ((difference | 1).ilog2() / DIGIT_BITS) as usize
}

const fn digit_of(tick: u64, level: usize) -> usize {
    (tick >> (level as u32 * DIGIT_BITS)) as usize % DIGIT
}

/// A slot's width on level 0 as a power of two, in microseconds.
const TICK_BITS: u32 = 10;
/// A digit of a tick, as a power of two.
const DIGIT_BITS: u32 = 6;
/// Slots of a level.
const DIGIT: usize = 1 << DIGIT_BITS;
/// Enough for all digits of a tick.
const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(DIGIT_BITS) as usize;
const SLOTS: usize = LEVELS * DIGIT;
/// No entry.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::Duration;

    /// The same by a sorted map: the plain meaning of it.
    #[derive(Default)]
    struct Model(BTreeMap<(Instant, usize), Alarm>);

    impl Model {
        fn next(&self) -> Option<Instant> {
            self.0.first_key_value().map(|((at, _), _)| *at)
        }

        fn pop_expired(&mut self, now: Instant) -> Option<usize> {
            let entry = self.0.first_entry().filter(|entry| entry.key().0 <= now)?;
            Some(entry.remove_entry().0.1)
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// So many microseconds from now.
        Set(u64),
        /// So many microseconds ago.
        SetLate(u64),
        /// The same deadline as that of the last one.
        SetEqual,
        /// One of those that were ever set.
        Cancel(prop::sample::Index),
        /// The one that is due next.
        CancelNext,
        /// Time goes on, and all that is due is taken.
        Pass(u64),
        /// Time goes on to when the next is due, and one is taken.
        PassToNext,
    }

    /// As many of each magnitude, from microseconds up to the end of time.
    fn micros() -> impl Strategy<Value = u64> {
        prop_oneof![
            4 => 0..2_000u64,
            4 => 0..500_000u64,
            4 => 0..40_000_000u64,
            1 => (0..64u32, any::<u64>()).prop_map(|(bits, any)| any >> bits),
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => micros().prop_map(Step::Set),
            1 => micros().prop_map(Step::SetLate),
            1 => Just(Step::SetEqual),
            3 => any::<prop::sample::Index>().prop_map(Step::Cancel),
            1 => Just(Step::CancelNext),
            1 => micros().prop_map(Step::Pass),
            2 => Just(Step::PassToNext),
        ]
    }

    struct Pair {
        alarms: Alarms<usize>,
        model: Model,
        ever: Vec<Alarm>,
        now: Instant,
    }

    impl Pair {
        fn set(&mut self, at: Instant) {
            let alarm = self.alarms.set(at, self.ever.len());
            assert_eq!(alarm.at(), at);
            self.model.0.insert((at, self.ever.len()), alarm);
            self.ever.push(alarm);
        }

        fn cancel(&mut self, number: usize) {
            let alarm = self.ever[number];
            let known = self.model.0.remove(&(alarm.at(), number)).map(|_| number);
            assert_eq!(self.alarms.cancel(alarm), known);
            assert_eq!(self.alarms.cancel(alarm), None);
        }

        fn pass(&mut self, now: Instant) -> bool {
            self.now = now;
            let expired = self.model.pop_expired(now);
            assert_eq!(self.alarms.pop_expired(now), expired);
            expired.is_some()
        }

        fn take(&mut self, step: Step) {
            match step {
                Step::Set(ahead) => self.set(self.now + Duration::from_micros(ahead)),
                Step::SetLate(ago) => {
                    self.set(Instant::from_micros(self.now.as_micros().saturating_sub(ago)));
                }
                Step::SetEqual => self.set(self.ever.last().map_or(self.now, |alarm| alarm.at())),
                Step::Cancel(index) if !self.ever.is_empty() => {
                    self.cancel(index.index(self.ever.len()));
                }
                Step::Cancel(_) => {}
                Step::CancelNext => {
                    let first = self.model.0.first_key_value().map(|((_, number), _)| *number);
                    first.into_iter().for_each(|number| self.cancel(number));
                }
                Step::Pass(micros) => {
                    let now = self.now + Duration::from_micros(micros);
                    while self.pass(now) {}
                }
                Step::PassToNext => {
                    let now = self.model.next().unwrap_or_default().max(self.now);
                    self.pass(now);
                }
            }
            assert_eq!(self.alarms.next(), self.model.next());
            assert_eq!(self.alarms.len(), self.model.0.len());
        }
    }

    proptest! {
        #[test]
        fn it_does_what_a_sorted_map_does(steps in vec(step(), 0..400), origin in micros()) {
            let now = Instant::from_micros(origin);
            let (alarms, model) = (Alarms::new(), Model::default());
            let mut pair = Pair { alarms, model, ever: Vec::new(), now };
            steps.into_iter().for_each(|step| pair.take(step));
            while pair.pass(Instant::from_micros(u64::MAX)) {}
            prop_assert!(pair.alarms.is_empty());
        }
    }

    #[test]
    fn equal_deadlines_expire_in_the_order_they_were_set() {
        let mut alarms = Alarms::new();
        let at = Instant::from_millis(90_000);
        let first = alarms.set(at, 'a');
        alarms.set(at, 'b');
        assert_eq!(alarms.cancel(first), Some('a'));
        // The cursor is in another slot on each level now.
        assert_eq!(alarms.pop_expired(Instant::from_millis(89_999)), None);
        alarms.set(at, 'c');
        alarms.set(Instant::from_micros(u64::MAX), 'z');
        assert_eq!(alarms.pop_expired(at), Some('b'));
        assert_eq!(alarms.pop_expired(at), Some('c'));
        assert_eq!(alarms.pop_expired(at), None);
        assert_eq!(alarms.next(), Some(Instant::from_micros(u64::MAX)));
        assert_eq!(alarms.len(), 1);
    }

    #[test]
    fn one_that_was_over_when_it_was_set_expires_first() {
        let mut alarms = Alarms::new();
        assert_eq!(alarms.pop_expired(Instant::from_millis(500)), None);
        alarms.set(Instant::from_millis(500), 'c');
        alarms.set(Instant::from_millis(90), 'b');
        alarms.set(Instant::from_millis(10), 'a');
        assert_eq!(alarms.next(), Some(Instant::from_millis(10)));
        let taken = core::iter::from_fn(|| alarms.pop_expired(Instant::from_millis(500)));
        assert!(taken.eq(['a', 'b', 'c']));
    }

    #[test]
    fn what_is_cancelled_leaves_its_room_to_the_next() {
        let mut alarms = Alarms::new();
        let lasting = alarms.set(Instant::from_millis(1), 0);
        for n in 1..10_000u64 {
            let alarm = alarms.set(Instant::from_millis(32_000 + n), n);
            assert_eq!(alarms.cancel(alarm), Some(n));
        }
        assert_eq!(alarms.entries.len(), 2);
        assert_eq!(alarms.cancel(lasting), Some(0));
        assert!(alarms.is_empty());
        assert_eq!(alarms.next(), None);
    }
}
