//! Who calls or answers: fax machines and modems, by the signals with which they say so.
//!
//! ```text
//!   samples ─► bank: 32 frequencies every 8 ms ─┬► steady tones: 1100, 1300, 2100, 2225 Hz
//!                                               │    └► of 2100 Hz: modulation by 15 Hz, reversals of the phase
//!                                               └► V.21 sounds? ─► its bits: flags of T.30, menus of V.8
//! ```
//!
//! | signal | says | by |
//! |---|---|---|
//! | [`Signal::Cng`] | a fax machine calls | T.30 §4.2: 1100 ± 38 Hz, 0.5 s |
//! | [`Signal::CallingTone`] | a data modem calls | V.25 §3.1: 1300 Hz |
//! | [`Signal::Ans`] | a fax machine (CED) or modem answers | T.30 §4.1, V.25 §3.2: 2100 ± 15 Hz, 2.6 to 4 s |
//! | [`Signal::AnsReversed`] | the same, and echo cancellers go | V.25 §3.2, G.168 §7: reversals every 450 ms |
//! | [`Signal::Ansam`], [`Signal::AnsamReversed`] | one that speaks V.8 answers | V.8 §6.2: modulated by 15 Hz |
//! | [`Signal::BellAnswer`] | a Bell 103 or 212 modem answers | 2225 Hz |
//! | [`Signal::Preamble`] | T.30 begins | T.30 §5.3.1: V.21 channel 2, flags for 1 s |
//! | [`Signal::CallIndicator`], [`Signal::CallMenu`], [`Signal::JointMenu`] | what for, in V.8 | V.8 §§5, 6 |
//!
//! A tone counts from -48.5 dBm0 on and where it has more than half of all power, as with noise 2 dB below it.

mod answer;
mod steady;
mod v21;

use answer::Answer;
use steady::{Spec, Steady, Step};
use v21::{Carrier, Channel};

use crate::{bank::Bank, level};

/// What a fax machine or modem says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The calling tone of fax, 1100 Hz.
    Cng,
    /// The calling tone of data modems, 1300 Hz.
    CallingTone,
    /// The answer tone 2100 Hz: CED of T.30, ANS of V.25.
    Ans,
    /// The answer tone with reversals of its phase.
    AnsReversed,
    /// The answer tone of V.8, modulated by 15 Hz.
    Ansam,
    /// The answer tone of V.8 with reversals of its phase.
    AnsamReversed,
    /// The answer tone of Bell modems, 2225 Hz.
    BellAnswer,
    /// Three HDLC flags on end in V.21 channel 2.
    Preamble,
    /// CI of V.8.
    CallIndicator(CallFunction),
    /// CM of V.8.
    CallMenu(CallFunction),
    /// JM of V.8.
    JointMenu(CallFunction),
}

/// What a V.8 call is for: its call function category (V.8 table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFunction {
    /// Left for later study.
    Unassigned,
    /// Multimedia (H.324).
    H324,
    /// Text telephone (V.18).
    V18,
    /// Videotex (T.101).
    T101,
    /// Fax, which the calling terminal sends (T.30).
    T30Transmit,
    /// Fax, which the calling terminal receives (T.30).
    T30Receive,
    /// Data, by a V-series modem.
    Data,
    /// In a further octet.
    Extended,
    /// The menu does not begin with a call function.
    Unknown,
}

/// What the detector heard. Positions count samples since the detector began to listen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A signal is certain and still sounds.
    Began {
        /// Which. An answer tone is first [`Signal::Ans`], as its kind takes longer to hear.
        signal: Signal,
        /// Its first sample; of V.21, where its carrier was first heard, or where another signal on that ended.
        start: u64,
        /// Its level, dBm0.
        level_dbm0: f32,
        /// Its frequency; of V.21 the mean of both.
        hz: f32,
    },
    /// The answer tone that began last turns out to be of another kind.
    Became {
        /// Which.
        signal: Signal,
        /// Where that was seen: the reversal, or the end of the stretch with 15 Hz.
        at: u64,
    },
    /// A signal has ended.
    Ended {
        /// Which: the last that it was told to be.
        signal: Signal,
        /// Its first sample.
        start: u64,
        /// How many samples it had.
        samples: u64,
        /// Its level, dBm0.
        level_dbm0: f32,
        /// Its frequency; of V.21 the mean of both.
        hz: f32,
    },
}

/// T.30 accepts 1100 ± 38 Hz, and ± 70 Hz must not do. 26 frames with the window before them are 230 ms.
const CNG: Spec =
    Spec { signal: Signal::Cng, spacings: 11, hz: 1100.0, accept_hz: 52.0, frames: 26 };

/// V.25 §3.1: ± 15 Hz.
const CALLING_TONE: Spec =
    Spec { signal: Signal::CallingTone, spacings: 13, hz: 1300.0, accept_hz: 17.0, frames: 26 };

/// G.168 §7 asks for ± 21 Hz; halfway to the ± 60 Hz that must not do.
const ANS: Spec =
    Spec { signal: Signal::Ans, spacings: 21, hz: 2100.0, accept_hz: 40.0, frames: 24 };

const BELL_ANSWER: Spec =
    Spec { signal: Signal::BellAnswer, spacings: 22, hz: 2225.0, accept_hz: 40.0, frames: 24 };

/// Recognises fax machines and modems in a stream.
#[derive(Clone, Debug)]
pub struct Detector {
    bank: Bank,
    ear: Ear,
}

/// The detector but for the spectrum.
#[derive(Clone, Debug)]
pub(crate) struct Ear {
    steady: [Steady; 3],
    ans: Steady,
    answer: Answer,
    carriers: [Carrier; 2],
}

impl Default for Detector {
    fn default() -> Detector {
        Detector::new()
    }
}

impl Detector {
    /// A detector that has heard nothing.
    pub fn new() -> Detector {
        Detector { bank: Bank::new(), ear: Ear::new() }
    }

    /// Listens. `event` hears of a few events every 8 ms at the most.
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
    pub fn new() -> Ear {
        Ear {
            steady: [CNG, CALLING_TONE, BELL_ANSWER].map(Steady::new),
            ans: Steady::new(ANS),
            answer: Answer::new(),
            carriers: [Channel::One, Channel::Two].map(Carrier::new),
        }
    }

    /// Listens to the newest frame.
    pub fn look(&mut self, bank: &Bank, event: &mut impl FnMut(Event)) {
        for steady in &mut self.steady {
            match steady.hear(bank) {
                Step::Nothing | Step::Sounds => {}
                Step::Began(began) => event(began),
                Step::Ended(ended) => event(ended.event(steady.spec().signal)),
            }
        }
        match self.ans.hear(bank) {
            Step::Nothing | Step::Sounds => {}
            Step::Began(began) => event(began),
            Step::Ended(ended) => event(ended.event(self.answer.signal())),
        }
        match self.ans.course() {
            Some(course) => {
                if let Some(at) = self.answer.hear(ANS, course, bank) {
                    event(Event::Became { signal: self.answer.signal(), at });
                }
            }
            None => self.answer.reset(),
        }
        for carrier in &mut self.carriers {
            carrier.hear(bank, event);
        }
    }
}

/// Squared amplitude of the weakest signal, -48.5 dBm0.
const MIN_POWER: f32 = 32768.0 * 32768.0 * 6.81e-6;

fn dbm0_of_power(squared_amplitude: f32) -> f32 {
    level::power_to_dbm0(squared_amplitude / 2.0)
}
