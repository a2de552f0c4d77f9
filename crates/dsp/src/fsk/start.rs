//! The mark signal, and where it ends: the first start bit, with nothing known yet about space, the edges of bits and their
//! length.

use super::Standard;
use super::look;
use super::trellis::{
    BIT, Carriers, Match, Matches, RANGE, TAPS, Tone, Trellis, carriers, matches_at, steps,
};
use crate::oscillator::{cosine, sine, turns};

/// Marks before the start bit that the search explains too.
pub(super) const MARKS: u32 = 2;

/// Bits that the coarse search looks at, and the fine one: a character and most of the next.
const COARSE_BITS: f32 = 12.0;
const FINE_BITS: f32 = 20.0;

/// Marks after which the signal counts as one.
pub(super) const SETTLED: u32 = 6;

/// How much of an error the mark's loop takes over, by bit.
const PHASE_GAIN: f32 = 0.25;
const STEP_GAIN: f32 = 0.03;
const AMPLITUDE_GAIN: f32 = 0.06;

/// Two bits on end that hold less of the mark than this, of 2, may have a start bit in them.
const EDGE: f32 = 1.45;

/// A carrier is lost when this little of the mark is there.
const LOST: f32 = 0.35;

/// How far from the standard's length bits usually are, relative.
const USUAL: f32 = 0.012;

/// By how much a start must be likelier than more marks, in units of the noise.
const LIKELIER: f32 = 8.0;

/// The standards whose mark this may be, turns a sample.
pub(super) fn standards(wanted: Option<Standard>, step: f32) -> impl Iterator<Item = Standard> {
    [Standard::Bell202, Standard::V23].into_iter().filter(move |standard| {
        let mark = steps(*standard).0;
        wanted.is_none_or(|wanted| wanted == *standard) && (step / mark - 1.0).abs() < RANGE
    })
}

/// The mark at the beginning of a bit.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: f32,
    /// Turns.
    phase: f32,
    tone: Tone,
    noise: f32,
    /// How much of it was in the bit before, of 1.
    found: f32,
}

/// Follows the mark signal.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    /// The last one first.
    recent: [Mark; 5],
    pub count: u32,
    steady: f32,
    /// Standard, space and the length of bits, from characters before.
    known: Option<(Standard, Tone, f32)>,
    carriers: Carriers,
}

impl Marks {
    /// After the look saw this tone up to sample 0.
    pub fn new(tone: look::Tone) -> Marks {
        let mark = Tone { amplitude: tone.amplitude, step: tone.step };
        Marks::from(
            Mark { at: 0.0, phase: tone.phase, tone: mark, noise: tone.noise, found: 1.0 },
            None,
        )
    }

    /// After characters.
    pub fn after(standard: Standard, trellis: &Trellis) -> Marks {
        let mark = Mark {
            at: trellis.at,
            phase: trellis.phase(),
            tone: trellis.mark,
            noise: trellis.noise,
            found: 1.0,
        };
        let mut marks = Marks::from(mark, Some((standard, trellis.space, trellis.bit)));
        // Marks were there before too.
        for (back, mark) in marks.recent.iter_mut().enumerate() {
            mark.at -= back as f32 * BIT;
            mark.phase -= back as f32 * BIT * mark.tone.step;
        }
        marks.count = SETTLED;
        marks
    }

    fn from(mark: Mark, known: Option<(Standard, Tone, f32)>) -> Marks {
        let step = mark.tone.step;
        Marks { recent: [mark; 5], count: 0, steady: 1.0, known, carriers: carriers(step, step) }
    }

    /// Samples that the next step needs.
    pub fn end(&self) -> usize {
        (self.recent[0].at + BIT + 1.5) as usize + 1
    }

    /// The first sample that may be looked at again.
    pub fn oldest(&self) -> usize {
        (self.recent[4].at - BIT).max(0.0) as usize
    }

    /// Samples were taken away before all that is kept.
    pub fn shift(&mut self, samples: f32) {
        for mark in &mut self.recent {
            mark.at -= samples;
        }
    }

    /// Whether this is a mark signal no more, or never was.
    pub fn is_lost(&self) -> bool {
        self.steady < LOST
    }

    /// Takes the next bit time. Says whether a start bit may have been in it.
    pub fn take(&mut self, samples: &[f32]) -> bool {
        let now = self.recent[0];
        let Matches { mark: Match { re, im, .. }, energy, .. } =
            matches_at(&self.carriers, samples, now.at, [now.tone.step; 2]);
        let phase = turns(now.phase);
        let scale = 2.0 / (now.tone.amplitude * BIT);
        let found = scale * (re * cosine(phase) + im * sine(phase));
        let error = (scale * (im * cosine(phase) - re * sine(phase))).clamp(-0.6, 0.6);
        let settled = |early: f32, late: f32| if self.count < 8 { early } else { late };
        let mut next = now;
        next.found = found;
        next.at += BIT;
        next.phase += now.tone.step * BIT + PHASE_GAIN * error / std::f32::consts::TAU;
        next.phase -= next.phase.floor();
        next.tone.step +=
            settled(STEP_GAIN, STEP_GAIN / 3.0) * error / (std::f32::consts::TAU * BIT);
        next.tone.amplitude *=
            1.0 + settled(3.0 * AMPLITUDE_GAIN, AMPLITUDE_GAIN) * (found.clamp(0.3, 1.7) - 1.0);
        let explained = 2.0 / BIT * (re * re + im * im);
        let left = ((energy - explained) / (BIT - 2.0)).max(0.0);
        // Not what an edge leaves.
        if found > 0.6 {
            next.noise += 0.06 * (left - next.noise);
        }
        self.recent.copy_within(..4, 1);
        self.recent[0] = next;
        self.count += 1;
        self.steady += 0.15 * (found.clamp(-0.5, 1.5) - self.steady);
        self.count > SETTLED && found + now.found < EDGE
    }
}

/// Waits for what comes after the edge.
#[derive(Clone, Debug)]
pub(super) struct Start {
    /// The first place of the start bit that is tried.
    from: f32,
}

impl Start {
    /// With a start bit in the last two bit times of the marks.
    pub fn new(marks: &Marks) -> Start {
        Start { from: marks.recent[2].at - 0.5 * BIT }
    }

    pub fn shift(&mut self, samples: f32) {
        self.from -= samples;
    }

    /// Samples needed to decide.
    pub fn end(&self) -> usize {
        (self.from + (2.0 + FINE_BITS + 1.5) * BIT) as usize + TAPS
    }

    /// The likeliest way in which characters begin here, if that is likelier than that they do not.
    pub fn decide(
        &self,
        marks: &Marks,
        wanted: Option<Standard>,
        samples: &[f32],
    ) -> Option<(Standard, Trellis)> {
        let span = |bits: f32| (self.from - MARKS as f32 * BIT, self.from + (2.0 + bits) * BIT);
        let coarse = Best::of(self.coarse(marks, wanted), marks, span(COARSE_BITS), samples)?;
        let is_known = marks.known.is_some();
        let fine = Best::of(coarse.neighbours(1.0, is_known), marks, span(FINE_BITS), samples)?;
        let fine = Best::of(fine.neighbours(0.5, is_known), marks, span(FINE_BITS), samples)?;
        // Beside it, that the marks go on.
        let mut marking = fine.guess.begin(marks);
        for _ in 0..fine.trellis.count {
            marking.take(samples);
            marking.force(true);
        }
        let ahead = fine.trellis.likelihood() - marking.likelihood();
        // A mark first: the start bit is farther on, or nowhere.
        let is_start = fine.trellis.bits() >> (fine.trellis.count - 1 - MARKS) & 1 == 0;
        (is_start && ahead > LIKELIER * fine.trellis.noise)
            .then_some((fine.guess.standard, fine.trellis))
    }

    /// Every place of the edge, and levels of space in steps of 8 dB and lengths of bits in steps of 3 %, unless
    /// those are known.
    fn coarse(&self, marks: &Marks, wanted: Option<Standard>) -> impl Iterator<Item = Guess> {
        const PLACES: u32 = 12;
        const LEVELS: [f32; 3] = [1.0, 0.4, 2.5];
        const LENGTHS: [f32; 3] = [BIT, 0.97 * BIT, 1.03 * BIT];
        let mark = marks.recent[4].tone;
        let places = (0..PLACES).map(move |n| n as f32 * (2.0 * BIT / PLACES as f32));
        let wanted = marks.known.map_or(wanted, |(standard, ..)| Some(standard));
        standards(wanted, mark.step).flat_map(move |standard| {
            let (mark_step, space_step) = steps(standard);
            // A sender's clock is off for both alike.
            let step = space_step * (mark.step / mark_step);
            let carriers = carriers(mark.step, step);
            let tries = if marks.known.is_some() { 1 } else { LEVELS.len() * LENGTHS.len() };
            let places = places.clone();
            (0..tries).flat_map(move |n| {
                let (level, length) = (LEVELS[n / LENGTHS.len()], LENGTHS[n % LENGTHS.len()]);
                let guessed = Tone { amplitude: mark.amplitude * level, step };
                let (space, bit) =
                    marks.known.map_or((guessed, length), |(_, space, bit)| (space, bit));
                places.clone().map(move |n| Guess {
                    standard,
                    carriers,
                    space,
                    at: self.from + n,
                    bit,
                })
            })
        })
    }
}

/// All that is unknown.
#[derive(Clone, Copy, Debug)]
struct Guess {
    standard: Standard,
    carriers: Carriers,
    space: Tone,
    /// Where the start bit begins.
    at: f32,
    bit: f32,
}

impl Guess {
    fn began(&self) -> f32 {
        self.at - MARKS as f32 * self.bit
    }

    /// After the last marks.
    fn begin(&self, marks: &Marks) -> Trellis {
        let mark = marks.recent[4];
        let phase = mark.phase + mark.tone.step * (self.began() - mark.at);
        let mut noise = marks.recent[0].noise;
        noise = noise.max(mark.tone.amplitude * mark.tone.amplitude * 1e-4);
        let tones = [mark.tone, self.space];
        let mut trellis =
            Trellis::new(self.standard, self.carriers, tones, self.began(), phase, self.bit);
        trellis.noise = noise;
        trellis
    }

    /// Up to sample `end`, and how much of the samples from `from` on it explains.
    fn follow(&self, marks: &Marks, (from, end): (f32, f32), samples: &[f32]) -> (f32, Trellis) {
        let mut trellis = self.begin(marks);
        for _ in 0..MARKS {
            trellis.take(samples);
            trellis.force(true);
        }
        let (mut before, mut at) = (trellis.likelihood(), trellis.at);
        while trellis.at < end {
            (before, at) = (trellis.likelihood(), trellis.at);
            trellis.take(samples);
        }
        // All guesses are weighed by the same samples: with marks before, and a part of the last bit.
        let level = marks.recent[4].tone.amplitude;
        let marks_before = (self.began() - from) * level * level / 4.0;
        let part = (end - at) / (trellis.at - at);
        let prior = ((self.bit / BIT - 1.0) / USUAL).powi(2) / 2.0 * trellis.noise;
        (marks_before + before + part * (trellis.likelihood() - before) - prior, trellis)
    }
}

/// The likeliest guess, and where it leads.
struct Best {
    guess: Guess,
    trellis: Trellis,
}

impl Best {
    fn of(
        guesses: impl Iterator<Item = Guess>,
        marks: &Marks,
        span: (f32, f32),
        samples: &[f32],
    ) -> Option<Best> {
        let mut best: Option<(f32, Best)> = None;
        for guess in guesses {
            let (explained, trellis) = guess.follow(marks, span, samples);
            if best.as_ref().is_none_or(|(most, _)| explained > *most) {
                best = Some((explained, Best { guess, trellis }));
            }
        }
        best.map(|(_, best)| best)
    }

    /// Close to this one: the edge a bit off, bits 1.5 % longer or shorter.
    fn neighbours(&self, near: f32, is_bit_known: bool) -> impl Iterator<Item = Guess> {
        let Guess { standard, carriers, at, bit, .. } = self.guess;
        let space = self.trellis.space;
        let lengths = if is_bit_known { &[0.0][..] } else { &[0.0, -0.015, 0.015] };
        lengths.iter().flat_map(move |longer| {
            [0.0, -0.4, 0.4].map(|off| Guess {
                standard,
                carriers,
                space,
                at: at + near * off,
                bit: bit * (1.0 + near * longer),
            })
        })
    }
}
