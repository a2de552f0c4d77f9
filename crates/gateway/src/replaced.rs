//! INVITEs that take the place of a call (RFC 3891): the third leg of an attended transfer, pick-up of a ringing call.
//!
//! Who knows a dialog's tags has been told them by one of its ends. That is enough for our lines, trunks and users;
//! strangers pick nothing up, and get nobody whom we pay to reach.

use std::net::SocketAddr;

use tipring_call::{Call, Event, Origin};
use tipring_core::{Cause, Instant, LegId};
use tipring_sip::message::{Request, Status};
use tipring_sip::session::SessionId;

use crate::front::Caller;
use crate::gateway::Gateway;
use crate::sip_legs::SipLeg;
use crate::sip_place::Unanswerable;
use crate::transfers::Party;

impl Gateway {
    /// An INVITE that takes the place of the session `old`, which the user agent ends when this one is answered.
    pub(crate) fn call_replaces(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        local: SocketAddr,
        caller: Caller,
        old: SessionId,
    ) {
        if let Err((status, cause)) = self.replace(now, session, request, local, caller, old) {
            self.refuse(now, session, status, cause);
        }
    }

    fn replace(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        local: SocketAddr,
        caller: Caller,
        old: SessionId,
    ) -> Result<(), (Status, Cause)> {
        let gone = (Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST, Cause::TEMPORARY_FAILURE);
        let old = self.sessions.get(&old).copied().ok_or(gone)?;
        let id = Call::of_leg(old);
        let open = self.calls.get(&id).ok_or(gone)?;
        let (other, stranger) = (open.call.other_leg(old), caller.origin == Origin::Guest);
        let who = Party::caller(&caller);
        let other = other.and_then(|leg| Some((leg, self.party(leg)?)));
        let allowed = match &other {
            Some((_, party)) => who.may_be_joined_with(party),
            None => !stranger,
        };
        if !allowed {
            return Err((Status::FORBIDDEN, Cause::CALL_REJECTED));
        }
        let mut sip = SipLeg::of_caller(session, request, caller.remote);
        sip.dtmf = self.dtmf_of(&caller.origin);
        match self.stream_for(now, local, request.session_description(), &mut sip) {
            Ok(()) => {}
            Err(Unanswerable::Now(status, cause)) => return Err((status, cause)),
            Err(Unanswerable::OnRecord(release)) => {
                if let Some(stream) = &sip.stream {
                    self.drop_stream(now, stream);
                }
                let (status, cause) = (Status::NOT_ACCEPTABLE_HERE, release.cause);
                self.refuse_with(now, session, status, cause, sip.warning);
                return Ok(());
            }
        }
        match other {
            Some((leg, party)) => {
                let (a, b) = self.open_joined(now, &who, &party);
                self.adopt_caller(now, a, sip, caller.lane);
                self.answer(now, a, session);
                self.hand_to(now, leg, b, "replaced");
            }
            None => self.pick_up(now, session, old, sip, caller),
        }
        Ok(())
    }

    /// The caller takes the call that rings at `old`.
    fn pick_up(
        &mut self,
        now: Instant,
        session: SessionId,
        old: LegId,
        sip: SipLeg,
        caller: Caller,
    ) {
        let name = caller.origin.name().unwrap_or("guest").to_owned();
        let mut new = None;
        self.with_call(Call::of_leg(old), |open| new = open.call.pick_up(name));
        let Some(leg) = new else {
            if let Some(stream) = &sip.stream {
                self.drop_stream(now, stream);
            }
            let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.refuse(now, session, gone, Cause::TEMPORARY_FAILURE);
        };
        self.adopt_caller(now, leg, sip, caller.lane);
        self.answer(now, leg, session);
        self.leg_says(now, leg, Event::Answer);
    }
}
