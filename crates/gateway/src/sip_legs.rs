//! SIP legs: what a session says becomes a call's words, and a call's words become what a session does.

use std::net::SocketAddr;

use tipring_call::{Call, Event, LegTarget, MediaReport, Redirect, Release, Setup, Target};
use tipring_core::{Cause, Instant, LegId, TerminationId};
use tipring_dsp::dtmf::Digit;
use tipring_media::Cname;
use tipring_media::control::{self, Command, RtpParams};
use tipring_sip::agent::Output as SipOutput;
use tipring_sip::message::{
    Header, HeaderName, Headers, NameAddr, Reason, Request, Status, Transport, Uri, wire,
};
use tipring_sip::session::{EndedBy, Invite, SessionId};
use tipring_sip_server::Source;

use crate::calls::{Leg, LegKind};
use crate::cause_map;
use crate::front::Caller;
use crate::gateway::{Gateway, Owner};
use crate::output::Output;
use crate::streams::{BadDescription, Stream};
use crate::trunks::{Query, literal_address};

/// One SIP leg, from before its INVITE to its session's end.
#[derive(Debug)]
pub(crate) struct SipLeg {
    pub(crate) session: Option<SessionId>,
    pub(crate) stream: Option<Stream>,
    /// The peer called us.
    incoming: bool,
    /// Our answer to the INVITE's offer, to be sent with 183 or 200.
    answer: Option<Vec<u8>>,
    answered: bool,
    /// Our side has put the peer on hold.
    holding: bool,
    /// The peer has put us on hold.
    held: bool,
    /// The call has let go of it.
    released: bool,
    call_id: Option<String>,
}

/// A leg to be placed once its address is known.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) target: Uri,
    pub(crate) setup: Setup,
    /// The trunk whose account answers challenges.
    pub(crate) trunk: Option<usize>,
}

impl SipLeg {
    fn new(incoming: bool) -> Self {
        Self {
            session: None,
            stream: None,
            incoming,
            answer: None,
            answered: false,
            holding: false,
            held: false,
            released: false,
            call_id: None,
        }
    }
}

impl Gateway {
    fn sip_leg(&mut self, leg: LegId) -> Option<&mut SipLeg> {
        match &mut self.legs.get_mut(&leg)?.kind {
            LegKind::Sip(sip) => Some(sip),
            LegKind::Line(_) => None,
        }
    }

    /// What the user agent says.
    pub(crate) fn sip_output(&mut self, now: Instant, output: SipOutput) {
        match output {
            SipOutput::Transmit { transport, local, remote, bytes } => {
                self.note_sip(now, &bytes, false);
                self.outputs.push_back(Output::Datagram { transport, local, remote, bytes });
            }
            SipOutput::Request { id, request, transport, local, remote, .. } => {
                self.front_request(now, id, &request, Source { remote, local, transport });
            }
            SipOutput::Incoming { session, request, local, remote, .. } => {
                self.front_invite(now, session, &request, local, remote);
            }
            SipOutput::Registration { id, state } => self.trunk_registered(now, id, &state),
            SipOutput::Response { .. } | SipOutput::InfoAnswered { .. } => {}
            SipOutput::Progress { session, .. }
            | SipOutput::Answered { session, .. }
            | SipOutput::Confirmed { session, .. }
            | SipOutput::Offer { session, .. }
            | SipOutput::OfferAnswered { session, .. }
            | SipOutput::OfferRejected { session, .. }
            | SipOutput::Info { session, .. }
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
            SipOutput::Progress { status, body, .. } => self.progress(now, leg, status, &body),
            SipOutput::Answered { session, body, .. } => self.answered(now, leg, session, &body),
            SipOutput::Confirmed { body, .. } if !body.is_empty() => {
                self.offer_answered(now, leg, &body)
            }
            SipOutput::Offer { session, body } => self.offered(now, leg, session, &body),
            SipOutput::OfferAnswered { body, .. } => self.offer_answered(now, leg, &body),
            SipOutput::OfferRejected { .. } => {
                if let Some(stream) = self.sip_leg(leg).and_then(|sip| sip.stream.as_mut()) {
                    stream.withdraw();
                }
            }
            SipOutput::Info { body, .. } => self.info(now, leg, &body),
            SipOutput::Redirected { contacts, tried, .. } => {
                self.with_call(Call::of_leg(leg), |open| open.tried = tried);
                let contacts = contacts.iter().map(|contact| contact.uri.to_string()).collect();
                let redirect = Redirect { contacts, cause: Cause::REDIRECTION };
                self.leg_says(now, leg, Event::Redirect(redirect));
                self.forget_leg(now, leg);
            }
            SipOutput::Ended { session, by, status, reasons, .. } => {
                self.ended(now, leg, session, by, status, &reasons);
            }
            _ => {}
        }
    }

    /// An INVITE that a call is made of.
    pub(crate) fn call_from_sip(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        local: SocketAddr,
        caller: Caller,
    ) {
        let Caller { origin, setup, lane } = caller;
        let name = origin.name().map_or_else(|| "sip".to_owned(), str::to_owned);
        let mut sip = SipLeg::new(true);
        sip.session = Some(session);
        sip.call_id = request.headers.call_id().ok().map(str::to_owned);
        let stream = self.new_stream(now, local);
        let Some((mut stream, termination)) = stream else {
            return self.refuse(
                now,
                session,
                Status::SERVICE_UNAVAILABLE,
                Cause::RESOURCE_UNAVAILABLE,
            );
        };
        if !request.body.is_empty() {
            match stream.answer(&request.body, false) {
                Ok(body) => sip.answer = Some(body),
                Err(bad) => {
                    self.drop_stream(now, &stream);
                    let (status, cause) = match bad {
                        BadDescription::Unreadable | BadDescription::NoOffer => {
                            (Status::BAD_REQUEST, Cause::INVALID_MESSAGE)
                        }
                        BadDescription::Rejected(_) => {
                            (Status::NOT_ACCEPTABLE_HERE, Cause::BEARER_NOT_IMPLEMENTED)
                        }
                    };
                    tracing::info!(?bad, "description refused");
                    return self.refuse(now, session, status, cause);
                }
            }
        }
        tracing::info!(from = lane, called = %tipring_core::Redact::Number(&setup.called), "SIP call");
        let peer = stream.plan().map(|plan| (plan.rtp, plan.rtcp));
        let format = stream.format();
        let direction = stream.direction();
        sip.held = stream.peer_holds();
        sip.stream = Some(stream);
        let leg = self.open_call(now, origin, setup, &lane);
        tracing::debug!(%leg, name, "leg A");
        self.owners.insert(termination, Owner::Leg(leg));
        self.sessions.insert(session, leg);
        if let Some(call_id) = &sip.call_id {
            self.sip_call_ids.insert(call_id.clone(), leg);
        }
        self.legs.insert(leg, Leg { kind: LegKind::Sip(Box::new(sip)), lane });
        self.report_media(leg);
        self.note(now, leg, true, "INVITE");
        self.start_stream(termination, format, direction);
        if let Some((rtp, rtcp)) = peer {
            self.outputs.push_back(Output::RtpPeer { termination, rtp, rtcp });
        }
    }

    /// Refuses an INVITE that no call came of.
    pub(crate) fn refuse(
        &mut self,
        now: Instant,
        session: SessionId,
        status: Status,
        cause: Cause,
    ) {
        let reason = Reason::q850(cause.value(), cause.name()).to_string();
        if self.agent.reject(now, session, status, &[(HeaderName::Reason, reason)]).is_err() {
            tracing::debug!(%session, "gone before it could be refused");
        }
    }

    /// Places a terminating leg; `Err` is why it cannot be.
    pub(crate) fn place_sip(
        &mut self,
        now: Instant,
        leg: LegId,
        target: &LegTarget,
        setup: &Setup,
    ) -> Result<(), Release> {
        let bad = |what: &'static str| Release::new(Cause::NO_ROUTE_TO_DESTINATION, what);
        let (uri, trunk, lane) = match &target.target {
            Target::Trunk(name) => {
                let at = self.trunk_by_name(name).ok_or_else(|| bad("no such trunk"))?;
                (self.trunk_target(at, &target.number), Some(at), name.clone())
            }
            _ => {
                let text = target.address.as_deref().unwrap_or_default();
                let uri = Uri::parse(text.as_bytes()).map_err(|_| bad("bad address"))?;
                (uri, None, target.number.to_string())
            }
        };
        let kind = LegKind::Sip(Box::new(SipLeg::new(false)));
        self.legs.insert(leg, Leg { kind, lane });
        let pending = Pending { target: uri, setup: setup.clone(), trunk };
        let known = match (trunk, &target.target) {
            (Some(at), _) => self.trunk_address(at),
            (None, Target::User) => {
                let bindings = self.registrar.lookup(now, &target.number);
                let here =
                    bindings.into_iter().find(|binding| binding.contact.uri == pending.target);
                here.map(|binding| binding.source)
            }
            (None, _) => None,
        };
        match known.or_else(|| literal_address(&pending.target)) {
            Some(destination) => self.invite(now, leg, pending, destination),
            None => {
                let (host, port, transport) = {
                    let host = pending.target.host().ok_or_else(|| bad("no host"))?.to_string();
                    (host, pending.target.port(), pending.target.transport())
                };
                let query = self.next_query(Query::Leg(leg, Box::new(pending)));
                self.outputs.push_back(Output::Resolve { query, host, port, transport });
                Ok(())
            }
        }
    }

    /// Sends the INVITE of a terminating leg.
    pub(crate) fn invite(
        &mut self,
        now: Instant,
        leg: LegId,
        pending: Pending,
        destination: SocketAddr,
    ) -> Result<(), Release> {
        let Pending { target, setup, trunk } = pending;
        let transport = target.transport().unwrap_or(Transport::Udp);
        let local = self.local_socket(transport, destination).ok_or_else(|| {
            Release::new(Cause::NETWORK_OUT_OF_ORDER, "no socket of that transport and family")
        })?;
        let (mut stream, termination) = self
            .new_stream(now, local)
            .ok_or_else(|| Release::new(Cause::RESOURCE_UNAVAILABLE, "no RTP port"))?;
        let body = stream.offer(false);
        self.owners.insert(termination, Owner::Leg(leg));
        self.start_stream(termination, stream.first_format(), control::Direction::RECEIVE_ONLY);
        let (from, headers) = self.identity(&setup, trunk, local);
        let call = Call::of_leg(leg);
        let tried = self.calls.get(&call).map(|open| open.tried.clone()).unwrap_or_default();
        let call_id = format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        let placed = self.agent.invite(
            now,
            Invite {
                call_id: Some(call_id.clone()),
                to: NameAddr::new(target.clone()),
                target,
                destination,
                local,
                transport,
                from,
                route: Vec::new(),
                headers,
                body,
                credentials: trunk.and_then(|at| self.trunk_account(at)),
                max_forwards: 70,
                tried,
            },
        );
        if let Some(sip) = self.sip_leg(leg) {
            sip.stream = Some(stream);
        }
        let Ok(session) = placed else {
            self.release_sip(now, leg);
            return Err(Release::new(Cause::CONGESTION, "too many sessions"));
        };
        self.sessions.insert(session, leg);
        self.sip_call_ids.insert(call_id.clone(), leg);
        if let Some(sip) = self.sip_leg(leg) {
            sip.session = Some(session);
            sip.call_id = Some(call_id);
        }
        self.report_media(leg);
        Ok(())
    }

    /// From and the identity headers of an outgoing INVITE.
    fn identity(
        &self,
        setup: &Setup,
        trunk: Option<usize>,
        local: SocketAddr,
    ) -> (NameAddr, Vec<Header>) {
        let account = trunk
            .and_then(|at| self.config.trunks.get(at))
            .and_then(|t| t.account.clone())
            .map(|a| a.username);
        let host =
            trunk.and_then(|at| self.config.trunks.get(at)).and_then(|t| t.uri.host().cloned());
        let own = self.config.sip.advertise.unwrap_or_else(|| local.ip());
        let host = host.unwrap_or_else(|| own.into());
        if setup.privacy == tipring_call::Privacy::Restricted {
            // RFC 3323 §4.1.1.3.
            let uri = Uri::parse(b"sip:anonymous@anonymous.invalid").expect("a literal URI");
            let mut headers = Headers::new();
            headers.push(HeaderName::Privacy, "id");
            let headers = headers.iter().cloned().collect();
            return (NameAddr::new(uri).with_display("Anonymous"), headers);
        }
        let user = setup.calling.as_ref().map(|number| number.to_string());
        let user = user.or(account).unwrap_or_default();
        let from = NameAddr::new(Uri::sip(&user, host, None));
        match &setup.calling_name {
            Some(name) => (from.with_display(name), Vec::new()),
            None => (from, Vec::new()),
        }
    }

    fn new_stream(&mut self, now: Instant, local: SocketAddr) -> Option<(Stream, TerminationId)> {
        let port = self.ports.take(now)?;
        let termination = self.next_termination(Owner::Leg(LegId(0)));
        let address = self.config.sip.advertise.unwrap_or_else(|| local.ip());
        let (codecs, ptime) = (self.config.sip.codecs.clone(), self.config.sip.ptime_ms);
        let stream = Stream::new(termination, address, port, codecs, ptime, self.rng.next_u64());
        self.outputs.push_back(Output::OpenRtp { termination, port });
        Some((stream, termination))
    }

    fn drop_stream(&mut self, now: Instant, stream: &Stream) {
        self.owners.remove(&stream.termination);
        self.ports.give_back(now, stream.port);
        self.outputs.push_back(Output::CloseRtp { termination: stream.termination });
    }

    fn start_stream(
        &mut self,
        termination: TerminationId,
        format: control::RtpFormat,
        direction: control::Direction,
    ) {
        let params = RtpParams {
            format,
            ssrc: self.rng.next_u32(),
            sequence: self.rng.next_u16(),
            timestamp: self.rng.next_u32(),
            cname: Cname::new(&format!("{:012x}@tipring", self.rng.next_u64() >> 16)),
        };
        self.media(Command::AddRtp { termination, params });
        self.media(Command::SetDirection { termination, direction });
    }

    /// Tells the engine and the sockets what was agreed, and the call who holds whom.
    fn apply_plan(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let Some(stream) = &sip.stream else { return };
        let Some(plan) = stream.plan() else { return };
        let (termination, format, direction) =
            (stream.termination, stream.format(), stream.direction());
        let (rtp, rtcp) = (plan.rtp, plan.rtcp);
        let held = stream.peer_holds();
        let changed = held != sip.held && sip.answered;
        sip.held = held;
        self.media(Command::UpdateRtp { termination, format });
        self.media(Command::SetDirection { termination, direction });
        self.outputs.push_back(Output::RtpPeer { termination, rtp, rtcp });
        self.report_media(leg);
        if changed {
            self.leg_says(now, leg, Event::Hold { on: held });
        }
    }

    fn report_media(&mut self, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let call_id = sip.call_id.clone();
        let codec = sip.stream.as_ref().and_then(Stream::codec_name);
        self.with_call(Call::of_leg(leg), |open| {
            // The first SIP leg is the one that the record speaks of.
            if open.media.sip_call_id.is_none() || open.media.sip_call_id == call_id {
                open.media = MediaReport {
                    sip_call_id: call_id,
                    codec: codec.map(Into::into),
                    ..open.media.clone()
                };
            }
        });
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
            // RFC 3264: an answer that cannot be used ends the call.
            let _ = self.agent.hang_up(now, session, Some(Reason::q850(65, "no usable answer")));
            self.leg_says(
                now,
                leg,
                Event::Release(Release::new(Cause::BEARER_NOT_IMPLEMENTED, "bad answer")),
            );
            return self.forget_leg(now, leg);
        }
        if let Some(sip) = self.sip_leg(leg) {
            sip.answered = true;
        }
        self.leg_says(now, leg, Event::Answer);
    }

    fn has_plan(&mut self, leg: LegId) -> bool {
        self.sip_leg(leg)
            .and_then(|sip| sip.stream.as_ref())
            .is_some_and(|stream| stream.plan().is_some())
    }

    fn take_answer(&mut self, now: Instant, leg: LegId, body: &[u8]) -> bool {
        let Some(stream) = self.sip_leg(leg).and_then(|sip| sip.stream.as_mut()) else {
            return false;
        };
        match stream.accept_answer(body) {
            Ok(()) => {
                self.apply_plan(now, leg);
                true
            }
            Err(bad) => {
                tracing::info!(%leg, ?bad, "description not usable");
                false
            }
        }
    }

    fn offer_answered(&mut self, now: Instant, leg: LegId, body: &[u8]) {
        if !body.is_empty() && !self.take_answer(now, leg, body) {
            tracing::warn!(%leg, "an answer that cannot be used: the session goes on as before");
        }
    }

    /// The peer wants to change the session, or wants an offer of ours.
    fn offered(&mut self, now: Instant, leg: LegId, session: SessionId, body: &[u8]) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let holding = sip.holding;
        let Some(stream) = sip.stream.as_mut() else { return };
        let ours =
            if body.is_empty() { Ok(stream.offer(holding)) } else { stream.answer(body, holding) };
        match ours {
            Ok(ours) => {
                let _ = self.agent.accept_offer(now, session, ours);
                if !body.is_empty() {
                    self.apply_plan(now, leg);
                }
            }
            Err(_) => {
                let _ = self.agent.reject_offer(now, session, Status::NOT_ACCEPTABLE_HERE);
            }
        }
    }

    /// `application/dtmf-relay`: `Signal=5` and `Duration=160`.
    fn info(&mut self, now: Instant, leg: LegId, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='))
        };
        let Some(digit) = field("Signal").and_then(|v| Digit::from_char(v.trim().chars().next()?))
        else {
            return;
        };
        let ms = field("Duration").and_then(|v| v.trim().parse().ok()).unwrap_or(160u16);
        self.leg_says(now, leg, Event::Digit { digit: digit.as_char(), ms });
    }

    fn ended(
        &mut self,
        now: Instant,
        leg: LegId,
        session: SessionId,
        by: EndedBy,
        status: Option<Status>,
        reasons: &[Reason],
    ) {
        let given = reasons
            .iter()
            .find(|reason| reason.protocol.as_str().eq_ignore_ascii_case("Q.850"))
            .and_then(|reason| Cause::new(u8::try_from(reason.cause?).ok()?));
        let incoming = self.sip_leg(leg).is_some_and(|sip| sip.incoming);
        let evidence = match (by, status) {
            (EndedBy::Timeout, _) => "SIP timeout".to_owned(),
            (EndedBy::Network, _) => "SIP network failure".to_owned(),
            (_, Some(status)) if incoming && status.code() == 487 => "CANCEL".to_owned(),
            (_, Some(status)) => format!("{} {}", status.code(), status.reason()),
            (_, None) => "BYE".to_owned(),
        };
        let cause = given.unwrap_or_else(|| match (by, status) {
            (EndedBy::Network, _) => Cause::NETWORK_OUT_OF_ORDER,
            (_, Some(status)) => cause_map::cause_of(status.code()),
            (EndedBy::Timeout, None) => Cause::RECOVERY_ON_TIMER_EXPIRY,
            (_, None) => Cause::NORMAL_CLEARING,
        });
        if self.sip_leg(leg).is_some_and(|sip| !sip.released) {
            self.leg_says(now, leg, Event::Release(Release::new(cause, evidence)));
            self.release_sip(now, leg);
        }
        self.sessions.remove(&session);
        if let Some(call_id) = self.sip_leg(leg).and_then(|sip| sip.call_id.take()) {
            self.sip_call_ids.remove(&call_id);
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
            (Event::Release(release), Some(session)) => {
                self.end_session(now, leg, session, &release)
            }
            (Event::Alerting { early_media: false }, Some(session)) if !answered => {
                let _ = self.agent.progress(now, session, Status::RINGING, Vec::new());
            }
            (
                Event::Alerting { early_media: true } | Event::Progress { early_media: true },
                Some(session),
            ) if !answered => {
                let body = sip.answer.clone().unwrap_or_default();
                let _ = self.agent.progress(now, session, Status::SESSION_PROGRESS, body);
            }
            (Event::Answer, Some(session)) if !answered => self.answer(now, leg, session),
            (Event::Hold { on }, Some(session)) => {
                sip.holding = on;
                if let Some(stream) = sip.stream.as_mut() {
                    let body = stream.offer(on);
                    let _ = self.agent.reinvite(now, session, body);
                }
            }
            (Event::Digit { digit, ms }, Some(_)) => {
                let termination = sip.stream.as_ref().map(|stream| stream.termination);
                if let (Some(termination), Some(digit)) = (termination, Digit::from_char(digit)) {
                    self.media(Command::SendDigit { termination, digit, ms: ms.max(40) });
                    self.note(now, leg, false, &format!("digit {}", digit.as_char()));
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, now: Instant, leg: LegId, session: SessionId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.answered = true;
        let body = match (sip.answer.clone(), sip.stream.as_mut()) {
            (Some(body), _) => body,
            (None, Some(stream)) => stream.offer(false),
            (None, None) => Vec::new(),
        };
        let _ = self.agent.answer(now, session, body);
    }

    fn end_session(&mut self, now: Instant, leg: LegId, session: SessionId, release: &Release) {
        let waiting = self.sip_leg(leg).is_some_and(|sip| sip.incoming && !sip.answered);
        if waiting {
            let code = cause_map::status_of(release.cause);
            let status = Status::new(code).unwrap_or(Status::SERVER_INTERNAL_ERROR);
            return self.refuse(now, session, status, release.cause);
        }
        let reason = Reason::q850(release.cause.value(), release.cause.name());
        let _ = self.agent.hang_up(now, session, Some(reason));
    }

    /// The call lets go of a SIP leg: its stream ends now, its session when the peer has agreed.
    pub(crate) fn release_sip(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.released = true;
        let has_session = sip.session.is_some();
        if let Some(stream) = sip.stream.take() {
            self.with_call(Call::of_leg(leg), |open| {
                open.removed.insert(stream.termination);
            });
            self.media(Command::Remove { termination: stream.termination });
            self.outputs.push_back(Output::CloseRtp { termination: stream.termination });
            self.ports.give_back(now, stream.port);
        }
        if !has_session {
            self.legs.remove(&leg);
        }
    }

    /// The sockets of a stream could not be had.
    pub(crate) fn rtp_unavailable(&mut self, now: Instant, termination: TerminationId) {
        let Some(Owner::Leg(leg)) = self.owners.get(&termination).copied() else { return };
        tracing::error!(%leg, "RTP port not available");
        let session = self.sip_leg(leg).and_then(|sip| sip.session);
        let release = Release::new(Cause::RESOURCE_UNAVAILABLE, "RTP port not available");
        if let Some(session) = session {
            self.end_session(now, leg, session, &release);
        }
        self.leg_says(now, leg, Event::Release(release));
        self.forget_leg(now, leg);
    }

    /// Which of our sockets reaches `remote`.
    pub(crate) fn local_socket(
        &self,
        transport: Transport,
        remote: SocketAddr,
    ) -> Option<SocketAddr> {
        let fits = |(own, address): &&(Transport, SocketAddr)| {
            *own == transport && address.is_ipv4() == remote.is_ipv4()
        };
        self.config.sip.listen.iter().find(fits).map(|(_, address)| *address)
    }

    /// Adds a SIP message to the ladder of the call that it belongs to.
    pub(crate) fn note_sip(&mut self, now: Instant, bytes: &[u8], inwards: bool) {
        if self.sip_call_ids.is_empty() {
            return;
        }
        let Ok(view) = wire::View::parse(bytes) else { return };
        let Some(call_id) = view.call_id().and_then(|id| std::str::from_utf8(id).ok()) else {
            return;
        };
        let Some(leg) = self.sip_call_ids.get(call_id).copied() else { return };
        let text = summary(&view);
        self.note(now, leg, inwards, &text);
    }
}

/// `INVITE`, `BYE`, or `180 Ringing`, `200 OK (BYE)`.
fn summary(view: &wire::View<'_>) -> String {
    let text =
        |bytes: &[u8]| String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)).into_owned();
    match view.start() {
        wire::Start::Request { method, .. } => text(method),
        wire::Start::Response { status, reason, .. } => {
            let line = format!("{} {}", text(status), text(reason));
            let method = view.cseq().and_then(Result::ok).map(|cseq| text(cseq.method));
            match method.filter(|method| method != "INVITE") {
                Some(method) => format!("{line} ({method})"),
                None => line,
            }
        }
    }
}
