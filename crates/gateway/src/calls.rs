//! Calls: what their machines want of legs, routes and media.

use std::collections::{BTreeMap, BTreeSet};

use tipring_call::{
    Call, Cdr, Event, LegTarget, MediaReport, Origin, Output as CallOutput, Plan, Release,
    RouteRequest, Routed, RtpReport, Setup, Target,
};
use tipring_core::{
    CallId, Cause, ContextId, Duration, Instant, LegId, LineId, Redact, TerminationId,
};
use tipring_media::control::{Command, RtpStats};

use crate::config::DtmfRelay;
use crate::diversion::History;
use crate::gateway::{Gateway, Wake};
use crate::ladder::{Ladder, Lane};
use crate::output::{EndedCall, Output};
use crate::sip_legs::SipLeg;
use crate::transfers::Passing;

/// A call's record waits this long for the last word of its RTP streams and SIP sessions.
const CLOSING: Duration = Duration::from_millis(1500);

/// The most calls at a time; the next one is refused with cause 42.
pub(crate) const MAX_CALLS: usize = 4096;

/// Hops that a call which begins here may pass.
const MAX_FORWARDS: u8 = 70;

/// What carries a leg.
#[derive(Debug)]
pub(crate) enum LegKind {
    /// An analog line.
    Line(LineId),
    /// A SIP session, or one to be.
    Sip(Box<SipLeg>),
}

/// One leg of a call.
#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) kind: LegKind,
    /// Its name in the ladder.
    pub(crate) lane: String,
}

impl Leg {
    pub(crate) fn line(id: LineId, name: &str) -> Self {
        Self { kind: LegKind::Line(id), lane: name.to_owned() }
    }
}

/// A call that is not over.
#[derive(Debug)]
pub(crate) struct OpenCall {
    pub(crate) call: Call,
    pub(crate) origin: Origin,
    pub(crate) ladder: Ladder,
    /// SIP addresses that were tried, so that redirections cannot go in circles.
    pub(crate) tried: Vec<tipring_sip::message::Uri>,
    /// By whose rights the addresses are called that redirections and transfers have named.
    pub(crate) sent_on: BTreeMap<String, Origin>,
    /// Trunks that have not taken it, by their places.
    pub(crate) unserved: BTreeSet<usize>,
    /// What the caller's side has told of its way here.
    pub(crate) history: History,
    /// A `sips:` URI was called: no telephone rings that is not reached over TLS.
    pub(crate) secure: bool,
    /// Should the trunk that it goes to not take it, there is another way.
    pub(crate) other_way: bool,
    /// Hops that an INVITE of this call may still pass (RFC 3261 §8.1.1.6).
    pub(crate) max_forwards: u8,
    /// The terminating leg that the caller was joined with last.
    pub(crate) callee: Option<LegId>,
    /// What is known of the audio of its SIP legs.
    pub(crate) reports: BTreeMap<LegId, MediaReport>,
    /// Streams that were removed and have not reported yet.
    pub(crate) removed: BTreeSet<TerminationId>,
    /// What its ladder needs to know.
    pub(crate) traces: Traces,
    /// What it has to do with other calls.
    pub(crate) passing: Passing,
}

/// What the ladder of a call is drawn from, kept until the call's record is given out: the last
/// messages of a leg come when the leg is gone.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    lanes: BTreeMap<LegId, Lane>,
    /// Call-IDs of its SIP sessions that have ended.
    pub(crate) call_ids: Vec<String>,
}

/// A call that is over, but for the last word of its streams and sessions.
#[derive(Debug)]
pub(crate) struct Closing {
    pub(crate) cdr: Cdr,
    pub(crate) ladder: Ladder,
    pub(crate) traces: Traces,
    waiting: BTreeSet<TerminationId>,
    sessions: BTreeSet<LegId>,
    reports: BTreeMap<LegId, MediaReport>,
    callee: Option<LegId>,
}

impl Gateway {
    /// Begins a call; the leg returned is the originating one. `lane` is its name in the ladder.
    pub(crate) fn open_call(
        &mut self,
        now: Instant,
        origin: Origin,
        setup: Setup,
        lane: &str,
    ) -> LegId {
        // What a stranger calls himself is not who he is.
        let from = origin.name().unwrap_or("guest").to_owned();
        let config = self.config.call;
        self.open_with(now, origin, lane, |id| Call::new(now, id, config, from, setup))
    }

    /// The same of a call that `make` begins.
    pub(crate) fn open_with(
        &mut self,
        now: Instant,
        origin: Origin,
        lane: &str,
        make: impl FnOnce(CallId) -> Call,
    ) -> LegId {
        let id = self.next_call();
        let mut ladder = Ladder::default();
        ladder.lane(lane);
        ladder.lane(US);
        let call = make(id);
        let leg = call.a_leg();
        let open = OpenCall {
            call,
            origin,
            ladder,
            tried: Vec::new(),
            sent_on: BTreeMap::new(),
            unserved: BTreeSet::new(),
            history: History::default(),
            secure: false,
            other_way: false,
            max_forwards: MAX_FORWARDS,
            callee: None,
            reports: BTreeMap::new(),
            removed: BTreeSet::new(),
            traces: Traces::default(),
            passing: Passing::default(),
        };
        self.calls.insert(id, open);
        if self.draining || self.calls.len() > MAX_CALLS {
            let busy = Release::new(
                Cause::CONGESTION,
                if self.draining { "shutting down" } else { "too many calls" },
            );
            self.with_call(id, |open| open.call.hang_up(now, busy));
        }
        self.touched_calls.insert(id);
        leg
    }

    pub(crate) fn with_call(&mut self, id: CallId, what: impl FnOnce(&mut OpenCall)) {
        if let Some(open) = self.calls.get_mut(&id) {
            what(open);
            self.touched_calls.insert(id);
        }
    }

    /// A leg says something to its call.
    pub(crate) fn leg_says(&mut self, now: Instant, leg: LegId, event: Event) {
        tracing::debug!(%leg, %event, "leg says");
        self.with_call(Call::of_leg(leg), |open| open.call.handle_event(now, leg, event));
    }

    pub(crate) fn call_timeout(&mut self, now: Instant, id: CallId) {
        self.with_call(id, |open| open.call.handle_timeout(now));
    }

    pub(crate) fn end_all_calls(&mut self, now: Instant) {
        let ids: Vec<CallId> = self.calls.keys().copied().collect();
        for id in ids {
            let release = Release::new(Cause::NORMAL_UNSPECIFIED, "shutdown");
            self.with_call(id, |open| open.call.hang_up(now, release));
        }
    }

    pub(crate) fn drain_call(&mut self, now: Instant, id: CallId) {
        while let Some(output) = self.calls.get_mut(&id).and_then(|open| open.call.poll_output()) {
            self.call_output(now, id, output);
        }
        let at = self.calls.get(&id).and_then(|open| open.call.poll_timeout());
        self.wake(Wake::Call(id), at);
    }

    fn call_output(&mut self, now: Instant, id: CallId, output: CallOutput) {
        match output {
            CallOutput::Route(request) => {
                let plan = self.plan(now, id, &request);
                if let Err(release) = &plan {
                    tracing::info!(call = %id, %release, "no route");
                }
                self.with_call(id, |open| open.call.handle_route(now, plan));
            }
            CallOutput::PlaceLeg { leg, target, setup } => {
                tracing::info!(call = %id, target = %target.target, number = %Redact::Number(&target.number), "calling");
                let place = target.clone();
                self.with_call(id, |open| {
                    open.passing.targets.insert(leg, place);
                });
                self.place_leg(now, leg, &target, &setup);
            }
            CallOutput::Send { leg, event } => self.tell_leg(now, leg, event),
            CallOutput::Join { a, b, early } => {
                tracing::debug!(call = %id, early, "join");
                self.before_join(now, id, early);
                self.join(id, a, b);
                if !early {
                    self.carry_holds(now, &[a, b]);
                }
            }
            CallOutput::Unjoin { a, b } => {
                for leg in [a, b] {
                    if let Some(termination) = self.termination_of(leg) {
                        self.media(Command::Leave { termination });
                    }
                }
            }
            CallOutput::Transfer { by, party, to } => self.begin_transfer(now, id, by, party, &to),
            CallOutput::HandOver { leg } => self.hand_over(now, leg),
            CallOutput::Cdr(cdr) => self.close_call(now, id, *cdr),
        }
    }

    pub(crate) fn join(&mut self, id: CallId, a: LegId, b: LegId) {
        self.with_call(id, |open| open.callee = Some(b));
        if let (Some(a), Some(b)) = (self.termination_of(a), self.termination_of(b)) {
            self.media(Command::Join { context: context_of(id), a, b });
        }
        self.refresh_mutes(&[a, b]);
    }

    /// A telephone that has come from another call with its other side on hold has the new one on hold.
    fn carry_holds(&mut self, now: Instant, legs: &[LegId]) {
        for leg in legs.iter().copied() {
            let line = match self.legs.get(&leg).map(|leg| &leg.kind) {
                Some(LegKind::Line(line)) => self.lines.get(usize::from(line.0)),
                Some(LegKind::Sip(_)) | None => None,
            };
            if line.is_some_and(|line| line.port.state() == tipring_line::StateName::Held) {
                self.leg_says(now, leg, Event::Hold { on: true });
            }
        }
    }

    /// What the peer of a stream understands has changed: keys of the telephone at the other end go another way.
    pub(crate) fn refresh_peer_mute(&mut self, leg: LegId) {
        if let Some(Leg { kind: LegKind::Line(line), .. }) = self.peer_of(leg) {
            let line = *line;
            self.refresh_mute(line);
        }
    }

    fn refresh_mutes(&mut self, legs: &[LegId]) {
        for leg in legs {
            if let Some(Leg { kind: LegKind::Line(line), .. }) = self.legs.get(leg) {
                let line = *line;
                self.refresh_mute(line);
            }
        }
    }

    pub(crate) fn termination_of(&self, leg: LegId) -> Option<TerminationId> {
        match &self.legs.get(&leg)?.kind {
            LegKind::Line(line) => self.lines.get(usize::from(line.0))?.termination,
            LegKind::Sip(sip) => sip.stream.as_ref().map(|stream| stream.termination),
        }
    }

    /// The leg that `leg` hears.
    fn peer_of(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(&self.peer_leg(leg)?)
    }

    /// The same by name.
    pub(crate) fn peer_leg(&self, leg: LegId) -> Option<LegId> {
        let call = &self.calls.get(&Call::of_leg(leg))?.call;
        let a = call.a_leg();
        if leg == a { call.heard_leg() } else { Some(a) }
    }

    /// Whether the other end of `leg`'s call is a SIP peer that is told of keys in another way than by their sound.
    pub(crate) fn peer_takes_events(&self, leg: LegId) -> bool {
        let Some(LegKind::Sip(sip)) = self.peer_of(leg).map(|leg| &leg.kind) else { return false };
        let plan = sip.stream.as_ref().and_then(|stream| stream.plan());
        sip.dtmf == DtmfRelay::Info || plan.is_some_and(|plan| plan.telephone_event.is_some())
    }

    /// The channel of the telephone at the other end of `leg`'s call.
    pub(crate) fn peer_channel(&self, leg: LegId) -> Option<TerminationId> {
        match self.peer_of(leg)?.kind {
            LegKind::Line(line) => self.lines.get(usize::from(line.0))?.termination,
            LegKind::Sip(_) => None,
        }
    }

    fn plan(&mut self, now: Instant, id: CallId, request: &RouteRequest) -> Result<Plan, Release> {
        let Some(origin) = self.calls.get(&id).map(|open| open.origin.clone()) else {
            return Err(Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no call"));
        };
        let number = match request {
            RouteRequest::Number(number) => number,
            RouteRequest::Contacts(contacts) => {
                return self.contact_plan(now, id, &origin, contacts);
            }
        };
        let routed = self.route(now, id, &origin, number)?;
        let hunt = self.hunt(now, id, &routed)?;
        Ok(Plan { route: routed.rule, hunt })
    }

    /// Where a call with the rights of `origin` goes for `number`: not by a trunk that has not taken it, nor, where it was
    /// called by `sips:`, by one that is not reached over TLS (RFC 5630 §3.1), and by one that asks for rest only where there
    /// is no other way.
    pub(crate) fn route(
        &mut self,
        now: Instant,
        id: CallId,
        origin: &Origin,
        number: &str,
    ) -> Result<Routed, Release> {
        let open = self.calls.get(&id);
        let unserved = |target: &Target| {
            let Target::Trunk(name) = target else { return false };
            self.trunk_by_name(name).zip(open).is_some_and(|(at, open)| {
                open.unserved.contains(&at) || open.secure && !self.trunk_is_private(at)
            })
        };
        let rested = |target: &Target| !unserved(target) && !self.rests(now, target);
        let routed = self.routes.route_to(origin, number, rested);
        let routed = routed
            .or_else(|_| self.routes.route_to(origin, number, |target| !unserved(target)))
            .map_err(|reason| Release::new(reason.cause(), reason.to_string()))?;
        if !origin.may_call(&routed.target) {
            return Err(Release::new(Cause::CALL_REJECTED, "strangers may not call out"));
        }
        let others = |target: &Target| rested(target) && *target != routed.target;
        let other_way = self.routes.route_to(origin, number, others).is_ok();
        self.with_call(id, |open| open.other_way = other_way);
        Ok(routed)
    }

    /// The places that are rung for where a number leads.
    pub(crate) fn hunt(
        &self,
        now: Instant,
        id: CallId,
        routed: &Routed,
    ) -> Result<Vec<Vec<LegTarget>>, Release> {
        let target =
            |target: Target, address| LegTarget { target, number: routed.number.clone(), address };
        Ok(match &routed.target {
            Target::User => {
                let secure = self.calls.get(&id).is_some_and(|open| open.secure);
                let bindings = self.bindings(now, &routed.number, secure);
                if bindings.is_empty() {
                    return Err(Release::new(Cause::SUBSCRIBER_ABSENT, "user not registered"));
                }
                let contacts = bindings.into_iter().map(|binding| binding.contact.uri.to_string());
                vec![contacts.map(|uri| target(Target::User, Some(uri))).collect()]
            }
            Target::Group(name) => {
                let group = self.config.groups.iter().find(|(group, _)| group == name);
                let lines = group.map_or(&[][..], |(_, lines)| lines.as_slice());
                lines.iter().map(|line| vec![target(Target::Line(line.clone()), None)]).collect()
            }
            other => vec![vec![target(other.clone(), None)]],
        })
    }

    fn place_leg(&mut self, now: Instant, leg: LegId, target: &LegTarget, setup: &Setup) {
        let failure = match &target.target {
            Target::Line(name) => match self.line_by_name(name) {
                Some(line) if self.line(line).is_some_and(|line| line.leg.is_some()) => {
                    Some(Release::new(Cause::USER_BUSY, "line busy"))
                }
                Some(line) => {
                    self.legs.insert(leg, Leg::line(line, name));
                    self.ring_line(now, line, leg, setup);
                    None
                }
                None => Some(Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no such line")),
            },
            Target::Trunk(_) | Target::User | Target::Address => {
                self.place_sip(now, leg, target, setup).err()
            }
            Target::Span(_) | Target::Group(_) => {
                Some(Release::new(Cause::SERVICE_NOT_IMPLEMENTED, "ISDN is not in service"))
            }
        };
        if let Some(release) = failure {
            self.legs.remove(&leg);
            self.leg_says(now, leg, Event::Release(release));
        }
    }

    pub(crate) fn tell_leg(&mut self, now: Instant, leg: LegId, event: Event) {
        if self.tell_referrer(now, leg, &event) {
            return;
        }
        let released = matches!(event, Event::Release(_));
        match self.legs.get(&leg).map(|leg| &leg.kind) {
            Some(LegKind::Line(line)) => {
                let line = *line;
                self.tell_line(now, line, event);
            }
            Some(LegKind::Sip(_)) => self.tell_sip(now, leg, event),
            None => {}
        }
        if released {
            self.forget_leg(now, leg);
        }
    }

    /// The leg is over for its call. A SIP leg stays in `legs` until its session has ended.
    pub(crate) fn forget_leg(&mut self, now: Instant, leg: LegId) {
        match self.legs.get(&leg).map(|leg| &leg.kind) {
            Some(LegKind::Line(_)) => {
                self.legs.remove(&leg);
            }
            Some(LegKind::Sip(_)) => self.release_sip(now, leg),
            None => {}
        }
    }

    fn close_call(&mut self, now: Instant, id: CallId, cdr: Cdr) {
        let Some(open) = self.calls.remove(&id) else { return };
        self.timers.cancel(&Wake::Call(id));
        let sessions = self.legs.keys().copied().filter(|leg| Call::of_leg(*leg) == id).collect();
        let OpenCall { ladder, traces, removed: waiting, reports, callee, passing, .. } = open;
        self.abandon_transfer(now, passing.hand_to);
        let closing = Closing { cdr, ladder, traces, waiting, sessions, reports, callee };
        self.closing.insert(id, closing);
        self.timers.set(Wake::Closing(id), now + CLOSING);
        self.check_closing(id);
    }

    /// A stream has reported for the last time.
    pub(crate) fn stream_reported(
        &mut self,
        termination: TerminationId,
        leg: LegId,
        stats: &RtpStats,
    ) {
        let id = Call::of_leg(leg);
        let report = report_of(stats);
        if let Some(open) = self.calls.get_mut(&id) {
            open.removed.remove(&termination);
            open.reports.entry(leg).or_default().rtp = Some(report);
        }
        if let Some(closing) = self.closing.get_mut(&id) {
            closing.waiting.remove(&termination);
            closing.reports.entry(leg).or_default().rtp = Some(report);
        }
        self.check_closing(id);
    }

    /// A stream will not report.
    pub(crate) fn stream_forgotten(&mut self, termination: TerminationId, leg: LegId) {
        let id = Call::of_leg(leg);
        if let Some(open) = self.calls.get_mut(&id) {
            open.removed.remove(&termination);
        }
        if let Some(closing) = self.closing.get_mut(&id) {
            closing.waiting.remove(&termination);
        }
        self.check_closing(id);
    }

    /// The SIP session of a leg has ended.
    pub(crate) fn session_gone(&mut self, leg: LegId) {
        let id = Call::of_leg(leg);
        if let Some(closing) = self.closing.get_mut(&id) {
            closing.sessions.remove(&leg);
            self.check_closing(id);
        }
    }

    fn check_closing(&mut self, id: CallId) {
        let done = |closing: &Closing| closing.waiting.is_empty() && closing.sessions.is_empty();
        if self.closing.get(&id).is_some_and(done) {
            self.finished.insert(id);
        }
    }

    pub(crate) fn finish_closing(&mut self, id: CallId) {
        let Some(mut closing) = self.closing.remove(&id) else { return };
        closing.complete_record();
        let Closing { cdr, ladder, traces, .. } = closing;
        for call_id in traces.call_ids {
            self.sip_call_ids.remove(&call_id);
        }
        self.timers.cancel(&Wake::Closing(id));
        tracing::info!(
            call = %id,
            from = cdr.from_leg,
            to = cdr.to_leg.as_deref().unwrap_or("-"),
            cause = %cdr.release.cause,
            evidence = %cdr.release.evidence,
            answered = cdr.answer.is_some(),
            "call ended"
        );
        self.outputs.push_back(Output::Ended(Box::new(EndedCall { cdr, ladder })));
    }

    /// Adds a step to the ladder of a leg's call; false when its record is given out already.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        leg: LegId,
        inwards: bool,
        text: impl Into<String>,
    ) -> bool {
        let id = Call::of_leg(leg);
        let (open, closing) = (self.calls.get_mut(&id), self.closing.get_mut(&id));
        let (ladder, traces) = match (open, closing) {
            (Some(open), _) => (&mut open.ladder, &mut open.traces),
            (None, Some(closing)) => (&mut closing.ladder, &mut closing.traces),
            (None, None) => return false,
        };
        if let Some(leg_of) = self.legs.get(&leg) {
            traces.lanes.entry(leg).or_insert_with(|| ladder.lane(&leg_of.lane));
        }
        let Some(&peer) = traces.lanes.get(&leg) else { return false };
        let us = ladder.lane(US);
        let (from, to) = if inwards { (peer, us) } else { (us, peer) };
        ladder.push(now, from, to, text);
        true
    }

    /// The session of this Call-ID has ended; its last messages are still to come.
    pub(crate) fn session_traced(&mut self, leg: LegId, call_id: String) {
        let id = Call::of_leg(leg);
        match (self.calls.get_mut(&id), self.closing.get_mut(&id)) {
            (Some(open), _) => open.traces.call_ids.push(call_id),
            (None, Some(closing)) => closing.traces.call_ids.push(call_id),
            (None, None) => {
                self.sip_call_ids.remove(&call_id);
            }
        }
    }
}

impl Closing {
    /// Puts the audio of one SIP leg into the record: the caller's, else that of who answered, else the last one tried.
    fn complete_record(&mut self) {
        let caller = self.reports.keys().next().filter(|leg| leg.0 & 0xFF == 0).copied();
        let callee = self.callee.filter(|leg| self.reports.contains_key(leg));
        let last = self.reports.keys().next_back().copied();
        let spoken_for = caller.or(callee).or(last);
        if let Some(report) = spoken_for.and_then(|leg| self.reports.remove(&leg)) {
            self.cdr.sip_call_id = report.sip_call_id;
            self.cdr.codec = report.codec;
            self.cdr.rtp = report.rtp;
        }
    }
}

/// The gateway's own lane in ladders.
const US: &str = "tipring";

fn context_of(call: CallId) -> ContextId {
    // Contexts live as long as calls do; 2³² calls later the first is long gone.
    ContextId(call.0 as u32)
}

fn report_of(stats: &RtpStats) -> RtpReport {
    let rounded = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
    RtpReport {
        sent: stats.sent,
        received: stats.received,
        lost: stats.lost,
        late: stats.late,
        jitter_ms: rounded(stats.jitter_ms),
        mos: (stats.received > 0).then(|| rounded(stats.mos)),
    }
}
