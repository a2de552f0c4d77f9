//! Answered and Held: two legs that hear each other.

use tipring_core::{Instant, LegId};

use super::placing::end_of;
use super::{Call, Output, Side, State};
use crate::cdr::EndedBy;
use crate::event::Event;

/// An answered call.
#[derive(Debug)]
pub(super) struct Answered {
    /// The leg that answered.
    pub(super) b: LegId,
    a_holds: bool,
    b_holds: bool,
}

impl Answered {
    pub(super) const fn new(b: LegId) -> Self {
        Self { b, a_holds: false, b_holds: false }
    }

    pub(super) const fn is_held(&self) -> bool {
        self.a_holds || self.b_holds
    }
}

impl Call {
    pub(super) fn in_answered(
        &mut self,
        now: Instant,
        mut answered: Answered,
        leg: LegId,
        event: Event,
    ) -> State {
        let (side, other) = if leg == self.a_leg() {
            (Side::A, answered.b)
        } else if leg == answered.b {
            (Side::B, self.a_leg())
        } else {
            self.count(false);
            return State::Answered(answered);
        };
        match end_of(event) {
            Ok(release) => {
                self.part(&answered);
                self.wires.send(other, Event::Release(release.clone()));
                let ended_by = match side {
                    Side::A => EndedBy::Caller,
                    Side::B => EndedBy::Callee,
                };
                return self.finish(now, release, ended_by);
            }
            Err(event @ (Event::Digit { .. } | Event::Update(_))) => self.wires.send(other, event),
            Err(Event::Hold { on }) => self.hold(&mut answered, side, other, on),
            // Transfer is not acted upon yet; the leg that asks for it stays in the call.
            Err(_) => self.count(true),
        }
        State::Answered(answered)
    }

    fn hold(&mut self, answered: &mut Answered, side: Side, other: LegId, on: bool) {
        let before = answered.is_held();
        let holds = match side {
            Side::A => &mut answered.a_holds,
            Side::B => &mut answered.b_holds,
        };
        if std::mem::replace(holds, on) == on {
            return;
        }
        let (a, b) = (self.a_leg(), answered.b);
        match (before, answered.is_held()) {
            (false, true) => self.wires.outputs.push_back(Output::Unjoin { a, b }),
            (true, false) => self.wires.outputs.push_back(Output::Join { a, b, early: false }),
            (false, false) | (true, true) => {}
        }
        self.wires.send(other, Event::Hold { on });
    }

    /// Parts the media, unless a hold has.
    pub(super) fn part(&mut self, answered: &Answered) {
        if !answered.is_held() {
            let (a, b) = (self.a_leg(), answered.b);
            self.wires.outputs.push_back(Output::Unjoin { a, b });
        }
    }
}
