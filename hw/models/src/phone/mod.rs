//! A telephone and the person at it.
//!
//! ```text
//!   Socket ──► ringer, polarity, loop ─┐
//!   heard  ──► on-hook:  display (FSK) ─┼─► PhoneEvent
//!          └─► off-hook: tones, DTMF ──┘
//!   people ──► hook, Dialler, mouth ──► hook switch, spoken
//! ```
//!
//! | hook | dialler    | loop   | speaks       | hears          |
//! |------|------------|--------|--------------|----------------|
//! | on   | –          | open   | –            | caller ID      |
//! | off  | idle       | closed | the mouth    | tones, digits  |
//! | off  | key down   | closed | DTMF         | tones, digits  |
//! | off  | break      | open   | –            | –              |

use std::collections::VecDeque;
use std::sync::Arc;

mod dialler;
mod display;
mod dtmf;
mod ear;
mod fsk;
mod spectrum;
mod tones;

pub use dialler::Dialling;
pub use display::{CallerId, CallerIdStandard};
pub use tones::ToneName;

use crate::twowire::Socket;
use crate::{BLOCK_SAMPLES, STEP_SAMPLES};
use dialler::{Dialler, Doing};
use display::Display;
use dtmf::{DigitEar, DigitVoice};
use ear::Ear;
use spectrum::Level;
use tones::ToneEar;

/// Something the person at the phone notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneEvent {
    /// The bell begins or stops ringing: one pair for each burst.
    Ring {
        /// True: rings.
        on: bool,
    },
    /// The display shows a caller.
    CallerId(CallerId),
    /// The message-waiting lamp.
    MessageWaiting {
        /// True: lit.
        on: bool,
    },
    /// Tip and ring were swapped.
    Polarity {
        /// True: reversed now.
        reversed: bool,
    },
    /// The feed went away or came back.
    Loop {
        /// True: no voltage on the wires.
        open: bool,
    },
    /// A call-progress tone is recognised or has ended.
    Tone {
        /// Which.
        name: ToneName,
        /// True: it sounds.
        on: bool,
    },
    /// A DTMF digit was heard.
    Digit(char),
}

/// Why a phone cannot do what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneError {
    /// The receiver is on the hook.
    OnHook,
    /// A character that the dial does not have.
    BadDigit(char),
    /// More digits than the dialler queues.
    TooManyDigits,
    /// A time of zero, or longer than 10 s.
    BadTiming,
}

impl std::fmt::Display for PhoneError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OnHook => f.write_str("the phone is on-hook"),
            Self::BadDigit(digit) => write!(f, "{digit:?} is not on the dial"),
            Self::TooManyDigits => f.write_str("too many digits are waiting to be dialled"),
            Self::BadTiming => f.write_str("times must be above 0 and at most 10 s"),
        }
    }
}

impl std::error::Error for PhoneError {}

/// A telephone: two people could not tell it from a real one through the wires.
#[derive(Clone, Debug, Default)]
pub struct PhoneSet {
    off_hook: bool,
    dialler: Dialler,
    voice: DigitVoice,
    mouth: Option<Mouth>,
    ear: Ear,
    tones: ToneEar,
    digits: DigitEar,
    display: Display,
    bell: Debounced,
    dead: Debounced,
    reversed: Debounced,
    events: VecDeque<PhoneEvent>,
    events_lost: u64,
}

/// What is said into the receiver.
#[derive(Clone, Debug)]
struct Mouth {
    samples: Arc<[i16]>,
    next: usize,
    looped: bool,
}

impl PhoneSet {
    /// A phone on its hook.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lifts the receiver.
    pub fn off_hook(&mut self) {
        self.off_hook = true;
    }

    /// Puts the receiver down; what was being dialled is forgotten.
    pub fn on_hook(&mut self) {
        self.off_hook = false;
        self.dialler.clear();
        self.voice.release();
    }

    /// Whether the receiver is lifted; a dial pulse or flash does not change it.
    pub fn is_off_hook(&self) -> bool {
        self.off_hook
    }

    /// Breaks the loop for `ms` (1 to 10 000), after what is being dialled.
    pub fn flash(&mut self, ms: u32) -> Result<(), PhoneError> {
        if !self.off_hook {
            return Err(PhoneError::OnHook);
        }
        self.dialler.flash(ms)
    }

    /// Dials `digits`, after what is being dialled: 0–9 and `,` (2 s pause), with DTMF also `*`, `#` and A–D.
    pub fn dial(&mut self, digits: &str, how: Dialling) -> Result<(), PhoneError> {
        if !self.off_hook {
            return Err(PhoneError::OnHook);
        }
        self.dialler.dial(digits, how)
    }

    /// Whether something is still being dialled.
    pub fn is_dialling(&self) -> bool {
        !self.dialler.is_idle()
    }

    /// Speaks 8 kHz linear samples into the receiver while it is lifted, once or for ever.
    pub fn play(&mut self, samples: impl Into<Arc<[i16]>>, looped: bool) {
        let samples = samples.into();
        self.mouth = (!samples.is_empty()).then_some(Mouth { samples, next: 0, looped });
    }

    /// Whether something is still to be spoken.
    pub fn is_playing(&self) -> bool {
        self.mouth.is_some()
    }

    /// Stops speaking.
    pub fn stop_playing(&mut self) {
        self.mouth = None;
    }

    /// Records what is heard from now on, silence included, up to ten minutes.
    pub fn record(&mut self) {
        self.ear.record();
    }

    /// Ends the recording; `None` when there was none.
    pub fn stop_recording(&mut self) -> Option<Vec<i16>> {
        self.ear.stop_recording()
    }

    /// The block of 5 ms that was heard last.
    pub fn last_block(&self) -> &[i16; BLOCK_SAMPLES] {
        self.ear.last_block()
    }

    /// The tone that is heard now.
    pub fn tone(&self) -> Option<ToneName> {
        self.tones.named()
    }

    /// Whether the bell rings now.
    pub fn is_ringing(&self) -> bool {
        self.bell.state
    }

    /// What the person noticed, in order.
    pub fn poll_event(&mut self) -> Option<PhoneEvent> {
        self.events.pop_front()
    }

    /// Events thrown away because nobody took them.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// 1.25 ms pass; whether the hook switch is closed in them.
    pub(crate) fn step(&mut self) -> bool {
        match self.dialler.step() {
            Doing::Nothing => self.voice.release(),
            Doing::Key(digit) => self.voice.press(digit),
            Doing::Break => {
                self.voice.release();
                return false;
            }
        }
        self.off_hook
    }

    /// What goes into the wires in this step.
    pub(crate) fn speak(&mut self, out: &mut [i16; STEP_SAMPLES]) {
        if self.voice.speak(out) {
            return;
        }
        let Some(mouth) = &mut self.mouth else {
            return;
        };
        for sample in out {
            if mouth.next == mouth.samples.len() {
                if !mouth.looped {
                    self.mouth = None;
                    return;
                }
                mouth.next = 0;
            }
            *sample = mouth.samples[mouth.next];
            mouth.next += 1;
        }
    }

    /// What comes out of the wires in this step; `None` is a dead earpiece.
    pub(crate) fn hear(&mut self, socket: &Socket, heard: Option<&[i16; STEP_SAMPLES]>) {
        self.feel(socket);
        if let Some(block) = self.ear.hear(heard) {
            self.listen(&block);
        }
    }

    fn feel(&mut self, socket: &Socket) {
        if self.bell.step(socket.ringing_volts > BELL_VOLTS, BELL_STEPS) {
            self.push(PhoneEvent::Ring { on: self.bell.state });
        }
        let volts = if socket.ringing_volts > 0.0 { f32::INFINITY } else { socket.volts };
        if self.dead.step(volts.abs() < DEAD_VOLTS, FEEL_STEPS) {
            self.push(PhoneEvent::Loop { open: self.dead.state });
        }
        let alive = !self.dead.state && socket.volts.abs() >= DEAD_VOLTS;
        if alive && self.reversed.step(socket.volts < 0.0, FEEL_STEPS) {
            self.push(PhoneEvent::Polarity { reversed: self.reversed.state });
        }
    }

    fn listen(&mut self, block: &[i16; BLOCK_SAMPLES]) {
        let level = Level::of(block);
        if self.off_hook {
            self.display.reset();
            if let Some(digit) = self.digits.listen(block, &level) {
                self.push(PhoneEvent::Digit(digit));
            }
            let change = self.tones.listen(block, &level);
            for (name, on) in change.into_iter().flatten() {
                self.push(PhoneEvent::Tone { name, on });
            }
        } else {
            self.digits.reset();
            if let Some(name) = self.tones.reset() {
                self.push(PhoneEvent::Tone { name, on: false });
            }
            if let Some(event) = self.display.listen(block, &level) {
                self.push(event);
            }
        }
    }

    fn push(&mut self, event: PhoneEvent) {
        if self.events.len() == MAX_EVENTS {
            self.events_lost += 1;
            return;
        }
        self.events.push_back(event);
    }
}

/// A state that changes only after the opposite has lasted a while.
#[derive(Clone, Copy, Debug, Default)]
struct Debounced {
    state: bool,
    steps: u32,
}

impl Debounced {
    /// Takes the raw state; true when the debounced one changes.
    fn step(&mut self, raw: bool, steps: u32) -> bool {
        if raw == self.state {
            self.steps = 0;
            return false;
        }
        self.steps += 1;
        if self.steps < steps {
            return false;
        }
        self.state = raw;
        self.steps = 0;
        true
    }
}

/// A bell does not strike below this, V RMS.
const BELL_VOLTS: f32 = 25.0;
/// A bell's clapper is slow: 5 ms.
const BELL_STEPS: u32 = 4;
/// Below this the wires are dead, V.
const DEAD_VOLTS: f32 = 1.0;
/// How long polarity and feed must be steady, 10 ms.
const FEEL_STEPS: u32 = 8;
/// Events kept for somebody to take.
const MAX_EVENTS: usize = 256;

#[cfg(test)]
mod tests;
