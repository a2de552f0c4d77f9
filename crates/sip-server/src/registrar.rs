//! The registrar (RFC 3261 §10.3).
//!
//! ```text
//! REGISTER ─► Require? ─► who? ─► form ─► lifetime ─► order and number ─► 200 with all bindings
//!               420       401/403  400      423          500 / 403
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant, Redact, Rng, Timers};
use tipring_sip::digest::Algorithm;
use tipring_sip::message::{
    Contact, HeaderError, HeaderName, NameAddr, QValue, Request, Response, Status, Transport, Uri,
};
use tipring_sip::transport::FlowId;

use crate::location::{Binding, Location, UpdateError, as_written};
use crate::{Authenticator, Role, User, Verdict};

/// How long a binding lasts, and how users prove themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// When the phone does not say.
    pub default_expires: Duration,
    /// Shorter is answered with 423.
    pub min_expires: Duration,
    /// Longer is cut to this.
    pub max_expires: Duration,
    /// The hashes that challenges offer, the preferred first; see [`Authenticator::new`].
    pub digest: Vec<Algorithm>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            default_expires: Duration::from_secs(3600),
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(86_400),
            digest: vec![Algorithm::Md5],
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The sender.
    pub remote: SocketAddr,
    /// The address of ours that it came to.
    pub local: SocketAddr,
    /// What it came over.
    pub transport: Transport,
    /// The connection it came over.
    pub flow: Option<FlowId>,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A user can be reached at a new place.
    Registered {
        /// The user.
        user: String,
        /// The place.
        contact: Uri,
        /// Where it registered from.
        source: SocketAddr,
    },
    /// A user can no longer be reached at a place.
    Unregistered {
        /// The user.
        user: String,
        /// The place.
        contact: Uri,
        /// Why.
        why: Unbound,
    },
}

/// Why a binding has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// The phone removed it.
    Removed,
    /// The phone did not refresh it.
    Expired,
}

/// What the registrar has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTER requests seen.
    pub requests: u64,
    /// Answered with 200.
    pub accepted: u64,
    /// Answered with a challenge.
    pub challenged: u64,
    /// Answered with anything else.
    pub refused: u64,
    /// Bindings that nobody refreshed.
    pub expired: u64,
    /// Outputs dropped, the oldest first, because nobody took them.
    pub dropped_outputs: u64,
}

/// Registrar and location service of the configured users.
///
/// The bindings are bounded: the users are known, and each may have ten contacts. A stranger makes
/// no state.
#[derive(Debug)]
pub struct Registrar {
    config: Config,
    authenticator: Authenticator,
    location: Location,
    /// The earliest expiry of each user.
    timers: Timers<String>,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Registrar {
    /// A registrar of `realm` for `users`.
    pub fn new(
        config: Config,
        realm: &str,
        users: impl IntoIterator<Item = User>,
        rng: Rng,
    ) -> Self {
        Self {
            authenticator: Authenticator::new(realm, users, &config.digest, rng),
            config,
            location: Location::new(),
            timers: Timers::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// Answers a REGISTER.
    pub fn handle_register(&mut self, now: Instant, request: &Request, source: Source) -> Response {
        self.counters.requests += 1;
        let response = self.register(now, request, source).unwrap_or_else(|refusal| refusal);
        match response.status {
            Status::OK => self.counters.accepted += 1,
            Status::UNAUTHORIZED => self.counters.challenged += 1,
            _ => self.counters.refused += 1,
        }
        response
    }

    /// Tells who sends a request of any method but REGISTER, ACK and CANCEL.
    pub fn authenticate(&mut self, now: Instant, request: &Request, role: Role) -> Verdict {
        self.authenticator.authenticate(now, request, role)
    }

    /// The places where `user` can be reached, the preferred first.
    pub fn lookup(&self, now: Instant, user: &str) -> Vec<Binding> {
        self.location.lookup(now, user)
    }

    /// Until when `user` is registered over a connection; `None` when it is not.
    pub fn kept_until(&self, now: Instant, user: &str, flow: FlowId) -> Option<Instant> {
        let bindings = self.lookup(now, user);
        let over = bindings.iter().filter(|binding| binding.flow == Some(flow));
        over.map(|binding| binding.expires_at).max()
    }

    /// Whether `user` is configured, registered or not.
    pub fn knows(&self, user: &str) -> bool {
        self.authenticator.knows(user)
    }

    /// All bindings by user, for people to look at.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// What has been done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Removes bindings that have expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(user) = self.timers.pop_expired(now) {
            for binding in self.location.expire(now, &user) {
                self.counters.expired += 1;
                self.unbound(&user, binding, Unbound::Expired);
            }
            self.arm(&user);
        }
    }

    /// When [`Registrar::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What has changed; call until `None` after each of the other calls.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// `Err` is the response to a request that changes nothing.
    fn register(
        &mut self,
        now: Instant,
        request: &Request,
        source: Source,
    ) -> Result<Response, Response> {
        let required: Vec<_> = request.headers.list(&HeaderName::Require).collect();
        if !required.is_empty() {
            // RFC 3261 §8.2.2.3: nothing that can be required is supported.
            let mut response = Response::new(request, Status::BAD_EXTENSION, None);
            response.headers.push(HeaderName::Unsupported, required.join(", "));
            return Err(response);
        }
        let user = match self.authenticator.authenticate(now, request, Role::Server) {
            Verdict::Ok(user) => user,
            Verdict::Challenge(response) | Verdict::Forbidden(response) => return Err(response),
        };
        let form = Form::read(request).map_err(|error| self.bad_request(request, &error))?;
        let removed = match form.contacts {
            Contacts::All => self.location.remove_all(&user, form.call_id, form.cseq),
            Contacts::Some(ref contacts) => {
                let mut changes = Vec::new();
                for contact in contacts {
                    let lifetime = self.lifetime(request, contact)?;
                    changes.push((form.binding(now, request, contact, source), lifetime));
                }
                self.location.update(now, &user, changes).map(|(added, removed)| {
                    for binding in added {
                        self.bound(&user, binding);
                    }
                    removed
                })
            }
        };
        for binding in removed.map_err(|error| self.refuse(request, error))? {
            let why = if binding.expires_at > now { Unbound::Removed } else { Unbound::Expired };
            self.unbound(&user, binding, why);
        }
        self.arm(&user);
        let mut response = self.accept(now, request, &user);
        let information = self.authenticator.information(now, request, Role::Server);
        if !information.is_empty() {
            response.headers.push(HeaderName::AuthenticationInfo, information);
        }
        Ok(response)
    }

    /// The lifetime granted to a contact; zero removes it.
    fn lifetime(&self, request: &Request, contact: &NameAddr) -> Result<Duration, Response> {
        let asked = contact.expires().or_else(|| request.headers.expires());
        let asked = asked.map(u64::from).map(Duration::from_secs);
        let lifetime = asked.unwrap_or(self.config.default_expires);
        if !lifetime.is_zero() && lifetime < self.config.min_expires {
            let mut response = Response::new(request, Status::INTERVAL_TOO_BRIEF, None);
            let seconds = self.config.min_expires.as_secs();
            response.headers.push(HeaderName::MinExpires, seconds);
            return Err(response);
        }
        Ok(lifetime.min(self.config.max_expires))
    }

    fn accept(&mut self, now: Instant, request: &Request, user: &str) -> Response {
        let mut response = Response::new(request, Status::OK, None);
        for binding in self.location.lookup(now, user) {
            let mut contact = binding.contact.clone();
            let seconds = binding.remaining_seconds(now).to_string();
            contact.params.set("expires", Some(&seconds));
            response.headers.push(HeaderName::Contact, contact);
        }
        response
    }

    fn refuse(&self, request: &Request, error: UpdateError) -> Response {
        match error {
            UpdateError::OutOfOrder => Response::new(request, Status::SERVER_INTERNAL_ERROR, None),
            UpdateError::TooManyContacts => {
                let mut response = Response::new(request, Status::FORBIDDEN, None);
                response.reason = "Too Many Contacts".to_owned();
                response
            }
        }
    }

    fn bad_request(&self, request: &Request, error: &FormError) -> Response {
        let mut response = Response::new(request, Status::BAD_REQUEST, None);
        response.reason = error.to_string();
        response
    }

    fn bound(&mut self, user: &str, binding: Binding) {
        tracing::info!(
            user = %Redact::Number(user), source = %binding.source, "user registered"
        );
        let (user, contact) = (user.to_owned(), binding.contact.uri);
        self.put(Output::Registered { user, contact, source: binding.source });
    }

    fn unbound(&mut self, user: &str, binding: Binding, why: Unbound) {
        tracing::info!(user = %Redact::Number(user), ?why, "user unregistered");
        let (user, contact) = (user.to_owned(), binding.contact.uri);
        self.put(Output::Unregistered { user, contact, why });
    }

    fn put(&mut self, output: Output) {
        if self.outputs.len() >= MAX_OUTPUTS {
            self.outputs.pop_front();
            self.counters.dropped_outputs += 1;
        }
        self.outputs.push_back(output);
    }

    fn arm(&mut self, user: &str) {
        match self.location.next_expiry(user) {
            Some(at) => self.timers.set(user.to_owned(), at),
            None => self.timers.cancel(&user.to_owned()),
        }
    }
}

impl fmt::Display for Registrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (known, bound) = (self.authenticator.names().count(), self.location.len());
        write!(f, "registrar of {}: {known} users, {bound} contacts", self.authenticator.realm())
    }
}

/// What a REGISTER asks for.
struct Form<'a> {
    call_id: &'a str,
    cseq: u32,
    contacts: Contacts,
}

enum Contacts {
    /// Remove all.
    All,
    /// Change these; none asks what there is.
    Some(Vec<NameAddr>),
}

/// Why a REGISTER makes no sense.
enum FormError {
    Header(HeaderError),
    /// `Contact: *` beside another contact, or without `Expires: 0` (RFC 3261 §10.3 step 6).
    Star,
}

impl From<HeaderError> for FormError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(HeaderError::Missing(name)) => write!(f, "Missing {name}"),
            Self::Header(HeaderError::Duplicate(name)) => write!(f, "Duplicate {name}"),
            Self::Header(HeaderError::Malformed(name, _)) => write!(f, "Malformed {name}"),
            Self::Star => f.write_str("Malformed Contact *"),
        }
    }
}

impl<'a> Form<'a> {
    fn read(request: &'a Request) -> Result<Self, FormError> {
        let all = request.headers.contacts()?;
        let contacts = if all.contains(&Contact::Any) {
            if all.len() > 1 || request.headers.expires() != Some(0) {
                return Err(FormError::Star);
            }
            Contacts::All
        } else {
            let addresses = all.into_iter().filter_map(|contact| match contact {
                Contact::Address(address) => Some(address),
                Contact::Any => None,
            });
            Contacts::Some(addresses.collect())
        };
        let call_id = request.headers.call_id()?;
        Ok(Self { call_id, cseq: request.headers.cseq()?.number, contacts })
    }

    fn binding(
        &self,
        now: Instant,
        request: &Request,
        contact: &NameAddr,
        source: Source,
    ) -> Binding {
        let mut contact = contact.clone();
        let q_thousandths = contact.q_thousandths();
        // What is no q (RFC 3261 §25.1) counts as none, and is not told to others.
        if contact.params.value("q").is_none_or(|text| QValue::parse(text).is_none()) {
            contact.params.remove("q");
        }
        // By way of a proxy, the topmost Via is the proxy's and tells nothing of the telephone.
        let direct = request.headers.list(&HeaderName::Via).count() == 1;
        let via = request.headers.top_via().ok().filter(|_| direct);
        let written =
            via.and_then(|via| as_written(&via, &contact, source.remote, source.transport));
        contact.params.remove("expires");
        let user_agent = request.headers.first(&HeaderName::UserAgent).unwrap_or_default();
        Binding {
            contact,
            source: source.remote,
            local: source.local,
            transport: source.transport,
            flow: source.flow,
            written,
            q_thousandths,
            call_id: self.call_id.to_owned(),
            cseq: self.cseq,
            user_agent: user_agent.chars().take(MAX_USER_AGENT).collect(),
            since: now,
            expires_at: now,
        }
    }
}

/// Outputs that wait to be taken.
const MAX_OUTPUTS: usize = 4096;
/// Characters kept of a User-Agent.
const MAX_USER_AGENT: usize = 128;
