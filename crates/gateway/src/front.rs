//! The front door: who answers a SIP request.
//!
//! | request | answered by |
//! |---|---|
//! | INVITE | a call, after its caller is known: a trunk by its address, a user by digest, else a guest |
//! | REGISTER | the registrar |
//! | OPTIONS | here: 200 with what we can do |
//! | MESSAGE | the contacts of the user that it is for |
//! | in a dialog | its session, inside the user agent |
//! | anything else | 405 with Allow, inside the user agent |
//!
//! A guest reaches lines and users, never a trunk. Whoever names a user of ours in From must prove to be that
//! user; a user of the same name at another domain is a guest.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{Origin, Plan, Release, Setup, Target};
use tipring_core::{Cause, Instant, Number};
use tipring_sip::agent::RequestId;
use tipring_sip::message::{
    HeaderName, Method, NameAddr, Request, Response, Status, Transport, Uri,
};
use tipring_sip::session::SessionId;
use tipring_sip_server::{Role, Source, Verdict};

use crate::gateway::Gateway;
use crate::identity::number_of;
use crate::redirected::Redirected;
use crate::trunks::ip_of;

/// Who calls, and whom.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) origin: Origin,
    pub(crate) setup: Setup,
    pub(crate) lane: String,
    pub(crate) remote: SocketAddr,
}

impl Gateway {
    /// A request outside of sessions.
    pub(crate) fn front_request(
        &mut self,
        now: Instant,
        id: RequestId,
        request: &Request,
        source: Source,
    ) {
        let response = match &request.method {
            Method::Register => {
                let response = self.registrar.handle_register(now, request, source);
                if let Some(flow) = source.flow {
                    self.keep_flow(now, flow, request, &response);
                }
                response
            }
            Method::Options => {
                let mut response = Response::new(request, Status::OK, Some("options"));
                self.agent.config().tell_capabilities(&mut response.headers);
                response
            }
            Method::Message => match self.pass_text(now, id, request, source) {
                Ok(()) => return,
                Err(refusal) => *refusal,
            },
            _ => Response::new(request, Status::METHOD_NOT_ALLOWED, Some("front")),
        };
        if response.headers.iter().any(|header| is_challenge(header.name())) {
            // Nonces need no memory, and so shall the strangers who ask for them.
            self.agent.respond_statelessly(now, id, response);
        } else {
            self.agent.respond(now, id, response);
        }
    }

    /// An INVITE that begins a session.
    pub(crate) fn front_invite(
        &mut self,
        now: Instant,
        session: SessionId,
        request: &Request,
        local: SocketAddr,
        remote: SocketAddr,
        replaces: Option<SessionId>,
    ) {
        let origin = match self.origin_of(now, request, remote) {
            Ok(origin) => origin,
            Err(response) => {
                let challenges =
                    response.headers.iter().filter(|header| is_challenge(header.name()));
                let headers: Vec<_> =
                    challenges.map(|h| (h.name().clone(), h.value().to_owned())).collect();
                let _ = self.agent.challenge(now, session, response.status, &headers);
                return;
            }
        };
        if let Origin::Trunk(name) = &origin
            && let Some(contact) =
                self.trunk_by_name(name).and_then(|at| self.trunk_contact(at, false))
        {
            self.agent.set_contact(session, contact);
        }
        let Some(called) = number_of(&request.uri) else {
            return self.refuse(now, session, Status::NOT_FOUND, Cause::INVALID_NUMBER_FORMAT);
        };
        let from = request.headers.from().ok();
        let setup = self.setup_of(called, &origin, request);
        let peer = from.as_ref().and_then(|from| from.uri.user().map(|user| user.into_owned()));
        let lane = match origin.name() {
            Some(name) => name.to_owned(),
            None => peer.filter(|user| !user.is_empty()).unwrap_or_else(|| remote.ip().to_string()),
        };
        let caller = Caller { origin, setup, lane, remote };
        match replaces {
            Some(old) => self.call_replaces(now, session, request, local, caller, old),
            None => self.call_from_sip(now, session, request, local, caller),
        }
    }

    pub(crate) fn origin_of(
        &mut self,
        now: Instant,
        request: &Request,
        remote: SocketAddr,
    ) -> Result<Origin, Box<Response>> {
        if let Some(at) = self.trunk_at(remote) {
            return Ok(Origin::Trunk(self.config.trunks[at].name.clone()));
        }
        let from = request.headers.from().ok();
        let ours =
            from.as_ref().is_some_and(|from| self.names_our_user(now, from, request, remote));
        let proves = request.headers.contains(&HeaderName::ProxyAuthorization);
        if !ours && !proves && !self.hides_a_user(request, from.as_ref()) {
            return Ok(Origin::Guest);
        }
        match self.registrar.authenticate(now, request, Role::Proxy) {
            Verdict::Ok(user) => Ok(Origin::User(user)),
            Verdict::Challenge(response) | Verdict::Forbidden(response) => Err(Box::new(response)),
        }
    }

    /// Whether From names a user of ours: by our domain or address, by the name that the request calls us, or from
    /// where that user has registered, because telephones call the site whatever they were told. `alice@elsewhere` is
    /// somebody else.
    fn names_our_user(
        &self,
        now: Instant,
        from: &NameAddr,
        request: &Request,
        remote: SocketAddr,
    ) -> bool {
        let Some(user) = from.uri.user().filter(|user| self.registrar.knows(user)) else {
            return false;
        };
        let host = from.uri.host();
        let domain = host.map(ToString::to_string).unwrap_or_default();
        domain.eq_ignore_ascii_case(&self.config.sip.domain)
            || host == request.uri.host()
            || host.and_then(ip_of).is_some_and(|ip| self.is_own_address(ip))
            || self.registrar.lookup(now, &user).iter().any(|at| at.source.ip() == remote.ip())
    }

    /// Whether a caller without a name (RFC 3323 §4.1.1.3) must be asked who it is: only our users may go there.
    fn hides_a_user(&self, request: &Request, from: Option<&NameAddr>) -> bool {
        let hidden = from.and_then(|from| from.uri.host().map(ToString::to_string));
        if hidden.as_deref() != Some("anonymous.invalid") {
            return false;
        }
        let called = request.uri.user().unwrap_or_default();
        let routed = self.routes.route(&Origin::Guest, &called);
        routed.is_ok_and(|routed| !Origin::Guest.may_call(&routed.target))
    }

    /// Where the contacts of a redirection lead: to our own numbers, or out to where they say.
    pub(crate) fn contact_plan(
        &mut self,
        origin: &Origin,
        contacts: &[String],
    ) -> Result<Plan, Release> {
        let mut hunt = Vec::new();
        for contact in contacts {
            let Some(Redirected { target: uri, proxy }) = Redirected::parse(contact) else {
                continue;
            };
            let Some(number) = uri.user().and_then(|user| Number::new(user.into_owned()).ok())
            else {
                continue;
            };
            if proxy.as_ref().is_some_and(|proxy| self.is_ours(proxy)) {
                continue;
            }
            if proxy.is_none() && self.is_ours(&uri) {
                let routed = self.routes.route(origin, &number);
                if let Ok(routed) = routed
                    && origin.may_call(&routed.target)
                {
                    hunt.push(vec![tipring_call::LegTarget {
                        target: routed.target,
                        number: routed.number,
                        address: None,
                    }]);
                }
                continue;
            }
            let target = Target::Address;
            hunt.push(vec![tipring_call::LegTarget {
                target,
                number,
                address: Some(contact.clone()),
            }]);
        }
        if hunt.is_empty() {
            return Err(Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no usable contact"));
        }
        Ok(Plan { route: None, hunt })
    }

    pub(crate) fn is_ours(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host() else { return false };
        let Some(ip) = ip_of(host) else {
            return host.to_string().eq_ignore_ascii_case(&self.config.sip.domain);
        };
        let port = uri.port().unwrap_or(5060);
        let mut listen = self.config.sip.listen.iter();
        self.is_own_address(ip) && listen.any(|(_, address)| address.port() == port)
    }

    fn is_own_address(&self, ip: IpAddr) -> bool {
        let listening = |(_, address): &(Transport, SocketAddr)| {
            ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback())
        };
        self.config.sip.advertise.contains(&ip) || self.config.sip.listen.iter().any(listening)
    }
}

fn is_challenge(name: &HeaderName) -> bool {
    matches!(name, HeaderName::WwwAuthenticate | HeaderName::ProxyAuthenticate)
}
