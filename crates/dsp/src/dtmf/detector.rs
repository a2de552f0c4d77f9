//! The receiver.
//!
//! ```text
//!   samples ─► 80 ms of history ─► spectrum (every 10 ms: may this be a key?) ─► burst (exactly which, from where to
//!                                   0.99 of all sound ends here                  where, how clean?) ─► state
//!
//!                hit: right key          hit: another key             miss
//!   Idle         long enough → Sounding  (as left)                    -
//!                clean → Suspect
//!   Suspect      long enough → Sounding  judged anew                  long enough → Sounding, else → Idle
//!   Sounding     gap before it short: -  long enough → Ended,         silent for 36 ms → Ended, Idle
//!                else Ended, → Suspect   Sounding
//! ```

use std::ops::Range;

use super::{
    Digit,
    burst::{Burst, HISTORY, MIN_SAMPLES, measure},
    spectrum::{Candidate, HOP, WINDOW, candidate},
};
use crate::level;

/// What the detector heard. Positions count samples since the detector began to listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A digit is certain; it still sounds or has just ended.
    Began {
        /// Which.
        digit: Digit,
        /// Its first sample.
        start: u64,
        /// Level of one of its tones (half the power of both), dBm0.
        level_dbm0: f32,
        /// Low tone over high tone, dB: positive is the normal twist of Q.24.
        twist_db: f32,
    },
    /// The digit that began last has ended.
    Ended {
        /// Which.
        digit: Digit,
        /// Its first sample.
        start: u64,
        /// How many samples it had.
        samples: u32,
        /// Level of one of its tones (half the power of both), dBm0.
        level_dbm0: f32,
        /// Low tone over high tone, dB.
        twist_db: f32,
    },
}

/// A pause that splits a digit in two, samples: 18 ms lies between what must and what must not (Q.24: 40 and 10 ms).
const MIN_PAUSE: u64 = 144;

/// After so many samples without the tone no shorter pause is possible.
const END_AFTER: u64 = 288;

/// Recognises digits in a stream.
#[derive(Clone, Debug)]
pub struct Detector {
    /// The last `HISTORY` samples and then `filled` of the next hop.
    buffer: [i16; HISTORY + HOP],
    filled: usize,
    /// Samples that were looked at.
    position: u64,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// A key's tones sound, not long enough yet.
    Suspect(Sighting),
    /// A digit was told.
    Sounding {
        digit: Told,
        sighting: Sighting,
    },
}

/// The last window in which a key was seen.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    candidate: Candidate,
    /// Its first sample.
    window: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    digit: Digit,
    start: u64,
    level_dbm0: f32,
    twist_db: f32,
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new()
    }
}

impl Detector {
    /// A detector that has heard nothing.
    pub fn new() -> Detector {
        Detector { buffer: [0; HISTORY + HOP], filled: 0, position: 0, state: State::Idle }
    }

    /// Listens. `event` hears of at most one end and one beginning every 10 ms.
    pub fn process(&mut self, mut samples: &[i16], mut event: impl FnMut(Event)) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(HOP - self.filled));
            let at = HISTORY + self.filled;
            self.buffer[at..at + taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            samples = rest;
            if self.filled == HOP {
                self.buffer.copy_within(HOP.., 0);
                self.filled = 0;
                self.position += HOP as u64;
                self.look(&mut event);
            }
        }
    }

    /// Whether what sounds now looks like a digit though it may not be certain yet: the moment to mute.
    pub fn suspects(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Samples heard so far.
    pub fn position(&self) -> u64 {
        self.position + self.filled as u64
    }

    fn history(&self) -> &[i16; HISTORY] {
        self.buffer.first_chunk().expect("the buffer begins with the history")
    }

    fn look(&mut self, event: &mut impl FnMut(Event)) {
        let window = self.history().last_chunk::<WINDOW>().expect("a window fits the history");
        // Before the stream there was silence, which has no candidate.
        let window_start = self.position.saturating_sub(WINDOW as u64);
        let seen = candidate(window).map(|candidate| Sighting { candidate, window: window_start });
        match (self.state, seen) {
            (State::Idle, None) => {}
            (State::Idle, Some(sighting)) => self.judge(sighting, event),
            (State::Suspect(before), None) => {
                let (burst, place) = self.measure(before);
                self.state = State::Idle;
                if burst.is_digit && burst.end - burst.start >= MIN_SAMPLES {
                    self.begin(before, burst, place.start, event);
                }
            }
            (State::Suspect(_), Some(sighting)) => self.judge(sighting, event),
            (State::Sounding { digit, sighting: before }, seen) => {
                self.sounding(digit, before, seen, event);
            }
        }
    }

    /// Judges what sounds now, with no digit sounding before.
    fn judge(&mut self, sighting: Sighting, event: &mut impl FnMut(Event)) {
        let (burst, place) = self.measure(sighting);
        if burst.end - burst.start >= MIN_SAMPLES {
            self.state = State::Idle;
            if burst.is_digit {
                self.begin(sighting, burst, place.start, event);
            }
        } else {
            self.state = State::Suspect(sighting);
        }
    }

    fn begin(
        &mut self,
        sighting: Sighting,
        burst: Burst,
        start: u64,
        event: &mut impl FnMut(Event),
    ) {
        let Candidate { row, column, .. } = sighting.candidate;
        let Some(digit) = Digit::from_row_column(row, column) else { return };
        let level_dbm0 = level::power_to_dbm0((burst.low + burst.high) / 4.0);
        let twist_db = 10.0 * (burst.low / burst.high).log10();
        let told = Told { digit, start, level_dbm0, twist_db };
        event(Event::Began { digit, start, level_dbm0, twist_db });
        self.state = State::Sounding { digit: told, sighting };
    }

    fn sounding(
        &mut self,
        digit: Told,
        before: Sighting,
        seen: Option<Sighting>,
        event: &mut impl FnMut(Event),
    ) {
        let same = |s: &Sighting| {
            (s.candidate.row, s.candidate.column) == (before.candidate.row, before.candidate.column)
        };
        match seen {
            Some(now) if same(&now) && now.window <= before.window + HOP as u64 => {
                self.state = State::Sounding { digit, sighting: now };
            }
            Some(now) if same(&now) => {
                // It is back after a pause.
                let end = self.measure(before).1.end;
                if self.measure(now).1.start < end + MIN_PAUSE {
                    self.state = State::Sounding { digit, sighting: now };
                } else {
                    event(digit.ended(end));
                    self.judge(now, event);
                }
            }
            Some(now) => {
                let (burst, place) = self.measure(now);
                if burst.is_digit && burst.end - burst.start >= MIN_SAMPLES {
                    let end = self.measure(before).1.end;
                    event(digit.ended(end.min(place.start)));
                    self.begin(now, burst, place.start, event);
                } else {
                    self.end_when_silent(digit, before, Some(now), event);
                }
            }
            None => self.end_when_silent(digit, before, None, event),
        }
    }

    fn end_when_silent(
        &mut self,
        digit: Told,
        before: Sighting,
        now: Option<Sighting>,
        event: &mut impl FnMut(Event),
    ) {
        let end = self.measure(before).1.end;
        if self.position - end >= END_AFTER {
            event(digit.ended(end));
            self.state = now.map_or(State::Idle, State::Suspect);
        }
    }

    /// Measures the burst that a sighting saw; also says from where to where in the stream it lasts.
    fn measure(&self, sighting: Sighting) -> (Burst, Range<u64>) {
        let oldest = self.position as i64 - HISTORY as i64;
        let window = (sighting.window as i64 - oldest).max(0) as usize;
        let burst = measure(self.history(), window, sighting.candidate);
        let place = |at: usize| (oldest + at as i64).max(0) as u64;
        (burst, place(burst.start)..place(burst.end))
    }
}

impl Told {
    fn ended(self, end: u64) -> Event {
        let Told { digit, start, level_dbm0, twist_db } = self;
        let samples = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        Event::Ended { digit, start, samples, level_dbm0, twist_db }
    }
}
