//! The registration client: keeps an address of record bound to our Contact, for ever (RFC 3261 §10.2).
//!
//! ```text
//! state \ event   2xx                401, 407        423               other failure, none   deadline       unregister
//! Registering     Registered         signed REGISTER longer REGISTER   Failed ▸Waiting       –              waits for the answer
//!                 ▸Registered
//! Registered      –                  –               –                 –                     REGISTER       REGISTER 0
//!                                                                                            ▸Registering   ▸Unregistering
//! Waiting         –                  –               –                 –                     REGISTER       Unregistered
//!                                                                                            ▸Registering   ▸Over
//! Unregistering   Unregistered ▸Over signed REGISTER Unregistered      Unregistered ▸Over    –              –
//!                                                    ▸Over
//! ```
//!
//! A refresh is due after 85 to 90 % of what was granted. After a refusal the wait grows from 1 s to 60 s; after
//! silence only to T2, because the transaction has slowed itself down already, so a registrar that comes back is
//! found within seconds. Retry-After is honoured. All waits vary by chance.

use core::fmt;
use std::collections::VecDeque;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use crate::agent::Endpoint;
use crate::digest::Account;
use crate::message::{
    CSeq, Contact, HeaderName, Method, NameAddr, Request, Response, Status, Transport, Uri,
};
use crate::session::{Failure, Login, is_challenge};
use crate::transaction::Path;

/// A registration. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub u64);

/// What to keep registered, and where.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The request URI: the registrar's domain, without user.
    pub registrar: Uri,
    /// Where REGISTER is sent: `registrar` resolved.
    pub destination: SocketAddr,
    /// The socket it is sent from, which our Contact names.
    pub local: SocketAddr,
    /// How it is sent.
    pub transport: Transport,
    /// The address of record.
    pub aor: NameAddr,
    /// The user part of our Contact.
    pub contact_user: String,
    /// How long to ask for, seconds.
    pub expires: u32,
    /// What answers challenges.
    pub credentials: Option<Account>,
}

/// How a registration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// The registrar took it.
    Registered {
        /// Seconds it granted.
        expires: u32,
    },
    /// It failed; it is tried again.
    Failed {
        /// The refusal; 408 also for silence, 503 for a network that refused.
        status: Status,
        /// Until the next try.
        retry_in: Duration,
    },
    /// It was taken back; nothing more is heard of it.
    Unregistered,
}

/// What a registration wants done.
#[derive(Debug)]
pub(crate) enum RegistrationOutput {
    Request { cseq: u32, path: Path, request: Box<Request> },
    Say(RegistrationState),
}

/// The client's machine.
#[derive(Debug)]
pub(crate) struct RegistrationClient {
    endpoint: Endpoint,
    login: Login,
    registrar: Uri,
    aor: NameAddr,
    local_tag: String,
    call_id: String,
    cseq: u32,
    expires: u32,
    failures: u32,
    state: State,
    output: VecDeque<RegistrationOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Registering { leave: bool },
    Registered { refresh: Instant },
    Waiting { until: Instant },
    Unregistering,
    Over,
}

impl RegistrationClient {
    /// Sends the first REGISTER.
    pub(crate) fn new(mut endpoint: Endpoint, login: Login, registration: Registration) -> Self {
        endpoint.user = registration.contact_user;
        let local_tag = endpoint.tag();
        let call_id = endpoint.call_id();
        let cseq = endpoint.first_cseq();
        let mut client = Self {
            endpoint,
            login,
            registrar: registration.registrar,
            aor: registration.aor,
            local_tag,
            call_id,
            cseq,
            expires: registration.expires.max(1),
            failures: 0,
            state: State::Registering { leave: false },
            output: VecDeque::new(),
        };
        client.send(client.expires);
        client
    }

    fn send(&mut self, expires: u32) {
        self.cseq = self.cseq.wrapping_add(1) & (i32::MAX as u32);
        let path = self.endpoint.path.clone();
        let mut request = Request::new(Method::Register, self.registrar.clone());
        let headers = &mut request.headers;
        headers.push(HeaderName::MaxForwards, crate::dialog::MAX_FORWARDS);
        headers.push(HeaderName::From, self.aor.clone().with_tag(&self.local_tag));
        headers.push(HeaderName::To, &self.aor);
        headers.push(HeaderName::CallId, &self.call_id);
        headers.push(HeaderName::CSeq, CSeq { number: self.cseq, method: Method::Register });
        let mut contact = self.endpoint.contact();
        contact.params.set("expires", Some(&expires.to_string()));
        headers.push(HeaderName::Contact, contact);
        headers.push(HeaderName::Expires, expires);
        self.endpoint.config.announce(headers);
        self.endpoint.add_via(&mut request, &path);
        self.endpoint.sign_request(&mut request);
        self.login.sign(&mut request, path.remote);
        let (cseq, request) = (self.cseq, Box::new(request));
        self.output.push_back(RegistrationOutput::Request { cseq, path, request });
    }

    /// A response to the last REGISTER.
    pub(crate) fn handle_response(&mut self, now: Instant, response: &Response) {
        let ours = response.headers.cseq().is_ok_and(|cseq| cseq.number == self.cseq);
        if response.status.is_provisional() || !ours {
            return;
        }
        match self.state {
            State::Registering { leave } => self.in_registering(now, leave, response),
            State::Unregistering => self.in_unregistering(response),
            State::Registered { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn in_registering(&mut self, now: Instant, leave: bool, response: &Response) {
        if is_challenge(response.status) && self.login.challenged(response) {
            return if leave { self.leave() } else { self.send(self.expires) };
        }
        self.login.accepted(response);
        if response.status.is_success() {
            let granted = self.granted(response);
            if leave {
                return self.leave();
            }
            if granted > 0 {
                return self.registered(now, granted);
            }
        }
        if leave {
            return self.over();
        }
        let longer = response.headers.min_expires().filter(|min| *min > self.expires);
        if let Some(min) = longer
            .filter(|min| response.status == Status::INTERVAL_TOO_BRIEF && *min <= MAX_EXPIRES)
        {
            self.expires = min;
            return self.send(min);
        }
        let after = response.headers.retry_after().map_or(0, |retry| retry.seconds);
        let after = Duration::from_secs(u64::from(after.min(MAX_EXPIRES)));
        self.failed(now, response.status, MAX_WAIT, after);
    }

    fn in_unregistering(&mut self, response: &Response) {
        if is_challenge(response.status) && self.login.challenged(response) {
            self.send(0);
        } else {
            self.over();
        }
    }

    fn registered(&mut self, now: Instant, granted: u32) {
        self.failures = 0;
        let whole = Duration::from_secs(u64::from(granted));
        let refresh = now + self.endpoint.random(whole * 85 / 100, whole * 90 / 100);
        self.state = State::Registered { refresh };
        let state = RegistrationState::Registered { expires: granted };
        self.output.push_back(RegistrationOutput::Say(state));
    }

    /// What the 2xx says of our own Contact (RFC 3261 §10.2.4); others of the same address are listed too.
    fn granted(&self, response: &Response) -> u32 {
        let ours = self.endpoint.contact();
        let contacts = response.headers.contacts().unwrap_or_default();
        let own = contacts.iter().find_map(|contact| match contact {
            Contact::Address(address) if address.uri.is_equivalent(&ours.uri) => Some(address),
            Contact::Address(_) | Contact::Any => None,
        });
        let expires = own.and_then(NameAddr::expires).or_else(|| response.headers.expires());
        expires.unwrap_or(self.expires).min(MAX_EXPIRES)
    }

    /// No response will come to the REGISTER with `cseq`.
    pub(crate) fn handle_failure(&mut self, now: Instant, cseq: u32, failure: Failure) {
        match self.state {
            _ if cseq != self.cseq => {}
            State::Registering { leave: true } | State::Unregistering => self.over(),
            State::Registering { leave: false } => {
                let longest = self.endpoint.config.timers.t2;
                self.failed(now, failure.status(), longest, Duration::ZERO);
            }
            State::Registered { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn failed(&mut self, now: Instant, status: Status, longest: Duration, at_least: Duration) {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(10));
        self.failures = self.failures.saturating_add(1);
        let wait = doubled.min(longest);
        let retry_in = self.endpoint.random(wait * 3 / 4, wait).max(at_least);
        self.state = State::Waiting { until: now + retry_in };
        let state = RegistrationState::Failed { status, retry_in };
        self.output.push_back(RegistrationOutput::Say(state));
    }

    /// Registers again at once, at `destination` when that changed (the link came back, the name resolved anew).
    ///
    /// RFC 3261 §10.2 wants the answer to the last REGISTER awaited first: nobody at another address will give it.
    pub(crate) fn refresh(&mut self, destination: SocketAddr) {
        let moved = self.endpoint.path.remote != destination;
        self.endpoint.path.remote = destination;
        self.login.set_peer(destination);
        match self.state {
            State::Registering { leave: false } if !moved => {}
            State::Registering { leave: true } | State::Unregistering | State::Over => {}
            State::Registering { leave: false }
            | State::Registered { .. }
            | State::Waiting { .. } => {
                self.failures = 0;
                self.state = State::Registering { leave: false };
                self.send(self.expires);
            }
        }
    }

    /// The REGISTER went to another server.
    pub(crate) fn handle_moved(&mut self, path: &Path) {
        self.endpoint.move_to(path);
        self.login.set_peer(path.remote);
    }

    /// Takes the binding back.
    pub(crate) fn unregister(&mut self) {
        match self.state {
            // RFC 3261 §10.2: no new REGISTER before the last one is answered.
            State::Registering { .. } => self.state = State::Registering { leave: true },
            State::Registered { .. } => self.leave(),
            State::Waiting { .. } => self.over(),
            State::Unregistering | State::Over => {}
        }
    }

    fn leave(&mut self) {
        self.state = State::Unregistering;
        self.send(0);
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.output.push_back(RegistrationOutput::Say(RegistrationState::Unregistered));
    }

    /// Registers when that is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.state = State::Registering { leave: false };
            self.send(self.expires);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Registered { refresh: at } | State::Waiting { until: at } => Some(at),
            State::Registering { .. } | State::Unregistering | State::Over => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<RegistrationOutput> {
        self.output.pop_front()
    }

    /// Whether Unregistered was said.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }
}

const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// A day: no registrar makes us ask for more, and no Retry-After silences us longer.
const MAX_EXPIRES: u32 = 86_400;

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registration-{}", self.0)
    }
}

/// `registration Registered UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for RegistrationClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Registering { .. } => "Registering",
            State::Registered { .. } => "Registered",
            State::Waiting { .. } => "Waiting",
            State::Unregistering => "Unregistering",
            State::Over => "Over",
        };
        write!(f, "registration {state} {}", self.endpoint.path)
    }
}
