//! How much room connections get, and how much time.

use tipring_core::Duration;

/// The bounds of [`Flows`](super::Flows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Most connections at a time, those included that are being made and closed; 512. Peers may make seven eighths of
    /// them.
    pub connections: usize,
    /// Most connections at a time that one IPv4 address or one /64 of IPv6 has made and nobody has registered over; 64.
    /// A /48 may have twice as many. As many that we have made to it.
    pub per_peer: usize,
    /// Octets that may wait for a peer to read them; 256 KiB. More, and the peer is dropped.
    pub unsent: usize,
    /// How long a TCP connection may take to be made; 2 s, so that the next server is tried in time.
    pub connect: Duration,
    /// How long the handshakes of TLS and WebSocket may take; 4 s.
    pub handshake: Duration,
    /// How long a message may take from its first octet to its last; 10 s.
    pub message: Duration,
    /// How long a peer may take to read anything at all of what waits for it; 10 s.
    pub stall: Duration,
    /// How long a peer may take from connecting to its first message or line end; 30 s.
    pub first: Duration,
    /// How long a connection lives on which nothing happens and which nobody has registered over; 10 min.
    pub idle: Duration,
    /// How long a connection must be quiet to give way to a new one when all are taken; 32 s, the life of a
    /// transaction.
    pub quiet: Duration,
    /// How long what was sent last may take to arrive before a connection is closed; 2 s.
    pub linger: Duration,
    /// Time between keep-alives on a connection that we registered over; 95 s, and up to 24 s more so that not all
    /// come at once (RFC 5626 §4.4.1).
    pub keep_alive: Duration,
    /// Time between pings to a WebSocket client; 30 s.
    pub web_socket_ping: Duration,
    /// How long a pong may take; 10 s (RFC 5626 §4.4.1).
    pub pong: Duration,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self {
            connections: 512,
            per_peer: 64,
            unsent: 256 * 1024,
            connect: Duration::from_secs(2),
            handshake: Duration::from_secs(4),
            message: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            first: Duration::from_secs(30),
            idle: Duration::from_secs(600),
            quiet: Duration::from_secs(32),
            linger: Duration::from_secs(2),
            keep_alive: Duration::from_secs(95),
            web_socket_ping: Duration::from_secs(30),
            pong: Duration::from_secs(10),
        }
    }
}
