//! Legs that change their call: transfer, attended transfer, pick-up.

use tipring_core::{CallId, Instant, LegId};

use super::answered::Answered;
use super::placing::Placed;
use super::{Call, CallConfig, Facts, Output, RouteRequest, Side, State, Wires};
use crate::event::{Event, Release, Setup};

impl Call {
    /// The call of a party that is transferred to `request`. Its originating leg talks in another call until this one is
    /// answered, or until that one hands it over.
    pub fn transferred(
        now: Instant,
        id: CallId,
        config: CallConfig,
        from: String,
        setup: Setup,
        request: RouteRequest,
    ) -> Self {
        Self::begin(now, id, config, from, setup, request)
    }

    /// A call of two legs that are answered already: what remains of two calls when who had both leaves, or of one in
    /// which somebody took another's place. The terminating leg is [`Call::b_leg`].
    pub fn joined(
        now: Instant,
        id: CallId,
        config: CallConfig,
        from: String,
        setup: Setup,
        to: String,
    ) -> Self {
        tracing::info!(call = %id, from, to, "calls joined");
        let mut facts = Facts::new(now, id, config, from, setup);
        (facts.answer, facts.to, facts.placed) = (Some(now), Some(to), 1);
        let (a, b) = (facts.leg(0), facts.leg(1));
        let mut wires = Wires::default();
        wires.outputs.push_back(Output::Join { a, b, early: false });
        Self { state: State::Answered(Answered::new(b)), facts, wires }
    }

    /// The leg at the other end of an answered call.
    pub fn other_leg(&self, leg: LegId) -> Option<LegId> {
        let (a, b) = (self.a_leg(), self.b_leg()?);
        match leg {
            leg if leg == a => Some(b),
            leg if leg == b => Some(a),
            _ => None,
        }
    }

    /// Whether a leg has asked for a transfer that has come to no end yet.
    pub fn is_transferring(&self) -> bool {
        matches!(&self.state, State::Answered(answered) if answered.transfers.is_some())
    }

    /// Hands an answered leg over to another call; the other leg is released. False when it is no leg of an answered call.
    pub fn give_away(&mut self, now: Instant, leg: LegId, release: Release) -> bool {
        let Some(other) = self.other_leg(leg) else { return false };
        match std::mem::replace(&mut self.state, State::Released) {
            State::Answered(answered) => {
                let by = if other == self.a_leg() { Side::A } else { Side::B };
                self.part_with(&answered, leg, by);
                self.wires.send(other, Event::Release(release.clone()));
                self.state = self.finish(now, release, by.ended());
                true
            }
            state => {
                self.state = state;
                false
            }
        }
    }

    /// The transfer that was asked for came to nothing: the call goes on.
    pub fn transfer_failed(&mut self) {
        if let State::Answered(answered) = &mut self.state {
            answered.transfers = None;
        }
    }

    /// Somebody picks the ringing call up: the new terminating leg, which says [`Event::Answer`] next. `None` when the
    /// call does not ring.
    pub fn pick_up(&mut self, name: String) -> Option<LegId> {
        let State::Placing(placing) = &mut self.state else { return None };
        self.facts.placed = self.facts.placed.checked_add(1)?;
        let leg = self.facts.leg(self.facts.placed);
        tracing::info!(call = %self.facts.id, %leg, by = name, "picked up");
        placing.legs.push(Placed::new(leg, name, self.facts.setup.called.clone()));
        Some(leg)
    }

    /// The side `by` has left and the other leg waits for who was asked for.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        answered: &Answered,
        by: Side,
        release: Release,
    ) -> State {
        let leg = match by {
            Side::A => answered.b,
            Side::B => self.a_leg(),
        };
        self.part_with(answered, leg, by);
        self.finish(now, release, by.ended())
    }

    /// Lets go of `leg`, which the side `by` has had.
    fn part_with(&mut self, answered: &Answered, leg: LegId, by: Side) {
        self.part(answered);
        if answered.holds(by) {
            self.wires.send(leg, Event::Hold { on: false });
        }
        self.wires.outputs.push_back(Output::HandOver { leg });
    }
}
