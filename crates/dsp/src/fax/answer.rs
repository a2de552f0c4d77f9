//! Which answer tone: its modulation by 15 Hz (V.8) and the reversals of its phase (V.25, G.168 §7).

use super::{
    Signal,
    steady::{Course, Spec},
};
use crate::bank::{Bank, Complex, HOP, SPACING_HZ, WINDOW, hz_of_turns, response};

/// Frames over which the modulation is measured: six periods of 15 Hz, 400 ms.
const SPAN: usize = 50;

/// Frames between two measurements: three periods.
const BETWEEN: u16 = 25;

/// Turns of 15 Hz from frame to frame.
const TURNS_OF_15_HZ: f32 = 15.0 * HOP as f32 / crate::SAMPLE_RATE as f32;

/// Least depth of the modulation: half of what V.8 has.
const MIN_DEPTH: f32 = 0.1;

/// What the window of the bank leaves of 15 Hz.
const SMOOTHED: f32 = 0.943;

/// Frames apart whose windows have no sample in common.
const APART: usize = 4;

/// By how many turns the phase jumps in a reversal, at least: G.168 asks for 180° ± 25°, and that 110° is none.
const MIN_JUMP: f32 = 0.4;

/// Frames with the tone before a reversal counts: its frequency is known then.
const SETTLED: u16 = 10;

/// What is known of the answer tone that sounds.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The last amplitudes, the newest last, and whether they were full.
    recent: [(Complex, bool); APART + 1],
    /// Magnitudes of full frames, the last of `SPAN`; others have none.
    magnitudes: [Option<f32>; SPAN],
    frames: u16,
    /// Frames on end whose phase has jumped.
    jumped: u8,
    modulated: bool,
    reversed: bool,
    /// Both, as they were told last, and where what was not told yet was seen.
    told: (bool, bool),
    at: u64,
}

impl Answer {
    pub const fn new() -> Answer {
        Answer {
            recent: [(Complex::ZERO, false); APART + 1],
            magnitudes: [None; SPAN],
            frames: 0,
            jumped: 0,
            modulated: false,
            reversed: false,
            told: (false, false),
            at: 0,
        }
    }

    pub fn reset(&mut self) {
        if self.frames > 0 {
            *self = Answer::new();
        }
    }

    pub const fn signal(&self) -> Signal {
        match (self.modulated, self.reversed) {
            (false, false) => Signal::Ans,
            (false, true) => Signal::AnsReversed,
            (true, false) => Signal::Ansam,
            (true, true) => Signal::AnsamReversed,
        }
    }

    /// Listens to the newest frame of a run of this tone; the position of what makes it another signal.
    pub fn hear(&mut self, ans: Spec, course: Course, bank: &Bank) -> Option<u64> {
        let Course { frames, power: mean, sounds, turns } = course;
        let (frame, end) = (bank.frame(0), bank.position());
        let now = frame.at(ans.spacings);
        let left = response(hz_of_turns(turns, ans.hz) - ans.spacings as f32 * SPACING_HZ);
        let power = now.power() / (left * left);
        // A frame within a reversal is not full; one after it is, though its phase fits no neighbour.
        let full = power >= 0.45 * mean && power >= 0.5 * frame.total;
        self.recent.copy_within(1.., 0);
        self.recent[APART] = (now, full);
        self.magnitudes.copy_within(1.., 0);
        self.magnitudes[SPAN - 1] = (full && sounds).then(|| power.sqrt());
        self.frames = self.frames.saturating_add(1);
        let is_certain = frames >= ans.frames;
        if !self.modulated
            && is_certain
            && usize::from(self.frames) >= SPAN
            && self.frames.is_multiple_of(BETWEEN)
        {
            self.modulated = self.depth() >= MIN_DEPTH;
            self.at = end;
        }
        if !self.reversed && frames >= SETTLED {
            match self.jump(turns, end) {
                Some(reversal) => {
                    self.jumped += 1;
                    self.reversed = self.jumped >= 2;
                    self.at = reversal;
                }
                None => self.jumped = 0,
            }
        }
        let known = (self.modulated, self.reversed);
        if !is_certain || known == self.told {
            return None;
        }
        self.told = known;
        Some(self.at)
    }

    /// Depth of the modulation by 15 Hz.
    fn depth(&self) -> f32 {
        let count = self.magnitudes.iter().flatten().count().max(1) as f32;
        let mean = self.magnitudes.iter().flatten().sum::<f32>() / count;
        let mut sum = Complex::ZERO;
        for (n, magnitude) in self.magnitudes.iter().enumerate() {
            let swing = magnitude.map_or(0.0, |magnitude| magnitude - mean);
            sum = sum.plus(Complex::turned(-TURNS_OF_15_HZ * n as f32).scaled(swing));
        }
        2.0 * sum.power().sqrt() / (SMOOTHED * mean.max(1e-9) * count)
    }

    /// Where the phase was reversed, if it was between the newest frame and the one that shares no sample with it.
    fn jump(&self, turns: f32, end: u64) -> Option<u64> {
        let ((before, full_before), (now, full_now)) = (self.recent[0], self.recent[APART]);
        if !full_before || !full_now {
            return None;
        }
        let against =
            |n: usize| self.recent[n].0.against(before.times(Complex::turned(turns * n as f32))).re;
        let expected = before.times(Complex::turned(turns * APART as f32));
        if now.against(expected).turns().abs() < MIN_JUMP {
            return None;
        }
        // The part in phase goes from positive to negative where the middle of a window passes the reversal.
        let after = (1..=APART).find(|n| against(*n) < 0.0).unwrap_or(APART);
        let (a, b) = (against(after - 1), against(after));
        let hops = after as f32 - 1.0 + a / (a - b).max(1e-9);
        let middle_of_first = end.saturating_sub((APART * HOP + WINDOW / 2) as u64);
        Some(middle_of_first + (hops * HOP as f32) as u64)
    }
}
