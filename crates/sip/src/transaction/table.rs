//! All transactions of a user agent: matching and timers.

use core::fmt;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use tipring_core::{Alarm, Alarms, Instant};

use super::{
    Client, ClientKey, ClientOutput, InviteClient, InviteServer, MergeKey, Path, Server, ServerKey,
    ServerOutput, TimerValues,
};
use crate::message::{Method, Request, Response};

/// A client transaction. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

/// A server transaction. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(u64);

/// What a received request turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Part of a transaction that exists; nothing is left to do.
    Absorbed,
    /// An ACK that no transaction wants: one for a 2xx, or a stray.
    Ack,
    /// A request of its own; a transaction was opened for it.
    New(ServerId),
    /// The same request came along another way (RFC 3261 §8.2.2.2); a transaction was opened to say so with 482.
    Merged(ServerId),
    /// A request of its own, and no room for its transaction.
    Full,
}

/// What the transactions want done or known, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Send these octets.
    Transmit {
        /// Where to.
        path: Path,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A response that is not a repetition.
    Response {
        /// To which request.
        id: ClientId,
        /// The response.
        response: Response,
    },
    /// No final response came in time.
    TimedOut(ClientId),
    /// The request could not be sent.
    Failed(ClientId),
    /// The client transaction is over.
    ClientTerminated(ClientId),
    /// No ACK came for the non-2xx final response.
    NoAck(ServerId),
    /// The server transaction is over.
    ServerTerminated(ServerId),
}

/// How many transactions live, for the auditor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionCounts {
    /// INVITE and other client transactions.
    pub clients: usize,
    /// INVITE and other server transactions.
    pub servers: usize,
    /// Deadlines they wait for.
    pub timers: usize,
}

/// The transaction layer.
#[derive(Debug)]
pub struct Transactions {
    values: TimerValues,
    limit: usize,
    last_id: u64,
    clients: BTreeMap<ClientId, ClientEntry>,
    // Peers choose what is in the keys of these, and they are looked up alone, never gone through.
    client_keys: HashMap<Arc<ClientKey>, ClientId>,
    servers: BTreeMap<ServerId, Box<ServerEntry>>,
    server_keys: HashMap<Arc<ServerKey>, ServerId>,
    merge_keys: HashMap<Arc<MergeKey>, ServerId>,
    alarms: Alarms<Id>,
    events: VecDeque<Event>,
    retransmissions_absorbed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Client(ClientId),
    Server(ServerId),
}

#[derive(Debug)]
struct ClientEntry {
    key: Arc<ClientKey>,
    alarm: Option<Alarm>,
    machine: ClientMachine,
}

#[derive(Debug)]
enum ClientMachine {
    Invite(Box<InviteClient>),
    Other(Box<Client>),
}

#[derive(Debug)]
struct ServerEntry {
    key: Arc<ServerKey>,
    /// Of a request that may come along another way.
    merge_key: Option<Arc<MergeKey>>,
    alarm: Option<Alarm>,
    machine: ServerMachine,
}

#[derive(Debug)]
enum ServerMachine {
    Invite(InviteServer),
    Other(Server),
}

/// Gives `$machine` to the expression, whichever of the two it is.
macro_rules! either {
    ($kind:ident, $both:expr, $machine:ident => $do:expr) => {
        match $both {
            $kind::Invite($machine) => $do,
            $kind::Other($machine) => $do,
        }
    };
}

impl Transactions {
    /// None yet; at most `limit` clients and `limit` servers.
    pub fn new(values: TimerValues, limit: usize) -> Self {
        Self {
            values,
            limit,
            last_id: 0,
            clients: BTreeMap::new(),
            client_keys: HashMap::new(),
            servers: BTreeMap::new(),
            server_keys: HashMap::new(),
            merge_keys: HashMap::new(),
            alarms: Alarms::new(),
            events: VecDeque::new(),
            retransmissions_absorbed: 0,
        }
    }

    /// Sends `request`, which has its Via, in a client transaction; `None` when there is no room.
    pub fn request(&mut self, now: Instant, path: Path, request: Request) -> Option<ClientId> {
        if self.clients.len() >= self.limit {
            return None;
        }
        let key = Arc::new(ClientKey::of_request(&request)?);
        self.last_id += 1;
        let id = ClientId(self.last_id);
        let machine = if request.method == Method::Invite {
            let client = InviteClient::new(now, path, self.values, request);
            ClientMachine::Invite(Box::new(client))
        } else {
            ClientMachine::Other(Box::new(Client::new(now, path, self.values, &request)))
        };
        self.client_keys.insert(Arc::clone(&key), id);
        self.clients.insert(id, ClientEntry { key, alarm: None, machine });
        self.settle_client(id);
        Some(id)
    }

    /// Takes a response; false when it matches nothing.
    pub fn handle_response(&mut self, now: Instant, response: Response) -> bool {
        let Some(&id) =
            ClientKey::of_response(&response).and_then(|key| self.client_keys.get(&key))
        else {
            return false;
        };
        if let Some(entry) = self.clients.get_mut(&id) {
            either!(ClientMachine, &mut entry.machine, machine => machine.handle_response(now, response));
        }
        self.settle_client(id);
        true
    }

    /// Takes a request whose responses go along `path`.
    pub fn handle_request(&mut self, now: Instant, path: &Path, request: &Request) -> Arrival {
        let Some(key) = ServerKey::of_request(request) else {
            return Arrival::Full;
        };
        if let Some(&id) = self.server_keys.get(&key) {
            return self.handle_matched(now, id, request);
        }
        if request.method == Method::Ack {
            return Arrival::Ack;
        }
        if self.servers.len() >= self.limit {
            return Arrival::Full;
        }
        self.last_id += 1;
        let id = ServerId(self.last_id);
        let machine = if request.method == Method::Invite {
            ServerMachine::Invite(InviteServer::new(path.clone(), self.values))
        } else {
            let server = Server::new(now, path.clone(), self.values, request.method.clone());
            ServerMachine::Other(server)
        };
        let (key, merge_key) = (Arc::new(key), MergeKey::of_request(request).map(Arc::new));
        let merged = merge_key.as_ref().is_some_and(|key| self.merge_keys.contains_key(key));
        if let Some(key) = merge_key.as_ref().filter(|_| !merged) {
            self.merge_keys.insert(Arc::clone(key), id);
        }
        self.server_keys.insert(Arc::clone(&key), id);
        let entry = ServerEntry { key, merge_key, alarm: None, machine };
        self.servers.insert(id, Box::new(entry));
        self.settle_server(id);
        if merged { Arrival::Merged(id) } else { Arrival::New(id) }
    }

    fn handle_matched(&mut self, now: Instant, id: ServerId, request: &Request) -> Arrival {
        let Some(entry) = self.servers.get_mut(&id) else {
            return Arrival::Absorbed;
        };
        self.retransmissions_absorbed += 1;
        match &mut entry.machine {
            ServerMachine::Invite(machine) if request.method == Method::Ack => {
                machine.handle_ack(now);
            }
            ServerMachine::Invite(machine) => machine.handle_retransmission(),
            ServerMachine::Other(machine) => machine.handle_retransmission(),
        }
        if self.settle_server(id) { Arrival::Ack } else { Arrival::Absorbed }
    }

    /// The INVITE transaction that `cancel` wants to end (RFC 3261 §9.2).
    pub fn cancelled_by(&self, cancel: &Request) -> Option<ServerId> {
        self.server_keys.get(&ServerKey::of_cancelled(cancel)?).copied()
    }

    /// Sends a response in a server transaction; false when the transaction is over.
    pub fn respond(&mut self, now: Instant, id: ServerId, response: &Response) -> bool {
        let Some(entry) = self.servers.get_mut(&id) else {
            return false;
        };
        either!(ServerMachine, &mut entry.machine, machine => machine.respond(now, response));
        self.settle_server(id);
        true
    }

    /// Whether the server transaction still waits for a final response.
    pub fn is_proceeding(&self, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(
            |entry| either!(ServerMachine, &entry.machine, machine => machine.is_proceeding()),
        )
    }

    /// Whether the server transaction is an INVITE's that has sent nothing yet.
    pub fn is_unanswered_invite(&self, id: ServerId) -> bool {
        self.servers.get(&id).is_some_and(
            |entry| matches!(&entry.machine, ServerMachine::Invite(machine) if machine.is_unanswered()),
        )
    }

    /// Forgets a client transaction; nothing more is heard of it but its end.
    pub fn abandon_client(&mut self, id: ClientId) {
        if let Some(entry) = self.clients.get_mut(&id) {
            either!(ClientMachine, &mut entry.machine, machine => machine.abandon());
        }
        self.settle_client(id);
    }

    /// Sends an INVITE no more; its responses are still passed up until timer B.
    pub fn hush_client(&mut self, id: ClientId) {
        if let Some(ClientEntry { machine: ClientMachine::Invite(machine), .. }) =
            self.clients.get_mut(&id)
        {
            machine.hush();
        }
        self.settle_client(id);
    }

    /// Forgets a server transaction.
    pub fn abandon_server(&mut self, id: ServerId) {
        if let Some(entry) = self.servers.get_mut(&id) {
            either!(ServerMachine, &mut entry.machine, machine => machine.abandon());
        }
        self.settle_server(id);
    }

    /// The network refuses to carry anything along `path`: its client transactions fail.
    pub fn handle_send_error(&mut self, path: &Path) {
        self.fail(path, |_| true);
    }

    /// The connection that messages along `path` went over has ended in good order: client transactions that have
    /// heard nothing fail. The others may hear more over another connection (RFC 3261 §18.2.2).
    pub fn handle_connection_ended(&mut self, path: &Path) {
        self.fail(path, |machine| match machine {
            ClientMachine::Invite(machine) => machine.is_unanswered(),
            ClientMachine::Other(machine) => machine.is_unanswered(),
        });
    }

    fn fail(&mut self, path: &Path, which: impl Fn(&ClientMachine) -> bool) {
        let hit = |machine: &ClientMachine| machine.path() == path && which(machine);
        let hits = self.clients.iter().filter(|(_, entry)| hit(&entry.machine));
        let ids: Vec<_> = hits.map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(entry) = self.clients.get_mut(&id) {
                either!(ClientMachine, &mut entry.machine, machine => machine.handle_send_error());
            }
            self.settle_client(id);
        }
    }

    /// Fires all timers that are due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.alarms.pop_expired(now) {
            match id {
                Id::Client(id) => {
                    if let Some(entry) = self.clients.get_mut(&id) {
                        entry.alarm = None;
                        either!(ClientMachine, &mut entry.machine, machine => machine.handle_timeout(now));
                    }
                    self.settle_client(id);
                }
                Id::Server(id) => {
                    if let Some(entry) = self.servers.get_mut(&id) {
                        entry.alarm = None;
                        either!(ServerMachine, &mut entry.machine, machine => machine.handle_timeout(now));
                    }
                    self.settle_server(id);
                }
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many there are.
    pub fn counts(&self) -> TransactionCounts {
        TransactionCounts {
            clients: self.clients.len(),
            servers: self.servers.len(),
            timers: self.alarms.len(),
        }
    }

    /// Repeated requests and ACKs that ended here, since the start.
    pub fn retransmissions_absorbed(&self) -> u64 {
        self.retransmissions_absorbed
    }

    fn settle_client(&mut self, id: ClientId) {
        let Some(entry) = self.clients.get_mut(&id) else {
            return;
        };
        while let Some(output) =
            either!(ClientMachine, &mut entry.machine, machine => machine.poll_output())
        {
            let event = match output {
                ClientOutput::Transmit(bytes) => {
                    Event::Transmit { path: entry.machine.path().clone(), bytes }
                }
                ClientOutput::Response(response) => Event::Response { id, response },
                ClientOutput::TimedOut => Event::TimedOut(id),
                ClientOutput::Failed => Event::Failed(id),
                ClientOutput::Terminated => {
                    self.client_keys.remove(&entry.key);
                    schedule(&mut self.alarms, &mut entry.alarm, Id::Client(id), None);
                    self.clients.remove(&id);
                    self.events.push_back(Event::ClientTerminated(id));
                    return;
                }
            };
            self.events.push_back(event);
        }
        let deadline = either!(ClientMachine, &entry.machine, machine => machine.poll_timeout());
        schedule(&mut self.alarms, &mut entry.alarm, Id::Client(id), deadline);
    }

    /// True when an ACK was passed up.
    fn settle_server(&mut self, id: ServerId) -> bool {
        let mut ack = false;
        let Some(entry) = self.servers.get_mut(&id) else {
            return ack;
        };
        while let Some(output) =
            either!(ServerMachine, &mut entry.machine, machine => machine.poll_output())
        {
            match output {
                ServerOutput::Transmit(bytes) => {
                    let path = entry.machine.path().clone();
                    self.events.push_back(Event::Transmit { path, bytes });
                }
                ServerOutput::Ack => ack = true,
                ServerOutput::NoAck => self.events.push_back(Event::NoAck(id)),
                ServerOutput::Terminated => {
                    self.server_keys.remove(&entry.key);
                    if let Some(key) = &entry.merge_key
                        && self.merge_keys.get(key) == Some(&id)
                    {
                        self.merge_keys.remove(key);
                    }
                    schedule(&mut self.alarms, &mut entry.alarm, Id::Server(id), None);
                    self.servers.remove(&id);
                    self.events.push_back(Event::ServerTerminated(id));
                    return ack;
                }
            }
        }
        let deadline = either!(ServerMachine, &entry.machine, machine => machine.poll_timeout());
        schedule(&mut self.alarms, &mut entry.alarm, Id::Server(id), deadline);
        ack
    }

    /// Each transaction in a line.
    pub fn describe(&self) -> impl Iterator<Item = String> + '_ {
        let clients = self.clients.iter().map(|(id, entry)| either!(ClientMachine, &entry.machine, machine => format!("{id} {machine}")));
        clients.chain(self.servers.iter().map(|(id, entry)| either!(ServerMachine, &entry.machine, machine => format!("{id} {machine}"))))
    }
}

impl ClientMachine {
    fn path(&self) -> &Path {
        match self {
            Self::Invite(machine) => machine.path(),
            Self::Other(machine) => machine.path(),
        }
    }
}

impl ServerMachine {
    fn path(&self) -> &Path {
        match self {
            Self::Invite(machine) => machine.path(),
            Self::Other(machine) => machine.path(),
        }
    }
}

fn schedule(alarms: &mut Alarms<Id>, slot: &mut Option<Alarm>, id: Id, deadline: Option<Instant>) {
    if slot.map(Alarm::at) == deadline {
        return;
    }
    if let Some(old) = slot.take() {
        alarms.cancel(old);
    }
    *slot = deadline.map(|at| alarms.set(at, id));
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tx-{}", self.0)
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tx-{}", self.0)
    }
}
