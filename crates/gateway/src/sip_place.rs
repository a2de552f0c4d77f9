//! SIP legs placed: by an INVITE that came, or by one that we send.

use std::net::SocketAddr;

use tipring_call::{Call, Event, LegTarget, Origin, Release, Setup, Target};
use tipring_core::{Cause, Instant, LegId, Redact};
use tipring_media::control;
use tipring_sip::locate::Unlocated;
use tipring_sip::message::{Header, HeaderName, NameAddr, Reason, Request, Status, Uri, Warning};
use tipring_sip::session::{
    EndedBy, Invite, Redirection, SessionId, is_within, through, uri_and_headers,
};
use tipring_sip::transaction::Path;

use crate::calls::{Leg, LegKind};
use crate::config::DtmfRelay;
use crate::diversion::History;
use crate::front::Caller;
use crate::gateway::{Gateway, Owner};
use crate::identity::number_of;
use crate::redirected;
use crate::sip_legs::{SipLeg, is_unserved};
use crate::sip_media::rtp_peer;
use crate::streams::BadDescription;
use crate::trunks::Query;

/// A leg to be placed once its address is known.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) target: Uri,
    /// The proxy that a redirection has named.
    pub(crate) proxy: Option<Uri>,
    pub(crate) setup: Setup,
    /// The trunk whose account answers challenges.
    pub(crate) trunk: Option<usize>,
    /// Over which of its flows.
    pub(crate) flow: usize,
    /// How the peer is told of keys.
    pub(crate) dtmf: DtmfRelay,
    /// It goes back along the way that a user registered by, through a NAT.
    pub(crate) to_user: bool,
}

/// Why a caller's offer is not answered.
pub(crate) enum Unanswerable {
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
        let mut sip = SipLeg::of_caller(session, request, remote);
        sip.dtmf = self.dtmf_of(&origin);
        let hops = request.headers.max_forwards();
        if hops == Some(0) {
            // RFC 3261 §16.3: a call that comes back to us for ever ends here.
            return self.refuse(now, session, Status::TOO_MANY_HOPS, Cause::EXCHANGE_ROUTING_ERROR);
        }
        if matches!(request.headers.accepts("application", "sdp"), Ok(false)) {
            // RFC 3261 §21.4.7: what we answer or offer would not be read.
            let cause = Cause::BEARER_NOT_IMPLEMENTED;
            return self.refuse(now, session, Status::NOT_ACCEPTABLE, cause);
        }
        if let Some(warning) = self.sips_warning(now, &request.uri, &origin, &setup.called, local) {
            let headers = [(HeaderName::Warning, warning.to_string())];
            let _ = self.agent.reject(now, session, Status::TEMPORARILY_UNAVAILABLE, &headers);
            return;
        }
        // A call that leads nowhere costs no port: strangers could use them up.
        let mut rejected = None;
        if self.leads_somewhere(&origin, &setup.called) {
            match self.stream_for(now, local, request.session_description(), &mut sip) {
                Ok(()) => {}
                Err(Unanswerable::Now(status, cause)) => {
                    return self.refuse(now, session, status, cause);
                }
                Err(Unanswerable::OnRecord(release)) => rejected = Some(release),
            }
        }
        tracing::info!(from = lane, called = %Redact::Number(&setup.called), "SIP call");
        let leg = self.open_call(now, origin, setup, &lane);
        self.with_call(Call::of_leg(leg), |open| {
            open.max_forwards =
                hops.map_or(open.max_forwards, |hops| open.max_forwards.min(hops - 1));
            open.secure = request.uri.is_secure();
            open.history = History::of(&request.headers);
        });
        self.adopt_caller(now, leg, sip, lane);
        if let Some(release) = rejected {
            self.with_call(Call::of_leg(leg), |open| open.call.hang_up(now, release));
        }
    }

    /// The leg of a peer that called, with its stream.
    pub(crate) fn adopt_caller(&mut self, now: Instant, leg: LegId, sip: SipLeg, lane: String) {
        let host = sip.host;
        let stream = sip.stream.as_ref();
        let stream =
            stream.map(|stream| (stream.termination, stream.format(), stream.plan().cloned()));
        if let Some(session) = sip.session {
            self.sessions.insert(session, leg);
        }
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
                self.outputs.push_back(rtp_peer(termination, &plan, host));
            }
        }
    }

    /// Whether a call may be made at all; what it leads to is for the call to find out.
    fn leads_somewhere(&self, origin: &Origin, called: &str) -> bool {
        let routed = self.routes.route(origin, called);
        !self.draining && routed.is_ok_and(|routed| origin.may_call(&routed.target))
    }

    /// A stream for a caller, and our answer to its offer where there is one.
    pub(crate) fn stream_for(
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
                Ok(body) => sip.description = Some(body),
                Err(BadDescription::Unreadable | BadDescription::NoOffer) => {
                    self.drop_stream(now, &stream);
                    tracing::info!("session description cannot be read");
                    return Err(Unanswerable::Now(Status::BAD_REQUEST, Cause::INVALID_MESSAGE));
                }
                Err(bad @ BadDescription::Rejected(reason)) => {
                    tracing::info!(%reason, "session description refused");
                    sip.warning = sip.session.and_then(|session| self.warning_of(session, bad));
                    let release = Release::new(Cause::BEARER_NOT_IMPLEMENTED, reason.to_string());
                    rejected = Some(Unanswerable::OnRecord(release));
                }
            }
        }
        sip.held = stream.peer_holds();
        sip.offer = offer.to_vec();
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
        self.refuse_with(now, session, status, cause, None);
    }

    /// The same with the warning that a 488 has.
    pub(crate) fn refuse_with(
        &mut self,
        now: Instant,
        session: SessionId,
        status: Status,
        cause: Cause,
        warning: Option<Warning>,
    ) {
        let reason = Reason::q850(cause.value(), cause.name()).to_string();
        let mut headers = vec![(HeaderName::Reason, reason)];
        let warning = warning.filter(|_| status == Status::NOT_ACCEPTABLE_HERE);
        headers.extend(warning.map(|warning| (HeaderName::Warning, warning.to_string())));
        if self.agent.reject(now, session, status, &headers).is_err() {
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
        let named = target.address.as_deref();
        let named = named.map(|text| redirected::parse(text).ok_or_else(|| bad("bad address")));
        let (Redirection { target: uri, proxy }, trunk, lane) = match (&target.target, named) {
            (Target::Trunk(name), named) => {
                let at = self.trunk_by_name(name).ok_or_else(|| bad("no such trunk"))?;
                let own = || {
                    let target = self.trunk_target(at, &target.number);
                    Ok(Redirection { target, proxy: None })
                };
                (named.unwrap_or_else(own)?, Some(at), name.clone())
            }
            (_, Some(named)) => (named?, None, target.number.to_string()),
            (_, None) => return Err(bad("no address")),
        };
        let kind = LegKind::Sip(Box::default());
        self.legs.insert(leg, Leg { kind, lane });
        let dtmf = match &target.target {
            Target::User => self.user_dtmf(&target.number),
            _ => trunk.map_or(DtmfRelay::Rtp, |at| self.config.trunks[at].dtmf),
        };
        let setup = setup.clone();
        let flow = trunk.map_or(0, |at| self.trunk_flow(now, at));
        let mut pending = Pending { target: uri, proxy, setup, trunk, flow, dtmf, to_user: false };
        if target.target == Target::User {
            let bindings = self.registrar.lookup(now, &target.number);
            let here = bindings.into_iter().find(|binding| binding.contact.uri == pending.target);
            if let Some(binding) = here {
                pending.to_user = true;
                let path = self.way_to(&binding);
                return self.invite(now, leg, pending, vec![path]);
            }
        }
        let next_hop = self.next_hop(&pending);
        self.locate(now, &next_hop, Query::Leg(leg, Box::new(pending)));
        Ok(())
    }

    /// Where the INVITE of a leg goes first.
    fn next_hop(&self, pending: &Pending) -> Uri {
        match (&pending.proxy, pending.trunk) {
            (Some(proxy), _) => proxy.clone(),
            (None, Some(at)) => self.trunk_next_hop(at, pending.flow, &pending.target),
            (None, None) => pending.target.clone(),
        }
    }

    /// The ways to where a leg is to be placed are known, or why there are none.
    pub(crate) fn leg_located(
        &mut self,
        now: Instant,
        leg: LegId,
        pending: Pending,
        paths: Result<Vec<Path>, Unlocated>,
    ) {
        if !self.legs.contains_key(&leg) {
            return;
        }
        let paths = paths.or_else(|reason| {
            // What a trunk's name led to the last time is better than nothing.
            let known = self.known_ways(&pending);
            if !known.is_empty() {
                return Ok(known);
            }
            let release = Release::new(Cause::NO_ROUTE_TO_DESTINATION, reason.to_string());
            Err(match pending.trunk {
                Some(at) => {
                    self.with_call(Call::of_leg(leg), |open| {
                        open.unserved.insert(at);
                    });
                    release.of_the_way()
                }
                None => release,
            })
        });
        if let Err(release) = paths.and_then(|paths| self.invite(now, leg, pending, paths)) {
            self.leg_says(now, leg, Event::Release(release));
            self.forget_leg(now, leg);
        }
    }

    /// The ways to a trunk that are known, for a leg that goes to its own name.
    fn known_ways(&self, pending: &Pending) -> Vec<Path> {
        let flow = pending.flow;
        let own = |at: &usize| self.next_hop(pending).host() == self.trunk_hop(*at, flow).host();
        pending.trunk.filter(own).map(|at| self.trunk_paths(at, flow)).unwrap_or_default()
    }

    /// What is passed on the way to where a leg is to be placed.
    fn route_of(&self, pending: &Pending) -> Vec<NameAddr> {
        match (&pending.proxy, pending.trunk) {
            (Some(proxy), _) => through(proxy).into_iter().collect(),
            (None, Some(at)) => self.trunk_route(at, pending.flow),
            (None, None) => Vec::new(),
        }
    }

    /// Whether nobody has the right to lead a call to `pending` along `paths`: a redirection or a transfer that names the
    /// place of a trunk, without its name, must come from somebody who may call there.
    fn is_forbidden(&self, leg: LegId, pending: &Pending, paths: &[Path]) -> bool {
        if pending.trunk.is_some() || pending.to_user {
            return false;
        }
        let open = self.calls.get(&Call::of_leg(leg));
        let address = self.place_of(leg).and_then(|place| place.address.as_ref());
        let rights = open.zip(address).and_then(|(open, address)| open.sent_on.get(address));
        let called = number_of(&pending.target);
        let may = |at: usize| {
            let target = Target::Trunk(self.config.trunks[at].name.clone());
            let leads = |who| {
                called.as_deref().is_some_and(|called| self.routes.leads_to(who, &target, called))
            };
            rights.is_some_and(|who| who.may_call(&target) && leads(who))
        };
        let next = self.next_hop(pending);
        // An address is judged with its port, below: on loopback everybody has the same.
        let is_name = next.host().is_some_and(|host| host.address().is_none());
        let named = |at: &usize| is_name && is_within(&next, &self.config.trunks[*at].uri);
        let by_name = (0..self.config.trunks.len()).filter(named);
        !by_name.chain(paths.iter().flat_map(|path| self.trunks_near(path.remote))).all(may)
    }

    /// Sends the INVITE of a terminating leg along the first of `paths`, and along the others when nothing comes from
    /// there.
    fn invite(
        &mut self,
        now: Instant,
        leg: LegId,
        pending: Pending,
        mut paths: Vec<Path>,
    ) -> Result<(), Release> {
        let Pending { setup, trunk, dtmf, to_user, .. } = &pending;
        let (trunk, dtmf, call) = (*trunk, *dtmf, Call::of_leg(leg));
        if self.is_forbidden(leg, &pending, &paths) {
            return Err(Release::new(Cause::CALL_REJECTED, "sent on to a trunk without the right"));
        }
        let first = paths.first().ok_or_else(|| {
            Release::new(Cause::NETWORK_OUT_OF_ORDER, "no socket of that transport and family")
        })?;
        let v4 = first.local.is_ipv4();
        // An offer names an address of one family.
        let other_family: Vec<Path> =
            paths.extract_if(.., |path| path.local.is_ipv4() != v4).collect();
        let next_flow = trunk
            .filter(|_| pending.proxy.is_none())
            .and_then(|at| self.next_trunk_flow(at, pending.flow));
        let path = paths.remove(0);
        let (mut stream, termination) = self
            .new_stream(now, path.local)
            .ok_or_else(|| Release::new(Cause::RESOURCE_UNAVAILABLE, "no RTP port"))?;
        let body = stream.offer(false);
        self.owners.insert(termination, Owner::Leg(leg));
        self.start_stream(termination, stream.first_format(), control::Direction::RECEIVE_ONLY);
        let open = self.calls.get(&call);
        let none = History::default();
        let history = open.map_or(&none, |open| &open.history);
        let (from, mut headers) = self.identity(setup, history, trunk, *to_user, path.local);
        headers.extend(open.and_then(|open| open.passing.referred_by()));
        let (target, asked) = uri_and_headers(&pending.target);
        headers.extend(asked.iter().map(Header::from));
        let tried = open.map(|open| open.tried.clone()).unwrap_or_default();
        let max_forwards = open.map_or(0, |open| open.max_forwards);
        let other_way = open.is_some_and(|open| open.other_way);
        let call_id = format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        let host = path.remote.ip();
        let anonymous = setup.privacy == tipring_call::Privacy::Restricted;
        let contact = trunk.and_then(|at| self.trunk_contact(at, anonymous));
        let invite = Invite {
            call_id: Some(call_id.clone()),
            to: NameAddr::new(target.clone()),
            target,
            path,
            others: paths,
            impatient: !other_family.is_empty()
                || next_flow.is_some()
                || trunk.is_some() && other_way,
            contact,
            from,
            route: self.route_of(&pending),
            headers,
            body,
            credentials: trunk.and_then(|at| self.trunk_account(at)),
            max_forwards,
            tried,
        };
        let placed = self.agent.invite(now, invite);
        if let Some(sip) = self.sip_leg(leg) {
            sip.stream = Some(stream);
            sip.told = true;
            sip.trunk = trunk;
            sip.dtmf = dtmf;
            sip.host = Some(host);
            sip.spare = spare(pending, other_family, next_flow);
        }
        let Ok(session) = placed else {
            self.release_sip(now, leg);
            return Err(Release::new(Cause::CONGESTION, "too many sessions"));
        };
        self.note_session(leg, session, call_id);
        Ok(())
    }

    fn note_session(&mut self, leg: LegId, session: SessionId, call_id: String) {
        self.sessions.insert(session, leg);
        self.sip_call_ids.insert(call_id.clone(), leg);
        if let Some(sip) = self.sip_leg(leg) {
            sip.session = Some(session);
            sip.call_id = Some(call_id);
        }
        self.report_media(leg);
    }

    /// A call that none of its servers took goes to those of the other address family, or over the trunk's next flow, when
    /// there are any; whether it does.
    pub(crate) fn placed_elsewhere(
        &mut self,
        now: Instant,
        leg: LegId,
        session: SessionId,
        by: EndedBy,
        status: Option<Status>,
    ) -> bool {
        let unserved = is_unserved(by, status);
        let Some(sip) = self.sip_leg(leg).filter(|sip| unserved && !sip.released) else {
            return false;
        };
        let Some((pending, paths)) = sip.spare.take().map(|spare| *spare) else { return false };
        sip.session = None;
        let call_id = sip.call_id.take();
        self.release_stream(now, leg);
        self.sessions.remove(&session);
        if let Some(call_id) = call_id {
            self.session_traced(leg, call_id);
        }
        self.leg_located(now, leg, pending, Ok(paths));
        true
    }
}

/// Where a leg is placed when nothing comes from its servers: at those of the other address family, else over the trunk's
/// next flow.
fn spare(
    pending: Pending,
    other_family: Vec<Path>,
    next_flow: Option<(usize, Path)>,
) -> Option<Box<(Pending, Vec<Path>)>> {
    if !other_family.is_empty() {
        return Some(Box::new((pending, other_family)));
    }
    let (flow, path) = next_flow?;
    Some(Box::new((Pending { flow, ..pending }, vec![path])))
}
