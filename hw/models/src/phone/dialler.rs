//! The finger: keys, rotary dial and flash, as times of loop and tone.

use std::collections::VecDeque;

use super::PhoneError;
use crate::STEP_MICROS;

/// How to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialling {
    /// Key tones, Q.23.
    Dtmf {
        /// Tone, µs.
        on_us: u32,
        /// Pause after it, µs.
        off_us: u32,
    },
    /// A rotary dial: as many breaks as the digit says, ten for 0.
    Pulse {
        /// Loop closed after each break, µs.
        make_us: u32,
        /// Loop open, µs.
        break_us: u32,
        /// Loop closed between digits, µs.
        pause_us: u32,
    },
}

impl Dialling {
    /// Keys at 100 ms on, 100 ms off.
    pub const DTMF: Self = Self::Dtmf { on_us: 100_000, off_us: 100_000 };
    /// A rotary dial at 10 pulses a second, 40 % make, 0.8 s between digits.
    pub const PULSE: Self = Self::Pulse { make_us: 40_000, break_us: 60_000, pause_us: 800_000 };

    /// A rotary dial at a rate and make ratio.
    pub fn pulse(pulses_per_second: f32, make_percent: f32) -> Self {
        let period_us = 1_000_000.0 / pulses_per_second;
        let make_us = period_us * make_percent / 100.0;
        Self::Pulse {
            make_us: make_us as u32,
            break_us: (period_us - make_us) as u32,
            pause_us: 800_000,
        }
    }
}

/// What the finger does in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Nothing,
    Key(char),
    Break,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Dialler {
    queue: VecDeque<(Doing, u32)>,
    /// Time left of the front of the queue; below zero is carried into the next.
    left_us: i64,
}

impl Dialler {
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.left_us = 0;
    }

    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn flash(&mut self, ms: u32) -> Result<(), PhoneError> {
        let us = check(ms.saturating_mul(1000))?;
        self.push(&[(Doing::Break, us), (Doing::Nothing, AFTER_FLASH_US)])
    }

    pub(super) fn dial(&mut self, digits: &str, how: Dialling) -> Result<(), PhoneError> {
        let mut steps = Vec::new();
        for digit in digits.chars() {
            let digit = digit.to_ascii_uppercase();
            match (digit, how) {
                (',', _) => steps.push((Doing::Nothing, COMMA_US)),
                ('0'..='9' | '*' | '#' | 'A'..='D', Dialling::Dtmf { on_us, off_us }) => {
                    steps.push((Doing::Key(digit), check(on_us)?));
                    steps.push((Doing::Nothing, check(off_us)?));
                }
                ('0'..='9', Dialling::Pulse { make_us, break_us, pause_us }) => {
                    let pulses = digit.to_digit(10).filter(|n| *n > 0).unwrap_or(10);
                    for _ in 0..pulses {
                        steps.push((Doing::Break, check(break_us)?));
                        steps.push((Doing::Nothing, check(make_us)?));
                    }
                    steps.push((Doing::Nothing, check(pause_us)?));
                }
                (digit, _) => return Err(PhoneError::BadDigit(digit)),
            }
            if steps.len() > MAX_QUEUE {
                return Err(PhoneError::TooManyDigits);
            }
        }
        self.push(&steps)
    }

    /// What is done in the step that begins now. Edges fall on the nearest step; what is left over or short is made
    /// up in the next duration, so a train of pulses keeps its rate.
    pub(super) fn step(&mut self) -> Doing {
        while self.left_us < STEP_MICROS as i64 / 2 && !self.queue.is_empty() {
            self.queue.pop_front();
            if let Some((_, us)) = self.queue.front() {
                self.left_us += i64::from(*us);
            }
        }
        let Some((doing, _)) = self.queue.front() else {
            self.left_us = 0;
            return Doing::Nothing;
        };
        self.left_us -= STEP_MICROS as i64;
        *doing
    }

    fn push(&mut self, steps: &[(Doing, u32)]) -> Result<(), PhoneError> {
        if self.queue.len() + steps.len() > MAX_QUEUE {
            return Err(PhoneError::TooManyDigits);
        }
        let idle = self.queue.is_empty();
        self.queue.extend(steps);
        if let (true, Some((_, us))) = (idle, self.queue.front()) {
            self.left_us = i64::from(*us);
        }
        Ok(())
    }
}

fn check(us: u32) -> Result<u32, PhoneError> {
    if us == 0 || us > MAX_TIME_US { Err(PhoneError::BadTiming) } else { Ok(us) }
}

/// Nothing a finger does lasts longer, 10 s.
const MAX_TIME_US: u32 = 10_000_000;
/// The pause of a comma, 2 s as modems make it.
const COMMA_US: u32 = 2_000_000;
/// A finger rests after a flash, 200 ms.
const AFTER_FLASH_US: u32 = 200_000;
/// Steps queued: some 60 rotary digits.
const MAX_QUEUE: usize = 1024;
