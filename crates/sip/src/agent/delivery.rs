//! Requests on their way to one of several servers (RFC 3263 §4.3).
//!
//! ```text
//! state \ event   located         1xx         503            other final   1.75 s without a word   timed out, send error
//! Locating        ▸Trying: first  –           –              –             –                       –
//!                 target; none:
//!                 the known way
//! Trying          –               ▸Heard      ▸Trying next   over          park, ▸Trying next      park, ▸Trying next
//! Heard           –               –           ▸Trying next   over          –                       park, ▸Trying next
//! ```
//!
//! The next one is tried as long as there is one and the request is still wanted; then the last word is its owner's, and
//! the transaction's own timers hold. Each try is the same request with a new branch. 503 with Retry-After parks a server
//! for that time: a minute at most unless to REGISTER or PUBLISH, which are for the server itself, and not when somebody
//! was ringing.
//!
//! A server that was heard before its connection broke is told CANCEL over another one, as far as the request went to one
//! of several or its owner has others.
//!
//! An INVITE that was left behind without a word is not sent again, but heard of until timer B: a server that wakes up
//! is told CANCEL by its first provisional response, and ACK and BYE by its 2xx. Nobody's telephone rings on. Who
//! has not answered 64·T1 after the CANCEL never will, and is forgotten.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use tipring_core::{Duration, Instant};

use super::endpoint::{OwnVia, contact_at};
use super::replies::ReplyId;
use super::{Output, Owner, UserAgent, Waiter};
use crate::dialog::Dialog;
use crate::locate::{Destination, LookupId, Output as LocatorOutput, Question, Unlocated};
use crate::message::{HeaderName, Method, NameAddr, Request, Response, Status, Uri};
use crate::registration::RegistrationId;
use crate::session::{Failure, calls_somebody};
use crate::transaction::{ClientId, Path, TimerValues, cancel_for};

/// Answers of forks of one INVITE left behind that are told to go; further ones give up by themselves.
const MAX_FORKS: usize = 16;

/// Seconds that a 503 to a request which is passed on keeps its server from being asked.
const MOST_REST_S: u32 = 60;

/// What is known of a client transaction beside its owner.
#[derive(Debug)]
pub(super) struct Delivery {
    path: Path,
    heard: Heard,
    /// There, when it went to one of several servers at first.
    spare: Option<Box<Spare>>,
}

/// The most that was heard of a request before its final response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Nothing,
    /// 100: the server has it.
    Trying,
    /// Another provisional response: what is said from now on is of who is called.
    Ringing,
}

impl Delivery {
    /// Where it went.
    pub(super) fn remote(&self) -> SocketAddr {
        self.path.remote
    }
}

/// What is tried when no answer comes.
#[derive(Debug)]
struct Spare {
    /// As it was sent.
    request: Request,
    /// The servers not tried yet.
    others: VecDeque<Path>,
    /// Its owner has still others, so that the last one here gets no more time than the ones before.
    impatient: bool,
}

impl Heard {
    fn of(status: Status) -> Self {
        match status {
            Status::TRYING => Self::Trying,
            status if status.is_provisional() => Self::Ringing,
            _ => Self::Nothing,
        }
    }
}

impl Spare {
    /// Whether there is more to ask than the same server by another transport.
    fn has_other_server(&self, path: &Path) -> bool {
        self.impatient || self.others.iter().any(|other| other.remote != path.remote)
    }
}

/// What waits for an address: a request in a dialog, with the way it takes when none is found, or a registration.
#[derive(Debug)]
pub(super) enum Parcel {
    /// To be sent in a transaction.
    Request { owner: Owner, path: Path, request: Box<Request> },
    /// An ACK for a 2xx.
    Ack { path: Path, request: Arc<Request> },
    /// A registration that wants to know the ways to its registrar.
    Registration(RegistrationId),
    /// A response whose receiver cannot be reached any more.
    Reply(ReplyId),
}

/// An INVITE that was left behind.
#[derive(Debug)]
pub(super) struct Orphan {
    invite: Request,
    path: Path,
    cancelled: bool,
    /// ACKs for its 2xx, by their callee's tag.
    acks: Vec<(String, Path, Vec<u8>)>,
}

/// How long a server may be silent while there is another: the request has been sent three times by then.
fn patience(timers: &TimerValues) -> Duration {
    timers.t1 * 7 / 2
}

impl UserAgent {
    /// Finds the ways to `uri`; [`Output::Located`] says what was found.
    pub fn locate(&mut self, now: Instant, uri: &Uri) -> LookupId {
        let id = self.locator.locate(now, Destination::of_uri(uri));
        self.pump(now);
        id
    }

    /// The answer of the DNS to [`Output::Ask`]; one that was not asked for is passed over.
    pub fn handle_dns_answer(
        &mut self,
        now: Instant,
        question: &Question,
        answer: &crate::locate::Answer,
    ) {
        self.locator.handle_answer(now, question, answer);
        self.pump(now);
    }

    pub(super) fn locator_says(&mut self, now: Instant, output: LocatorOutput) {
        match output {
            LocatorOutput::Ask(question) => self.output.push_back(Output::Ask(question)),
            LocatorOutput::Located { id, located } => {
                let ways = located.map(|targets| {
                    targets.iter().filter_map(|target| self.locator.path_to(target)).collect()
                });
                match self.locating.remove(&id) {
                    Some(parcel) => self.parcel_located(now, parcel, ways),
                    None => self.output.push_back(Output::Located { id, paths: ways }),
                }
            }
        }
    }

    /// Sends a request of a dialog: along `path`, unless its next hop is a name, which leads where the DNS says.
    pub(super) fn send_in_dialog(&mut self, now: Instant, parcel: Parcel) {
        let named = match &parcel {
            Parcel::Request { request, .. } => named_hop(request),
            Parcel::Ack { request, .. } => named_hop(request),
            Parcel::Registration(_) | Parcel::Reply(_) => None,
        };
        match named {
            Some(destination) if self.locating.len() < self.config.max_transactions => {
                let id = self.locator.locate(now, Ok(destination));
                self.locating.insert(id, parcel);
            }
            Some(_) | None => self.forward(now, parcel, Vec::new()),
        }
    }

    fn parcel_located(
        &mut self,
        now: Instant,
        mut parcel: Parcel,
        ways: Result<Vec<Path>, Unlocated>,
    ) {
        let (owner, path, request) = match &mut parcel {
            Parcel::Request { owner, path, request } => (Some(*owner), path, &mut **request),
            Parcel::Ack { path, request } => (None, path, Arc::make_mut(request)),
            Parcel::Reply(id) => return self.reply_located(*id, ways),
            Parcel::Registration(id) => {
                let id = *id;
                if let Some(registration) = self.registrations.get_mut(&id) {
                    registration.handle_located(now, ways);
                }
                return self.settle_registration(now, id);
            }
        };
        let mut ways = ways.unwrap_or_default();
        // The server that we are talking to stays the first choice, with its connection, and the last resort.
        let same =
            |way: &Path| way.transport == path.transport && way.remote.ip() == path.remote.ip();
        if ways.iter().any(same) || ways.is_empty() {
            ways.retain(|way| way.remote != path.remote || way.transport != path.transport);
        } else {
            ways.push(path.clone());
            let first = ways.remove(0);
            drop_credentials(request);
            let from = core::mem::replace(path, first.clone());
            self.aim(request, &from, &first);
        }
        self.forward(now, parcel, ways);
        // Nobody else looks after a machine that was told of a failure here.
        if let Some(owner) = owner {
            self.settle_owner(now, owner);
        }
    }

    fn forward(&mut self, now: Instant, parcel: Parcel, others: Vec<Path>) {
        match parcel {
            Parcel::Request { owner, path, request } => {
                if !self.send(now, owner, path, others, *request) {
                    self.tell_failure(now, owner, Failure::Network);
                }
            }
            Parcel::Ack { path, mut request } => {
                let way = self.large_way(now, &path, &request);
                if let Some(way) = &way {
                    self.aim(Arc::make_mut(&mut request), &path, way);
                }
                let path = way.unwrap_or(path);
                self.output.push_back(Output::transmit(path, request.to_bytes()));
            }
            Parcel::Registration(_) | Parcel::Reply(_) => {}
        }
    }

    /// Sends `request`, whose Via is for `path`, in a transaction, and along one of `others` when that fails; false when
    /// there is no room.
    pub(super) fn send(
        &mut self,
        now: Instant,
        owner: Owner,
        path: Path,
        others: Vec<Path>,
        request: Request,
    ) -> bool {
        self.send_one_of(now, owner, path, others, false, request)
    }

    /// The same; an impatient owner hears of a silence as of a time-out when all have been silent for their time.
    pub(super) fn send_one_of(
        &mut self,
        now: Instant,
        owner: Owner,
        mut path: Path,
        mut others: Vec<Path>,
        impatient: bool,
        mut request: Request,
    ) -> bool {
        if request.method != Method::Cancel
            && let Some(way) = self.large_way(now, &path, &request)
        {
            self.aim(&mut request, &path, &way);
            self.tell_moved(owner, &way, &request);
            others.insert(0, core::mem::replace(&mut path, way));
        }
        let spare = (impatient || !others.is_empty()).then(|| {
            Box::new(Spare { request: request.clone(), others: others.into(), impatient })
        });
        self.open(now, owner, path, spare, request)
    }

    fn open(
        &mut self,
        now: Instant,
        owner: Owner,
        path: Path,
        spare: Option<Box<Spare>>,
        request: Request,
    ) -> bool {
        let Some(client) = self.transactions.request(now, path.clone(), request) else {
            self.counters.overflows += 1;
            return false;
        };
        if let Owner::Session(id, sent) = owner
            && let Some(session) = self.sessions.get_mut(&id)
        {
            session.handle_opened(sent, client);
        }
        self.owners.insert(client, owner);
        if spare.as_ref().is_some_and(|spare| spare.has_other_server(&path)) {
            let until = now + patience(&self.config.timers);
            self.timers.set(Waiter::Delivery(client), until);
        }
        self.deliveries.insert(client, Delivery { path, heard: Heard::Nothing, spare });
        true
    }

    /// A response came; true when the request goes elsewhere and its owner need not know.
    pub(super) fn delivery_answered(
        &mut self,
        now: Instant,
        client: ClientId,
        response: &Response,
    ) -> bool {
        self.timers.cancel(&Waiter::Delivery(client));
        let Some(delivery) = self.deliveries.get_mut(&client) else {
            return false;
        };
        if response.status != Status::SERVICE_UNAVAILABLE {
            delivery.heard = delivery.heard.max(Heard::of(response.status));
            self.locator.note_alive(&delivery.path);
            return false;
        }
        // RFC 3261 §21.5.4.
        if let Some(after) =
            response.headers.retry_after().filter(|_| delivery.heard < Heard::Ringing)
        {
            // Whoever passes requests on may pass on what somebody else says.
            let most = if calls_somebody(response) { MOST_REST_S } else { u32::MAX };
            self.locator.note_busy(now, &delivery.path, after.seconds.min(most));
        }
        self.try_next(now, client)
    }

    /// No response will come; true when the request goes elsewhere and its owner need not know.
    pub(super) fn delivery_failed(&mut self, now: Instant, client: ClientId) -> bool {
        self.timers.cancel(&Waiter::Delivery(client));
        self.note_dead(now, client);
        self.stop_unreachable(now, client);
        self.try_next(now, client)
    }

    /// A server that has taken an INVITE is told to stop, over another connection than the one that broke: the call goes
    /// on elsewhere, and nobody else would tell it.
    fn stop_unreachable(&mut self, now: Instant, client: ClientId) {
        let delivery = self.deliveries.get(&client).filter(|known| known.heard > Heard::Nothing);
        let Some(Delivery { path, spare: Some(spare), .. }) = delivery else {
            return;
        };
        if spare.request.method == Method::Invite {
            let (path, cancel) = (Path { flow: None, ..path.clone() }, cancel_for(&spare.request));
            // Nobody waits for its answer.
            let _ = self.transactions.request(now, path, cancel);
        }
    }

    /// No word came in time, and there is another server.
    pub(super) fn delivery_timeout(&mut self, now: Instant, client: ClientId) {
        let Some(owner) = self.owners.get(&client).copied() else {
            return;
        };
        let spare = self.deliveries.get(&client).and_then(|delivery| delivery.spare.as_deref());
        let left = spare.map(|spare| (spare.request.clone(), spare.impatient));
        self.note_dead(now, client);
        if let Some(delivery) = self.deliveries.get_mut(&client)
            && let Some(spare) = &mut delivery.spare
        {
            // By another transport it would have it twice.
            spare.others.retain(|other| other.remote != delivery.path.remote);
        }
        let moved = self.try_next(now, client);
        match left {
            Some((request, _)) if moved => self.leave_behind(client, request),
            Some((request, true)) if self.may_move(owner) => {
                self.owners.remove(&client);
                self.leave_behind(client, request);
                self.tell_failure(now, owner, Failure::TimedOut);
            }
            Some(_) | None => {}
        }
        self.settle_owner(now, owner);
    }

    /// Forgets a request to a silent server; an INVITE is listened for.
    fn leave_behind(&mut self, client: ClientId, request: Request) {
        if request.method != Method::Invite {
            return self.transactions.abandon_client(client);
        }
        self.transactions.hush_client(client);
        if let Some(delivery) = self.deliveries.get(&client) {
            let path = delivery.path.clone();
            let orphan = Orphan { invite: request, path, cancelled: false, acks: Vec::new() };
            self.orphans.insert(client, orphan);
            self.owners.insert(client, Owner::Orphan);
        }
    }

    /// A single address is nothing to be put aside: phones and strangers stay out of the table.
    fn note_dead(&mut self, now: Instant, client: ClientId) {
        let delivery = self.deliveries.get(&client).filter(|found| found.spare.is_some());
        if let Some(path) = delivery.map(|delivery| delivery.path.clone()) {
            self.park(now, &path);
        }
    }

    /// Sends the request to the next server, if there is one and it is still wanted.
    fn try_next(&mut self, now: Instant, client: ClientId) -> bool {
        let Some(owner) = self.owners.get(&client).copied().filter(|owner| self.may_move(*owner))
        else {
            return false;
        };
        let Some(delivery) = self.deliveries.get_mut(&client) else {
            return false;
        };
        let Some(next) = delivery.spare.as_mut().and_then(|spare| spare.others.pop_front()) else {
            return false;
        };
        let from = delivery.path.clone();
        let Some(mut spare) = delivery.spare.take() else {
            return false;
        };
        self.owners.remove(&client);
        // Inside a dialog the peer names the hosts.
        let in_dialog = spare.request.headers.to_tag().is_some();
        if in_dialog && next.remote != from.remote {
            drop_credentials(&mut spare.request);
        }
        self.aim(&mut spare.request, &from, &next);
        tracing::warn!(method = %spare.request.method, %from, to = %next, "no answer: next server");
        self.tell_moved(owner, &next, &spare.request);
        let request = spare.request.clone();
        if !self.open(now, owner, next, Some(spare), request) {
            self.tell_failure(now, owner, Failure::Network);
        }
        true
    }

    fn may_move(&self, owner: Owner) -> bool {
        match owner {
            Owner::Session(id, sent) => {
                self.sessions.get(&id).is_some_and(|session| session.may_move(sent))
            }
            Owner::Registration(..) | Owner::Outgoing(_) | Owner::Usage(..) => true,
            Owner::Orphan => false,
        }
    }

    fn tell_moved(&mut self, owner: Owner, path: &Path, request: &Request) {
        match owner {
            Owner::Session(id, sent) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.handle_moved(sent, path, request);
                }
            }
            Owner::Registration(id, _) => {
                if let Some(registration) = self.registrations.get_mut(&id) {
                    registration.handle_moved(path);
                }
            }
            Owner::Outgoing(id) => self.outgoing_moved(id, path, request),
            Owner::Usage(id, sent) => self.usages.handle_moved(id, sent, path),
            Owner::Orphan => {}
        }
    }

    /// Makes `request` one for `to`: a new branch, and a Contact that answers there.
    fn aim(&mut self, request: &mut Request, from: &Path, to: &Path) {
        let via = OwnVia::new(&self.config, to, &mut self.rng);
        request.headers.take_first(&HeaderName::Via);
        request.headers.push_front(HeaderName::Via, via);
        if (from.transport, from.local) == (to.transport, to.local) {
            return;
        }
        let old = self.config.sent_by(from.local);
        let is_ours = |contact: &NameAddr| {
            let host = contact.uri.host().and_then(|host| host.address());
            host == Some(old.ip()) && contact.uri.port().unwrap_or(0) == old.port()
        };
        if let Ok(mut contact) = request.headers.contact()
            && is_ours(&contact)
        {
            let user = contact.uri.user().unwrap_or_default().into_owned();
            contact.uri = contact_at(&self.config, &user, to, request.uri.is_secure());
            request.headers.set(HeaderName::Contact, contact);
        }
    }

    /// A server that was given up has woken.
    pub(super) fn orphan_answered(&mut self, now: Instant, client: ClientId, response: &Response) {
        let Some(orphan) = self.orphans.get_mut(&client) else {
            return;
        };
        let path = orphan.path.clone();
        let code = response.status.code();
        if code >= 200 {
            self.timers.cancel(&Waiter::Orphan(client));
        }
        if code < 200 && !orphan.cancelled {
            orphan.cancelled = true;
            // RFC 3261 §9.1, last paragraph: nothing else ends it when no final response comes.
            let until = now + self.config.timers.timeout();
            self.timers.set(Waiter::Orphan(client), until);
            let cancel = cancel_for(&orphan.invite);
            // Nobody waits for its answer.
            let _ = self.transactions.request(now, path, cancel);
        } else if (200..300).contains(&code) {
            self.end_orphan(now, client, response);
        }
    }

    fn end_orphan(&mut self, now: Instant, client: ClientId, response: &Response) {
        let Some(orphan) = self.orphans.get_mut(&client) else {
            return;
        };
        let tag = response.headers.to_tag().unwrap_or_default().into_owned();
        if let Some((_, path, ack)) = orphan.acks.iter().find(|(known, ..)| *known == tag) {
            self.output.push_back(Output::transmit(path.clone(), ack.clone()));
            return;
        }
        let Ok(mut dialog) = Dialog::of_caller(&orphan.invite, response) else {
            return;
        };
        if orphan.acks.len() >= MAX_FORKS {
            return;
        }
        let path = dialog.next_hop(&orphan.path);
        let cseq = orphan.invite.headers.cseq().map_or(0, |cseq| cseq.number);
        let mut ack = dialog.ack(cseq);
        let mut bye = dialog.request(Method::Bye);
        let mut endpoint = self.endpoint(path.clone());
        endpoint.add_via(&mut ack, &path);
        endpoint.add_via(&mut bye, &path);
        let ack = ack.to_bytes();
        if let Some(orphan) = self.orphans.get_mut(&client) {
            orphan.acks.push((tag, path.clone(), ack.clone()));
        }
        self.output.push_back(Output::transmit(path.clone(), ack));
        let _ = self.transactions.request(now, path, bye);
    }

    /// Tells the owner of a request that no answer will come.
    pub(super) fn tell_failure(&mut self, now: Instant, owner: Owner, failure: Failure) {
        match owner {
            Owner::Session(id, sent) => {
                if let Some(machine) = self.sessions.get_mut(&id) {
                    machine.handle_failure(now, sent, failure);
                }
            }
            Owner::Registration(id, cseq) => {
                if let Some(machine) = self.registrations.get_mut(&id) {
                    machine.handle_failure(now, cseq, failure);
                }
            }
            Owner::Outgoing(id) => self.outgoing_unanswered(id, failure),
            Owner::Usage(id, sent) => self.usage_unanswered(now, id, sent, failure),
            Owner::Orphan => {}
        }
    }

    pub(super) fn settle_owner(&mut self, now: Instant, owner: Owner) {
        match owner {
            Owner::Session(id, _) => self.settle_session(now, id),
            Owner::Registration(id, _) => self.settle_registration(now, id),
            Owner::Usage(id, _) => self.settle_usage(now, id),
            Owner::Outgoing(_) | Owner::Orphan => {}
        }
    }
}

/// A request of a dialog was signed for the peer that we know (see `Login`), and goes elsewhere.
fn drop_credentials(request: &mut Request) {
    request.headers.remove(&HeaderName::Authorization);
    request.headers.remove(&HeaderName::ProxyAuthorization);
}

/// The next hop of a request, when it is a name: the topmost Route, else the request URI (RFC 3261 §8.1.2). A strict
/// router has been made the request URI already.
fn named_hop(request: &Request) -> Option<Destination> {
    let routes = request.headers.addresses(HeaderName::Route).unwrap_or_default();
    let route = routes.first().map(|route| &route.uri).filter(|uri| uri.is_loose_router());
    let destination = Destination::of_uri(route.unwrap_or(&request.uri)).ok()?;
    // RFC 6761 §6.4: such a name leads nowhere. WebSocket clients have them (RFC 7118).
    let nowhere = destination.domain().as_str().ends_with(".invalid");
    (!destination.is_literal() && !nowhere).then_some(destination)
}
