//! What sounds: the frequencies of a stretch of frames and their powers.
//!
//! Each frequency of the bank is a stream of 125 complex samples a second, and a spectrum of that tells frequencies
//! apart that are 12 Hz from each other after 200 ms.

use super::KEPT;
use crate::{
    bank::{ALIAS_HZ, Bank, Complex, HOP, SPACING_HZ, response},
    level,
    oscillator::{Phase, cosine, sine},
    simd::per_processor,
    tone::{MAX_COMPONENTS, Tone},
};

/// The lowest frequency that is looked at, in spacings of the bank, and how many there are.
pub(super) const LOWEST: usize = 2;
pub(super) const COUNT: usize = 32;

/// Least part of the strongest frequency's power that another one has to have, -16 dB.
const MIN_PART: f32 = 0.025;

/// Frequencies of the bank that four partials may show in; speech has more.
const MAX_STRONG: usize = 9;

/// Hz from point to point of the fine spectrum.
const STEP_HZ: f32 = 2.5;

/// Points about each frequency of the bank: beyond the middle to the next, so that a maximum there is seen.
const POINTS: usize = 48;

/// Frequencies and their squared amplitudes, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sound {
    partials: [Partial; MAX_COMPONENTS],
    count: usize,
    /// Frequencies nearer to each other than this are heard as one, Hz.
    resolution_hz: f32,
}

/// One frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Partial {
    pub hz: f32,
    pub power: f32,
}

impl Sound {
    /// What a tone consists of: its components, and sidebands if it is modulated.
    pub fn of_tone(tone: &Tone) -> Sound {
        let mut sound = Sound { partials: Default::default(), count: 0, resolution_hz: 0.0 };
        for (hz, dbm0) in tone.components() {
            let power = level::dbm0_to_peak(dbm0).powi(2);
            sound.add(Partial { hz, power });
            if let Some((apart, percent)) = tone.modulation() {
                let power = power * (f32::from(percent) / 200.0).powi(2);
                sound.add(Partial { hz: hz - apart, power });
                sound.add(Partial { hz: hz + apart, power });
            }
        }
        sound
    }

    /// The tone that has these partials.
    pub fn tone(&self) -> Tone {
        let mut components = [(0.0, 0.0); MAX_COMPONENTS];
        let mut partials = self.partials;
        partials[..self.count].sort_by(|a, b| a.hz.total_cmp(&b.hz));
        for (component, partial) in components.iter_mut().zip(&partials[..self.count]) {
            *component = (partial.hz, level::power_to_dbm0(partial.power / 2.0));
        }
        Tone::new(&components[..self.count])
    }

    pub fn partials(&self) -> &[Partial] {
        &self.partials[..self.count]
    }

    fn add(&mut self, partial: Partial) {
        if let Some(slot) = self.partials.get_mut(self.count) {
            *slot = partial;
            self.count += 1;
        }
    }

    /// Whether what was heard is this sound: the same frequencies, at levels that a line may bend.
    pub fn is_heard_as(&self, heard: &Sound) -> bool {
        let near = |a: &Partial, b: &Partial| {
            let tolerance = a.hz * MAX_DEVIATION + 2.0;
            // Partials that the ear of this detector cannot tell apart are heard as one between them.
            let merged = if self.count > 1 { heard.resolution_hz } else { 0.0 };
            (a.hz - b.hz).abs() <= tolerance.max(merged)
        };
        let (most_expected, most_heard) = (self.loudest(), heard.loudest());
        let expects = |partial: &Partial| {
            let part = partial.power / most_expected;
            part < OPTIONAL
                || heard.partials().iter().any(|other| {
                    near(partial, other) && other.power >= part / MAX_TWIST * most_heard
                })
        };
        let knows = |partial: &Partial| {
            partial.power < FOREIGN * most_heard
                || self.partials().iter().any(|other| near(other, partial))
        };
        heard.count > 0 && self.partials().iter().all(expects) && heard.partials().iter().all(knows)
    }

    fn loudest(&self) -> f32 {
        self.partials().iter().map(|partial| partial.power).fold(1e-9, f32::max)
    }

    /// Measures `frames` frames, of which the newest is `back` before the newest of all.
    pub fn measure(bank: &Bank, back: usize, frames: usize) -> Sound {
        let frames = frames.clamp(1, KEPT - back);
        let mut powers = [0.0; COUNT];
        for n in 0..frames {
            for (at, power) in powers.iter_mut().enumerate() {
                *power += bank.frame(back + n).power(LOWEST + at);
            }
        }
        let most = powers.iter().copied().fold(1e-9, f32::max);
        let strong = powers.iter().filter(|power| **power >= MIN_PART * most).count();
        if strong > MAX_STRONG {
            return Sound { partials: Default::default(), count: 0, resolution_hz: 0.0 };
        }
        let floor = 0.5 * MIN_PART * most / frames as f32;
        let mut peaks = Peaks { found: Default::default(), count: 0, floor };
        for (at, power) in powers.iter().enumerate() {
            // Between two frequencies of the bank a partial shows in both with a quarter.
            if *power >= 0.25 * MIN_PART * most {
                peaks.look(bank, back, frames, LOWEST + at);
            }
        }
        // A Hann taper over the frames, and the window of each.
        let seconds = (frames * HOP) as f32 / 8000.0;
        peaks.sound(1.7 / seconds.max(0.02))
    }
}

/// Largest deviation of a frequency: 1.5 % must do.
const MAX_DEVIATION: f32 = 0.02;

/// Part of the strongest partial's power below which another need not be heard, -14 dB.
const OPTIONAL: f32 = 0.04;

/// Part below which one that does not belong is borne, -11 dB.
const FOREIGN: f32 = 0.08;

/// By how much a partial may be weaker than it should be, as power: 9 dB.
const MAX_TWIST: f32 = 8.0;

/// Maxima of the fine spectrum.
struct Peaks {
    /// With the frequency of the bank, in spacings, where each was seen.
    found: [(Partial, usize); 24],
    count: usize,
    /// What is weaker is not looked at.
    floor: f32,
}

impl Peaks {
    /// Looks for maxima about one frequency of the bank.
    fn look(&mut self, bank: &Bank, back: usize, frames: usize, spacings: usize) {
        let spectrum = fine_spectrum(bank, back, frames, spacings);
        for (at, around) in spectrum.windows(3).enumerate() {
            let [before, power, after] = [around[0], around[1], around[2]];
            let offset = hz_at(at + 1);
            if power < before || power <= after || offset.abs() > SPACING_HZ / 2.0 + 0.6 * STEP_HZ {
                continue;
            }
            // The parabola through the logarithms.
            let [a, b, c] =
                around.first_chunk().map_or([0.0; 3], |x: &[f32; 3]| x.map(|x| x.max(1e-9).ln()));
            let bend = (a - 2.0 * b + c).min(-1e-6);
            let aside = (0.5 * (a - c) / bend).clamp(-0.5, 0.5);
            let offset = offset + STEP_HZ * aside;
            // Between two points the spectrum is higher than at either, by 0.4 dB in the middle.
            let power = power * (-0.25 * (a - c) * aside).exp();
            let hz = spacings as f32 * SPACING_HZ + offset;
            let left = response(offset);
            let partial = Partial { hz, power: power / (left * left) };
            if partial.power < self.floor {
                continue;
            }
            if let Some(slot) = self.found.get_mut(self.count) {
                *slot = (partial, spacings);
                self.count += 1;
            }
        }
    }

    /// The strongest maxima without those that are not there.
    fn sound(mut self, resolution_hz: f32) -> Sound {
        let found = &mut self.found[..self.count];
        found.sort_by(|a, b| b.0.power.total_cmp(&a.0.power));
        let mut sound = Sound { partials: Default::default(), count: 0, resolution_hz };
        let most = found.first().map_or(0.0, |(partial, _)| partial.power);
        for (partial, spacings) in
            found.iter().filter(|(partial, _)| partial.power >= MIN_PART * most)
        {
            let centre = *spacings as f32 * SPACING_HZ;
            let is_image = |stronger: &Partial| {
                let apart = (stronger.hz - partial.hz).abs();
                let twice = apart < 6.0_f32.max(0.5 * resolution_hz);
                // What is left here of a sine elsewhere looks as if it were 125 Hz nearer.
                let left = (response(stronger.hz - centre) / response(partial.hz - centre)).powi(2);
                let alias = (apart - ALIAS_HZ).abs() < 8.0_f32.max(0.5 * resolution_hz)
                    && partial.power < 2.5 * left * stronger.power;
                twice || alias
            };
            if !sound.partials().iter().any(is_image) {
                sound.add(*partial);
            }
        }
        sound
    }
}

/// The offset of a point from the bank's frequency.
fn hz_at(point: usize) -> f32 {
    (point as f32 - (POINTS / 2) as f32 + 0.5) * STEP_HZ
}

/// Powers of the frames' stream at one frequency of the bank, at offsets from that.
fn fine_spectrum(bank: &Bank, back: usize, frames: usize, spacings: usize) -> [f32; POINTS] {
    let (mut re, mut im) = ([0.0; POINTS], [0.0; POINTS]);
    let mut weights = 0.0;
    for n in 0..frames {
        let middle = (n as f32 + 0.5) / frames as f32;
        let weight = 0.5 - 0.5 * (std::f32::consts::TAU * middle).cos();
        weights += weight;
        // From frame to frame the frequency of the bank turns by 4/5 of a turn for each spacing.
        let at = bank.frame(back + n).at(spacings).scaled(weight);
        let x = at.times(Complex::turned((n * spacings % 5) as f32 * 0.8));
        horner(&mut re, &mut im, x);
    }
    std::array::from_fn(|point| {
        (re[point] * re[point] + im[point] * im[point]) / (weights * weights)
    })
}

/// Turns from a frame to the next of each point, as cosines and sines.
static TURNS: [[f32; POINTS]; 2] = {
    let mut turns = [[0.0; POINTS]; 2];
    let mut point = 0;
    while point < POINTS {
        // In halves of a step, of which there are 100 in the turn of 125 Hz.
        let halves = 2 * point as i64 + 1 - POINTS as i64;
        let phase = ((halves << 32) / 100) as Phase;
        turns[0][point] = cosine(phase);
        turns[1][point] = sine(phase);
        point += 1;
    }
    turns
};

per_processor! {
    /// Horner's rule from the newest frame to the oldest: turns all sums back by a frame, and adds the next.
    fn horner(re: &mut [f32; POINTS], im: &mut [f32; POINTS], x: Complex) {
        let turns = TURNS[0].iter().zip(&TURNS[1]);
        for ((re, im), (cosine, sine)) in re.iter_mut().zip(im).zip(turns) {
            let turned = (*re * cosine + *im * sine, *im * cosine - *re * sine);
            (*re, *im) = (turned.0 + x.re, turned.1 + x.im);
        }
    }
}
