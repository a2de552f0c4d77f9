//! Dial pulses: a loop that is broken once for 1, ten times for 0 (ten pulses; some countries count otherwise).
//!
//! *What*: [`Decoder`] turns edges of the loop into digits, flashes and hanging up, and measures rate and break ratio,
//! which tell an ageing dial. [`Slicer`] makes edges out of sampled loop current or voltage.
//!
//! ```text
//!   closed ─┐  ┌─┐  ┌─┐  ┌──────────── interdigit pause ─► Digit
//!   open    └──┘ └──┘ └──┘
//!           break make
//! ```
//!
//! *Where to start*: [`Decoder::edge`] for each change, [`Decoder::advance`] now and then, or [`Decoder::process`] for
//! samples. Positions count samples of 8 kHz. Bounce of contacts is ignored.

use crate::SAMPLES_PER_MS;

/// Most pulses that are counted; no dial sends more than ten, some exchanges use up to twelve.
pub const MAX_PULSES: u8 = 16;

/// What is a pulse and what is not, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A state that lasts less is bounce of a contact.
    pub bounce: u32,
    /// Longest break that is a pulse.
    pub longest_break: u32,
    /// From so long a make on the digit is over.
    pub interdigit: u32,
    /// Longest break that is a flash; a longer one is hanging up.
    pub longest_flash: u32,
}

impl Default for Limits {
    /// Dials of 7 to 22 pulses a second at breaks of 40 to 80 %: bounce below 5 ms, breaks up to 125 ms, pauses from
    /// 150 ms, flashes up to 800 ms.
    fn default() -> Limits {
        Limits {
            bounce: 5 * SAMPLES_PER_MS,
            longest_break: 125 * SAMPLES_PER_MS,
            interdigit: 150 * SAMPLES_PER_MS,
            longest_flash: 800 * SAMPLES_PER_MS,
        }
    }
}

/// What the loop said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// Closed after it was open for long.
    OffHook {
        /// When.
        at: u64,
    },
    /// A train of pulses is over.
    Digit(Train),
    /// Broken once, for longer than a pulse.
    Flash {
        /// When the break began.
        at: u64,
        /// How many samples it lasted.
        samples: u32,
    },
    /// Open for longer than a flash.
    OnHook {
        /// When it was opened.
        at: u64,
    },
}

/// A digit as pulses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Train {
    /// How many, 1 to [`MAX_PULSES`].
    pub pulses: u8,
    /// The first sample of the first break.
    pub start: u64,
    /// One after the last sample of the last break.
    pub end: u64,
    /// Samples of all breaks together.
    pub breaks: u32,
    /// Samples of the makes between them.
    pub makes: u32,
}

impl Train {
    /// The digit where one pulse is 1 and ten are 0. `None` beyond ten.
    pub fn digit(&self) -> Option<u8> {
        (1..=10).contains(&self.pulses).then_some(self.pulses % 10)
    }

    /// Pulses a second. `None` of a single pulse.
    pub fn rate(&self) -> Option<f32> {
        let between = u32::from(self.pulses).checked_sub(1).filter(|n| *n > 0)? as f32;
        // The last break has no make after it: what lies between the beginnings of the first and the last break.
        let whole = self.breaks as f32 * between / f32::from(self.pulses) + self.makes as f32;
        Some(between * 8000.0 / whole)
    }

    /// Share of a pulse in which the loop is broken, percent. `None` of a single pulse.
    pub fn break_percent(&self) -> Option<f32> {
        let mean_break = self.breaks as f32 / f32::from(self.pulses);
        self.rate().map(|rate| 100.0 * mean_break * rate / 8000.0)
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Open since long ago.
    OnHook,
    /// Closed, and no pulse came yet.
    Closed,
    /// Open since `at`, after these pulses.
    Open { at: u64, train: Option<Train> },
    /// Closed again since `at`, after these pulses.
    Between { at: u64, train: Train },
}

/// Counts pulses.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    limits: Limits,
    state: State,
    slicer: Slicer,
    /// The last change and the state since, before it is known to be no bounce.
    pending: Option<(u64, bool)>,
    position: u64,
}

impl Decoder {
    /// A decoder of a loop that is open.
    pub fn new(limits: Limits) -> Decoder {
        let (state, slicer) = (State::OnHook, Slicer::new(0, 0));
        Decoder { limits, state, slicer, pending: None, position: 0 }
    }

    /// As [`Decoder::new`], to be fed with samples of the loop's current (or of the absolute voltage, turned round): at
    /// `closed` and above the loop is closed, below `open` it is open, between them it is what it was.
    pub fn sampled(limits: Limits, open: i16, closed: i16) -> Decoder {
        Decoder { slicer: Slicer::new(open, closed), ..Decoder::new(limits) }
    }

    /// Takes samples of the loop.
    pub fn process(&mut self, samples: &[i16], mut event: impl FnMut(Event)) {
        for sample in samples {
            if let Some(closed) = self.slicer.edge(*sample) {
                self.edge(self.position, closed, &mut event);
            }
            self.position = self.position.saturating_add(1);
        }
        self.advance(self.position, event);
    }

    /// The loop changed at this sample. Positions never decrease.
    pub fn edge(&mut self, at: u64, closed: bool, mut event: impl FnMut(Event)) {
        self.advance(at, &mut event);
        match self.pending {
            // It bounced back.
            Some((_, before)) if before != closed => self.pending = None,
            Some(_) => {}
            None if self.is_closed() == closed => {}
            None => self.pending = Some((at, closed)),
        }
    }

    /// Nothing changed before this sample.
    pub fn advance(&mut self, now: u64, mut event: impl FnMut(Event)) {
        self.position = self.position.max(now);
        if let Some((at, closed)) = self.pending
            && now.saturating_sub(at) >= u64::from(self.limits.bounce)
        {
            self.pending = None;
            // What became due before it.
            self.expire(at, &mut event);
            if closed { self.closed(at, &mut event) } else { self.opened(at) }
        }
        if self.pending.is_none() {
            self.expire(now, &mut event);
        }
    }

    fn is_closed(&self) -> bool {
        match self.state {
            State::OnHook | State::Open { .. } => false,
            State::Closed | State::Between { .. } => true,
        }
    }

    fn opened(&mut self, at: u64) {
        self.state = match self.state {
            State::Closed => State::Open { at, train: None },
            State::Between { at: since, train } => {
                let makes = train.makes.saturating_add(length(since, at));
                State::Open { at, train: Some(Train { makes, ..train }) }
            }
            State::OnHook | State::Open { .. } => return,
        };
    }

    fn closed(&mut self, at: u64, event: &mut impl FnMut(Event)) {
        self.state = match self.state {
            State::OnHook => {
                event(Event::OffHook { at });
                State::Closed
            }
            State::Open { at: start, train } => {
                let samples = length(start, at);
                if samples > self.limits.longest_break {
                    // Pulses before it are a digit of their own.
                    if let Some(train) = train {
                        event(Event::Digit(train));
                    }
                    event(Event::Flash { at: start, samples });
                    State::Closed
                } else {
                    let first = Train { pulses: 0, start, end: at, breaks: 0, makes: 0 };
                    let train = train.unwrap_or(first);
                    let pulses = (train.pulses + 1).min(MAX_PULSES);
                    let breaks = train.breaks.saturating_add(samples);
                    State::Between { at, train: Train { pulses, end: at, breaks, ..train } }
                }
            }
            State::Closed | State::Between { .. } => return,
        };
    }

    /// Ends what lasts too long.
    fn expire(&mut self, now: u64, event: &mut impl FnMut(Event)) {
        match self.state {
            State::Between { at, train } if length(at, now) >= self.limits.interdigit => {
                event(Event::Digit(train));
                self.state = State::Closed;
            }
            State::Open { at, train } if length(at, now) > self.limits.longest_flash => {
                if let Some(train) = train {
                    event(Event::Digit(train));
                }
                event(Event::OnHook { at });
                self.state = State::OnHook;
            }
            State::OnHook | State::Closed | State::Between { .. } | State::Open { .. } => {}
        }
    }
}

/// Makes edges out of samples, with a dead band.
#[derive(Clone, Copy, Debug)]
pub struct Slicer {
    open: i16,
    closed: i16,
    is_closed: bool,
}

impl Slicer {
    /// Closed at `closed` and above, open below `open`; open in the beginning.
    pub fn new(open: i16, closed: i16) -> Slicer {
        Slicer { open: open.min(closed), closed, is_closed: false }
    }

    /// Whether the loop was closed (`true`) or opened by this sample.
    pub fn edge(&mut self, sample: i16) -> Option<bool> {
        let is_closed = sample >= self.closed || (self.is_closed && sample >= self.open);
        let changed = is_closed != self.is_closed;
        self.is_closed = is_closed;
        changed.then_some(is_closed)
    }
}

fn length(from: u64, to: u64) -> u32 {
    u32::try_from(to.saturating_sub(from)).unwrap_or(u32::MAX)
}
