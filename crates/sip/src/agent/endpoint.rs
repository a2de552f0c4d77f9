//! Our end of a session, a registration or a request: what our messages say of ourselves.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tipring_core::{Duration, Rng};

use super::{Settings, UaConfig};
use crate::message::{
    BRANCH_COOKIE, HeaderName, Headers, Host, NameAddr, RSeq, Request, Response, SipUri, Status,
    Transport, Uri,
};
use crate::transaction::Path;
use crate::transport::StunId;

/// Settings, the hop in use, the user part of our Contact, and chance for tags and branches.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) config: Arc<Settings>,
    pub(crate) path: Path,
    /// The hops that stand in for it.
    pub(crate) others: Vec<Path>,
    /// The application has still other hops.
    pub(crate) impatient: bool,
    pub(crate) user: String,
    /// What we answer for or ask for is a `sips:` URI, and so is our Contact (RFC 3261 §8.1.1.8, §12.1.1).
    pub(crate) secure: bool,
    /// Our Contact, when it is not the address of our socket.
    pub(crate) own_contact: Option<Uri>,
    rng: Rng,
}

impl Endpoint {
    pub(crate) fn new(config: Arc<Settings>, path: Path, rng: Rng) -> Self {
        Self {
            config,
            path,
            others: Vec::new(),
            impatient: false,
            user: String::new(),
            secure: false,
            own_contact: None,
            rng,
        }
    }

    /// Another hop has taken over.
    pub(crate) fn move_to(&mut self, path: &Path) {
        self.others.retain(|other| other != path);
        self.path = path.clone();
    }

    /// A tag for From or To: 64 bits of chance where RFC 3261 §19.3 asks for 32.
    pub(crate) fn tag(&mut self) -> String {
        format!("{:016x}", self.rng.next_u64())
    }

    pub(crate) fn call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64())
    }

    /// A first CSeq number, below 2³¹ by far (RFC 3261 §8.1.1.5).
    pub(crate) fn first_cseq(&mut self) -> u32 {
        1 + self.rng.next_u32() % 10_000
    }

    /// The number of the first reliable provisional response to an INVITE (RFC 3262 §3: 1 to 2³¹−1).
    pub(crate) fn first_rseq(&mut self) -> RSeq {
        RSeq::new(1 + self.rng.next_u32() % (i32::MAX as u32)).expect("above zero")
    }

    /// A random time from `low` to `high`, in steps of 10 ms.
    pub(crate) fn random(&mut self, low: Duration, high: Duration) -> Duration {
        let steps = high.saturating_sub(low).as_millis() / 10;
        let step = self.rng.below(u64::try_from(steps).unwrap_or(u64::MAX).saturating_add(1));
        low + Duration::from_millis(step.saturating_mul(10))
    }

    /// The number of a Binding request that nobody can guess.
    pub(crate) fn stun_id(&mut self) -> StunId {
        let mut id = [0; 12];
        let chance = [self.rng.next_u64(), self.rng.next_u64()];
        let octets = chance.into_iter().flat_map(u64::to_be_bytes);
        id.iter_mut().zip(octets).for_each(|(octet, drawn)| *octet = drawn);
        StunId(id)
    }

    /// Puts a Via with a new branch on top: the request gets a transaction of its own.
    pub(crate) fn add_via(&mut self, request: &mut Request, path: &Path) {
        let via = OwnVia::new(&self.config, path, &mut self.rng);
        request.headers.push_front(HeaderName::Via, via);
    }

    /// The same for a request that was sent before.
    pub(crate) fn renew_via(&mut self, request: &mut Request, path: &Path) {
        request.headers.take_first(&HeaderName::Via);
        self.add_via(request, path);
    }

    pub(crate) fn contact(&self) -> NameAddr {
        let here = || contact_at(&self.config, &self.user, &self.path, self.secure);
        NameAddr::new(self.own_contact.clone().unwrap_or_else(here))
    }

    /// Contact, Allow and Supported: what INVITE, UPDATE and their 2xx carry.
    pub(crate) fn introduce(&self, headers: &mut Headers) {
        headers.set(HeaderName::Contact, self.contact());
        self.config.announce(headers);
    }

    pub(crate) fn sign_request(&self, request: &mut Request) {
        if !self.config.product.is_empty() {
            request.headers.set(HeaderName::UserAgent, &self.config.product);
        }
    }

    /// A response with our `Server`.
    pub(crate) fn response(&self, request: &Request, status: Status, tag: &str) -> Response {
        response(&self.config, request, status, tag)
    }
}

/// A Via of ours: what [`Via`](crate::message::Via) would print, without its parts.
pub(super) struct OwnVia {
    transport: Transport,
    sent_by: SocketAddr,
    branch: u64,
}

impl OwnVia {
    /// With a new branch, for a request that goes along `path`.
    pub(super) fn new(config: &UaConfig, path: &Path, rng: &mut Rng) -> Self {
        let (transport, sent_by) = (path.transport, config.sent_by(path.local));
        Self { transport, sent_by, branch: rng.next_u64() }
    }
}

impl fmt::Display for OwnVia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, sent_by, branch } = self;
        write!(f, "SIP/2.0/{transport} {}", Host::from(sent_by.ip()))?;
        if sent_by.port() != 0 {
            write!(f, ":{}", sent_by.port())?;
        }
        write!(f, ";rport;branch={BRANCH_COOKIE}{branch:016x}")
    }
}

/// Our address as peers on `path` reach it.
pub(crate) fn contact_at(config: &UaConfig, user: &str, path: &Path, secure: bool) -> Uri {
    let sent_by = config.sent_by(path.local);
    let port = Some(sent_by.port()).filter(|port| *port != 0);
    let mut uri = SipUri::new(user, sent_by.ip().into(), port);
    uri.secure = secure && path.transport.is_secure();
    match path.transport {
        Transport::Udp => {}
        // RFC 5630 §3.1.4: a sips URI says as much.
        Transport::Tls if uri.secure => {}
        Transport::Tcp => uri.set_param("transport", Some("tcp")),
        Transport::Tls => uri.set_param("transport", Some("tls")),
        Transport::Ws | Transport::Wss => uri.set_param("transport", Some("ws")),
    }
    Uri::from(uri)
}

/// A response to `request` with our `Server`; a 100 gets no tag.
pub(crate) fn response(
    config: &UaConfig,
    request: &Request,
    status: Status,
    tag: &str,
) -> Response {
    let tag = (status != Status::TRYING).then_some(tag);
    let mut response = Response::new(request, status, tag);
    if !config.product.is_empty() {
        response.headers.push(HeaderName::Server, &config.product);
    }
    response
}
