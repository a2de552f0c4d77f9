//! Transactions: a request, its retransmissions and its responses (RFC 3261 §17, RFC 6026).
//!
//! Four machines, one file each: [`InviteClient`], [`InviteServer`], [`Client`], [`Server`]. [`Transactions`] keeps
//! them all, matches messages to them and runs their timers. A transaction carries messages; what they mean is the
//! session's or the registration's business.

mod ack;
mod cancel;
mod client;
mod invite_client;
mod invite_server;
mod key;
mod path;
mod server;
mod table;
mod timer;

pub(crate) use cancel::cancel_for;
pub use client::Client;
pub use invite_client::InviteClient;
pub use invite_server::InviteServer;
pub use key::{ClientKey, MergeKey, ServerKey};
pub use path::Path;
pub use server::Server;
pub use table::{Arrival, ClientId, Event, ServerId, TransactionCounts, Transactions};
pub use timer::{Resend, Timer, TimerValues};

use crate::message::Response;

/// The next of what a machine wants done. One that has said everything is silent for long, and keeps no room for it.
pub(crate) fn next_output<T>(output: &mut std::collections::VecDeque<T>) -> Option<T> {
    let next = output.pop_front();
    if next.is_none() {
        *output = std::collections::VecDeque::new();
    }
    next
}

/// What a client transaction wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOutput {
    /// Send these octets along the path.
    Transmit(Vec<u8>),
    /// Pass the response up.
    Response(Response),
    /// Timer B or F fired: no final response will come.
    TimedOut,
    /// The network refused the request.
    Failed,
    /// Forget the transaction.
    Terminated,
}

/// What a server transaction wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOutput {
    /// Send these octets along the path.
    Transmit(Vec<u8>),
    /// The ACK is for a 2xx: pass it up.
    Ack,
    /// Timer H fired: nobody acknowledged the final response.
    NoAck,
    /// Forget the transaction.
    Terminated,
}
