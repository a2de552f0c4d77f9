//! SIP legs: what a session says becomes a call's words, and a call's words become what a session does.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{Call, Event, Redirect, Release};
use tipring_core::{Cause, Instant, LegId};
use tipring_sip::agent::Output as SipOutput;
use tipring_sip::message::{NameAddr, Reason, Request, Status, Uri, Warning};
use tipring_sip::session::{EndedBy, Redirection, SessionId};
use tipring_sip::transaction::Path;
use tipring_sip_server::Source;

use crate::calls::LegKind;
use crate::config::DtmfRelay;
use crate::gateway::{Gateway, Wake};
use crate::output::Output;
use crate::sip_place::Pending;
use crate::streams::Stream;
use crate::{cause_map, redirected};

/// One SIP leg, from before its INVITE to its session's end.
#[derive(Debug, Default)]
pub(crate) struct SipLeg {
    pub(crate) session: Option<SessionId>,
    pub(crate) stream: Option<Stream>,
    /// The peer called us.
    pub(crate) incoming: bool,
    /// What we describe to the caller in 18x or 200: our answer to its offer, or our offer where it has made none.
    pub(crate) description: Option<Vec<u8>>,
    /// The caller's offer, until what we describe is sent.
    pub(crate) offer: Vec<u8>,
    pub(crate) answered: bool,
    /// Our side has put the peer on hold.
    pub(crate) holding: bool,
    /// The peer has put us on hold.
    pub(crate) held: bool,
    /// Why what the peer describes cannot be taken, for the refusal of its call.
    pub(crate) warning: Option<Warning>,
    /// The call has let go of it.
    pub(crate) released: bool,
    /// The peer was told where its audio is to go.
    pub(crate) told: bool,
    /// No audio passes yet, whatever is agreed: a caller hears its own ringback.
    pub(crate) muted: bool,
    /// A change of hold that could not be offered yet.
    pub(crate) owes_offer: bool,
    /// The peer has asked for a transfer, and leaves by itself when that is done.
    pub(crate) refers: bool,
    /// How the peer is told of keys.
    pub(crate) dtmf: DtmfRelay,
    /// The trunk that it was placed on.
    pub(crate) trunk: Option<usize>,
    pub(crate) call_id: Option<String>,
    /// Something of who is called was heard.
    pub(crate) heard: bool,
    /// The host that its signalling goes to.
    pub(crate) host: Option<IpAddr>,
    /// The same call to servers of the other address family, which needs another offer.
    pub(crate) spare: Option<Box<(Pending, Vec<Path>)>>,
}

/// How a session ended.
struct Told {
    by: EndedBy,
    status: Option<Status>,
    reasons: Vec<Reason>,
    /// Seconds.
    retry_after: Option<u32>,
}

/// Whether a call has ended because nobody served it.
pub(crate) fn is_unserved(by: EndedBy, status: Option<Status>) -> bool {
    matches!(by, EndedBy::Timeout | EndedBy::Network) || status == Some(Status::SERVICE_UNAVAILABLE)
}

impl SipLeg {
    /// The leg of a session that a peer began from `remote`.
    pub(crate) fn of_caller(session: SessionId, request: &Request, remote: SocketAddr) -> Self {
        Self {
            session: Some(session),
            incoming: true,
            muted: true,
            host: Some(remote.ip()),
            call_id: request.headers.call_id().ok().map(str::to_owned),
            ..Self::default()
        }
    }

    /// Our first description to the caller.
    fn describe(&mut self) -> Vec<u8> {
        if self.description.is_none() {
            self.description = self.stream.as_mut().map(|stream| stream.offer(false));
        }
        self.description.clone().unwrap_or_default()
    }
}

impl Gateway {
    pub(crate) fn sip_leg(&mut self, leg: LegId) -> Option<&mut SipLeg> {
        match &mut self.legs.get_mut(&leg)?.kind {
            LegKind::Sip(sip) => Some(sip),
            LegKind::Line(_) => None,
        }
    }

    /// What the user agent says.
    pub(crate) fn sip_output(&mut self, now: Instant, output: SipOutput) {
        match output {
            SipOutput::Transmit { path, bytes } => self.transmit(now, path, bytes),
            SipOutput::Request { id, request, source, .. } => {
                let Path { transport, local, remote, flow, .. } = source;
                self.front_request(now, id, &request, Source { remote, local, transport, flow });
            }
            SipOutput::Incoming { session, request, replaces, source } => {
                let Path { transport, local, remote, flow, .. } = source;
                let source = Source { remote, local, transport, flow };
                self.front_invite(now, session, &request, source, replaces);
            }
            SipOutput::Ask(question) => self.outputs.push_back(Output::Ask(question)),
            SipOutput::Located { id, paths } => self.located(now, id, paths),
            SipOutput::Parked(path) => self.server_parked(now, &path),
            SipOutput::Registration { id, state } => self.trunk_registered(now, id, state),
            SipOutput::Refer { session, refer, call, target, headers } => {
                self.referred(now, (session, refer), call, &target, &headers);
            }
            SipOutput::Referred { .. } | SipOutput::Refreshed { .. } => {}
            SipOutput::Response { id, response } => self.text_answered(now, id, response.status),
            // The gateway subscribes to nothing, serves no package and publishes nothing.
            SipOutput::Notified { .. }
            | SipOutput::Subscription { .. }
            | SipOutput::Subscribe { .. }
            | SipOutput::Watcher { .. }
            | SipOutput::Publication { .. } => {}
            SipOutput::Progress { session, .. }
            | SipOutput::Answered { session, .. }
            | SipOutput::Confirmed { session, .. }
            | SipOutput::Offer { session, .. }
            | SipOutput::OfferAnswered { session, .. }
            | SipOutput::OfferRejected { session, .. }
            | SipOutput::Info { session, .. }
            | SipOutput::InfoAnswered { session, .. }
            | SipOutput::Redirected { session, .. }
            | SipOutput::Ended { session, .. } => {
                if let Some(leg) = self.sessions.get(&session).copied() {
                    self.session_says(now, leg, output);
                }
            }
        }
    }

    fn session_says(&mut self, now: Instant, leg: LegId, output: SipOutput) {
        match output {
            SipOutput::Progress { session, status, body, .. } => {
                self.server_found(leg, session);
                self.progress(now, leg, status, &body);
            }
            SipOutput::Answered { session, body, .. } => {
                self.server_found(leg, session);
                self.answered(now, leg, session, &body);
            }
            SipOutput::Confirmed { session, body } => self.confirmed(now, leg, session, &body),
            SipOutput::Offer { session, fork, body, .. } => {
                self.offered(now, leg, session, fork, &body);
            }
            SipOutput::OfferAnswered { session, body, .. } => {
                self.offer_answered(now, leg, session, &body);
            }
            SipOutput::OfferRejected { .. } => {
                if let Some(stream) = self.sip_leg(leg).and_then(|sip| sip.stream.as_mut()) {
                    stream.withdraw();
                }
            }
            SipOutput::Info { signal: Some(signal), .. } => self.informed(now, leg, signal),
            SipOutput::InfoAnswered { status, signal, .. } => {
                self.info_answered(now, leg, status, signal);
            }
            SipOutput::Redirected { status, contacts, tried, .. } => {
                self.redirected(now, leg, status, contacts, tried);
            }
            SipOutput::Ended { session, by, status, reasons, retry_after, .. } => {
                let told = Told { by, status, reasons, retry_after };
                self.ended(now, leg, session, &told);
            }
            _ => {}
        }
    }

    fn redirected(
        &mut self,
        now: Instant,
        leg: LegId,
        status: Status,
        contacts: Vec<NameAddr>,
        mut tried: Vec<Uri>,
    ) {
        let contacts = redirected::all(status, contacts, &mut tried);
        let open = self.calls.get_mut(&Call::of_leg(leg));
        if let Some(open) = open {
            // Other telephones of the same user may have been elsewhere meanwhile.
            tried.retain(|uri| !open.tried.iter().any(|known| known.is_equivalent(uri)));
            open.tried.append(&mut tried);
        }
        let from = self.place_of(leg);
        let same = |to: &Redirection| {
            to.proxy.is_some() || from.is_some_and(|from| self.same_trunk(from, to).is_some())
        };
        let diverts = !contacts.iter().all(same);
        let contacts = contacts.iter().map(redirected::words).collect();
        let redirect = Redirect { contacts, cause: Cause::REDIRECTION, diverts };
        self.leg_says(now, leg, Event::Redirect(redirect));
        self.forget_leg(now, leg);
    }

    /// One of the servers that the INVITE was sent to has taken it.
    fn server_found(&mut self, leg: LegId, session: SessionId) {
        let host = self.agent.session_path(session).map(|path| path.remote.ip());
        if let Some(sip) = self.sip_leg(leg) {
            sip.host = host.or(sip.host);
            sip.spare = None;
            sip.heard = true;
        }
    }

    /// A call that a trunk has not taken, before anything of who was called was heard, may go another way; whether this
    /// is one.
    fn way_has_failed(&mut self, now: Instant, leg: LegId, told: &Told) -> bool {
        let unserved = is_unserved(told.by, told.status);
        let trunk = self.sip_leg(leg).filter(|sip| !sip.heard).and_then(|sip| sip.trunk);
        let Some(at) = trunk.filter(|_| unserved) else { return false };
        if let Some(seconds) = told.retry_after {
            self.trunk_asks_for_rest(now, at, seconds);
        }
        self.with_call(Call::of_leg(leg), |open| {
            open.unserved.insert(at);
        });
        true
    }

    fn progress(&mut self, now: Instant, leg: LegId, status: Status, body: &[u8]) {
        let early_media = !body.is_empty() && self.take_answer(now, leg, body);
        let event = match status {
            Status::RINGING => Event::Alerting { early_media },
            _ => Event::Progress { early_media },
        };
        self.leg_says(now, leg, event);
    }

    fn answered(&mut self, now: Instant, leg: LegId, session: SessionId, body: &[u8]) {
        let agreed =
            if body.is_empty() { self.has_plan(leg) } else { self.take_answer(now, leg, body) };
        if !agreed {
            return self.no_common_media(now, leg, session);
        }
        if let Some(sip) = self.sip_leg(leg) {
            sip.answered = true;
        }
        self.leg_says(now, leg, Event::Answer);
    }

    fn ended(&mut self, now: Instant, leg: LegId, session: SessionId, told: &Told) {
        let Told { by, status, ref reasons, retry_after } = *told;
        if self.placed_elsewhere(now, leg, session, by, status) {
            return;
        }
        let another_way = self.way_has_failed(now, leg, told);
        let given = cause_map::cause_of_reasons(reasons);
        let incoming = self.sip_leg(leg).is_some_and(|sip| sip.incoming);
        let expired = reasons.first().and_then(|reason| reason.text.clone());
        let evidence = match (by, status) {
            (EndedBy::Timeout, None) if let Some(text) = expired => text,
            (EndedBy::Timeout, _) => "SIP timeout".to_owned(),
            (EndedBy::Network, _) => "SIP network failure".to_owned(),
            (_, Some(status)) if incoming && status.code() == 487 => "CANCEL".to_owned(),
            (_, Some(status)) => match retry_after {
                Some(s) => format!("{} {}, retry after {s} s", status.code(), status.reason()),
                None => format!("{} {}", status.code(), status.reason()),
            },
            (_, None) => "BYE".to_owned(),
        };
        let cause = given.unwrap_or_else(|| match (by, status) {
            (EndedBy::Network, _) => Cause::NETWORK_OUT_OF_ORDER,
            (_, Some(status)) => cause_map::cause_of(status.code()),
            (EndedBy::Timeout, None) => Cause::RECOVERY_ON_TIMER_EXPIRY,
            (_, None) => Cause::NORMAL_CLEARING,
        });
        if self.sip_leg(leg).is_some_and(|sip| !sip.released) {
            let release = Release::new(cause, evidence);
            let release = match status {
                // RFC 3261 §16.7: a 6xx speaks for all contacts.
                Some(status) if status.code() >= 600 => release.everywhere(),
                _ if another_way => release.of_the_way(),
                _ => release,
            };
            let release = match status.filter(|_| by == EndedBy::Remote && !incoming) {
                Some(status) => release.with_code(status.code()),
                None => release,
            };
            self.leg_says(now, leg, Event::Release(release));
            self.release_sip(now, leg);
        }
        self.sessions.remove(&session);
        self.timers.cancel(&Wake::Parting(leg));
        if let Some(call_id) = self.sip_leg(leg).and_then(|sip| sip.call_id.take()) {
            self.session_traced(leg, call_id);
        }
        self.legs.remove(&leg);
        self.touched_calls.insert(Call::of_leg(leg));
        self.session_gone(leg);
    }

    /// The call tells a SIP leg.
    pub(crate) fn tell_sip(&mut self, now: Instant, leg: LegId, event: Event) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let (session, answered) = (sip.session, sip.answered);
        match (event, session) {
            (Event::Release(_), Some(_)) if sip.refers => self.part(now, leg),
            (Event::Release(release), Some(session)) => {
                self.end_session(now, leg, session, &release);
            }
            (Event::Alerting { early_media: false }, Some(session)) if !answered => {
                let body = self.offer_owed_to_caller(leg, session);
                let _ = self.agent.progress(now, session, Status::RINGING, body);
            }
            (
                Event::Alerting { early_media: true } | Event::Progress { early_media: true },
                Some(session),
            ) if !answered => {
                let body = sip.describe();
                self.open_stream(leg);
                let _ = self.agent.progress(now, session, Status::SESSION_PROGRESS, body);
            }
            (Event::Answer, Some(session)) if !answered => self.answer(now, leg, session),
            (Event::Hold { on }, Some(_)) => {
                sip.holding = on;
                self.offer_hold(now, leg);
            }
            (Event::Digit { digit, ms }, Some(_)) => self.send_digit(now, leg, digit, ms),
            _ => {}
        }
    }

    /// The offer that a caller who has made none must be told now, though it is only ringing.
    fn offer_owed_to_caller(&mut self, leg: LegId, session: SessionId) -> Vec<u8> {
        if !self.agent.owes_first_offer(session) {
            return Vec::new();
        }
        let Some(sip) = self.sip_leg(leg) else { return Vec::new() };
        sip.told = true;
        sip.describe()
    }

    pub(crate) fn answer(&mut self, now: Instant, leg: LegId, session: SessionId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.answered = true;
        let body = sip.describe();
        self.open_stream(leg);
        let _ = self.agent.answer(now, session, body);
    }

    pub(crate) fn end_session(
        &mut self,
        now: Instant,
        leg: LegId,
        session: SessionId,
        release: &Release,
    ) {
        let waiting = self.sip_leg(leg).is_some_and(|sip| sip.incoming && !sip.answered);
        if waiting {
            let code = cause_map::status_of_end(release.code, release.cause);
            let status = Status::new(code).unwrap_or(Status::SERVER_INTERNAL_ERROR);
            let warning = self.sip_leg(leg).and_then(|sip| sip.warning.take());
            return self.refuse_with(now, session, status, release.cause, warning);
        }
        let reason = match release.cause {
            // RFC 3326 §2: it is no missed call.
            Cause::NON_SELECTED_CLEARING => Reason::sip(Status::OK, "Call completed elsewhere"),
            cause => Reason::q850(cause.value(), cause.name()),
        };
        let _ = self.agent.hang_up(now, session, Some(reason));
    }
}
