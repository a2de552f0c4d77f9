//! The pool of even RTP ports (RTCP on the odd one above, RFC 3550 §11).

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use tipring_core::{Duration, Instant};

/// A port that was in use by somebody else is not tried again for this long.
const AVOID: Duration = Duration::from_secs(60);

/// A freed port rests this long, so that late packets of the old call cannot reach a new one.
const REST: Duration = Duration::from_secs(5);

/// The sockets of a stream are closed within this time.
const CLOSING: Duration = Duration::from_millis(100);

/// Even ports of a range, least recently used first.
#[derive(Debug)]
pub struct RtpPorts {
    free: VecDeque<(u16, Instant)>,
    taken: usize,
}

impl RtpPorts {
    /// All even ports of `range` that have their odd neighbour in it too.
    pub fn new(range: RangeInclusive<u16>) -> Self {
        let end = *range.end();
        let free = range
            .filter(|port| port % 2 == 0 && *port < end)
            .map(|port| (port, Instant::ZERO))
            .collect();
        Self { free, taken: 0 }
    }

    /// Takes a port that has rested; `None` when all are in use or resting.
    pub fn take(&mut self, now: Instant) -> Option<u16> {
        let at = self.free.iter().position(|(_, usable)| *usable <= now)?;
        self.taken += 1;
        self.free.remove(at).map(|(port, _)| port)
    }

    /// Gives a port back. One that a peer was `told` rests; any other only until its sockets are closed, so that calls
    /// which come to nothing do not use the ports up.
    pub fn give_back(&mut self, now: Instant, port: u16, told: bool) {
        self.taken = self.taken.saturating_sub(1);
        self.free.push_back((port, now + if told { REST } else { CLOSING }));
    }

    /// Keeps a port that was given back out of use for longer: it could not be opened.
    pub fn avoid(&mut self, now: Instant, port: u16) {
        if let Some((_, usable)) = self.free.iter_mut().find(|(free, _)| *free == port) {
            *usable = now + AVOID;
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
        ports.avoid(t0, 20004);
        assert_eq!(ports.take(t0 + REST), None);
        assert_eq!(ports.taken(), 1);
    }
}
