//! Disconnecting, ReleaseTone, Howler: what a receiver off the hook hears when there is no call.

use tipring_core::{Cause, Duration, Instant};

use super::{CardAction, CardInput, FxsPort, Input, PortEvent, State};
use crate::country::ToneName;

/// The loop is open, to tell the telephone that the far end cleared.
#[derive(Debug)]
pub(super) struct Disconnecting {
    pub(super) until: Instant,
    tone: ToneName,
    /// What the hook was last reported to be. An open loop carries no current, which a card may take for on-hook; only
    /// what is true when the loop has closed again counts.
    on_hook: bool,
}

/// Busy, congestion or number-unobtainable tone.
#[derive(Debug)]
pub(super) struct ReleaseTone {
    pub(super) until: Instant,
}

/// Time after the open loop for the card to notice the hook again.
const HOOK_SETTLE: Duration = Duration::from_millis(200);

impl FxsPort {
    /// The far end cleared an answered call.
    pub(super) fn disconnect(&mut self, now: Instant, cause: Cause) -> State {
        let tone = self.tone_for(cause);
        let ms = self.config.disconnect_ms;
        if ms == 0 {
            return self.release_tone(now, tone);
        }
        self.io.silence();
        self.io.detect(false);
        self.io.card(CardAction::OpenLoop { ms });
        let until = now + Duration::from_millis(ms.into()) + HOOK_SETTLE;
        State::Disconnecting(Disconnecting { until, tone, on_hook: false })
    }

    pub(super) fn in_disconnecting(
        &mut self,
        now: Instant,
        mut state: Disconnecting,
        input: &Input,
    ) -> State {
        match input {
            Input::Card(CardInput::Hook { off }) => state.on_hook = !off,
            Input::Timeout if state.on_hook => return self.hung_up(),
            Input::Timeout => return self.release_tone(now, state.tone),
            input => self.io.ignore(input),
        }
        State::Disconnecting(state)
    }

    /// Plays `tone` until the howler.
    pub(super) fn release_tone(&mut self, now: Instant, tone: ToneName) -> State {
        self.io.detect(false);
        self.io.play(tone);
        State::ReleaseTone(ReleaseTone { until: now + self.config.release_tone })
    }

    pub(super) fn in_release_tone(
        &mut self,
        now: Instant,
        state: ReleaseTone,
        input: &Input,
    ) -> State {
        match input {
            Input::Timeout => {
                self.io.play(ToneName::Howler);
                State::Howler { until: now + self.config.howler }
            }
            Input::Card(CardInput::Flash) => self.seize(now),
            input => {
                self.io.ignore(input);
                State::ReleaseTone(state)
            }
        }
    }

    pub(super) fn in_howler(&mut self, now: Instant, until: Instant, input: &Input) -> State {
        match input {
            Input::Timeout => {
                self.io.silence();
                self.io.event(PortEvent::LockedOut);
                State::LockedOut
            }
            Input::Card(CardInput::Flash) => self.seize(now),
            input => {
                self.io.ignore(input);
                State::Howler { until }
            }
        }
    }

    /// The tone that tells `cause` (ITU-T E.182 and Q.850's own advice).
    pub(super) fn tone_for(&self, cause: Cause) -> ToneName {
        match cause {
            Cause::USER_BUSY => ToneName::Busy,
            Cause::UNALLOCATED_NUMBER
            | Cause::NO_ROUTE_TO_TRANSIT
            | Cause::NO_ROUTE_TO_DESTINATION
            | Cause::NUMBER_CHANGED
            | Cause::INVALID_NUMBER_FORMAT
                if self.config.special_information =>
            {
                ToneName::NumberUnobtainable
            }
            _ => ToneName::Congestion,
        }
    }
}
