//! SIP legs' audio: their streams, offers and answers.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{Call, Event, Release};
use tipring_core::{Cause, Instant, LegId, TerminationId};
use tipring_media::Cname;
use tipring_media::control::{self, Command, RtpParams};
use tipring_sdp::Plan;
use tipring_sip::message::{HeaderName, Warning};
use tipring_sip::session::SessionId;

use crate::gateway::{Gateway, Owner, Wake};
use crate::output::Output;
use crate::streams::{BadDescription, Stream};

impl Gateway {
    pub(crate) fn new_stream(
        &mut self,
        now: Instant,
        local: SocketAddr,
    ) -> Option<(Stream, TerminationId)> {
        let port = self.ports.take(now)?;
        let termination = self.next_termination(Owner::Leg(LegId(0)));
        Some((self.stream_at(termination, local, port), termination))
    }

    fn stream_at(&mut self, termination: TerminationId, local: SocketAddr, port: u16) -> Stream {
        let address = self.config.sip.address_of(local);
        let (codecs, ptime) = (self.config.sip.codecs.clone(), self.config.sip.ptime_ms);
        let stream = Stream::new(termination, address, port, codecs, ptime, self.rng.next_u64());
        self.outputs.push_back(Output::OpenRtp { termination, local: local.ip(), port });
        stream
    }

    pub(crate) fn drop_stream(&mut self, now: Instant, stream: &Stream) {
        self.owners.remove(&stream.termination);
        self.ports.give_back(now, stream.port, false);
        self.outputs.push_back(Output::CloseRtp { termination: stream.termination });
    }

    pub(crate) fn start_stream(
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

    /// Lets audio pass to and from a caller: with our first description to it, not before. Audio
    /// after a 180 would stop its own ringback (RFC 3960 §3.2).
    pub(crate) fn open_stream(&mut self, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.told = true;
        sip.muted = false;
        sip.offer = Vec::new();
        let stream = sip.stream.as_ref();
        if let Some((termination, direction)) = stream.map(|s| (s.termination, s.direction())) {
            self.media(Command::SetDirection { termination, direction });
        }
    }

    /// Tells the engine and the sockets what was agreed, and the call who holds whom.
    pub(crate) fn apply_plan(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let Some(stream) = &sip.stream else { return };
        let Some(plan) = stream.plan() else { return };
        let (termination, format, direction) =
            (stream.termination, stream.format(), stream.direction());
        let peer = rtp_peer(termination, plan, sip.host);
        let held = stream.peer_holds();
        let changed = held != sip.held && sip.answered;
        sip.held = held;
        let muted = sip.muted;
        self.media(Command::UpdateRtp { termination, format });
        if !muted {
            self.media(Command::SetDirection { termination, direction });
        }
        self.outputs.push_back(peer);
        // What was silent by the old agreement may be so by the new one.
        self.timers.cancel(&Wake::Silence(termination));
        self.report_media(leg);
        self.refresh_peer_mute(leg);
        if changed {
            self.leg_says(now, leg, Event::Hold { on: held });
        }
    }

    pub(crate) fn report_media(&mut self, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let call_id = sip.call_id.clone();
        let codec = sip.stream.as_ref().and_then(Stream::codec_name);
        self.with_call(Call::of_leg(leg), |open| {
            let report = open.reports.entry(leg).or_default();
            report.sip_call_id = call_id;
            report.codec = codec.map(Into::into).or(report.codec.take());
        });
    }

    pub(crate) fn has_plan(&mut self, leg: LegId) -> bool {
        self.sip_leg(leg)
            .and_then(|sip| sip.stream.as_ref())
            .is_some_and(|stream| stream.plan().is_some())
    }

    pub(crate) fn take_answer(&mut self, now: Instant, leg: LegId, body: &[u8]) -> bool {
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
                self.note_warning(leg, bad);
                false
            }
        }
    }

    pub(crate) fn offer_answered(
        &mut self,
        now: Instant,
        leg: LegId,
        session: SessionId,
        body: &[u8],
    ) {
        let agreed = !body.is_empty() && self.take_answer(now, leg, body);
        if !agreed && !self.has_plan(leg) {
            return self.no_common_media(now, leg, session);
        }
        if !agreed {
            tracing::warn!(%leg, "an answer that cannot be used: the session goes on as before");
            if let Some(stream) = self.sip_leg(leg).and_then(|sip| sip.stream.as_mut()) {
                stream.withdraw();
            }
        }
    }

    /// The caller has acknowledged our answer; the ACK carries the caller's answer where the offer was ours.
    pub(crate) fn confirmed(&mut self, now: Instant, leg: LegId, session: SessionId, body: &[u8]) {
        let agreed =
            if body.is_empty() { self.has_plan(leg) } else { self.take_answer(now, leg, body) };
        if !agreed {
            return self.no_common_media(now, leg, session);
        }
        self.offer_owed(now, leg);
    }

    /// RFC 3264: an answer that cannot be used, or none at all, ends the call.
    pub(crate) fn no_common_media(&mut self, now: Instant, leg: LegId, session: SessionId) {
        let release = Release::new(Cause::BEARER_NOT_IMPLEMENTED, "no usable answer");
        self.end_session(now, leg, session, &release);
        self.leg_says(now, leg, Event::Release(release));
        self.forget_leg(now, leg);
    }

    /// Sends an offer that could not be sent when it was due: the last answer was not acknowledged yet.
    pub(crate) fn offer_owed(&mut self, now: Instant, leg: LegId) {
        if self.sip_leg(leg).is_some_and(|sip| sip.owes_offer) {
            self.offer_hold(now, leg);
        }
    }

    /// Offers to hold the peer or to take it back, as the leg says.
    pub(crate) fn offer_hold(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let (holding, Some(session)) = (sip.holding, sip.session) else { return };
        let Some(body) = sip.stream.as_mut().map(|stream| stream.offer(holding)) else { return };
        let sent = self.agent.reinvite(now, session, body).is_ok();
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.owes_offer = !sent;
        if let (false, Some(stream)) = (sent, sip.stream.as_mut()) {
            stream.withdraw();
        }
    }

    /// The peer wants to change the session, or wants an offer of ours.
    pub(crate) fn offered(
        &mut self,
        now: Instant,
        leg: LegId,
        session: SessionId,
        fork: usize,
        body: &[u8],
    ) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let holding = sip.holding;
        let Some(stream) = sip.stream.as_mut() else { return };
        // RFC 3261 §14.1: our own offer met the peer's and waits. It must follow what is agreed now.
        let glare = stream.is_offering();
        let ours =
            if body.is_empty() { Ok(stream.offer(holding)) } else { stream.answer(body, holding) };
        match ours {
            Ok(ours) => {
                let _ = self.agent.accept_fork_offer(now, session, fork, ours);
                if !body.is_empty() {
                    self.apply_plan(now, leg);
                }
                if glare {
                    self.offer_hold(now, leg);
                }
            }
            Err(bad) => {
                let status = bad.status();
                let warning =
                    self.warning_of(session, bad).map(|w| (HeaderName::Warning, w.to_string()));
                let headers = warning.as_slice();
                let _ = self.agent.reject_fork_offer(now, session, fork, status, headers);
            }
        }
    }

    /// Why a peer's description is refused, in our name (RFC 3261 §13.3.1.3, §14.2, RFC 3311 §5.2).
    pub(crate) fn warning_of(&self, session: SessionId, bad: BadDescription) -> Option<Warning> {
        let local = self.agent.session_path(session)?.local;
        let (code, text) = bad.warning();
        self.warning(code, &text, local)
    }

    fn note_warning(&mut self, leg: LegId, bad: BadDescription) {
        let session = self.sip_leg(leg).and_then(|sip| sip.session);
        let warning = session.and_then(|session| self.warning_of(session, bad));
        if let Some(sip) = self.sip_leg(leg) {
            sip.warning = warning;
        }
    }

    /// The call lets go of a SIP leg: its stream ends now, its session when the peer has agreed.
    pub(crate) fn release_sip(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        sip.released = true;
        let has_session = sip.session.is_some();
        self.release_stream(now, leg);
        if !has_session {
            self.legs.remove(&leg);
        }
    }

    pub(crate) fn release_stream(&mut self, now: Instant, leg: LegId) {
        let Some(sip) = self.sip_leg(leg) else { return };
        let told = sip.told;
        if let Some(stream) = sip.stream.take() {
            self.with_call(Call::of_leg(leg), |open| {
                open.removed.insert(stream.termination);
            });
            self.media(Command::Remove { termination: stream.termination });
            self.outputs.push_back(Output::CloseRtp { termination: stream.termination });
            self.ports.give_back(now, stream.port, told);
        }
    }

    /// The engine does not have a stream that we thought it had, or could not make it.
    pub(crate) fn stream_refused(&mut self, now: Instant, termination: TerminationId, leg: LegId) {
        let alive = self.sip_leg(leg).and_then(|sip| sip.stream.as_ref());
        if alive.is_some_and(|stream| stream.termination == termination) {
            self.has_no_stream(now, leg);
        }
        self.owners.remove(&termination);
        self.stream_forgotten(termination, leg);
    }

    /// The sockets of a stream could not be had.
    pub(crate) fn rtp_unavailable(&mut self, now: Instant, termination: TerminationId) {
        let Some(Owner::Leg(leg)) = self.owners.get(&termination).copied() else { return };
        if !self.takes_another_port(now, leg) {
            self.has_no_stream(now, leg);
        }
    }

    fn has_no_stream(&mut self, now: Instant, leg: LegId) {
        tracing::error!(%leg, "RTP port not available");
        let Some(sip) = self.sip_leg(leg) else { return };
        let (session, port) = (sip.session, sip.stream.as_ref().map(|stream| stream.port));
        let release = Release::new(Cause::RESOURCE_UNAVAILABLE, "RTP port not available");
        if let Some(session) = session {
            self.end_session(now, leg, session, &release);
        }
        self.leg_says(now, leg, Event::Release(release));
        self.forget_leg(now, leg);
        if let Some(port) = port {
            self.ports.avoid(now, port);
        }
    }

    /// Gives the stream of a caller another port, as long as nobody was told of the one that could not be had. It ends:
    /// none is tried twice within a second.
    fn takes_another_port(&mut self, now: Instant, leg: LegId) -> bool {
        let Some(sip) = self.sip_leg(leg).filter(|sip| sip.incoming && !sip.told) else {
            return false;
        };
        let (offer, host) = (sip.offer.clone(), sip.host);
        let Some((session, old)) = sip.session.zip(sip.stream.as_ref()) else { return false };
        let (termination, taken) = (old.termination, old.port);
        let Some(local) = self.agent.session_path(session).map(|path| path.local) else {
            return false;
        };
        let Some(port) = self.ports.take(now) else { return false };
        self.ports.give_back(now, taken, false);
        self.ports.avoid(now, taken);
        let mut stream = self.stream_at(termination, local, port);
        let answer = if offer.is_empty() { None } else { stream.answer(&offer, false).ok() };
        if let Some(plan) = stream.plan() {
            self.outputs.push_back(rtp_peer(termination, plan, host));
        }
        if let Some(sip) = self.sip_leg(leg) {
            (sip.description, sip.stream) = (answer, Some(stream));
        }
        true
    }
}

/// Where a stream's peer is, `host` being where its signalling is.
pub(crate) fn rtp_peer(termination: TerminationId, plan: &Plan, host: Option<IpAddr>) -> Output {
    let behind_nat = plan.rtp.is_some_and(|rtp| Some(rtp.ip()) != host);
    Output::RtpPeer { termination, rtp: plan.rtp, rtcp: plan.rtcp, behind_nat }
}
