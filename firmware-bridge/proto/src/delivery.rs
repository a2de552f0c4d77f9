//! Commands and events arrive once, in order, or the session ends.
//!
//! The host's commands and the card's events use the same two halves. [`Sender`] keeps at most
//! [`WINDOW`] items on the wire and sends them all again when nothing was acknowledged for
//! [`RETRY_MICROS`] (go back N); after [`RETRIES`] of that it gives up. [`Receiver`] takes only the
//! item it expects and answers *every* arrival with the number it expects next, so a lost
//! acknowledgement is repaired by the retransmission and a repeated item is never acted on twice.
//! Sequence numbers are of one session: both halves are made anew with it. Times are microseconds
//! of any clock that does not run backwards.
//!
//! | Sender  | push | ack of n > 0 on the wire | ack of 0, or more than sent | 100 ms without progress |
//! |---------|------|--------------------------|-----------------------------|-------------------------|
//! | idle    | sends → waiting | – | ignored | – |
//! | waiting | sends if window is open | drops n, tries = 0; → idle when empty | ignored | tries ≤ 5: sends window again; else `Failed` → failed |
//! | failed  | refused | ignored | ignored | – |

/// Most items sent and not acknowledged.
pub const WINDOW: usize = 4;
/// Time without progress after which the window is sent again, µs.
pub const RETRY_MICROS: u64 = 100_000;
/// How often it is sent again before the sender gives up.
pub const RETRIES: u8 = 5;

/// The sending half, with a queue of `N` items (at least [`WINDOW`]).
#[derive(Clone, Debug)]
pub struct Sender<T: Copy, const N: usize> {
    queue: [Option<T>; N],
    /// Place of the oldest item.
    head: usize,
    len: usize,
    /// Sequence number of the oldest item.
    base: u8,
    /// Items from the oldest that were sent at least once.
    sent: usize,
    /// Items from the oldest that need not be sent now.
    cursor: usize,
    retry_at: Option<u64>,
    tries: u8,
    failed: bool,
    retransmissions: u64,
}

/// What a [`Sender`] wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<T> {
    /// Put this on the wire.
    Transmit {
        /// Its sequence number.
        seq: u8,
        /// The item.
        item: T,
    },
    /// The other end does not acknowledge: end the session. Said once.
    Failed,
}

/// What a [`Receiver`] says of an item. Each of them is answered by an acknowledgement of
/// [`Receiver::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is the expected one: act on it.
    New,
    /// It was acted on before.
    Duplicate,
    /// One before it is missing; it will come again.
    Early,
}

/// The receiving half.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receiver {
    next: u8,
    duplicates: u64,
}

impl<T: Copy, const N: usize> Default for Sender<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const N: usize> Sender<T, N> {
    /// An empty sender at sequence number 0.
    pub const fn new() -> Self {
        Self {
            queue: [None; N],
            head: 0,
            len: 0,
            base: 0,
            sent: 0,
            cursor: 0,
            retry_at: None,
            tries: 0,
            failed: false,
            retransmissions: 0,
        }
    }

    /// Queues an item; gives it back when the queue is full or the sender has failed.
    pub fn push(&mut self, item: T) -> Result<(), T> {
        if self.failed || self.len >= N {
            return Err(item);
        }
        let place = (self.head + self.len) % N;
        match self.queue.get_mut(place) {
            Some(slot) => *slot = Some(item),
            None => return Err(item),
        }
        self.len += 1;
        Ok(())
    }

    /// The other end expects `next`: everything before it has arrived.
    pub fn handle_ack(&mut self, now_micros: u64, next: u8) {
        let acked = usize::from(next.wrapping_sub(self.base));
        if acked == 0 || acked > self.sent || self.failed {
            return;
        }
        for _ in 0..acked {
            if let Some(slot) = self.queue.get_mut(self.head) {
                *slot = None;
            }
            self.head = (self.head + 1) % N;
        }
        self.len -= acked;
        self.sent -= acked;
        self.cursor = self.cursor.saturating_sub(acked);
        self.base = next;
        self.tries = 0;
        self.retry_at = (self.sent > 0).then(|| now_micros.saturating_add(RETRY_MICROS));
    }

    /// What to do now; call until `None`, after every push, acknowledgement and timeout.
    pub fn poll(&mut self, now_micros: u64) -> Option<Delivery<T>> {
        if self.failed {
            return None;
        }
        if self.retry_at.is_some_and(|at| at <= now_micros) {
            self.retry_at = None;
            self.tries += 1;
            self.cursor = 0;
            if self.tries > RETRIES {
                self.failed = true;
                return Some(Delivery::Failed);
            }
        }
        if self.cursor >= self.len.min(WINDOW) {
            return None;
        }
        let item = (*self.queue.get((self.head + self.cursor) % N)?)?;
        let seq = self.base.wrapping_add(self.cursor as u8);
        self.cursor += 1;
        if self.cursor > self.sent {
            self.sent = self.cursor;
        } else {
            self.retransmissions += 1;
        }
        self.retry_at.get_or_insert(now_micros.saturating_add(RETRY_MICROS));
        Some(Delivery::Transmit { seq, item })
    }

    /// When to call [`Sender::poll`] again though nothing happened.
    pub const fn poll_timeout(&self) -> Option<u64> {
        self.retry_at
    }

    /// Items queued or waiting for acknowledgement.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether everything was acknowledged.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Items that were sent again since the session began.
    pub const fn retransmissions(&self) -> u64 {
        self.retransmissions
    }
}

impl Receiver {
    /// Expects sequence number 0.
    pub const fn new() -> Self {
        Self { next: 0, duplicates: 0 }
    }

    /// Takes the sequence number of an item that arrived.
    pub fn accept(&mut self, seq: u8) -> Arrival {
        match usize::from(seq.wrapping_sub(self.next)) {
            0 => {
                self.next = self.next.wrapping_add(1);
                Arrival::New
            }
            ahead if ahead < WINDOW => Arrival::Early,
            _ => {
                self.duplicates += 1;
                Arrival::Duplicate
            }
        }
    }

    /// The sequence number that is expected: what an acknowledgement says.
    pub const fn next(&self) -> u8 {
        self.next
    }

    /// Items that came again.
    pub const fn duplicates(&self) -> u64 {
        self.duplicates
    }
}
