//! The subscriber: keeps a subscription of ours up.
//!
//! ```text
//! state \ event  2xx    401, 407    423           failure           NOTIFY               terminated     Timer N       unsubscribe
//! Subscribing    noted  signed      longer, once  ▸Waiting, ▸Over   ▸Subscribed          as below       ▸Waiting,     waits for NOTIFY
//!                                                                                                       ▸Over         or failure
//! Subscribed     noted  –           –             –                 noted; a fork makes  last dialog:   no more       each dialog
//!                                                                   a dialog, or 481     ▸Waiting,      forks         leaves
//!                                                                                        ▸Over
//! Waiting        –      –           –             –                 481                  481            –             ▸Over
//! ```
//!
//! Dialogs are made by NOTIFY alone, which may overtake the 2xx (RFC 6665 §4.4.1); [`super::usage`] has what goes on in
//! each. Waiting ends with another SUBSCRIBE of a new Call-ID; [`super::retry`] tells whether and when.

mod notified;

use core::fmt;
use std::collections::VecDeque;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use super::retry::{Retry, ends_subscription};
use super::usage::{Phase, Refresh, Usage};
use super::{
    Content, Sent, Subscribe, SubscriptionEnd, SubscriptionId, SubscriptionStatus, UsageOutput,
    put_last,
};
use crate::agent::{Endpoint, Output};
use crate::dialog::MAX_FORWARDS;
use crate::message::{CSeq, HeaderName, Method, Request, Response, Status};
use crate::session::{Failure, Login, is_challenge};
use crate::transaction::Path;

/// The machine.
#[derive(Debug)]
pub(crate) struct Subscriber {
    id: SubscriptionId,
    endpoint: Endpoint,
    login: Login,
    wanted: Subscribe,
    local_tag: String,
    call_id: String,
    cseq: u32,
    /// What we ask for, seconds.
    expires: u32,
    leaving: bool,
    failures: u32,
    /// When the first NOTIFY came.
    since: Instant,
    next_fork: usize,
    state: State,
    output: VecDeque<UsageOutput>,
}

#[derive(Debug)]
enum State {
    Subscribing(Initial),
    /// Further forks may come until the first SUBSCRIBE's Timer N.
    Subscribed {
        initial: Option<Initial>,
        usages: Vec<Usage>,
    },
    Waiting {
        until: Instant,
    },
    Over,
}

/// The first SUBSCRIBE.
#[derive(Debug)]
struct Initial {
    request: Request,
    cseq: u32,
    /// Timer N.
    until: Instant,
    /// What the 2xx granted, seconds.
    granted: Option<u32>,
    /// A 423 has been followed.
    lengthened: bool,
}

/// Dialogs that one subscription may have.
const MAX_FORKS: usize = 8;
/// A day: no notifier makes us ask for more, and no Retry-After silences us longer, seconds.
const MAX_EXPIRES: u32 = 86_400;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(300);

impl Subscriber {
    /// Sends the first SUBSCRIBE.
    pub(crate) fn new(
        now: Instant,
        id: SubscriptionId,
        mut endpoint: Endpoint,
        login: Login,
        wanted: Subscribe,
    ) -> Self {
        endpoint.user.clone_from(&wanted.contact_user);
        let mut subscriber = Self {
            id,
            login,
            local_tag: endpoint.tag(),
            call_id: String::new(),
            cseq: 0,
            expires: wanted.expires.min(MAX_EXPIRES),
            leaving: false,
            failures: 0,
            since: now,
            next_fork: 0,
            state: State::Over,
            output: VecDeque::new(),
            endpoint,
            wanted,
        };
        subscriber.start(now);
        subscriber
    }

    /// Our tag, which every NOTIFY has in To.
    pub(crate) fn local_tag(&self) -> &str {
        &self.local_tag
    }

    fn start(&mut self, now: Instant) {
        self.call_id = self.endpoint.call_id();
        self.cseq = self.endpoint.first_cseq();
        let wanted = &self.wanted;
        let mut request = Request::new(Method::Subscribe, wanted.target.clone());
        let headers = &mut request.headers;
        for route in &wanted.route {
            headers.push(HeaderName::Route, route);
        }
        headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        headers.push(HeaderName::From, wanted.from.clone().with_tag(&self.local_tag));
        headers.push(HeaderName::To, &wanted.to);
        headers.push(HeaderName::CallId, &self.call_id);
        for header in &wanted.headers {
            headers.push(header.name().clone(), header.value());
        }
        self.send_initial(now, request, false);
    }

    /// Sends the first SUBSCRIBE, or sends it again with what it lacked.
    fn send_initial(&mut self, now: Instant, mut request: Request, lengthened: bool) {
        self.cseq = self.cseq.wrapping_add(1) & (i32::MAX as u32);
        let cseq = self.cseq;
        let path = self.endpoint.path.clone();
        request.headers.set(HeaderName::CSeq, CSeq { number: cseq, method: Method::Subscribe });
        self.fill(&mut request, self.expires);
        request.headers.remove(&HeaderName::Via);
        self.post(&mut request, path, Sent { fork: None, cseq });
        let until = now + self.endpoint.config.timers.timeout();
        self.state =
            State::Subscribing(Initial { request, cseq, until, granted: None, lengthened });
    }

    /// What every SUBSCRIBE of ours carries.
    fn fill(&self, request: &mut Request, expires: u32) {
        let headers = &mut request.headers;
        headers.set(HeaderName::Event, &self.wanted.event);
        headers.set(HeaderName::Expires, expires);
        if !self.wanted.accept.is_empty() {
            headers.set(HeaderName::Accept, self.wanted.accept.join(", "));
        }
        self.endpoint.introduce(headers);
        let Content { kind, body } = &self.wanted.content;
        if !body.is_empty() {
            request.set_body(kind, body.clone());
        }
    }

    fn post(&mut self, request: &mut Request, path: Path, sent: Sent) {
        self.endpoint.renew_via(request, &path);
        self.endpoint.sign_request(request);
        self.login.sign(request, path.remote);
        let request = Box::new(request.clone());
        let others = match sent.fork {
            None => self.wanted.others.clone(),
            Some(_) => Vec::new(),
        };
        self.output.push_back(UsageOutput::Request { sent, path, others, request });
    }

    /// The first SUBSCRIBE went to another server, which is the first choice from now on.
    pub(crate) fn handle_moved(&mut self, path: &Path) {
        self.login.set_peer(path.remote);
        let left = std::mem::replace(&mut self.endpoint.path, path.clone());
        put_last(&mut self.wanted.others, path, left);
    }

    /// A response to one of our requests.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        sent: Sent,
        from: SocketAddr,
        response: &Response,
    ) {
        self.login.hear(from);
        if response.status.is_provisional() {
            return;
        }
        match sent.fork {
            None => self.initial_answered(now, sent.cseq, response),
            Some(fork) => self.usage_answered(now, fork, sent.cseq, response),
        }
    }

    fn initial_answered(&mut self, now: Instant, cseq: u32, response: &Response) {
        let success = response.status.is_success();
        let granted = response.headers.expires().unwrap_or(self.expires).min(self.expires);
        let Self { endpoint, state, .. } = self;
        match state {
            State::Subscribing(initial) if initial.cseq == cseq => {
                if success {
                    initial.granted = Some(granted);
                    self.login.accepted(response);
                } else {
                    self.initial_refused(now, response);
                }
            }
            // The NOTIFY was faster, and has made the dialog whatever comes now.
            State::Subscribed { initial: Some(initial), usages }
                if initial.cseq == cseq && success =>
            {
                initial.granted = Some(granted);
                for usage in usages.iter_mut().filter(|usage| !usage.told) {
                    usage.last(now, endpoint, granted);
                }
                self.login.accepted(response);
            }
            State::Subscribing(_)
            | State::Subscribed { .. }
            | State::Waiting { .. }
            | State::Over => {}
        }
    }

    fn initial_refused(&mut self, now: Instant, response: &Response) {
        let State::Subscribing(Initial { request, lengthened, .. }) =
            std::mem::replace(&mut self.state, State::Over)
        else {
            return;
        };
        if is_challenge(response.status) && self.login.challenged(response) {
            return self.send_initial(now, request, lengthened);
        }
        self.login.accepted(response);
        if let Some(longer) = self.longer(response).filter(|_| !lengthened && !self.leaving) {
            self.expires = longer;
            return self.send_initial(now, request, true);
        }
        let retry = Retry::after_response(response);
        self.lost(now, SubscriptionEnd::Refused(response.status), retry);
    }

    /// What a 423 wants to be asked for; a fetch is never made longer.
    fn longer(&self, response: &Response) -> Option<u32> {
        let min = response.headers.min_expires().filter(|min| *min > self.expires)?;
        let brief = response.status == Status::INTERVAL_TOO_BRIEF;
        (brief && self.expires > 0 && min <= MAX_EXPIRES).then_some(min)
    }

    fn usage_answered(&mut self, now: Instant, fork: usize, cseq: u32, response: &Response) {
        let Some(at) = self.usage_at(fork, cseq) else {
            return;
        };
        let longer = self.longer(response);
        let State::Subscribed { usages, .. } = &mut self.state else {
            return;
        };
        let usage = &mut usages[at];
        let leaving = usage.is_leaving();
        let Some(sent) = usage.sent(cseq) else {
            return;
        };
        let status = response.status;
        if is_challenge(status) && self.login.challenged_in_dialog(response) {
            let lengthened = sent.lengthened;
            return self.send_in_dialog(now, at, leaving, lengthened);
        }
        self.login.accepted(response);
        if status.is_success() {
            sent.answered = true;
            if !leaving {
                let granted = response.headers.expires().unwrap_or(self.expires).min(self.expires);
                usage.last(now, &mut self.endpoint, granted);
                usage.settle(now, &mut self.endpoint);
                self.failures = 0;
            }
            return;
        }
        if let Some(longer) = longer.filter(|_| !leaving && !sent.lengthened) {
            self.expires = longer;
            return self.send_in_dialog(now, at, false, true);
        }
        if leaving || ends_subscription(status) {
            let retry = Retry::after_response(response);
            return self.drop_usage(now, at, SubscriptionEnd::Refused(status), retry);
        }
        usage.hold(now, &mut self.endpoint);
    }

    /// The dialog `fork` when the SUBSCRIBE with `cseq` is under way in it.
    fn usage_at(&mut self, fork: usize, cseq: u32) -> Option<usize> {
        let State::Subscribed { usages, .. } = &mut self.state else {
            return None;
        };
        usages.iter_mut().position(|usage| usage.number == fork && usage.sent(cseq).is_some())
    }

    /// Sends a SUBSCRIBE in a dialog: a refresh, or the last one.
    fn send_in_dialog(&mut self, now: Instant, at: usize, leaving: bool, lengthened: bool) {
        let State::Subscribed { usages, .. } = &mut self.state else {
            return;
        };
        let usage = &mut usages[at];
        let fork = Some(usage.number);
        let (mut request, hop) = usage.request();
        let Ok(CSeq { number: cseq, .. }) = request.headers.cseq() else {
            return;
        };
        self.fill(&mut request, if leaving { 0 } else { self.expires });
        self.post(&mut request, hop, Sent { fork, cseq });
        let until = now + self.endpoint.config.timers.timeout();
        let (answered, notified) = (false, false);
        let sent = Refresh { cseq, until, answered, notified, lengthened };
        if let State::Subscribed { usages, .. } = &mut self.state {
            usages[at].phase = if leaving { Phase::Leaving(sent) } else { Phase::Refreshing(sent) };
        }
    }

    /// No response will come to one of our requests.
    pub(crate) fn handle_failure(&mut self, now: Instant, sent: Sent, failure: Failure) {
        let end = SubscriptionEnd::Refused(failure.status());
        let retry = Retry::after_status(failure.status());
        match sent.fork {
            None => {
                if matches!(&self.state, State::Subscribing(initial) if initial.cseq == sent.cseq) {
                    self.lost(now, end, retry);
                }
            }
            Some(fork) => {
                let Some(at) = self.usage_at(fork, sent.cseq) else {
                    return;
                };
                let State::Subscribed { usages, .. } = &mut self.state else {
                    return;
                };
                // RFC 5057 §5.1: a 408 for a refresh ends nothing before the subscription expires.
                if usages[at].is_leaving() {
                    self.drop_usage(now, at, end, retry);
                } else {
                    usages[at].hold(now, &mut self.endpoint);
                }
            }
        }
    }

    /// A dialog has ended; with the last one the subscription.
    fn drop_usage(&mut self, now: Instant, at: usize, why: SubscriptionEnd, retry: Retry) {
        let State::Subscribed { usages, .. } = &mut self.state else {
            return;
        };
        usages.remove(at);
        if usages.is_empty() {
            if now.since(self.since) >= MAX_WAIT {
                self.failures = 0;
            }
            self.lost(now, why, retry);
        }
    }

    /// Subscribes again when that is wanted and allowed; ends otherwise.
    fn lost(&mut self, now: Instant, why: SubscriptionEnd, retry: Retry) {
        let at_least = match retry {
            Retry::Later(seconds) => seconds.min(MAX_EXPIRES),
            Retry::AtOnce | Retry::Never => 0,
        };
        let fetched = self.wanted.expires == 0;
        if self.leaving || fetched && matches!(why, SubscriptionEnd::Terminated(_)) {
            return self.end(SubscriptionEnd::Left);
        }
        if !self.wanted.keep || fetched || retry == Retry::Never {
            return self.end(why);
        }
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(10)).min(MAX_WAIT);
        let first = self.failures == 0 && retry == Retry::AtOnce;
        self.failures = self.failures.saturating_add(1);
        let retry_in = match first {
            true => Duration::ZERO,
            false => self.endpoint.random(doubled * 3 / 4, doubled),
        };
        let retry_in = retry_in.max(Duration::from_secs(u64::from(at_least)));
        self.state = State::Waiting { until: now + retry_in };
        let state = SubscriptionStatus::Retrying { why, retry_in };
        self.say(Output::Subscription { subscription: self.id, state });
    }

    fn end(&mut self, why: SubscriptionEnd) {
        self.state = State::Over;
        let state = SubscriptionStatus::Ended(why);
        self.say(Output::Subscription { subscription: self.id, state });
    }

    fn say(&mut self, output: Output) {
        self.output.push_back(UsageOutput::Say(Box::new(output)));
    }

    /// Ends the subscription. `Ended` is said when the notifier has taken leave, or will not.
    pub(crate) fn unsubscribe(&mut self, now: Instant) {
        if std::mem::replace(&mut self.leaving, true) {
            return;
        }
        match &self.state {
            State::Subscribing(_) | State::Over => {}
            State::Waiting { .. } => self.end(SubscriptionEnd::Left),
            State::Subscribed { usages, .. } => {
                for at in 0..usages.len() {
                    self.send_in_dialog(now, at, true, false);
                }
            }
        }
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Subscribing(initial) if initial.until <= now => {
                let unheard = initial.granted.is_none();
                let why = match unheard {
                    true => SubscriptionEnd::Refused(Status::REQUEST_TIMEOUT),
                    false => SubscriptionEnd::Unnotified,
                };
                self.lost(now, why, Retry::Later(0));
            }
            State::Waiting { until } if *until <= now => self.start(now),
            State::Subscribed { initial, .. } => {
                if initial.as_ref().is_some_and(|initial| initial.until <= now) {
                    *initial = None;
                }
                self.usages_due(now);
            }
            State::Subscribing(_) | State::Waiting { .. } | State::Over => {}
        }
    }

    fn usages_due(&mut self, now: Instant) {
        let mut at = 0;
        while let State::Subscribed { usages, .. } = &self.state
            && let Some(usage) = usages.get(at)
        {
            if usage.deadline() > now {
                at += 1;
                continue;
            }
            match &usage.phase {
                Phase::Held { .. } if usage.expires_at > now => {
                    self.send_in_dialog(now, at, false, false);
                    at += 1;
                }
                // Timer N of a refresh counts as expiry (RFC 6665 §4.1.2.2).
                Phase::Held { .. } | Phase::Refreshing(_) => {
                    self.drop_usage(now, at, SubscriptionEnd::Expired, Retry::AtOnce);
                }
                Phase::Leaving(_) => {
                    self.drop_usage(now, at, SubscriptionEnd::Left, Retry::Never);
                }
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Subscribing(initial) => Some(initial.until),
            State::Subscribed { initial, usages } => {
                let window = initial.iter().map(|initial| initial.until);
                usages.iter().map(Usage::deadline).chain(window).min()
            }
            State::Waiting { until } => Some(*until),
            State::Over => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<UsageOutput> {
        self.output.pop_front()
    }

    /// Whether Ended was said.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Dialogs, for the auditor.
    pub(crate) fn dialog_count(&self) -> usize {
        match &self.state {
            State::Subscribed { usages, .. } => usages.len(),
            State::Subscribing(_) | State::Waiting { .. } | State::Over => 0,
        }
    }
}

/// `subscription-3 Subscribed presence 1 dialogs UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Subscribing(_) => "Subscribing",
            State::Subscribed { .. } => "Subscribed",
            State::Waiting { .. } => "Waiting",
            State::Over => "Over",
        };
        let (event, dialogs) = (&self.wanted.event, self.dialog_count());
        write!(f, "{} {state} {event} {dialogs} dialogs {}", self.id, self.endpoint.path)
    }
}
