//! The user agent: transactions, sessions and registrations as one value.
//!
//! ```text
//! datagram ─► parse ─► transaction ─┬► session (INVITE and its dialogs) ─► Output::{Incoming, Progress, Ended …}
//!               │                   ├► registration                     ─► Output::Registration
//!               │                   ├► subscription, publication        ─► Output::{Notified, Subscribe, Watcher …}
//!               ▼                   └► the application                  ─► Output::{Request, Response}
//!       stateless refusal
//! ```
//!
//! Feed it with [`UserAgent::handle_datagram`] and [`UserAgent::handle_timeout`], drain [`UserAgent::poll_output`]
//! until `None` after each, and come back at [`UserAgent::poll_timeout`].

mod config;
mod delivery;
mod endpoint;
mod ingress;
mod instant_message;
mod large;
mod output;
mod probes;
mod references;
mod replies;
mod requests;
mod sessions;
mod stun;
mod subscriptions;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use sha2::Sha256;
use tipring_core::{Instant, Rng, Timers};

pub(crate) use self::config::Settings;
pub use self::config::{ReferPolicy, Reliability, SessionTimers, UaConfig};
use self::delivery::{Delivery, Orphan, Parcel};
pub(crate) use self::endpoint::Endpoint;
pub use self::instant_message::{InstantMessage, MAX_UNCONTROLLED_MESSAGE, TooLarge};
pub use self::large::MAX_DATAGRAM;
pub use self::output::{OutgoingId, Output, RequestId};
use self::replies::{Replies, ReplyId};
pub use self::requests::Outgoing;
use self::requests::{PendingOutgoing, PendingRequest};
pub use self::sessions::SessionError;
use self::stun::StunServer;
pub use self::subscriptions::SubscriptionError;
use self::subscriptions::{UsageId, Usages};
use crate::locate::{Locator, LookupId};
use crate::message::{Headers, Request, Response, Transport};
use crate::registration::{RegistrationClient, RegistrationId, RegistrationOutput};
use crate::session::{Failure, Sent, Session, SessionId, SessionOutput};
use crate::transaction::{ClientId, Event, Path, ServerId, Transactions};

/// Octets that came in.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// How they came.
    pub transport: Transport,
    /// The socket they came to.
    pub local: SocketAddr,
    /// Where they came from.
    pub remote: SocketAddr,
    /// One datagram, or one message of a stream.
    pub bytes: &'a [u8],
}

/// How much is alive, for the auditor. All are zero when nothing goes on and the longest timer has fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Client transactions.
    pub clients: usize,
    /// Server transactions.
    pub servers: usize,
    /// Calls, those included that only wait for the answers of further forks or for the end of a transfer.
    pub sessions: usize,
    /// Dialogs of sessions, early and confirmed, and of subscriptions.
    pub dialogs: usize,
    /// Registrations kept up.
    pub registrations: usize,
    /// Subscriptions of ours.
    pub subscriptions: usize,
    /// Subscriptions of peers to us.
    pub watchers: usize,
    /// Publications kept up.
    pub publications: usize,
    /// Requests that the application has not answered.
    pub requests: usize,
    /// Requests of the application that have no final response.
    pub outgoing: usize,
    /// Responses that go around a dead connection.
    pub replies: usize,
    /// Names that are being looked up.
    pub lookups: usize,
    /// Deadlines set.
    pub timers: usize,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams given to us.
    pub datagrams: u64,
    /// Datagrams of line ends alone (RFC 5626 §4.4.1).
    pub keep_alives: u64,
    /// Binding requests that were answered (RFC 5626 §8).
    pub stun_answered: u64,
    /// Those that were not, because their sender has had enough for the second.
    pub stun_dropped: u64,
    /// Datagrams that are neither SIP nor STUN.
    pub garbage: u64,
    /// Messages that were refused for their form.
    pub malformed: u64,
    /// Responses and ACKs that belong to nothing.
    pub strays: u64,
    /// Requests refused, or answered without a transaction, because a table was full.
    pub overflows: u64,
    /// Repeated requests and ACKs that a transaction absorbed.
    pub absorbed: u64,
}

/// A SIP user agent.
#[derive(Debug)]
pub struct UserAgent {
    config: Arc<Settings>,
    rng: Rng,
    /// Makes the tags of our responses outside sessions; the same request always gets the same tag.
    tag_hash: Sha256,
    last_id: u64,
    transactions: Transactions,
    owners: BTreeMap<ClientId, Owner>,
    sessions: BTreeMap<SessionId, Box<Session>>,
    /// Those of them that are over, and wait for what is repeated of their answers.
    lingering: BTreeSet<SessionId>,
    /// By local tag; looked up alone, never gone through.
    tags: HashMap<String, SessionId>,
    invites: BTreeMap<ServerId, SessionId>,
    /// INVITEs that get a 100 when the application has not answered by the end of its turn.
    trying: VecDeque<(Instant, ServerId, SessionId)>,
    registrations: BTreeMap<RegistrationId, RegistrationClient>,
    requests: BTreeMap<RequestId, PendingRequest>,
    request_ids: BTreeMap<ServerId, RequestId>,
    outgoing: BTreeMap<OutgoingId, PendingOutgoing>,
    deliveries: BTreeMap<ClientId, Delivery>,
    orphans: BTreeMap<ClientId, Orphan>,
    locator: Locator,
    locating: BTreeMap<LookupId, Parcel>,
    replies: Replies,
    usages: Usages,
    stun: StunServer,
    timers: Timers<Waiter>,
    output: VecDeque<Output>,
    counters: Counters,
}

/// Whose request a client transaction carries.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Session(SessionId, Sent),
    Registration(RegistrationId, u32),
    Outgoing(OutgoingId),
    /// Nobody: the request went to another server.
    Orphan,
    Usage(UsageId, crate::subscription::Sent),
}

/// Who waits for a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiter {
    Session(SessionId),
    Registration(RegistrationId),
    /// A request without a transaction, which has no deadline of its own.
    Request(RequestId),
    /// A request that goes to another server when this one is silent.
    Delivery(ClientId),
    /// An INVITE that was left behind and then cancelled.
    Orphan(ClientId),
    Usage(UsageId),
    /// A response that goes around a dead connection.
    Reply(ReplyId),
}

impl UserAgent {
    /// A user agent that does nothing yet.
    pub fn new(config: UaConfig, mut rng: Rng) -> Self {
        let locator = Locator::new(config.reach.clone(), rng.fork());
        Self {
            transactions: Transactions::new(config.timers, config.max_transactions),
            config: Arc::new(Settings::new(config)),
            tag_hash: requests::keyed_hash(rng.fork()),
            rng,
            last_id: 0,
            owners: BTreeMap::new(),
            sessions: BTreeMap::new(),
            lingering: BTreeSet::new(),
            tags: HashMap::new(),
            invites: BTreeMap::new(),
            trying: VecDeque::new(),
            registrations: BTreeMap::new(),
            requests: BTreeMap::new(),
            request_ids: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            orphans: BTreeMap::new(),
            locator,
            locating: BTreeMap::new(),
            replies: Replies::new(),
            usages: Usages::default(),
            stun: StunServer::default(),
            timers: Timers::new(),
            output: VecDeque::new(),
            counters: Counters::default(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &UaConfig {
        &self.config
    }

    /// Adds to `headers` what we can do, for the answer to OPTIONS (RFC 3261 §11.2): Allow, Supported, Accept,
    /// Accept-Encoding, Allow-Events, Recv-Info.
    pub fn tell_capabilities(&self, headers: &mut Headers) {
        self.config.tell_capabilities(headers);
    }

    /// Fires everything that is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.transactions.handle_timeout(now);
        self.locator.handle_timeout(now);
        while let Some(waiter) = self.timers.pop_expired(now) {
            match waiter {
                Waiter::Session(id) => {
                    if let Some(session) = self.sessions.get_mut(&id) {
                        session.handle_timeout(now);
                    }
                    self.settle_session(now, id);
                }
                Waiter::Registration(id) => {
                    if let Some(registration) = self.registrations.get_mut(&id) {
                        registration.handle_timeout(now);
                    }
                    self.settle_registration(now, id);
                }
                Waiter::Request(id) => {
                    self.requests.remove(&id);
                }
                Waiter::Delivery(client) => self.delivery_timeout(now, client),
                Waiter::Orphan(client) => self.transactions.abandon_client(client),
                Waiter::Usage(id) => self.usage_due(now, id),
                Waiter::Reply(id) => self.forget_reply(id),
            }
        }
        self.pump(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        let locator = self.locator.poll_timeout();
        [self.transactions.poll_timeout(), self.timers.next(), locator].into_iter().flatten().min()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        while self.output.is_empty() {
            let (now, server, session) = self.trying.pop_front()?;
            if self.transactions.is_unanswered_invite(server)
                && let Some(session) = self.sessions.get(&session)
                && let Some(response) = session.trying(server)
            {
                self.transactions.respond(now, server, &response);
                self.pump(now);
            }
        }
        self.output.pop_front()
    }

    /// The network refuses to carry datagrams along this path (an ICMP error came back, a connection broke):
    /// requests that wait there for an answer fail.
    pub fn handle_send_error(&mut self, now: Instant, path: &Path) {
        if path.transport == Transport::Tcp && path.flow.is_none() {
            // What has no transaction, an ACK, must know as well.
            self.park(now, path);
        }
        self.transactions.handle_send_error(path);
        self.pump(now);
    }

    /// The connection of what was sent along this path has ended in good order: requests that have heard nothing fail.
    pub fn handle_connection_ended(&mut self, now: Instant, path: &Path) {
        self.transactions.handle_connection_ended(path);
        self.pump(now);
    }

    /// How much is alive.
    pub fn counts(&self) -> Counts {
        let transactions = self.transactions.counts();
        let [subscriptions, watchers, publications] = self.usages.counts();
        let dialogs: usize = self.sessions.values().map(|session| session.dialog_count()).sum();
        Counts {
            clients: transactions.clients,
            servers: transactions.servers,
            sessions: self.sessions.len(),
            dialogs: dialogs + self.usages.dialog_count(),
            registrations: self.registrations.len(),
            subscriptions,
            watchers,
            publications,
            requests: self.requests.len(),
            outgoing: self.outgoing.len(),
            replies: self.replies.len(),
            lookups: self.locator.lookups(),
            timers: transactions.timers + self.timers.len(),
        }
    }

    /// What happened since the start.
    pub fn counters(&self) -> Counters {
        let absorbed = self.transactions.retransmissions_absorbed();
        Counters { absorbed, ..self.counters }
    }

    /// Every machine in a line: transactions, sessions, registrations, subscriptions.
    pub fn describe(&self) -> impl Iterator<Item = String> + '_ {
        let sessions = self.sessions.values().map(ToString::to_string);
        let registrations = self.registrations.values().map(ToString::to_string);
        self.transactions
            .describe()
            .chain(sessions)
            .chain(registrations)
            .chain(self.usages.describe())
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Works off what the transactions and the locator have to say, and what follows from it.
    fn pump(&mut self, now: Instant) {
        loop {
            if let Some(event) = self.transactions.poll_output() {
                self.transaction_says(now, event);
            } else if let Some(output) = self.locator.poll_output() {
                self.locator_says(now, output);
            } else {
                return;
            }
        }
    }

    fn transaction_says(&mut self, now: Instant, event: Event) {
        match event {
            Event::Transmit { path, bytes } => self.output.push_back(Output::transmit(path, bytes)),
            Event::Response { id, response } => self.handle_client_response(now, id, response),
            Event::TimedOut(id) => self.handle_client_failure(now, id, Failure::TimedOut),
            Event::Failed(id) => self.handle_client_failure(now, id, Failure::Network),
            Event::ClientTerminated(id) => {
                self.deliveries.remove(&id);
                self.orphans.remove(&id);
                self.timers.cancel(&Waiter::Delivery(id));
                self.timers.cancel(&Waiter::Orphan(id));
                if let Some(Owner::Session(session, sent)) = self.owners.remove(&id) {
                    if let Some(machine) = self.sessions.get_mut(&session) {
                        machine.handle_terminated(sent, id);
                    }
                    self.settle_session(now, session);
                }
            }
            // RFC 3261 §17.2.1: the caller is gone without having heard our refusal; nothing is left to do.
            Event::NoAck(_) => {}
            Event::ServerTerminated(id) => {
                self.invites.remove(&id);
                if let Some(request) = self.request_ids.remove(&id) {
                    self.requests.remove(&request);
                }
            }
        }
    }

    fn handle_client_response(&mut self, now: Instant, id: ClientId, response: Response) {
        let Some(owner) = self.owners.get(&id).copied() else {
            return;
        };
        let Some(from) = self.deliveries.get(&id).map(Delivery::remote) else {
            return;
        };
        if !self.delivery_answered(now, id, &response) {
            match owner {
                Owner::Session(session, sent) => {
                    if let Some(machine) = self.sessions.get_mut(&session) {
                        machine.handle_response(now, sent, from, response);
                    }
                }
                Owner::Registration(registration, _) => {
                    if let Some(machine) = self.registrations.get_mut(&registration) {
                        machine.handle_response(now, &response);
                    }
                }
                Owner::Outgoing(outgoing) => self.outgoing_answered(now, outgoing, response),
                Owner::Usage(id, sent) => self.usage_answered(now, id, sent, from, &response),
                Owner::Orphan => self.orphan_answered(now, id, &response),
            }
        }
        self.settle_owner(now, owner);
    }

    fn handle_client_failure(&mut self, now: Instant, id: ClientId, failure: Failure) {
        let Some(owner) = self.owners.get(&id).copied() else {
            return;
        };
        if !self.delivery_failed(now, id) {
            self.tell_failure(now, owner, failure);
        }
        self.settle_owner(now, owner);
    }

    /// Does what a session asks for; forgets it when it is over.
    fn settle_session(&mut self, now: Instant, id: SessionId) {
        let mut replaced = None;
        while let Some(output) = self.sessions.get_mut(&id).and_then(|s| s.poll_output()) {
            match output {
                SessionOutput::Request { sent, path, request } => {
                    self.send_of_session(now, id, sent, path, request);
                }
                SessionOutput::Ack { path, request } => {
                    self.send_in_dialog(now, Parcel::Ack { path, request });
                }
                SessionOutput::Respond { server, response } => {
                    self.transactions.respond(now, server, &response);
                }
                SessionOutput::Abandon(client) => self.transactions.abandon_client(client),
                SessionOutput::Replaced(session) => replaced = Some(session),
                SessionOutput::Say(output) => self.output.push_back(*output),
            }
        }
        let Some(session) = self.sessions.get(&id) else {
            return;
        };
        match session.poll_timeout() {
            Some(at) => self.timers.set(Waiter::Session(id), at),
            None => self.timers.cancel(&Waiter::Session(id)),
        }
        if session.is_forgotten() {
            self.forget_session(id);
        } else if session.is_lingering() {
            self.lingering.insert(id);
            if self.lingering.len() > self.config.max_lingering
                && let Some(first) = self.lingering.first().copied()
            {
                self.forget_session(first);
            }
        }
        // RFC 3891 §3: the replaced call ends once the new one is answered.
        if let Some((id, session)) =
            replaced.and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)))
        {
            session.hang_up(now, None);
            self.settle_session(now, id);
        }
    }

    fn send_of_session(
        &mut self,
        now: Instant,
        id: SessionId,
        sent: Sent,
        path: Path,
        request: Box<Request>,
    ) {
        let owner = Owner::Session(id, sent);
        if sent.purpose.is_in_dialog() {
            return self.send_in_dialog(now, Parcel::Request { owner, path, request });
        }
        let session = self.sessions.get(&id);
        let others = session.map_or_else(Vec::new, |session| session.other_paths(sent));
        let impatient = session.is_some_and(|session| session.is_impatient(sent));
        if !self.send_one_of(now, owner, path, others, impatient, *request) {
            self.tell_failure(now, owner, Failure::Network);
        }
    }

    fn settle_registration(&mut self, now: Instant, id: RegistrationId) {
        let next = RegistrationClient::poll_output;
        while let Some(output) = self.registrations.get_mut(&id).and_then(next) {
            match output {
                RegistrationOutput::Locate(destination) => {
                    let lookup = self.locator.locate(now, Ok(*destination));
                    self.locating.insert(lookup, Parcel::Registration(id));
                }
                RegistrationOutput::Request { cseq, path, others, request } => {
                    let owner = Owner::Registration(id, cseq);
                    if !self.send(now, owner, path, others, *request) {
                        self.tell_failure(now, owner, Failure::Network);
                    }
                }
                RegistrationOutput::KeepAlive(path, bytes) => {
                    self.output.push_back(Output::transmit(path, bytes));
                }
                RegistrationOutput::Say(state) => {
                    self.output.push_back(Output::Registration { id, state });
                }
            }
        }
        let Some(registration) = self.registrations.get(&id) else {
            return;
        };
        match registration.poll_timeout() {
            Some(at) => self.timers.set(Waiter::Registration(id), at),
            None => self.timers.cancel(&Waiter::Registration(id)),
        }
        if registration.is_over() {
            self.registrations.remove(&id);
        }
    }
}
