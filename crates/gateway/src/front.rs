//! The front door: who answers a SIP request.
//!
//! | request | answered by |
//! |---|---|
//! | INVITE | a call, after its caller is known: a trunk by its address (over TLS its name), a user by digest, else a guest |
//! | REGISTER | the registrar |
//! | OPTIONS | as an INVITE would be, 200 with what we can do |
//! | MESSAGE | the contacts of the user that it is for |
//! | in a dialog | its session, inside the user agent |
//! | anything else | 405 with Allow, inside the user agent |
//!
//! A guest reaches lines and users, never a trunk. Whoever names a user of ours in From must prove to be that
//! user; a user of the same name at another domain is a guest.

use std::net::{IpAddr, SocketAddr};

use tipring_call::{Contact, LegTarget, NoRoute, Origin, Plan, Release, Routed, Setup, Target};
use tipring_core::{CallId, Cause, Instant, LegId};
use tipring_sip::agent::RequestId;
use tipring_sip::message::{
    HeaderName, Method, NameAddr, Request, Response, Status, Transport, Uri, Warning,
};
use tipring_sip::session::SessionId;
use tipring_sip::transaction::Path;
use tipring_sip_server::{Binding, Role, Source, Verdict};

use crate::gateway::Gateway;
use crate::identity::number_of;
use crate::redirected;
use crate::trunks::ip_of;

/// RFC 5630 §5.1.
const SIPS_NOT_ALLOWED: u16 = 380;

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
            Method::Options => self.tell_capabilities(now, request, source),
            Method::Message => match self.pass_text(now, id, request, source) {
                Ok(()) => return,
                Err(refusal) => *refusal,
            },
            _ => Response::new(request, Status::METHOD_NOT_ALLOWED, None),
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
        source: Source,
        replaces: Option<SessionId>,
    ) {
        let Source { local, remote, .. } = source;
        let origin = match self.origin_of(now, request, source) {
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
        let setup = self.setup_of(called, &origin, request);
        let lane = origin.name().map_or_else(|| stranger(request, remote), str::to_owned);
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
        source: Source,
    ) -> Result<Origin, Box<Response>> {
        if let Some(at) = self.trunk_of(&source) {
            return Ok(Origin::Trunk(self.config.trunks[at].name.clone()));
        }
        let from = request.headers.from().ok();
        let ours = from
            .as_ref()
            .is_some_and(|from| self.names_our_user(now, from, request, source.remote));
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

    /// Where the contacts of a redirection or a transfer lead: to our own numbers, or out to where they say.
    pub(crate) fn contact_plan(
        &mut self,
        now: Instant,
        id: CallId,
        origin: &Origin,
        contacts: &[Contact],
    ) -> Result<Plan, Release> {
        let mut hunt = Vec::new();
        for contact in contacts {
            let rights = match contact.by {
                Some(leg) => self.rights_of_callee(origin, leg),
                None => origin.clone(),
            };
            if let Some(targets) = self.contact_targets(now, id, &rights, contact) {
                hunt.extend(targets);
                if let Some(open) = self.calls.get_mut(&id) {
                    open.sent_on.entry(contact.address.clone()).or_insert(rights);
                }
            }
        }
        if hunt.is_empty() {
            return Err(Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no usable contact"));
        }
        Ok(Plan { route: None, hunt })
    }

    /// By whose rights a call from `caller` goes on that was sent on at `leg`: those of who was called there, as with a
    /// transfer, since it is them who choose where to. Whoever is called outside is a stranger, and so remains a
    /// stranger who calls.
    fn rights_of_callee(&self, caller: &Origin, leg: LegId) -> Origin {
        if *caller == Origin::Guest {
            return Origin::Guest;
        }
        self.party(leg).map_or(Origin::Guest, |party| party.rights())
    }

    fn contact_targets(
        &mut self,
        now: Instant,
        id: CallId,
        rights: &Origin,
        contact: &Contact,
    ) -> Option<Vec<Vec<LegTarget>>> {
        let to = redirected::parse(&contact.address)?;
        let number = number_of(&to.target)?;
        if to.proxy.as_ref().is_some_and(|proxy| self.is_ours(proxy)) {
            return None;
        }
        let address = Some(contact.address.clone());
        if let Some(from) = contact.by.and_then(|leg| self.place_of(leg))
            && let Some(target) = self.same_trunk(from, &to)
        {
            return Some(vec![vec![LegTarget { target, number, address }]]);
        }
        if to.proxy.is_none() && self.is_own_number(&to.target) {
            let routed = self.route(now, id, rights, &number).ok()?;
            return self.hunt(now, id, &routed).ok();
        }
        let secure = self.calls.get(&id).is_some_and(|open| open.secure);
        if secure && !to.next_hop().is_secure() {
            return None;
        }
        Some(vec![vec![LegTarget { target: Target::Address, number, address }]])
    }

    /// Whether a URI is of a number that our routes know the way to: one at our domain, or a telephone number, which is at
    /// none (RFC 3966 §5).
    pub(crate) fn is_own_number(&self, uri: &Uri) -> bool {
        uri.scheme() == "tel" || self.is_ours(uri)
    }

    /// Where a user can be reached; with `secure`, over TLS alone.
    pub(crate) fn bindings(&self, now: Instant, user: &str, secure: bool) -> Vec<Binding> {
        let mut bindings = self.registrar.lookup(now, user);
        bindings.retain(|binding| !secure || binding.transport.is_secure());
        bindings
    }

    /// The way to where a user has registered. A contact that names a trunk, or ourselves, gains nobody a way there that the
    /// routes do not give: it is called where it came from.
    pub(crate) fn way_to(&self, binding: &Binding) -> Path {
        let is_open = |flow| self.flows.is_open(flow);
        let path = binding.path(&self.config.sip.listen, is_open);
        let ours =
            self.is_own_address(path.remote.ip()) && self.is_listening_at(path.remote.port());
        let elsewhere = path.remote != binding.source;
        match elsewhere && (ours || self.trunks_near(path.remote).next().is_some()) {
            true => binding.way_back(is_open),
            false => path,
        }
    }

    /// The warning owed to who has asked for somebody by `sips:`, came to `local`, and could reach them by `sip:` (RFC 5630
    /// §3.3): with 480, there and then.
    pub(crate) fn sips_warning(
        &self,
        now: Instant,
        uri: &Uri,
        origin: &Origin,
        called: &str,
        local: SocketAddr,
    ) -> Option<Warning> {
        let private = |target: &Target| {
            let Target::Trunk(name) = target else { return true };
            self.trunk_by_name(name).is_some_and(|at| self.trunk_is_private(at))
        };
        let refused = uri.is_secure()
            && match self.routes.route_to(origin, called, private) {
                Ok(Routed { target: Target::User, number: user, .. }) => {
                    !self.bindings(now, &user, false).is_empty()
                        && self.bindings(now, &user, true).is_empty()
                }
                Ok(_) => false,
                Err(reason) => reason == NoRoute::Closed,
            };
        self.warning(SIPS_NOT_ALLOWED, "SIPS Not Allowed", local).filter(|_| refused)
    }

    /// A warning of ours to who has spoken to `local`.
    pub(crate) fn warning(&self, code: u16, text: &str, local: SocketAddr) -> Option<Warning> {
        let us = SocketAddr::new(self.config.sip.address_of(local), local.port());
        Warning::new(code, &us.to_string(), text)
    }

    pub(crate) fn is_ours(&self, uri: &Uri) -> bool {
        let Some(host) = uri.host() else { return false };
        let Some(ip) = ip_of(host) else {
            return host.to_string().eq_ignore_ascii_case(&self.config.sip.domain);
        };
        self.is_own_address(ip) && self.is_listening_at(uri.port().unwrap_or(5060))
    }

    fn is_listening_at(&self, port: u16) -> bool {
        self.config.sip.listen.iter().any(|(_, address)| address.port() == port)
    }

    fn is_own_address(&self, ip: IpAddr) -> bool {
        let listening = |(_, address): &(Transport, SocketAddr)| {
            ip == address.ip() || (address.ip().is_unspecified() && ip.is_loopback())
        };
        self.config.sip.advertise.contains(&ip) || self.config.sip.listen.iter().any(listening)
    }
}

/// What a caller without a name here is called.
fn stranger(request: &Request, remote: SocketAddr) -> String {
    let from = request.headers.from().ok();
    let user = from.as_ref().and_then(|from| from.uri.user()).filter(|user| !user.is_empty());
    user.map_or_else(|| remote.ip().to_string(), |user| user.into_owned())
}

fn is_challenge(name: &HeaderName) -> bool {
    matches!(name, HeaderName::WwwAuthenticate | HeaderName::ProxyAuthenticate)
}
