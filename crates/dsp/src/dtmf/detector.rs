//! The receiver.
//!
//! ```text
//!   samples ─► 80 ms of history ─► spectrum, every 10 ms: may this be a key? ─► burst: exactly
//!              which, from where to where, how clean? ─► state
//!
//!             same key seen             other key seen            no key seen
//!   Idle      → Suspect                 → Suspect                 -
//!   Suspect   digit: Began, → Sounding  → Suspect                 digit: Began, → Sounding
//!             never one: → Idle                                   else → Idle
//!   Sounding  after a long pause:       digit: Ended, Began       silent for 36 ms:
//!             Ended, → Suspect                                    Ended, → Idle
//! ```

use std::ops::Range;

use super::{
    Digit,
    burst::{self, Burst, HISTORY, MIN_PAUSE, measure},
    early,
    spectrum::{Beside, Candidate, HOP, LEAST_ENERGY, WINDOW, candidate},
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

/// After so many samples without the tone no shorter pause is possible.
const END_AFTER: u64 = 288;

/// Samples after the end of a digit in which the same does not begin anew: its echo or what the line keeps ringing.
const NO_PAUSE: u64 = 80;

/// Windows on end that must see a key before it is measured while it still sounds.
const ENOUGH_WINDOWS: u8 = 3;

/// Samples of a digit that is still whole in the history when its end is seen.
const WHOLE: u64 = 560;

/// Share of a digit's power from which a window counts as filled by it.
const FILLED: f32 = 0.4;

/// What is left of a digit's power after 10 ms if it is not confirmed: 1.5 dB less.
const FORGET: f32 = 0.7;

/// Share of all sound that a key's tones have in a window from which it is muted on suspicion. A
/// key alone has 0.98 and more in each full window; speech, which may pass for a key in one window
/// of a hundred, hardly ever. In noise a key is muted when it is certain.
const PURE: f32 = 0.95;

/// Recognises digits in a stream.
#[derive(Clone, Debug)]
pub struct Detector {
    /// The last `HISTORY` samples and then `filled` of the next hop.
    buffer: [i16; HISTORY + HOP],
    filled: usize,
    /// Samples that were looked at.
    position: u64,
    /// Energy of the last hop.
    energy: u64,
    state: State,
    /// The key that seems to have set in just now.
    early: Option<(usize, usize)>,
    /// The digit that ended last.
    last: Option<Past>,
    /// A weaker digit over which the last one was heard: it may go on.
    below: Option<Past>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Idle,
    /// A key's tones sound, in so many windows on end, but not long or not clearly enough yet.
    Suspect(Sighting, u8),
    /// A digit was told.
    Sounding(Sounding),
}

#[derive(Clone, Copy, Debug)]
struct Sounding {
    digit: Told,
    /// The last window that its tones filled.
    sighting: Sighting,
    /// What their power is in a window that they fill.
    power: f32,
    /// Where they ended, once that was seen.
    end: Option<u64>,
    /// Whether this is what goes on of a digit that was told before.
    goes_on: bool,
}

/// A digit that was told.
#[derive(Clone, Copy, Debug)]
struct Past {
    key: (usize, usize),
    end: u64,
    power: f32,
}

/// The last window in which a key was seen.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    candidate: Candidate,
    /// Its first sample; before the stream there was silence.
    window: i64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    digit: Digit,
    start: u64,
    /// Squared amplitudes.
    low: f32,
    high: f32,
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new()
    }
}

impl Detector {
    /// A detector that has heard nothing.
    pub fn new() -> Detector {
        Detector {
            buffer: [0; HISTORY + HOP],
            filled: 0,
            position: 0,
            energy: 0,
            state: State::Idle,
            early: None,
            last: None,
            below: None,
        }
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

    /// Whether what sounds now looks like a digit though it may not be certain yet: to be muted as long as this is so.
    ///
    /// Asked after each block of 5 ms it is true while no more than 10 ms of a digit that begins out of quiet have gone
    /// by unmuted, of others 20 ms; where it turns out to be none, false again at the next look.
    pub fn suspects(&self) -> bool {
        match self.state {
            State::Idle => self.early.is_some(),
            State::Suspect(seen, _) => self.early.is_some() || seen.candidate.share >= PURE,
            State::Sounding(_) => true,
        }
    }

    /// Samples heard so far.
    pub fn position(&self) -> u64 {
        self.position + self.filled as u64
    }

    fn history(&self) -> &[i16; HISTORY] {
        self.buffer.first_chunk().expect("the buffer begins with the history")
    }

    fn look(&mut self, event: &mut impl FnMut(Event)) {
        let window = *self.history().last_chunk::<WINDOW>().expect("a window fits the history");
        let start = self.position as i64 - WINDOW as i64;
        let energy = level::energy(&window[WINDOW - HOP..]);
        let loud = self.energy + energy >= LEAST_ENERGY;
        self.energy = energy;
        self.early = if loud { early::key(&window, self.early) } else { None };
        let seen = if loud { candidate(&window) } else { None };
        let seen = seen.map(|candidate| Sighting { candidate, window: start });
        match (self.state, seen) {
            (State::Idle, None) => {}
            // No digit is over after one window, so that nothing is missed by waiting for the next.
            (State::Idle, Some(now)) => self.state = State::Suspect(now, 1),
            (State::Suspect(before, windows), None) => {
                self.state = State::Idle;
                // Of 40 ms two windows are full; a shorter digit is taken if nothing else sounds.
                if windows > 1 || before.candidate.beside != Beside::Noise {
                    self.judge(before, 0, event);
                }
            }
            (State::Suspect(before, windows), Some(now)) if now.key() == before.key() => {
                let windows = windows.saturating_add(1);
                // In two windows on end there is not yet enough of it to be told while it sounds.
                if windows < ENOUGH_WINDOWS {
                    self.state = State::Suspect(now, windows);
                } else {
                    self.judge(now, windows, event);
                }
            }
            (State::Suspect(..), Some(now)) => self.state = State::Suspect(now, 1),
            (State::Sounding(sounding), seen) => self.sounding(sounding, seen, event),
        }
    }

    /// Judges what was seen in so many windows on end, 0 if it is over.
    fn judge(&mut self, sighting: Sighting, windows: u8, event: &mut impl FnMut(Event)) {
        self.state = State::Idle;
        let Some((burst, place)) = self.measure(sighting) else { return };
        if burst.is_certain() {
            self.begin(sighting, burst, place.start, event);
        } else if windows > 0 && !burst.is_final {
            self.state = State::Suspect(sighting, windows);
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
        let told = Told { digit, start, low: burst.low, high: burst.high };
        let power = burst.low + burst.high;
        let key = sighting.key();
        let goes_on = |past: Option<Past>, pause: u64| {
            past.is_some_and(|past| past.key == key && start < past.end.saturating_add(pause))
        };
        let goes_on = goes_on(self.last, NO_PAUSE) || goes_on(self.below, END_AFTER);
        let weaker = |past: &Past| {
            past.key != key && start < past.end + NO_PAUSE && 2.0 * past.power < power
        };
        if let Some(past) = self.last.filter(weaker) {
            self.below = Some(Past { end: u64::MAX, ..past });
        }
        if !goes_on {
            event(told.began());
        }
        self.state = State::Sounding(Sounding { digit: told, sighting, power, end: None, goes_on });
    }

    /// Tells the end.
    fn tell_end(&mut self, sounding: &Sounding, end: u64, event: &mut impl FnMut(Event)) {
        let digit = sounding.digit;
        if !sounding.goes_on {
            event(digit.ended(end));
        }
        let past = Past { key: sounding.sighting.key(), end, power: digit.low + digit.high };
        self.last = Some(past);
        if let Some(below) = &mut self.below {
            below.end = if below.end == u64::MAX { end } else { below.end };
        }
    }

    fn sounding(
        &mut self,
        mut sounding: Sounding,
        seen: Option<Sighting>,
        event: &mut impl FnMut(Event),
    ) {
        let Sounding { sighting: before, .. } = sounding;
        sounding.power *= FORGET;
        match seen {
            Some(now)
                if now.key() == before.key() && now.candidate.power >= FILLED * sounding.power =>
            {
                // After a window without it: was that a pause?
                if now.window > before.window + HOP as i64 {
                    let end = self.end(&mut sounding);
                    let back = self.place(now).map_or(end, |place| place.start);
                    if back >= end + MIN_PAUSE as u64 {
                        self.tell_end(&sounding, end, event);
                        return self.judge(now, 1, event);
                    }
                }
                let power = sounding.power.max(now.candidate.power);
                self.state =
                    State::Sounding(Sounding { sighting: now, power, end: None, ..sounding });
            }
            Some(now) if now.key() != before.key() => match self.measure(now) {
                Some((burst, place)) if burst.is_certain() => {
                    let end = self.end(&mut sounding).min(place.start);
                    self.tell_end(&sounding, end, event);
                    self.begin(now, burst, place.start, event);
                }
                _ => self.end_when_silent(sounding, Some(now), event),
            },
            _ => self.end_when_silent(sounding, None, event),
        }
    }

    fn end_when_silent(
        &mut self,
        mut sounding: Sounding,
        now: Option<Sighting>,
        event: &mut impl FnMut(Event),
    ) {
        let end = self.end(&mut sounding);
        self.state = State::Sounding(sounding);
        if self.position - end >= END_AFTER {
            self.tell_end(&sounding, end, event);
            self.state = now.map_or(State::Idle, |now| State::Suspect(now, 1));
        }
    }

    /// Where the digit ended, or how far it has been heard.
    fn end(&self, sounding: &mut Sounding) -> u64 {
        if let Some(end) = sounding.end {
            return end;
        }
        let end_of_window = (sounding.sighting.window + WINDOW as i64).max(0) as u64;
        let place = self.place(sounding.sighting);
        let end = place.map_or(end_of_window, |place| place.end);
        if self.position - end >= HOP as u64 / 2 {
            sounding.end = Some(end);
            // The whole of a short burst tells more than its first part.
            if end < sounding.digit.start + WHOLE
                && let Some((burst, _)) = self.measure(sounding.sighting)
                && burst.is_digit
            {
                (sounding.digit.low, sounding.digit.high) = (burst.low, burst.high);
            }
        }
        end
    }

    /// The digit that may go on below what a sighting saw.
    fn under(&self, sighting: Sighting) -> Option<(usize, usize)> {
        let recent = |past: &Past| self.position.saturating_sub(past.end) < HISTORY as u64;
        match self.state {
            State::Sounding(below) => Some(below.sighting.key()),
            State::Idle | State::Suspect(..) => self.last.filter(recent).map(|past| past.key),
        }
        .filter(|key| *key != sighting.key())
    }

    /// From where to where in the stream the burst lasts that a sighting saw.
    fn place(&self, sighting: Sighting) -> Option<Range<u64>> {
        let oldest = self.position as i64 - HISTORY as i64;
        let window = (sighting.window - oldest).max(0) as usize;
        let (start, end) = burst::place(self.history(), window, sighting.candidate)?;
        let place = |at: usize| (oldest + at as i64).max(0) as u64;
        Some(place(start)..place(end))
    }

    /// Measures the burst that a sighting saw; also says from where to where in the stream it
    /// lasts.
    fn measure(&self, sighting: Sighting) -> Option<(Burst, Range<u64>)> {
        let oldest = self.position as i64 - HISTORY as i64;
        let window = (sighting.window - oldest).max(0) as usize;
        let burst = measure(self.history(), window, sighting.candidate, self.under(sighting))?;
        let place = |at: usize| (oldest + at as i64).max(0) as u64;
        Some((burst, place(burst.start)..place(burst.end)))
    }
}

impl Sighting {
    /// Row and column.
    fn key(&self) -> (usize, usize) {
        (self.candidate.row, self.candidate.column)
    }
}

impl Told {
    fn level_dbm0(self) -> f32 {
        level::power_to_dbm0((self.low + self.high) / 4.0)
    }

    fn twist_db(self) -> f32 {
        10.0 * (self.low / self.high).log10()
    }

    fn began(self) -> Event {
        let Told { digit, start, .. } = self;
        Event::Began { digit, start, level_dbm0: self.level_dbm0(), twist_db: self.twist_db() }
    }

    fn ended(self, end: u64) -> Event {
        let Told { digit, start, .. } = self;
        let samples = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        let (level_dbm0, twist_db) = (self.level_dbm0(), self.twist_db());
        Event::Ended { digit, start, samples, level_dbm0, twist_db }
    }
}
