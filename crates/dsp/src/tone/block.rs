//! Sines by the block: sixteen samples in a step of two additions and a multiplication a frequency.
//!
//! A lane holds s = a·sin φ and c = εa·cos(φ + θ/2), with θ the turn of sixteen samples and ε = 2 sin(θ/2). One step is
//! s += c and then c -= ε²s: both then belong to φ + θ, exactly. Rounding adds up to less than -100 dB in a block, and each block
//! begins with exact phases, so that nothing drifts and nothing depends on how a stream is cut.

use crate::{
    oscillator::{Phase, QUARTER_TURN, cosine, sine},
    simd::{LANES, Lanes, Vector, per_processor},
    tone::MAX_COMPONENTS,
};

/// Samples of a block.
pub(super) const BLOCK: usize = 320;

/// 1.5 × 2^23: what is added to it is rounded to an integer, whose low 16 bits are the sum's.
const ROUND: f32 = 12_582_912.0;

/// One frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voice {
    pub step: Phase,
    pub amplitude: f32,
}

/// What sounds: some voices, all modulated by another one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Voices {
    pub voices: [Voice; MAX_COMPONENTS],
    /// How many of them.
    pub count: usize,
    /// Its amplitude is the depth, 0 to 1.
    pub modulator: Option<Voice>,
}

per_processor! {
    /// The block of what sounds that begins with this sample; there is a voice at least.
    pub(super) fn render(sounding: &Voices, index: u64, out: &mut [i16; BLOCK]) {
        let mut sum = [0.0; BLOCK];
        match sounding.count {
            1 => add::<V, 1>(sounding, index, &mut sum),
            2 => add::<V, 2>(sounding, index, &mut sum),
            3 => add::<V, 3>(sounding, index, &mut sum),
            _ => add::<V, MAX_COMPONENTS>(sounding, index, &mut sum),
        }
        if let Some(modulator) = sounding.modulator {
            modulate::<V>(modulator, index, &mut sum);
        }
        // The nearest integer is then in the low bits of the mantissa.
        for x in sum.as_chunks_mut::<LANES>().0 {
            let clamped = V::load(x).min(V::splat(32_767.0)).max(V::splat(-32_768.0));
            clamped.add(V::splat(ROUND)).store(x);
        }
        for (out, x) in out.iter_mut().zip(&sum) {
            *out = x.to_bits() as i16;
        }
    }
}

/// The sum of the first `N` voices. Their steps wait for each other, so they go side by side.
#[inline(always)]
fn add<V: Vector, const N: usize>(sounding: &Voices, index: u64, sum: &mut [f32; BLOCK]) {
    let mut turning: [Turning<V>; N] =
        std::array::from_fn(|n| Turning::start(sounding.voices[n], index));
    for pair in sum.as_chunks_mut::<LANES>().0.as_chunks_mut::<2>().0 {
        let [even, odd] = pair;
        let mut x = turning[0].sine;
        turning[0].go_on();
        for turning in &mut turning[1..] {
            x = x.add(turning.sine);
            turning.go_on();
        }
        x.store(even);
        let mut x = turning[0].sine.mul(turning[0].sign);
        turning[0].go_on();
        for turning in &mut turning[1..] {
            x = turning.sine.mul_add(turning.sign, x);
            turning.go_on();
        }
        x.store(odd);
    }
}

/// Multiplies by 1 + the modulator.
#[inline(always)]
fn modulate<V: Vector>(modulator: Voice, index: u64, sum: &mut [f32; BLOCK]) {
    let mut turning = Turning::<V>::start(modulator, index);
    let one = V::splat(1.0);
    for pair in sum.as_chunks_mut::<LANES>().0.as_chunks_mut::<2>().0 {
        let [even, odd] = pair;
        V::load(even).mul(turning.sine.add(one)).store(even);
        turning.go_on();
        V::load(odd).mul(turning.sine.mul_add(turning.sign, one)).store(odd);
        turning.go_on();
    }
}

/// Sixteen neighbouring samples of a voice.
#[derive(Clone, Copy)]
struct Turning<V> {
    sine: V,
    cosine: V,
    minus_epsilon_squared: V,
    /// What every other step is to be multiplied with.
    sign: V,
}

impl<V: Vector> Turning<V> {
    #[inline(always)]
    fn start(voice: Voice, index: u64) -> Turning<V> {
        let turn = voice.step.wrapping_mul(LANES as u32);
        // Near half a turn ε hardly depends on θ. Half a turn less, and every other step has the other sign.
        let is_far = turn.wrapping_add(QUARTER_TURN) > 2 * QUARTER_TURN;
        let turn = if is_far { turn.wrapping_add(2 * QUARTER_TURN) } else { turn };
        let half = ((turn as i32) >> 1) as Phase;
        let epsilon = 2.0 * sine(half);
        let (mut sines, mut cosines): (Lanes, Lanes) = ([0.0; LANES], [0.0; LANES]);
        let phase = voice.step.wrapping_mul(index as u32);
        for (lane, (s, c)) in sines.iter_mut().zip(&mut cosines).enumerate() {
            let phase = phase.wrapping_add(voice.step.wrapping_mul(lane as u32));
            *s = voice.amplitude * sine(phase);
            *c = voice.amplitude * epsilon * cosine(phase.wrapping_add(half));
        }
        Turning {
            sine: V::load(&sines),
            cosine: V::load(&cosines),
            minus_epsilon_squared: V::splat(-epsilon * epsilon),
            sign: V::splat(if is_far { -1.0 } else { 1.0 }),
        }
    }

    #[inline(always)]
    fn go_on(&mut self) {
        self.sine = self.sine.add(self.cosine);
        self.cosine = self.sine.mul_add(self.minus_epsilon_squared, self.cosine);
    }
}

/// Steps come in pairs.
const _: () = assert!(BLOCK.is_multiple_of(2 * LANES));
