//! Publishing our state at an event state compositor (RFC 3903): the client.
//!
//! ```text
//! state \ event  2xx, SIP-ETag   401, 407   412            423           other failure, none    deadline     publish    remove
//! Publishing     ▸Published      signed     anew, whole    longer, once  ▸Waiting               –            afterwards afterwards
//! Published      –               –          –              –             –                      refresh      modify     remove
//!                                                                                               ▸Publishing  ▸Publishing ▸Removing
//! Waiting        –               –          –              –             –                      anew, whole  kept       ▸Over
//!                                                                                               ▸Publishing
//! Removing       ▸Over           signed     ▸Over          ▸Over         ▸Over                  –            –          –
//! ```
//!
//! A refresh has SIP-If-Match and no body, a modification both, a removal SIP-If-Match and `Expires: 0` (RFC 3903 §4.1).
//! 412 says that the compositor has forgotten us: the whole state is published anew (§4.5). The waits are those of a
//! registration.

use core::fmt;
use std::collections::VecDeque;

use tipring_core::{Duration, Instant};

use crate::agent::{Endpoint, Output};
use crate::dialog::MAX_FORWARDS;
use crate::digest::Account;
use crate::message::{
    CSeq, Event, Header, HeaderName, Method, NameAddr, Request, Response, Status, Token, Uri,
};
use crate::session::{Failure, Login, is_challenge};
use crate::subscription::{Content, Sent, UsageOutput, put_last};
use crate::transaction::Path;

/// A publication of ours. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicationId(pub u64);

/// What to publish, and where.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The request URI: whose state it is.
    pub target: Uri,
    /// How, from which socket and where it is sent.
    pub path: Path,
    /// Where it is sent when nothing comes from there, one after the other (RFC 3263 §4.3).
    pub others: Vec<Path>,
    /// Who publishes; a tag is added.
    pub from: NameAddr,
    /// Whose state it is.
    pub to: NameAddr,
    /// The proxies to pass, first first.
    pub route: Vec<NameAddr>,
    /// The package.
    pub event: Event,
    /// How long to ask for, seconds, at least 1.
    pub expires: u32,
    /// Further fields.
    pub headers: Vec<Header>,
    /// The state.
    pub content: Content,
    /// What answers challenges.
    pub credentials: Option<Account>,
}

/// How a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicationStatus {
    /// The compositor has it as it was given last.
    Published {
        /// Seconds that it lasts unless it is refreshed, which is done by itself.
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
    Removed,
}

/// The client's machine.
#[derive(Debug)]
pub(crate) struct Publication {
    id: PublicationId,
    endpoint: Endpoint,
    login: Login,
    wanted: Publish,
    local_tag: String,
    call_id: String,
    cseq: u32,
    expires: u32,
    etag: Option<Token>,
    failures: u32,
    /// The state has changed since it was sent.
    changed: bool,
    /// It shall be taken back when the PUBLISH under way is answered.
    leaving: bool,
    state: State,
    output: VecDeque<UsageOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Publishing {
        lengthened: bool,
        /// When the compositor forgets what it has.
        known_until: Option<Instant>,
    },
    Published {
        refresh: Instant,
        expires_at: Instant,
    },
    Waiting {
        until: Instant,
        known_until: Option<Instant>,
    },
    Removing,
    Over,
}

const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);
/// A day: no compositor makes us ask for more, and no Retry-After silences us longer, seconds.
const MAX_EXPIRES: u32 = 86_400;

impl Publication {
    /// Sends the first PUBLISH.
    pub(crate) fn new(
        id: PublicationId,
        mut endpoint: Endpoint,
        login: Login,
        wanted: Publish,
    ) -> Self {
        let mut publication = Self {
            id,
            local_tag: endpoint.tag(),
            call_id: endpoint.call_id(),
            cseq: endpoint.first_cseq(),
            expires: wanted.expires.clamp(1, MAX_EXPIRES),
            endpoint,
            login,
            wanted,
            etag: None,
            failures: 0,
            changed: true,
            leaving: false,
            state: State::Over,
            output: VecDeque::new(),
        };
        publication.send(None);
        publication
    }

    /// Sends what the compositor lacks: everything, a change, or nothing but another while.
    fn send(&mut self, known_until: Option<Instant>) {
        self.state = State::Publishing { lengthened: false, known_until };
        let whole = self.changed || self.etag.is_none();
        self.changed = false;
        self.post(self.expires, whole);
    }

    fn post(&mut self, expires: u32, with_body: bool) {
        self.cseq = self.cseq.wrapping_add(1) & (i32::MAX as u32);
        let (path, wanted) = (self.endpoint.path.clone(), &self.wanted);
        let mut request = Request::new(Method::Publish, wanted.target.clone());
        let headers = &mut request.headers;
        for route in &wanted.route {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        headers.push(HeaderName::From, wanted.from.clone().with_tag(&self.local_tag));
        headers.push(HeaderName::To, &wanted.to);
        headers.push(HeaderName::CallId, &self.call_id);
        headers.push(HeaderName::CSeq, CSeq { number: self.cseq, method: Method::Publish });
        headers.push(HeaderName::Event, &wanted.event);
        headers.push(HeaderName::Expires, expires);
        if let Some(etag) = &self.etag {
            headers.push(HeaderName::SipIfMatch, etag);
        }
        for header in &wanted.headers {
            headers.push(header.name().clone(), header.value());
        }
        if with_body {
            request.set_body(&wanted.content.kind, wanted.content.body.clone());
        }
        self.endpoint.add_via(&mut request, &path);
        self.endpoint.sign_request(&mut request);
        self.login.sign(&mut request, path.remote);
        let (sent, request) = (Sent { fork: None, cseq: self.cseq }, Box::new(request));
        let others = self.wanted.others.clone();
        self.output.push_back(UsageOutput::Request { sent, path, others, request });
    }

    /// A PUBLISH went to another server, which is the first choice from now on.
    pub(crate) fn handle_moved(&mut self, path: &Path) {
        self.login.set_peer(path.remote);
        let left = std::mem::replace(&mut self.endpoint.path, path.clone());
        put_last(&mut self.wanted.others, path, left);
    }

    /// A response to the last PUBLISH.
    pub(crate) fn handle_response(&mut self, now: Instant, cseq: u32, response: &Response) {
        if response.status.is_provisional() || cseq != self.cseq {
            return;
        }
        match self.state {
            State::Publishing { lengthened, known_until } => {
                self.in_publishing(now, lengthened, known_until, response);
            }
            State::Removing => {
                if is_challenge(response.status) && self.login.challenged(response) {
                    self.post(0, false);
                } else {
                    self.over();
                }
            }
            State::Published { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn in_publishing(
        &mut self,
        now: Instant,
        lengthened: bool,
        known_until: Option<Instant>,
        response: &Response,
    ) {
        let status = response.status;
        if is_challenge(status) && self.login.challenged(response) {
            return self.again(lengthened, known_until);
        }
        self.login.accepted(response);
        if status.is_success() {
            return self.published(now, response);
        }
        if self.leaving {
            // What was refused is not there; what was there before is taken back.
            return self.leave();
        }
        if status == Status::CONDITIONAL_REQUEST_FAILED && self.etag.take().is_some() {
            return self.again(lengthened, None);
        }
        let longer = response.headers.min_expires().filter(|min| *min > self.expires);
        if let Some(min) = longer.filter(|min| {
            status == Status::INTERVAL_TOO_BRIEF && !lengthened && *min <= MAX_EXPIRES
        }) {
            self.expires = min;
            return self.again(true, known_until);
        }
        let after = response.headers.retry_after().map_or(0, |retry| retry.seconds);
        let after = Duration::from_secs(u64::from(after.min(MAX_EXPIRES)));
        self.failed(now, known_until, status, MAX_WAIT, after);
    }

    /// Sends the last PUBLISH again with what it lacked. The body goes along: whether the refused one had it does not
    /// matter, for it is the state in any case.
    fn again(&mut self, lengthened: bool, known_until: Option<Instant>) {
        self.state = State::Publishing { lengthened, known_until };
        self.changed = false;
        self.post(self.expires, true);
    }

    fn published(&mut self, now: Instant, response: &Response) {
        // RFC 3903 §6 wants a SIP-ETag in each 2xx; without one nothing can be refreshed, only published anew.
        self.etag = response.headers.sip_etag().ok().flatten();
        self.failures = 0;
        let expires = response.headers.expires().unwrap_or(self.expires).clamp(1, MAX_EXPIRES);
        let whole = Duration::from_secs(u64::from(expires));
        let refresh = now + self.endpoint.random(whole * 85 / 100, whole * 90 / 100);
        self.state = State::Published { refresh, expires_at: now + whole };
        if self.leaving {
            return self.leave();
        }
        if self.changed {
            return self.send(Some(now + whole));
        }
        self.say(PublicationStatus::Published { expires });
    }

    /// No response will come to the PUBLISH with `cseq`.
    pub(crate) fn handle_failure(&mut self, now: Instant, cseq: u32, failure: Failure) {
        match self.state {
            _ if cseq != self.cseq => {}
            State::Publishing { .. } if self.leaving => self.leave(),
            State::Publishing { known_until, .. } => {
                let longest = self.endpoint.config.timers.t2;
                self.failed(now, known_until, failure.status(), longest, Duration::ZERO);
            }
            State::Removing => self.over(),
            State::Published { .. } | State::Waiting { .. } | State::Over => {}
        }
    }

    fn failed(
        &mut self,
        now: Instant,
        known_until: Option<Instant>,
        status: Status,
        longest: Duration,
        at_least: Duration,
    ) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let retry_in = self.endpoint.random(wait * 3 / 4, wait).max(at_least);
        // A change that was not taken is still to be told.
        self.changed = true;
        self.state = State::Waiting { until: now + retry_in, known_until };
        self.say(PublicationStatus::Failed { status, retry_in });
    }

    /// The state is another now.
    pub(crate) fn change(&mut self, content: Content) {
        self.wanted.content = content;
        self.changed = true;
        if let State::Published { expires_at, .. } = self.state {
            self.send(Some(expires_at));
        }
    }

    /// Takes the publication back.
    pub(crate) fn remove(&mut self) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        match self.state {
            // One PUBLISH at a time (RFC 3903 §4).
            State::Publishing { .. } | State::Removing | State::Over => {}
            State::Published { .. } | State::Waiting { .. } => self.leave(),
        }
    }

    fn leave(&mut self) {
        if self.etag.is_none() {
            return self.over();
        }
        self.state = State::Removing;
        self.post(0, false);
    }

    fn over(&mut self) {
        self.state = State::Over;
        self.say(PublicationStatus::Removed);
    }

    fn say(&mut self, state: PublicationStatus) {
        let output = Output::Publication { publication: self.id, state };
        self.output.push_back(UsageOutput::Say(Box::new(output)));
    }

    /// Publishes when that is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Published { refresh, expires_at } if refresh <= now => {
                self.send(Some(expires_at));
            }
            State::Waiting { until, known_until } if until <= now => {
                if known_until.is_none_or(|at| at <= now) {
                    self.etag = None;
                }
                self.send(known_until);
            }
            State::Publishing { .. }
            | State::Published { .. }
            | State::Waiting { .. }
            | State::Removing
            | State::Over => {}
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Published { refresh: at, .. } | State::Waiting { until: at, .. } => Some(at),
            State::Publishing { .. } | State::Removing | State::Over => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<UsageOutput> {
        self.output.pop_front()
    }

    /// Whether Removed was said.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Over
    }
}

impl fmt::Display for PublicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "publication-{}", self.0)
    }
}

/// `publication-3 Published presence UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Publishing { .. } => "Publishing",
            State::Published { .. } => "Published",
            State::Waiting { .. } => "Waiting",
            State::Removing => "Removing",
            State::Over => "Over",
        };
        write!(f, "{} {state} {} {}", self.id, self.wanted.event, self.endpoint.path)
    }
}
