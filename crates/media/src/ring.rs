//! The rings between threads: single producer, single consumer, wait-free. The one file that knows which crate.

use ringbuf::traits::{Consumer as _, Observer as _, Producer as _, Split as _};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// The end that puts in.
pub struct Producer<T>(HeapProd<T>);

/// The end that takes out.
pub struct Consumer<T>(HeapCons<T>);

/// A ring of `capacity` places, all of which have held what `filler` makes: their memory is there before the audio threads
/// need it, and the process does not grow when they do.
pub fn ring<T>(capacity: usize, filler: impl Fn() -> T) -> (Producer<T>, Consumer<T>) {
    let mut ring = HeapRb::new(capacity);
    ring.push_iter(std::iter::repeat_with(filler));
    ring.clear();
    let (producer, consumer) = ring.split();
    (Producer(producer), Consumer(consumer))
}

impl<T> Producer<T> {
    /// Puts one in; gives it back where the ring is full.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        self.0.try_push(item)
    }

    /// Free places.
    pub fn vacant(&self) -> usize {
        self.0.vacant_len()
    }
}

impl<T> Consumer<T> {
    /// Takes the oldest out.
    pub fn pop(&mut self) -> Option<T> {
        self.0.try_pop()
    }

    /// Looks at the oldest.
    pub fn peek(&self) -> Option<&T> {
        self.0.try_peek()
    }

    /// Drops the oldest.
    pub fn skip(&mut self) {
        self.0.skip(1);
    }

    /// Taken places.
    pub fn len(&self) -> usize {
        self.0.occupied_len()
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
