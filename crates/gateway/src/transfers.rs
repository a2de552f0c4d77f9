//! Transfers that a SIP peer asks for, and calls that take the place of others.
//!
//! ```text
//!  blind      X ─REFER(Z)─► us     call 1: Y ── X        call 2: Y ─► Z   told X by NOTIFY; answered: X leaves
//!  attended   X ─REFER(dialog of X and W)─► us           call 1: Y ── X, call 2: X ── W   ⇒   call 3: Y ── W
//!  Replaces   Z ─INVITE(dialog of X and us)─► us         call 1: Y ── X                   ⇒   call 2: Z ── Y
//!             Z ─INVITE(ringing dialog of X)─► us        call 1: Y ─► X                   ⇒   call 1: Y ── Z
//! ```
//!
//! RFC 3515, RFC 3891, RFC 5589. A transfer is a call like any other, of the party that is transferred: it has its own
//! record, and leads where both who asks and who is sent may call. Until it is answered its originating leg is nobody,
//! and what it is told is told to who asked; then the party's leg is handed over to it, also when who asked leaves first.

use std::collections::BTreeMap;

use tipring_call::{
    Call, Contact, Event, LegTarget, Origin, Privacy, Release, RouteRequest, Setup, StateName,
    Target,
};
use tipring_core::{CallId, Cause, Duration, Instant, LegId, LineId, Number};
use tipring_line::country::ToneName;
use tipring_media::control::Command;
use tipring_sip::message::{Header, HeaderName, Headers, Method, ReferTo, Status, Uri};
use tipring_sip::session::{ReferId, SessionId};

use crate::calls::LegKind;
use crate::front::Caller;
use crate::gateway::{Gateway, Owner, Wake};
use crate::identity::number_of;
use crate::{cause_map, sound};

/// How long who asked for a transfer has, once it is done, to end the call itself (RFC 5589 §6.1).
const PARTING: Duration = Duration::from_secs(1);

/// What a call has to do with others.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    /// Where its terminating legs were put.
    pub(crate) targets: BTreeMap<LegId, LegTarget>,
    /// Who has just asked for a transfer.
    asked: Option<Asked>,
    /// Where its other leg goes when it is handed over.
    pub(crate) hand_to: Option<LegId>,
    /// The transfer that this call is.
    referral: Option<Referral>,
    /// Who asked for this call, for Referred-By (RFC 3892).
    referred_by: Option<String>,
}

/// A REFER.
#[derive(Debug)]
struct Asked {
    session: SessionId,
    refer: ReferId,
    origin: Origin,
    referred_by: Option<String>,
}

/// The transfer that a call is: whom to tell how it goes, and whose leg it will have.
#[derive(Debug)]
struct Referral {
    session: SessionId,
    refer: ReferId,
    /// The leg, in the call that it comes from.
    party: LegId,
    /// It is this call's already.
    handed_over: bool,
}

/// Who is at a leg.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) origin: Origin,
    pub(crate) name: String,
    pub(crate) number: Option<Number>,
    display: Option<String>,
    privacy: Privacy,
    /// We called it by a trunk.
    called_out: bool,
}

impl Gateway {
    /// A REFER: somebody in a call wants the other side connected elsewhere.
    pub(crate) fn referred(
        &mut self,
        now: Instant,
        (session, refer): (SessionId, ReferId),
        call: Option<SessionId>,
        target: &ReferTo,
        headers: &Headers,
    ) {
        let done = self.transfer(now, (session, refer), call, target, headers);
        if let Err(status) = done {
            tracing::info!(%session, status = status.code(), "transfer refused");
            let _ = self.agent.reject_refer(now, session, refer, status);
        }
    }

    fn transfer(
        &mut self,
        now: Instant,
        (session, refer): (SessionId, ReferId),
        call: Option<SessionId>,
        target: &ReferTo,
        headers: &Headers,
    ) -> Result<(), Status> {
        let by =
            call.and_then(|call| self.sessions.get(&call).copied()).ok_or(Status::FORBIDDEN)?;
        let busy = |call: &Call| call.is_transferring();
        let open = self.calls.get(&Call::of_leg(by)).filter(|open| !busy(&open.call));
        let party = open.and_then(|open| open.call.other_leg(by)).ok_or(Status::DECLINE)?;
        if self.draining || target.method() != Method::Invite {
            return Err(Status::DECLINE);
        }
        let replaces = target.replaces().map_err(|_| Status::BAD_REQUEST)?;
        let uri = target.uri();
        if let Some(replaces) = &replaces
            && let Some(other) = self.agent.session_replaced_by(replaces)
        {
            let other = self.sessions.get(&other).copied().ok_or(Status::DECLINE)?;
            return self.attended(now, (session, refer), by, party, other);
        }
        let number = number_of(uri).ok_or(Status::BAD_REQUEST)?;
        let origin = self.transfer_origin(by, party);
        let ours = self.is_own_number(uri);
        let forbidden = self
            .routes
            .route(&origin, &number)
            .is_ok_and(|routed| !origin.may_call(&routed.target));
        if ours && forbidden {
            return Err(Status::FORBIDDEN);
        }
        let accepted = self.agent.accept_refer(now, session, refer);
        accepted.map_err(|_| Status::DECLINE)?;
        if ours && replaces.is_some() {
            // The dialog that it names has ended meanwhile.
            let gone = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            let _ = self.agent.report_refer(now, session, refer, gone);
            return Ok(());
        }
        let referred_by = headers.referred_by().ok().flatten().map(|by| by.to_string());
        let asked = Asked { session, refer, origin, referred_by };
        self.with_call(Call::of_leg(by), |open| open.passing.asked = Some(asked));
        if let Some(sip) = self.sip_leg(by) {
            sip.refers = true;
        }
        let to = uri.to_string();
        self.leg_says(now, by, Event::Transfer(tipring_call::Transfer { to }));
        Ok(())
    }

    /// By whose rights a transfer is routed: who asks must be allowed to call there, and who is sent no stranger.
    fn transfer_origin(&self, by: LegId, party: LegId) -> Origin {
        match self.party(party).map_or(Origin::Guest, |party| party.origin) {
            Origin::Guest => Origin::Guest,
            Origin::Line(_) | Origin::Span(_) | Origin::Trunk(_) | Origin::User(_) => {
                self.party(by).map_or(Origin::Guest, |by| by.rights())
            }
        }
    }

    /// The call wants another one made of its leg `party`.
    pub(crate) fn begin_transfer(
        &mut self,
        now: Instant,
        id: CallId,
        by: LegId,
        party: LegId,
        to: &str,
    ) {
        let asked = self.calls.get_mut(&id).and_then(|open| open.passing.asked.take());
        let uri = Uri::parse(to.as_bytes()).ok();
        let number = uri.as_ref().and_then(number_of);
        let (Some(asked), Some(who), Some(uri), Some(number)) =
            (asked, self.party(party), uri, number)
        else {
            return self.with_call(id, |open| open.call.transfer_failed());
        };
        let Asked { session, refer, origin, referred_by } = asked;
        let request = match self.is_own_number(&uri) {
            true => RouteRequest::Number(number.clone()),
            false => RouteRequest::Contacts(vec![Contact { address: to.to_owned(), by: None }]),
        };
        tracing::info!(call = %id, %by, %party, "transfer");
        let (config, setup, from) = (self.config.call, who.setup(number), who.name.clone());
        let leg = self.open_with(now, origin, &who.name, |call| {
            Call::transferred(now, call, config, from, setup, request)
        });
        self.with_call(Call::of_leg(leg), |open| {
            let referral = Referral { session, refer, party, handed_over: false };
            open.passing.referral = Some(referral);
            open.passing.referred_by = referred_by;
        });
        self.with_call(id, |open| open.passing.hand_to = Some(leg));
    }

    /// Joins the far ends of two calls of one peer (RFC 5589 §7).
    fn attended(
        &mut self,
        now: Instant,
        (session, refer): (SessionId, ReferId),
        by: LegId,
        party: LegId,
        consulting: LegId,
    ) -> Result<(), Status> {
        let (here, there) = (Call::of_leg(by), Call::of_leg(consulting));
        let open = self.calls.get(&there).filter(|_| here != there);
        let target =
            open.and_then(|open| open.call.other_leg(consulting)).ok_or(Status::DECLINE)?;
        let (Some(one), Some(two)) = (self.party(party), self.party(target)) else {
            return Err(Status::DECLINE);
        };
        if !one.may_be_joined_with(&two) {
            return Err(Status::FORBIDDEN);
        }
        let accepted = self.agent.accept_refer(now, session, refer);
        accepted.map_err(|_| Status::DECLINE)?;
        let _ = self.agent.report_refer(now, session, refer, Status::OK);
        if let Some(sip) = self.sip_leg(by) {
            sip.refers = true;
        }
        let (a, b) = self.open_joined(now, &one, &two);
        self.hand_to(now, party, a, "transferred");
        self.hand_to(now, target, b, "transferred");
        Ok(())
    }

    /// A call between two parties that are answered; neither is in it yet.
    pub(crate) fn open_joined(&mut self, now: Instant, one: &Party, two: &Party) -> (LegId, LegId) {
        let (config, from, to) = (self.config.call, one.name.clone(), two.name.clone());
        let called = two.number.clone().or_else(|| Number::new(&to).ok());
        let setup = one.setup(called.unwrap_or_else(|| Number::new("0").expect("a digit")));
        let a = self.open_with(now, one.origin.clone(), &one.name, |call| {
            Call::joined(now, call, config, from, setup, to)
        });
        let b = self.calls.get(&Call::of_leg(a)).and_then(|open| open.call.b_leg());
        (a, b.unwrap_or(a))
    }

    /// Gives an answered leg to another call at once; the other leg of its call is released.
    pub(crate) fn hand_to(
        &mut self,
        now: Instant,
        leg: LegId,
        to: LegId,
        why: &'static str,
    ) -> bool {
        let id = Call::of_leg(leg);
        let release = Release::new(Cause::NORMAL_CLEARING, why);
        let mut done = false;
        self.with_call(id, |open| {
            open.passing.hand_to = Some(to);
            done = open.call.give_away(now, leg, release);
        });
        self.drain_call(now, id);
        done
    }

    /// A call lets its leg go where its transfer waits for it.
    pub(crate) fn hand_over(&mut self, now: Instant, old: LegId) {
        let open = self.calls.get_mut(&Call::of_leg(old));
        let to = open.and_then(|open| open.passing.hand_to.take());
        let alive = |leg: &LegId| {
            let open = self.calls.get(&Call::of_leg(*leg));
            open.is_some_and(|open| open.call.state() != StateName::Released)
        };
        let Some(new) = to.filter(alive).filter(|new| self.move_leg(old, *new)) else {
            let release = Release::new(Cause::NORMAL_CLEARING, "transfer failed");
            return self.tell_leg(now, old, Event::Release(release));
        };
        let id = Call::of_leg(new);
        let Some(open) = self.calls.get_mut(&id) else { return };
        if let Some(referral) = &mut open.passing.referral {
            referral.handed_over = true;
        }
        match (open.call.state(), open.call.heard_leg()) {
            (StateName::Alerting, Some(b)) => self.join(id, new, b),
            (StateName::Alerting, None) => self.ringback(new, true),
            _ => {}
        }
    }

    /// Renames a leg, with all that hangs on it.
    fn move_leg(&mut self, old: LegId, new: LegId) -> bool {
        let Some(leg) = self.legs.remove(&old) else { return false };
        let mut line: Option<LineId> = None;
        match &leg.kind {
            LegKind::Line(id) => line = Some(*id),
            LegKind::Sip(sip) => {
                if let Some(session) = sip.session {
                    self.sessions.insert(session, new);
                }
                if let Some(call_id) = &sip.call_id {
                    self.sip_call_ids.insert(call_id.clone(), new);
                }
                if let Some(stream) = &sip.stream {
                    self.owners.insert(stream.termination, Owner::Leg(new));
                }
            }
        }
        self.legs.insert(new, leg);
        if let Some(line) = line.and_then(|id| self.line(id)) {
            (line.leg, line.last_leg) = (Some(new), Some(new));
        }
        self.report_media(new);
        true
    }

    /// Before the legs of a call are joined: who is transferred comes over once the new party has answered.
    pub(crate) fn before_join(&mut self, now: Instant, id: CallId, early: bool) {
        let Some(open) = self.calls.get(&id) else { return };
        let a = open.call.a_leg();
        match &open.passing.referral {
            Some(referral) if referral.handed_over => self.ringback(a, false),
            Some(referral) if !early => {
                let party = referral.party;
                if !self.hand_to(now, party, a, "transferred") {
                    let gone = Release::new(Cause::NORMAL_CLEARING, "transferred party left");
                    self.with_call(id, |open| open.call.hang_up(now, gone));
                }
            }
            Some(_) | None => {}
        }
    }

    /// Tells who asked for a transfer how it goes; true when there is nobody else to be told.
    pub(crate) fn tell_referrer(&mut self, now: Instant, leg: LegId, event: &Event) -> bool {
        let id = Call::of_leg(leg);
        let Some(open) = self.calls.get_mut(&id).filter(|open| open.call.a_leg() == leg) else {
            return false;
        };
        let Some(referral) = &open.passing.referral else { return false };
        let Referral { session, refer, party, handed_over } = *referral;
        let status = match event {
            Event::Alerting { .. } => Some(Status::RINGING),
            Event::Progress { .. } => Some(Status::SESSION_PROGRESS),
            Event::Answer => Some(Status::OK),
            // RFC 3515 §2.4.5: it is of the request that the target got.
            Event::Release(release) => {
                Status::new(release.code.unwrap_or_else(|| cause_map::status_of(release.cause)))
            }
            _ => None,
        };
        if status.is_some_and(Status::is_final) {
            open.passing.referral = None;
        }
        if let Some(status) = status {
            let _ = self.agent.report_refer(now, session, refer, status);
        }
        match event {
            Event::Release(_) if handed_over => {
                self.ringback(leg, false);
                return false;
            }
            Event::Release(_) => self.transfer_failed(party),
            Event::Alerting { early_media: false } if handed_over => self.ringback(leg, true),
            _ => {}
        }
        true
    }

    /// The call that the party is in goes on.
    fn transfer_failed(&mut self, party: LegId) {
        let id = Call::of_leg(party);
        let other = self.calls.get(&id).and_then(|open| open.call.other_leg(party));
        self.with_call(id, |open| {
            open.passing.hand_to = None;
            open.call.transfer_failed();
        });
        if let Some(sip) = other.and_then(|leg| self.sip_leg(leg)) {
            sip.refers = false;
        }
    }

    /// A call is over whose leg a transfer waits for: there is nobody left to transfer.
    pub(crate) fn abandon_transfer(&mut self, now: Instant, waiting: Option<LegId>) {
        let Some(leg) = waiting else { return };
        let id = Call::of_leg(leg);
        let referral = self.calls.get_mut(&id).and_then(|open| open.passing.referral.take());
        if let Some(Referral { session, refer, .. }) = referral {
            let _ = self.agent.report_refer(now, session, refer, Status::REQUEST_TERMINATED);
            let left = Release::new(Cause::NORMAL_CLEARING, "transferred party left");
            self.leg_says(now, leg, Event::Release(left));
        }
    }

    /// Who asked for the transfer ends its call itself; if it does not, we do.
    pub(crate) fn part(&mut self, now: Instant, leg: LegId) {
        self.timers.set(Wake::Parting(leg), now + PARTING);
    }

    /// It has not.
    pub(crate) fn parting_timeout(&mut self, now: Instant, leg: LegId) {
        if let Some(session) = self.sip_leg(leg).and_then(|sip| sip.session) {
            let _ = self.agent.hang_up(now, session, None);
        }
    }

    /// The sound of ringing for a party that is answered and waits.
    fn ringback(&mut self, leg: LegId, on: bool) {
        let Some(termination) = self.termination_of(leg) else { return };
        let country = match self.legs.get(&leg).map(|leg| &leg.kind) {
            Some(LegKind::Line(line)) => {
                let line = self.config.lines.get(usize::from(line.0));
                line.map_or(self.config.country, |line| line.fxs.country)
            }
            Some(LegKind::Sip(_)) | None => self.config.country,
        };
        let program = || sound::program(country.tone(ToneName::Ringback));
        self.media(match on {
            true => Command::PlayTone { termination, program: program() },
            false => Command::StopTone { termination },
        });
    }

    /// Where a terminating leg was put.
    pub(crate) fn place_of(&self, leg: LegId) -> Option<&LegTarget> {
        self.calls.get(&Call::of_leg(leg))?.passing.targets.get(&leg)
    }

    /// Who is at a leg of a call.
    pub(crate) fn party(&self, leg: LegId) -> Option<Party> {
        let open = self.calls.get(&Call::of_leg(leg))?;
        let setup = open.call.setup();
        if leg == open.call.a_leg() {
            return Some(Party {
                origin: open.origin.clone(),
                name: open.call.from().to_owned(),
                number: setup.calling.clone(),
                display: setup.calling_name.clone(),
                privacy: setup.privacy,
                called_out: false,
            });
        }
        let target = open.passing.targets.get(&leg)?;
        let line = match &target.target {
            Target::Line(name) => self.config.lines.iter().find(|line| line.name == *name),
            _ => None,
        };
        let origin = match &target.target {
            Target::Line(name) => Origin::Line(name.clone()),
            Target::Span(name) => Origin::Span(name.clone()),
            Target::Trunk(name) => Origin::Trunk(name.clone()),
            Target::User => Origin::User(target.number.to_string()),
            Target::Group(_) | Target::Address => Origin::Guest,
        };
        Some(Party {
            origin,
            name: target.name().to_owned(),
            number: line.and_then(|line| line.number.clone()).or(Some(target.number.clone())),
            display: line.and_then(|line| line.caller_name.clone()),
            privacy: Privacy::Allowed,
            called_out: matches!(target.target, Target::Trunk(_)),
        })
    }
}

impl Passing {
    /// Referred-By, where somebody asked for the call (RFC 3892).
    pub(crate) fn referred_by(&self) -> Option<Header> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ReferredBy, self.referred_by.as_ref()?);
        headers.iter().next().map(Header::from)
    }
}

impl Party {
    /// Who calls.
    pub(crate) fn caller(caller: &Caller) -> Self {
        let Caller { origin, setup, .. } = caller;
        Self {
            origin: origin.clone(),
            name: origin.name().unwrap_or("guest").to_owned(),
            number: setup.calling.clone(),
            display: setup.calling_name.clone(),
            privacy: setup.privacy,
            called_out: false,
        }
    }

    /// By whose rights it may send a call on. Whom we have called by a trunk is not who calls us by it: it may be anybody.
    pub(crate) fn rights(&self) -> Origin {
        if self.called_out { Origin::Guest } else { self.origin.clone() }
    }

    /// A call by this party to `called`.
    fn setup(&self, called: Number) -> Setup {
        Setup {
            calling: self.number.clone(),
            calling_name: self.display.clone(),
            privacy: self.privacy,
            ..Setup::new(called)
        }
    }

    /// Strangers are not joined with whom we pay to reach.
    pub(crate) fn may_be_joined_with(&self, other: &Self) -> bool {
        let stranger = |party: &Self| party.origin == Origin::Guest;
        !(stranger(self) && other.called_out || stranger(other) && self.called_out)
    }
}
