//! What the application asks of a session.

use tipring_core::Instant;

use super::info::Info;
use super::modify::{Change, Kind, owned};
use super::party::Party;
use super::{EndedBy, Fate, Hangup, Session, State, WrongState};
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
            State::Ringing(mut ringing) if status.is_provisional() && ringing.answer.is_none() => {
                self.send_progress(now, &mut ringing, status, body);
                self.state = State::Ringing(ringing);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Answers with 200, as soon as that may be sent.
    pub(crate) fn answer(&mut self, now: Instant, body: Vec<u8>) -> Result<(), WrongState> {
        match self.take_state() {
            State::Ringing(mut ringing) if ringing.answer.is_none() => {
                ringing.answer = Some(body);
                self.state = State::Ringing(ringing);
                self.advance(now);
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Refuses with 300 to 699; `tag` stands for ours in To, unless a response has told ours already.
    pub(crate) fn reject(
        &mut self,
        status: Status,
        headers: &[(HeaderName, String)],
        tag: Option<String>,
    ) -> Result<(), WrongState> {
        match self.take_state() {
            State::Ringing(ringing) if status.is_failure() => {
                let hangup = Hangup::new(EndedBy::Local, Vec::new());
                let tag = tag.filter(|_| !ringing.has_dialog());
                self.state = self.refuse_as(&ringing, hangup, status, headers, tag.as_deref());
                Ok(())
            }
            state => self.refuse_command(state),
        }
    }

    /// Ends the session: CANCEL, 480 or BYE, as its state asks; again does nothing.
    pub(crate) fn hang_up(&mut self, now: Instant, reason: Option<Reason>) {
        self.end(now, Hangup::new(EndedBy::Local, reason.into_iter().collect()));
    }

    pub(super) fn end(&mut self, now: Instant, hangup: Hangup) {
        self.state = match self.take_state() {
            State::Calling(calling) => self.cancel(now, calling, hangup),
            State::Ringing(ringing) => {
                self.refuse(&ringing, hangup, Status::TEMPORARILY_UNAVAILABLE, &[])
            }
            State::Answered(mut answered) => {
                // The BYE waits for the ACK; who waits for an answer of ours need not.
                self.default_on(now, &mut answered.party);
                answered.hangup.get_or_insert(hangup);
                State::Answered(answered)
            }
            State::Confirmed(party) => self.leave_confirmed(now, *party, hangup),
            state @ (State::Leaving(_) | State::Over) => state,
        };
    }

    /// Offers a change by re-INVITE; an empty body asks the peer for an offer. Waits while another change is under way.
    pub(crate) fn reinvite(&mut self, now: Instant, body: Vec<u8>) -> Result<(), WrongState> {
        let State::Confirmed(party) = &mut self.state else {
            return Err(WrongState);
        };
        party.waiting = Some(Change::new(now, Kind::Reinvite, body));
        self.advance(now);
        Ok(())
    }

    /// The same by UPDATE, in an early dialog too.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        fork: usize,
        headers: &[(HeaderName, String)],
        body: Vec<u8>,
    ) -> Result<(), WrongState> {
        let open = match &mut self.state {
            State::Confirmed(party) => Some(&mut **party),
            State::Ringing(ringing) => Some(&mut ringing.party),
            State::Calling(calling) if calling.is_wanted() => {
                calling.parties.iter_mut().find(|party| party.fork == fork)
            }
            State::Calling(_) | State::Answered(_) | State::Leaving(_) | State::Over => None,
        };
        let by_prack = self.is_caller && !body.is_empty();
        let possible =
            |party: &&mut Party| party.is_confirmed() || party.abilities.update || by_prack;
        let party = open.filter(possible).ok_or(WrongState)?;
        let mut change = Change::new(now, Kind::Update, body);
        change.headers = owned(headers);
        party.waiting = Some(change);
        self.advance(now);
        Ok(())
    }

    /// Accepts the peer's offer with our answer, or gives the offer it asked for; `fork` tells which of several.
    pub(crate) fn accept_offer(
        &mut self,
        now: Instant,
        fork: Option<usize>,
        body: Vec<u8>,
    ) -> Result<(), WrongState> {
        let fork = fork.or_else(|| self.offering_fork()).ok_or(WrongState)?;
        let accepted = self.with_party(fork, |session, party| session.accept(now, party, body));
        self.advance(now);
        accepted.filter(|accepted| *accepted).map(|_| ()).ok_or(WrongState)
    }

    /// Rejects the peer's offer, 300 to 699; the session goes on. One that came in a response ends it instead.
    pub(crate) fn reject_offer(
        &mut self,
        now: Instant,
        fork: Option<usize>,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), WrongState> {
        let fork = fork.or_else(|| self.offering_fork()).filter(|_| status.is_failure());
        let fork = fork.ok_or(WrongState)?;
        let declined =
            self.with_party(fork, |session, party| session.decline(now, party, status, headers));
        let fate = declined.flatten().ok_or(WrongState)?;
        self.settle_fate(now, fate);
        self.advance(now);
        Ok(())
    }

    /// The fork whose offer waits longest for the application.
    fn offering_fork(&self) -> Option<usize> {
        let waiting = self.state.parties().filter_map(|party| Some((party.offered()?, party.fork)));
        waiting.min().map(|(_, fork)| fork)
    }

    pub(super) fn settle_fate(&mut self, now: Instant, fate: Fate) {
        match fate {
            Fate::Stays => {}
            Fate::Ends(hangup) => self.end(now, hangup),
        }
    }

    /// Sends an INFO, as soon as the one before is answered; not when too many wait for that.
    pub(crate) fn info(
        &mut self,
        package: Option<&str>,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), WrongState> {
        let State::Confirmed(party) = &self.state else {
            return Err(WrongState);
        };
        let fork = party.fork;
        let (package, content_type) = (package.map(str::to_owned), content_type.to_owned());
        self.send_info(fork, Info { package, content_type, body }).ok_or(WrongState)
    }

    fn refuse_command(&mut self, state: State) -> Result<(), WrongState> {
        self.state = state;
        Err(WrongState)
    }
}
