//! The cheap look that runs while nobody sends: is this the mark signal?
//!
//! Every 16 samples one correlation with a carrier between the two marks. A tone turns it by the same angle from window
//! to window, so that the sum of the turns tells its frequency, and how much of all power it has: speech and noise turn
//! it to and fro, and the channel seizure is three tones of which none has half the power.

use crate::oscillator::{cosine, sine, turns};
use crate::simd::{Lanes, Vector, per_processor};

/// Samples of a window.
pub(super) const WINDOW: usize = 16;

/// The carrier, turns a sample: 1250 Hz, so that a tone at it turns half around in a window.
const CARRIER: f32 = 1250.0 / 8000.0;

/// The part of all power that a tone must have: the mark signal 50 Hz off has it down to an SNR of 1 dB.
const LEAST_SHARE: f32 = 0.46;

/// Windows on end that must agree: 16 ms.
const AGREEING: u8 = 8;

/// How much of what it knows the look keeps with each window.
const KEEP: f32 = 0.875;

/// A steady tone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    /// Turns a sample.
    pub step: f32,
    /// Where it is at the next sample, turns.
    pub phase: f32,
    /// Peak amplitude.
    pub amplitude: f32,
    /// Mean square of all else.
    pub noise: f32,
}

/// Looks for the mark signal of either standard, 1140 to 1367 Hz.
#[derive(Clone, Debug)]
pub(super) struct Look {
    carrier: [Lanes; 2],
    /// The correlation of the window before.
    before: (f32, f32),
    /// The turns from window to window, and the energies, of late.
    turn: (f32, f32),
    energy: f32,
    agreed: u8,
    /// Energy of a window at the lowest level that is taken up.
    least: f32,
    /// Whether anything was ever as loud.
    pub heard: bool,
}

impl Look {
    /// Has heard nothing; takes up tones from this peak amplitude.
    pub fn new(amplitude: f32) -> Look {
        let at = |n: usize| turns(CARRIER * n as f32);
        Look {
            carrier: [
                std::array::from_fn(|n| cosine(at(n))),
                std::array::from_fn(|n| -sine(at(n))),
            ],
            before: (0.0, 0.0),
            turn: (0.0, 0.0),
            energy: 0.0,
            agreed: 0,
            heard: false,
            least: amplitude * amplitude / 2.0 * WINDOW as f32,
        }
    }

    /// One window on. Tells the tone in which it ends.
    #[inline]
    pub fn window(&mut self, samples: &[i16; WINDOW]) -> Option<Tone> {
        let [re, im, energy] = sums(&self.carrier, samples);
        let now = (re, im);
        let before = std::mem::replace(&mut self.before, now);
        // The carrier is half a turn on from window to window.
        self.turn.0 = self.turn.0 * KEEP - (now.0 * before.0 + now.1 * before.1);
        self.turn.1 = self.turn.1 * KEEP - (now.1 * before.0 - now.0 * before.1);
        self.energy = self.energy * KEEP + energy;
        let power = self.turn.0 * self.turn.0 + self.turn.1 * self.turn.1;
        // A tone alone has |correlation|² = energy × WINDOW / 2.
        let needed = LEAST_SHARE * (WINDOW / 2) as f32 * self.energy;
        let is_loud = self.energy * (1.0 - KEEP) >= self.least;
        self.heard |= is_loud;
        if !is_loud || power < needed * needed {
            self.agreed = 0;
            return None;
        }
        self.agreed += 1;
        if self.agreed < AGREEING { None } else { self.tone() }
    }

    /// What the agreeing windows say.
    fn tone(&mut self) -> Option<Tone> {
        self.agreed = 0;
        let off = self.turn.1.atan2(self.turn.0) / std::f32::consts::TAU / WINDOW as f32;
        let step = CARRIER + off;
        // The mark signals, 5 % off and some.
        if !(1138.0 / 8000.0..1370.0 / 8000.0).contains(&step) {
            return None;
        }
        let half = std::f32::consts::PI * off;
        let loss = if half.abs() < 1e-4 {
            1.0
        } else {
            (half * WINDOW as f32).sin() / (half.sin() * WINDOW as f32)
        };
        let windows = self.energy * (1.0 - KEEP);
        let power = (self.turn.0.hypot(self.turn.1) * (1.0 - KEEP)).max(1.0);
        let amplitude = power.sqrt() / (WINDOW / 2) as f32 / loss;
        let middle = self.before.1.atan2(self.before.0) / std::f32::consts::TAU;
        let phase = middle - off * (WINDOW - 1) as f32 / 2.0 + step * WINDOW as f32;
        let mean_square = windows / WINDOW as f32;
        let noise = (mean_square - amplitude * amplitude / 2.0).max(mean_square / 1000.0);
        Some(Tone { step, phase: phase - phase.floor(), amplitude, noise })
    }

    /// Forgets what it heard.
    pub fn reset(&mut self) {
        self.before = (0.0, 0.0);
        self.turn = (0.0, 0.0);
        self.energy = 0.0;
        self.agreed = 0;
    }
}

per_processor! {
    /// The correlations of a window with both carriers, and its energy.
    fn sums(carrier: &[Lanes; 2], samples: &[i16; WINDOW]) -> [f32; 3] {
        let mut x: Lanes = [0.0; WINDOW];
        for n in 0..WINDOW {
            x[n] = f32::from(samples[n]);
        }
        let x = V::load(&x);
        [x.mul(V::load(&carrier[0])).sum(), x.mul(V::load(&carrier[1])).sum(), x.mul(x).sum()]
    }
}
