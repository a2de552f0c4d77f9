//! The tone disabler of G.168 §7: a modem's answer tone of 2100 Hz with reversals of phase, in either
//! direction, takes the canceller out until the line has been quiet.
//!
//! | state    | 2 reversals 450 ms apart in a tone of 2100 Hz | 250 ms below -36 dBm0 both ways |
//! |----------|-----------------------------------------------|---------------------------------|
//! | enabled  | disabled                                      | -                               |
//! | disabled | -                                             | enabled                         |

use crate::oscillator::{Phase, cosine, sine};
use crate::simd::{LANES, Vector};

use super::adaptive::Far;
use super::control::Powers;
use super::{BLOCK, Running};

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

/// Samples in which 2100 Hz comes round: 21 periods.
const ROUND: usize = 80;

/// 2100 Hz, cosine and sine, from any sample of a round for a block on.
static CARRIER: [[f32; ROUND + BLOCK]; 2] = {
    let mut carrier = [[0.0; ROUND + BLOCK]; 2];
    let mut n = 0;
    while n < ROUND + BLOCK {
        let phase = (((21 * n as u64) << 32) / ROUND as u64) as Phase;
        (carrier[0][n], carrier[1][n]) = (cosine(phase), sine(phase));
        n += 1;
    }
    carrier
};

/// The disabler, for both directions.
#[derive(Clone, Debug)]
pub(super) struct Disabler {
    far: Listener,
    near: Listener,
    /// Where the carrier stands in its round.
    at: usize,
    disabled: bool,
    quiet: u32,
}

impl Disabler {
    pub fn new() -> Disabler {
        Disabler {
            far: Listener::default(),
            near: Listener::default(),
            at: 0,
            disabled: false,
            quiet: 0,
        }
    }

    /// Listens to a block; says whether the canceller is out.
    #[inline(always)]
    pub fn process<V: Vector>(&mut self, far: &Far, block: &Running, powers: &Powers) -> bool {
        let far = far.samples[BLOCK..].first_chunk().expect("a frame is two blocks");
        let near = block.near.first_chunk().expect("a block");
        for (listener, block, power) in
            [(&mut self.far, far, powers.far), (&mut self.near, near, powers.near)]
        {
            self.disabled |= listener.block::<V>(block, power, self.at);
        }
        self.at = (self.at + BLOCK) % ROUND;
        let loud = powers.far.max(powers.near) >= QUIET * BLOCK as f32;
        self.quiet = if loud { 0 } else { self.quiet.saturating_add(1) };
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
    /// Listens to a block; true at the second reversal in time.
    #[inline(always)]
    fn block<V: Vector>(&mut self, block: &[f32; BLOCK], power: f32, at: usize) -> bool {
        if power < LEAST * BLOCK as f32 {
            *self = Listener::default();
            return false;
        }
        let carrier = CARRIER.each_ref().map(|part| part[at..at + BLOCK].as_chunks().0);
        let mut found = false;
        for (half, x) in block.as_chunks::<LOOK>().0.iter().enumerate() {
            let mut sums = [V::splat(0.0); 4];
            for (m, x) in x.as_chunks().0.iter().enumerate() {
                let (x, m) = (V::load(x), m + half * (LOOK / LANES));
                sums[0] = x.mul_add(V::load(&carrier[0][m]), sums[0]);
                sums[1] = x.mul_add(V::load(&carrier[1][m]), sums[1]);
                sums[2] = x.mul_add(x, sums[2]);
            }
            let [re, im, energy, _] = V::sums(sums);
            found |= self.look(re, im, energy);
        }
        found
    }

    /// The same of 4 ms with this much of the carrier's cosine and sine, and power.
    fn look(&mut self, re: f32, im: f32, energy: f32) -> bool {
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
