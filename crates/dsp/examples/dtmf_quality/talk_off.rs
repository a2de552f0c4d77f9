//! Sounds that are no digits: worse than speech, and music.

use tipring_dsp::level;

use crate::{
    LAWS,
    common::{Random, Signal},
    digits, through,
};

pub(crate) fn table() {
    row("formant babble, 2 h", 24, 300, 1, |random, seconds| babble(random, seconds, 2));
    row("babble of three formants, 1 h", 12, 300, 2, |random, seconds| babble(random, seconds, 3));
    row("organ chords, 0.11 h", 4, 100, 3, organ);
    row("two gliding sines, 0.14 h", 5, 100, 4, glides);
    row("plucked strings, 0.2 h", 7, 100, 5, plucked);
}

fn row(
    name: &str,
    pieces: usize,
    seconds: usize,
    seed: u64,
    make: impl Fn(&mut Random, usize) -> Signal,
) {
    let mut random = Random::new(seed << 40 | 0x1234_5678);
    let hits: usize =
        (0..pieces).map(|n| digits(&through(&make(&mut random, seconds), LAWS[n % 2])).len()).sum();
    let hours = (pieces * seconds) as f32 / 3600.0;
    println!("{name}: {hits} digits in {hours:.2} h, {:.1} an hour", hits as f32 / hours);
}

/// Brings the mean power to this level, dBm0.
fn normalise(mut signal: Signal, dbm0: f32) -> Signal {
    let power = signal.0.iter().map(|x| x * x).sum::<f32>() / signal.0.len() as f32;
    let scale = level::dbm0_to_peak(dbm0) / (2.0 * power).sqrt();
    signal.0.iter_mut().for_each(|x| *x *= scale);
    signal
}

/// A synthetic talker: pitch pulses through strong formants that wander in the DTMF bands, the worst case of talk-off.
fn babble(random: &mut Random, seconds: usize, formants: usize) -> Signal {
    let mut signal = Signal::silence(seconds * 8000);
    let mut hz = [700.0, 1300.0, 2500.0];
    let mut wanted = hz;
    let (mut pitch, mut pitch_wanted, mut phase) = (120.0, 120.0, 0.0f32);
    let (mut bandwidth, mut tilt) = ([60.0, 80.0, 120.0], 1.0);
    let (mut loudness, mut loudness_wanted, mut left) = (1.0f32, 1.0f32, 0);
    let mut memory = [[0.0f32; 2]; 3];
    for x in &mut signal.0 {
        if left == 0 {
            left = (400.0 + random.unit() * 2400.0) as usize;
            wanted = [
                600.0 + random.unit() * 400.0,
                1100.0 + random.unit() * 600.0,
                2100.0 + random.unit() * 900.0,
            ];
            pitch_wanted = 80.0 + random.unit() * 200.0;
            bandwidth = [
                20.0 + random.unit() * 60.0,
                20.0 + random.unit() * 80.0,
                60.0 + random.unit() * 100.0,
            ];
            loudness_wanted = if random.unit() < 0.2 { 0.0 } else { 0.3 + random.unit() };
            tilt = 0.3 + random.unit() * 1.5;
        }
        left -= 1;
        pitch += (pitch_wanted - pitch) * 0.001;
        loudness += (loudness_wanted - loudness) * 0.005;
        phase += pitch / 8000.0;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase -= pulse;
        let excitation = pulse + 0.02 * random.normal();
        let mut sum = 0.0;
        for (i, memory) in memory.iter_mut().enumerate().take(formants) {
            hz[i] += (wanted[i] - hz[i]) * 0.002;
            let radius = (-std::f32::consts::PI * bandwidth[i] / 8000.0).exp();
            let turn = (std::f32::consts::TAU * hz[i] / 8000.0).cos();
            let y = excitation * (1.0 - radius) * 2.0 + 2.0 * radius * turn * memory[0]
                - radius * radius * memory[1];
            *memory = [y, memory[0]];
            sum += [1.0, tilt, 0.4][i] * y;
        }
        *x = sum * loudness;
    }
    normalise(signal, -15.0)
}

/// Chords of three to five notes with a few drawbars each, 0.2 to 1 s long.
fn organ(random: &mut Random, seconds: usize) -> Signal {
    let mut signal = Signal::silence(seconds * 8000);
    let mut at = 0;
    while at < signal.0.len() {
        let samples = ((0.2 + 0.8 * random.unit()) * 8000.0) as usize;
        let samples = samples.min(signal.0.len() - at);
        for _ in 0..3 + (random.unit() * 3.0) as usize {
            let note = 45.0 + (random.unit() * 36.0).floor();
            let hz = 440.0 * 2f32.powf((note - 69.0) / 12.0);
            let drawbars = 1 + (random.unit() * 4.0) as usize;
            for harmonic in 1..=drawbars {
                let hz = hz * harmonic as f32;
                if hz < 3900.0 {
                    let dbm0 = -16.0 - 12.0 * random.unit() * f32::from(u8::from(harmonic > 1));
                    signal.tone(random, at, samples, hz, dbm0);
                }
            }
        }
        at += samples;
    }
    normalise(signal, -13.0)
}

/// Two sines that glide through the bands of the rows and columns.
fn glides(random: &mut Random, seconds: usize) -> Signal {
    let mut signal = Signal::silence(seconds * 8000);
    let mut at = 0;
    while at < signal.0.len() {
        let samples = ((0.3 + 2.7 * random.unit()) * 8000.0) as usize;
        let samples = samples.min(signal.0.len() - at);
        for (from, to) in [(600.0, 1050.0), (1100.0, 1750.0)] {
            let ends = [random.unit(), random.unit()].map(|part| from + part * (to - from));
            let peak = level::dbm0_to_peak(-13.0 + 6.0 * (random.unit() - 0.5));
            let mut turns = f64::from(random.unit());
            for n in 0..samples {
                let hz = ends[0] + (ends[1] - ends[0]) * n as f32 / samples as f32;
                turns += f64::from(hz) / 8000.0;
                signal.0[at + n] += peak * (std::f64::consts::TAU * turns).sin() as f32;
            }
        }
        at += samples;
    }
    signal
}

/// Plucked strings after Karplus and Strong.
fn plucked(random: &mut Random, seconds: usize) -> Signal {
    let mut signal = Signal::silence(seconds * 8000);
    let mut at = 0;
    while at < signal.0.len() {
        let hz = 80.0 * 2f32.powf(random.unit() * 3.5);
        let mut string: Vec<f32> = (0..(8000.0 / hz) as usize).map(|_| random.normal()).collect();
        let length = string.len();
        let samples = (8000 * 3).min(signal.0.len() - at);
        for n in 0..samples {
            let (here, next) = (n % length, (n + 1) % length);
            signal.0[at + n] += string[here];
            string[here] = 0.498 * (string[here] + string[next]);
        }
        at += (600.0 + random.unit() * 4000.0) as usize;
    }
    normalise(signal, -15.0)
}
