//! The caller's side of reliable provisional responses (RFC 3262 §4).
//!
//! ```text
//! provisional response        first           the next in order   seen before   out of order
//! what is done                PRACK, told     PRACK, told         dropped       dropped: it comes again
//! ```
//!
//! The PRACK of a response that holds an offer waits for the application's answer. An offer of ours that waits goes in a
//! PRACK where the peer does not allow UPDATE.

use tipring_core::Instant;

use super::exchange::Exchange;
use super::modify::{Change, Modify, Owed, SDP};
use super::party::Party;
use super::{Purpose, Session};
use crate::agent::Output;
use crate::message::{HeaderName, Method, RAck, Request, Response};
use crate::transaction::Path;

/// PRACKs that wait for their answers, of more provisional responses than one INVITE has in a round trip. The oldest is
/// not sent again then.
const MAX_PRACKS: usize = 8;

/// What a provisional response is by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Unreliable,
    /// Its turn has come: acknowledge it.
    Next(RAck),
    /// It was seen before, or one before it was not.
    Drop,
}

impl Party {
    /// Judges a provisional response to our INVITE, and remembers it.
    pub(super) fn order(&mut self, response: &Response) -> Order {
        let (Ok(Some(rseq)), Ok(cseq)) = (response.headers.rseq(), response.headers.cseq()) else {
            return Order::Unreliable;
        };
        if !response.headers.requires("100rel") {
            return Order::Unreliable;
        }
        if self.rseq.is_some_and(|last| last.next() != Some(rseq)) {
            return Order::Drop;
        }
        self.rseq = Some(rseq);
        Order::Next(RAck { rseq, cseq: cseq.number, method: cseq.method })
    }

    /// The PRACK with this number has its answer.
    pub(super) fn forget_prack(&mut self, cseq: u32) {
        self.pracks.retain(|prack| prack.headers.cseq().is_ok_and(|of| of.number != cseq));
    }

    fn keep_prack(&mut self, prack: &Request) {
        if self.pracks.len() >= MAX_PRACKS {
            self.pracks.remove(0);
        }
        self.pracks.push(prack.clone());
    }
}

impl Session {
    pub(super) fn send_prack(
        &mut self,
        now: Instant,
        party: &mut Party,
        rack: RAck,
        body: Vec<u8>,
    ) {
        let path = party.dialog.next_hop(&self.endpoint.path);
        let mut request = party.dialog.request(Method::Prack);
        request.headers.push(HeaderName::RAck, rack);
        let offer = party.waiting.take_if(|change| {
            let allowed = body.is_empty() && change.is_update() && !change.body.is_empty();
            let open = party.exchange == Exchange::Agreed && matches!(party.modify, Modify::Idle);
            allowed && open && !party.abilities.update
        });
        if let Some(change) = offer {
            request.set_body(SDP, change.body.clone());
            party.describe(&change.body);
            party.keep_prack(&request);
            let cseq = self.send_in_dialog(Purpose::Change, party.fork, path.clone(), request);
            let until = now + self.endpoint.config.timers.c;
            let method = Method::Prack;
            party.modify = Modify::Offering { change, method, path, cseq, until };
            return;
        }
        request.set_body(SDP, body);
        party.keep_prack(&request);
        self.send_in_dialog(Purpose::Prack, party.fork, path, request);
    }

    /// A response to a PRACK of ours: where and by which number it goes out once more when that was a challenge. One that
    /// fails is the INVITE's to tell.
    pub(super) fn prack_repeated(
        &mut self,
        party: &mut Party,
        purpose: Purpose,
        response: &Response,
    ) -> Option<(Path, u32)> {
        if response.status.is_provisional() {
            return None;
        }
        let cseq = response.headers.cseq();
        let at = party.pracks.iter().position(|prack| prack.headers.cseq() == cseq)?;
        if !self.is_worth_repeating(response) {
            party.pracks.remove(at);
            return None;
        }
        let path = party.dialog.next_hop(&self.endpoint.path);
        let number = party.dialog.next_cseq();
        self.repeat(purpose, party.fork, path.clone(), number, &mut party.pracks[at]);
        Some((path, number))
    }

    /// A provisional response to our re-INVITE.
    pub(super) fn change_progress(&mut self, now: Instant, party: &mut Party, response: &Response) {
        let Order::Next(rack) = party.order(response) else {
            return;
        };
        let description = response.session_description();
        let offered = |change: &Change| change.asks_for_offer() && !description.is_empty();
        match core::mem::replace(&mut party.modify, Modify::Idle) {
            Modify::Offering { mut change, method, path, cseq, until } if offered(&change) => {
                change.agreed = true;
                let then = Modify::Offering { change, method, path, cseq, until };
                self.answer_in_prack(now, party, rack, response, Some(Box::new(then)));
            }
            modify => {
                party.modify = modify;
                self.send_prack(now, party, rack, Vec::new());
            }
        }
    }

    /// The peer's offer is in a provisional response: the application's answer goes into our PRACK.
    pub(super) fn answer_in_prack(
        &mut self,
        now: Instant,
        party: &mut Party,
        rack: RAck,
        response: &Response,
        then: Option<Box<Modify>>,
    ) {
        let until = now + self.endpoint.config.timers.timeout();
        party.modify = Modify::Answering { owed: Owed::Prack(rack), until, then };
        let (session, fork) = (self.id, party.fork);
        let (headers, body) = (response.headers.clone(), response.session_description().to_vec());
        self.say(Output::Offer { session, fork, headers, body });
    }
}
