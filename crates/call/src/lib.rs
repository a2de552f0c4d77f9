//! Neutral call control: what a call is, whatever its legs are.
//!
//! What: [`Event`], the eleven words that two legs say to each other; [`Call`], the machine between them (hunting,
//! forking, redirection, timers, release, the CDR); [`RoutePlan`], who is reached by which number. Why: a phone that
//! calls SIP, SIP that calls a phone, a phone that calls a phone and SIP that calls SIP are the same call.
//! Start at [`call`], whose head holds the table of states; then [`event`] and [`route`].
//! What never enters: SIP, Q.931 octets, tones, samples, clocks, IO. A leg is a number here; the gateway knows what
//! stands behind it.
#![forbid(unsafe_code)]

pub mod call;
pub mod cdr;
pub mod event;
pub mod pattern;
pub mod route;
mod wall_clock;

pub use call::{
    Call, CallConfig, Contact, Counters, LegTarget, MediaReport, Output, Plan, RouteRequest, Side,
    StateName,
};
pub use cdr::{Cdr, CdrRecord, EndedBy, RtpReport};
pub use event::{
    Event, Link, Privacy, Redirect, RedirectReason, Redirecting, Release, Scope, Setup, Transfer,
    Update,
};
pub use pattern::{Match, Pattern, PatternError, Problem};
pub use route::{
    Directory, NoRoute, Origin, RoutePlan, Routed, Rule, RuleFrom, RuleOutcome, RuleTrace, Target,
    Verdict,
};
pub use wall_clock::WallClock;
