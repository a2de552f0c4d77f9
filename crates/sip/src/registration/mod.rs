//! The registration client: keeps an address of record bound to our Contact, for ever (RFC 3261 §10.2).
//!
//! ```text
//! state \ event   located      2xx          401, 407    423, 439     3xx          other failure,  deadline    flow gone,  unregister
//!                                                                                 none                        refresh
//! Locating        REGISTER     –            –           –            –            (no way) Failed –           –           REGISTER 0
//!                 ▸Registering                                                    ▸Waiting                                ▸Unregistering,
//!                                                                                                                         or ▸Over
//! Registering     –            Registered   signed      longer, or   ▸Locating    Failed          –           after the   waits for the
//!                              ▸Registered  REGISTER    plain        the Contact  ▸Waiting                    answer      answer
//!                                                       REGISTER
//! Registered      –            –            –           –            –            –               ▸Locating;  ▸Locating   REGISTER 0
//!                                                                                                 keep-alive              ▸Unregistering
//! Waiting         –            –            –           –            –            –               ▸Locating   ▸Locating   Unregistered
//!                                                                                                                         ▸Over
//! Unregistering   –            Unregistered signed      Unregistered Unregistered Unregistered    –           –           –
//!                              ▸Over        REGISTER 0  ▸Over        ▸Over        ▸Over
//! ```
//!
//! A refresh is due after 85 to 90 % of what was granted. Each REGISTER is located anew, so a name service that has
//! changed is followed, and goes to the registrar that took the last one as long as its name leads there; the next server
//! is tried when one is silent (`agent::delivery`). How long to wait after a failure says `backoff`; Retry-After is
//! honoured. All waits vary by chance.
//!
//! With an instance the registration asks for outbound (RFC 5626; it is one flow) and GRUUs (RFC 5627), and takes what it is
//! given: a Service-Route (RFC 3608), GRUUs, a Flow-Timer. Path (RFC 3327) is announced; it is the registrar's to use.
//! Bindings of other devices are never touched.

mod answer;
mod backoff;
mod keep_alive;
mod values;

use core::fmt;
use std::collections::VecDeque;

use tipring_core::{Duration, Instant};

use self::backoff::{Kind, longest_wait};
use self::keep_alive::{Due, KeepAlive, Means};
pub(crate) use self::values::RegistrationOutput;
pub use self::values::{Binding, Registration, RegistrationId, RegistrationState};
use crate::agent::Endpoint;
use crate::locate::{Destination, Unlocated};
use crate::message::{CSeq, HeaderName, Headers, Method, NameAddr, Request, Response, Status, Uri};
use crate::session::{Failure, Login, is_challenge, is_within};
use crate::transaction::Path;
use crate::transport::StunMessage;

/// The client's machine.
#[derive(Debug)]
pub(crate) struct RegistrationClient {
    endpoint: Endpoint,
    login: Login,
    wanted: Registration,
    local_tag: String,
    call_id: String,
    cseq: u32,
    expires: u32,
    failures: u32,
    /// Where a 3xx has sent us, and how often.
    redirected: Option<Uri>,
    redirections: u8,
    /// Times that the registrar wanted a longer interval, in a row.
    lengthened: u8,
    /// The registrar has refused outbound (439), so that it is not asked for.
    plain: bool,
    /// The ways to the registrar, as they were found last: good enough while its name leads nowhere.
    known: Vec<Path>,
    /// What was granted last; nothing once it has run out or failed.
    binding: Option<Binding>,
    /// The registrar that answered last speaks RFC 5626.
    speaks_outbound: bool,
    /// Other flows of the same device are there.
    others_live: bool,
    /// Register anew when the last REGISTER is answered: its flow is gone.
    again: bool,
    keep_alive: Option<KeepAlive>,
    /// Whether the registrar answers STUN, once that is known.
    hears_stun: Option<bool>,
    state: State,
    output: VecDeque<RegistrationOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Locating,
    Registering { leave: bool },
    Registered { refresh: Instant },
    Waiting { until: Instant },
    Unregistering,
    Over,
}

impl RegistrationClient {
    /// Looks for the registrar.
    pub(crate) fn new(
        now: Instant,
        mut endpoint: Endpoint,
        login: Login,
        wanted: Registration,
    ) -> Self {
        endpoint.user.clone_from(&wanted.contact_user);
        endpoint.secure = wanted.registrar.is_secure();
        let (local_tag, call_id) = (endpoint.tag(), endpoint.call_id());
        let cseq = endpoint.first_cseq();
        let mut client = Self {
            endpoint,
            login,
            expires: wanted.expires.max(1),
            wanted,
            local_tag,
            call_id,
            cseq,
            failures: 0,
            redirected: None,
            redirections: 0,
            lengthened: 0,
            plain: false,
            known: Vec::new(),
            binding: None,
            speaks_outbound: false,
            others_live: false,
            again: false,
            keep_alive: None,
            hears_stun: None,
            state: State::Locating,
            output: VecDeque::new(),
        };
        client.begin(now);
        client
    }

    /// Looks for the registrar, to register anew.
    fn begin(&mut self, now: Instant) {
        self.state = State::Locating;
        self.again = false;
        let first = self.wanted.route.first().map(|route| &route.uri);
        let uri = self.redirected.as_ref().or(first).unwrap_or(&self.wanted.registrar);
        match Destination::of_uri(uri) {
            Ok(destination) => {
                let destination = Box::new(destination);
                self.output.push_back(RegistrationOutput::Locate(destination));
            }
            Err(reason) => self.unlocated(now, reason),
        }
    }

    /// The ways to the registrar are known, or why there are none.
    pub(crate) fn handle_located(&mut self, now: Instant, ways: Result<Vec<Path>, Unlocated>) {
        if self.state != State::Locating {
            return;
        }
        let mut ways = match ways {
            Ok(ways) => ways,
            Err(reason) if self.known.is_empty() => return self.unlocated(now, reason),
            Err(_) => self.known.clone(),
        };
        if ways.is_empty() {
            return self.unlocated(now, Unlocated::Unreachable);
        }
        self.known.clone_from(&ways);
        // Who took the last one knows us: nonces, flows and bindings are there.
        let taker = self.binding.as_ref().map(|binding| &binding.path);
        if let Some(at) = ways.iter().position(|way| Some(way) == taker) {
            ways.swap(0, at);
        }
        let first = ways.remove(0);
        self.login.set_peer(first.remote);
        let abroad = |uri| !is_within(uri, &self.wanted.registrar);
        self.login.set_abroad(self.redirected.as_ref().is_some_and(abroad));
        if self.endpoint.path != first {
            self.keep_alive = None;
        }
        self.endpoint.path = first;
        self.endpoint.others = ways;
        self.state = State::Registering { leave: false };
        self.send(self.expires);
    }

    fn unlocated(&mut self, now: Instant, reason: Unlocated) {
        tracing::warn!(registrar = %self.wanted.registrar, %reason, "registrar not found");
        self.redirected = None;
        self.failed(now, Status::SERVICE_UNAVAILABLE, Kind::Refused, Duration::ZERO);
    }

    fn send(&mut self, expires: u32) {
        self.cseq = self.cseq.wrapping_add(1) & (i32::MAX as u32);
        let path = self.endpoint.path.clone();
        let uri = self.redirected.clone().unwrap_or_else(|| self.wanted.registrar.clone());
        let mut request = Request::new(Method::Register, uri);
        let headers = &mut request.headers;
        if self.redirected.is_none() {
            for route in &self.wanted.route {
                headers.push(HeaderName::Route, route);
            }
        }
        headers.push(HeaderName::MaxForwards, crate::dialog::MAX_FORWARDS);
        headers.push(HeaderName::From, self.wanted.aor.clone().with_tag(&self.local_tag));
        headers.push(HeaderName::To, &self.wanted.aor);
        headers.push(HeaderName::CallId, &self.call_id);
        headers.push(HeaderName::CSeq, CSeq { number: self.cseq, method: Method::Register });
        headers.push(HeaderName::Contact, self.contact(expires));
        headers.push(HeaderName::Expires, expires);
        self.endpoint.config.announce(headers);
        self.add_supported(headers);
        self.endpoint.add_via(&mut request, &path);
        self.endpoint.sign_request(&mut request);
        self.login.sign(&mut request, path.remote);
        let (cseq, others) = (self.cseq, self.endpoint.others.clone());
        let request = Box::new(request);
        self.output.push_back(RegistrationOutput::Request { cseq, path, others, request });
    }

    fn asks_for_outbound(&self) -> bool {
        self.wanted.instance.is_some() && !self.plain
    }

    fn contact(&self, expires: u32) -> NameAddr {
        let mut contact = self.endpoint.contact();
        if let Some(instance) = &self.wanted.instance {
            contact.params.set("+sip.instance", Some(&format!("<{instance}>")));
            if self.asks_for_outbound() {
                contact.params.set("reg-id", Some(&self.wanted.reg_id.to_string()));
            }
        }
        contact.params.set("expires", Some(&expires.to_string()));
        contact
    }

    fn add_supported(&self, headers: &mut Headers) {
        // RFC 3327 §5.1, RFC 5626 §4.2.1, RFC 5627 §4.1.
        let mut tags: Vec<&str> = self.endpoint.config.option_tags().collect();
        tags.push("path");
        if self.wanted.instance.is_some() {
            tags.push("gruu");
        }
        if self.asks_for_outbound() {
            tags.push("outbound");
        }
        headers.set(HeaderName::Supported, tags.join(", "));
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
            State::Locating | State::Registered { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn in_registering(&mut self, now: Instant, leave: bool, response: &Response) {
        if is_challenge(response.status) && self.login.challenged(response) {
            return if leave { self.leave() } else { self.send(self.expires) };
        }
        self.login.accepted(response);
        if response.status.is_success() {
            let binding = self.granted(response);
            if leave {
                return self.leave();
            }
            if binding.expires > 0 {
                return self.registered(now, binding);
            }
        }
        if leave {
            return self.over();
        }
        if self.tries_otherwise(now, response) {
            return;
        }
        let after = response.headers.retry_after().map_or(0, |retry| retry.seconds);
        let after = Duration::from_secs(u64::from(after.min(MAX_EXPIRES)));
        let kind = self.kind_of_failure(Kind::Refused);
        self.failed(now, response.status, kind, after);
    }

    /// Whether a refusal says how it will be taken, and that was not tried yet.
    fn tries_otherwise(&mut self, now: Instant, response: &Response) -> bool {
        let longer = response.headers.min_expires().filter(|min| *min > self.expires);
        match response.status {
            Status::INTERVAL_TOO_BRIEF if self.lengthened < MAX_LENGTHENED => {
                let Some(min) = longer.filter(|min| *min <= MAX_EXPIRES) else { return false };
                self.lengthened += 1;
                self.expires = min;
                self.send(min);
            }
            // RFC 5626 §4.2.1: the first hop cannot keep flows.
            Status::FIRST_HOP_LACKS_OUTBOUND_SUPPORT if self.asks_for_outbound() => {
                self.plain = true;
                self.send(self.expires);
            }
            status if status.is_redirect() && self.redirections < MAX_REDIRECTIONS => {
                let Some(uri) = answer::redirection(response) else { return false };
                self.redirections += 1;
                self.redirected = Some(uri);
                self.begin(now);
            }
            _ => return false,
        }
        true
    }

    fn in_unregistering(&mut self, response: &Response) {
        if is_challenge(response.status) && self.login.challenged(response) {
            self.send(0);
        } else {
            self.over();
        }
    }

    fn registered(&mut self, now: Instant, binding: Binding) {
        self.failures = 0;
        self.redirections = 0;
        self.lengthened = 0;
        self.speaks_outbound = binding.outbound;
        let whole = Duration::from_secs(u64::from(binding.expires));
        let refresh = now + self.endpoint.random(whole * 85 / 100, whole * 90 / 100);
        self.state = State::Registered { refresh };
        if self.binding.as_ref().is_some_and(|old| old.path.remote != binding.path.remote) {
            self.hears_stun = None;
        }
        self.binding = Some(binding.clone());
        self.start_keep_alive(now);
        self.say(RegistrationState::Registered(Box::new(binding)));
        if self.again {
            self.begin(now);
        }
    }

    fn start_keep_alive(&mut self, now: Instant) {
        self.keep_alive = self.keep_alive_by().map(|(means, (least, most))| {
            KeepAlive::new(means, now + self.endpoint.random(least, most))
        });
    }

    /// How the way back is kept open, and after how long each time. Connections are kept alive by those who carry them.
    fn keep_alive_by(&self) -> Option<(Means, (Duration, Duration))> {
        let over_udp = !self.endpoint.path.transport.is_reliable();
        let binding = self.binding.as_ref().filter(|_| over_udp)?;
        let share = |whole: Duration| (whole * 4 / 5, whole);
        let configured = self.wanted.keep_alive;
        // RFC 5626 §8: nobody gets STUN who does not say that it understands it.
        if self.hears_stun != Some(false) && (binding.outbound || binding.flow_timer.is_some()) {
            let timer =
                binding.flow_timer.map(|s| Duration::from_secs(s.max(MIN_FLOW_TIMER).into()));
            let asked = timer.into_iter().chain(configured).min();
            return Some((Means::Stun, asked.map_or(STUN_EVERY, share)));
        }
        configured.map(|every| (Means::LineEnds, share(every)))
    }

    fn keep_alive_timeout(&mut self, now: Instant) {
        let Some((_, (least, most))) = self.keep_alive_by() else {
            self.keep_alive = None;
            return;
        };
        let Some(keep_alive) = self.keep_alive.as_mut().filter(|k| k.poll_timeout() <= now) else {
            return;
        };
        let (next, id) = (now + self.endpoint.random(least, most), self.endpoint.stun_id());
        let bytes = match keep_alive.handle_timeout(now, next, id, self.endpoint.config.timers.t1) {
            Due::Nothing => return,
            Due::LineEnds => b"\r\n\r\n".to_vec(),
            Due::Request(id) => StunMessage::request(id).to_bytes(),
            Due::Gone => return self.flow_gone(now),
        };
        self.output.push_back(RegistrationOutput::KeepAlive(self.endpoint.path.clone(), bytes));
    }

    /// An answer to a Binding request that came along `path`; false when it is not ours.
    pub(crate) fn handle_stun(&mut self, now: Instant, path: &Path, answer: &StunMessage) -> bool {
        let ours = &self.endpoint.path;
        let from_there = (path.local, path.remote) == (ours.local, ours.remote);
        let keep_alive = self.keep_alive.as_mut().filter(|_| from_there);
        let Some(due) = keep_alive.and_then(|keep_alive| keep_alive.handle_answer(answer)) else {
            return false;
        };
        self.hears_stun = Some(true);
        if due == Due::Gone {
            self.flow_gone(now);
        }
        true
    }

    /// Nothing comes back any more over UDP, or it comes another way (RFC 5626 §4.5).
    fn flow_gone(&mut self, now: Instant) {
        tracing::warn!(path = %self.endpoint.path, "flow gone: registering anew");
        self.hears_stun.get_or_insert(false);
        self.keep_alive = None;
        self.refresh(now);
    }

    /// No response will come to the REGISTER with `cseq`.
    pub(crate) fn handle_failure(&mut self, now: Instant, cseq: u32, failure: Failure) {
        match self.state {
            _ if cseq != self.cseq => {}
            State::Registering { leave: true } | State::Unregistering => self.over(),
            State::Registering { leave: false } => {
                let kind = self.kind_of_failure(Kind::Silent);
                self.failed(now, failure.status(), kind, Duration::ZERO);
            }
            State::Locating | State::Registered { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn kind_of_failure(&self, plain: Kind) -> Kind {
        let others_live = self.others_live;
        if self.speaks_outbound { Kind::Outbound { others_live } } else { plain }
    }

    fn failed(&mut self, now: Instant, status: Status, kind: Kind, at_least: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.binding = None;
        self.redirected = None;
        self.lengthened = 0;
        self.keep_alive = None;
        self.hears_stun = None;
        let longest = longest_wait(self.failures, kind, self.endpoint.config.timers.t2);
        let retry_in = self.endpoint.random(longest / 2, longest).max(at_least);
        self.state = State::Waiting { until: now + retry_in };
        self.say(RegistrationState::Failed { status, retry_in });
    }

    /// The REGISTER went to another server, along `path`.
    pub(crate) fn handle_moved(&mut self, path: &Path) {
        // What is kept open is the way that the last 2xx came by.
        self.keep_alive = None;
        self.endpoint.move_to(path);
        self.login.set_peer(path.remote);
    }

    /// Registers again at once: the link is back, or the connection that we registered over is gone (RFC 5626 §4.5).
    ///
    /// RFC 3261 §10.2 wants the answer to the last REGISTER awaited first.
    pub(crate) fn refresh(&mut self, now: Instant) {
        match self.state {
            State::Registered { .. } | State::Waiting { .. } => {
                self.failures = 0;
                self.begin(now);
            }
            State::Registering { leave: false } => self.again = true,
            State::Locating
            | State::Registering { leave: true }
            | State::Unregistering
            | State::Over => {}
        }
    }

    /// Whether other flows of the same device are there.
    pub(crate) fn note_others(&mut self, live: bool) {
        self.others_live = live;
    }

    /// Takes the binding back.
    pub(crate) fn unregister(&mut self) {
        match self.state {
            // RFC 3261 §10.2: no new REGISTER before the last one is answered.
            State::Registering { .. } => self.state = State::Registering { leave: true },
            State::Registered { .. } => self.leave(),
            State::Locating if self.binding.is_some() => self.leave(),
            State::Locating | State::Waiting { .. } => self.over(),
            State::Unregistering | State::Over => {}
        }
    }

    fn leave(&mut self) {
        self.state = State::Unregistering;
        self.keep_alive = None;
        self.send(0);
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.keep_alive = None;
        self.say(RegistrationState::Unregistered);
    }

    fn say(&mut self, state: RegistrationState) {
        self.output.push_back(RegistrationOutput::Say(state));
    }

    /// Registers, and keeps the way back open, when that is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.keep_alive_timeout(now);
        if self.renewal().is_some_and(|at| at <= now) {
            self.begin(now);
        }
    }

    fn renewal(&self) -> Option<Instant> {
        match self.state {
            State::Registered { refresh: at } | State::Waiting { until: at } => Some(at),
            State::Locating | State::Registering { .. } | State::Unregistering | State::Over => {
                None
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let keep_alive = self.keep_alive.as_ref().map(KeepAlive::poll_timeout);
        self.renewal().into_iter().chain(keep_alive).min()
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

/// Between Binding requests, where the registrar does not say (RFC 5626 §4.4).
const STUN_EVERY: (Duration, Duration) = (Duration::from_secs(24), Duration::from_secs(29));
/// No Flow-Timer makes us send more often, seconds.
const MIN_FLOW_TIMER: u32 = 5;
/// Redirections that are followed in a row.
const MAX_REDIRECTIONS: u8 = 5;
/// Intervals that are made longer in a row.
const MAX_LENGTHENED: u8 = 2;
/// A day: no registrar makes us ask for more, and no Retry-After silences us longer.
const MAX_EXPIRES: u32 = 86_400;

/// `registration Registered UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for RegistrationClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Locating => "Locating",
            State::Registering { .. } => "Registering",
            State::Registered { .. } => "Registered",
            State::Waiting { .. } => "Waiting",
            State::Unregistering => "Unregistering",
            State::Over => "Over",
        };
        write!(f, "registration {state} {}", self.endpoint.path)
    }
}
