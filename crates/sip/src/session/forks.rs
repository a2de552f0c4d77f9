//! The forks of our call: early dialogs, and answers that come too late (RFC 3261 §12.1, §13.2.2.4).

use tipring_core::Instant;

use super::caller::Calling;
use super::exchange::{Exchange, Role};
use super::party::Party;
use super::prack::Order;
use super::{EndedBy, Hangup, Purpose, Session, State};
use crate::agent::Output;
use crate::dialog::Dialog;
use crate::message::{HeaderError, HeaderName, Method, Request, Response, Status};

/// Early dialogs that one INVITE may make; further ones are not told apart.
pub(super) const MAX_FORKS: usize = 16;

impl Session {
    /// A provisional response other than 100.
    pub(super) fn fork_progress(
        &mut self,
        now: Instant,
        calling: &mut Calling,
        response: Response,
    ) {
        let wanted = calling.is_wanted();
        let Some(at) = calling.fork_of(&response) else {
            // A peer of RFC 2543, or one fork too many: heard, but not told apart.
            let fork = calling.next_fork.saturating_sub(1);
            let body = response.session_description().to_vec();
            let Response { status, headers, .. } = response;
            if wanted {
                self.say(Output::Progress { session: self.id, fork, status, headers, body });
            }
            return;
        };
        let Some(party) = calling.parties.get_mut(at) else {
            return;
        };
        let fork = party.fork;
        let order = party.order(&response);
        if order == Order::Drop {
            return;
        }
        party.refresh_target(&response.headers);
        let description = response.session_description();
        let role = match order {
            Order::Unreliable if party.exchange == Exchange::Ours => Role::Answer,
            Order::Unreliable => Role::None,
            Order::Next(_) | Order::Drop => party.exchange.receive(description),
        };
        if wanted {
            let (session, status, headers) = (self.id, response.status, response.headers.clone());
            let body = if role == Role::Answer { description.to_vec() } else { Vec::new() };
            self.say(Output::Progress { session, fork, status, headers, body });
        }
        match order {
            Order::Next(rack) if role == Role::Offer && wanted => {
                self.answer_in_prack(now, party, rack, &response, None);
            }
            Order::Next(rack) => self.send_prack(now, party, rack, Vec::new()),
            Order::Unreliable | Order::Drop => {}
        }
        if response.status == Status::EARLY_DIALOG_TERMINATED {
            // RFC 6228: this fork has failed, the others go on.
            let failed = calling.parties.remove(at);
            self.drop_offered(&failed);
        }
    }

    /// The callee's BYE in an early dialog, which it may not send (RFC 3261 §15). The fork is given up; when it answers
    /// nevertheless, that is the end of the call.
    pub(super) fn fork_leaves(&mut self, calling: &mut Calling, remote_tag: &str) {
        for party in calling.parties.iter().filter(|party| party.dialog.remote_tag() == remote_tag)
        {
            self.drop_offered(party);
        }
        calling.parties.retain(|party| party.dialog.remote_tag() != remote_tag);
        if calling.left.len() < MAX_FORKS {
            calling.left.push(remote_tag.to_owned());
        }
    }

    /// The answer of a fork that had said BYE before.
    pub(super) fn fork_answers_after_bye(&mut self, party: &Party) -> State {
        self.send_ack(&party.dialog, self.invite_cseq, Vec::new());
        self.leave(party.dialog.clone(), Hangup::new(EndedBy::Remote, Vec::new()))
    }

    /// A response to our INVITE when that was answered already: the 2xx again, or that of another fork.
    pub(super) fn late_response(&mut self, response: &Response) {
        let tag = remote_tag(response);
        if !response.status.is_success() || self.repeat_ack(self.invite_cseq, &tag) {
            return;
        }
        if self.acks.len() > MAX_FORKS || self.has_dialog(&tag) {
            return;
        }
        // RFC 3261 §13.2.2.4: an answer we have no use for is acknowledged and ended.
        let Ok(mut dialog) = self.late_dialog(response) else {
            return;
        };
        self.send_ack(&dialog, self.invite_cseq, Vec::new());
        let path = dialog.next_hop(&self.endpoint.path);
        let bye = dialog.request(Method::Bye);
        self.send_in_dialog(Purpose::StrayBye, 0, path, bye);
    }

    /// The dialog of a late 2xx, which repeats From, Call-ID and CSeq of our INVITE.
    fn late_dialog(&self, response: &Response) -> Result<Dialog, HeaderError> {
        let to = response.headers.to()?;
        let mut invite = Request::new(Method::Invite, to.uri);
        for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            invite.headers.copy_from(&response.headers, &name);
        }
        Dialog::of_caller(&invite, response)
    }
}

impl Calling {
    /// The place of the early dialog that a provisional response belongs to; made if it is new.
    fn fork_of(&mut self, response: &Response) -> Option<usize> {
        let tag = remote_tag(response);
        let known = self.parties.iter().position(|party| party.dialog.remote_tag() == tag);
        if known.is_some() {
            return known;
        }
        if tag.is_empty() || self.next_fork >= MAX_FORKS || self.left.contains(&tag) {
            return None;
        }
        let dialog = Dialog::of_caller(&self.invite, response).ok()?;
        let party = self.new_party(dialog);
        self.parties.push(party);
        Some(self.parties.len() - 1)
    }

    pub(super) fn new_party(&mut self, dialog: Dialog) -> Party {
        let mut exchange = Exchange::default();
        exchange.send(&self.invite.body);
        let mut party = Party::new(self.next_fork, dialog, exchange);
        party.describe(&self.invite.body);
        self.next_fork += 1;
        party
    }
}

pub(super) fn remote_tag(response: &Response) -> String {
    response.headers.to_tag().unwrap_or_default().into_owned()
}
