//! The pool of even RTP ports (RTCP on the odd one above, RFC 3550 §11).

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use tipring_core::{Duration, Instant};

/// A port that was in use by somebody else is not tried again for this long, while there are others.
const AVOID: Duration = Duration::from_secs(60);

/// Nor for this long when there are none.
const RETRY: Duration = Duration::from_secs(1);

/// A freed port rests this long, so that late packets of the old call cannot reach a new one.
const REST: Duration = Duration::from_secs(5);

/// The sockets of a stream are closed within this time.
const CLOSING: Duration = Duration::from_millis(100);

/// Even ports of a range, least recently used first.
#[derive(Debug)]
pub struct RtpPorts {
    free: VecDeque<Free>,
    taken: usize,
}

#[derive(Debug)]
struct Free {
    port: u16,
    usable: Instant,
    /// Somebody else had it when it was tried last.
    avoided: bool,
}

impl RtpPorts {
    /// All even ports of `range` that have their odd neighbour in it too.
    pub fn new(range: RangeInclusive<u16>) -> Self {
        let end = *range.end();
        let free = range
            .filter(|port| port % 2 == 0 && *port < end)
            .map(|port| Free { port, usable: Instant::ZERO, avoided: false })
            .collect();
        Self { free, taken: 0 }
    }

    /// Takes a port that has rested, or one that may be had again when there is no other; `None` when all are in use or
    /// resting.
    pub fn take(&mut self, now: Instant) -> Option<u16> {
        let again = now + (AVOID - RETRY);
        let mut free = self.free.iter();
        let at = free
            .position(|free| free.usable <= now)
            .or_else(|| self.free.iter().position(|free| free.avoided && free.usable <= again))?;
        self.taken += 1;
        self.free.remove(at).map(|free| free.port)
    }

    /// Gives a port back. One that a peer was `told` rests; any other only until its sockets are closed, so that calls
    /// which come to nothing do not use the ports up.
    pub fn give_back(&mut self, now: Instant, port: u16, told: bool) {
        self.taken = self.taken.saturating_sub(1);
        let usable = now + if told { REST } else { CLOSING };
        self.free.push_back(Free { port, usable, avoided: false });
    }

    /// Keeps a port that was given back out of use for longer: it could not be opened.
    pub fn avoid(&mut self, now: Instant, port: u16) {
        if let Some(free) = self.free.iter_mut().find(|free| free.port == port) {
            (free.usable, free.avoided) = (now + AVOID, true);
        }
    }

    /// How many ports are in use.
    pub fn taken(&self) -> usize {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_even_and_rest_before_they_are_used_again() {
        let mut ports = RtpPorts::new(20001..=20006);
        let t0 = Instant::from_millis(1);
        assert_eq!(ports.take(t0), Some(20002));
        assert_eq!(ports.take(t0), Some(20004));
        assert_eq!(ports.take(t0), None, "20006 has no RTCP port in the range");
        ports.give_back(t0, 20002, false);
        assert_eq!(ports.take(t0), None, "its sockets may be open still");
        let t0 = t0 + CLOSING;
        assert_eq!(ports.take(t0), Some(20002), "nobody was told of it");
        ports.give_back(t0, 20002, true);
        assert_eq!(ports.take(t0 + Duration::from_secs(1)), None);
        assert_eq!(ports.take(t0 + REST), Some(20002));
        ports.give_back(t0, 20004, true);
        assert_eq!(ports.taken(), 1);
    }

    #[test]
    fn a_port_that_was_not_to_be_had_is_tried_again_soon_only_where_there_is_no_other() {
        let mut ports = RtpPorts::new(20000..=20003);
        let t0 = Instant::from_millis(1);
        assert_eq!(ports.take(t0), Some(20000));
        ports.give_back(t0, 20000, false);
        ports.avoid(t0, 20000);
        let soon = t0 + RETRY;
        assert_eq!(ports.take(soon), Some(20002), "another one is free");
        assert_eq!(ports.take(soon), Some(20000), "the last that is left");
        ports.give_back(soon, 20000, false);
        ports.avoid(soon, 20000);
        assert_eq!(ports.take(soon), None, "it was tried a moment ago");
        assert_eq!(ports.take(soon + RETRY), Some(20000));
    }
}
