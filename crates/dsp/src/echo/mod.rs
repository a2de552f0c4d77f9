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
    reason = "loops over several arrays at once vectorise as indices"
)]

mod adaptive;
mod control;
mod disabler;
mod foreground;
mod fourier;
mod suppressor;
mod wide;

use adaptive::{Adaptive, Far};
use control::{Block, Control, Powers, Verdict};
use disabler::Disabler;
use foreground::Foreground;
use suppressor::{Line, Suppressor};

use crate::level::power_to_dbm0;

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
    /// Background noise of the near end, dBm0.
    pub noise_dbm0: f32,
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
    /// The running block as far as it was heard: near end without DC, echo, and what is left.
    near: [f32; BLOCK],
    echo: [f32; BLOCK],
    error: [f32; BLOCK],
    at: usize,
    dc: f32,
    disabled: bool,
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
            control: Control::new(),
            suppressor: Suppressor::new(),
            disabler: Disabler::new(),
            near: [0.0; BLOCK],
            echo: [0.0; BLOCK],
            error: [0.0; BLOCK],
            at: 0,
            dc: 0.0,
            disabled: false,
            meters: [0.0; 3],
        }
    }

    /// Takes the echo of `far`, which goes to the line, out of `near`, which came from it in the same
    /// time. Any number of samples, also none; if one slice is longer, its end is left alone. Adds no
    /// delay.
    pub fn process(&mut self, far: &[i16], near: &mut [i16]) {
        let count = far.len().min(near.len());
        let mut done = 0;
        while done < count {
            let n = (count - done).min(BLOCK - self.at);
            self.piece(&far[done..done + n], &mut near[done..done + n]);
            done += n;
        }
    }

    /// Samples within one block.
    fn piece(&mut self, far: &[i16], near: &mut [i16]) {
        let part = self.at..self.at + far.len();
        for (x, far) in self.far.samples[BLOCK + self.at..].iter_mut().zip(far) {
            *x = f32::from(*far);
        }
        for (x, near) in self.near[part.clone()].iter_mut().zip(near.iter()) {
            *x = f32::from(*near) - self.dc;
        }
        let echo = &mut self.echo[part.clone()];
        wide::estimate(&self.foreground, &self.far.samples, self.at, echo);
        let mut out = [0.0; BLOCK];
        let out = &mut out[..far.len()];
        for i in 0..out.len() {
            out[i] = self.near[self.at + i] - echo[i];
        }
        self.error[part].copy_from_slice(out);
        if self.options.suppressor && !self.disabled {
            let line = Line {
                left: self.control.left,
                noise: (self.control.noise() / BLOCK as f32).sqrt(),
                comfort: self.options.comfort_noise,
            };
            let far = &self.far.samples[BLOCK + self.at..];
            self.suppressor.process(self.at, far, echo, out, line);
        }
        if !self.disabled {
            for (near, x) in near.iter_mut().zip(out) {
                *near = round(*x);
            }
        }
        self.at += far.len();
        if self.at == BLOCK {
            self.at = 0;
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        self.disabled =
            self.options.tone_disabler && self.disabler.process(self.far.block(), &self.near);
        let powers = Powers {
            far: power(self.far.block()),
            near: power(&self.near),
            echo: power(&self.echo),
            error: power(&self.error),
        };
        wide::push(&mut self.far);
        if !self.disabled {
            match self.control.observe(&powers, self.far.newest(), &mut self.adaptive) {
                Block::Pass => {}
                Block::Learn => self.learn(),
                Block::Reset => {
                    self.adaptive.forget();
                    self.foreground.copy_from(&mut self.adaptive);
                }
            }
        }
        let idle =
            self.options.comfort_noise && self.options.suppressor && self.control.idle(&powers);
        self.suppressor.end_block(idle.then_some(&self.error));
        if self.control.measurable(&powers) {
            for (mean, now) in self.meters.iter_mut().zip([powers.far, powers.near, powers.error]) {
                *mean += METER_SHARE * (now - *mean);
            }
        }
        self.dc += DC_SHARE * self.near.iter().sum::<f32>() / BLOCK as f32;
        wide::prepare(&mut self.foreground, &self.far);
    }

    fn learn(&mut self) {
        let mut error = [0.0; BLOCK];
        wide::predict(&self.adaptive, &self.far, &self.near, &mut error);
        match self.control.judge(&self.error, &error) {
            Verdict::Keep => {}
            Verdict::Take => self.foreground.copy_from(&mut self.adaptive),
            Verdict::BackOff => {
                self.foreground.copy_to(&mut self.adaptive);
                error = self.error;
            }
            Verdict::Search => self.adaptive.doubt(),
        }
        wide::learn(&mut self.adaptive, &self.far, &error);
    }

    /// What the line is like at this moment.
    pub fn report(&self) -> Report {
        let [far, near, left] = self.meters;
        let db = |a: f32, b: f32| (near > 0.0).then(|| 10.0 * (a / b.max(1.0)).log10());
        Report {
            erl_db: db(far, near),
            erle_db: db(near, left),
            noise_dbm0: power_to_dbm0(self.control.noise() / BLOCK as f32),
            double_talk: self.control.disturbed,
            suppressing: self.suppressor.closed(),
            disabled: self.disabled,
        }
    }
}

/// Sum of squares.
fn power(x: &[f32; BLOCK]) -> f32 {
    let mut lanes = [0.0; 8];
    for x in x.as_chunks::<8>().0 {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane += x * x;
        }
    }
    lanes.iter().sum()
}

/// The nearest sample.
fn round(x: f32) -> i16 {
    // 1.5 × 2^23: what is added to it is rounded to a whole number in the low bits. Vectorises,
    // which f32::round without SSE 4.1 does not.
    (x.clamp(-32768.0, 32767.0) + 12_582_912.0).to_bits() as i16
}
