//! Whom to believe: which of the two filters makes the echo, and how boldly the background one moves.
//!
//! The background filter is copied to the foreground when its error is smaller beyond chance. Where
//! the error is far above what the line has shown to be possible, somebody talks at the near end or
//! the echo path changed; both look alike at first. Then the background filter must halve the error
//! over some blocks to be believed (a changed path lets it, a person does not), and now and again it
//! begins anew to find out. Lines without echo have no path at all: the first picture must be better than
//! none far beyond chance, and one that has not cancelled 10 dB yet goes as soon as it is worse than none. While the far end is a tone, nothing is learnt: a tone says nothing about
//! other frequencies, and what it would say about its own is known.

use crate::oscillator::{Phase, cosine};
use crate::simd::{LANES, Vector};

use super::BLOCK;
use super::adaptive::{Adaptive, Far};
use super::fourier::{FRAME, Row, VECTORS, forward};

/// Power of a block below which the far end is silent: a sine of about -61 dBm0.
const FAR_SILENCE: f32 = BLOCK as f32 * 400.0;

/// Blocks of silence in which the last echo dies away and the near end's own noise shows: 0.25 s.
const SILENT_BLOCKS: u32 = 30;

/// Blocks of silence after which no echo is left to be taken for noise: 48 ms.
const SETTLED_BLOCKS: u32 = 6;

/// What quantisation by G.711 leaves of an echo, as a share of its power: -36 dB.
const QUANTISED: f32 = 2.5e-4;

/// A floor of noise in a block that even a silent linear line has.
const LEAST_NOISE: f32 = BLOCK as f32;

/// Growth of the noise floor a block: 3 dB a second.
const NOISE_GROWTH: f32 = 1.0055;

/// Growth a block of the least share of echo that was left: 0.27 dB a second.
const LEFT_GROWTH: f32 = 1.0005;

/// Above the expected error by this, an error is a disturbance: 9 dB.
const DISTURBANCE: f32 = 8.0;

/// A filter whose output is louder than the near end by this does harm: 1 dB.
const HARM: f32 = 1.26;

/// Shares of a block in the means of the errors' difference: of 8, 20, 50 and 200 ms.
const SHARES: [f32; 4] = [1.0, 0.4, 0.15, 0.04];

/// Share of a block in the mean of harm: 70 ms.
const HARM_SHARE: f32 = 0.12;

/// In disturbance the background's error must be below the foreground's by this: 3 dB.
const CLEARLY: f32 = 0.5;

/// For as many blocks on end.
const CLEARLY_BLOCKS: u32 = 4;

/// A path that leaves less than this share of its echo is proven: 10 dB.
const PROVEN: f32 = 0.1;

/// As [`CLEARLY_BLOCKS`], for the first picture of a path.
const FIRST_BLOCKS: u32 = 2;

/// The first picture of a path must be better than none by this many times the variance of chance: voices are no
/// white noise, and where there is no echo the background filter is made of the near end's voice.
const FIRST: f32 = 9.0;

/// Blocks between two fresh searches in disturbance: 0.4 s.
const SEARCH_BLOCKS: u32 = 50;

/// Blocks after a fresh start during which the filter's own view of its errors is fully trusted.
const FRESH_BLOCKS: u32 = 75;

/// Blocks on end of good cancellation after which one in [`RELAXED_SHARE`] is learnt from.
const RELAXED_AFTER: u32 = 30;

/// See [`RELAXED_AFTER`].
const RELAXED_SHARE: u32 = 4;

/// A far end with its power in fewer bins is a tone. A tone fills 2, DTMF 4.
const TONE_BINS: f32 = 6.0;

/// For as many blocks on end: 24 ms.
const TONE_BLOCKS: u32 = 3;

/// How far a block's gain in knowledge is believed, by filters of up to two partitions and by longer ones, of which each
/// partition learns less by a block.
const TRUST: [f32; 2] = [0.5, 0.6];

/// The same where errors are larger than they should be: speech makes neighbouring bins anything but independent.
const WARY_TRUST: f32 = 0.2;

/// Growth of the variance a block, of |W|²: echo paths of lines hardly move.
const DRIFT: f32 = 1e-7;

/// The same where errors are larger than they should be.
const UNSETTLED_DRIFT: f32 = 1e-6;

/// What is done with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// Nothing is learnt from it.
    Pass,
    /// The background filter learns.
    Learn,
    /// The foreground makes more echo than it takes: both filters begin from nothing.
    Reset,
}

/// Which filter is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody knows.
    Keep,
    /// The background filter becomes the foreground filter.
    Take,
    /// The background filter went astray and becomes the foreground filter's copy.
    BackOff,
    /// A disturbance lasts: the background filter starts anew from where it is.
    Search,
}

/// Powers of a block: sums of squares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Powers {
    pub far: f32,
    pub near: f32,
    pub echo: f32,
    pub error: f32,
    /// Sum of the near end's samples.
    pub sum: f32,
}

/// Means of the difference of the errors' powers over some blocks, and its variance by chance.
#[derive(Clone, Copy, Debug, Default)]
struct Difference {
    mean: f32,
    variance: f32,
}

impl Difference {
    fn add(&mut self, share: f32, better: f32, spread: f32) {
        let kept = 1.0 - share;
        self.mean = kept * self.mean + share * better;
        self.variance = kept * kept * self.variance + share * share * spread;
    }

    /// Whether `sign` × mean is beyond √`times` of four standard deviations of white noise.
    fn beyond(&self, sign: f32, times: f32) -> bool {
        let mean = sign * self.mean;
        mean > 0.0 && mean * mean > times * self.variance
    }
}

/// The judge.
#[derive(Clone, Debug)]
pub(super) struct Control {
    /// See [`TRUST`].
    trust: f32,
    /// Power of noise in a block: falls at once, rises slowly. The greatest there is before the first block.
    pub noise: f32,
    /// Powers over 5 blocks.
    error: f32,
    echo: f32,
    near: f32,
    /// Least share of the echo's power that was left lately.
    pub left: f32,
    pub disturbed: bool,
    differences: [Difference; 4],
    /// The same of the near end and the foreground's error: what the foreground is worth against none.
    worth: Difference,
    /// The foreground takes nothing for echo.
    empty: bool,
    /// Errors' powers of the two filters over 5 blocks.
    front: f32,
    back: f32,
    /// Mean of what the error's power is above the near end's.
    harm: f32,
    /// Blocks on end of good cancellation, of clear superiority, of a tone.
    settled: u32,
    clear: u32,
    tone: u32,
    /// Blocks since the far end spoke.
    silent: u32,
    /// Blocks since the background filter began anew.
    fresh: u32,
    count: u32,
}

impl Control {
    pub fn new(partitions: usize) -> Control {
        Control {
            trust: TRUST[usize::from(partitions > 2)],
            noise: f32::MAX,
            error: 0.0,
            echo: 0.0,
            near: 0.0,
            left: 1.0,
            disturbed: false,
            differences: [Difference::default(); 4],
            worth: Difference::default(),
            empty: true,
            front: 0.0,
            back: 0.0,
            harm: 0.0,
            settled: 0,
            clear: 0,
            tone: 0,
            silent: 0,
            fresh: 0,
            count: 0,
        }
    }

    /// Power of the near end's noise in a block, once one was heard.
    pub fn noise(&self) -> Option<f32> {
        (self.noise < f32::MAX).then_some(self.noise)
    }

    /// Whether the block is background noise and nothing else.
    pub fn idle(&self, powers: &Powers) -> bool {
        self.silent > SETTLED_BLOCKS && powers.error < 3.0 * self.noise
    }

    /// Whether the echo can be measured in this block.
    pub fn measurable(&self, powers: &Powers) -> bool {
        powers.far >= FAR_SILENCE && !self.disturbed && powers.echo > powers.error
    }

    /// Takes a block in and says what to do with it.
    #[inline(always)]
    pub fn observe<V: Vector>(
        &mut self,
        powers: &Powers,
        far: &Far,
        adaptive: &mut Adaptive,
    ) -> Block {
        self.noise = (self.noise * NOISE_GROWTH).min(powers.error.max(LEAST_NOISE));
        for (mean, now) in [
            (&mut self.error, powers.error),
            (&mut self.echo, powers.echo),
            (&mut self.near, powers.near),
        ] {
            *mean += 0.2 * (now - *mean);
        }
        if powers.far < FAR_SILENCE {
            self.silent = self.silent.saturating_add(1);
            return if self.silent > SILENT_BLOCKS { Block::Pass } else { Block::Learn };
        }
        self.silent = 0;
        let harm = powers.error - HARM * powers.near - 3.0 * self.noise;
        self.harm += HARM_SHARE * (harm - self.harm);
        self.worth.add(SHARES[3], powers.near - powers.error, powers.near * (powers.echo + 10.0));
        let useless = self.left >= PROVEN && self.worth.beyond(-1.0, 1.0);
        if self.harm > 0.0 || useless {
            let (noise, trust) = (self.noise, self.trust);
            *self = Control { noise, trust, ..Control::new(1) };
            return Block::Reset;
        }
        let expected = self.left * self.echo + 3.0 * self.noise;
        self.disturbed = self.left < PROVEN && self.error > DISTURBANCE * expected;
        self.tone = if bins_filled::<V>(far) < TONE_BINS { self.tone + 1 } else { 0 };
        if self.tone >= TONE_BLOCKS && self.left < PROVEN {
            return Block::Pass;
        }
        let possible = QUANTISED * self.near + self.noise;
        let good = self.error < 3.0 * possible;
        self.settled = if self.error < 1.6 * possible { self.settled + 1 } else { 0 };
        self.fresh = self.fresh.saturating_add(1);
        adaptive.trust = if good || self.fresh < FRESH_BLOCKS { self.trust } else { WARY_TRUST };
        adaptive.drift = if good { DRIFT } else { UNSETTLED_DRIFT };
        adaptive.constrain_all = !good;
        self.count = self.count.wrapping_add(1);
        if self.settled > RELAXED_AFTER && !self.count.is_multiple_of(RELAXED_SHARE) {
            return Block::Pass;
        }
        if self.tone == 0 && self.echo > 20.0 * self.noise {
            let left = (self.error / self.echo).max(0.4 * QUANTISED);
            self.left = (self.left * LEFT_GROWTH).min(left);
        }
        Block::Learn
    }

    /// Compares the errors of the two filters over a block.
    #[inline(always)]
    pub fn judge<V: Vector>(&mut self, front: &[V; VECTORS], back: &[V; VECTORS]) -> Verdict {
        let mut sums = [V::splat(0.0); 4];
        for (a, b) in front.iter().zip(back) {
            let apart = a.sub(*b);
            sums[0] = a.mul_add(*a, sums[0]);
            sums[1] = b.mul_add(*b, sums[1]);
            sums[2] = apart.mul_add(apart, sums[2]);
        }
        let [front_power, back_power, apart, _] = V::sums(sums);
        let (better, spread) = (front_power - back_power, front_power * (apart + 10.0));
        for (difference, share) in self.differences.iter_mut().zip(SHARES) {
            difference.add(share, better, spread);
        }
        self.front = 0.8 * self.front + front_power;
        self.back = 0.8 * self.back + back_power;
        let clear = (self.disturbed || self.empty) && self.back < CLEARLY * self.front;
        self.clear = if clear { self.clear + 1 } else { 0 };
        let beyond = |times| self.differences.iter().any(|d| d.beyond(1.0, times));
        let take = match (self.disturbed, self.empty) {
            (true, _) => self.clear >= CLEARLY_BLOCKS,
            (false, false) => beyond(1.0),
            (false, true) => self.clear >= FIRST_BLOCKS || beyond(FIRST),
        };
        if take {
            self.empty = false;
            if self.disturbed {
                self.left = 1.0;
                self.error = back_power;
            }
            self.differences = Default::default();
            return Verdict::Take;
        }
        let searching = self.disturbed && self.fresh < SEARCH_BLOCKS;
        if !searching && self.differences.iter().any(|d| d.beyond(-1.0, 4.0)) {
            self.differences = Default::default();
            return Verdict::BackOff;
        }
        if self.disturbed && !searching {
            (self.fresh, self.clear, self.front, self.back) = (0, 0, 0.0, 0.0);
            return Verdict::Search;
        }
        Verdict::Keep
    }
}

/// How many bins the power of the frame that is running fills, under a Hann window: (Σ p)² / Σ p².
#[inline(always)]
pub(super) fn bins_filled<V: Vector>(far: &Far) -> f32 {
    let mut halves = far.frame::<V>();
    for (half, window) in halves.iter_mut().zip(&HANN) {
        for (x, window) in half.iter_mut().zip(&window.0) {
            *x = x.mul(V::load(window));
        }
    }
    let [mut sum, mut squares] = [V::splat(0.0); 2];
    for x in forward(&halves[0], &halves[1]) {
        let power = x.power();
        sum = sum.add(power);
        squares = power.mul_add(power, squares);
    }
    let [sum, squares, ..] = V::sums([sum, squares, sum, squares]);
    sum * sum / squares.max(f32::MIN_POSITIVE)
}

/// A Hann window of a frame.
static HANN: [Row; 2] = {
    let mut window = [Row::ZERO; 2];
    let mut n = 0;
    while n < FRAME {
        let phase = (((2 * n as u64 + 1) << 31) / FRAME as u64) as Phase;
        window[n / BLOCK].0[n % BLOCK / LANES][n % LANES] = 0.5 - 0.5 * cosine(phase);
        n += 1;
    }
    window
};
