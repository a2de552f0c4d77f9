//! SIP legs placed: by an INVITE that came, or by one that we send.

use std::net::SocketAddr;

use tipring_call::{Call, LegTarget, Origin, Release, Setup, Target};
use tipring_core::{Cause, Instant, LegId, Redact};
use tipring_media::control;
use tipring_sip::message::{
    Header, HeaderName, Headers, NameAddr, Reason, Request, Status, Transport, Uri,
};
use tipring_sip::session::{Invite, SessionId};
use tipring_sip::transaction::Path;

use crate::calls::{Leg, LegKind};
use crate::front::Caller;
use crate::gateway::{Gateway, Owner};
use crate::output::Output;
use crate::sip_legs::SipLeg;
use crate::sip_media::rtp_peer;
use crate::streams::BadDescription;
use crate::trunks::{Query, literal_address};

/// A leg to be placed once its address is known.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) target: Uri,
    pub(crate) setup: Setup,
    /// The trunk whose account answers challenges.
    pub(crate) trunk: Option<usize>,
    /// The socket and transport that a user registered by: the way back through a NAT.
    pub(crate) flow: Option<(SocketAddr, Transport)>,
}

/// Why a caller's offer is not answered.
enum Unanswerable {
    /// No call comes of it.
    Now(Status, Cause),
    /// A call with a record, which ends at once.
    OnRecord(Release),
}

impl Gateway {
    /// An INVITE that a call is made of.
    pub(crate) fn call_from_sip(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        local: SocketAddr,
        caller: Caller,
    ) {
        let Caller { origin, setup, lane, remote } = caller;
        let mut sip = SipLeg { incoming: true, ..SipLeg::default() };
        sip.session = Some(session);
        sip.host = Some(remote.ip());
        sip.call_id = request.headers.call_id().ok().map(str::to_owned);
        let hops = request.headers.max_forwards();
        if hops == Some(0) {
            // RFC 3261 §16.3: a call that comes back to us for ever ends here.
            return self.refuse(now, session, Status::TOO_MANY_HOPS, Cause::EXCHANGE_ROUTING_ERROR);
        }
        // A call that leads nowhere costs no port: strangers could use them up.
        let mut rejected = None;
        if self.leads_somewhere(&origin, &setup.called) {
            match self.stream_for(now, local, &request.body, &mut sip) {
                Ok(()) => {}
                Err(Unanswerable::Now(status, cause)) => {
                    return self.refuse(now, session, status, cause);
                }
                Err(Unanswerable::OnRecord(release)) => rejected = Some(release),
            }
        }
        tracing::info!(from = lane, called = %Redact::Number(&setup.called), "SIP call");
        let leg = self.open_call(now, origin, setup, &lane);
        if let Some(hops) = hops {
            self.with_call(Call::of_leg(leg), |open| {
                open.max_forwards = open.max_forwards.min(hops - 1);
            });
        }
        let stream = sip.stream.as_ref();
        let stream =
            stream.map(|stream| (stream.termination, stream.format(), stream.plan().copied()));
        self.sessions.insert(session, leg);
        if let Some(call_id) = &sip.call_id {
            self.sip_call_ids.insert(call_id.clone(), leg);
        }
        self.legs.insert(leg, Leg { kind: LegKind::Sip(Box::new(sip)), lane });
        self.report_media(leg);
        self.note(now, leg, true, "INVITE");
        if let Some((termination, format, plan)) = stream {
            self.owners.insert(termination, Owner::Leg(leg));
            self.start_stream(termination, format, control::Direction::INACTIVE);
            if let Some(plan) = plan {
                self.outputs.push_back(rtp_peer(termination, &plan, Some(remote.ip())));
            }
        }
        if let Some(release) = rejected {
            self.with_call(Call::of_leg(leg), |open| open.call.hang_up(now, release));
        }
    }

    /// Whether a call may be made at all; what it leads to is for the call to find out.
    fn leads_somewhere(&self, origin: &Origin, called: &str) -> bool {
        let routed = self.routes.route(origin, called);
        !self.draining && routed.is_ok_and(|routed| origin.may_call(&routed.target))
    }

    /// A stream for a caller, and our answer to its offer where there is one.
    fn stream_for(
        &mut self,
        now: Instant,
        local: SocketAddr,
        offer: &[u8],
        sip: &mut SipLeg,
    ) -> Result<(), Unanswerable> {
        let full = Unanswerable::Now(Status::SERVICE_UNAVAILABLE, Cause::RESOURCE_UNAVAILABLE);
        let (mut stream, _) = self.new_stream(now, local).ok_or(full)?;
        let mut rejected = None;
        if !offer.is_empty() {
            match stream.answer(offer, false) {
                Ok(body) => sip.answer = Some(body),
                Err(BadDescription::Unreadable | BadDescription::NoOffer) => {
                    self.drop_stream(now, &stream);
                    tracing::info!("session description cannot be read");
                    return Err(Unanswerable::Now(Status::BAD_REQUEST, Cause::INVALID_MESSAGE));
                }
                Err(BadDescription::Rejected(reason)) => {
                    tracing::info!(%reason, "session description refused");
                    let release = Release::new(Cause::BEARER_NOT_IMPLEMENTED, reason.to_string());
                    rejected = Some(Unanswerable::OnRecord(release));
                }
            }
        }
        sip.held = stream.peer_holds();
        sip.stream = Some(stream);
        rejected.map_or(Ok(()), Err)
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
        let kind = LegKind::Sip(Box::default());
        self.legs.insert(leg, Leg { kind, lane });
        let mut pending = Pending { target: uri, setup: setup.clone(), trunk, flow: None };
        let known = match (trunk, &target.target) {
            (Some(at), _) => self.trunk_address(at),
            (None, Target::User) => {
                let bindings = self.registrar.lookup(now, &target.number);
                let here =
                    bindings.into_iter().find(|binding| binding.contact.uri == pending.target);
                pending.flow = here.as_ref().map(|binding| (binding.local, binding.transport));
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
        let Pending { target, setup, trunk, flow } = pending;
        let call = Call::of_leg(leg);
        let stranger = self.calls.get(&call).is_some_and(|open| open.origin == Origin::Guest);
        let redirected = trunk.is_none() && flow.is_none();
        if stranger && redirected && self.trunk_at(destination).is_some() {
            // A redirection must not lead strangers to where we pay.
            return Err(Release::new(Cause::CALL_REJECTED, "strangers may not call out"));
        }
        let transport = flow.map(|(_, transport)| transport).or(target.transport());
        let transport = transport.unwrap_or(Transport::Udp);
        let local =
            flow.map(|(local, _)| local).or_else(|| self.local_socket(transport, destination));
        let local = local.ok_or_else(|| {
            Release::new(Cause::NETWORK_OUT_OF_ORDER, "no socket of that transport and family")
        })?;
        let (mut stream, termination) = self
            .new_stream(now, local)
            .ok_or_else(|| Release::new(Cause::RESOURCE_UNAVAILABLE, "no RTP port"))?;
        let body = stream.offer(false);
        self.owners.insert(termination, Owner::Leg(leg));
        self.start_stream(termination, stream.first_format(), control::Direction::RECEIVE_ONLY);
        let (from, headers) = self.identity(&setup, trunk, local);
        let open = self.calls.get(&call);
        let tried = open.map(|open| open.tried.clone()).unwrap_or_default();
        let max_forwards = open.map_or(0, |open| open.max_forwards);
        let call_id = format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        let placed = self.agent.invite(
            now,
            Invite {
                call_id: Some(call_id.clone()),
                to: NameAddr::new(target.clone()),
                target,
                path: Path::new(transport, local, destination),
                from,
                route: Vec::new(),
                headers,
                body,
                credentials: trunk.and_then(|at| self.trunk_account(at)),
                max_forwards,
                tried,
            },
        );
        if let Some(sip) = self.sip_leg(leg) {
            sip.stream = Some(stream);
            sip.told = true;
            sip.host = Some(destination.ip());
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
    pub(crate) fn identity(
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
}
