//! Concealment of lost packets by repeating the talker's last pitch periods: the idea of G.711
//! appendix I with other means, and without its delay.
//!
//! ```text
//!              | lost ……………………………………………………………………………………………… | good
//!   last real  | the last period, after 10 ms the last two, after | substitute fades out
//!   samples    | 20 ms the last three; silence by 60 ms           | under the real samples
//! ```
//!
//! Appendix I delays everything by 3.75 ms to blend into the substitute; here the substitute starts
//! where the last real sample was, and the step to it decays over the first quarter of a period.

use crate::{level::saturate_f32, oscillator::dot};

/// Shortest pitch period, samples (200 Hz; G.711 appendix I §2.3).
const MIN_PERIOD: usize = 40;

/// Longest pitch period, samples (66 Hz).
const MAX_PERIOD: usize = 120;

/// Real samples that are compared to find the period: 20 ms.
const WINDOW: usize = 160;

/// Three periods and a quarter to blend them.
const HISTORY: usize = 3 * MAX_PERIOD + MAX_PERIOD / 4;

/// 10 ms: at full level and with one period, the unit in which appendix I counts.
const STAGE: usize = 80;

/// Where the substitute has faded to silence.
const SILENT_AFTER: usize = 6 * STAGE;

/// Below this correlation of one period with the next nothing is periodic.
const VOICED: f32 = 0.4;

/// Fills the gaps of one stream.
///
/// ```text
///                good                        conceal
///   Intact      history grows               → Concealing (period found)
///   Concealing  → Recovering                substitute goes on
///   Recovering  → Intact after the blend    → Concealing (period found anew)
/// ```
#[derive(Clone, Debug)]
pub struct Concealer {
    /// What was played last, newest at the end.
    history: [i16; HISTORY],
    /// The history when samples went missing.
    frozen: [f32; HISTORY],
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Intact,
    Concealing(Substitute),
    Recovering { substitute: Substitute, done: usize, length: usize },
}

/// A walk through the frozen history.
#[derive(Clone, Copy, Debug)]
struct Substitute {
    /// Length of a pitch period, samples.
    period: usize,
    /// How far before the end of the history the next sample is.
    distance: usize,
    /// How far before the end it goes back to from there.
    back: usize,
    /// Samples made.
    made: usize,
    /// From the first sample of the substitute to where the signal was heading.
    step: f32,
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer::new()
    }
}

impl Concealer {
    /// A concealer that has heard nothing: it conceals with silence.
    pub fn new() -> Concealer {
        Concealer { history: [0; HISTORY], frozen: [0.0; HISTORY], state: State::Intact }
    }

    /// Takes samples that arrived, any number. After a gap it blends the substitute into their
    /// beginning, in place; else it leaves them as they are.
    pub fn good(&mut self, samples: &mut [i16]) {
        match self.state {
            State::Intact => {}
            State::Concealing(substitute) => {
                // As in appendix I: a quarter of a period, and 4 ms for each 10 ms lost, 10 ms in
                // all at the most.
                let length =
                    substitute.period / 4 + 32 * (substitute.made.saturating_sub(1) / STAGE);
                self.recover(samples, substitute, 0, length.min(STAGE));
            }
            State::Recovering { substitute, done, length } => {
                self.recover(samples, substitute, done, length);
            }
        }
        self.remember(samples);
    }

    /// Writes a substitute for samples that were lost, any number.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        let mut substitute = match self.state {
            State::Concealing(substitute) => substitute,
            State::Intact | State::Recovering { .. } => self.freeze(),
        };
        for sample in samples.iter_mut() {
            *sample = saturate_f32(substitute.next(&self.frozen));
        }
        self.state = State::Concealing(substitute);
        self.remember(samples);
    }

    /// Whether the last samples were, at least in part, substituted.
    pub fn is_concealing(&self) -> bool {
        !matches!(self.state, State::Intact)
    }

    fn recover(
        &mut self,
        samples: &mut [i16],
        mut substitute: Substitute,
        mut done: usize,
        length: usize,
    ) {
        for sample in samples.iter_mut().take(length - done) {
            done += 1;
            let share = done as f32 / (length + 1) as f32;
            let made = substitute.next(&self.frozen);
            *sample = saturate_f32(share * f32::from(*sample) + (1.0 - share) * made);
        }
        self.state = if done == length {
            State::Intact
        } else {
            State::Recovering { substitute, done, length }
        };
    }

    fn remember(&mut self, samples: &[i16]) {
        match samples.last_chunk::<HISTORY>() {
            Some(last) => self.history = *last,
            None => {
                self.history.copy_within(samples.len().., 0);
                self.history[HISTORY - samples.len()..].copy_from_slice(samples);
            }
        }
    }

    /// Begins a substitute for what follows the history.
    fn freeze(&mut self) -> Substitute {
        for (frozen, sample) in self.frozen.iter_mut().zip(&self.history) {
            *frozen = f32::from(*sample);
        }
        let period = pitch_period(&self.frozen);
        let step = self.frozen[HISTORY - 1] - self.frozen[HISTORY - 1 - period];
        Substitute { period, distance: period, back: period, made: 0, step }
    }
}

impl Substitute {
    fn next(&mut self, history: &[f32; HISTORY]) -> f32 {
        if self.made >= SILENT_AFTER {
            return 0.0;
        }
        let quarter = self.period / 4;
        let at = HISTORY - self.distance;
        let mut value = history[at];
        if self.made < quarter {
            value += self.step * (1.0 - (self.made + 1) as f32 / quarter as f32);
        }
        // The last quarter before going back blends into what precedes the place gone back to.
        if self.distance == quarter {
            self.back = self.period * (1 + self.made / STAGE).min(3);
        }
        if self.distance <= quarter {
            let share = self.distance as f32 / (quarter + 1) as f32;
            value = share * value + (1.0 - share) * history[at - self.back];
        }
        self.distance -= 1;
        if self.distance == 0 {
            self.distance = self.back;
        }
        // 20 % less every 10 ms after the first (G.711 appendix I §2.7).
        let faded = self.made.saturating_sub(STAGE) as f32 / (SILENT_AFTER - STAGE) as f32;
        self.made += 1;
        value * (1.0 - faded)
    }
}

/// The lag at which the end of the history repeats itself best: by every second sample first, then
/// exactly.
fn pitch_period(history: &[f32; HISTORY]) -> usize {
    let mut half = [0.0; HISTORY / 2];
    for (sum, pair) in half.iter_mut().zip(history[HISTORY % 2..].chunks_exact(2)) {
        *sum = pair[0] + pair[1];
    }
    let (coarse, correlation) = best_lag(&half, WINDOW / 2, MIN_PERIOD / 2, MAX_PERIOD / 2);
    if correlation < VOICED {
        return MAX_PERIOD;
    }
    let from = (2 * coarse - 1).max(MIN_PERIOD);
    best_lag(history, WINDOW, from, (2 * coarse + 1).min(MAX_PERIOD)).0
}

/// The lag in this range with the greatest normalised correlation, and that.
fn best_lag(x: &[f32], window: usize, from: usize, to: usize) -> (usize, f32) {
    let recent = &x[x.len() - window..];
    let energy = dot(recent, recent);
    let mut best = (to, 0.0);
    for lag in from..=to {
        let earlier = &x[x.len() - window - lag..x.len() - lag];
        let norm = (energy * dot(earlier, earlier)).sqrt();
        let correlation = dot(recent, earlier) / norm.max(1.0);
        if correlation > best.1 {
            best = (lag, correlation);
        }
    }
    best
}
