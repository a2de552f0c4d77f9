//! What a NOTIFY does: the dialog that it makes or belongs to, and what it tells (RFC 6665 §4.1.3).

use tipring_core::Instant;

use super::super::retry::Retry;
use super::super::usage::{NEVER, Phase, Usage};
use super::super::values::is_terminated;
use super::super::{Forks, SubscriptionEnd, UsageOutput};
use super::{MAX_EXPIRES, MAX_FORKS, State, Subscriber};
use crate::agent::Output;
use crate::dialog::Dialog;
use crate::message::{HeaderName, Request, Status, SubscriptionState, Substate};
use crate::transaction::{Path, ServerId};

impl Subscriber {
    /// Answers a NOTIFY with our tag that came along `source`.
    pub(crate) fn handle_notify(
        &mut self,
        now: Instant,
        server: ServerId,
        source: &Path,
        request: Request,
    ) {
        match self.admit(source, &request) {
            Ok((at, state)) => {
                self.respond(server, &request, Status::OK);
                self.notified(now, at, state, request);
            }
            Err(status) => self.respond(server, &request, status),
        }
    }

    fn respond(&mut self, server: ServerId, request: &Request, status: Status) {
        let mut response = self.endpoint.response(request, status, &self.local_tag);
        if status == Status::UNSUPPORTED_MEDIA_TYPE {
            response.headers.push(HeaderName::Accept, self.wanted.accept.join(", "));
        }
        if status == Status::BAD_EVENT {
            response.headers.push(HeaderName::AllowEvents, &self.wanted.event.package);
        }
        self.output.push_back(UsageOutput::Respond { server, response: Box::new(response) });
    }

    /// The dialog of a NOTIFY, which may be new, and what the NOTIFY says; or the refusal that is owed.
    fn admit(
        &mut self,
        source: &Path,
        request: &Request,
    ) -> Result<(usize, SubscriptionState), Status> {
        let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
        if request.headers.call_id() != Ok(&self.call_id) {
            return Err(gone);
        }
        let malformed = |_| Status::BAD_REQUEST;
        let event = request.headers.event().map_err(malformed)?;
        if !event.is_some_and(|event| event.matches(&self.wanted.event)) {
            return Err(Status::BAD_EVENT);
        }
        let state = request.headers.subscription_state().map_err(malformed)?;
        // RFC 6665 §4.2.1 demands it; old notifiers leave it out, and mean that all is well.
        let state = state.unwrap_or_else(|| SubscriptionState {
            expires: None,
            ..SubscriptionState::lasting(Substate::Active, 0)
        });
        if !self.takes(request) {
            return Err(Status::UNSUPPORTED_MEDIA_TYPE);
        }
        let from = request.headers.from().map_err(malformed)?;
        let tag = from.tag().unwrap_or_default();
        let cseq = request.headers.cseq().map_err(malformed)?.number;
        if let State::Subscribing(initial) = &self.state {
            let dialog = self.dialog_of(initial.cseq, request)?;
            let State::Subscribing(initial) = std::mem::replace(&mut self.state, State::Over)
            else {
                return Err(gone);
            };
            let usage = self.new_usage(dialog, source);
            self.state = State::Subscribed { initial: Some(initial), usages: vec![usage] };
            return Ok((0, state));
        }
        let State::Subscribed { initial, usages } = &mut self.state else {
            return Err(gone);
        };
        if let Some(at) = usages.iter().position(|usage| usage.dialog.remote_tag() == tag) {
            let usage = &mut usages[at];
            usage.dialog.check_cseq(cseq).map_err(|_| Status::SERVER_INTERNAL_ERROR)?;
            usage.dialog.refresh_target(&request.headers);
            usage.path = source.clone();
            return Ok((at, state));
        }
        let room = self.wanted.forks == Forks::Accept && usages.len() < MAX_FORKS;
        let number = initial.as_ref().map(|initial| initial.cseq).filter(|_| room);
        let dialog = self.dialog_of(number.ok_or(gone)?, request)?;
        let usage = self.new_usage(dialog, source);
        let State::Subscribed { usages, .. } = &mut self.state else {
            return Err(gone);
        };
        usages.push(usage);
        Ok((usages.len() - 1, state))
    }

    /// Whether we take the body's type.
    fn takes(&self, request: &Request) -> bool {
        if request.body.is_empty() || self.wanted.accept.is_empty() {
            return true;
        }
        let kind = request.headers.content_type();
        kind.is_ok_and(|kind| self.wanted.accept.iter().any(|accepted| kind.is(accepted)))
    }

    fn dialog_of(&self, cseq: u32, request: &Request) -> Result<Dialog, Status> {
        let dialog = Dialog::of_callee(request, &self.local_tag, cseq);
        let mut dialog = dialog.map_err(|_| Status::BAD_REQUEST)?;
        dialog.confirm();
        Ok(dialog)
    }

    fn new_usage(&mut self, dialog: Dialog, source: &Path) -> Usage {
        let number = self.next_fork;
        self.next_fork += 1;
        let phase = Phase::Held { refresh: NEVER };
        Usage { number, dialog, path: source.clone(), expires_at: NEVER, told: false, phase }
    }

    fn notified(&mut self, now: Instant, at: usize, state: SubscriptionState, request: Request) {
        let State::Subscribed { initial, usages } = &mut self.state else {
            return;
        };
        let granted = initial.as_ref().and_then(|initial| initial.granted);
        let first = usages.len() == 1;
        let usage = &mut usages[at];
        let fork = usage.number;
        let fresh = usage.expires_at == NEVER;
        if fresh && first {
            self.since = now;
        }
        usage.told |= state.expires.is_some();
        let assumed = granted.unwrap_or(self.expires);
        if let Some(seconds) = state.expires.or(Some(assumed).filter(|_| fresh)) {
            usage.last(now, &mut self.endpoint, seconds.min(MAX_EXPIRES));
        }
        if let Phase::Refreshing(sent) = &mut usage.phase {
            sent.notified = true;
            usage.settle(now, &mut self.endpoint);
        }
        let leaving = usage.is_leaving();
        let Request { headers, body, .. } = request;
        let (subscription, told) = (self.id, state.clone());
        self.say(Output::Notified { subscription, fork, state: told, headers, body });
        if is_terminated(&state.state) {
            let reason = state.reason;
            let retry = Retry::after_reason(reason.as_ref(), state.retry_after);
            return self.drop_usage(now, at, SubscriptionEnd::Terminated(reason), retry);
        }
        if self.wanted.expires == 0 {
            // A fetch: one NOTIFY has told everything (RFC 6665 §4.4.3).
            return self.drop_usage(now, at, SubscriptionEnd::Left, Retry::Never);
        }
        if self.leaving && !leaving {
            self.send_in_dialog(now, at, true, false);
        }
    }
}
