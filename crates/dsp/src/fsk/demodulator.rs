//! From samples to characters.
//!
//! ```text
//!   samples ─► Look ──tone──► mark signal ──edge──► Start ──best sequence──► Trellis ──bits──► characters
//!               ▲              (a loop)     of     (which edge, bit length,     │
//!               │                           the     level of space: all are     │ 4 marks after a stop bit
//!               └── no tone ◄── ▲           start    tried on 20 bits)          ▼
//!                               └────────── bit ◄───────────────────────────────┘
//! ```
//!
//! Until the mark signal has been there for 16 ms only [`Look`] works, which costs next to nothing.

use super::look::{self, Look};
use super::start::{self, Marks};
use super::trellis::{BIT, DEPTH, Trellis};
use super::{Standard, start::Start};
use crate::level;

/// What the demodulator heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Ones for 13 bit times, more than any character has: told once in each pause.
    Idle,
    /// A character.
    Octet(u8),
    /// A character whose stop bit was a zero.
    FramingError,
    /// The carrier went away.
    CarrierLost,
}

/// An event and how sure it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub event: Event,
    /// How much likelier the character is than the likeliest other: its logarithm.
    pub margin: f32,
}

/// Lowest level that is taken up, dBm0.
const CARRIER_DBM0: f32 = -47.0;

/// Marks after a stop bit from which on the next start bit may come at any time, not only a whole number of bits later.
const PAUSE_BITS: u32 = 4;

/// The bits of a trellis that are not decided.
const UNDECIDED: u32 = (1 << DEPTH) - 1;

/// Part of the expected amplitude below which there is no carrier.
const LOST: f32 = 0.35;

/// What is kept behind the characters, for when they pause.
const TRAIL: f32 = 6.0 * BIT;

/// Samples that are kept: what [`Start`] looks at, and as many again.
const KEPT: usize = 512;

/// Receives characters after a mark signal of 30 bits or more: 8 data bits, no parity, at least one stop bit.
#[derive(Clone, Debug)]
pub struct Demodulator {
    standard: Option<Standard>,
    look: Look,
    /// Samples of a window of the look that is not full yet.
    window: [i16; look::WINDOW],
    filled: usize,
    /// Samples from some time before what is being worked on.
    kept: Box<[f32; KEPT]>,
    count: usize,
    state: Box<State>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "it stays in one box, so that no step allocates")]
enum State {
    Silent,
    Marking(Marks),
    /// At this edge.
    Starting(Marks, Start),
    Characters(Characters),
}

/// In the midst of characters.
#[derive(Clone, Debug)]
struct Characters {
    standard: Standard,
    trellis: Trellis,
    /// Bits of the trellis that were decided.
    decided: u32,
    /// Bits of the character so far, its start bit included; 0 between characters.
    bits: u8,
    octet: u8,
    margin: f32,
    /// Marks since the last stop bit, that one included.
    marks: u32,
}

impl Demodulator {
    /// A demodulator that has heard nothing.
    pub fn new(standard: Standard) -> Demodulator {
        Demodulator::of(Some(standard))
    }

    /// A demodulator that takes whichever standard the sender has: its marks tell, and where they do not, the
    /// first character does.
    pub fn auto() -> Demodulator {
        Demodulator::of(None)
    }

    fn of(standard: Option<Standard>) -> Demodulator {
        Demodulator {
            standard,
            look: Look::new(level::dbm0_to_peak(CARRIER_DBM0)),
            window: [0; look::WINDOW],
            filled: 0,
            kept: Box::new([0.0; KEPT]),
            count: 0,
            state: Box::new(State::Silent),
        }
    }

    /// What it listens for, or which standard the characters come in that it is hearing.
    pub fn standard(&self) -> Option<Standard> {
        match &*self.state {
            State::Characters(characters) => Some(characters.standard),
            State::Silent | State::Marking(_) | State::Starting(..) => self.standard,
        }
    }

    /// Whether anything was ever as loud as a carrier must be.
    pub(crate) fn has_heard(&self) -> bool {
        self.look.heard
    }

    /// Listens.
    pub fn process(&mut self, samples: &[i16], mut event: impl FnMut(Event)) {
        self.listen(samples, |heard, _| {
            event(heard.event);
            true
        });
    }

    /// Listens. `told` hears of each event, with the standard of the sender where it is known, and says whether to go on:
    /// if not, the demodulator waits for the next mark signal.
    pub(crate) fn listen(
        &mut self,
        mut samples: &[i16],
        mut told: impl FnMut(Heard, Option<Standard>) -> bool,
    ) {
        while !samples.is_empty() {
            if matches!(*self.state, State::Silent) {
                samples = self.look(samples);
                continue;
            }
            let needed = self.needed().saturating_sub(self.count);
            let (now, later) = samples.split_at(needed.min(samples.len()));
            for (kept, sample) in self.kept[self.count..].iter_mut().zip(now) {
                *kept = f32::from(*sample);
            }
            self.count += now.len();
            samples = later;
            if now.len() == needed {
                self.step(&mut told);
                self.forget();
            }
        }
    }

    /// Looks for a mark signal. Returns the samples after it.
    fn look<'a>(&mut self, mut samples: &'a [i16]) -> &'a [i16] {
        if self.filled > 0 {
            let (now, later) = samples.split_at((look::WINDOW - self.filled).min(samples.len()));
            self.window[self.filled..][..now.len()].copy_from_slice(now);
            self.filled += now.len();
            samples = later;
            if self.filled < look::WINDOW {
                return samples;
            }
            self.filled = 0;
            if let Some(tone) = self.look.window(&self.window) {
                self.mark(tone);
                return samples;
            }
        }
        while let Some((window, later)) = samples.split_first_chunk() {
            samples = later;
            if let Some(tone) = self.look.window(window) {
                self.mark(tone);
                return samples;
            }
        }
        self.window[..samples.len()].copy_from_slice(samples);
        self.filled = samples.len();
        &[]
    }

    fn mark(&mut self, tone: look::Tone) {
        if start::standards(self.standard, tone.step).next().is_none() {
            return;
        }
        self.count = 0;
        *self.state = State::Marking(Marks::new(tone));
    }

    /// Waits for the next mark signal.
    fn rest(&mut self) {
        self.look.reset();
        self.filled = 0;
        *self.state = State::Silent;
    }

    /// Samples that must be kept before there is something to do: never more than there is room for.
    fn needed(&self) -> usize {
        let needed = match &*self.state {
            State::Silent => 0,
            State::Marking(marks) => marks.end(),
            State::Starting(_, start) => start.end(),
            State::Characters(characters) => characters.trellis.end() + 1,
        };
        needed.min(KEPT)
    }

    /// One step with the samples that it needs.
    fn step(&mut self, told: &mut impl FnMut(Heard, Option<Standard>) -> bool) {
        let kept = &self.kept[..self.count];
        match &mut *self.state {
            State::Silent => {}
            State::Marking(marks) => {
                let was = marks.count;
                let may_be_edge = marks.take(kept);
                if marks.is_lost() {
                    let idle = was >= start::SETTLED;
                    self.rest();
                    if idle {
                        told(Heard { event: Event::CarrierLost, margin: 0.0 }, self.standard);
                    }
                } else if was < start::SETTLED && marks.count >= start::SETTLED {
                    if !told(Heard { event: Event::Idle, margin: 0.0 }, self.standard) {
                        self.rest();
                    }
                } else if may_be_edge {
                    let start = Start::new(marks);
                    *self.state = State::Starting(marks.clone(), start);
                }
            }
            State::Starting(marks, start) => match start.decide(marks, self.standard, kept) {
                Some((standard, trellis)) => {
                    let characters = Characters::new(standard, trellis);
                    *self.state = State::Characters(characters);
                    self.decide(told);
                }
                None => *self.state = State::Marking(marks.clone()),
            },
            State::Characters(characters) => {
                characters.trellis.take(kept);
                self.decide(told);
            }
        }
    }

    /// Decides the bits that are old enough, and what they mean for the state.
    fn decide(&mut self, told: &mut impl FnMut(Heard, Option<Standard>) -> bool) {
        let State::Characters(characters) = &mut *self.state else { return };
        let standard = Some(characters.standard);
        let lost = characters.trellis.steady < LOST;
        let until = characters.trellis.count - if lost { 3 } else { DEPTH };
        while characters.decided < until {
            if let Some(heard) = characters.bit()
                && !told(heard, standard)
            {
                self.rest();
                return;
            }
        }
        if lost {
            self.rest();
            told(Heard { event: Event::CarrierLost, margin: 0.0 }, standard);
        } else if characters.marks >= PAUSE_BITS
            && characters.trellis.bits() & UNDECIDED == UNDECIDED
        {
            let marks = Marks::after(characters.standard, &characters.trellis);
            *self.state = State::Marking(marks);
            if !told(Heard { event: Event::Idle, margin: 0.0 }, standard) {
                self.rest();
            }
        }
    }

    /// Lets go of samples that nobody will look at.
    fn forget(&mut self) {
        let from = match &*self.state {
            State::Silent => return,
            State::Marking(marks) | State::Starting(marks, _) => marks.oldest(),
            State::Characters(characters) => (characters.trellis.at - TRAIL).max(0.0) as usize,
        };
        if from < KEPT / 2 {
            return;
        }
        let from = from.min(self.count);
        self.kept.copy_within(from..self.count, 0);
        self.count -= from;
        match &mut *self.state {
            State::Silent => {}
            State::Marking(marks) => marks.shift(from as f32),
            State::Starting(marks, start) => {
                marks.shift(from as f32);
                start.shift(from as f32);
            }
            State::Characters(characters) => characters.trellis.at -= from as f32,
        }
    }
}

impl Characters {
    /// After the trellis took a mark and the start bit, and more.
    fn new(standard: Standard, trellis: Trellis) -> Characters {
        Characters {
            standard,
            trellis,
            decided: start::MARKS,
            bits: 0,
            octet: 0,
            margin: f32::MAX,
            marks: 0,
        }
    }

    /// Decides one more bit.
    fn bit(&mut self) -> Option<Heard> {
        let back = self.trellis.count - 1 - self.decided;
        self.decided += 1;
        let one = self.trellis.bits() >> back & 1 == 1;
        self.margin = self.margin.min(self.trellis.margin(back.max(3)));
        match self.bits {
            0 if one => {
                self.marks += 1;
                self.margin = f32::MAX;
                return None;
            }
            0 => self.marks = 0,
            1..9 => self.octet = self.octet >> 1 | u8::from(one) << 7,
            _ => {
                let event = if one { Event::Octet(self.octet) } else { Event::FramingError };
                let heard = Heard { event, margin: self.margin };
                self.marks = u32::from(one);
                self.bits = 0;
                self.margin = f32::MAX;
                return Some(heard);
            }
        }
        self.bits += 1;
        None
    }
}
