//! The special information tone (E.180 §7), whatever the plan says: three rising tones of a third of a second.
//!
//! ```text
//!   frame ─► which of three bands has most of the power ─► runs of one band ─► 250 to 420 ms of one frequency?
//!     ─► low, middle, high, with hardly a gap: the tone
//! ```
//!
//! Networks differ in the rest: the bands hold 950, 1400 and 1800 Hz ± 50 of E.180 and the eight variants of North America
//! (913.8 or 985.2, 1370.6 or 1428.5, 1776.7 Hz; 274 or 380 ms each), and 1.5 % more.

use super::segment::nearer_to_half;
use crate::{
    SAMPLES_PER_MS,
    bank::{Bank, Complex, Frame, HOP, KEPT, SPACING_HZ, WINDOW, filled, hz_of_turns, response},
    level,
    tone::{FOREVER, Program, Tone},
};

/// Where one of the three tones lies.
struct Band {
    /// The frequencies of the bank that show it, in spacings.
    spacings: [usize; 2],
    least_hz: f32,
    most_hz: f32,
}

const BANDS: [Band; 3] = [
    Band { spacings: [9, 10], least_hz: 898.0, most_hz: 1002.0 },
    Band { spacings: [13, 14], least_hz: 1348.0, most_hz: 1453.0 },
    Band { spacings: [17, 18], least_hz: 1742.0, most_hz: 1839.0 },
];

/// Squared amplitude of the weakest tone, -48 dBm0.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 7.6e-6;

/// Share of all power that a tone has in a frame: noise at 8 dB SNR leaves 0.86 and hardly ever 0.7.
const MIN_SHARE: f32 = 0.55;

/// Of all products of neighbours the part that is in phase: 1 for a steady tone.
const MIN_COHERENCE: f32 = 0.9;

/// By how much noise may move the frequency of a frame, Hz.
const JITTER_HZ: f32 = 10.0;

/// Samples of a tone: 250 to 420 ms, and 8 ms for what noise does to its edges.
const LENGTHS: std::ops::RangeInclusive<u64> = 242 * MS..=428 * MS;

/// Longest gap between two tones, samples: 50 ms, and 10 ms for the edges.
const LONGEST_GAP: u64 = 60 * MS;

/// Samples after a tone in which the next has shown: the gap, and what it takes to see the end and the beginning.
const SHOWN: u64 = 120 * MS;

/// Pause before the tone is repeated, samples: 1 s in most plans.
const PAUSE: u64 = 1000 * MS;

/// Frames without the band that end a run.
const MAX_MISSED: u32 = 3;

/// Frames after which it is looked where a run began.
const EARLY: usize = 12;

const MS: u64 = SAMPLES_PER_MS as u64;

/// The three tones were heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Information {
    pub start: u64,
    /// One after the last sample.
    pub end: u64,
    /// All three frequencies, the lowest first.
    pub tone: Tone,
}

/// Follows the three tones.
#[derive(Clone, Debug)]
pub(super) struct Trio {
    run: Option<Run>,
    heard: [One; 3],
    count: usize,
}

/// One of the three.
#[derive(Clone, Copy, Debug)]
struct One {
    start: u64,
    end: u64,
    hz: f32,
    dbm0: f32,
}

/// Frames with one band's tone.
#[derive(Clone, Copy, Debug)]
struct Run {
    band: usize,
    /// Number of the first frame.
    first: u64,
    missed: u32,
    /// Sums over frames that came after one with the tone: what the band shows, the tone's own power, how many.
    shown: f32,
    power: f32,
    frames: u16,
    /// Products of neighbours, and their magnitudes.
    products: Complex,
    magnitudes: f32,
    start: Option<u64>,
}

/// What a frame shows of a tone in a band.
#[derive(Clone, Copy)]
struct Seen {
    band: usize,
    power: f32,
    product: Complex,
}

impl Trio {
    pub const fn new() -> Trio {
        let one = One { start: 0, end: 0, hz: 0.0, dbm0: 0.0 };
        Trio { run: None, heard: [one; 3], count: 0 }
    }

    /// Whether the tone has begun, as far as can be told.
    pub const fn is_hearing(&self) -> bool {
        self.count > 0
    }

    /// Whether its first tone may have begun.
    pub fn may_begin(&self) -> bool {
        self.count > 0 || self.run.is_some_and(|run| run.band == 0)
    }

    /// Listens to the newest frame.
    pub fn hear(&mut self, bank: &Bank) -> Option<Information> {
        let seen = seen(bank);
        let mut information = None;
        if let Some(run) = &mut self.run {
            match seen {
                Some(seen) if seen.band == run.band => run.add(bank, &seen),
                _ => run.missed += 1,
            }
            if run.missed >= MAX_MISSED {
                let (band, one) = (run.band, run.end(bank));
                self.run = None;
                information = one.and_then(|one| self.ended(band, one));
            }
        }
        if let (None, Some(seen)) = (self.run, seen) {
            self.run = Some(Run::begin(seen.band, bank.heard()));
        }
        if let Some(last) = self.count.checked_sub(1).map(|last| self.heard[last])
            && self.run.is_none_or(|run| run.band != self.count)
            && bank.position() > last.end + SHOWN
        {
            self.count = 0;
        }
        information
    }

    fn ended(&mut self, band: usize, one: One) -> Option<Information> {
        let follows = band == self.count
            && (band == 0 || one.start.saturating_sub(self.heard[band - 1].end) <= LONGEST_GAP);
        if !LENGTHS.contains(&(one.end - one.start)) || !follows && band != 0 {
            self.count = 0;
            return None;
        }
        self.heard[band] = one;
        self.count = band + 1;
        if self.count < self.heard.len() {
            return None;
        }
        self.count = 0;
        let tone = Tone::new(&self.heard.map(|one| (one.hz, one.dbm0)));
        Some(Information { start: self.heard[0].start, end: one.end, tone })
    }
}

impl Run {
    const fn begin(band: usize, first: u64) -> Run {
        Run {
            band,
            first,
            missed: 0,
            shown: 0.0,
            power: 0.0,
            frames: 0,
            products: Complex::ZERO,
            magnitudes: 0.0,
            start: None,
        }
    }

    fn add(&mut self, bank: &Bank, seen: &Seen) {
        let length = (bank.heard() - self.first) as usize;
        // The first windows are not full.
        if self.missed == 0 && length > 2 && self.frames < u16::MAX {
            self.frames += 1;
            self.shown += BANDS[self.band].shown(bank.frame(0));
            self.power += seen.power;
            self.products = self.products.plus(seen.product);
            self.magnitudes += seen.product.power().sqrt();
        }
        self.missed = 0;
        if self.start.is_none() && length >= EARLY {
            self.start = Some(self.first_sample(bank, length));
        }
    }

    /// The amplitude that the band shows in a frame, of that in a full window.
    fn share(&self, frame: &Frame) -> f32 {
        let full = self.shown / f32::from(self.frames.max(1));
        (BANDS[self.band].shown(frame) / full.max(1e-9)).sqrt()
    }

    /// Where the band passes half of its amplitude before a frame that is full.
    fn first_sample(&self, bank: &Bank, length: usize) -> u64 {
        let (mut at, mut share) = (length - 3, 1.0);
        for back in length - 2..(length + 6).min(KEPT) {
            let before = self.share(bank.frame(back));
            if before < 0.5 {
                (at, share) = nearer_to_half((at, share), (back, before));
                break;
            }
            (at, share) = (back, before);
        }
        let end = bank.position().saturating_sub((at * HOP) as u64);
        end.saturating_sub(filled(share) as u64)
    }

    fn last_sample(&self, bank: &Bank) -> u64 {
        let (mut at, mut after) = (0, 0.0);
        for back in 0..KEPT {
            let share = self.share(bank.frame(back));
            if share >= 0.5 {
                (at, after) = nearer_to_half((back, share), (back.saturating_sub(1), after));
                break;
            }
            after = share;
        }
        let begin = bank.position().saturating_sub((at * HOP + WINDOW) as u64);
        begin + filled(after) as u64
    }

    /// The tone, if it was one.
    fn end(&self, bank: &Bank) -> Option<One> {
        let start = self.start?;
        let band = &BANDS[self.band];
        let hz = hz_of_turns(self.products.turns(), (band.least_hz + band.most_hz) / 2.0);
        let coherent = self.products.power().sqrt() >= MIN_COHERENCE * self.magnitudes;
        if !coherent || !(band.least_hz..=band.most_hz).contains(&hz) {
            return None;
        }
        let dbm0 = level::power_to_dbm0(self.power / f32::from(self.frames.max(1)) / 2.0);
        Some(One { start, end: self.last_sample(bank).max(start), hz, dbm0 })
    }
}

impl Band {
    fn shown(&self, frame: &Frame) -> f32 {
        self.spacings.iter().map(|at| frame.power(*at)).sum()
    }

    /// The power of a tone here that has most of the frame, and its product with the frame before.
    fn sounds(&self, bank: &Bank) -> Option<(f32, Complex)> {
        let frame = bank.frame(0);
        // In the middle between both a sine shows with half of its power.
        if self.shown(frame) < 0.4 * MIN_SHARE * frame.total {
            return None;
        }
        let [low, high] = self.spacings;
        let at = if frame.power(low) > frame.power(high) { low } else { high };
        let (now, centre) = (frame.at(at), at as f32 * SPACING_HZ);
        let product = now.against(bank.frame(1).at(at));
        let hz = hz_of_turns(product.turns(), centre);
        if hz < self.least_hz - JITTER_HZ || hz > self.most_hz + JITTER_HZ {
            return None;
        }
        let left = response(hz - centre);
        let power = now.power() / (left * left);
        (power >= MIN_SHARE * frame.total && power >= MIN_POWER).then_some((power, product))
    }
}

fn seen(bank: &Bank) -> Option<Seen> {
    if bank.frame(0).total < MIN_POWER {
        return None;
    }
    BANDS.iter().enumerate().find_map(|(band, place)| {
        place.sounds(bank).map(|(power, product)| Seen { band, power, product })
    })
}

/// Whether this is heard here: the plan need not be asked.
pub(super) fn is_standard(program: &Program) -> bool {
    let mut bands = BANDS.iter();
    let mut sounds = program.segments().iter().filter(|segment| !segment.tone.is_silence());
    let fits = sounds.all(|segment| {
        let hz = segment.tone.components().next().map_or(0.0, |(hz, _)| hz);
        let band = bands.next();
        band.is_some_and(|band| (band.least_hz..=band.most_hz).contains(&hz))
            && segment.tone.components().count() == 1
            && LENGTHS.contains(&u64::from(segment.samples))
    });
    fits && bands.next().is_none()
}

/// Samples after which a tone that is not repeated is over: the longest pause of the plan's, an eighth and 100 ms more.
pub(super) fn over_after(program: Option<&Program>) -> u64 {
    let segments = program.map_or(&[][..], Program::segments).iter();
    let pauses = segments.filter(|segment| segment.tone.is_silence() && segment.samples < FOREVER);
    let pause = pauses.map(|pause| u64::from(pause.samples)).max().map_or(PAUSE, |x| x.max(PAUSE));
    pause + pause / 8 + 100 * MS
}
