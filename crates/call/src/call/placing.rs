//! Routing, Placing and Alerting: from a number to an answer.

use std::collections::VecDeque;

use tipring_core::{Cause, Instant, LegId, Number};

use super::answered::Answered;
use super::{Call, Contact, LegTarget, Output, Plan, RouteRequest, State, Told};
use crate::cdr::EndedBy;
use crate::event::{Event, Privacy, Redirect, RedirectReason, Redirecting, Release, Scope, Setup};

/// Waiting for the gateway's answer to [`Output::Route`].
#[derive(Debug)]
pub(super) struct Routing {
    pub(super) until: Instant,
    /// Groups of an earlier plan, for when a redirection leads nowhere.
    groups: VecDeque<Vec<LegTarget>>,
}

/// A group of terminating legs is placed; the first to answer has the call.
#[derive(Debug)]
pub(super) struct Placing {
    pub(super) legs: Vec<Placed>,
    /// The leg whose early media the caller hears.
    pub(super) joined: Option<LegId>,
    /// T310, until a leg alerts.
    pub(super) set_up: Option<Instant>,
    /// When to try the next group, if there is one.
    pub(super) hunt: Option<Instant>,
    groups: VecDeque<Vec<LegTarget>>,
    /// What the legs of this group said to try instead.
    contacts: Vec<Contact>,
    /// The number that one of them was at whose contacts are of somebody else.
    diverted: Option<Number>,
    /// One of them has failed before anybody was reached.
    unreached: bool,
}

#[derive(Debug)]
pub(super) struct Placed {
    pub(super) leg: LegId,
    pub(super) name: String,
    number: Number,
    /// It sends audio; once it does, it does.
    pub(super) early_media: bool,
}

/// Redirections that a call follows (as many as a SIP client may be expected to, and fewer than make a loop a storm).
const MAX_HOPS: u8 = 5;
/// Contacts of one redirection.
const MAX_CONTACTS: usize = 16;
/// Groups of a plan.
const MAX_GROUPS: usize = 32;
/// Targets rung at once.
const MAX_FORKS: usize = 16;

impl Routing {
    pub(super) const fn new(until: Instant) -> Self {
        Self { until, groups: VecDeque::new() }
    }
}

impl Placing {
    const fn of(legs: Vec<Placed>, groups: VecDeque<Vec<LegTarget>>) -> Self {
        Self {
            legs,
            joined: None,
            set_up: None,
            hunt: None,
            groups,
            contacts: Vec::new(),
            diverted: None,
            unreached: false,
        }
    }
}

impl Placed {
    pub(super) const fn new(leg: LegId, name: String, number: Number) -> Self {
        Self { leg, name, number, early_media: false }
    }
}

impl Call {
    pub(super) fn routed(
        &mut self,
        now: Instant,
        routing: Routing,
        plan: Result<Plan, Release>,
    ) -> State {
        let mut groups = routing.groups;
        match plan {
            Ok(plan) => {
                if plan.route.is_some() {
                    self.facts.route = plan.route;
                }
                if plan.hunt.iter().all(Vec::is_empty) {
                    let release = Release::new(Cause::NO_ROUTE_TO_DESTINATION, "no target");
                    self.facts.note_failure(release, EndedBy::Gateway);
                }
                for group in plan.hunt.into_iter().rev() {
                    groups.push_front(group);
                }
            }
            Err(release) => self.facts.note_failure(release, EndedBy::Gateway),
        }
        let dropped: usize = groups.iter().skip(MAX_GROUPS).map(Vec::len).sum();
        self.wires.counters.targets_dropped += dropped as u64;
        groups.truncate(MAX_GROUPS);
        self.place_next(now, groups)
    }

    pub(super) fn in_routing(
        &mut self,
        now: Instant,
        routing: Routing,
        leg: LegId,
        event: Event,
    ) -> State {
        match end_of(event) {
            Ok(release) if leg == self.a_leg() => self.finish(now, release, EndedBy::Caller),
            _ => {
                self.count(leg == self.a_leg());
                State::Routing(routing)
            }
        }
    }

    pub(super) fn routing_expired(&mut self, now: Instant) -> State {
        let release = Release::new(Cause::RECOVERY_ON_TIMER_EXPIRY, "timer T310, no route");
        self.facts.note_failure(release, EndedBy::Gateway);
        self.give_up(now)
    }

    pub(super) fn in_placing(
        &mut self,
        now: Instant,
        placing: Placing,
        leg: LegId,
        event: Event,
    ) -> State {
        if leg == self.a_leg() {
            return self.caller_says(now, placing, event);
        }
        match placing.legs.iter().position(|placed| placed.leg == leg) {
            Some(at) => self.callee_says(now, placing, at, event),
            None => {
                self.count(false);
                State::Placing(placing)
            }
        }
    }

    fn caller_says(&mut self, now: Instant, placing: Placing, event: Event) -> State {
        match (event, placing.joined) {
            (event @ (Event::Release(_) | Event::Redirect(_)), _) => {
                let release = end_of(event).unwrap_or_else(|_| unspecified());
                self.release_placed(placing.legs, placing.joined, &release);
                return self.finish(now, release, EndedBy::Caller);
            }
            // A menu may be used before it answers.
            (event @ Event::Digit { .. }, Some(joined)) => self.wires.send(joined, event),
            _ => self.count(true),
        }
        State::Placing(placing)
    }

    fn callee_says(
        &mut self,
        now: Instant,
        mut placing: Placing,
        at: usize,
        event: Event,
    ) -> State {
        match event {
            Event::Proceeding => self.tell(Told::Proceeding, Event::Proceeding),
            Event::Alerting { early_media } => {
                let early_media = self.alerting(now, &mut placing, at, early_media);
                self.tell(Told::Alerting, Event::Alerting { early_media });
            }
            Event::Progress { early_media } => {
                let early_media = self.alerting(now, &mut placing, at, early_media);
                self.tell(Told::Progress, Event::Progress { early_media });
            }
            Event::Answer => return self.answered(now, placing, at),
            Event::Redirect(redirect) => {
                self.redirected(&mut placing, at, redirect);
                return self.lose(now, placing, at);
            }
            Event::Release(release) => {
                match release.scope {
                    Scope::Everywhere => return self.declined(now, placing, at, release),
                    Scope::Way => placing.unreached = true,
                    Scope::Leg => {}
                }
                self.facts.note_failure(release, EndedBy::Callee);
                return self.lose(now, placing, at);
            }
            Event::Setup(_)
            | Event::Digit { .. }
            | Event::Update(_)
            | Event::Hold { .. }
            | Event::Transfer(_) => self.count(true),
        }
        State::Placing(placing)
    }

    fn redirected(&mut self, placing: &mut Placing, at: usize, redirect: Redirect) {
        let Redirect { contacts, cause, diverts } = redirect;
        let Some(placed) = placing.legs.get(at) else { return };
        if contacts.is_empty() {
            let release = Release::new(cause, "redirection without contact");
            self.facts.note_failure(release, EndedBy::Callee);
        } else if diverts {
            placing.diverted = Some(placed.number.clone());
        }
        let by = Some(placed.leg);
        let contacts = contacts.into_iter().take(MAX_CONTACTS);
        placing.contacts.extend(contacts.map(|address| Contact { address, by }));
    }

    /// A leg rings or can be heard; returns whether the caller hears one.
    fn alerting(
        &mut self,
        now: Instant,
        placing: &mut Placing,
        at: usize,
        early_media: bool,
    ) -> bool {
        placing.set_up = None;
        self.facts.no_answer.get_or_insert(now + self.facts.config.no_answer);
        let Some(placed) = placing.legs.get_mut(at) else { return false };
        // A 180 without a body after a 183 with one does not end the early media.
        placed.early_media |= early_media;
        if placed.early_media && placing.joined.is_none() {
            placing.joined = Some(placed.leg);
            let (a, b) = (self.facts.leg(0), placed.leg);
            self.wires.outputs.push_back(Output::Join { a, b, early: true });
            // What was told without media is told again with it.
            self.facts.told = self.facts.told.min(Told::Proceeding);
        }
        placing.joined.is_some()
    }

    /// Tells the caller, unless as much has been told.
    fn tell(&mut self, what: Told, event: Event) {
        if what > self.facts.told {
            self.facts.told = what;
            let a = self.a_leg();
            self.wires.send(a, event);
        }
    }

    fn answered(&mut self, now: Instant, mut placing: Placing, at: usize) -> State {
        let Placed { leg, name, .. } = placing.legs.remove(at);
        tracing::info!(call = %self.facts.id, to = name, "call answered");
        let joined = placing.joined.filter(|joined| *joined != leg);
        let elsewhere = Release::new(Cause::NON_SELECTED_CLEARING, "answered elsewhere");
        self.release_placed(placing.legs, joined, &elsewhere);
        self.facts.answer = Some(now);
        self.facts.to = Some(name);
        self.facts.no_answer = None;
        let a = self.a_leg();
        self.wires.outputs.push_back(Output::Join { a, b: leg, early: false });
        self.wires.send(a, Event::Answer);
        State::Answered(Answered::new(leg))
    }

    /// A leg is over without having answered.
    fn lose(&mut self, now: Instant, mut placing: Placing, at: usize) -> State {
        let lost = placing.legs.remove(at);
        if placing.joined == Some(lost.leg) {
            placing.joined = None;
            self.unjoin_early(lost.leg);
        }
        if placing.legs.is_empty() { self.next_step(now, placing) } else { State::Placing(placing) }
    }

    /// Who is called will answer nowhere: the last word, whatever others have said.
    fn declined(
        &mut self,
        now: Instant,
        mut placing: Placing,
        at: usize,
        release: Release,
    ) -> State {
        let lost = placing.legs.remove(at);
        if placing.joined == Some(lost.leg) {
            placing.joined = None;
            self.unjoin_early(lost.leg);
        }
        let elsewhere = Release::new(Cause::NON_SELECTED_CLEARING, "declined elsewhere");
        self.release_placed(placing.legs, placing.joined, &elsewhere);
        self.facts.failure = Some((release, EndedBy::Callee));
        self.give_up(now)
    }

    /// All legs of the group are over.
    fn next_step(&mut self, now: Instant, placing: Placing) -> State {
        if !placing.contacts.is_empty() {
            if self.facts.hops < MAX_HOPS {
                self.facts.hops += 1;
                let diverts = placing.diverted.is_some();
                if let Some(number) = placing.diverted {
                    self.facts.setup.redirecting.push(Redirecting {
                        number,
                        reason: RedirectReason::Unconditional,
                        privacy: Privacy::Allowed,
                    });
                }
                let request = RouteRequest::Contacts(placing.contacts);
                // Another way to the same party: where that fails too, the number leads on.
                if diverts {
                    self.facts.request = Some(request.clone());
                }
                return self.ask(now, request, placing.groups);
            }
            let release = Release::new(Cause::EXCHANGE_ROUTING_ERROR, "too many redirections");
            self.facts.note_failure(release, EndedBy::Gateway);
        } else if placing.unreached
            && let Some(request) = self.facts.request.clone()
        {
            // It ends: no target is placed twice.
            return self.ask(now, request, placing.groups);
        }
        match self.facts.failure.as_ref().map(|(release, _)| release.cause) {
            // Wrong everywhere; hunting on would only annoy.
            Some(
                Cause::UNALLOCATED_NUMBER | Cause::NUMBER_CHANGED | Cause::INVALID_NUMBER_FORMAT,
            ) => self.give_up(now),
            _ => self.place_next(now, placing.groups),
        }
    }

    fn ask(
        &mut self,
        now: Instant,
        request: RouteRequest,
        groups: VecDeque<Vec<LegTarget>>,
    ) -> State {
        self.wires.outputs.push_back(Output::Route(request));
        State::Routing(Routing { until: now + self.facts.config.set_up, groups })
    }

    /// Places the next group that has a target where the call has not been.
    fn place_next(&mut self, now: Instant, mut groups: VecDeque<Vec<LegTarget>>) -> State {
        while let Some(group) = groups.pop_front() {
            let mut legs = Vec::new();
            for target in group {
                if self.facts.visited.contains(&target) {
                    let release = Release::new(Cause::EXCHANGE_ROUTING_ERROR, "routing loop");
                    self.facts.note_failure(release, EndedBy::Gateway);
                } else if legs.len() >= MAX_FORKS || self.facts.placed == u8::MAX {
                    self.wires.counters.targets_dropped += 1;
                } else {
                    legs.push(self.place(target));
                }
            }
            if !legs.is_empty() {
                let hunt = (!groups.is_empty()).then(|| now + self.facts.config.hunt);
                let set_up = Some(now + self.facts.config.set_up);
                return State::Placing(Placing { set_up, hunt, ..Placing::of(legs, groups) });
            }
        }
        self.give_up(now)
    }

    fn place(&mut self, target: LegTarget) -> Placed {
        self.facts.placed += 1;
        let leg = self.facts.leg(self.facts.placed);
        let name = target.name().to_owned();
        tracing::info!(call = %self.facts.id, %leg, to = name, "leg placed");
        self.facts.to = Some(name.clone());
        self.facts.visited.push(target.clone());
        let number = target.number.clone();
        let setup = Setup { called: number.clone(), ..self.facts.setup.clone() };
        self.wires.outputs.push_back(Output::PlaceLeg { leg, target, setup });
        Placed::new(leg, name, number)
    }

    pub(super) fn placing_expired(&mut self, now: Instant, placing: Placing) -> State {
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        let no_answer = due(self.facts.no_answer);
        let release = if no_answer {
            Release::new(Cause::NO_ANSWER, "timer T301, no answer")
        } else if due(placing.set_up) {
            Release::new(Cause::RECOVERY_ON_TIMER_EXPIRY, "timer T310, no alerting")
        } else {
            Release::new(Cause::NO_ANSWER, "hunt timer, no answer")
        };
        let Placing { legs, joined, groups, contacts, diverted, .. } = placing;
        self.release_placed(legs, joined, &release);
        self.facts.note_failure(release, EndedBy::Gateway);
        if no_answer {
            return self.give_up(now);
        }
        let emptied = Placing { contacts, diverted, ..Placing::of(Vec::new(), groups) };
        self.next_step(now, emptied)
    }

    /// Nobody can be reached: the caller is told the best reason.
    fn give_up(&mut self, now: Instant) -> State {
        let (release, whose) =
            self.facts.failure.take().unwrap_or_else(|| (unspecified(), EndedBy::Gateway));
        self.release_a(&release);
        self.finish(now, release, whose)
    }

    pub(super) fn release_placed(
        &mut self,
        legs: Vec<Placed>,
        joined: Option<LegId>,
        release: &Release,
    ) {
        if let Some(b) = joined {
            self.unjoin_early(b);
        }
        for placed in legs {
            self.wires.send(placed.leg, Event::Release(release.clone()));
        }
    }

    fn unjoin_early(&mut self, b: LegId) {
        let a = self.a_leg();
        self.wires.outputs.push_back(Output::Unjoin { a, b });
        // Whatever is heard next must be told again.
        self.facts.told = self.facts.told.min(Told::Proceeding);
    }

    /// An event that has no use: of a living leg, or of one that is over.
    pub(super) fn count(&mut self, living: bool) {
        let counters = &mut self.wires.counters;
        *(if living { &mut counters.unexpected } else { &mut counters.stale }) += 1;
    }
}

/// What ends the leg that says it, as a release; everything else comes back.
pub(super) fn end_of(event: Event) -> Result<Release, Event> {
    match event {
        Event::Release(release) => Ok(release),
        Event::Redirect(Redirect { cause, .. }) => Ok(Release::new(cause, "redirection")),
        event => Err(event),
    }
}

fn unspecified() -> Release {
    Release::new(Cause::NORMAL_UNSPECIFIED, "nobody said why")
}
