//! What goes into the table of connections and comes out of it.

use core::fmt;
use std::net::SocketAddr;

use super::{Domain, FlowId};
use crate::message::Transport;
use crate::transaction::Path;

/// What the shell has to say of a connection.
#[derive(Clone, Debug)]
pub enum FlowInput<'a> {
    /// TCP is there; the handshake of TLS begins.
    Connected,
    /// Messages can be sent. With the names that the peer's certificate proves, if it has shown one that is good.
    Established(Vec<Domain>),
    /// Octets came in a stream.
    Bytes(&'a [u8]),
    /// A message of WebSocket has begun, and what came since the one before is not yet whole.
    Begun,
    /// A message of WebSocket came, whole.
    Message(&'a [u8]),
    /// A pong of WebSocket came.
    Pong,
    /// So many octets of what was to be sent are with the operating system.
    Sent(usize),
    /// The peer has said its last word, and may still listen; [`FlowInput::Ended`] follows.
    Finished,
    /// Both sides are closed.
    Ended,
    /// It was refused or reset, its handshake failed, or it cannot be written to.
    Failed,
}

/// What the shell does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowOrder {
    /// Connect.
    Connect {
        /// What the connection is called.
        flow: FlowId,
        /// Over TCP alone or with TLS.
        transport: Transport,
        /// From this address, whatever its port; any, when it is unspecified.
        local: SocketAddr,
        /// To this one.
        remote: SocketAddr,
        /// Who must prove to be there over TLS; `None` for the address itself.
        domain: Option<Domain>,
    },
    /// Send, and say [`FlowInput::Sent`] when it is done.
    Send {
        /// On which connection.
        flow: FlowId,
        /// A message, or line ends.
        bytes: Vec<u8>,
    },
    /// Send a ping of WebSocket.
    Ping {
        /// On which connection.
        flow: FlowId,
    },
    /// Close our side once everything is sent; say [`FlowInput::Ended`] when the peer has closed its own.
    Close {
        /// Which connection.
        flow: FlowId,
        /// Why, for the log.
        reason: CloseReason,
    },
    /// Forget at once; nothing more is said of it.
    Abort {
        /// Which connection.
        flow: FlowId,
        /// Why, for the log.
        reason: CloseReason,
    },
}

/// What connections want done and have to say, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowOutput {
    /// For the shell.
    Order(FlowOrder),
    /// For the user agent: a message came.
    Received {
        /// Where from, and on which connection.
        path: Path,
        /// All its octets.
        bytes: Vec<u8>,
    },
    /// For the user agent: what was sent along this path may not have arrived, and no answer will come on the
    /// connection.
    Unsendable {
        /// As it was said when sending.
        path: Path,
        /// The peer ended the connection in good order: what it has begun to answer it may answer on another.
        in_order: bool,
    },
    /// For the user agent: this response waited for a connection that could not be made.
    Unsent {
        /// Where it was to go.
        path: Path,
        /// All its octets.
        bytes: Vec<u8>,
    },
    /// A connection that had been established is no more.
    Gone {
        /// Which.
        flow: FlowId,
    },
}

/// Why a connection is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The peer closed it.
    Ended,
    /// It was refused or reset, or its handshake failed.
    Failed,
    /// It was not made in time.
    ConnectTimeout,
    /// Its handshake was not done in time.
    HandshakeTimeout,
    /// What came was no SIP.
    Garbage,
    /// A message came whose end cannot be told.
    Unframed,
    /// A message did not end in time.
    SlowSender,
    /// The peer does not read.
    SlowReader,
    /// Nothing ever came.
    Silent,
    /// Nothing has happened for long.
    Idle,
    /// A ping was not answered.
    NoPong,
    /// It gave way to a new one.
    Displaced,
    /// We closed it, and the peer did not in time.
    Unclosed,
}

impl CloseReason {
    /// Whether what waits to be sent is not waited for.
    pub(super) const fn is_at_once(self) -> bool {
        match self {
            Self::Ended
            | Self::Garbage
            | Self::Unframed
            | Self::SlowSender
            | Self::Silent
            | Self::Idle => false,
            Self::Failed
            | Self::ConnectTimeout
            | Self::HandshakeTimeout
            | Self::SlowReader
            | Self::NoPong
            | Self::Displaced
            | Self::Unclosed => true,
        }
    }

    /// Whether the peer may well be there and answer on another connection.
    pub(super) const fn is_in_order(self) -> bool {
        matches!(self, Self::Ended | Self::Silent | Self::Idle | Self::Displaced)
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ended => "closed by the peer",
            Self::Failed => "refused or broken",
            Self::ConnectTimeout => "not made in time",
            Self::HandshakeTimeout => "handshake not done in time",
            Self::Garbage => "what came is no SIP",
            Self::Unframed => "a message does not say where it ends",
            Self::SlowSender => "a message did not end in time",
            Self::SlowReader => "the peer does not read",
            Self::Silent => "nothing ever came",
            Self::Idle => "not used",
            Self::NoPong => "a ping was not answered",
            Self::Displaced => "given up for a new one",
            Self::Unclosed => "the peer did not close it in time",
        })
    }
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounters {
    /// Connections of peers that were taken.
    pub accepted: u64,
    /// Connections that we asked for.
    pub connected: u64,
    /// Connections of peers that were not taken, and messages that were not sent, for lack of room.
    pub refused: u64,
    /// Connections given up for new ones.
    pub displaced: u64,
    /// Connections of ours that failed before they were established.
    pub failed: u64,
    /// Connections closed because what came was no SIP, or a message whose end cannot be told.
    pub garbage: u64,
    /// Connections closed because a message did not end in time, or nothing ever came.
    pub slow_senders: u64,
    /// Connections dropped because the peer does not read.
    pub slow_readers: u64,
    /// Connections dropped because a ping was not answered.
    pub no_pong: u64,
}
