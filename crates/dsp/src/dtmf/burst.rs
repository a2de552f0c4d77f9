//! The exact look: what two-tone signal fits best, from which sample to which, and how well.
//!
//! Both tones are measured by the turn of their phase between two windows. The edges are the two
//! places that make "silence, then these two sines, then silence" most likely, which finds them to
//! a few samples even in noise. What the sines leave over is the measure against speech: below
//! 1800 Hz, where speech has its power, no more may be left than noise explains that is as strong
//! above, and no frequency may glide.
//!
//! An echo or a lost packet makes a tone jump in amplitude and phase. So a burst may be of two parts,
//! and pieces of the same two frequencies that follow each other closely are one.

use super::{
    HIGH_HZ, LOW_HZ,
    judge::judge,
    low,
    partial::{Pair, Partial},
    spectrum::{Beside, Candidate, WINDOW},
    sums::dot,
};

/// Samples that are looked at: 80 ms.
pub(super) const HISTORY: usize = 640;

/// Shortest tone, samples: 28.5 ms lies midway between what must be accepted and what must not
/// (Q.24: 40 and 23 ms).
const MIN_SAMPLES: usize = 228;

/// A pause that splits a digit in two, samples: 20.75 ms. Q.24 asks for a split from 40 ms and none up to 10 ms; a lost
/// packet of 20 ms is not a pause.
pub(super) const MIN_PAUSE: usize = 166;

/// Shortest tone that is told while it still sounds, samples: 35 ms.
const MIN_SOUNDING: usize = 280;

/// How near to the last sample a tone counts as going on.
const STILL: usize = 16;

/// Longest break within a piece, samples.
const BREAK: usize = 24;

/// Shortest piece of a digit that is made up of several, samples.
const MIN_PIECE: usize = 136;

/// Samples on which a further piece is found.
const PROBE: usize = 80;

/// Most pieces that are added on a side.
const MAX_PIECES: usize = 3;

/// Most that a further piece may leave over, of its power.
const MAX_PIECE_RESIDUE: f32 = 0.03;

/// Least and most amplitude of a further piece, of the first one's.
const PIECE_AMPLITUDE: std::ops::Range<f32> = 0.4..2.5;

/// Most samples of a burst that are looked at.
pub(super) const LONGEST: usize = 416;

/// Two tones that sound together. Positions count samples of the history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    /// First sample.
    pub start: usize,
    /// One after the last.
    pub end: usize,
    /// Squared amplitude of the low tone.
    pub low: f32,
    /// Squared amplitude of the high tone.
    pub high: f32,
    /// Whether all but the length is that of a digit, as far as it was heard.
    pub is_digit: bool,
    /// Whether hearing more of it cannot change that.
    pub is_final: bool,
}

impl Burst {
    /// Whether it is a digit and long enough. The longer a sound is like a digit the less likely it is speech.
    pub(super) fn is_certain(&self) -> bool {
        let still_sounds = self.end + STILL >= HISTORY;
        let least = if still_sounds { MIN_SOUNDING } else { MIN_SAMPLES };
        self.is_digit && self.end - self.start >= least
    }
}

/// Where the burst of this key that sounds in the window that begins at `window` begins and ends. `None` if other
/// frequencies sound.
pub(super) fn place(
    history: &[i16; HISTORY],
    window: usize,
    candidate: Candidate,
) -> Option<(usize, usize)> {
    let (_, _, (start, end)) = find(history, window, candidate)?;
    Some((start, end))
}

/// Measures the burst of this key that sounds in the window that begins at `window`, over a weaker
/// digit of the row and column `under`. `None` if other frequencies do.
pub(super) fn measure(
    history: &[i16; HISTORY],
    window: usize,
    candidate: Candidate,
    under: Option<(usize, usize)>,
) -> Option<Burst> {
    let Candidate { row, column, .. } = candidate;
    let (mut x, pair, (start, end)) = find(history, window, candidate)?;
    let mut burst = Burst {
        start,
        end,
        low: 2.0 * pair.low.power(),
        high: 2.0 * pair.high.power(),
        is_digit: false,
        is_final: end >= start + 16 + LONGEST,
    };
    // Rough edges stay out; of a long burst its first 52 ms decide.
    let (from, to) = (start + 8, end.saturating_sub(8).min(start + 8 + LONGEST));
    if to < from + MIN_PIECE - 16 {
        return Some(burst);
    }
    let under = under.map(|(under_row, under_column)| {
        [
            (under_row != row).then_some(LOW_HZ[under_row]),
            (under_column != column).then_some(HIGH_HZ[under_column]),
        ]
    });
    let nominal = (LOW_HZ[row], HIGH_HZ[column]);
    let mut verdict = judge(&x[from..to], pair, nominal, under);
    if !verdict.is_digit
        && let Some(clean) = low::without(&x, pair, (from, to))
    {
        let without = judge(&clean[from..to], pair, nominal, under);
        if without.is_digit {
            (x, verdict) = (clean, without);
        }
    }
    (burst.low, burst.high, burst.is_digit) = (verdict.low, verdict.high, verdict.is_digit);
    if burst.is_digit && end - start < MIN_SAMPLES {
        burst.start = add_pieces(&x, start, pair, Side::Before);
        burst.end = add_pieces(&x, end, pair, Side::After);
    }
    Some(burst)
}

/// The history without strong low tones, the pair that sounds in the window, and from where to where.
fn find(
    history: &[i16; HISTORY],
    window: usize,
    candidate: Candidate,
) -> Option<([f32; HISTORY], Pair, (usize, usize))> {
    let Candidate { row, column, beside, .. } = candidate;
    let mut x = history.map(f32::from);
    if beside == Beside::LowTone {
        subtract_low_tones(&mut x, window);
    }
    let seen = &x[window..window + WINDOW];
    let low = Partial::fit(seen, LOW_HZ[row]);
    let high = Partial::fit(seen, HIGH_HZ[column]);
    let deviation = if beside == Beside::Nothing { 0.027 } else { 0.035 };
    if !low.is_near(LOW_HZ[row], deviation) || !high.is_near(HIGH_HZ[column], deviation) {
        return None;
    }
    let pair = Pair { low, high }.since(window);
    let (start, end) = edges(&x, window + WINDOW / 2, pair);
    // What is seen in 20 ms of noise leads astray farther away.
    let (start, end, pair) = match beside {
        Beside::Noise if end - start > WINDOW => {
            let whole = &x[start..end];
            let low = Partial::fit(whole, low.hz);
            let high = Partial::fit(whole, high.hz);
            let pair = Pair { low, high }.since(start);
            let (start, end) = edges(&x, window + WINDOW / 2, pair);
            (start, end, pair)
        }
        Beside::Noise | Beside::Nothing | Beside::LowTone => (start, end, pair),
    };
    Some((x, pair, (start, end)))
}

/// The most likely first sample and the one after the last of the two tones, from a place where
/// they sound.
fn edges(x: &[f32; HISTORY], inside: usize, pair: Pair) -> (usize, usize) {
    // For each sample: how much more likely with the tones than without.
    let mut gain = [0.0; HISTORY];
    pair.add(&mut gain);
    for (gain, x) in gain.iter_mut().zip(x) {
        *gain *= 2.0 * x - *gain;
    }
    let bridge = pair.power() * BREAK as f32;
    let before = longest(gain[..inside].iter().rev(), bridge);
    let after = longest(gain[inside..].iter(), bridge);
    (inside - before, inside + after)
}

/// How many gains from the first on have the greatest sum; the search ends where the sum is
/// `bridge` below it.
fn longest<'a>(gains: impl Iterator<Item = &'a f32>, bridge: f32) -> usize {
    let (mut length, mut best, mut sum) = (0, 0.0, 0.0);
    for (n, gain) in gains.enumerate() {
        sum += gain;
        if sum > best {
            (length, best) = (n + 1, sum);
        } else if sum < best - bridge {
            break;
        }
    }
    length
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Before,
    After,
}

/// How far a digit reaches beyond the edge of a piece, by pieces of the same frequencies.
fn add_pieces(x: &[f32; HISTORY], mut edge: usize, pair: Pair, side: Side) -> usize {
    for _ in 0..MAX_PIECES {
        let further = [8, 8 + PROBE, MIN_PAUSE]
            .into_iter()
            .filter_map(|gap| match side {
                Side::After => Some(edge + gap),
                Side::Before => edge.checked_sub(gap + PROBE),
            })
            .find_map(|at| {
                let piece = probe(x, at, pair)?;
                let (start, end) = edges(x, at + PROBE / 2, piece);
                match side {
                    Side::After => (start < edge + MIN_PAUSE && end > edge).then_some(end),
                    Side::Before => (end + MIN_PAUSE > edge && start < edge).then_some(start),
                }
            });
        let Some(further) = further else { break };
        edge = further;
    }
    edge
}

/// The two tones in the samples from `at` on, if they sound alone there.
fn probe(x: &[f32; HISTORY], at: usize, pair: Pair) -> Option<Pair> {
    let mut seen: [f32; PROBE] = *x.get(at..)?.first_chunk()?;
    let piece = pair.take_out(&mut seen);
    let alike = |piece: Partial, first: Partial| {
        PIECE_AMPLITUDE.contains(&(piece.amplitude / first.amplitude.max(1e-9)))
    };
    (alike(piece.low, pair.low)
        && alike(piece.high, pair.high)
        && dot(&seen, &seen) <= MAX_PIECE_RESIDUE * PROBE as f32 * piece.power())
    .then(|| piece.since(at))
}

/// Takes the low tones out that stand above a tenth of the window's energy.
fn subtract_low_tones(x: &mut [f32; HISTORY], window: usize) {
    let to = window + WINDOW;
    let energy = |x: &[f32; HISTORY]| dot(&x[window..to], &x[window..to]);
    let cleaned = [(0, HISTORY), (window.saturating_sub(WINDOW / 2), to)].map(|(from, to)| {
        let mut clean = *x;
        let least = 0.1 * dot(&x[from..to], &x[from..to]) / (to - from) as f32;
        low::take_out(&mut clean, from, to, least);
        clean
    });
    // It has sounded for long, or it has just begun or ended.
    let [long, short] = cleaned;
    *x = if energy(&long) < energy(&short) { long } else { short };
}
