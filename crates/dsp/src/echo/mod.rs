//! Line echo canceller to ITU-T G.168: takes the echo that a hybrid makes of the far end out of what
//! the near end sends.
//!
//! ```text
//!   far ───────────┬──────────────────────────────► to the line (Rin, Rout)
//!                  ├─► background (adaptive) ─┐ copied when better beyond chance
//!                  └─► foreground ◄───────────┘
//!                          │ echo
//!   near ──► without DC ──►(−)──► suppressor, comfort noise ──► to the far end (Sin, Sout)
//! ```
//!
//! *Where to start*: [`EchoCanceller::process`]. The parts: `adaptive` learns the path, `control`
//! decides whom to believe, `foreground` makes the echo without delay, `suppressor` covers the rest,
//! `disabler` listens for modems. Names and test numbers are those of G.168.

#![allow(
    clippy::needless_range_loop,
    reason = "iterators over vectors take closures: see crate::simd"
)]

mod adaptive;
mod comfort;
mod control;
mod disabler;
mod foreground;
mod fourier;
mod suppressor;

use adaptive::{Adaptive, Far};
use control::{Block, Control, Powers, Verdict};
use disabler::Disabler;
use foreground::Foreground;
use fourier::{Row, VECTORS};
use suppressor::{Line, Suppressor};

use crate::level::power_to_dbm0;
use crate::simd::{LANES, Lanes, Vector, per_processor};

/// Samples of a block of the adaptive filter: 8 ms.
const BLOCK: usize = 64;

/// Share of a block in the measured losses: about a second counts.
const METER_SHARE: f32 = 0.01;

/// Share of a block in the DC of the near end: two seconds.
const DC_SHARE: f32 = 0.004;

/// How long an echo path the canceller covers: delay and dispersion together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tail {
    /// 64 taps: a telephone on the card itself.
    Ms8,
    /// 128 taps: a local exchange line.
    Ms16,
    /// 256 taps.
    Ms32,
    /// 512 taps: what gateways usually have.
    Ms64,
    /// 1024 taps: a national network behind the line.
    Ms128,
}

impl Tail {
    /// All of them, shortest first.
    pub const ALL: [Tail; 5] = [Tail::Ms8, Tail::Ms16, Tail::Ms32, Tail::Ms64, Tail::Ms128];

    /// The shortest that covers so many milliseconds, 128 at the most; `None` for 0.
    pub const fn covering(ms: u32) -> Option<Tail> {
        match ms {
            0 => None,
            1..=8 => Some(Tail::Ms8),
            9..=16 => Some(Tail::Ms16),
            17..=32 => Some(Tail::Ms32),
            33..=64 => Some(Tail::Ms64),
            _ => Some(Tail::Ms128),
        }
    }

    /// Taps at 8 kHz.
    pub const fn taps(self) -> usize {
        match self {
            Tail::Ms8 => 64,
            Tail::Ms16 => 128,
            Tail::Ms32 => 256,
            Tail::Ms64 => 512,
            Tail::Ms128 => 1024,
        }
    }
}

/// What the canceller does besides cancelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Holds back what the filter leaves of the echo (non-linear processor).
    pub suppressor: bool,
    /// Fills what is held back with noise like the background's; silence otherwise.
    pub comfort_noise: bool,
    /// Steps aside for modems (G.168 §7).
    pub tone_disabler: bool,
}

impl Default for Options {
    /// Everything on.
    fn default() -> Options {
        Options { suppressor: true, comfort_noise: true, tone_disabler: true }
    }
}

/// What the canceller knows of the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// Echo return loss: far end over its echo, dB over the last second of echo; `None` before any.
    pub erl_db: Option<f32>,
    /// Echo return loss enhancement: the echo over what the filter leaves, dB, without the suppressor.
    pub erle_db: Option<f32>,
    /// Background noise of the near end, dBm0; `None` before the first 8 ms.
    pub noise_dbm0: Option<f32>,
    /// Somebody speaks at the near end while the far end does, or the echo path has just changed.
    pub double_talk: bool,
    /// The suppressor holds the near end back at this moment.
    pub suppressing: bool,
    /// A modem's tone took the canceller out.
    pub disabled: bool,
}

/// A canceller for one line.
///
/// ```
/// use tipring_dsp::echo::{EchoCanceller, Options, Tail};
///
/// let mut canceller = EchoCanceller::new(Tail::Ms16, Options::default());
/// let mut seed = 1u32;
/// let mut line = [0i16; 40];
/// for _ in 0..400 {
///     // 5 ms of the far end, and 5 ms of the line, which gives half of it back at once.
///     let far: [i16; 40] = std::array::from_fn(|_| {
///         seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
///         (seed >> 16) as i16 / 8
///     });
///     line = far.map(|x| x / 2);
///     canceller.process(&far, &mut line);
/// }
/// assert!(line.iter().all(|x| x.abs() <= 2));
/// assert!(canceller.report().erle_db.is_some_and(|erle| erle > 30.0));
/// ```
#[derive(Clone, Debug)]
pub struct EchoCanceller {
    options: Options,
    far: Far,
    adaptive: Adaptive,
    foreground: Foreground,
    control: Control,
    suppressor: Suppressor,
    disabler: Disabler,
    block: Running,
    at: usize,
    dc: f32,
    disabled: bool,
    frozen: bool,
    /// Mean powers of far end, near end and what was left, where there was only echo.
    meters: [f32; 3],
}

impl EchoCanceller {
    /// A canceller that knows nothing yet. Allocates here and never again.
    pub fn new(tail: Tail, options: Options) -> EchoCanceller {
        let partitions = tail.taps() / BLOCK;
        let adaptive = Adaptive::new(partitions);
        EchoCanceller {
            options,
            far: Far::new(partitions),
            foreground: Foreground::new(&adaptive),
            adaptive,
            control: Control::new(partitions),
            suppressor: Suppressor::new(),
            disabler: Disabler::new(),
            block: Running::ZERO,
            at: 0,
            dc: 0.0,
            disabled: false,
            frozen: false,
            meters: [0.0; 3],
        }
    }

    /// Forgets the line and all that was heard; options, and whether it is frozen, stay.
    pub fn reset(&mut self) {
        self.far.forget();
        self.adaptive.forget();
        self.foreground.forget();
        self.control = Control::new(self.adaptive.weights.len());
        (self.suppressor, self.disabler) = (Suppressor::new(), Disabler::new());
        self.block = Running::ZERO;
        (self.at, self.dc, self.disabled, self.meters) = (0, 0.0, false, [0.0; 3]);
    }

    /// Keeps the picture of the echo path as it is (G.168: adaptation inhibited), or lets it adapt again. All else goes on.
    pub fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// What the canceller does besides cancelling.
    pub fn options(&self) -> Options {
        self.options
    }

    /// Changes what the canceller does besides cancelling, from the next sample on. Without the tone disabler, a
    /// canceller that it took out works again, and what it heard is forgotten.
    pub fn set_options(&mut self, options: Options) {
        if !options.tone_disabler {
            (self.disabler, self.disabled) = (Disabler::new(), false);
        }
        self.options = options;
    }

    /// Takes the echo of `far`, which goes to the line, out of `near`, which came from it in the same
    /// time. Any number of samples, also none; if one slice is longer, its end is left alone. Adds no
    /// delay.
    pub fn process(&mut self, far: &[i16], near: &mut [i16]) {
        cancel(self, far, near);
    }

    #[inline(always)]
    fn pieces<V: Vector>(&mut self, far: &[i16], near: &mut [i16]) {
        let count = far.len().min(near.len());
        let mut done = 0;
        while done < count {
            let n = (count - done).min(BLOCK - self.at);
            self.piece::<V>(&far[done..done + n], &mut near[done..done + n]);
            done += n;
        }
    }

    /// Samples within one block. All is done in whole vectors from the first sample on; what they reach beyond the last
    /// is overwritten by the next piece.
    #[inline(always)]
    fn piece<V: Vector>(&mut self, far: &[i16], near: &mut [i16]) {
        let (from, to) = (self.at, self.at + far.len());
        for (x, far) in self.far.samples[BLOCK + from..BLOCK + to].iter_mut().zip(far) {
            *x = f32::from(*far);
        }
        for (x, near) in self.block.near[from..to].iter_mut().zip(near.iter()) {
            *x = f32::from(*near) - self.dc;
        }
        let echo = self.foreground.estimate::<V>(&self.far, from, far.len());
        for m in 0..far.len().div_ceil(LANES) {
            let at = from + LANES * m;
            echo[m].store(lanes_mut(&mut self.block.echo, at));
            let near = V::load(lanes_mut(&mut self.block.near, at));
            near.sub(echo[m]).store(lanes_mut(&mut self.block.error, at));
        }
        if !self.disabled {
            let mut out = Row::ZERO;
            out.store(Running::load::<V>(&self.block.error));
            if self.options.suppressor {
                let line = Line {
                    left: self.control.left,
                    noise: (self.control.noise / BLOCK as f32).sqrt(),
                    comfort: self.options.comfort_noise,
                };
                let [_, far] = self.far.frame::<V>();
                self.suppressor.process(&far, &self.block, from..to, &mut out, line);
            }
            round::<V>(&mut out);
            for (near, x) in near.iter_mut().zip(&out.samples()[from..to]) {
                *near = x.to_bits() as i16;
            }
        }
        self.at = to;
        if self.at == BLOCK {
            self.at = 0;
            self.end_block::<V>();
        }
    }

    #[inline(always)]
    fn end_block<V: Vector>(&mut self) {
        let powers = self.powers::<V>();
        self.disabled = self.options.tone_disabler
            && self.disabler.process::<V>(&self.far, &self.block, &powers);
        let verdict = match self.disabled {
            true => Block::Pass,
            false => self.control.observe::<V>(&powers, &self.far, &mut self.adaptive),
        };
        let verdict = if self.frozen { Block::Pass } else { verdict };
        self.far.push::<V>();
        match verdict {
            Block::Pass => {}
            Block::Learn => self.learn::<V>(),
            Block::Reset => {
                self.adaptive.forget();
                self.foreground.copy_from::<V>(&mut self.adaptive);
            }
        }
        let idle =
            self.options.comfort_noise && self.options.suppressor && self.control.idle(&powers);
        self.suppressor.end_block(idle.then_some(Running::load::<V>(&self.block.error)));
        if self.control.measurable(&powers) {
            for (mean, now) in self.meters.iter_mut().zip([powers.far, powers.near, powers.error]) {
                *mean += METER_SHARE * (now - *mean);
            }
        }
        self.dc += DC_SHARE * powers.sum / BLOCK as f32;
        self.foreground.prepare::<V>(&self.far);
    }

    #[inline(always)]
    fn powers<V: Vector>(&self) -> Powers {
        let [_, far] = self.far.frame::<V>();
        let near = Running::load::<V>(&self.block.near);
        let (echo, error) = (Running::load(&self.block.echo), Running::load(&self.block.error));
        let mut squares = [V::splat(0.0); 4];
        let mut sum = V::splat(0.0);
        for m in 0..VECTORS {
            for (square, x) in squares.iter_mut().zip([far[m], near[m], echo[m], error[m]]) {
                *square = x.mul_add(x, *square);
            }
            sum = sum.add(near[m]);
        }
        let [far, near, echo, error] = V::sums(squares);
        Powers { far, near, echo, error, sum: sum.sum() }
    }

    #[inline(always)]
    fn learn<V: Vector>(&mut self) {
        let front = Running::load::<V>(&self.block.error);
        let near = Running::load(&self.block.near);
        let mut error = self.adaptive.predict(&self.far, &near);
        match self.control.judge(&front, &error) {
            Verdict::Keep => {}
            Verdict::Take => self.foreground.copy_from::<V>(&mut self.adaptive),
            Verdict::BackOff => {
                self.foreground.copy_to(&mut self.adaptive);
                self.adaptive.weigh::<V>(&self.far);
                error = front;
            }
            Verdict::Search => {
                self.adaptive.doubt();
                self.adaptive.weigh::<V>(&self.far);
            }
        }
        self.adaptive.learn(&self.far, &error);
    }

    /// What the line is like at this moment.
    pub fn report(&self) -> Report {
        let [far, near, left] = self.meters;
        let db = |a: f32, b: f32| (near > 0.0).then(|| 10.0 * (a / b.max(1.0)).log10());
        Report {
            erl_db: db(far, near),
            erle_db: db(near, left),
            noise_dbm0: self.control.noise().map(|noise| power_to_dbm0(noise / BLOCK as f32)),
            double_talk: self.control.disturbed,
            suppressing: self.options.suppressor && !self.disabled && self.suppressor.closed(),
            disabled: self.disabled,
        }
    }
}

per_processor! {
    /// [`EchoCanceller::process`].
    fn cancel(canceller: &mut EchoCanceller, far: &[i16], near: &mut [i16]) {
        canceller.pieces::<V>(far, near);
    }
}

/// The running block as far as it was heard, and room for a vector that begins in it.
#[repr(align(64))]
#[derive(Clone, Debug)]
struct Running {
    /// The near end without DC.
    near: [f32; BLOCK + LANES],
    /// What the foreground filter takes for echo.
    echo: [f32; BLOCK + LANES],
    /// What is left.
    error: [f32; BLOCK + LANES],
}

impl Running {
    const ZERO: Running = Running {
        near: [0.0; BLOCK + LANES],
        echo: [0.0; BLOCK + LANES],
        error: [0.0; BLOCK + LANES],
    };

    #[inline(always)]
    fn load<V: Vector>(from: &[f32; BLOCK + LANES]) -> [V; VECTORS] {
        let mut row = [V::splat(0.0); VECTORS];
        for (x, lanes) in row.iter_mut().zip(from.as_chunks().0) {
            *x = V::load(lanes);
        }
        row
    }
}

#[inline(always)]
fn lanes_mut(row: &mut [f32; BLOCK + LANES], at: usize) -> &mut Lanes {
    row[at..].first_chunk_mut().expect("a vector begins in the block")
}

/// Leaves the nearest samples in the low 16 bits.
#[inline(always)]
fn round<V: Vector>(row: &mut Row) {
    for lanes in &mut row.0 {
        // 1.5 × 2^23: what is added to it is rounded to a whole number in the low bits.
        let x = V::load(lanes).max(V::splat(-32768.0)).min(V::splat(32767.0));
        x.add(V::splat(12_582_912.0)).store(lanes);
    }
}
