//! What the application asks of a session.

use tipring_core::Instant;

use super::modify::Retry;
use super::{EndedBy, Hangup, Session, State, WrongState};
use crate::message::{HeaderName, Reason, Status};

impl Session {
    /// Sends a provisional response, 101 to 199.
    pub(crate) fn progress(
        &mut self,
        now: Instant,
        status: Status,
        body: Vec<u8>,
    ) -> Result<(), WrongState> {
        match self.take_state() {
            State::Ringing(ringing) if status.is_provisional() => {
                self.state = self.send_progress(now, ringing, status, body);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Answers with 200.
    pub(crate) fn answer(&mut self, now: Instant, body: Vec<u8>) -> Result<(), WrongState> {
        match self.take_state() {
            State::Ringing(ringing) => {
                self.state = self.send_answer(now, *ringing, body);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Refuses with 300 to 699.
    pub(crate) fn reject(
        &mut self,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), WrongState> {
        match self.take_state() {
            State::Ringing(ringing) if status.is_failure() => {
                let hangup = Hangup::new(EndedBy::Local, Vec::new());
                self.state = self.refuse(&ringing, hangup, status, headers);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Ends the session: CANCEL, 480 or BYE, as its state asks; again does nothing.
    pub(crate) fn hang_up(&mut self, now: Instant, reason: Option<Reason>) {
        let hangup = Hangup::new(EndedBy::Local, reason.into_iter().collect());
        self.state = match self.take_state() {
            State::Calling(calling) => self.cancel(now, calling, hangup),
            State::Offered(offered) => self.refuse_offered(*offered, hangup),
            State::Ringing(ringing) => {
                self.refuse(&ringing, hangup, Status::TEMPORARILY_UNAVAILABLE, &[])
            }
            State::Answered(mut answered) => {
                answered.hangup.get_or_insert(hangup);
                State::Answered(answered)
            }
            State::Confirmed(confirmed) => self.leave_confirmed(*confirmed, hangup),
            state @ (State::Leaving(_) | State::Over) => state,
        };
    }

    /// Offers a change; an empty body asks the peer for an offer. Waits while another change is under way.
    pub(crate) fn reinvite(&mut self, now: Instant, body: Vec<u8>) -> Result<(), WrongState> {
        match self.take_state() {
            State::Confirmed(mut confirmed) => {
                confirmed.retry = Some(Retry { body, at: now, glares: 0 });
                self.state = self.offer_if_due(now, confirmed);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Accepts the peer's offer with our answer, or gives the offer it asked for.
    pub(crate) fn accept_offer(&mut self, now: Instant, body: Vec<u8>) -> Result<(), WrongState> {
        match self.take_state() {
            State::Offered(offered) => {
                self.state = self.answer_offered(*offered, body);
                Ok(())
            }
            State::Confirmed(confirmed) => {
                let (state, accepted) = self.accept(now, confirmed, body);
                self.state = state;
                accepted.then_some(()).ok_or(WrongState)
            }
            state => self.refuse_command(state),
        }
    }

    /// Rejects the peer's offer, 300 to 699; the session goes on. One that came in a 2xx ends it instead.
    pub(crate) fn reject_offer(&mut self, now: Instant, status: Status) -> Result<(), WrongState> {
        match self.take_state() {
            State::Offered(offered) => {
                self.state = self.refuse_offered(*offered, Hangup::new(EndedBy::Local, Vec::new()));
                Ok(())
            }
            State::Confirmed(confirmed) if status.is_failure() => {
                let (state, declined) = self.decline(now, confirmed, status);
                self.state = state;
                declined.then_some(()).ok_or(WrongState)
            }
            state => self.refuse_command(state),
        }
    }

    /// Sends an INFO.
    pub(crate) fn info(&mut self, content_type: &str, body: Vec<u8>) -> Result<(), WrongState> {
        match self.take_state() {
            State::Confirmed(confirmed) => {
                self.state = self.send_info(confirmed, content_type, body);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    fn refuse_command(&mut self, state: State) -> Result<(), WrongState> {
        self.state = state;
        Err(WrongState)
    }
}
