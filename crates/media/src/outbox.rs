//! The engine's ends of the rings that leave it. What does not fit is counted and dropped, but for garbage, for which
//! there is always room: see [`Outbox::has_room`].

use tipring_core::{Instant, TerminationId};

use crate::block::RtpSlot;
use crate::control::Event;
use crate::order::Garbage;
use crate::ring::Producer;

pub(crate) struct Outbox {
    pub(crate) events: Producer<Event>,
    pub(crate) garbage: Producer<Garbage>,
    pub(crate) outgoing: Producer<RtpSlot>,
    pub(crate) events_dropped: u64,
    pub(crate) datagrams_dropped: u64,
}

impl Outbox {
    /// Whether one more order may be carried out: it makes three pieces of garbage and two events at most.
    pub(crate) fn has_room(&self) -> bool {
        self.garbage.vacant() >= 3 && self.events.vacant() >= 2
    }

    pub(crate) fn event(&mut self, event: Event) {
        if self.events.push(event).is_err() {
            self.events_dropped += 1;
        }
    }

    /// Sends memory back to where it may be freed; gives it back where the ring is full.
    pub(crate) fn discard(&mut self, garbage: Garbage) -> Result<(), Garbage> {
        self.garbage.push(garbage)
    }

    /// Discards what an order retires, after [`Self::has_room`].
    pub(crate) fn retire(&mut self, garbage: Garbage) {
        if let Err(garbage) = self.discard(garbage) {
            // Not reached: `has_room` was asked. Leaking is the harmless side of a wrong belief here.
            std::mem::forget(garbage);
        }
    }

    pub(crate) fn datagram(
        &mut self,
        termination: TerminationId,
        now: Instant,
        rtcp: bool,
        datagram: &[u8],
    ) {
        let slot = RtpSlot::new(termination, now, rtcp, datagram);
        if slot.is_none_or(|slot| self.outgoing.push(slot).is_err()) {
            self.datagrams_dropped += 1;
        }
    }
}
