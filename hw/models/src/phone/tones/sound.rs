//! What 40 ms sound like.

use super::super::spectrum::{Bank, Level};
use crate::BLOCK_SAMPLES;

/// What a window sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sound {
    /// 350 + 440 Hz.
    Dial,
    /// 400 + 425 Hz, or 330 + 440 Hz.
    SpecialDial,
    /// 440 + 480 Hz, or 400 + 450 Hz.
    Ringback,
    /// 480 + 620 Hz.
    Low,
    /// One frequency of 400 to 450 Hz.
    Single,
    /// 1400 + 2060 + 2450 + 2600 Hz.
    Howler,
    /// One steady frequency elsewhere, Hz.
    Steady(u32),
    /// Speech, noise, digits.
    Other,
}

/// The window that is being filled.
#[derive(Clone, Debug)]
pub(super) struct Window {
    bank: Bank<12>,
    least: f32,
    most: f32,
    crossings: u32,
}

impl Default for Window {
    fn default() -> Self {
        let bank = Bank::new([
            330.0, 350.0, 400.0, 425.0, 440.0, 450.0, 480.0, 620.0, 1400.0, 2060.0, 2450.0, 2600.0,
        ]);
        Self { bank, least: f32::MAX, most: 0.0, crossings: 0 }
    }
}

impl Window {
    pub(super) fn clear(&mut self) {
        self.bank.clear();
        self.least = f32::MAX;
        self.most = 0.0;
        self.crossings = 0;
    }

    /// Takes a block; gives what the window sounded like, and its mean energy in a block, when it is full.
    pub(super) fn add(
        &mut self,
        block: &[i16; BLOCK_SAMPLES],
        level: &Level,
    ) -> Option<(Sound, f32)> {
        self.bank.add(block, level.energy);
        self.least = self.least.min(level.energy);
        self.most = self.most.max(level.energy);
        self.crossings += level.crossings;
        if self.bank.samples() < WINDOW_BLOCKS * BLOCK_SAMPLES {
            return None;
        }
        let sound = self.classify();
        let energy = self.bank.energy() / WINDOW_BLOCKS as f32;
        self.clear();
        Some((sound, energy))
    }

    fn classify(&self) -> Sound {
        let [f330, f350, f400, f425, f440, f450, f480, f620, h1, h2, h3, h4] = self.bank.shares();
        let pair = |a: f32, b: f32, least: f32| a + b > 0.8 && a > least && b > least;
        if pair(f350, f440, 0.2) && f350 > f330 {
            return Sound::Dial;
        }
        if pair(f480, f620, 0.2) {
            return Sound::Low;
        }
        if pair(f440, f480, 0.25) || pair(f400, f450, 0.3) {
            return Sound::Ringback;
        }
        if pair(f400, f425, 0.35) || pair(f330, f440, 0.2) {
            return Sound::SpecialDial;
        }
        if [f400, f425, f440, f450].iter().any(|share| *share > 0.6) {
            return Sound::Single;
        }
        let parts = [h1, h2, h3, h4];
        if parts.iter().sum::<f32>() > 0.7 && parts.iter().filter(|share| **share > 0.1).count() > 1
        {
            return Sound::Howler;
        }
        if self.most < self.least * STEADY {
            let milliseconds = WINDOW_BLOCKS as u32 * 5;
            return Sound::Steady(self.crossings * 500 / milliseconds);
        }
        Sound::Other
    }
}

/// A window is 40 ms: 440 and 480 Hz are a bin and a half apart.
pub(super) const WINDOW_BLOCKS: usize = 8;
/// The blocks of a steady tone differ by less than 2 dB.
const STEADY: f32 = 1.6;
