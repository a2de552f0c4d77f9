//! What waits to go to the host, and the frame that is on its way.
//!
//! Priority: handshake, faults, acknowledgement, events, pong, statistics, audio. Each kind waits at most once; events
//! have their own queue in the session. A block of audio that is still waiting when the next comes is dropped.

use tipring_bridge_proto::{CardMessage, Fault, MAX_FRAME};

pub(crate) struct Outbox {
    pub(crate) hello_ack: bool,
    pub(crate) ack: bool,
    pub(crate) stats: bool,
    /// An up block is ready.
    pub(crate) block: bool,
    pub(crate) pong: Option<u32>,
    faults: [Option<Fault>; 4],
    frame: [u8; MAX_FRAME],
    len: usize,
    sent: usize,
}

impl Outbox {
    pub(crate) const fn new() -> Self {
        Self {
            hello_ack: false,
            ack: false,
            stats: false,
            block: false,
            pong: None,
            faults: [None; 4],
            frame: [0; MAX_FRAME],
            len: 0,
            sent: 0,
        }
    }

    /// What belongs to a session goes with it; the frame on its way is finished.
    pub(crate) fn end_session(&mut self) {
        self.ack = false;
        self.stats = false;
        self.block = false;
        self.pong = None;
    }

    /// Queues a fault, once each; false when there is no room.
    pub(crate) fn fault(&mut self, fault: Fault) -> bool {
        if self.faults.contains(&Some(fault)) {
            return true;
        }
        match self.faults.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(fault);
                true
            }
            None => false,
        }
    }

    pub(crate) fn take_fault(&mut self) -> Option<Fault> {
        self.faults.iter_mut().find_map(Option::take)
    }

    /// Whether the frame on its way is out.
    pub(crate) fn is_idle(&self) -> bool {
        self.sent == self.len
    }

    /// Puts a frame on its way.
    pub(crate) fn begin(&mut self, message: &CardMessage<'_>) {
        self.sent = 0;
        // MAX_FRAME holds every message, so `None` cannot be; if it were, nothing would be sent.
        self.len = message.encode(&mut self.frame).unwrap_or(0);
    }

    /// Copies out what fits; the octets used.
    pub(crate) fn drain(&mut self, out: &mut [u8]) -> usize {
        let rest = self.frame.get(self.sent..self.len).unwrap_or(&[]);
        let count = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.sent += count;
        count
    }
}
