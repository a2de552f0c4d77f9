//! The notifier: serves one subscription of a peer's.
//!
//! ```text
//! state \ event  accept             notify   SUBSCRIBE        SUBSCRIBE 0    end          expiry       NOTIFY refused  deadline
//! Asked          200, NOTIFY        –        –                –              –            –            –               ▸Over
//!                ▸Pending, ▸Active
//! Pending        –                  NOTIFY   200, NOTIFY      200, NOTIFY    NOTIFY       NOTIFY       ▸Over           NOTIFY, when
//! Active                                     or 423           terminated     terminated   terminated                   throttled
//!                                                             ▸Ending        ▸Ending      ▸Ending
//! Ending         –                  –        481              481            –            –            ▸Over           –
//! ```
//!
//! A NOTIFY is owed at once after each SUBSCRIBE (RFC 6665 §4.2.1.2); other changes wait for the package's least
//! interval, and for the answer to the NOTIFY before them, and are then told together. Ending waits for the answer to the
//! last NOTIFY. Asked is bounded by the life of the SUBSCRIBE's transaction. A NOTIFY that is challenged is sent again, signed,
//! where the watcher's account allows it (see `Login`).

use core::fmt;
use std::collections::VecDeque;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use super::values::is_terminated;
use super::{Content, Package, Sent, UsageOutput, WatcherEnd, WatcherId, WatcherStatus};
use crate::agent::{Endpoint, Output};
use crate::dialog::Dialog;
use crate::message::{
    Event, EventReason, HeaderError, HeaderName, Method, Request, Response, RetryAfter, Status,
    SubscriptionState, Substate,
};
use crate::session::{Failure, Login, WrongState, is_challenge};
use crate::transaction::{Path, ServerId};

/// The machine.
#[derive(Debug)]
pub(crate) struct Notifier {
    id: WatcherId,
    endpoint: Endpoint,
    login: Login,
    package: Package,
    event: Event,
    dialog: Dialog,
    /// The way that the last SUBSCRIBE came.
    path: Path,
    expires_at: Instant,
    state: State,
    content: Content,
    /// The NOTIFY that has no answer yet, and where it went.
    in_flight: Option<u32>,
    /// Something has to be told.
    due: bool,
    /// Nothing that is not owed is told before.
    not_before: Instant,
    output: VecDeque<UsageOutput>,
}

#[derive(Debug)]
enum State {
    Asked {
        server: ServerId,
        request: Box<Request>,
        seconds: u32,
        until: Instant,
    },
    Pending,
    Active,
    /// The last NOTIFY, to be sent or sent.
    Ending {
        reason: EventReason,
        retry_after: Option<u32>,
    },
    Over,
}

/// Why a SUBSCRIBE is refused.
pub(crate) enum Refusal {
    Malformed(HeaderError),
    /// Shorter than the package's least, seconds.
    TooBrief(u32),
}

impl Notifier {
    /// How long `request` asks for, as far as `package` grants it.
    fn granted(package: &Package, request: &Request) -> Result<u32, Refusal> {
        let asked = request.headers.expires().unwrap_or(package.default_expires);
        if asked > 0 && asked < package.min_expires {
            return Err(Refusal::TooBrief(package.min_expires));
        }
        Ok(asked.min(package.max_expires))
    }

    /// A watcher that the application has to accept or refuse.
    pub(crate) fn asked(
        now: Instant,
        id: WatcherId,
        mut endpoint: Endpoint,
        login: Login,
        package: Package,
        server: ServerId,
        request: &Request,
    ) -> Result<Self, Refusal> {
        let seconds = Self::granted(&package, request)?;
        let event = request.headers.event().map_err(Refusal::Malformed)?;
        let event = event.ok_or(Refusal::Malformed(HeaderError::Missing(HeaderName::Event)))?;
        endpoint.user = request.uri.user().map(|user| user.into_owned()).unwrap_or_default();
        let (tag, cseq) = (endpoint.tag(), endpoint.first_cseq());
        let dialog = Dialog::of_callee(request, &tag, cseq).map_err(Refusal::Malformed)?;
        let until = now + endpoint.config.timers.timeout();
        let request = Box::new(request.clone());
        Ok(Self {
            id,
            login,
            package,
            event,
            dialog,
            path: endpoint.path.clone(),
            expires_at: until,
            state: State::Asked { server, request, seconds, until },
            content: Content::default(),
            in_flight: None,
            due: false,
            not_before: now,
            output: VecDeque::new(),
            endpoint,
        })
    }

    /// Our tag, which every further SUBSCRIBE has in To.
    pub(crate) fn local_tag(&self) -> &str {
        self.dialog.local_tag()
    }

    /// What answers challenges to our NOTIFYs from now on.
    pub(crate) fn set_login(&mut self, login: Login) {
        self.login = login;
    }

    /// Where the last SUBSCRIBE came from.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.path.remote
    }

    /// Answers the first SUBSCRIBE with 200, and tells the state, which is active or pending.
    pub(crate) fn accept(
        &mut self,
        now: Instant,
        substate: Substate,
        content: Content,
    ) -> Result<(), WrongState> {
        if !matches!(self.state, State::Asked { .. }) || is_terminated(&substate) {
            return Err(WrongState);
        }
        let asked = std::mem::replace(&mut self.state, State::Over);
        let State::Asked { server, request, seconds, .. } = asked else {
            return Err(WrongState);
        };
        self.content = content;
        self.dialog.confirm();
        self.grant(now, server, &request, seconds);
        match seconds {
            // RFC 6665 §4.4.3: one that asks for no time wants to be told once.
            0 => self.conclude(now, EventReason::Timeout, None, WatcherEnd::Left),
            _ => {
                self.change(substate);
                self.owe(now);
            }
        }
        Ok(())
    }

    /// Answers the first SUBSCRIBE with a failure.
    pub(crate) fn refuse(
        &mut self,
        status: Status,
        headers: &[(HeaderName, String)],
    ) -> Result<(), WrongState> {
        let State::Asked { server, request, .. } = &self.state else {
            return Err(WrongState);
        };
        if !status.is_failure() {
            return Err(WrongState);
        }
        let mut response = self.endpoint.response(request, status, self.dialog.local_tag());
        for (name, value) in headers {
            response.headers.push(name.clone(), value);
        }
        let respond = UsageOutput::Respond { server: *server, response: Box::new(response) };
        self.output.push_back(respond);
        self.over(WatcherEnd::Local);
        Ok(())
    }

    /// 200 to a SUBSCRIBE.
    fn grant(&mut self, now: Instant, server: ServerId, request: &Request, seconds: u32) {
        self.expires_at = now + Duration::from_secs(u64::from(seconds));
        let mut response = self.endpoint.response(request, Status::OK, self.dialog.local_tag());
        response.headers.push(HeaderName::Expires, seconds);
        response.headers.set(HeaderName::Contact, self.endpoint.contact());
        // RFC 3261 §12.1.1: what makes a dialog tells its route set.
        response.headers.copy_from(&request.headers, &HeaderName::RecordRoute);
        self.output.push_back(UsageOutput::Respond { server, response: Box::new(response) });
    }

    /// Tells a change; the state is active or pending.
    pub(crate) fn notify(
        &mut self,
        now: Instant,
        substate: Substate,
        content: Content,
    ) -> Result<(), WrongState> {
        match self.state {
            State::Pending | State::Active if !is_terminated(&substate) => {}
            State::Pending
            | State::Active
            | State::Asked { .. }
            | State::Ending { .. }
            | State::Over => return Err(WrongState),
        }
        self.content = content;
        self.change(substate);
        self.due = true;
        self.tell(now);
        Ok(())
    }

    fn change(&mut self, substate: Substate) {
        self.state = match substate {
            Substate::Pending => State::Pending,
            Substate::Active | Substate::Terminated | Substate::Other(_) => State::Active,
        };
    }

    /// Ends the subscription with a last NOTIFY.
    pub(crate) fn terminate(
        &mut self,
        now: Instant,
        reason: EventReason,
        retry_after: Option<u32>,
        content: Option<Content>,
    ) -> Result<(), WrongState> {
        match self.state {
            State::Pending | State::Active => {}
            State::Asked { .. } | State::Ending { .. } | State::Over => return Err(WrongState),
        }
        if let Some(content) = content {
            self.content = content;
        }
        self.conclude(now, reason, retry_after, WatcherEnd::Local);
        Ok(())
    }

    fn conclude(
        &mut self,
        now: Instant,
        reason: EventReason,
        retry_after: Option<u32>,
        why: WatcherEnd,
    ) {
        self.state = State::Ending { reason, retry_after };
        self.say(WatcherStatus::Ended(why));
        self.owe(now);
    }

    /// A NOTIFY that is owed at once.
    fn owe(&mut self, now: Instant) {
        self.due = true;
        self.not_before = now;
        self.tell(now);
    }

    /// Sends what is due when it may be sent.
    fn tell(&mut self, now: Instant) {
        if !self.due || self.in_flight.is_some() || self.not_before > now {
            return;
        }
        let state = match &self.state {
            State::Asked { .. } | State::Over => return,
            State::Pending => self.lasting(now, Substate::Pending),
            State::Active => self.lasting(now, Substate::Active),
            State::Ending { reason, retry_after } => SubscriptionState {
                retry_after: *retry_after,
                ..SubscriptionState::terminated(reason.clone())
            },
        };
        let mut request = self.dialog.request(Method::Notify);
        let Ok(cseq) = request.headers.cseq().map(|cseq| cseq.number) else {
            return;
        };
        let path = self.dialog.next_hop(&self.path);
        request.headers.push(HeaderName::Event, &self.event);
        request.headers.push(HeaderName::SubscriptionState, state);
        self.endpoint.introduce(&mut request.headers);
        if !self.content.body.is_empty() {
            request.set_body(&self.content.kind, self.content.body.clone());
        }
        self.endpoint.add_via(&mut request, &path);
        self.endpoint.sign_request(&mut request);
        self.login.sign(&mut request, path.remote);
        self.due = false;
        self.in_flight = Some(cseq);
        self.not_before = now + self.package.min_interval;
        let (sent, request) = (Sent { fork: None, cseq }, Box::new(request));
        self.output.push_back(UsageOutput::Request { sent, path, others: Vec::new(), request });
    }

    fn lasting(&self, now: Instant, substate: Substate) -> SubscriptionState {
        let left = self.expires_at.since(now).as_secs();
        SubscriptionState::lasting(substate, u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// A SUBSCRIBE in the dialog: a refresh, or the peer takes leave.
    pub(crate) fn handle_subscribe(
        &mut self,
        now: Instant,
        server: ServerId,
        source: &Path,
        request: &Request,
    ) {
        match self.admit(request) {
            Ok(seconds) => {
                self.path = source.clone();
                self.dialog.refresh_target(&request.headers);
                self.grant(now, server, request, seconds);
                if seconds == 0 {
                    return self.conclude(now, EventReason::Timeout, None, WatcherEnd::Left);
                }
                self.say(WatcherStatus::Refreshed { expires: seconds });
                self.owe(now);
            }
            Err(response) => {
                self.output.push_back(UsageOutput::Respond { server, response });
            }
        }
    }

    fn admit(&mut self, request: &Request) -> Result<u32, Box<Response>> {
        let refuse =
            |status| Box::new(self.endpoint.response(request, status, self.dialog.local_tag()));
        let (call_id, from) = (request.headers.call_id(), request.headers.from());
        let remote = from.as_ref().ok().and_then(|from| from.tag()).unwrap_or_default();
        if !self.dialog.matches(call_id.unwrap_or_default(), self.dialog.local_tag(), remote) {
            return Err(refuse(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST));
        }
        match self.state {
            State::Pending | State::Active => {}
            // Before our answer nobody can know our tag.
            State::Asked { .. } | State::Ending { .. } | State::Over => {
                return Err(refuse(Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST));
            }
        }
        match request.headers.event() {
            Ok(Some(event)) if event.matches(&self.event) => {}
            // A second subscription in one dialog, which would share its CSeq, its target and its end: RFC 6665 §4.5.2
            // lets us decline it, and the peer asks outside.
            Ok(Some(_)) => return Err(refuse(Status::FORBIDDEN)),
            Ok(None) => return Err(refuse(Status::BAD_EVENT)),
            Err(_) => return Err(refuse(Status::BAD_REQUEST)),
        }
        let seconds = Self::granted(&self.package, request).map_err(|refusal| match refusal {
            Refusal::TooBrief(min) => {
                let mut response = refuse(Status::INTERVAL_TOO_BRIEF);
                response.headers.push(HeaderName::MinExpires, min);
                response
            }
            Refusal::Malformed(_) => refuse(Status::BAD_REQUEST),
        })?;
        let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let late = self.dialog.check_cseq(cseq).is_err();
        let tag = self.dialog.local_tag();
        match late {
            true => {
                let status = Status::SERVER_INTERNAL_ERROR;
                Err(Box::new(self.endpoint.response(request, status, tag)))
            }
            false => Ok(seconds),
        }
    }

    /// The answer to a NOTIFY.
    pub(crate) fn handle_response(
        &mut self,
        now: Instant,
        cseq: u32,
        from: SocketAddr,
        response: &Response,
    ) {
        if self.in_flight != Some(cseq) || !response.status.is_final() {
            return;
        }
        self.in_flight = None;
        self.login.hear(from);
        // In a dialog that the watcher has made nobody can have asked before.
        if is_challenge(response.status) && self.login.challenged(response) {
            return self.owe(now);
        }
        self.login.accepted(response);
        if response.status.is_success() {
            if let State::Pending | State::Active = self.state {
                self.dialog.refresh_target(&response.headers);
            }
            return self.go_on(now);
        }
        // RFC 6665 §4.2.2: only who names a time to try again keeps the subscription.
        match response.headers.retry_after() {
            Some(RetryAfter { seconds, .. })
                if response.status != Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST =>
            {
                self.due = true;
                self.not_before = now + Duration::from_secs(u64::from(seconds));
                self.go_on(now);
            }
            _ => self.lose(response.status),
        }
    }

    /// No answer comes to a NOTIFY.
    pub(crate) fn handle_failure(&mut self, cseq: u32, failure: Failure) {
        if self.in_flight == Some(cseq) {
            self.lose(failure.status());
        }
    }

    fn go_on(&mut self, now: Instant) {
        if !self.due && matches!(self.state, State::Ending { .. }) {
            self.state = State::Over;
        }
        self.tell(now);
    }

    fn lose(&mut self, status: Status) {
        match self.state {
            State::Ending { .. } => self.state = State::Over,
            State::Asked { .. } | State::Pending | State::Active => {
                self.over(WatcherEnd::Lost(status));
            }
            State::Over => {}
        }
    }

    fn over(&mut self, why: WatcherEnd) {
        self.state = State::Over;
        self.say(WatcherStatus::Ended(why));
    }

    fn say(&mut self, state: WatcherStatus) {
        let output = Output::Watcher { watcher: self.id, state };
        self.output.push_back(UsageOutput::Say(Box::new(output)));
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        match &self.state {
            State::Asked { until, .. } if *until <= now => self.over(WatcherEnd::Local),
            State::Pending | State::Active if self.expires_at <= now => {
                self.conclude(now, EventReason::Timeout, None, WatcherEnd::Expired);
            }
            State::Ending { .. } if self.in_flight.is_none() && self.expires_at <= now => {
                // A NOTIFY put off by Retry-After is not worth more than the subscription itself.
                self.state = State::Over;
            }
            State::Pending | State::Active | State::Ending { .. } => self.tell(now),
            State::Asked { .. } | State::Over => {}
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let throttled = (self.due && self.in_flight.is_none()).then_some(self.not_before);
        match &self.state {
            State::Asked { until, .. } => Some(*until),
            State::Pending | State::Active => {
                Some(throttled.map_or(self.expires_at, |at| at.min(self.expires_at)))
            }
            State::Ending { .. } => throttled,
            State::Over => None,
        }
    }

    /// What to do next.
    pub(crate) fn poll_output(&mut self) -> Option<UsageOutput> {
        self.output.pop_front()
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

/// `watcher-3 Active presence UDP 192.0.2.1:5060→192.0.2.2:5060`
impl fmt::Display for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Asked { .. } => "Asked",
            State::Pending => "Pending",
            State::Active => "Active",
            State::Ending { .. } => "Ending",
            State::Over => "Over",
        };
        write!(f, "{} {state} {} {}", self.id, self.event, self.path)
    }
}
