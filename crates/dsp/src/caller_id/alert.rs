//! The tones that alert a telephone to a message: CAS (GR-30 §2.3.2) while someone speaks, DT-AS (EN 300 659-1 §6.1.2) on a
//! quiet line; and what a telephone answers.
//!
//! Four steps of 5 ms make a window of 20 ms at each of the two tones and at four frequencies beside them, which a tone does not
//! reach and speech does. What is left are bursts of two tones: their length is where half of their level is, and their
//! frequencies show in how the phase turns.

use crate::dtmf::Digit;
use crate::level;
use crate::oscillator::{Phase, cosine, dot, sine, step_of_hz};
use crate::tone::{Program, Segment, Tone};

/// The two tones, Hz.
pub const ALERT_HZ: [f32; 2] = [2130.0, 2750.0];

/// Level of each where nobody says otherwise, dBm0 (GR-30: -15 dBm at the exchange).
pub const ALERT_DBM0: f32 = -15.0;

/// What telephones answer an alert with, within 100 ms and for 60 ms (GR-30 §2.3.2, EN 300 659-2): `D`; those for
/// ADSI `A`. The message follows.
pub const ACKNOWLEDGEMENTS: [char; 2] = ['D', 'A'];

/// An alerting tone, by its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alert {
    /// CPE alerting signal: 75 to 85 ms.
    Cas,
    /// Dual-tone alerting signal: 88 to 110 ms.
    DtAs,
}

impl Alert {
    /// The tone, to be played: 80 or 100 ms, each frequency at this level in dBm0.
    pub fn program(self, level_dbm0: f32) -> Program {
        let tone = Tone::new(&ALERT_HZ.map(|hz| (hz, level_dbm0)));
        let ms = match self {
            Alert::Cas => 80,
            Alert::DtAs => 100,
        };
        Program::once(&[Segment::tone_ms(tone, ms)])
    }

    /// A telephone knows neither how long the tone was at the exchange nor what speech did to it: 8 ms are allowed.
    fn of_length(samples: u32) -> Option<Alert> {
        match samples / 8 {
            67..=86 => Some(Alert::Cas),
            87..=118 => Some(Alert::DtAs),
            _ => None,
        }
    }

    /// The acknowledgement as a key.
    pub fn acknowledgement(self) -> Digit {
        let [key, _] = ACKNOWLEDGEMENTS;
        Digit::from_char(key).expect("it is on the keypad")
    }
}

/// An alert that was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alerted {
    /// Which, by its length.
    pub alert: Alert,
    /// Sample after its last, to about 3 ms.
    pub end: u64,
    /// How long it was, to about 3 ms.
    pub samples: u32,
    /// Level of the weaker tone, dBm0.
    pub level_dbm0: f32,
}

/// Samples of a step, steps of a window.
const STEP: usize = 40;
const STEPS: usize = 4;

/// The tones, and two frequencies beside each: where a window of 20 ms does not hear a tone.
const HZ: [f32; 6] = [2130.0, 2750.0, 1930.0, 2330.0, 2550.0, 2950.0];

/// Lowest level of a tone, dBm0 (GR-30: -32 dBm at the telephone).
const LOWEST_DBM0: f32 = -38.0;

/// Most that one tone is stronger than the other, power (8 dB; GR-30: 6 dB).
const MAX_TWIST: f32 = 6.3;

/// How much more power than beside them the weaker tone has.
const CLEAR: f32 = 5.0;

/// Farthest that a tone's frequency is off, Hz (GR-30: 0.5 % must be taken).
const MAX_OFF_HZ: f32 = 24.0;

/// Windows of a burst that need not be clear: one in four.
const UNCLEAR: usize = 4;

/// Steps that are remembered: longer bursts are no alerts.
const MEMORY: usize = 40;

/// A window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    tones: [(f32, f32); 2],
    /// Power of the weaker tone.
    power: f32,
    is_clear: bool,
}

/// Listens for alerts.
#[derive(Clone, Debug)]
pub struct AlertDetector {
    /// Cosine and sine of each frequency over a step.
    carriers: Box<[[[f32; STEP]; 2]; HZ.len()]>,
    step: [f32; STEP],
    filled: usize,
    /// Where the carriers are.
    phases: [Phase; HZ.len()],
    /// Correlations of the last steps.
    steps: [[(f32, f32); STEPS]; HZ.len()],
    at: usize,
    position: u64,
    /// Windows since the burst began, the last ones before it included.
    windows: [Window; MEMORY],
    count: usize,
    /// Windows on end that were not clear.
    quiet: usize,
    /// Power of a tone at the lowest level.
    lowest: f32,
}

impl Default for AlertDetector {
    fn default() -> AlertDetector {
        AlertDetector::new()
    }
}

impl AlertDetector {
    /// A detector that has heard nothing.
    pub fn new() -> AlertDetector {
        let mut carriers = Box::new([[[0.0; STEP]; 2]; HZ.len()]);
        for (carrier, hz) in carriers.iter_mut().zip(HZ) {
            let phases = (0..).map(|n: Phase| step_of_hz(hz).wrapping_mul(n));
            let [cosines, sines] = carrier;
            for ((c, s), phase) in cosines.iter_mut().zip(sines).zip(phases) {
                (*c, *s) = (cosine(phase), sine(phase));
            }
        }
        let peak = level::dbm0_to_peak(LOWEST_DBM0) * (STEP * STEPS) as f32 / 2.0;
        AlertDetector {
            carriers,
            step: [0.0; STEP],
            filled: 0,
            phases: [0; HZ.len()],
            steps: [[(0.0, 0.0); STEPS]; HZ.len()],
            at: 0,
            position: 0,
            windows: [Window::default(); MEMORY],
            count: 0,
            quiet: 0,
            lowest: peak * peak,
        }
    }

    /// Listens; `told` hears of each alert 15 ms after its end.
    pub fn process(&mut self, samples: &[i16], mut told: impl FnMut(Alerted)) {
        for sample in samples {
            self.step[self.filled] = f32::from(*sample);
            self.filled += 1;
            if self.filled == STEP {
                self.filled = 0;
                self.position += STEP as u64;
                let window = self.window();
                if let Some(alerted) = self.take(window) {
                    told(alerted);
                }
            }
        }
    }

    /// The window that ends with this step.
    fn window(&mut self) -> Window {
        let mut powers = [0.0; HZ.len()];
        let mut tones = [(0.0, 0.0); 2];
        for (i, carrier) in self.carriers.iter().enumerate() {
            let (re, im) = (dot(&self.step, &carrier[0]), -dot(&self.step, &carrier[1]));
            // The table begins anew with each step, the carrier goes on.
            let (c, s) = (cosine(self.phases[i]), sine(self.phases[i]));
            self.steps[i][self.at] = (re * c + im * s, im * c - re * s);
            self.phases[i] =
                self.phases[i].wrapping_add(step_of_hz(HZ[i]).wrapping_mul(STEP as Phase));
            let sum = self.steps[i].iter().fold((0.0, 0.0), |sum, x| (sum.0 + x.0, sum.1 + x.1));
            powers[i] = sum.0 * sum.0 + sum.1 * sum.1;
            if let Some(tone) = tones.get_mut(i) {
                *tone = sum;
            }
        }
        self.at = (self.at + 1) % STEPS;
        let [low, high, beside @ ..] = powers;
        let power = low.min(high);
        let beside = beside.iter().sum::<f32>() / beside.len() as f32;
        let is_clear =
            power > self.lowest && low.max(high) < MAX_TWIST * power && power > CLEAR * beside;
        Window { tones, power, is_clear }
    }

    fn take(&mut self, window: Window) -> Option<Alerted> {
        if self.count == MEMORY {
            // Too long for an alert: nothing until it is over.
            self.quiet = if window.is_clear { 0 } else { self.quiet + 1 };
            if self.quiet == STEPS {
                self.count = 0;
            }
            return None;
        }
        if self.count < STEPS && !window.is_clear {
            // Before a burst the last windows are kept: its beginning is in them.
            if self.count == STEPS - 1 {
                self.windows.copy_within(1..STEPS - 1, 0);
                self.count -= 1;
            }
            self.windows[self.count] = window;
            self.count += 1;
            self.quiet = 0;
            return None;
        }
        self.windows[self.count] = window;
        self.count += 1;
        self.quiet = if window.is_clear { 0 } else { self.quiet + 1 };
        if self.quiet < STEPS {
            return None;
        }
        let alerted = self.judge();
        self.count = 0;
        self.quiet = 0;
        alerted
    }

    /// Whether the burst that has just ended was an alert.
    fn judge(&self) -> Option<Alerted> {
        let windows = &self.windows[..self.count];
        let highest = windows.iter().map(|window| window.power).fold(0.0, f32::max);
        let half = |window: &Window| window.power >= highest / 4.0;
        let (first, last) = (windows.iter().position(half)?, windows.iter().rposition(half)?);
        // Between steps the level at the edges is as straight as the window is square.
        let part = |inside: f32, outside: f32| {
            let (inside, outside) = (inside.sqrt(), outside.sqrt());
            (inside - highest.sqrt() / 2.0) / (inside - outside).max(1.0)
        };
        let before = first.checked_sub(1).map_or(0.0, |i| windows[i].power);
        let after = windows.get(last + 1).map_or(0.0, |window| window.power);
        let steps = (last - first) as f32
            + part(windows[first].power, before).clamp(0.0, 1.0)
            + part(windows[last].power, after).clamp(0.0, 1.0);
        let samples = (steps * STEP as f32) as u32;
        let alert = Alert::of_length(samples)?;
        let burst = &windows[first..=last];
        let unclear = burst.iter().filter(|window| !window.is_clear).count();
        if unclear * UNCLEAR > burst.len() || !is_on_frequency(burst) {
            return None;
        }
        let peak = highest.sqrt() / ((STEP * STEPS) as f32 / 2.0);
        // The window of the last step that holds half of the tone ends half a window after it.
        let late = (windows.len() - 1 - last) * STEP + STEP * STEPS / 2 - STEP / 2;
        let end = self.position.saturating_sub(late as u64);
        Some(Alerted { alert, end, samples, level_dbm0: level::peak_to_dbm0(peak) })
    }
}

/// Whether both tones are at their frequencies, by how their phases turn in 10 ms.
fn is_on_frequency(windows: &[Window]) -> bool {
    const APART: usize = 2;
    (0..2).all(|i| {
        let turn = windows.iter().zip(&windows[APART.min(windows.len())..]).fold(
            (0.0, 0.0),
            |(re, im), (before, now)| {
                let (a, b) = (before.tones[i], now.tones[i]);
                (re + a.0 * b.0 + a.1 * b.1, im + a.0 * b.1 - a.1 * b.0)
            },
        );
        let seconds = (APART * STEP) as f32 / crate::SAMPLE_RATE as f32;
        let off_hz = turn.1.atan2(turn.0) / (std::f32::consts::TAU * seconds);
        off_hz.abs() <= MAX_OFF_HZ
    })
}
