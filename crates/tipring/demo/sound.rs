//! What is said in the demonstration, and whether it was heard.

use std::f64::consts::TAU;

use tipring_core::{Instant, Rng};

/// Samples a second.
pub(crate) const RATE: usize = 8000;
/// Of what was said, so much is laid over what was heard at a time: slips are looked for between these.
const WINDOW: usize = RATE / 2;
/// How late something may be heard to be found, in samples.
const LATEST: i64 = RATE as i64 / 2;
/// How far a window's delay may be from that of the whole, in samples.
const NEAR: i64 = 240;
/// Mean power below which a window is silence: there is nothing to find in it.
const SILENCE: i64 = 50_000;

/// Samples at 8 kHz, 16 bit linear, and when the first of them was.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) at: Instant,
    pub(crate) samples: Vec<i16>,
}

/// How what was heard lies over what was said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Normalised correlation, −1 to 1, of the whole, each half second where it lies.
    pub(crate) correlation: f64,
    /// The same with one delay for all: falls with every slip.
    pub(crate) rigid: f64,
    /// How much later it was heard, in samples: the delay of most half seconds.
    pub(crate) delay: i64,
    /// How often the delay changed from one half second to the next.
    pub(crate) slips: usize,
    /// How much louder it was heard, in dB.
    pub(crate) gain_db: f64,
}

impl Comparison {
    /// The delay in milliseconds.
    pub(crate) fn delay_ms(self) -> f64 {
        self.delay as f64 * 1000.0 / RATE as f64
    }
}

/// Something like speech: syllables of a voice with changing pitch and formants, hisses, short pauses.
pub(crate) fn speech(seed: u64, seconds: usize) -> Vec<i16> {
    let mut rng = Rng::new(seed);
    let wanted = seconds * RATE;
    let mut out = Vec::with_capacity(wanted + RATE);
    while out.len() < wanted {
        syllable(&mut rng, &mut out);
        let pause = rng.below(600) as usize;
        out.resize(out.len() + pause, 0);
    }
    out.truncate(wanted);
    out
}

fn syllable(rng: &mut Rng, out: &mut Vec<i16>) {
    let length = 700 + rng.below(1400) as usize;
    let (voiced, hiss) = if rng.chance(0.2) { (0.0, 0.6) } else { (1.0, 0.05) };
    let pitch = (90.0 + 130.0 * rng.unit()) / RATE as f64;
    let mut formants = [
        Resonator::new(300.0 + 500.0 * rng.unit(), 90.0),
        Resonator::new(900.0 + 1100.0 * rng.unit(), 120.0),
        Resonator::new(2200.0 + 900.0 * rng.unit(), 180.0),
    ];
    let mut phase = 0.0;
    let made: Vec<f64> = (0..length)
        .map(|_| {
            phase += pitch;
            let pulse = if phase >= 1.0 { voiced } else { 0.0 };
            phase -= phase.floor();
            let source = pulse + (rng.unit() - 0.5) * hiss;
            formants.iter_mut().map(|formant| formant.step(source)).sum()
        })
        .collect();
    let peak = made.iter().fold(1e-9f64, |peak, sample| peak.max(sample.abs()));
    let level = 3000.0 + 7000.0 * rng.unit();
    out.extend(made.iter().enumerate().map(|(at, sample)| {
        let edge = (at.min(length - at) as f64 / 160.0).min(1.0);
        (sample / peak * level * edge) as i16
    }));
}

/// Two poles: what a mouth does to a frequency.
struct Resonator {
    a1: f64,
    a2: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn new(hertz: f64, width_hertz: f64) -> Self {
        let r = (-TAU / 2.0 * width_hertz / RATE as f64).exp();
        let a1 = 2.0 * r * (TAU * hertz / RATE as f64).cos();
        Self { a1, a2: -r * r, y1: 0.0, y2: 0.0 }
    }

    fn step(&mut self, source: f64) -> f64 {
        let y = source + self.a1 * self.y1 + self.a2 * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

/// What a virtual phone says when it answers: a short tune that nobody takes for a call-progress tone.
pub(crate) fn tune() -> Vec<i16> {
    // Semitones above A4 and lengths in eighths.
    const NOTES: [(i32, usize); 11] = [
        (3, 1),
        (7, 1),
        (10, 1),
        (15, 2),
        (10, 1),
        (15, 4),
        (12, 1),
        (10, 1),
        (7, 1),
        (5, 1),
        (3, 4),
    ];
    const EIGHTH: usize = RATE / 5;
    let mut out = Vec::new();
    for (semitone, eighths) in NOTES {
        let step = 440.0 * (f64::from(semitone) / 12.0).exp2() / RATE as f64;
        let length = eighths * EIGHTH;
        out.extend((0..length).map(|at| {
            let turn = TAU * step * at as f64;
            let swell = (at as f64 / 100.0).min(1.0) * (-3.0 * at as f64 / RATE as f64).exp();
            ((turn.sin() + 0.4 * (2.0 * turn).sin()) * 6000.0 * swell) as i16
        }));
    }
    out
}

/// A beep of a quarter second.
pub(crate) fn beep() -> Vec<i16> {
    let step = 1000.0 / RATE as f64;
    (0..RATE / 4).map(|at| ((TAU * step * at as f64).sin() * 5000.0) as i16).collect()
}

/// Lays what was heard over what was said; `None` where either is silence.
pub(crate) fn compare(said: &Sound, heard: &Sound) -> Option<Comparison> {
    let base = samples_between(said.at, heard.at);
    let overlay = Overlay { said: &said.samples, heard: &heard.samples, base };
    let loudest = (0..=said.samples.len().checked_sub(WINDOW)?)
        .step_by(RATE / 10)
        .max_by_key(|from| energy(&said.samples[*from..*from + WINDOW]))?;
    let probe = overlay.best(loudest, WINDOW, 0, LATEST, None)?;
    let mut delays = Vec::new();
    let mut sum = Products::default();
    for from in (0..said.samples.len()).step_by(WINDOW) {
        let length = WINDOW.min(said.samples.len() - from);
        let quiet = energy(&said.samples[from..from + length]) < SILENCE * length as i64;
        let last = delays.last().copied().unwrap_or(probe);
        let delay = if quiet || length < WINDOW {
            last
        } else {
            let found = overlay.best(from, length, probe - NEAR, probe + NEAR, Some(last));
            found.unwrap_or(last)
        };
        delays.push(delay);
        sum.add(&overlay.products(from, length, delay));
    }
    let delay = most_frequent(&delays)?;
    let rigid = overlay.products(0, said.samples.len(), delay);
    Some(Comparison {
        correlation: sum.correlation()?,
        rigid: rigid.correlation()?,
        delay,
        slips: delays.windows(2).filter(|pair| pair[0] != pair[1]).count(),
        gain_db: 10.0 * (sum.heard as f64 / sum.said as f64).log10(),
    })
}

fn most_frequent(delays: &[i64]) -> Option<i64> {
    let count = |delay: &i64| delays.iter().filter(|other| *other == delay).count();
    delays.iter().copied().max_by_key(|delay| count(delay))
}

struct Overlay<'a> {
    said: &'a [i16],
    heard: &'a [i16],
    /// Samples from the beginning of `said` to that of `heard`.
    base: i64,
}

/// Sums of products of two sounds.
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    cross: i64,
    said: i64,
    heard: i64,
}

impl Products {
    fn add(&mut self, other: &Self) {
        self.cross += other.cross;
        self.said += other.said;
        self.heard += other.heard;
    }

    fn correlation(self) -> Option<f64> {
        let power = (self.said as f64).sqrt() * (self.heard as f64).sqrt();
        (power > 0.0).then(|| self.cross as f64 / power)
    }
}

impl Overlay<'_> {
    /// The delay between `first` and `last` at which a stretch of what was said fits best. `kept` wins where it is
    /// as good: a steady sound fits in several places.
    fn best(
        &self,
        from: usize,
        length: usize,
        first: i64,
        last: i64,
        kept: Option<i64>,
    ) -> Option<i64> {
        let score = |delay: i64| self.products(from, length, delay).correlation().unwrap_or(0.0);
        let (delay, best) = (first..last)
            .map(|delay| (delay, score(delay)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, score)| *score > 0.0)?;
        Some(kept.filter(|kept| score(*kept) > best - 0.002).unwrap_or(delay))
    }

    /// Compares a stretch of what was said with what was heard `delay` later; outside of the recording is silence.
    fn products(&self, from: usize, length: usize, delay: i64) -> Products {
        let said = &self.said[from..from + length];
        let place = from as i64 + delay - self.base;
        let skip = usize::try_from(-place).unwrap_or(0).min(length);
        let begin = usize::try_from(place).unwrap_or(0).min(self.heard.len());
        let (mut cross, mut power) = (0i64, 0i64);
        for (a, b) in said[skip..].iter().zip(&self.heard[begin..]) {
            let (a, b) = (i32::from(*a), i32::from(*b));
            cross += i64::from(a * b);
            power += i64::from(b * b);
        }
        Products { cross, said: energy(said), heard: power }
    }
}

fn energy(samples: &[i16]) -> i64 {
    samples.iter().map(|sample| i64::from(i32::from(*sample) * i32::from(*sample))).sum()
}

fn samples_between(from: Instant, to: Instant) -> i64 {
    let micros = |at: Instant| i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
    (micros(to) - micros(from)) / 125
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> Sound {
        Sound { at: Instant::from_millis(100), samples: speech(7, 3) }
    }

    /// What is said, `delay` samples later, with the recorder started 10 ms before the speaker.
    fn heard(said: &Sound, delay: usize) -> Sound {
        let mut samples = vec![0; 80 + delay];
        samples.extend(&said.samples);
        Sound { at: Instant::from_millis(90), samples }
    }

    #[test]
    fn a_delayed_copy_is_found_where_it_is() {
        let said = said();
        let found = compare(&said, &heard(&said, 320)).expect("it is there");
        assert_eq!((found.delay, found.slips), (320, 0));
        assert!(found.correlation > 0.9999 && found.rigid > 0.9999, "{found:?}");
        assert!((found.delay_ms() - 40.0).abs() < 1e-9 && found.gain_db.abs() < 0.01, "{found:?}");
    }

    #[test]
    fn a_recorder_that_began_too_late_misses_the_beginning() {
        let said = said();
        let mut late = heard(&said, 0);
        late.samples.drain(..1680);
        late.at = Instant::from_millis(300);
        let found = compare(&said, &late).expect("most of it is there");
        assert_eq!((found.delay, found.slips), (0, 0));
        assert!(found.correlation < 0.999, "what is missing counts: {found:?}");
    }

    #[test]
    fn a_slip_is_counted_and_what_lies_around_it_still_fits() {
        let said = said();
        let mut slipped = heard(&said, 200);
        slipped.samples.drain(12_000..12_160);
        let found = compare(&said, &slipped).expect("it is there");
        assert_eq!(found.slips, 1);
        assert!(found.correlation > 0.95, "{found:?}");
        assert!(found.rigid < 0.8, "{found:?}");
    }

    #[test]
    fn half_as_loud_is_six_decibels_less() {
        let said = said();
        let mut soft = heard(&said, 80);
        soft.samples.iter_mut().for_each(|sample| *sample /= 2);
        let found = compare(&said, &soft).expect("it is there");
        assert!((found.gain_db + 6.02).abs() < 0.1, "{found:?}");
        assert!(found.correlation > 0.999, "{found:?}");
    }

    #[test]
    fn another_voice_is_not_taken_for_the_one_that_spoke() {
        let other = Sound { samples: speech(8, 3), ..said() };
        let found = compare(&said(), &other);
        assert!(found.is_none_or(|found| found.correlation < 0.6), "{found:?}");
    }

    #[test]
    fn silence_is_no_answer() {
        let said = said();
        let nothing = Sound { samples: vec![0; 24_000], ..said.clone() };
        assert_eq!(compare(&said, &nothing), None);
        assert_eq!(compare(&nothing, &said), None);
        assert_eq!(compare(&said, &Sound { samples: Vec::new(), ..said.clone() }), None);
    }

    #[test]
    fn what_the_phones_play_is_loud_enough_and_never_clips() {
        for sound in [tune(), beep(), speech(1, 2)] {
            let peak = sound.iter().map(|sample| sample.unsigned_abs()).max();
            assert!(peak.is_some_and(|peak| (4000..16_000).contains(&peak)), "{peak:?}");
        }
    }
}
