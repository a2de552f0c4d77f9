//! Changes that the peer asks for, and what the application says to them; the table is `modify`'s.

use std::sync::Arc;

use tipring_core::{Duration, Instant};

use super::ack::Due;
use super::exchange::Exchange;
use super::modify::{Modify, Owed, SDP};
use super::party::Party;
use super::{EndedBy, Fate, Hangup, Session, State};
use crate::agent::Output;
use crate::message::{HeaderName, Method, Request, Response, Status};
use crate::transaction::ServerId;

impl Session {
    /// The peer's re-INVITE, its UPDATE, or its PRACK with an offer.
    pub(super) fn peer_offers(
        &mut self,
        now: Instant,
        party: &mut Party,
        server: ServerId,
        request: Request,
    ) {
        match (&party.modify, party.exchange) {
            (Modify::Offered { .. }, _) => return self.respond_busy(server, &request),
            // RFC 3311 §5.2: the peer has not heard our first answer yet.
            (Modify::Idle, Exchange::Theirs) if !party.is_confirmed() => {
                return self.respond_busy(server, &request);
            }
            (Modify::Idle, Exchange::Agreed) => {}
            (Modify::Idle, _) if party.is_confirmed() => {}
            (
                Modify::Idle
                | Modify::Offering { .. }
                | Modify::Answering { .. }
                | Modify::Accepted { .. },
                _,
            ) => {
                return self.respond_status(server, &request, Status::REQUEST_PENDING);
            }
        }
        if self.refuse_interval(server, &request) {
            return;
        }
        party.refresh_target(&request.headers);
        let (session, fork) = (self.id, party.fork);
        let body = request.session_description().to_vec();
        let headers = request.headers.clone();
        self.say(Output::Offer { session, fork, headers, body });
        let values = &self.endpoint.config.timers;
        // The transaction of an UPDATE or PRACK ends after 64·T1, answered or not.
        let patience = match request.method {
            Method::Invite => values.c,
            _ => values.timeout().saturating_sub(values.t2),
        };
        party.modify = Modify::Offered { server, request, until: now + patience };
    }

    /// The peer's UPDATE without an offer: it refreshes its address, or the session.
    pub(super) fn peer_refreshes(
        &mut self,
        now: Instant,
        party: &mut Party,
        server: ServerId,
        request: &Request,
    ) {
        if self.refuse_interval(server, request) {
            return;
        }
        party.refresh_target(&request.headers);
        let response = self.update_response(now, party, request);
        self.respond(server, response);
    }

    fn refuse_interval(&mut self, server: ServerId, request: &Request) -> bool {
        let min = Self::interval_too_small(&self.endpoint.config, request);
        if let Some(min) = min {
            let status = Status::SESSION_INTERVAL_TOO_SMALL;
            let mut response = self.endpoint.response(request, status, &self.local_tag);
            response.headers.push(HeaderName::MinSe, min);
            self.respond(server, response);
        }
        min.is_some()
    }

    fn update_response(&mut self, now: Instant, party: &mut Party, request: &Request) -> Response {
        let mut response = self.endpoint.response(request, Status::OK, &self.local_tag);
        self.endpoint.introduce(&mut response.headers);
        if party.is_confirmed() {
            self.grant_timer(now, party, &request.headers, &mut response.headers);
        }
        response
    }

    /// 500 while an earlier offer is undecided (RFC 3261 §14.2, RFC 3311 §5.2).
    pub(super) fn respond_busy(&mut self, server: ServerId, request: &Request) {
        let status = Status::SERVER_INTERNAL_ERROR;
        let mut response = self.endpoint.response(request, status, &self.local_tag);
        let wait = self.endpoint.random(Duration::ZERO, Duration::from_secs(10));
        response.headers.push(HeaderName::RetryAfter, wait.as_secs());
        self.respond(server, response);
    }

    /// The application accepts the peer's offer, answers it in our ACK or PRACK, or gives the offer that was asked for.
    /// False when there is none.
    pub(super) fn accept(&mut self, now: Instant, party: &mut Party, body: Vec<u8>) -> bool {
        match core::mem::replace(&mut party.modify, Modify::Idle) {
            Modify::Offered { server, request, .. } => {
                party.describe(&body);
                match request.method {
                    Method::Invite => {
                        let unacked = self.send_2xx(now, party, server, &request, body);
                        party.modify = Modify::Accepted { unacked };
                    }
                    Method::Prack => {
                        let tag = self.local_tag.clone();
                        let mut response = self.endpoint.response(&request, Status::OK, &tag);
                        response.set_body(SDP, body);
                        self.respond(server, response);
                    }
                    _ => {
                        let mut response = self.update_response(now, party, &request);
                        response.set_body(SDP, body);
                        self.respond(server, response);
                    }
                }
                true
            }
            Modify::Answering { owed, then, .. } => {
                party.describe(&body);
                self.pay(now, party, owed, body);
                party.modify = then.map_or(Modify::Idle, |then| *then);
                true
            }
            modify @ (Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. }) => {
                party.modify = modify;
                false
            }
        }
    }

    /// Sends the ACK or PRACK that waited for the application's answer.
    fn pay(&mut self, now: Instant, party: &mut Party, owed: Owed, body: Vec<u8>) {
        party.exchange.send(&body);
        match owed {
            Owed::Ack(cseq) => self.send_ack(&party.dialog, cseq, body),
            Owed::Prack(rack) => self.send_prack(now, party, rack, body),
        }
    }

    /// Sends what is owed without an answer: the session ends.
    pub(super) fn default_on(&mut self, now: Instant, party: &mut Party) {
        match core::mem::replace(&mut party.modify, Modify::Idle) {
            Modify::Offered { server, request, .. } => {
                self.respond_status(server, &request, Status::REQUEST_TERMINATED);
            }
            Modify::Answering { owed, .. } => self.pay(now, party, owed, Vec::new()),
            Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. } => {}
        }
    }

    /// The change is over whose provisional response held an offer that nobody has answered: the response is still
    /// acknowledged.
    pub(super) fn void_offer(&mut self, now: Instant, party: &mut Party) {
        match core::mem::replace(&mut party.modify, Modify::Idle) {
            Modify::Answering { owed, then: Some(then), .. } => {
                // Not idle: what waits is no answer to their offer, so the PRACK may not take it along.
                party.modify = *then;
                self.pay(now, party, owed, Vec::new());
            }
            modify => party.modify = modify,
        }
    }

    /// The application rejects the peer's offer; `None` when there is none. One that came in a response cannot be
    /// rejected: it is acknowledged and the session ends (RFC 6337 §2.1).
    pub(super) fn decline(
        &mut self,
        now: Instant,
        party: &mut Party,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Option<Fate> {
        match core::mem::replace(&mut party.modify, Modify::Idle) {
            Modify::Offered { server, request, .. } => {
                let mut response = self.endpoint.response(&request, status, &self.local_tag);
                for (name, value) in headers {
                    response.headers.push(name.clone(), value);
                }
                self.respond(server, response);
                Some(Fate::Stays)
            }
            Modify::Answering { owed, .. } => {
                self.pay(now, party, owed, Vec::new());
                Some(Fate::Ends(Hangup::new(EndedBy::Local, Vec::new())))
            }
            modify @ (Modify::Idle | Modify::Offering { .. } | Modify::Accepted { .. }) => {
                party.modify = modify;
                None
            }
        }
    }

    /// The peer cancels its re-INVITE; the application's verdict comes too late then.
    pub(super) fn withdraw_offer(&mut self, now: Instant, cancelled: ServerId) {
        let asked = |party: &&Party| party.modify.pending(cancelled).is_some();
        let fork = self.state.parties().find(asked).map(|party| party.fork);
        if let Some(fork) = fork {
            self.with_party(fork, |session, party| {
                session.decline(now, party, Status::REQUEST_TERMINATED, &[])
            });
        }
    }

    /// The ACK for our 2xx to the peer's re-INVITE.
    pub(super) fn change_acknowledged(&mut self, party: &mut Party, cseq: u32, body: Vec<u8>) {
        match &party.modify {
            Modify::Accepted { unacked } if unacked.cseq == cseq => {
                if unacked.is_offer {
                    let (session, fork) = (self.id, party.fork);
                    self.say(Output::OfferAnswered { session, fork, body });
                }
                party.modify = Modify::Idle;
            }
            _ => {}
        }
    }

    /// Fires what is due in a dialog.
    pub(super) fn party_timeout(&mut self, now: Instant, party: &mut Party) -> Fate {
        let timed_out = Fate::Ends(Hangup::new(EndedBy::Timeout, Vec::new()));
        if party.modify.deadline().is_none_or(|at| at > now) {
            return self.session_timeout(now, party);
        }
        match &mut party.modify {
            Modify::Idle => Fate::Stays,
            Modify::Offering { .. } => timed_out,
            Modify::Answering { .. } => {
                self.default_on(now, party);
                timed_out
            }
            Modify::Offered { request, .. } => {
                let status = match request.method {
                    Method::Invite => Status::TEMPORARILY_UNAVAILABLE,
                    // RFC 3311 §5.2: it cannot wait for a user.
                    _ => Status::SERVER_TIMEOUT,
                };
                self.decline(now, party, status, &[]);
                Fate::Stays
            }
            Modify::Accepted { unacked } => match unacked.due(now, &self.endpoint.config.timers) {
                Due::Nothing => Fate::Stays,
                Due::Resend => {
                    self.respond(unacked.server, Arc::clone(&unacked.response));
                    Fate::Stays
                }
                Due::GiveUp => timed_out,
            },
        }
    }

    /// Gives the party that is fork `fork` to `act`, while the state is out of reach.
    pub(super) fn with_party<T>(
        &mut self,
        fork: usize,
        act: impl FnOnce(&mut Self, &mut Party) -> T,
    ) -> Option<T> {
        let mut state = self.take_state();
        let party = state.parties_mut().find(|party| party.fork == fork);
        let done = party.map(|party| act(self, party));
        self.state = state;
        done
    }
}

impl State {
    /// The dialogs that can still change.
    pub(super) fn parties_mut(&mut self) -> impl Iterator<Item = &mut Party> {
        let (several, one) = match self {
            Self::Calling(calling) => (calling.parties.as_mut_slice(), None),
            Self::Ringing(ringing) => (Default::default(), Some(&mut ringing.party)),
            Self::Answered(answered) => (Default::default(), Some(&mut answered.party)),
            Self::Confirmed(party) => (Default::default(), Some(&mut **party)),
            Self::Leaving(_) | Self::Over => (Default::default(), None),
        };
        several.iter_mut().chain(one)
    }

    /// The same, to look at.
    pub(super) fn parties(&self) -> impl Iterator<Item = &Party> {
        let (several, one) = match self {
            Self::Calling(calling) => (calling.parties.as_slice(), None),
            Self::Ringing(ringing) => (Default::default(), Some(&ringing.party)),
            Self::Answered(answered) => (Default::default(), Some(&answered.party)),
            Self::Confirmed(party) => (Default::default(), Some(&**party)),
            Self::Leaving(_) | Self::Over => (Default::default(), None),
        };
        several.iter().chain(one)
    }
}
