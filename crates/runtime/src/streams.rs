//! Connections: sockets that listen, connect, read and write. What for, and how long, the gateway decides.
//!
//! ```text
//!  listener ─► Accepted ─► Gateway::accept ─► a task per connection ─┬─► octets, endings ─► Gateway::handle_flow
//!  FlowOrder::Connect ──────────────────────►                        └◄─ orders: send, close
//! ```
//!
//! A task waits when signalling has not taken what it read, so a peer that sends too fast is slowed down by TCP.

mod carry;
mod listen;
mod web_socket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use tipring_gateway::{CloseReason, Domain, FlowId, FlowOrder};
use tipring_sip::message::Transport;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::tls::Tls;

pub(crate) use listen::{accept_on, bind_datagrams, bind_listener};

/// What listeners and connections have to say.
pub(crate) enum Report {
    /// A peer has connected.
    Accepted { transport: Transport, local: SocketAddr, remote: SocketAddr, socket: TcpStream },
    /// Something happened to a connection.
    Flow { flow: FlowId, what: What },
}

/// What happens to a connection.
pub(crate) enum What {
    Connected,
    Established(Vec<Domain>),
    Bytes(Vec<u8>),
    /// A message of WebSocket, that is not yet whole.
    Begun,
    /// Of WebSocket.
    Message(Vec<u8>),
    /// Of WebSocket.
    Pong,
    Sent(usize),
    /// The peer has said its last word.
    Finished,
    Ended,
    /// Why, for the log.
    Failed(String),
}

/// Reports that may wait for the signalling task; whoever has more to say waits.
pub(crate) const REPORTS: usize = 512;

/// Messages that may wait for a peer to read them; the gateway bounds their octets.
const ORDERS: usize = 2048;

/// The connections there are.
pub(crate) struct Streams {
    tls: Tls,
    /// Where the pages must be from that connect by WebSocket.
    origins: Rc<[String]>,
    reports: mpsc::Sender<Report>,
    connections: BTreeMap<FlowId, Connection>,
}

struct Connection {
    orders: mpsc::Sender<ToPeer>,
    task: AbortHandle,
}

/// What a connection is to do.
enum ToPeer {
    Send(Vec<u8>),
    /// Of WebSocket.
    Ping,
    Close,
}

impl Streams {
    pub(crate) fn new(tls: Tls, origins: Vec<String>, reports: mpsc::Sender<Report>) -> Self {
        Self { tls, origins: origins.into(), reports, connections: BTreeMap::new() }
    }

    /// Other certificates for connections to come.
    pub(crate) fn set_tls(&mut self, tls: Tls) {
        self.tls = tls;
    }

    /// Takes a connection that a peer has made and the gateway wants.
    pub(crate) fn adopt(&mut self, flow: FlowId, transport: Transport, socket: TcpStream) {
        tracing::debug!(%flow, %transport, "connection taken");
        let end = self.end(flow);
        let door = carry::Door { transport, tls: self.tls.clone(), origins: self.origins.clone() };
        self.spawn(flow, end.0, carry::accepted(socket, door, end.1));
    }

    /// Does what the gateway wants. `Err` says that a connection can take no more.
    pub(crate) fn obey(&mut self, order: FlowOrder) -> Result<(), FlowId> {
        match order {
            FlowOrder::Connect { flow, transport, local, remote, domain } => {
                tracing::debug!(%flow, %transport, %remote, ?domain, "connecting");
                let end = self.end(flow);
                let tls = transport.is_secure().then(|| self.tls.clone());
                self.spawn(flow, end.0, carry::connect(local, remote, tls, domain, end.1));
            }
            FlowOrder::Send { flow, bytes } => return self.tell(flow, ToPeer::Send(bytes)),
            FlowOrder::Ping { flow } => return self.tell(flow, ToPeer::Ping),
            FlowOrder::Close { flow, reason } => {
                note_end(flow, reason);
                return self.tell(flow, ToPeer::Close);
            }
            FlowOrder::Abort { flow, reason } => {
                note_end(flow, reason);
                if let Some(connection) = self.connections.remove(&flow) {
                    connection.task.abort();
                }
            }
        }
        Ok(())
    }

    /// A connection has said its last word.
    pub(crate) fn forget(&mut self, flow: FlowId) {
        self.connections.remove(&flow);
    }

    fn end(&self, flow: FlowId) -> (mpsc::Sender<ToPeer>, carry::End) {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let voice = carry::Voice { flow, reports: self.reports.clone() };
        (orders, carry::End { orders: inbox, voice })
    }

    fn spawn(
        &mut self,
        flow: FlowId,
        orders: mpsc::Sender<ToPeer>,
        task: impl Future<Output = ()> + 'static,
    ) {
        let task = tokio::task::spawn_local(task).abort_handle();
        self.connections.insert(flow, Connection { orders, task });
    }

    fn tell(&mut self, flow: FlowId, order: ToPeer) -> Result<(), FlowId> {
        let Some(connection) = self.connections.get(&flow) else {
            return Ok(());
        };
        if connection.orders.try_send(order).is_ok() {
            return Ok(());
        }
        if let Some(connection) = self.connections.remove(&flow) {
            connection.task.abort();
        }
        Err(flow)
    }
}

fn note_end(flow: FlowId, reason: CloseReason) {
    match reason {
        CloseReason::Garbage
        | CloseReason::Unframed
        | CloseReason::SlowSender
        | CloseReason::SlowReader
        | CloseReason::NoPong
        | CloseReason::ConnectTimeout
        | CloseReason::HandshakeTimeout => tracing::info!(%flow, %reason, "connection ended"),
        CloseReason::Ended
        | CloseReason::Failed
        | CloseReason::Silent
        | CloseReason::Idle
        | CloseReason::Displaced
        | CloseReason::Unclosed => tracing::debug!(%flow, %reason, "connection ended"),
    }
}
