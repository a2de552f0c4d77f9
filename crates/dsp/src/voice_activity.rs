//! Whether somebody speaks: what decides between speech and comfort noise.
//!
//! ```text
//!   5 ms ─► power after pre-emphasis ─┬─► minimum of 1.6 s ─► floor
//!                                     └─► 7 dB above the floor, or 5 dB over 20 ms ─┐
//!   20 ms ─► predictability ─► a tone? (it is never background) ────────────────────┴─► active, and 200 ms after
//! ```
//!
//! The floor is a minimum (Martin, 2001), so pauses of speech are enough to learn it and a background that grows louder is
//! learnt in 1.6 s. Activity is told within the 5 ms in which it begins; nothing is looked at ahead.

use crate::{
    level::dbm0_to_peak,
    simd::{dot, per_processor},
};

/// Samples of a decision, 5 ms.
const FRAME: usize = 40;

/// Decisions between two looks for tones.
const LOOK: usize = 4;

/// Decisions of which one minimum is kept, 200 ms.
const SPAN: usize = 40;

/// Minima that are kept.
const SPANS: usize = 8;

/// How long activity goes on after the last sign of it, ms, where nobody says otherwise.
pub const HANGOVER_MS: u32 = 200;

/// Share of the last sample that is taken from each: evens out the spectrum of speech and takes hum away.
const EMPHASIS: f32 = 0.9;

/// The floor is never lower, dBm0: below it, nothing is heard.
const LEAST_FLOOR_DBM0: f32 = -68.0;

/// The floor before it is known is not higher, dBm0.
const FIRST_FLOOR_DBM0: f32 = -46.0;

/// Power over the floor of a frame, and of a row of [`LOOK`] frames, that is activity: 7 and 5 dB.
const ABOVE: [f32; 2] = [5.0, 3.2];

/// What a minimum of smoothed powers must be multiplied with to be their mean.
const BIAS: f32 = 1.2;

/// From this gain of prediction on a signal is a tone: 13 dB.
const TONE: f32 = 20.0;

/// The order of prediction: two tones.
const ORDER: usize = 4;

/// What changed, and at which sample from the start of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody speaks.
    Begins(u64),
    /// Nobody speaks any more.
    Ends(u64),
}

/// Listens to one direction of a call.
#[derive(Clone, Debug)]
pub struct Detector {
    /// The last sample before this frame, and the frame.
    heard: [i16; 1 + FRAME],
    /// Samples of the frame that are there.
    count: usize,
    /// Frames after pre-emphasis since the last look for tones.
    frames: [[f32; FRAME]; LOOK],
    /// Of `frames`, those that are there.
    frame: usize,
    position: u64,
    /// Powers of the last frames, newest last.
    powers: [f32; LOOK],
    floor: Floor,
    /// Whether the last look found a tone.
    tone: bool,
    hangover: u32,
    /// Frames of activity that are left without another sign.
    left: u32,
}

impl Detector {
    /// A detector that has heard nothing and takes it for a pause.
    pub fn new(hangover_ms: u32) -> Detector {
        Detector {
            heard: [0; 1 + FRAME],
            count: 0,
            frames: [[0.0; FRAME]; LOOK],
            frame: 0,
            position: 0,
            powers: [0.0; LOOK],
            floor: Floor::new(),
            tone: false,
            hangover: hangover_ms.div_ceil(5).max(1),
            left: 0,
        }
    }

    /// Whether somebody speaks, as far as whole frames of 5 ms go.
    pub fn is_active(&self) -> bool {
        self.left > 0
    }

    /// Listens, and tells what changes.
    pub fn process(&mut self, samples: &[i16], mut tell: impl FnMut(Event)) {
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(FRAME - self.count));
            rest = later;
            self.heard[1 + self.count..][..now.len()].copy_from_slice(now);
            self.count += now.len();
            self.position += now.len() as u64;
            if self.count == FRAME {
                self.frame(&mut tell);
                self.heard[0] = self.heard[FRAME];
                self.count = 0;
            }
        }
    }

    fn frame(&mut self, tell: &mut impl FnMut(Event)) {
        self.powers.rotate_left(1);
        self.powers[LOOK - 1] = emphasise(&self.heard, &mut self.frames[self.frame]);
        self.frame += 1;
        if self.frame == LOOK {
            self.tone = is_tone(self.frames.as_flattened(), self.floor.least);
            self.frame = 0;
        }
        let (newest, floor) = (self.powers[LOOK - 1], self.floor.level());
        self.floor.learn(newest, self.tone);
        let mean = self.powers.iter().sum::<f32>() / LOOK as f32;
        let was_active = self.is_active();
        if newest > ABOVE[0] * floor || mean > ABOVE[1] * floor || self.tone {
            self.left = self.hangover;
            if !was_active {
                tell(Event::Begins(self.position - FRAME as u64));
            }
        } else {
            self.left = self.left.saturating_sub(1);
            if was_active && self.left == 0 {
                tell(Event::Ends(self.position));
            }
        }
    }
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new(HANGOVER_MS)
    }
}

/// Power of the background.
#[derive(Clone, Debug)]
struct Floor {
    /// Never below this.
    least: f32,
    smoothed: f32,
    /// The least of the span that goes on, and its frames.
    current: f32,
    frames: usize,
    spans: [f32; SPANS],
    next: usize,
}

impl Floor {
    fn new() -> Floor {
        // White noise has this power after pre-emphasis.
        let power = |dbm0| dbm0_to_peak(dbm0).powi(2) / 2.0 * (1.0 + EMPHASIS * EMPHASIS);
        let (least, first) = (power(LEAST_FLOOR_DBM0), power(FIRST_FLOOR_DBM0));
        let spans = [f32::INFINITY; SPANS];
        Floor { least, smoothed: first, current: first, frames: 0, spans, next: 0 }
    }

    fn level(&self) -> f32 {
        let minimum = self.spans.iter().copied().fold(self.current, f32::min);
        (BIAS * minimum).max(self.least)
    }

    fn learn(&mut self, power: f32, tone: bool) {
        self.smoothed += 0.1 * (power - self.smoothed);
        if !tone {
            self.current = self.current.min(self.smoothed);
        }
        self.frames += 1;
        if self.frames == SPAN {
            // A span of nothing but tones says nothing.
            if self.current.is_finite() {
                self.spans[self.next] = self.current;
                self.next = (self.next + 1) % SPANS;
            }
            (self.frames, self.current) = (0, f32::INFINITY);
        }
    }
}

/// Whether all but a small part of the power can be foretold from four samples.
fn is_tone(samples: &[f32], least_power: f32) -> bool {
    let mut lags = [0.0; ORDER + 1];
    autocorrelate(samples, &mut lags);
    if lags[0] < 10.0 * least_power * samples.len() as f32 {
        return false;
    }
    let (mut predictor, mut error) = ([0.0; ORDER], lags[0]);
    for order in 0..ORDER {
        let earlier = predictor[..order].iter().zip(lags[1..=order].iter().rev());
        let k = -(lags[order + 1] + earlier.map(|(a, r)| a * r).sum::<f32>()) / error;
        let before = predictor;
        for i in 0..order {
            predictor[i] += k * before[order - 1 - i];
        }
        predictor[order] = k;
        error *= 1.0 - k * k;
        if error <= lags[0] / TONE {
            return true;
        }
    }
    false
}

per_processor! {
    /// Pre-emphasis of a frame and the sample before it; gives its mean square.
    fn emphasise(heard: &[i16; 1 + FRAME], frame: &mut [f32; FRAME]) -> f32 {
        for (emphasised, pair) in frame.iter_mut().zip(heard.windows(2)) {
            *emphasised = f32::from(pair[1]) - EMPHASIS * f32::from(pair[0]);
        }
        dot::<V>(frame, frame) / FRAME as f32
    }

    fn autocorrelate(samples: &[f32], lags: &mut [f32; ORDER + 1]) {
        let mut windowed = [0.0; LOOK * FRAME];
        for ((windowed, sample), window) in windowed.iter_mut().zip(samples).zip(&WINDOW) {
            *windowed = sample * window;
        }
        for (lag, sum) in lags.iter_mut().enumerate() {
            *sum = dot::<V>(&windowed, &windowed[lag..]);
        }
    }
}

/// A parabola: both ends go to nothing.
static WINDOW: [f32; LOOK * FRAME] = {
    let mut window = [0.0; LOOK * FRAME];
    let middle = (LOOK * FRAME) as f32 / 2.0;
    let mut n = 0;
    while n < window.len() {
        let place = (n as f32 + 0.5 - middle) / middle;
        window[n] = 1.0 - place * place;
        n += 1;
    }
    window
};
