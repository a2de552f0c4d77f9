//! Proceeding, RemoteRinging, EarlyMedia, then Talking and Held.

use tipring_core::Instant;

use super::{CallRequest, CardInput, FxsPort, Input, MediaInput, PortEvent, State, StateName};
use crate::country::ToneName;
use crate::digit::Digit;

/// A call that this telephone made, before its answer.
#[derive(Debug)]
pub(super) struct Outgoing {
    hears: Hears,
    /// Digits dialled before anybody could take them; at most [`Outgoing::MAX_AHEAD`].
    ahead: String,
    pressed: Option<Digit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hears {
    Nothing,
    Ringback,
    EarlyMedia,
}

/// An answered call.
#[derive(Debug, Default)]
pub(super) struct Talking {
    /// This telephone put the other side on hold.
    pub(super) held: bool,
    /// A digit that began in the call, and whose end is to be told.
    pressed: Option<Digit>,
}

impl Outgoing {
    /// Digits kept for the called side before it answers; more are dropped, and counted as unexpected.
    const MAX_AHEAD: usize = 32;

    /// `ahead`: what was dialled after the number.
    pub(super) fn new(ahead: &str) -> Self {
        Self { hears: Hears::Nothing, ahead: ahead.to_owned(), pressed: None }
    }

    pub(super) const fn name(&self) -> StateName {
        match self.hears {
            Hears::Nothing => StateName::Proceeding,
            Hears::Ringback => StateName::RemoteRinging,
            Hears::EarlyMedia => StateName::EarlyMedia,
        }
    }
}

impl FxsPort {
    pub(super) fn in_outgoing(
        &mut self,
        now: Instant,
        mut outgoing: Outgoing,
        input: Input,
    ) -> State {
        match input {
            Input::Call(CallRequest::Proceeding | CallRequest::Progress { early_media: false }) => {
            }
            Input::Call(CallRequest::Alerting { early_media: false }) => {
                // RFC 3960 §3: local ringback unless audio comes; whether it does, the call knows.
                if outgoing.hears != Hears::Ringback {
                    outgoing.hears = Hears::Ringback;
                    self.io.play(ToneName::Ringback);
                }
            }
            Input::Call(
                CallRequest::Alerting { early_media: true }
                | CallRequest::Progress { early_media: true },
            ) => {
                self.io.silence();
                outgoing.hears = Hears::EarlyMedia;
                self.send_ahead(&mut outgoing);
            }
            Input::Call(CallRequest::Answered) => {
                self.io.silence();
                self.send_ahead(&mut outgoing);
                return State::Talking(Talking { held: false, pressed: outgoing.pressed });
            }
            Input::Call(CallRequest::Released { cause }) => {
                let tone = self.tone_for(cause);
                return self.release_tone(now, tone);
            }
            input if outgoing.hears == Hears::EarlyMedia => {
                self.in_band_digit(&mut outgoing.pressed, &input);
            }
            input => self.keep_digit(&mut outgoing, &input),
        }
        State::Outgoing(outgoing)
    }

    pub(super) fn in_talking(&mut self, now: Instant, mut talking: Talking, input: Input) -> State {
        match input {
            Input::Card(CardInput::Flash) if self.config.relay_flash => {
                talking.pressed = None;
                self.io.event(PortEvent::Flash);
            }
            Input::Card(CardInput::Flash) => {
                talking.held = !talking.held;
                talking.pressed = None;
                self.io.event(PortEvent::Hold { on: talking.held });
                if talking.held {
                    self.io.play(ToneName::StutterDial);
                } else {
                    self.io.silence();
                }
            }
            Input::Call(CallRequest::Released { cause }) => return self.disconnect(now, cause),
            // The other side's hold is heard as its silence or its music; nothing to do here.
            Input::Call(CallRequest::RemoteHold { .. }) => {}
            input if talking.held => self.io.ignore(&input),
            input => self.in_band_digit(&mut talking.pressed, &input),
        }
        State::Talking(talking)
    }

    /// A digit that the other side can take at once: told when it ends, with its length.
    fn in_band_digit(&mut self, pressed: &mut Option<Digit>, input: &Input) {
        match input {
            Input::Media(MediaInput::DigitBegan(digit)) => *pressed = Some(*digit),
            // Only one that began here: the end of the number's last digit is not for the other side.
            Input::Media(MediaInput::DigitEnded { digit, ms }) if *pressed == Some(*digit) => {
                *pressed = None;
                self.io.event(PortEvent::Digit { digit: *digit, ms: *ms, in_audio: true });
            }
            Input::Card(CardInput::PulseDigit(digit)) => {
                self.io.event(PortEvent::Digit { digit: *digit, ms: AHEAD_MS, in_audio: false });
            }
            input => self.io.ignore(input),
        }
    }

    /// A digit that nobody can take yet.
    fn keep_digit(&mut self, outgoing: &mut Outgoing, input: &Input) {
        match input.digit() {
            // A `#` out of habit, after a number that was complete without it.
            Some(digit) if digit.as_char() == '#' && outgoing.ahead.is_empty() => {}
            Some(digit) if outgoing.ahead.len() < Outgoing::MAX_AHEAD => {
                outgoing.ahead.push(digit.as_char());
            }
            _ => self.io.ignore(input),
        }
    }

    fn send_ahead(&mut self, outgoing: &mut Outgoing) {
        for digit in std::mem::take(&mut outgoing.ahead).chars().filter_map(Digit::new) {
            self.io.event(PortEvent::Digit { digit, ms: AHEAD_MS, in_audio: false });
        }
    }
}

/// The length told for digits that have none: dialled ahead, or by rotary dial.
const AHEAD_MS: u16 = 100;
