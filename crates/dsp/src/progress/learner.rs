//! Makes a plan of a recording.

use super::segment::{Burst, Change, Segmenter};
use crate::{
    SAMPLES_PER_MS,
    bank::Bank,
    tone::{MAX_SEGMENTS, Program, Segment, Tone},
    tone_plan::{Name, TonePlan},
};

/// Bursts that are remembered; later ones are ignored.
const MAX_BURSTS: usize = 256;

/// Listens to a recording of an exchange and makes a plan of its tones.
///
/// Record one tone after the other: a continuous one for two seconds or more, each other for two periods or more.
#[derive(Clone, Debug)]
pub struct Learner {
    bank: Bank,
    segmenter: Segmenter,
    bursts: Vec<Burst>,
}

impl Default for Learner {
    fn default() -> Learner {
        Learner::new()
    }
}

/// A burst of at least this length that is alone is a continuous tone, samples: 1.8 s.
const CONTINUOUS: u64 = 1800 * SAMPLES_PER_MS as u64;

/// A pause from which a cadence is that of ringing, samples: 1.4 s.
const RINGING_PAUSE: u32 = 1400 * SAMPLES_PER_MS;

/// A longer pause is that of call waiting if the burst is short, samples: 5.5 s and 0.6 s.
const WAITING_PAUSE: u32 = 5500 * SAMPLES_PER_MS;
const WAITING_BURST: u32 = 600 * SAMPLES_PER_MS;

/// A pause that ends a tone, samples: 12 s.
const LONGEST_PAUSE: u64 = 12_000 * SAMPLES_PER_MS as u64;

/// A period of a busy tone and above, samples: E.180 has 0.3 to 1.1 s of one, and shorter ones for congestion.
const BUSY_PERIOD: u32 = 550 * SAMPLES_PER_MS;

impl Learner {
    /// A learner that has heard nothing.
    pub fn new() -> Learner {
        Learner {
            bank: Bank::new(),
            segmenter: Segmenter::new(),
            bursts: Vec::with_capacity(MAX_BURSTS),
        }
    }

    /// Listens.
    pub fn process(&mut self, mut samples: &[i16]) {
        while !samples.is_empty() {
            let reached;
            (reached, samples) = self.bank.take(samples);
            if reached
                && let Change::Ended(burst) = self.segmenter.hear(&self.bank)
                && self.bursts.len() < MAX_BURSTS
            {
                self.bursts.push(burst);
            }
        }
    }

    /// The tones that were heard, as a plan of this code and name. What sounds at the end of the recording is taken as
    /// it is. Two tones that would have one name are told apart as busy (the slower) and congestion; others are left out.
    pub fn plan(mut self, code: &str, country: &str) -> TonePlan {
        // Silence ends what still sounds.
        self.process(&[0; 8 * 128]);
        let mut plan = TonePlan::new(code, country);
        let mut rest = &self.bursts[..];
        while !rest.is_empty() {
            let (learnt, used) = first_tone(rest);
            rest = &rest[used.max(1)..];
            if let Some(learnt) = learnt {
                learnt.put(&mut plan);
            }
        }
        plan
    }
}

/// A tone that was learnt.
struct Learnt {
    name: Name,
    program: Program,
}

impl Learnt {
    fn put(self, plan: &mut TonePlan) {
        let Learnt { mut name, mut program } = self;
        if name == Name::Busy
            && let Some(other) = plan.tone(Name::Busy).copied()
        {
            let (ours, theirs) = (period_of(&program), period_of(&other));
            if program.segments().len() == other.segments().len()
                && ours.abs_diff(theirs) * 8 < ours
            {
                return;
            }
            // Of two even cadences the slower is busy (E.180 §6), of others the simpler.
            name = Name::Congestion;
            let is_busy = (program.segments().len(), theirs) < (other.segments().len(), ours);
            if is_busy {
                plan.set(Name::Busy, program);
                program = other;
            }
        }
        if plan.tone(name).is_none() {
            plan.set(name, program);
        }
    }
}

/// The tone that these bursts begin with, and how many of them it takes.
fn first_tone(bursts: &[Burst]) -> (Option<Learnt>, usize) {
    // The recording may have begun within the first burst.
    for (skipped, period) in
        [0, 1].into_iter().flat_map(|skipped| (1..=MAX_SEGMENTS / 2).map(move |p| (skipped, p)))
    {
        let Some(bursts) = bursts.get(skipped..).filter(|_| skipped == 0 || is_cut(bursts, period))
        else {
            continue;
        };
        let repeated = (0..).take_while(|n| repeats(bursts, *n, period)).count();
        if repeated >= period {
            let bursts = &bursts[..repeated + period];
            let program = cadence(bursts, period);
            let name = name_of(&program);
            return (Some(Learnt { name, program }), skipped + bursts.len());
        }
    }
    let [first, ..] = bursts else { return (None, 1) };
    if first.end - first.start < CONTINUOUS {
        return (None, 1);
    }
    let program = Program::continuous(first.sound.tone());
    (Some(Learnt { name: Name::Dial, program }), 1)
}

/// Whether the first burst may be the end of one that comes again a period later.
fn is_cut(bursts: &[Burst], period: usize) -> bool {
    let [first, ..] = bursts else { return false };
    let later = bursts.get(period);
    later.is_some_and(|later| {
        first.sound.is_heard_as(&later.sound) && first.end - first.start < later.end - later.start
    })
}

/// Whether burst `n` and the pause after it come again a period later. After the last burst of a tone no pause is known.
fn repeats(bursts: &[Burst], n: usize, period: usize) -> bool {
    let Some(later) = bursts.get(n + period) else { return false };
    let (now, then) = (pause(bursts, n), pause(bursts, n + period));
    let is_last = n + period + 1 == bursts.len() || then > LONGEST_PAUSE;
    same_burst(&bursts[n], later) && now <= LONGEST_PAUSE && (is_last || same_length(now, then))
}

/// Samples from the end of a burst to the next.
fn pause(bursts: &[Burst], n: usize) -> u64 {
    bursts.get(n + 1).map_or(0, |next| next.start.saturating_sub(bursts[n].end))
}

fn same_burst(a: &Burst, b: &Burst) -> bool {
    a.sound.is_heard_as(&b.sound) && same_length(a.end - a.start, b.end - b.start)
}

/// Within a tenth and 20 ms.
fn same_length(a: u64, b: u64) -> bool {
    a.abs_diff(b) <= a.max(b) / 10 + 20 * u64::from(SAMPLES_PER_MS)
}

/// The mean cadence of bursts of which each comes again a period later.
fn cadence(bursts: &[Burst], period: usize) -> Program {
    let mut segments = [Segment::silence_ms(0); MAX_SEGMENTS];
    let mut count = 0;
    for n in 0..period {
        let same = || (n..bursts.len()).step_by(period);
        // The last burst may be cut off.
        let whole = same().filter(|at| *at + 1 < bursts.len() || *at == n);
        let samples = mean(whole.map(|n| bursts[n].end - bursts[n].start));
        let off = mean(same().filter(|n| n + 1 < bursts.len()).map(|n| pause(bursts, n)));
        segments[count] = Segment { tone: bursts[n].sound.tone(), samples };
        count += 1;
        // Sounds that follow each other without a pause are told apart to some milliseconds.
        if off >= 40 * SAMPLES_PER_MS {
            segments[count] = Segment { tone: Tone::SILENCE, samples: off };
            count += 1;
        }
    }
    Program::repeating(&segments[..count], 0)
}

fn mean(lengths: impl Iterator<Item = u64>) -> u32 {
    let (sum, count) = lengths.fold((0, 0), |(sum, count), length| (sum + length, count + 1));
    (sum / count.max(1)) as u32
}

/// Samples of all segments.
fn period_of(program: &Program) -> u32 {
    program.segments().iter().map(|segment| segment.samples).fold(0, u32::saturating_add)
}

/// What a cadence is for, after E.180.
fn name_of(program: &Program) -> Name {
    let segments = program.segments();
    let silences = segments.iter().filter(|segment| segment.tone.is_silence());
    let pause = silences.map(|segment| segment.samples).max().unwrap_or(0);
    let bursts: Vec<&Segment> =
        segments.iter().filter(|segment| !segment.tone.is_silence()).collect();
    let hz = |segment: &Segment| segment.tone.components().next().map_or(0.0, |(hz, _)| hz);
    let burst: u32 = bursts.iter().map(|segment| segment.samples).sum();
    // E.180 §9: three rising frequencies between 900 and 1900 Hz.
    if let [a, b, c] = bursts[..]
        && hz(a) > 850.0
        && hz(a) < hz(b)
        && hz(b) < hz(c)
    {
        return Name::Information;
    }
    match pause {
        pause if pause >= WAITING_PAUSE || pause >= RINGING_PAUSE && burst < WAITING_BURST => {
            if burst >= WAITING_BURST {
                Name::Ringback
            } else {
                Name::CallWaiting
            }
        }
        pause if pause >= RINGING_PAUSE => Name::Ringback,
        _ if period_of(program) >= BUSY_PERIOD => Name::Busy,
        _ => Name::Congestion,
    }
}
