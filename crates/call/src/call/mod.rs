//! The call: two legs and what is between them.
//!
//! ```text
//!             plan                 first Alerting/Progress           Answer
//!   Routing ───────► Placing ─────────────────────────────► Alerting ──────► Answered ⇄ Held
//!      ▲               │  └──────────────── Answer ────────────│───────────────►│   Hold
//!      │ Redirect, Way │ all legs of the group failed          │                │
//!      └───────────────┴──► next group, or no more: Released ◄─┴────────────────┘ Release, of either side
//! ```
//!
//! | state    | A Release | A Digit       | Hold, Update | B Alerting, Progress | B Answer   | B Release, Redirect    | timers                     |
//! |----------|-----------|---------------|--------------|----------------------|------------|------------------------|----------------------------|
//! | Routing  | Released  | –             | –            | –                    | –          | –                      | T310: Released 102         |
//! | Placing  | Released  | –             | –            | Alerting             | Answered   | next, Routing, Released | T310: next; hunt: next    |
//! | Alerting | Released  | to early media | –           | told A               | Answered   | next, Routing, Released | T301: Released 19; hunt: next |
//! | Answered | Released, or HandOver | forwarded | forwarded | –                    | –          | Released, or HandOver  | –                          |
//! | Released | –         | –             | –            | –                    | –          | –                      | –                          |
//!
//! A leg is told [`Event::Release`] once, or says it once, never both. The CDR follows the last one.
//!
//! A release with [`Scope::Way`](crate::Scope::Way) says that who is called was not reached at all: the route is asked for
//! again, and what has failed is known to who gives it.
//!
//! A Transfer in Answered asks for another call, [`Call::transferred`], between the other leg and a new party. When that is
//! answered ([`Call::give_away`]), or when the leg that asked for it leaves, the other leg is handed over and this call is
//! over; when it fails ([`Call::transfer_failed`]), this call goes on.

mod answered;
mod io;
mod placing;
mod transfer;

use std::collections::VecDeque;
use std::fmt;

use tipring_core::{CallId, Cause, Instant, LegId, Redact};

use crate::cdr::{Cdr, EndedBy};
use crate::event::{Event, Release, Setup};
use answered::Answered;
pub use io::{
    CallConfig, Contact, Counters, LegTarget, MediaReport, Output, Plan, RouteRequest, Side,
};
use placing::{Placing, Routing};

/// The names of the states, for boards, logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// A route is being looked for.
    Routing,
    /// Terminating legs are placed, none rings.
    Placing,
    /// At least one rings or sends early media.
    Alerting,
    /// Answered.
    Answered,
    /// Answered, and at least one side holds.
    Held,
    /// Both legs are released.
    Released,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    state: State,
    facts: Facts,
    wires: Wires,
}

#[derive(Debug)]
enum State {
    Routing(Routing),
    Placing(Placing),
    Answered(Answered),
    Released,
}

/// What is known of the call, whatever its state.
#[derive(Debug)]
struct Facts {
    id: CallId,
    config: CallConfig,
    from: String,
    setup: Setup,
    start: Instant,
    answer: Option<Instant>,
    route: Option<String>,
    to: Option<String>,
    media: MediaReport,
    /// Terminating legs placed so far; the next one's number is one more.
    placed: u8,
    hops: u8,
    /// The last route that was asked for.
    request: Option<RouteRequest>,
    /// Everywhere the call has been, against loops.
    visited: Vec<LegTarget>,
    /// The most telling failure so far, and whose it was.
    failure: Option<(Release, EndedBy)>,
    /// T301, once it runs.
    no_answer: Option<Instant>,
    told: Told,
}

/// The most that the caller has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Proceeding,
    Progress,
    Alerting,
}

#[derive(Debug, Default)]
struct Wires {
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl Call {
    /// A call that leg A (`from`: the name of the line, span, trunk or user) has set up. Asks for a route at once.
    pub fn new(now: Instant, id: CallId, config: CallConfig, from: String, setup: Setup) -> Self {
        let request = RouteRequest::Number(setup.called.clone());
        Self::begin(now, id, config, from, setup, request)
    }

    fn begin(
        now: Instant,
        id: CallId,
        config: CallConfig,
        from: String,
        setup: Setup,
        request: RouteRequest,
    ) -> Self {
        tracing::info!(
            call = %id,
            from,
            calling = %Redact::Number(setup.calling.as_deref().unwrap_or("-")),
            called = %Redact::Number(&setup.called),
            "call set up"
        );
        let mut wires = Wires::default();
        wires.outputs.push_back(Output::Route(request.clone()));
        let mut facts = Facts::new(now, id, config, from, setup);
        facts.request = Some(request);
        Self { state: State::Routing(Routing::new(now + config.set_up)), facts, wires }
    }

    /// The call's id.
    pub fn id(&self) -> CallId {
        self.facts.id
    }

    /// The originating leg. The ids of a call's legs are its own times 256, plus a count from 0.
    pub fn a_leg(&self) -> LegId {
        self.facts.leg(0)
    }

    /// The terminating leg that answered.
    pub fn b_leg(&self) -> Option<LegId> {
        match &self.state {
            State::Answered(answered) => Some(answered.b),
            State::Routing(_) | State::Placing(_) | State::Released => None,
        }
    }

    /// The terminating leg that the caller hears: the one that answered, or before that the one
    /// whose early media passes.
    pub fn heard_leg(&self) -> Option<LegId> {
        match &self.state {
            State::Answered(answered) => Some(answered.b),
            State::Placing(placing) => placing.joined,
            State::Routing(_) | State::Released => None,
        }
    }

    /// The call that a leg belongs to.
    pub fn of_leg(leg: LegId) -> CallId {
        CallId(leg.0 >> 8)
    }

    /// The name of the line, span, trunk or user at the originating leg.
    pub fn from(&self) -> &str {
        &self.facts.from
    }

    /// What the call was set up with.
    pub fn setup(&self) -> &Setup {
        &self.facts.setup
    }

    /// Which state the call is in.
    pub fn state(&self) -> StateName {
        match &self.state {
            State::Routing(_) => StateName::Routing,
            State::Placing(_) if self.facts.told >= Told::Progress => StateName::Alerting,
            State::Placing(_) => StateName::Placing,
            State::Answered(answered) if answered.is_held() => StateName::Held,
            State::Answered(_) => StateName::Answered,
            State::Released => StateName::Released,
        }
    }

    /// What was unexpected.
    pub fn counters(&self) -> Counters {
        self.wires.counters
    }

    /// The answer to [`Output::Route`].
    pub fn handle_route(&mut self, now: Instant, plan: Result<Plan, Release>) {
        match std::mem::replace(&mut self.state, State::Released) {
            State::Routing(routing) => self.state = self.routed(now, routing, plan),
            state => {
                self.wires.counters.unexpected += 1;
                self.state = state;
            }
        }
    }

    /// A leg says something.
    pub fn handle_event(&mut self, now: Instant, leg: LegId, event: Event) {
        tracing::debug!(call = %self.facts.id, %leg, %event, "said");
        self.state = match std::mem::replace(&mut self.state, State::Released) {
            State::Routing(routing) => self.in_routing(now, routing, leg, event),
            State::Placing(placing) => self.in_placing(now, placing, leg, event),
            State::Answered(answered) => self.in_answered(now, answered, leg, event),
            State::Released => {
                self.wires.counters.stale += 1;
                State::Released
            }
        };
    }

    /// The gateway ends the call: shutdown, an operator.
    pub fn hang_up(&mut self, now: Instant, release: Release) {
        let state = std::mem::replace(&mut self.state, State::Released);
        if matches!(state, State::Released) {
            return;
        }
        self.release_b(state, &release);
        self.release_a(&release);
        self.state = self.finish(now, release, EndedBy::Gateway);
    }

    /// What to put into the CDR; the latest report counts. To be in it, it must come before the last release.
    pub fn set_media(&mut self, report: MediaReport) {
        self.facts.media = report;
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        // Ends: each timeout uses up a timer, a group of targets, or the call.
        while self.poll_timeout().is_some_and(|at| at <= now) {
            self.state = match std::mem::replace(&mut self.state, State::Released) {
                State::Routing(_) => self.routing_expired(now),
                State::Placing(placing) => self.placing_expired(now, placing),
                state @ (State::Answered(_) | State::Released) => state,
            };
        }
    }

    /// The next thing to do; call until `None` after every `handle_…`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.wires.outputs.pop_front()
    }

    /// When to call [`Call::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::Routing(routing) => Some(routing.until),
            State::Placing(placing) => {
                [placing.set_up, placing.hunt, self.facts.no_answer].into_iter().flatten().min()
            }
            State::Answered(_) | State::Released => None,
        }
    }

    /// Tells every terminating leg that the call is over, and parts the media.
    fn release_b(&mut self, state: State, release: &Release) {
        match state {
            State::Placing(placing) => self.release_placed(placing.legs, placing.joined, release),
            State::Answered(answered) => {
                self.part(&answered);
                self.wires.send(answered.b, Event::Release(release.clone()));
            }
            State::Routing(_) | State::Released => {}
        }
    }

    fn release_a(&mut self, release: &Release) {
        let a = self.a_leg();
        self.wires.send(a, Event::Release(release.clone()));
    }

    /// Writes the CDR; all legs are released.
    fn finish(&mut self, now: Instant, release: Release, ended_by: EndedBy) -> State {
        let facts = &mut self.facts;
        tracing::info!(call = %facts.id, %release, ?ended_by, "call released");
        let media = std::mem::take(&mut facts.media);
        self.wires.outputs.push_back(Output::Cdr(Box::new(Cdr {
            id: facts.id,
            start: facts.start,
            answer: facts.answer,
            end: now,
            from_leg: facts.from.clone(),
            to_leg: facts.to.clone(),
            calling: facts.setup.calling.clone(),
            called: facts.setup.called.clone(),
            redirecting: facts.setup.redirecting.last().map(|from| from.number.clone()),
            route: facts.route.clone(),
            release,
            ended_by,
            sip_call_id: media.sip_call_id,
            codec: media.codec,
            rtp: media.rtp,
        })));
        State::Released
    }
}

impl Facts {
    fn new(now: Instant, id: CallId, config: CallConfig, from: String, setup: Setup) -> Self {
        Self {
            id,
            config,
            from,
            setup,
            start: now,
            answer: None,
            route: None,
            to: None,
            media: MediaReport::default(),
            placed: 0,
            hops: 0,
            request: None,
            visited: Vec::new(),
            failure: None,
            no_answer: None,
            told: Told::Nothing,
        }
    }

    fn leg(&self, count: u8) -> LegId {
        LegId((self.id.0 << 8) | u64::from(count))
    }

    /// Keeps the most telling failure; of equals, the first.
    fn note_failure(&mut self, release: Release, whose: EndedBy) {
        let weight = |cause| match cause {
            Cause::USER_BUSY => 4,
            Cause::CALL_REJECTED => 3,
            Cause::NO_ANSWER | Cause::NO_USER_RESPONDING => 2,
            _ => 1,
        };
        let known = self.failure.as_ref().map_or(0, |(known, _)| weight(known.cause));
        if weight(release.cause) > known {
            self.failure = Some((release, whose));
        }
    }
}

impl Wires {
    fn send(&mut self, leg: LegId, event: Event) {
        self.outputs.push_back(Output::Send { leg, event });
    }
}

impl StateName {
    /// The name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Placing => "placing",
            Self::Alerting => "alerting",
            Self::Answered => "answered",
            Self::Held => "held",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `call-7 alerting kitchen -> provider`
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts { id, from, to, .. } = &self.facts;
        write!(f, "{id} {} {from} -> {}", self.state(), to.as_deref().unwrap_or("?"))
    }
}
