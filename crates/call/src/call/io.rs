//! What goes into and comes out of a [`Call`](super::Call).

use std::borrow::Cow;

use tipring_core::{Duration, LegId, Number};

use crate::cdr::{Cdr, EndedBy, RtpReport};
use crate::event::{Event, Setup};
use crate::route::Target;

/// Timers of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallConfig {
    /// T301: from the first alerting (or progress) to the answer; cause 19. 120 s.
    pub no_answer: Duration,
    /// T310: from asking for a route to having one, and from placing a leg to its alerting or progress; cause 102. 60 s, which leaves SIP's own 32 s the word.
    pub set_up: Duration,
    /// How long one target of a hunt rings before the next is tried. 20 s; the last one rings for `no_answer`.
    pub hunt: Duration,
}

impl Default for CallConfig {
    fn default() -> Self {
        Self {
            no_answer: Duration::from_secs(120),
            set_up: Duration::from_secs(60),
            hunt: Duration::from_secs(20),
        }
    }
}

/// The two ends of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Originating.
    A,
    /// Terminating.
    B,
}

impl Side {
    pub(super) const fn ended(self) -> EndedBy {
        match self {
            Self::A => EndedBy::Caller,
            Self::B => EndedBy::Callee,
        }
    }
}

/// One place that a leg can be put to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LegTarget {
    /// The kind and, for all but users, the name.
    pub target: Target,
    /// The number there, after the rule's rewriting.
    pub number: Number,
    /// An address in the words of the gateway: a registered contact, a redirection's contact.
    pub address: Option<String>,
}

impl LegTarget {
    /// What the CDR and the logs call it.
    pub fn name(&self) -> &str {
        match &self.target {
            Target::Line(name) | Target::Span(name) | Target::Trunk(name) | Target::Group(name) => {
                name
            }
            Target::User => &self.number,
            Target::Address => self.address.as_deref().unwrap_or(&self.number),
        }
    }
}

/// Where a call goes: the answer to [`Output::Route`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The routing rule's label, for the CDR.
    pub route: Option<String>,
    /// Tried one after the other; each is a list of places that are rung at once (a user's several contacts).
    pub hunt: Vec<Vec<LegTarget>>,
}

/// What needs a route. It is asked for again when the way that was given has failed and another one may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteRequest {
    /// The number that the caller dialled.
    Number(Number),
    /// The contacts of a redirection, best first.
    Contacts(Vec<Contact>),
}

/// Where a redirection or a transfer leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// In the words of the leg that gave it.
    pub address: String,
    /// The leg that was redirected; `None` for a transfer, which leads where its call may go.
    pub by: Option<LegId>,
}

/// What the gateway knows about the media of a call, for its CDR.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaReport {
    /// Call-ID of the SIP leg.
    pub sip_call_id: Option<String>,
    /// The codec of the RTP stream, as SDP names it.
    pub codec: Option<Cow<'static, str>>,
    /// What became of the RTP stream.
    pub rtp: Option<RtpReport>,
}

/// What a call wants done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Find out where this leads; answer with [`super::Call::handle_route`].
    Route(RouteRequest),
    /// Put a new terminating leg to `target`; from now on it speaks with [`super::Call::handle_event`].
    PlaceLeg {
        /// Its id.
        leg: LegId,
        /// Where to.
        target: LegTarget,
        /// Who calls, with the number that `target` says as the called one.
        setup: Setup,
    },
    /// Tell a leg. After [`Event::Release`] the leg is over: it is told nothing more and not listened to.
    Send {
        /// Which.
        leg: LegId,
        /// What.
        event: Event,
    },
    /// The two legs shall hear each other. Said again without `early` when a call with early media is answered.
    Join {
        /// The originating leg.
        a: LegId,
        /// The terminating leg.
        b: LegId,
        /// Before answer (early media).
        early: bool,
    },
    /// They shall no longer.
    Unjoin {
        /// The originating leg.
        a: LegId,
        /// The terminating leg.
        b: LegId,
    },
    /// A leg wants the other one connected elsewhere: make a [`super::Call::transferred`] of it.
    Transfer {
        /// The leg that asks.
        by: LegId,
        /// The leg to be connected.
        party: LegId,
        /// Where to, in the words of the leg that asks.
        to: String,
    },
    /// The leg belongs to another call from now on; it is told nothing more here and not listened to.
    HandOver {
        /// Which.
        leg: LegId,
    },
    /// All legs are released; this is the call's last output.
    Cdr(Box<Cdr>),
}

/// What the call did not expect, by count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events of legs that are over, or never were.
    pub stale: u64,
    /// Events that the state has no use for.
    pub unexpected: u64,
    /// Targets beyond the bound, not tried.
    pub targets_dropped: u64,
}
