//! DialTone and Collecting: from lifting the receiver to a number.

use tipring_core::{Duration, Instant, Number};

use super::talking::Outgoing;
use super::{CardInput, FxsPort, Hotline, Input, PortEvent, State, Verdict};
use crate::country::ToneName;
use crate::digit::Digit;

/// Digits so far; dial tone while there are none.
#[derive(Debug)]
pub(super) struct Dialling {
    /// Everything dialled, also what no verdict has come for yet.
    pub(super) digits: String,
    /// The first-digit (or warm-line), inter-digit or match timer.
    pub(super) until: Instant,
}

impl FxsPort {
    /// The receiver was lifted to call.
    pub(super) fn seize(&mut self, now: Instant) -> State {
        self.io.event(PortEvent::Seized);
        self.io.detect(true);
        if let Hotline::Immediate(number) = &self.config.hotline {
            let number = number.clone();
            return self.dialled(number, "");
        }
        self.io.play(ToneName::Dial);
        let patience = match &self.config.hotline {
            Hotline::Warm { after, .. } => *after,
            Hotline::Off | Hotline::Immediate(_) => self.config.first_digit,
        };
        State::Dialling(Dialling { digits: String::new(), until: now + patience })
    }

    pub(super) fn in_dialling(&mut self, now: Instant, dialling: Dialling, input: Input) -> State {
        if let Some(digit) = input.digit() {
            return self.collect(now, dialling, digit);
        }
        match input {
            Input::Verdict { digits, verdict } => self.judge(now, dialling, &digits, verdict),
            Input::Timeout => self.end_of_patience(now, dialling),
            // A flash while dialling is a short hang-up: start again.
            Input::Card(CardInput::Flash) => {
                self.io.silence();
                self.seize(now)
            }
            input => {
                self.io.ignore(&input);
                State::Dialling(dialling)
            }
        }
    }

    fn collect(&mut self, now: Instant, mut dialling: Dialling, digit: Digit) -> State {
        self.io.silence();
        dialling.digits.push(digit.as_char());
        dialling.until = now + self.config.next_digit;
        if dialling.digits.len() >= Number::MAX_LEN {
            return self.dial(&dialling.digits, "");
        }
        self.io.event(PortEvent::CheckNumber { digits: dialling.digits.clone() });
        State::Dialling(dialling)
    }

    fn judge(
        &mut self,
        now: Instant,
        mut dialling: Dialling,
        asked: &str,
        verdict: Verdict,
    ) -> State {
        let Some(rest) = dialling.digits.strip_prefix(asked).filter(|_| !asked.is_empty()) else {
            // Asked before a flash, about other digits.
            return State::Dialling(dialling);
        };
        let wait: Duration = match verdict {
            Verdict::Complete => return self.dial(asked, rest),
            // `#` ends dialling, unless a number continues with it.
            Verdict::Impossible => {
                let number = asked.strip_suffix('#').filter(|number| !number.is_empty());
                return self.dial(number.unwrap_or(asked), rest);
            }
            Verdict::NeedMore => self.config.next_digit,
            Verdict::Match => self.config.after_match,
        };
        if rest.is_empty() {
            dialling.until = now + wait;
        }
        State::Dialling(dialling)
    }

    fn end_of_patience(&mut self, now: Instant, dialling: Dialling) -> State {
        if !dialling.digits.is_empty() {
            return self.dial(&dialling.digits, "");
        }
        if let Hotline::Warm { number, .. } = &self.config.hotline {
            let number = number.clone();
            return self.dialled(number, "");
        }
        self.release_tone(now, ToneName::Congestion)
    }

    fn dial(&mut self, digits: &str, ahead: &str) -> State {
        let number = Number::new(digits).expect("1 to 64 digits are a number");
        self.dialled(number, ahead)
    }

    fn dialled(&mut self, number: Number, ahead: &str) -> State {
        self.io.silence();
        self.io.event(PortEvent::Dialled { number });
        State::Outgoing(Outgoing::new(ahead))
    }
}
