//! Which tone of a plan has the rhythm that was heard.

use super::sound::Sound;
use crate::{
    SAMPLES_PER_MS,
    tone::{FOREVER, MAX_SEGMENTS, Program},
    tone_plan::Name,
};

/// Pauses that are not heard as such, samples: 64 ms.
const SHORTEST_PAUSE: u32 = 64 * SAMPLES_PER_MS;

/// Stretches that are remembered.
const REMEMBERED: usize = 12;

/// Kinds of stretches, a bit each.
pub(super) type Kinds = u32;

/// A pause, or something that no tone of the plan has.
pub(super) const PAUSE: Kinds = 1 << 31;

/// A sound that was not measured yet may be any.
pub(super) const ANY_SOUND: Kinds = !PAUSE;

/// The sounds that the tones of a plan have.
#[derive(Clone, Debug)]
pub(super) struct Sounds(Vec<Sound>);

impl Sounds {
    /// Which of them this may be; `PAUSE` if none.
    pub fn kinds(&self, heard: &Sound) -> Kinds {
        let bits = self.0.iter().enumerate().filter(|(_, sound)| sound.is_heard_as(heard));
        let kinds = bits.fold(0, |kinds, (n, _)| kinds | 1 << n);
        if kinds == 0 { PAUSE } else { kinds }
    }
}

/// The rhythm of one tone.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub name: Name,
    elements: Vec<Element>,
    repeat_from: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Element {
    kind: Kinds,
    samples: u32,
}

/// What was heard, the newest last.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    stretches: [Stretch; REMEMBERED],
    count: usize,
}

/// A pause or a burst.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub kinds: Kinds,
    pub start: u64,
    pub samples: u32,
}

/// How well a pattern fits what was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    /// Whole stretches on end that have the right length, up to the one that still lasts.
    pub evidence: usize,
    /// The same with the burst before them, which may have begun before it was heard.
    pub explained: usize,
    /// How far they are off, as the sum of relative squares.
    pub error: f32,
    /// Where the first of them began.
    pub start: u64,
    /// Samples that what lasts now should have; `FOREVER` if it is endless.
    pub wanted: u32,
    /// Whether what still lasts is an endless sound.
    pub is_endless: bool,
}

impl Pattern {
    /// The patterns of a plan and the sounds that they consist of.
    pub fn all<'a>(tones: impl Iterator<Item = (Name, &'a Program)>) -> (Vec<Pattern>, Sounds) {
        let mut sounds = Sounds(Vec::new());
        let patterns = tones.filter_map(|(name, program)| Pattern::of(name, program, &mut sounds));
        (patterns.collect(), sounds)
    }

    fn of(name: Name, program: &Program, sounds: &mut Sounds) -> Option<Pattern> {
        let mut elements: Vec<Element> = Vec::with_capacity(MAX_SEGMENTS);
        let mut repeat_from = program.repeat_from();
        for (n, segment) in program.segments().iter().enumerate() {
            let is_short = segment.tone.is_silence() && segment.samples < SHORTEST_PAUSE;
            let kind = if segment.tone.is_silence() {
                PAUSE
            } else {
                sounds.kind_of(&Sound::of_tone(&segment.tone))?
            };
            match elements.last_mut() {
                // What follows the same sound, or is too short a pause, makes the sound longer.
                Some(last) if is_short || last.kind == kind => {
                    last.samples = last.samples.saturating_add(segment.samples);
                    if let Some(first) = &mut repeat_from
                        && *first > 0
                        && program.repeat_from().is_some_and(|first| first >= n)
                    {
                        *first -= 1;
                    }
                }
                _ => elements.push(Element { kind, samples: segment.samples }),
            }
        }
        // A cadence of one sound without a pause that is heard does not end.
        if let (Some(0), [only]) = (repeat_from, &mut elements[..]) {
            only.samples = FOREVER;
            repeat_from = None;
        }
        (!elements.is_empty()).then_some(Pattern { name, elements, repeat_from })
    }

    /// Samples of a period; at least those of the longest part of what does not repeat.
    pub fn period(&self) -> u64 {
        let from = self.repeat_from.unwrap_or(0);
        self.elements[from..].iter().map(|element| u64::from(element.samples)).sum()
    }

    /// How many stretches a period has.
    pub fn stretches(&self) -> usize {
        self.elements.len()
    }

    /// Samples of the longest burst of this sound that has an end.
    pub fn longest_burst(&self, kinds: Kinds) -> Option<u32> {
        let bursts = self
            .elements
            .iter()
            .filter(|e| e.kind & kinds != 0 && e.kind != PAUSE && e.samples != FOREVER);
        bursts.map(|element| element.samples).max()
    }

    /// The best way to lay the pattern on what was heard, if what lasts now may be part of it.
    pub fn fit(&self, memory: &Memory) -> Option<Fit> {
        let fits = || (0..self.elements.len()).filter_map(|at| self.fit_at(memory, at));
        let explained = fits().map(|fit| fit.explained).max()?;
        let best =
            fits().max_by(|a, b| a.evidence.cmp(&b.evidence).then(b.error.total_cmp(&a.error)))?;
        Some(Fit { explained, ..best })
    }

    /// With what lasts now as this element.
    fn fit_at(&self, memory: &Memory, at: usize) -> Option<Fit> {
        let (now, before) = memory.heard().split_last()?;
        let element = self.elements[at];
        if now.kinds & element.kind == 0 || now.samples > element.longest() {
            return None;
        }
        let mut fit = Fit {
            evidence: 0,
            explained: 0,
            error: 0.0,
            start: now.start,
            wanted: element.samples,
            is_endless: element.samples == FOREVER && element.kind != PAUSE,
        };
        let mut at = at;
        // A pause counts if a burst comes before it.
        let mut pause = None;
        for stretch in before.iter().rev() {
            let fits = |at: &usize| self.elements[*at].error(stretch).map(|error| (*at, error));
            let Some((found, error)) = self.before(at).iter().flatten().find_map(fits) else {
                // The first burst may have begun before it was heard, and belongs to the tone then.
                let is_part = |at: &usize| {
                    let element = self.elements[*at];
                    element.kind & stretch.kinds & ANY_SOUND != 0
                        && stretch.samples < element.samples
                };
                if self.before(at).iter().flatten().any(is_part) {
                    let is_whole = usize::from(pause.is_some());
                    fit.evidence += is_whole;
                    fit.explained = fit.evidence + 1;
                    fit.error += pause.unwrap_or(0.0);
                    fit.start = stretch.start;
                }
                break;
            };
            at = found;
            if stretch.kinds == PAUSE {
                pause = Some(error);
                continue;
            }
            fit.evidence += 1 + usize::from(pause.is_some());
            fit.error += error + pause.take().unwrap_or(0.0);
            fit.start = stretch.start;
        }
        fit.explained = fit.explained.max(fit.evidence);
        Some(fit)
    }

    /// The elements that may come before one.
    fn before(&self, at: usize) -> [Option<usize>; 2] {
        let last = self.elements.len() - 1;
        [(self.repeat_from == Some(at)).then_some(last), at.checked_sub(1)]
    }
}

impl Element {
    /// Samples that it may last: 10 % more must do.
    fn longest(&self) -> u32 {
        // Of what has no end there is no more.
        self.samples.saturating_add(self.tolerance())
    }

    fn tolerance(&self) -> u32 {
        self.samples / 8 + 25 * SAMPLES_PER_MS
    }

    /// How far a stretch that is over is off, relative and squared; `None` if it is too far or another sound.
    fn error(&self, stretch: &Stretch) -> Option<f32> {
        let off = stretch.samples.abs_diff(self.samples);
        let fits =
            stretch.kinds & self.kind != 0 && self.samples != FOREVER && off <= self.tolerance();
        fits.then(|| (off as f32 / self.samples as f32).powi(2))
    }
}

impl Sounds {
    /// The bit of a sound that is in the list already, or is put there; `None` if there is no room.
    fn kind_of(&mut self, sound: &Sound) -> Option<Kinds> {
        if let Some(n) =
            self.0.iter().position(|known| known.is_heard_as(sound) && sound.is_heard_as(known))
        {
            return Some(1 << n);
        }
        if self.0.len() >= 31 {
            return None;
        }
        self.0.push(*sound);
        Some(1 << (self.0.len() - 1))
    }
}

impl Memory {
    pub const fn new() -> Memory {
        let pause = Stretch { kinds: PAUSE, start: 0, samples: 0 };
        Memory { stretches: [pause; REMEMBERED], count: 1 }
    }

    /// What was heard; the last still lasts.
    pub fn heard(&self) -> &[Stretch] {
        &self.stretches[..self.count]
    }

    pub fn last(&self) -> &Stretch {
        &self.stretches[self.count - 1]
    }

    /// Whether a pause lasts that is too short to be one.
    pub fn is_between(&self) -> bool {
        self.count > 1 && self.last().kinds == PAUSE && self.last().samples < SHORTEST_PAUSE
    }

    /// The last burst that began.
    pub fn last_burst(&self) -> Option<&Stretch> {
        self.heard().iter().rev().find(|stretch| stretch.kinds & PAUSE == 0)
    }

    /// What lasts now has lasted until here.
    pub fn lasts_until(&mut self, position: u64) {
        let last = &mut self.stretches[self.count - 1];
        last.samples = position.saturating_sub(last.start).min(FOREVER.into()) as u32;
    }

    /// What lasts now is one of these kinds. What turns out to be a pause goes on with the one before it.
    pub fn is(&mut self, kinds: Kinds) {
        self.stretches[self.count - 1].kinds = kinds;
        if let [.., before, last] = &mut self.stretches[..self.count]
            && before.kinds == PAUSE
            && last.kinds == PAUSE
        {
            before.samples = before.samples.saturating_add(last.samples);
            self.count -= 1;
        }
    }

    /// From here on it is something else.
    pub fn change(&mut self, kinds: Kinds, position: u64) {
        self.lasts_until(position);
        if self.last().kinds == PAUSE && kinds == PAUSE {
            return;
        }
        // What is too short a pause belongs to the burst before it, as in patterns.
        if let [.., before, last] = &mut self.stretches[..self.count]
            && last.kinds == PAUSE
            && last.samples < SHORTEST_PAUSE
        {
            before.samples = before.samples.saturating_add(last.samples);
            self.count -= 1;
        }
        if self.count == REMEMBERED {
            self.stretches.copy_within(1.., 0);
            self.count -= 1;
        }
        self.stretches[self.count] = Stretch { kinds, start: position, samples: 0 };
        self.count += 1;
    }

    /// Forgets all but what lasts now.
    pub fn forget(&mut self) {
        self.stretches[0] = *self.last();
        self.count = 1;
    }
}
