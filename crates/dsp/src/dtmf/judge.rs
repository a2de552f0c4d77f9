//! Whether two tones are those of a digit, by what they leave over and how steady they are.

use super::{
    burst::LONGEST,
    partial::{Pair, Partial},
    sums::{LAGS, STRIDE, autocorrelation, dot, strides},
};
use crate::oscillator::{cosine, sine, step_of_decihertz};

/// Largest deviation of a frequency (Q.24: accept 1.5 % + 2 Hz, reject 3.5 %).
const MAX_DEVIATION: f32 = 0.024;

/// Most that the low tone may exceed the high one, as power: 10.5 dB (Q.24 and GR-506: 8 dB must
/// do).
const MAX_NORMAL_TWIST: f32 = 11.2;

/// Most that the high tone may exceed the low one, as power: 6.5 dB (GR-506: 4 dB must do).
const MAX_REVERSE_TWIST: f32 = 4.5;

/// Least mean squared amplitude of the two tones, -46 dBm0; each may be 4 dB below.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 1.21e-5;

/// Most that may be left over in all, of the two tones' power: white noise 2 dB below.
const MAX_RESIDUE: f32 = 0.65;

/// Most that may be left over below 1800 Hz, of the two tones' power...
const MAX_LOW_RESIDUE: f32 = 0.025;

/// ...and besides, of what white noise would leave there that is as strong as the quietest band above.
const LOW_TO_HIGH: f32 = 2.2;

/// Most that two parts may leave over, of their power.
const MAX_PARTS_RESIDUE: f32 = 0.1;

/// Bands of what is left over, Hz: where speech is strong, and three where noise alone is.
const BANDS_HZ: [(f32, f32); 4] =
    [(0.0, 1800.0), (1900.0, 2400.0), (2400.0, 2900.0), (2900.0, 3400.0)];

/// Most that the phase may bend over a third of the burst and back, radians; and how many deviations of what noise does.
const MAX_BEND: f32 = 0.02;

/// Most that the phase may turn from one half of a part to the other, radians.
const MAX_TURN: f32 = 0.05;

/// Least by which one of the tones jumps from one part to the other, of its amplitude: else it glides.
const MIN_JUMP: f32 = 0.05;

/// Most that the amplitude may change from third to third, of itself.
const MAX_CHANGE: f32 = 0.12;

/// Deviations of noise that are added to both.
const CERTAINTY: f32 = 3.2;

/// Samples in which a line may settle, or its nearest echo set in, if so many remain.
const SETTLING: usize = 40;
const LEAST_SETTLED: usize = 160;

/// Shortest part on either side of a jump, samples.
const MIN_PART: usize = 56;

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    /// Squared amplitude of the low tone.
    pub low: f32,
    /// Squared amplitude of the high tone.
    pub high: f32,
    pub is_digit: bool,
}

/// Judges `x`, in which nothing but the tones near the two nominal frequencies should sound; and, if there is an
/// `under`, these of a weaker digit. `pair` was seen in a part of it.
pub(super) fn judge(
    x: &[f32],
    pair: Pair,
    nominal: (f32, f32),
    under: Option<[Option<f32>; 2]>,
) -> Verdict {
    let mut buffer = [0.0; LONGEST];
    let rest = &mut buffer[..x.len()];
    rest.copy_from_slice(x);
    let mut verdict = judge_whole(rest, nominal, under);
    if !verdict.is_digit {
        rest.copy_from_slice(x);
        verdict.is_digit = is_of_two_parts(rest, pair, nominal, under);
    }
    if !verdict.is_digit && x.len() >= SETTLING + LEAST_SETTLED {
        let settled = &mut buffer[SETTLING..x.len()];
        settled.copy_from_slice(&x[SETTLING..]);
        let settled = judge_whole(settled, nominal, under);
        verdict = if settled.is_digit { settled } else { verdict };
    }
    verdict
}

/// Judges two tones without a jump.
fn judge_whole(rest: &mut [f32], nominal: (f32, f32), under: Option<[Option<f32>; 2]>) -> Verdict {
    let low = Partial::fit(rest, nominal.0);
    low.subtract(rest);
    let high = Partial::fit(rest, nominal.1);
    high.subtract(rest);
    let whole = Pair { low, high };
    if let Some(under) = under {
        take_out_weaker(rest, under);
    }
    Verdict {
        low: low.amplitude * low.amplitude,
        high: high.amplitude * high.amplitude,
        is_digit: is_one_key(&whole, nominal)
            && is_left_over(rest, whole.power())
                .is_some_and(|noise| is_steady(rest, &whole, noise)),
    }
}

/// Frequencies, levels and twist.
fn is_one_key(pair: &Pair, (low_hz, high_hz): (f32, f32)) -> bool {
    let (low, high) = (pair.low.power(), pair.high.power());
    pair.low.is_near(low_hz, MAX_DEVIATION)
        && pair.high.is_near(high_hz, MAX_DEVIATION)
        && low <= MAX_NORMAL_TWIST * high
        && high <= MAX_REVERSE_TWIST * low
        && is_loud(pair)
}

fn is_loud(pair: &Pair) -> bool {
    let (low, high) = (2.0 * pair.low.power(), 2.0 * pair.high.power());
    low.min(high) >= MIN_POWER / 2.5 && low + high >= 2.0 * MIN_POWER
}

/// Whether no more is left over of tones of this mean square than noise explains. Gives the mean square of the noise.
fn is_left_over(rest: &[f32], power: f32) -> Option<f32> {
    let samples = rest.len() as f32;
    if dot(rest, rest) > MAX_RESIDUE * power * samples {
        return None;
    }
    let [below, above @ ..] = bands(rest).map(|energy| energy / samples);
    // Noise is in all bands alike; a formant is in one.
    let density = |(power, (from, to)): (f32, &(f32, f32))| power.max(0.0) * 4000.0 / (to - from);
    let noise = above.into_iter().zip(&BANDS_HZ[1..]).map(density).fold(f32::MAX, f32::min);
    let share = (BANDS_HZ[0].1 - BANDS_HZ[0].0) / 4000.0;
    (below <= MAX_LOW_RESIDUE * power + LOW_TO_HIGH * share * noise).then_some(noise)
}

/// Whether neither frequency glides and neither amplitude changes, seen in the thirds.
fn is_steady(rest: &[f32], pair: &Pair, noise: f32) -> bool {
    let third = rest.len() / 3;
    [pair.low, pair.high].iter().all(|tone| {
        let [a, b, c] = [0, 1, 2].map(|n| tone.left_over(&rest[n * third..][..third], n * third));
        let deviation = (noise / (third as f32 * tone.power())).sqrt();
        let bend = (a.1 - 2.0 * b.1 + c.1).abs();
        let change = (a.0 - c.0).abs().max((a.0 - b.0).abs()).max((b.0 - c.0).abs());
        bend <= MAX_BEND + CERTAINTY * 2.45 * deviation
            && change <= MAX_CHANGE + CERTAINTY * 1.41 * deviation
    })
}

/// Whether `x` is a digit whose tones jump once, as they do when an echo sets in or a packet is put in for another.
fn is_of_two_parts(
    x: &mut [f32],
    pair: Pair,
    nominal: (f32, f32),
    under: Option<[Option<f32>; 2]>,
) -> bool {
    let all = dot(x, x);
    let Some(at) = jump(x, pair, all) else { return false };
    // The longer part tells the frequencies.
    let longer = if 2 * at >= x.len() { &x[..at] } else { &x[at..] };
    let pair = Pair { low: Partial::fit(longer, nominal.0), high: Partial::fit(longer, nominal.1) };
    if !is_one_key(&pair, nominal) {
        return false;
    }
    let (before, after) = x.split_at_mut(at);
    let mut parts = [before, after].map(|part| (pair.take_out(part), part));
    if let Some(under) = under {
        for (_, part) in &mut parts {
            take_out_weaker(part, under);
        }
    }
    let [(one, _), (other, _)] = &parts;
    let other = other.since(at);
    let jumps = one.low.differs(&other.low).max(one.high.differs(&other.high)) >= MIN_JUMP;
    let are_loud = parts.iter().all(|(pair, _)| is_loud(pair));
    let parts = parts.map(|(pair, _)| pair);
    let left = dot(x, x);
    let power = (all - left) / x.len() as f32;
    if !jumps || !are_loud || left > MAX_PARTS_RESIDUE * (all - left) {
        return false;
    }
    let Some(noise) = is_left_over(x, power) else { return false };
    let (before, after) = x.split_at(at);
    parts.iter().zip([before, after]).all(|(pair, part)| is_in_tune(part, pair, noise))
}

/// Where least is left over if both tones jump there, if little is.
fn jump(x: &[f32], pair: Pair, all: f32) -> Option<usize> {
    const MOST: usize = LONGEST / STRIDE;
    let mut explained = [0.0; MOST];
    let (first, count) = (MIN_PART / STRIDE, x.len() / STRIDE);
    for tone in [pair.low, pair.high] {
        let mut sums = [(0.0, 0.0); MOST];
        strides(x, tone.step, &mut sums);
        let add = |a: (f32, f32), b: &(f32, f32)| (a.0 + b.0, a.1 + b.1);
        let mut after = sums[..count].iter().fold((0.0, 0.0), add);
        let mut before = (0.0, 0.0);
        for (n, sum) in sums[..count].iter().enumerate() {
            let energy = |sum: (f32, f32), of: usize| {
                2.0 * (sum.0 * sum.0 + sum.1 * sum.1) / (of.max(1) * STRIDE) as f32
            };
            explained[n] += energy(before, n) + energy(after, count - n);
            before = add(before, sum);
            after = add(after, &(-sum.0, -sum.1));
        }
    }
    let places = first..=count.checked_sub(first)?;
    let at = places.max_by(|a, b| explained[*a].total_cmp(&explained[*b]))?;
    if explained[at] < (1.0 - 1.5 * MAX_PARTS_RESIDUE) * all {
        return None;
    }
    // The tones were taken for strangers to each other; now exactly.
    let left_over = |at: usize| {
        let mut buffer = [0.0; LONGEST];
        let rest = &mut buffer[..x.len()];
        rest.copy_from_slice(x);
        pair.take_out(&mut rest[..at]);
        pair.take_out(&mut rest[at..]);
        dot(rest, rest)
    };
    let near = (at.saturating_sub(3)..=at + 3).map(|at| at * STRIDE);
    let near = near.filter(|at| (MIN_PART..=x.len() - MIN_PART).contains(at));
    near.map(|at| (left_over(at), at)).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, at)| at)
}

/// Whether the phases of a part agree with its frequencies, seen in its halves.
fn is_in_tune(rest: &[f32], pair: &Pair, noise: f32) -> bool {
    let half = rest.len() / 2;
    [pair.low, pair.high].iter().all(|tone| {
        let [a, b] = [0, half].map(|at| tone.left_over(&rest[at..][..half], at));
        let certainty = CERTAINTY * 1.41 * (noise / (half as f32 * tone.power())).sqrt();
        (a.1 - b.1).abs() <= MAX_TURN + certainty && (a.0 - b.0).abs() <= MAX_CHANGE + certainty
    })
}

/// Takes the tones of a weaker digit out, each in three parts, as it may end meanwhile.
fn take_out_weaker(rest: &mut [f32], under: [Option<f32>; 2]) {
    let third = rest.len().div_ceil(3);
    for hz in under.into_iter().flatten() {
        let tone = Partial::fit(rest, hz);
        if tone.is_near(hz, MAX_DEVIATION) {
            for part in rest.chunks_mut(third) {
                tone.fit_exactly(part).subtract(part);
            }
        }
    }
}

/// Energy in the bands.
fn bands(x: &[f32]) -> [f32; BANDS_HZ.len()] {
    let correlations = autocorrelation(x);
    WEIGHTS.map(|weights| weights.iter().zip(&correlations).map(|(w, r)| w * r).sum())
}

/// What each lag counts in each band: the band's share of the cosine's spectrum under a Hann window.
static WEIGHTS: [[f32; LAGS]; BANDS_HZ.len()] = {
    let mut weights = [[0.0; LAGS]; BANDS_HZ.len()];
    let mut band = 0;
    while band < BANDS_HZ.len() {
        let (from, to) = BANDS_HZ[band];
        weights[band][0] = (to - from) / 4000.0;
        let mut lag = 1;
        while lag < LAGS {
            let from_turn = step_of_decihertz(from as u32 * 10).wrapping_mul(lag as u32);
            let to_turn = step_of_decihertz(to as u32 * 10).wrapping_mul(lag as u32);
            let window = 0.5 + 0.5 * cosine((1u32 << 31) / LAGS as u32 * lag as u32);
            let edges = sine(to_turn) - sine(from_turn);
            // Both signs of the lag.
            weights[band][lag] = 2.0 * window * edges / (std::f32::consts::PI * lag as f32);
            lag += 1;
        }
        band += 1;
    }
    weights
};
