//! The non-linear processor: what is left of the echo gives way to the background's own noise
//! (G.168 §6: NLP and comfort noise).
//!
//! Once a millisecond the peak of what is left is held against the peak of the echo that was taken
//! out, times the share that the filter has been seen to leave. Below that it is echo and is faded
//! out within a millisecond; above it somebody speaks at the near end, and the gate opens as fast.

use super::BLOCK;
use super::fourier::{BINS, FRAME, Spectrum, WIDTH};
use super::wide;

/// Samples between two decisions: 1 ms.
const STEP: usize = 8;

/// What is kept of an echo's peak each step: it is gone by 6 dB in 8 ms, as hybrids ring.
const ECHO_KEPT: f32 = 0.92;

/// What is kept of the peak of what is left each step.
const REST_KEPT: f32 = 0.7;

/// Peaks of what is left may be above the mean share by this: 13 dB.
const MARGIN: f32 = 4.5;

/// The far end counts as echo of this size: taps that should be zero are not quite, and what they
/// make may come before the echo does.
const FAR_SHARE: f32 = 0.25;

/// The share of echo that is looked for at most: a filter that cancels less than 12 dB knows nothing.
const MOST_LEFT: f32 = 0.06;

/// Steps that the gate stays open after the last sound of the near end.
const HANG: u32 = 30;

/// A limit that is not worth holding to: rounding alone comes that high.
const LEAST_LIMIT: f32 = 2.0;

/// Share of a new block in the picture of the background's spectrum.
const NEW_NOISE: f32 = 0.04;

/// Peaks of noise above its mean: 9 dB.
const NOISE_PEAK: f32 = 3.0;

/// What is known of the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Share of the echo's power that the filter leaves.
    pub left: f32,
    /// Root of the mean square of the near end's noise.
    pub noise: f32,
    /// Whether noise fills what is held back.
    pub comfort: bool,
}

/// The processor.
#[derive(Clone, Debug)]
pub(super) struct Suppressor {
    /// Peaks: of this step so far, and falling ones.
    echo_now: f32,
    rest_now: f32,
    echo: f32,
    rest: f32,
    /// Of the echo: falling peak and this step so far, sample by sample.
    loudest: f32,
    /// Steps until the gate may close.
    hang: u32,
    /// Gains at the begin and end of this step.
    from: f32,
    to: f32,
    noise: Comfort,
}

impl Suppressor {
    pub fn new() -> Suppressor {
        Suppressor {
            echo_now: 0.0,
            rest_now: 0.0,
            echo: 0.0,
            rest: 0.0,
            loudest: 0.0,
            hang: 0,
            from: 1.0,
            to: 1.0,
            noise: Comfort::new(),
        }
    }

    /// Whether echo is being held back.
    pub fn closed(&self) -> bool {
        self.to < 0.5
    }

    /// Samples `at..` of the block: `rest` is what the filter left of them, `echo` what it took.
    pub fn process(&mut self, at: usize, far: &[f32], echo: &[f32], rest: &mut [f32], line: Line) {
        let share = MARGIN * line.left.min(MOST_LEFT).sqrt();
        let mut done = 0;
        while done < rest.len() {
            let position = (at + done) % STEP;
            let end = (done + STEP - position).min(rest.len());
            let (echo, rest) = (&echo[done..end], &mut rest[done..end]);
            self.echo_now = self.echo_now.max(peak(echo)).max(FAR_SHARE * peak(&far[done..end]));
            self.rest_now = self.rest_now.max(peak(rest));
            if self.hang == 0 && self.to == 1.0 {
                // Open for want of echo: what begins is held back before the step is over.
                for (x, echo) in rest.iter_mut().zip(echo) {
                    self.loudest = self.loudest.max(echo.abs());
                    if x.abs() < share * self.loudest {
                        *x = 0.0;
                    }
                }
            }
            if self.from < 1.0 || self.to < 1.0 {
                let noise = if line.comfort { self.noise.samples() } else { &[0.0; BLOCK] };
                let noise = &noise[at + done..];
                let slope = (self.to - self.from) / STEP as f32;
                for (i, (x, noise)) in rest.iter_mut().zip(noise).enumerate() {
                    let gain = self.from + slope * (position + i + 1) as f32;
                    // Unlike voices add in power; half way they are 3 dB down, for 1 ms.
                    *x = gain * *x + (1.0 - gain) * noise;
                }
            }
            done = end;
            if (at + done).is_multiple_of(STEP) {
                self.decide(share, line.noise);
            }
        }
    }

    fn decide(&mut self, share: f32, noise: f32) {
        self.echo = self.echo_now.max(self.echo * ECHO_KEPT);
        self.rest = self.rest_now.max(self.rest * REST_KEPT);
        (self.echo_now, self.rest_now, self.loudest) = (0.0, 0.0, self.echo);
        let limit = share * self.echo;
        // What is no louder than the noise is no voice.
        let voice = limit.max(NOISE_PEAK * noise).max(LEAST_LIMIT);
        self.hang = if self.rest > 2.0 * voice {
            HANG
        } else {
            self.hang.saturating_sub(1).max(u32::from(self.rest > voice))
        };
        // Without echo there is nothing to hold back: the line is let through as it is.
        let open = self.hang > 0 || limit < noise.max(LEAST_LIMIT);
        (self.from, self.to) = (self.to, if open { 1.0 } else { 0.0 });
    }

    /// The block is over; `idle` is what was left of it if it was background noise alone.
    pub fn end_block(&mut self, idle: Option<&[f32; BLOCK]>) {
        self.noise.fresh = false;
        if let Some(block) = idle {
            self.noise.listen(block);
        }
    }
}

/// Largest magnitude; pairwise for a whole step, so that comparisons do not wait for each other.
fn peak(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a.abs() > b.abs() { a.abs() } else { b.abs() };
    match x {
        [a, b, c, d, e, f, g, h] => {
            larger(larger(larger(*a, *e), larger(*c, *g)), larger(larger(*b, *f), larger(*d, *h)))
        }
        _ => x.iter().fold(0.0, |peak, x| larger(peak, *x)),
    }
}

/// Noise with the spectrum of the background.
#[derive(Clone, Debug)]
struct Comfort {
    /// Power by bin of a block of the background.
    power: [f32; WIDTH],
    heard: u32,
    seed: u64,
    /// The running block, whether it was made, and the frame's half that the next block gets.
    block: [f32; BLOCK],
    fresh: bool,
    rest: [f32; BLOCK],
    window: [f32; FRAME],
}

impl Comfort {
    fn new() -> Comfort {
        let phase = |n: usize| (n as f32 + 0.5) * std::f32::consts::PI / FRAME as f32;
        Comfort {
            power: [0.0; WIDTH],
            heard: 0,
            seed: 0x9E37_79B9_7F4A_7C15,
            block: [0.0; BLOCK],
            fresh: false,
            rest: [0.0; BLOCK],
            window: std::array::from_fn(|n| phase(n).sin()),
        }
    }

    fn listen(&mut self, block: &[f32; BLOCK]) {
        let mut frame = [0.0; FRAME];
        frame[BLOCK..].copy_from_slice(block);
        let mut spectrum = Spectrum::ZERO;
        wide::forward(&frame, &mut spectrum);
        self.heard = self.heard.saturating_add(1);
        let share = NEW_NOISE.max(1.0 / self.heard as f32);
        for k in 0..WIDTH {
            let power = spectrum.re[k] * spectrum.re[k] + spectrum.im[k] * spectrum.im[k];
            self.power[k] += share * (power - self.power[k]);
        }
    }

    fn samples(&mut self) -> &[f32; BLOCK] {
        if !self.fresh {
            self.fresh = true;
            self.make();
        }
        &self.block
    }

    /// One frame of the spectrum with random phases, half over the last: windows' squares add to one.
    fn make(&mut self) {
        let mut spectrum = Spectrum::ZERO;
        for k in 0..BINS {
            self.seed ^= self.seed << 13;
            self.seed ^= self.seed >> 7;
            self.seed ^= self.seed << 17;
            // A frame has twice the samples of the block that was heard: power 2 × that of a bin.
            let amplitude = self.power[k].sqrt();
            spectrum.re[k] = if self.seed & (1 << 40) == 0 { amplitude } else { -amplitude };
            spectrum.im[k] = if self.seed & (1 << 41) == 0 { amplitude } else { -amplitude };
        }
        (spectrum.im[0], spectrum.im[BLOCK]) = (0.0, 0.0);
        let mut frame = [0.0; FRAME];
        wide::inverse(&spectrum, &mut frame);
        for n in 0..BLOCK {
            self.block[n] = self.rest[n] + frame[n] * self.window[n];
            self.rest[n] = frame[BLOCK + n] * self.window[BLOCK + n];
        }
    }
}
