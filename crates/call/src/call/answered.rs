//! Answered and Held: two legs that hear each other.

use tipring_core::{Instant, LegId};

use super::placing::end_of;
use super::{Call, Output, Side, State};
use crate::event::{Event, Transfer};

/// An answered call.
#[derive(Debug)]
pub(super) struct Answered {
    /// The leg that answered.
    pub(super) b: LegId,
    a_holds: bool,
    b_holds: bool,
    /// The side that wants the other connected elsewhere.
    pub(super) transfers: Option<Side>,
}

impl Answered {
    pub(super) const fn new(b: LegId) -> Self {
        Self { b, a_holds: false, b_holds: false, transfers: None }
    }

    pub(super) const fn holds(&self, side: Side) -> bool {
        match side {
            Side::A => self.a_holds,
            Side::B => self.b_holds,
        }
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
            // Who asks for a transfer may leave at once; the other side waits for the new party.
            Ok(release) if answered.transfers == Some(side) => {
                return self.hand_over(now, &answered, side, release);
            }
            Ok(release) => {
                self.part(&answered);
                self.wires.send(other, Event::Release(release.clone()));
                return self.finish(now, release, side.ended());
            }
            Err(event @ (Event::Digit { .. } | Event::Update(_))) => self.wires.send(other, event),
            Err(Event::Hold { on }) => self.hold(&mut answered, side, other, on),
            Err(Event::Transfer(Transfer { to })) if answered.transfers.is_none() => {
                answered.transfers = Some(side);
                self.wires.outputs.push_back(Output::Transfer { by: leg, party: other, to });
            }
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
