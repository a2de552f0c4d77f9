//! The tone disabler of G.168 §7: a modem's answer tone of 2100 Hz with reversals of phase, in either
//! direction, takes the canceller out until the line has been quiet.
//!
//! | state    | 2 reversals 450 ms apart in a tone of 2100 Hz | 250 ms below -36 dBm0 both ways |
//! |----------|-----------------------------------------------|---------------------------------|
//! | enabled  | disabled                                      | -                               |
//! | disabled | -                                             | enabled                         |

use super::BLOCK;
use crate::oscillator::{Phase, cosine, dot, sine, step_of_decihertz};

/// Samples of a look: 4 ms.
const LOOK: usize = BLOCK / 2;

/// Looks between two reversals: 450 ms ± 25 (V.8 §3.2), and one look of doubt at either side.
const REVERSAL: std::ops::RangeInclusive<u32> = 105..=120;

/// Looks of steady tone that make a reversal one.
const STEADY: u32 = 5;

/// Mean square of the least tone: -32 dBm0, where -31 is asked (G.168 §7.2).
const LEAST: f32 = 163_257.0;

/// Mean square below which the line is quiet: -36 dBm0 (G.168 §7.5).
const QUIET: f32 = 64_994.0;

/// Blocks of quiet until the canceller works again: 248 ms (250 ± 150, G.168 §7.6).
const QUIET_BLOCKS: u32 = 31;

/// Share of the power that the tone must have. ANSam's modulation takes 2 %, 21 Hz off 2 %.
const PURE: f32 = 0.85;

/// Turn of phase from look to look, as a tangent: 2100 ± 30 Hz.
const TURN: f32 = 0.95;

/// The disabler, for both directions.
#[derive(Clone, Debug)]
pub(super) struct Disabler {
    far: Listener,
    near: Listener,
    phase: Phase,
    disabled: bool,
    quiet: u32,
}

impl Disabler {
    pub fn new() -> Disabler {
        Disabler {
            far: Listener::default(),
            near: Listener::default(),
            phase: 0,
            disabled: false,
            quiet: 0,
        }
    }

    /// Listens to a block; says whether the canceller is out.
    pub fn process(&mut self, far: &[f32; BLOCK], near: &[f32; BLOCK]) -> bool {
        let powers = [far, near].map(|block| super::power(block) / BLOCK as f32);
        let step = const { step_of_decihertz(21_000) };
        if powers.iter().any(|power| *power >= LEAST) {
            for half in 0..2 {
                let mut carrier = [[0.0; LOOK]; 2];
                for n in 0..LOOK {
                    let phase =
                        self.phase.wrapping_add(step.wrapping_mul((half * LOOK + n) as Phase));
                    (carrier[0][n], carrier[1][n]) = (cosine(phase), sine(phase));
                }
                let part = half * LOOK..(half + 1) * LOOK;
                let heard = [
                    self.far.look(&far[part.clone()], &carrier),
                    self.near.look(&near[part], &carrier),
                ];
                self.disabled |= heard.contains(&true);
            }
        } else {
            (self.far, self.near) = Default::default();
        }
        self.phase = self.phase.wrapping_add(step.wrapping_mul(BLOCK as Phase));
        let loud = powers.iter().any(|power| *power >= QUIET);
        self.quiet = if loud { 0 } else { self.quiet + 1 };
        if self.quiet >= QUIET_BLOCKS {
            self.disabled = false;
        }
        self.disabled
    }
}

/// What one direction has shown.
#[derive(Clone, Copy, Debug, Default)]
struct Listener {
    /// The tone in the last two looks, complex.
    last: [(f32, f32); 2],
    /// Looks on end with the tone.
    steady: u32,
    /// Looks since a reversal.
    since: Option<u32>,
}

impl Listener {
    /// Listens for 4 ms; true at the second reversal in time.
    fn look(&mut self, x: &[f32], carrier: &[[f32; LOOK]; 2]) -> bool {
        let [re, im] = [0, 1].map(|part| dot(x, &carrier[part]));
        let energy = dot(x, x);
        // Of a sine of amplitude a: a × LOOK / 2 and a² × LOOK / 2.
        let pure = (re * re + im * im) * 2.0 / LOOK as f32 > PURE * energy;
        let loud = energy >= LEAST * LOOK as f32;
        let [last, before] = self.last;
        let turn = |then: (f32, f32)| (re * then.0 + im * then.1, im * then.0 - re * then.1);
        self.since = self.since.map(|looks| looks + 1);
        let mut found = false;
        if pure && loud {
            let (cos, sin) = turn(last);
            if self.steady > 0 && cos > 0.0 && sin.abs() < TURN * cos {
                self.steady += 1;
            } else if self.steady >= STEADY || (self.steady == 0 && turn(before).0 < 0.0) {
                // The phase turned over between two looks, or in the one before, which was not pure.
                found = self.since.is_some_and(|looks| REVERSAL.contains(&looks));
                self.since = Some(0);
                self.steady = 1;
            } else {
                self.steady = 1;
            }
        } else if self.steady >= STEADY {
            // Perhaps the look in which the phase turns over.
            self.steady = 0;
        } else {
            (self.steady, self.since) = (0, None);
        }
        self.last = [(re, im), last];
        found
    }
}
