//! The call: two legs and what is between them.

mod io;

use std::collections::VecDeque;

use tipring_core::{CallId, Instant, LegId};

use crate::event::{Event, Release, Setup};

pub use io::{CallConfig, Counters, LegTarget, MediaReport, Output, Plan, RouteRequest, Side};

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
    id: CallId,
    outputs: VecDeque<Output>,
}

impl Call {
    /// A call that leg A (`from`: the name of the line, span, trunk or user) has set up. Asks for a route at once.
    pub fn new(
        _now: Instant,
        id: CallId,
        _config: CallConfig,
        _from: String,
        _setup: Setup,
    ) -> Self {
        Self { id, outputs: VecDeque::new() }
    }

    /// The call's id.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// The originating leg. Leg ids of a call are its id times 256, plus a count from 0.
    pub fn a_leg(&self) -> LegId {
        LegId(self.id.0 << 8)
    }

    /// The call that a leg belongs to.
    pub fn of_leg(leg: LegId) -> CallId {
        CallId(leg.0 >> 8)
    }

    /// The answer to [`Output::Route`].
    pub fn handle_route(&mut self, _now: Instant, _plan: Result<Plan, Release>) {}

    /// A leg says something.
    pub fn handle_event(&mut self, _now: Instant, _leg: LegId, _event: Event) {}

    /// The gateway ends the call: shutdown, an operator.
    pub fn hang_up(&mut self, _now: Instant, _release: Release) {}

    /// What to put into the CDR; the latest report counts.
    pub fn set_media(&mut self, _report: MediaReport) {}

    /// Time has passed.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// The next thing to do; call until `None` after every `handle_…`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Call::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Which state the call is in.
    pub fn state(&self) -> StateName {
        StateName::Routing
    }

    /// The terminating leg that answered.
    pub fn b_leg(&self) -> Option<LegId> {
        None
    }

    /// What was unexpected.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
