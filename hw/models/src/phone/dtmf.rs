//! DTMF, Q.23: the keypad's voice and the ear for it.

use super::spectrum::{Bank, Level, block_energy};
use crate::law::sine_peak;
use crate::{BLOCK_SAMPLES, STEP_SAMPLES};

const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// The tone generator of a keypad: low group −9 dBm0, high group −7 dBm0.
#[derive(Clone, Debug, Default)]
pub(super) struct DigitVoice {
    key: Option<(char, [Sine; 2])>,
}

#[derive(Clone, Copy, Debug)]
struct Sine {
    phase: f32,
    step: f32,
    peak: f32,
}

impl Sine {
    fn new(hertz: f32, level_dbm0: f32) -> Self {
        Self { phase: 0.0, step: hertz / 8000.0, peak: sine_peak(level_dbm0) }
    }

    fn next(&mut self) -> f32 {
        let sample = (self.phase * 2.0 * std::f32::consts::PI).sin() * self.peak;
        self.phase += self.step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
        }
        sample
    }
}

impl DigitVoice {
    pub(super) fn press(&mut self, digit: char) {
        if self.key.as_ref().is_some_and(|(held, _)| *held == digit) {
            return;
        }
        self.key = KEYS.iter().zip(ROWS).find_map(|(keys, row)| {
            let column = keys.iter().position(|key| *key == digit)?;
            Some((digit, [Sine::new(row, -9.0), Sine::new(COLUMNS[column], -7.0)]))
        });
    }

    pub(super) fn release(&mut self) {
        self.key = None;
    }

    /// Writes the tone of the key held; false when none is.
    pub(super) fn speak(&mut self, out: &mut [i16; STEP_SAMPLES]) -> bool {
        let Some((_, sines)) = &mut self.key else {
            return false;
        };
        for sample in out {
            *sample = sines.iter_mut().map(Sine::next).sum::<f32>() as i16;
        }
        true
    }
}

/// Hears digits: two equal windows of 15 ms begin one, two without it end it.
#[derive(Clone, Debug)]
pub(super) struct DigitEar {
    bank: Bank<8>,
    last: Option<char>,
    sounding: Option<char>,
    misses: u8,
    threshold: f32,
}

impl Default for DigitEar {
    fn default() -> Self {
        let [a, b, c, d] = ROWS;
        let [e, f, g, h] = COLUMNS;
        Self {
            bank: Bank::new([a, b, c, d, e, f, g, h]),
            last: None,
            sounding: None,
            misses: 0,
            threshold: block_energy(-36.0),
        }
    }
}

impl DigitEar {
    pub(super) fn reset(&mut self) {
        if self.bank.samples() > 0 || self.sounding.is_some() {
            self.bank.clear();
            self.last = None;
            self.sounding = None;
            self.misses = 0;
        }
    }

    /// Takes a block; gives a digit when it begins.
    pub(super) fn listen(&mut self, block: &[i16; BLOCK_SAMPLES], level: &Level) -> Option<char> {
        if !level.reaches(self.threshold) {
            self.bank.clear();
            return self.window(None);
        }
        self.bank.add(block, level.energy);
        if self.bank.samples() < 3 * BLOCK_SAMPLES {
            return None;
        }
        let digit = key(&self.bank.shares());
        self.bank.clear();
        self.window(digit)
    }

    fn window(&mut self, digit: Option<char>) -> Option<char> {
        let last = std::mem::replace(&mut self.last, digit);
        if self.sounding.is_some() {
            self.misses = if digit == self.sounding { 0 } else { self.misses + 1 };
            if self.misses < 2 {
                return None;
            }
            self.sounding = None;
        }
        self.misses = 0;
        if digit.is_none() || digit != last {
            return None;
        }
        self.sounding = digit;
        digit
    }
}

/// One row and one column must hold most of the energy between them, neither alone.
fn key(shares: &[f32; 8]) -> Option<char> {
    let (rows, columns) = shares.split_at(4);
    let (row, low) = strongest(rows)?;
    let (column, high) = strongest(columns)?;
    (low + high > 0.7 && low > 0.12 && high > 0.12).then_some(KEYS[row][column])
}

fn strongest(shares: &[f32]) -> Option<(usize, f32)> {
    shares.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}
