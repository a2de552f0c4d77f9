//! What stands for samples that were lost, made 20 ms at a time.

use super::{
    history::{History, LENGTH, QUIET},
    lpc::{self, Filter, ORDER, Predictor, RINGING},
    pitch,
};
use crate::{
    level::saturate_f32,
    simd::{dot, per_processor},
};

/// Samples that are made at once: 20 ms.
const BLOCK: usize = 160;

/// 5 ms: the gain is a line from one knot to the next.
const KNOT: usize = 40;

/// Level that is held, at each knot: full for 10 ms, then the square root of a line to nothing at 60 ms.
#[rustfmt::skip]
const HELD: [f32; 13] = [
    1.0, 1.0, 1.0, 0.949, 0.894, 0.837, 0.775, 0.707, 0.632, 0.548, 0.447, 0.316, 0.0,
];

/// From this correlation of one period with the next on it is repeated.
const VOICED: f32 = 0.5;

/// Length of the first piece of a sound without a pitch, samples.
const PIECE: usize = 120;

/// Later pieces are between this and 300 samples long.
const SHORTEST_PIECE: usize = 100;

/// The least that a period is taken to have of the one before: it falls by no more than that.
const STEEPEST: f32 = 0.5;

/// Power of 20 ms of substitute over that of the loudest 20 ms in the last 60 ms, at the most: 1 dB.
const OVERSHOOT: f32 = 1.25;

/// Samples over which the level is brought down where it would overshoot.
const SOFTENING: usize = 8;

/// A walk through what was heard.
#[derive(Clone, Debug)]
pub(super) struct Substitute {
    /// The history when samples went missing.
    frozen: [f32; LENGTH],
    /// Whether there is a pitch.
    voiced: bool,
    /// Length of a pitch period, or of the first piece, samples.
    period: usize,
    /// How far before the end of the history the next sample is.
    distance: usize,
    /// How far before the end it goes back to from there.
    back: usize,
    /// From one knot to the next, beside what is held.
    fall: f32,
    /// At the last knot made.
    gain: f32,
    /// The samples that are made already, as far as they were not taken, are at the end.
    block: [f32; BLOCK],
    taken: usize,
    /// Blocks made.
    blocks: usize,
    background: [i16; QUIET],
    noise: Noise,
    seed: u32,
}

/// The background, made anew.
#[derive(Clone, Copy, Debug)]
struct Noise {
    filter: Filter,
    /// Of the excitation, for a uniform one.
    amplitude: f32,
}

impl Substitute {
    pub(super) fn silence() -> Substitute {
        Substitute {
            frozen: [0.0; LENGTH],
            voiced: false,
            period: PIECE,
            distance: PIECE,
            back: PIECE,
            fall: 1.0,
            gain: 1.0,
            block: [0.0; BLOCK],
            taken: BLOCK,
            blocks: 0,
            background: [0; QUIET],
            noise: Noise { filter: Predictor::NONE.filter(), amplitude: 0.0 },
            seed: 1,
        }
    }

    /// For what follows this.
    pub(super) fn begin(&mut self, history: &History) {
        convert(history.last(), &mut self.frozen);
        self.background = *history.quiet();
        let (period, correlation) = pitch::period(&self.frozen);
        self.voiced = correlation >= VOICED;
        self.period = if self.voiced { period } else { PIECE };
        (self.distance, self.back) = (self.period, self.period);
        let [last, before] = [1, 2].map(|n| {
            let from = LENGTH - n * self.period;
            power(&self.frozen[from..from + self.period])
        });
        let trend = ((last + 1.0) / (before + 1.0)).sqrt().clamp(STEEPEST, 1.0);
        self.fall = trend.powf(KNOT as f32 / self.period as f32);
        self.gain = 1.0;
        self.blocks = 0;
        self.first_block();
    }

    /// Samples over which it fades out under what is heard again.
    pub(super) const fn overlap(&self) -> usize {
        self.period / 4
    }

    pub(super) fn next(&mut self) -> f32 {
        if self.taken == BLOCK {
            self.another_block();
        }
        self.taken += 1;
        self.block[self.taken - 1]
    }

    pub(super) fn fill(&mut self, mut samples: &mut [i16]) {
        while !samples.is_empty() {
            if self.taken == BLOCK {
                self.another_block();
            }
            let ready = &self.block[self.taken..];
            let (now, later) = samples.split_at_mut(samples.len().min(ready.len()));
            round(ready, now);
            self.taken += now.len();
            samples = later;
        }
    }

    fn first_block(&mut self) {
        self.walk();
        self.fade();
        let end = LENGTH - 1;
        let differences: [f32; ORDER] =
            std::array::from_fn(|k| self.frozen[end - k] - self.frozen[end - k - self.period]);
        let recent = self.frozen.last_chunk().expect("the window is shorter than the history");
        let ringing: [f32; RINGING] = Predictor::of(recent).ringing(&differences);
        for (sample, ringing) in self.block.iter_mut().zip(&ringing) {
            *sample += ringing;
        }
        self.soften(OVERSHOOT * loudest(&self.frozen));
    }

    /// Brings the block down to this power, from its beginning on.
    fn soften(&mut self, most: f32) {
        // What is before the level is down counts too: the second round mends that.
        for _ in 0..2 {
            let made = power(&self.block);
            if made > most {
                let scale = (most / made).sqrt();
                for (n, sample) in self.block.iter_mut().enumerate() {
                    *sample *= 1.0 + (scale - 1.0) * (n as f32 / SOFTENING as f32).min(1.0);
                }
                self.gain *= scale;
            }
        }
    }

    fn another_block(&mut self) {
        if self.blocks * BLOCK >= (HELD.len() - 1) * KNOT {
            self.block = [0.0; BLOCK];
            self.taken = 0;
            self.blocks += 1;
        } else {
            if self.blocks == 1 {
                self.noise = self.noise();
            }
            self.walk();
            self.fade();
        }
        self.add_noise();
    }

    /// Copies what is next of the history, of one period or more, blended where it goes back.
    fn walk(&mut self) {
        let quarter = self.overlap();
        let mut at = 0;
        while at < BLOCK {
            let from = LENGTH - self.distance;
            let left =
                if self.distance > quarter { self.distance - quarter } else { self.distance };
            let length = left.min(BLOCK - at);
            if self.distance == quarter {
                self.back = self.next_back();
            }
            let block = &mut self.block[at..at + length];
            if self.distance > quarter {
                block.copy_from_slice(&self.frozen[from..from + length]);
            } else {
                let next = &self.frozen[from - self.back..][..length];
                let now = &self.frozen[from..from + length];
                let scale = 1.0 / (quarter + 1) as f32;
                blend(block, now, next, self.distance as f32 * scale, scale, self.voiced);
            }
            at += length;
            self.distance -= length;
            if self.distance == 0 {
                self.distance = self.back;
            }
        }
        self.blocks += 1;
        self.taken = 0;
    }

    /// How far to go back: one period for 20 ms, then one more for each 20 ms; or anywhere.
    fn next_back(&mut self) -> usize {
        if !self.voiced {
            return SHORTEST_PIECE + (self.random() >> 8) as usize % 201;
        }
        let most = (LENGTH - 80) / self.period;
        self.period * (self.blocks + 1).min(3).min(most)
    }

    fn fade(&mut self) {
        let first = (self.blocks - 1) * (BLOCK / KNOT);
        for (n, samples) in self.block.as_chunks_mut::<KNOT>().0.iter_mut().enumerate() {
            let from = self.gain * HELD[first + n];
            self.gain *= self.fall;
            let to = self.gain * HELD[first + n + 1];
            ramp(samples, from, to);
        }
    }

    /// What the background was made of, in shape and level.
    fn noise(&self) -> Noise {
        let mut recent = [0.0; lpc::WINDOW];
        for (to, from) in recent[lpc::WINDOW - QUIET..].iter_mut().zip(&self.background) {
            *to = f32::from(*from);
        }
        let predictor = Predictor::of(&recent);
        // A uniform excitation from -a to a has the power a²/3.
        Noise { filter: predictor.filter(), amplitude: (3.0 * predictor.innovation).sqrt() }
    }

    fn add_noise(&mut self) {
        let mut noise = self.noise;
        if noise.amplitude < 0.5 {
            return;
        }
        let first = (self.blocks - 1) * (BLOCK / KNOT);
        let share = |knot: usize| 1.0 - HELD.get(knot).copied().unwrap_or(0.0);
        for knot in 0..BLOCK / KNOT {
            let (from, to) = (share(first + knot), share(first + knot + 1));
            for n in 0..KNOT {
                let level = from + (to - from) * (n as f32 / KNOT as f32);
                let white = self.random() as i32 as f32 / 2_147_483_648.0;
                self.block[knot * KNOT + n] += level * noise.filter.next(noise.amplitude * white);
            }
        }
        self.noise = noise;
    }

    fn random(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.seed
    }
}

per_processor! {
    /// Mean square.
    fn power(samples: &[f32]) -> f32 {
        dot::<V>(samples, samples) / samples.len().max(1) as f32
    }

    /// Mean square of the loudest 20 ms of the last 60.
    fn loudest(history: &[f32; LENGTH]) -> f32 {
        let mut quarters = [0.0; 12];
        let (blocks, _) = history[LENGTH - 480..].as_chunks::<KNOT>();
        for (quarter, block) in quarters.iter_mut().zip(blocks) {
            *quarter = dot::<V>(block, block) / BLOCK as f32;
        }
        quarters.windows(4).map(|quarters| quarters.iter().sum()).fold(0.0, f32::max)
    }

    fn ramp(samples: &mut [f32; KNOT], from: f32, to: f32) {
        let step = (to - from) / KNOT as f32;
        for (n, sample) in samples.iter_mut().enumerate() {
            *sample *= from + step * n as f32;
        }
    }

    /// From `now`, of which `share` is left at first, to `next`; at the same power if the two are `alike`, or if they are
    /// not.
    fn blend(to: &mut [f32], now: &[f32], next: &[f32], share: f32, step: f32, alike: bool) {
        for (n, ((to, now), next)) in to.iter_mut().zip(now).zip(next).enumerate() {
            let share = share - step * n as f32;
            let (a, b) = (share, 1.0 - share);
            let scale = if alike { 1.0 } else { 1.0 / (a * a + b * b).sqrt() };
            *to = (a * now + b * next) * scale;
        }
    }

    fn convert(from: &[i16; LENGTH], to: &mut [f32; LENGTH]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from(*from);
        }
    }

    fn round(from: &[f32], to: &mut [i16]) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = saturate_f32(*from);
        }
    }
}
