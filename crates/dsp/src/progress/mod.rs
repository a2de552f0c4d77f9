//! How a call goes, by what the exchange lets the caller hear: dial tone, ringing, busy and the like.
//!
//! ```text
//!   samples ─► bank: 32 frequencies every 8 ms ─► segment: bursts of one sound ─► sound: which frequencies
//!                                                   └► cadence: which tone of the plan has this rhythm ─► events
//!                                                   └► learner: which rhythm repeats ─► a plan
//!                                                └► information: three rising tones, whatever the plan ─► events
//! ```
//!
//! A [`Detector`] knows the tones of one [plan](crate::tone_plan). It tells a tone once no other of the plan can be
//! meant: a continuous one when it lasts longer than any burst of the same sound, a fast one after a burst and
//! a pause of the right length, a slow one after the burst and a part of its pause. Frequencies may be off by 2 %, bursts and pauses
//! by an eighth and 25 ms. A [`Learner`] makes a plan of what an unknown exchange sounds like.
//!
//! The special information tone is told with every plan, once its third tone is over: E.180 has it everywhere, and calls
//! from abroad end in it.
//!
//! Pauses shorter than 64 ms are not heard as such: a tone with shorter ones is taken for one without.
//!
//! ```
//! use tipring_dsp::{progress, tone::Player, tone_plan::{Name, TonePlan}};
//!
//! let plan = TonePlan::find("us").expect("built in");
//! let mut busy = vec![0; 16_000];
//! let mut player = Player::new();
//! player.start(*plan.tone(Name::Busy).expect("the us has one"));
//! player.process(&mut busy);
//!
//! let mut heard = vec![];
//! progress::Detector::new(plan).process(&busy, |event| heard.push(event));
//! assert!(matches!(heard[..], [progress::Event::Began { name: Name::Busy, .. }]));
//! ```

mod cadence;
mod information;
mod learner;
mod segment;
mod sound;

use cadence::{ANY_SOUND, Fit, Memory, PAUSE, Pattern, Sounds};
use information::{Information, Trio, is_standard, over_after};
pub use learner::Learner;
use segment::{Change, Segmenter};

use crate::{
    SAMPLES_PER_MS,
    bank::{Bank, KEPT},
    tone::{Program, Tone},
    tone_plan::{Name, TonePlan},
};

/// What the detector heard. Positions count samples since the detector began to listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A tone is certain and goes on.
    Began {
        /// Which.
        name: Name,
        /// The first sample of the first burst.
        start: u64,
        /// Its frequencies in Hz, and their levels in dBm0 while it sounds; of several sounds the last, but of the
        /// special information tone all three.
        tone: Tone,
    },
    /// The tone that began last has ended.
    Ended {
        /// Which.
        name: Name,
        /// The first sample of the first burst.
        start: u64,
        /// Samples from there to the end of the last burst.
        samples: u64,
    },
}

/// Recognises the tones of one plan in a stream.
#[derive(Clone, Debug)]
pub struct Detector {
    bank: Bank,
    ear: Ear,
}

/// The detector but for the spectrum.
#[derive(Clone, Debug)]
pub(crate) struct Ear {
    segmenter: Segmenter,
    sounds: Sounds,
    patterns: Vec<Pattern>,
    memory: Memory,
    /// What sounds, or sounded last.
    tone: Tone,
    /// What was told, by its place among the patterns.
    told: Option<Told>,
    trio: Trio,
    /// The special information tone that was told of and may come again, and when it does not.
    information: Option<Information>,
    over_after: u64,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    pattern: usize,
    start: u64,
}

/// A period from which a tone counts as slow, samples: 2.5 s.
const SLOW: u64 = 2500 * SAMPLES_PER_MS as u64;

/// So much of its pause has a slow tone told: two fifths, but 1.6 s at the most.
const PAUSE_TOLD: u32 = 1600 * SAMPLES_PER_MS;

/// By how much a burst outlasts the longest other one before it is taken for endless: an eighth and 100 ms, and 400 ms at least.
const LEAST_ENDLESS: u32 = 400 * SAMPLES_PER_MS;
const MORE_THAN_LONGEST: u32 = 100 * SAMPLES_PER_MS;

impl Detector {
    /// A detector of this plan's tones that has heard nothing.
    pub fn new(plan: &TonePlan) -> Detector {
        Detector { bank: Bank::new(), ear: Ear::new(plan) }
    }

    /// Listens. `event` hears of at most one end and one beginning every 8 ms.
    pub fn process(&mut self, mut samples: &[i16], mut event: impl FnMut(Event)) {
        while !samples.is_empty() {
            let reached;
            (reached, samples) = self.bank.take(samples);
            if reached {
                self.ear.look(&self.bank, &mut event);
            }
        }
    }

    /// Samples heard so far.
    pub fn position(&self) -> u64 {
        self.bank.position()
    }
}

impl Ear {
    pub fn new(plan: &TonePlan) -> Ear {
        let is_heard_here =
            |name: Name, program: &Program| name == Name::Information && is_standard(program);
        let tones = plan.tones().filter(|(name, program)| !is_heard_here(*name, program));
        let (patterns, sounds) = Pattern::all(tones);
        Ear {
            segmenter: Segmenter::new(),
            sounds,
            patterns,
            memory: Memory::new(),
            tone: Tone::SILENCE,
            told: None,
            trio: Trio::new(),
            information: None,
            over_after: over_after(plan.tone(Name::Information)),
        }
    }

    /// Listens to the newest frame.
    pub fn look(&mut self, bank: &Bank, event: &mut impl FnMut(Event)) {
        if let Some(heard) = self.trio.hear(bank) {
            self.inform(heard, event);
        }
        if let Some(last) = self.information
            && bank.position() > last.end + self.over_after
            && !self.trio.may_begin()
        {
            self.end_information(event);
        }
        let change = self.segmenter.hear(bank);
        match change {
            Change::Nothing => {}
            Change::Began => {
                if let Some(sounding) = self.segmenter.sounding(bank) {
                    self.begin(sounding.start);
                }
            }
            Change::Measured => self.measured(bank),
            Change::Ended(burst) => {
                // A short burst is measured when it is over.
                if self.memory.last().kinds != self.sounds.kinds(&burst.sound) {
                    self.begin(burst.start);
                }
                self.memory.is(self.sounds.kinds(&burst.sound));
                if self.memory.last().kinds != PAUSE {
                    self.tone = burst.sound.tone();
                }
                self.memory.change(PAUSE, burst.end);
            }
        }
        if self.memory.heard().len() == 1 && self.memory.last().kinds == PAUSE {
            return;
        }
        let sounding = self.segmenter.sounding(bank);
        self.memory.lasts_until(match (sounding, self.memory.last().kinds) {
            // What may be a burst may be the end of the pause.
            (Some(sounding), PAUSE) if sounding.sound.is_none() => sounding.start,
            (Some(sounding), kinds) if kinds != PAUSE => sounding.until,
            _ => bank.position(),
        });
        // While nothing changes time alone decides, and every 32 ms is enough. A short pause may be the step from one sound
        // to the next.
        let is_due = !matches!(change, Change::Nothing) || bank.heard().is_multiple_of(4);
        if is_due && !self.memory.is_between() && !self.trio.is_hearing() {
            self.decide(event);
        }
    }

    /// The burst that sounds is known by its frequencies.
    fn measured(&mut self, bank: &Bank) {
        let Some(sounding) = self.segmenter.sounding(bank) else { return };
        let Some(sound) = sounding.sound else { return };
        let kinds = self.sounds.kinds(&sound);
        if kinds == PAUSE && self.memory.last().kinds == PAUSE {
            return;
        }
        self.begin(sounding.start);
        self.memory.is(kinds);
        if kinds != PAUSE {
            self.tone = sound.tone();
        }
    }

    /// A burst lasts since this sample, if that is not known yet.
    fn begin(&mut self, start: u64) {
        if self.memory.last().kinds == PAUSE {
            self.memory.change(ANY_SOUND, start);
        }
    }

    fn decide(&mut self, event: &mut impl FnMut(Event)) {
        if let Some(told) = self.told {
            let goes_on = self.patterns[told.pattern].fit(&self.memory);
            if goes_on.is_some_and(|fit| fit.evidence > 0 || fit.is_endless) {
                return;
            }
            self.end_told(event);
        }
        let Some((pattern, fit)) = self.certain() else { return };
        let name = self.patterns[pattern].name;
        if name == Name::Information && self.information.is_some() {
            return;
        }
        self.end_information(event);
        self.told = Some(Told { pattern, start: fit.start });
        event(Event::Began { name, start: fit.start, tone: self.tone });
    }

    /// The tone that was told by its rhythm is over.
    fn end_told(&mut self, event: &mut impl FnMut(Event)) {
        let Some(told) = self.told.take() else { return };
        let end = self.memory.last_burst().map_or(told.start, |last| match last.kinds {
            kinds if kinds == self.memory.last().kinds => last.start,
            _ => last.start + u64::from(last.samples),
        });
        let name = self.patterns[told.pattern].name;
        let samples = end.saturating_sub(told.start);
        event(Event::Ended { name, start: told.start, samples });
        self.memory.forget();
    }

    /// The special information tone was heard, for the first time or again.
    fn inform(&mut self, heard: Information, event: &mut impl FnMut(Event)) {
        if let Some(last) = &mut self.information {
            last.end = heard.end;
            return;
        }
        self.end_told(event);
        self.information = Some(heard);
        let Information { start, tone, .. } = heard;
        event(Event::Began { name: Name::Information, start, tone });
    }

    fn end_information(&mut self, event: &mut impl FnMut(Event)) {
        let Some(Information { start, end, .. }) = self.information.take() else { return };
        event(Event::Ended { name: Name::Information, start, samples: end - start });
    }

    /// The tone that is certain by now.
    fn certain(&self) -> Option<(usize, Fit)> {
        let fits = || {
            let fits = self.patterns.iter().map(|pattern| pattern.fit(&self.memory)).enumerate();
            fits.filter_map(|(pattern, fit)| Some((pattern, fit?)))
        };
        let now = self.memory.last();
        let most = fits().map(|(_, fit)| fit.evidence).max()?;
        let (best, fit) = fits()
            .filter(|(_, fit)| fit.evidence == most)
            .min_by(|a, b| a.1.error.total_cmp(&b.1.error))?;
        let pattern = &self.patterns[best];
        if most == 0 {
            let (endless, fit) = fits().find(|(_, fit)| fit.is_endless)?;
            let bursts =
                self.patterns.iter().filter_map(|pattern| pattern.longest_burst(now.kinds));
            let longest = bursts.max().map_or(0, |x| x.saturating_add(x / 8 + MORE_THAN_LONGEST));
            return (now.kinds != ANY_SOUND && now.samples >= longest.max(LEAST_ENDLESS))
                .then_some((endless, fit));
        }
        // Several are told apart by what comes next, until a longer pattern has gone round twice.
        let rivals = || fits().filter(|(other, fit)| *other != best && fit.explained >= most);
        let round = rivals().map(|(other, _)| self.patterns[other].stretches()).max().unwrap_or(0);
        if most < 2 * round.max(pattern.stretches()) && rivals().next().is_some() {
            return None;
        }
        let told_after = (fit.wanted / 5 * 2).min(PAUSE_TOLD);
        let is_whole = now.kinds == PAUSE && most + 1 >= pattern.stretches();
        let is_slow = pattern.period() >= SLOW && is_whole && now.samples >= told_after;
        (most >= 2 || is_slow).then_some((best, fit))
    }
}
