//! Multi-frequency signalling R1 between exchanges: ITU-T Q.320 to Q.323. Two of six frequencies make a signal.
//!
//! *What*: [`Generator`] sends signals one at a time, [`Detector`] hears them, with their first sample and length to a
//! millisecond or two.
//!
//! *Where to start*: [`Signal::from_char`] and [`Signal::tone_ms`]; an address is `K`, digits, `S`.
//!
//! The receiver looks every 5 ms at a Hann window of 20 ms, in which the frequencies, 200 Hz apart, do not disturb each
//! other. A signal begins and ends where the amplitude passes half of its greatest: there the edge is in the middle
//! of the window. It is not hardened against speech: exchanges connect it for the address only.

use crate::{
    level,
    oscillator::{cosine, sine, step_of_decihertz},
    simd::per_processor,
    tone::{Player, Program, Segment, Tone},
};

/// The six frequencies, Hz (Q.320).
pub const HZ: [f32; 6] = [700.0, 900.0, 1100.0, 1300.0, 1500.0, 1700.0];

/// Level of each frequency that is sent, dBm0 (Q.320: -7 ± 1).
pub const DBM0: f32 = -7.0;

/// Pause between signals, milliseconds (Q.320: 68 ± 7).
pub const PAUSE_MS: u32 = 68;

/// One of the fifteen signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(u8);

impl Signal {
    /// By pairs of frequencies: those with 900 Hz as the higher one, with 1100, 1300, 1500, 1700.
    const CHARS: [u8; 15] = *b"1234567890PTKUS";

    /// The start of an address.
    pub const KP: Signal = Signal(12);

    /// The end of an address.
    pub const ST: Signal = Signal(14);

    /// All fifteen.
    pub fn all() -> impl Iterator<Item = Signal> + Clone {
        (0..15).map(Signal)
    }

    /// `0`-`9`; `K` is KP, `S` is ST, and `P`, `T`, `U` are 1700 Hz with 700, 900 and 1300 Hz, which networks use in
    /// their own ways (ST', ST'', KP2).
    pub fn from_char(c: char) -> Option<Signal> {
        let c = u8::try_from(c).ok()?.to_ascii_uppercase();
        Signal::CHARS.iter().position(|x| *x == c).map(|at| Signal(at as u8))
    }

    /// As [`Signal::from_char`] takes it.
    pub const fn as_char(self) -> char {
        Signal::CHARS[self.0 as usize] as char
    }

    /// The signal of two places in [`HZ`], the lower one first.
    pub fn from_pair(low: usize, high: usize) -> Option<Signal> {
        (low < high && high < HZ.len()).then(|| Signal((high * (high - 1) / 2 + low) as u8))
    }

    /// Its two places in [`HZ`], the lower one first.
    pub fn pair(self) -> (usize, usize) {
        let at = usize::from(self.0);
        let high = (1..HZ.len()).rfind(|high| high * (high - 1) / 2 <= at).unwrap_or(1);
        (at - high * (high - 1) / 2, high)
    }

    /// How long it is sent, milliseconds (Q.320: KP 100 ± 10, others 68 ± 7).
    pub fn tone_ms(self) -> u32 {
        if self == Signal::KP { 100 } else { 68 }
    }

    /// Its tone at this level of each frequency, dBm0.
    pub fn tone(self, dbm0: f32) -> Tone {
        let (low, high) = self.pair();
        Tone::dual(HZ[low], HZ[high], dbm0)
    }
}

/// Sends one signal at a time.
#[derive(Clone, Debug, Default)]
pub struct Generator {
    player: Player,
}

impl Generator {
    /// A generator of silence.
    pub fn new() -> Generator {
        Generator::default()
    }

    /// Starts a signal with the length, level and pause of Q.320.
    pub fn start(&mut self, signal: Signal) {
        self.player.start(Program::once(&[
            Segment::tone_ms(signal.tone(DBM0), signal.tone_ms()),
            Segment::silence_ms(PAUSE_MS),
        ]));
    }

    /// Whether the signal or its pause goes on.
    pub fn is_sending(&self) -> bool {
        self.player.is_playing()
    }

    /// Writes the next samples, silence after the end. Returns how many belong to the signal.
    pub fn process(&mut self, out: &mut [i16]) -> usize {
        self.player.process(out)
    }
}

/// What the detector heard. Positions count samples since it began to listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// Which.
    pub signal: Signal,
    /// Its first sample.
    pub start: u64,
    /// How many samples it had.
    pub samples: u32,
    /// Level of one of its tones (half the power of both), dBm0.
    pub level_dbm0: f32,
}

/// Samples in a window.
const WINDOW: usize = 160;

/// Samples from one window to the next.
const HOP: usize = 40;

/// Looks that are remembered: 160 ms and more.
const LOOKS: usize = 32;

/// Least squared amplitude of either tone, -33 dBm0 (Q.323 asks for -14 and better).
const MIN_POWER: f32 = 32768.0 * 32768.0 * 2.4e-4;

/// Most by which one tone may exceed the other, as power: 8 dB (Q.323: 6 dB must do).
const MAX_TWIST: f32 = 6.3;

/// By how much both stand above the third, as power: 8 dB.
const DOMINANCE: f32 = 6.3;

/// Least share of all power.
const SHARE: f32 = 0.5;

/// Shortest signal that is taken, samples: 28 ms (Q.323: 30 ms must do).
const MIN_SAMPLES: u64 = 224;

/// Shortest KP that is taken, samples: 52 ms (Q.323: 55 ms must do).
const MIN_KP: u64 = 416;

/// Hears signals in a stream.
#[derive(Clone, Debug)]
pub struct Detector {
    /// A window less a hop, and then `filled` of the next hop.
    buffer: [i16; WINDOW],
    filled: usize,
    /// Samples that were looked at.
    position: u64,
    /// Squared amplitudes of the last looks, the latest at `position / HOP`.
    looks: [[f32; HZ.len()]; LOOKS],
    sounding: Option<Sounding>,
}

#[derive(Clone, Copy, Debug)]
struct Sounding {
    signal: Signal,
    /// Looks that saw it.
    looks: usize,
    /// Its first sample, once it was seen twice.
    start: u64,
    /// The greatest sum of both squared amplitudes.
    peak: f32,
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new()
    }
}

impl Detector {
    /// A detector that has heard nothing.
    pub fn new() -> Detector {
        Detector {
            buffer: [0; WINDOW],
            filled: 0,
            position: 0,
            looks: [[0.0; HZ.len()]; LOOKS],
            sounding: None,
        }
    }

    /// Listens. `event` hears of each signal when it has ended.
    pub fn process(&mut self, mut samples: &[i16], mut event: impl FnMut(Event)) {
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(HOP - self.filled));
            let at = WINDOW - HOP + self.filled;
            self.buffer[at..at + taken.len()].copy_from_slice(taken);
            self.filled += taken.len();
            samples = rest;
            if self.filled == HOP {
                self.position += HOP as u64;
                self.look(&mut event);
                self.buffer.copy_within(HOP.., 0);
                self.filled = 0;
            }
        }
    }

    fn look(&mut self, event: &mut impl FnMut(Event)) {
        let (powers, total) = powers(&self.buffer);
        let now = self.position / HOP as u64;
        self.looks[now as usize % LOOKS] = powers;
        let seen = signal(&powers, total);
        let Some(mut sounding) = self.sounding else {
            self.sounding = seen.map(|signal| Sounding { signal, looks: 1, start: 0, peak: 0.0 });
            return;
        };
        let power = self.power(sounding.signal, now);
        if seen == Some(sounding.signal) {
            sounding.looks += 1;
            sounding.peak = sounding.peak.max(power);
            // The start shows best when the window is full for the first time.
            if sounding.looks <= WINDOW / HOP + 2 {
                sounding.start = self.crossing(&sounding, now, LOOKS - 2);
            }
            self.sounding = Some(sounding);
        } else if power < sounding.peak / 4.0 || seen.is_some() {
            self.sounding = seen.map(|signal| Sounding { signal, looks: 1, start: 0, peak: 0.0 });
            let end = self.crossing(&sounding, now, 0);
            let least = if sounding.signal == Signal::KP { MIN_KP } else { MIN_SAMPLES };
            let samples = end.saturating_sub(sounding.start);
            if sounding.looks > 1 && samples >= least {
                event(Event {
                    signal: sounding.signal,
                    start: sounding.start,
                    samples: u32::try_from(samples).unwrap_or(u32::MAX),
                    level_dbm0: level::power_to_dbm0(sounding.peak / 4.0),
                });
            }
        }
    }

    /// Squared amplitudes of a signal's tones at a look.
    fn power(&self, signal: Signal, look: u64) -> f32 {
        let (low, high) = signal.pair();
        let powers = &self.looks[look as usize % LOOKS];
        powers[low] + powers[high]
    }

    /// Where the amplitude passes half of its peak: the beginning within the last `back` looks, or the end at the latest.
    fn crossing(&self, sounding: &Sounding, now: u64, back: usize) -> u64 {
        let half = sounding.peak.sqrt() / 2.0;
        let amplitude = |look: u64| self.power(sounding.signal, look).sqrt();
        // Parts of a hop are fractions; the position is not, as it grows for ever.
        let from_middle = |look: u64, samples: f32| {
            let offset = (samples - (WINDOW / 2) as f32).floor();
            (look * HOP as u64).saturating_add_signed(offset as i64)
        };
        // From the full windows backwards, for the beginning.
        let mut look = now;
        let oldest = now.saturating_sub(back as u64);
        if back > 0 {
            while look > oldest && amplitude(look) >= half {
                look -= 1;
            }
            let (below, above) = (amplitude(look), amplitude(look + 1));
            let part = ((half - below) / (above - below).max(1e-9)).clamp(0.0, 1.0);
            return from_middle(look, part * HOP as f32);
        }
        while look > 1 && now - look < 8 && amplitude(look - 1) < half {
            look -= 1;
        }
        let (above, below) = (amplitude(look.saturating_sub(1)), amplitude(look));
        let part = ((above - half) / (above - below).max(1e-9)).clamp(0.0, 1.0);
        from_middle(look, (part - 1.0) * HOP as f32)
    }
}

/// The signal in a window, if two tones and nothing else sound.
fn signal(powers: &[f32; HZ.len()], total: f32) -> Option<Signal> {
    let mut order: [usize; HZ.len()] = std::array::from_fn(|i| i);
    order.sort_unstable_by(|a, b| powers[*b].total_cmp(&powers[*a]));
    let [first, second, third] = [powers[order[0]], powers[order[1]], powers[order[2]]];
    let alone = second >= MIN_POWER
        && first <= MAX_TWIST * second
        && second >= DOMINANCE * third
        && first + second >= SHARE * total;
    let (a, b) = (order[0].min(order[1]), order[0].max(order[1]));
    if alone { Signal::from_pair(a, b) } else { None }
}

per_processor! {
    /// Squared amplitudes at the six frequencies, and that of a single sine with all the energy.
    fn powers(samples: &[i16; WINDOW]) -> ([f32; HZ.len()], f32) {
        let mut sums = [[0.0f32; 8]; 2];
        let mut energy = 0.0f32;
        for (n, x) in samples.iter().enumerate() {
            let x = CARRIERS.window[n] * f32::from(*x);
            energy += x * x;
            for (sums, rows) in sums.iter_mut().zip([&CARRIERS.cosines[n], &CARRIERS.sines[n]]) {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += x * row;
                }
            }
        }
        let scale = 16.0 / (WINDOW * WINDOW) as f32;
        let power = |i: usize| scale * (sums[0][i] * sums[0][i] + sums[1][i] * sums[1][i]);
        (std::array::from_fn(power), energy * 16.0 / (3 * WINDOW) as f32)
    }
}

struct Carriers {
    window: [f32; WINDOW],
    cosines: [[f32; 8]; WINDOW],
    sines: [[f32; 8]; WINDOW],
}

static CARRIERS: Carriers = {
    let mut carriers =
        Carriers { window: [0.0; WINDOW], cosines: [[0.0; 8]; WINDOW], sines: [[0.0; 8]; WINDOW] };
    let mut n = 0;
    while n < WINDOW {
        carriers.window[n] = 0.5 - 0.5 * cosine(u32::MAX / WINDOW as u32 * n as u32);
        let mut i = 0;
        while i < HZ.len() {
            let phase = step_of_decihertz(HZ[i] as u32 * 10).wrapping_mul(n as u32);
            carriers.cosines[n][i] = cosine(phase);
            carriers.sines[n][i] = sine(phase);
            i += 1;
        }
        n += 1;
    }
    carriers
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_heard_as_well_after_a_year() {
        let year = 365 * 86_400 * 8000;
        let mut samples = vec![0; 1003];
        let mut generator = Generator::new();
        for signal in Signal::all() {
            generator.start(signal);
            let mut block = [0; 8];
            while generator.is_sending() {
                let taken = generator.process(&mut block);
                samples.extend_from_slice(&block[..taken]);
            }
        }
        let heard = |position: u64| {
            let mut heard = vec![];
            let mut detector = Detector { position, ..Detector::new() };
            detector.process(&samples, |event| heard.push(event));
            let from_there = heard.into_iter();
            from_there.map(|event| Event { start: event.start - position, ..event }).collect()
        };
        let fresh: Vec<Event> = heard(0);
        assert_eq!(fresh.len(), 15);
        assert_eq!(fresh, heard(year));
    }
}
