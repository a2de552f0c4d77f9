//! Ringing: the cadence, edge by edge.
//!
//! | state  | time               | does                                                           |
//! |--------|--------------------|----------------------------------------------------------------|
//! | Tuning | indirect registers written | first burst → Burst                                    |
//! | Burst  | on time over       | linefeed on-hook transmission, "ringing off" → Pause           |
//! | Pause  | off time over      | linefeed ringing, "ringing on" → Burst; no pair left: → ended  |
//!
//! Ring trip is the port's business: it drops this value.

use tipring_bridge_proto::Ring;
use tipring_chips::si3210::{RingTone, indirect, ring_tone};

use super::Chip;
use crate::Board;

#[derive(Clone, Copy, Debug)]
pub(super) struct Ringing {
    ring: Ring,
    /// Pairs begun.
    index: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Tuning { next: usize },
    Burst { until: u64 },
    Pause { since: u64, until: u64 },
}

/// What ringing wants of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    On,
    Off,
    Ended,
}

impl Ringing {
    pub(super) const fn new(ring: Ring) -> Self {
        Self { ring, index: 0, state: State::Tuning { next: 0 } }
    }

    /// Whether a burst is on the line.
    pub(super) fn is_on(&self) -> bool {
        matches!(self.state, State::Burst { .. })
    }

    /// Whether the line has been silent long enough for its transients to be gone.
    pub(super) fn is_quiet(&self, now: u64) -> bool {
        matches!(self.state, State::Pause { since, .. } if now >= since + TRANSIENT_US)
    }

    /// What RTDI must be for this ringing frequency.
    pub(super) fn tone(&self) -> RingTone {
        ring_tone(self.ring.frequency_dhz)
    }

    pub(super) fn poll<B: Board>(&mut self, now: u64, chip: &mut Chip<'_, B>) -> Option<Edge> {
        match self.state {
            State::Tuning { next } => {
                let tone = self.tone();
                let settings = [
                    (indirect::RING_COEFFICIENT, tone.coefficient),
                    (indirect::RING_X, tone.x),
                    (indirect::RING_TRIP_FILTER, tone.trip_filter),
                ];
                let Some((address, value)) = settings.get(next) else {
                    return self.burst(now);
                };
                let next = next + usize::from(chip.write_indirect(*address, *value));
                self.state = State::Tuning { next };
                None
            }
            State::Burst { until } if now >= until => {
                let (_, off_ms) = self.ring.cadence.pair(self.index - 1)?;
                // An edge is timed from where the last one should have been.
                let until = until + u64::from(off_ms) * 1000;
                self.state = State::Pause { since: now, until };
                Some(Edge::Off)
            }
            State::Pause { until, .. } if now >= until => self.burst(until),
            State::Burst { .. } | State::Pause { .. } => None,
        }
    }

    fn burst(&mut self, from: u64) -> Option<Edge> {
        let Some((on_ms, _)) = self.ring.cadence.pair(self.index) else {
            return Some(Edge::Ended);
        };
        self.index += 1;
        // A host that asks for no time at all gets the shortest there is, and so cannot spin the card.
        let until = from + (u64::from(on_ms) * 1000).max(crate::POLL_MICROS);
        self.state = State::Burst { until };
        Some(Edge::On)
    }
}

/// The ringer's stored energy leaves the loop within this.
const TRANSIENT_US: u64 = 20_000;
