//! Cuts a stream into bursts: stretches in which the same thing sounds.
//!
//! ```text
//!             tonal, alike        tonal, other          not tonal, or 12 dB weaker
//!   Off       → On                → On                  -
//!   On        -                   for 32 ms: Ended, On  for 64 ms: Ended, → Off
//! ```

use super::{
    KEPT,
    sound::{COUNT, LOWEST, Sound},
};
use crate::bank::{Bank, Frame, HOP, WINDOW, filled};

/// Squared amplitude of the weakest sound, -48 dBm0.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 7.6e-6;

/// Part of all power that a frequency of the bank has to have to count as part of a tone.
const MIN_PART: f32 = 0.05;

/// Part of all power that such frequencies have together: noise 10 dB below leaves 0.45 and more, noise alone has 0.15.
const MIN_SHARE: f32 = 0.33;

/// Part of the power of a burst from which a frame still belongs to it, -12 dB.
const MIN_LEVEL: f32 = 0.063;

/// How alike two spectra of one sound are at least, as the cosine of the angle between them.
const MIN_LIKENESS: f32 = 0.5;

/// Frames on end that end a burst: 64 ms, longer than the nulls of tones that beat.
const MAX_MISSED: u32 = 8;

/// Frames on end that begin another burst.
const MAX_DIFFERENT: u32 = 4;

/// Frames of the shortest burst.
const MIN_FRAMES: u32 = 3;

/// Frames after which it is known where a burst began, and after which it is measured if it has not ended before.
const EARLY: u32 = 12;
const LATE: u32 = 28;

/// A stretch of one sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Burst {
    pub start: u64,
    /// One after the last sample.
    pub end: u64,
    pub sound: Sound,
}

/// A burst that still sounds, or may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sounding {
    pub start: u64,
    /// Middle of the last window that had it.
    pub until: u64,
    /// What it is, once it was measured.
    pub sound: Option<Sound>,
}

/// What a frame changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Nothing,
    /// A burst sounds, of what is not known yet.
    Began,
    /// It is known by now what the burst is that sounds.
    Measured,
    /// A burst is over.
    Ended(Burst),
}

/// Follows the bursts of a stream.
#[derive(Clone, Debug)]
pub(super) struct Segmenter {
    run: Option<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    /// Number of the first frame.
    first: u64,
    /// Frames that belong to it.
    frames: u32,
    missed: u32,
    different: u32,
    /// Sums of powers over the frames.
    powers: [f32; COUNT],
    weight: f32,
    start: u64,
    sound: Option<Sound>,
}

impl Segmenter {
    pub const fn new() -> Segmenter {
        Segmenter { run: None }
    }

    /// The burst that may sound; `None` in a pause.
    pub fn sounding(&self, bank: &Bank) -> Option<Sounding> {
        let run = self.run.as_ref()?;
        // The last window may be full to a quarter of its amplitude.
        let lacking = (run.missed + run.different) as usize * HOP + WINDOW / 2;
        Some(Sounding {
            start: run.start,
            until: bank.position().saturating_sub(lacking as u64),
            sound: run.sound,
        })
    }

    /// Listens to the newest frame.
    pub fn hear(&mut self, bank: &Bank) -> Change {
        let powers = tonal(bank.frame(0));
        let Some(run) = &mut self.run else {
            if let Some(powers) = powers {
                self.run = Some(Run::begin(bank, 0, &powers));
            }
            return Change::Nothing;
        };
        match powers {
            Some(powers) if run.is_loud(&powers) && run.is_like(&powers) => {
                run.add(&powers);
                if run.frames == EARLY {
                    run.start = run.first_sample(bank);
                    return Change::Began;
                }
                if run.frames == LATE {
                    run.measure(bank, 0);
                    return Change::Measured;
                }
                Change::Nothing
            }
            Some(powers) if run.is_loud(&powers) => {
                run.different += 1;
                if run.different < MAX_DIFFERENT {
                    return Change::Nothing;
                }
                let back = MAX_DIFFERENT - 1;
                // Half of the window of the frame before has the one sound, half the other.
                let at = bank.position() - u64::from(back) * HOP as u64;
                let burst =
                    run.end(bank, at.saturating_sub((WINDOW / 2 + HOP / 2) as u64), back + 1);
                self.run = Some(Run::begin(bank, back as usize, &powers));
                burst
            }
            _ => {
                run.missed += 1;
                if run.missed + run.different < MAX_MISSED {
                    return Change::Nothing;
                }
                let ended = run.missed + run.different;
                let burst = run.end(bank, 0, ended);
                self.run = None;
                burst
            }
        }
    }
}

impl Run {
    /// A burst whose first frame is so many before the newest.
    fn begin(bank: &Bank, back: usize, powers: &[f32; COUNT]) -> Run {
        let start = bank.position().saturating_sub((back * HOP + WINDOW / 2) as u64);
        Run {
            first: bank.heard() - back as u64,
            frames: 1 + back as u32,
            missed: 0,
            different: 0,
            powers: *powers,
            weight: 1.0,
            start,
            sound: None,
        }
    }

    fn add(&mut self, powers: &[f32; COUNT]) {
        (self.missed, self.different) = (0, 0);
        self.frames = self.frames.saturating_add(1);
        // The mean of all frames, and after a while of the last ones.
        let keep = if self.weight < KEPT as f32 { 1.0 } else { 1.0 - 1.0 / KEPT as f32 };
        self.weight = self.weight * keep + 1.0;
        for (sum, power) in self.powers.iter_mut().zip(powers) {
            *sum = *sum * keep + power;
        }
    }

    /// Whether a frame is not much weaker.
    fn is_loud(&self, powers: &[f32; COUNT]) -> bool {
        let (now, mean) = (sum(powers), sum(&self.powers) / self.weight);
        now >= MIN_LEVEL * mean
    }

    fn is_like(&self, powers: &[f32; COUNT]) -> bool {
        let dot =
            |a: &[f32; COUNT], b: &[f32; COUNT]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let both = dot(powers, powers) * dot(&self.powers, &self.powers);
        // The first frame is hardly full.
        self.frames < 2 || dot(powers, &self.powers) >= MIN_LIKENESS * both.sqrt()
    }

    /// Measures it when its last frame is so many before the newest.
    fn measure(&mut self, bank: &Bank, back: usize) {
        let length = (bank.heard() - self.first) as usize + 1 - back;
        // The first two windows are not full, nor are the last two.
        let skip = if back > 0 && length > 5 { 2 } else { usize::from(back > 0) };
        let usable = length.saturating_sub(2 + skip).max(1);
        self.sound = Some(Sound::measure(bank, back + skip, usable.min(KEPT - back - skip - 1)));
    }

    /// Power in a frame at the frequencies of this sound.
    fn power_in(&self, frame: &Frame) -> f32 {
        let most = self.powers.iter().copied().fold(0.0, f32::max);
        let belongs = |at: &usize| self.powers[*at] >= 0.04 * most;
        (0..COUNT).filter(belongs).map(|at| frame.power(LOWEST + at)).sum()
    }

    fn mean_power(&self) -> f32 {
        let most = self.powers.iter().copied().fold(0.0, f32::max);
        self.powers.iter().filter(|power| **power >= 0.04 * most).sum::<f32>() / self.weight
    }

    fn first_sample(&self, bank: &Bank) -> u64 {
        let full = self.mean_power().max(1e-9);
        let oldest = ((bank.heard() - self.first) as usize + 2).min(KEPT - 1);
        let mut before = 0.0;
        for back in (0..=oldest).rev() {
            let share = (self.power_in(bank.frame(back)) / full).sqrt();
            if share >= 0.5 {
                let (back, share) = nearer_to_half((back, share), (back + 1, before));
                let end = bank.position().saturating_sub((back * HOP) as u64);
                return end.saturating_sub(filled(share) as u64);
            }
            before = share;
        }
        self.start
    }

    fn last_sample(&self, bank: &Bank) -> u64 {
        let full = self.mean_power().max(1e-9);
        let mut after = 0.0;
        for back in 0..KEPT {
            let share = (self.power_in(bank.frame(back)) / full).sqrt();
            if share >= 0.5 {
                let (back, share) = if back == 0 {
                    (0, share)
                } else {
                    nearer_to_half((back, share), (back - 1, after))
                };
                let begin = bank.position().saturating_sub((back * HOP + WINDOW) as u64);
                return begin + filled(share) as u64;
            }
            after = share;
        }
        bank.position()
    }

    /// The burst, if it was one, that ended with the frame `back` before the newest; where, if not 0.
    fn end(&mut self, bank: &Bank, at: u64, back: u32) -> Change {
        // Noise has such frames now and then.
        let length = bank.heard() - self.first + 1 - u64::from(back);
        if self.frames < MIN_FRAMES || u64::from(self.frames) * 2 < length {
            return Change::Nothing;
        }
        if self.frames < EARLY {
            self.start = self.first_sample(bank);
        }
        if self.frames < LATE {
            self.measure(bank, back as usize);
        }
        let Some(sound) = self.sound else { return Change::Nothing };
        let end = if at > 0 { at } else { self.last_sample(bank) };
        Change::Ended(Burst { start: self.start, end: end.max(self.start), sound })
    }
}

fn sum(powers: &[f32; COUNT]) -> f32 {
    powers.iter().sum()
}

/// Of two frames, with their shares of the full amplitude, the one nearer to half of it.
pub(super) fn nearer_to_half(a: (usize, f32), b: (usize, f32)) -> (usize, f32) {
    if (a.1 - 0.5).abs() <= (b.1 - 0.5).abs() { a } else { b }
}

/// The powers at all frequencies, if a few of them have most.
fn tonal(frame: &Frame) -> Option<[f32; COUNT]> {
    if frame.total < MIN_POWER {
        return None;
    }
    let powers: [f32; COUNT] = std::array::from_fn(|at| frame.power(LOWEST + at));
    let strong = powers.iter().filter(|power| **power >= MIN_PART * frame.total);
    (strong.sum::<f32>() >= MIN_SHARE * frame.total).then_some(powers)
}
