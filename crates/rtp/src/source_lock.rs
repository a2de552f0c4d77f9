//! Whose packets are believed.
//!
//! RTP carries no proof of origin, so the address is all there is ("RTP bleed", AST-2017-005): media comes from
//! where signalling said, with one exception for senders behind a NAT.
//!
//! ```text
//!  state       from the address in force   from elsewhere
//!  ─────────   ─────────────────────────   ──────────────────────────────────────────────────────────────
//!  Open        Accept → Open, flowing      inside the window, allowed by `Learning`, PROOF packets in row of one
//!                                          source and payload type, and continuing what flowed: Learned → Fixed
//!                                          anything else: Stranger, counted
//!  Fixed       Accept                      the signalled address: Learned (back to it, at any time);
//!                                          anything else: Stranger, counted
//! ```

use std::fmt;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};

use crate::Header;

/// How long after signalling named an address another may be learned.
pub const WINDOW: Duration = Duration::from_secs(5);

/// Packets in row that make a new address believable.
const PROOF: u8 = 3;

/// A gap in the sequence numbers that still continues a stream.
const CONTINUES: u16 = 50;

/// Which addresses may be learned instead of the signalled one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// None.
    Never,
    /// Another port of the same host.
    SameHost,
    /// Any host: for peers whose signalling came through a NAT.
    AnyHost,
}

/// What to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Use it.
    Accept,
    /// Use it, and send to this address from now on.
    Learned(SocketAddr),
    /// Drop it.
    Stranger,
}

/// The lock of one RTP port.
#[derive(Clone, Debug)]
pub struct SourceLock {
    signalled: SocketAddr,
    remote: SocketAddr,
    learning: Learning,
    until: Instant,
    fixed: bool,
    flowing: Option<Header>,
    candidate: Option<(SocketAddr, Header, u8)>,
    strangers: u64,
}

impl SourceLock {
    /// Believes `signalled`, the address of the peer's SDP.
    pub fn new(now: Instant, signalled: SocketAddr, learning: Learning) -> Self {
        Self {
            signalled,
            remote: signalled,
            learning,
            until: now + WINDOW,
            fixed: false,
            flowing: None,
            candidate: None,
            strangers: 0,
        }
    }

    /// A later offer or answer named an address. The same one again keeps what was learned, and where nothing has come
    /// yet (a phone that rang for long) opens the window again.
    pub fn handle_signalled(&mut self, now: Instant, signalled: SocketAddr) {
        if signalled != self.signalled {
            let strangers = self.strangers;
            *self = Self { strangers, ..Self::new(now, signalled, self.learning) };
        } else if self.flowing.is_none() {
            self.until = now + WINDOW;
        }
    }

    /// Judges an RTP packet.
    pub fn handle_packet(&mut self, now: Instant, from: SocketAddr, header: &Header) -> Admission {
        if from == self.remote {
            self.flowing = Some(*header);
            self.candidate = None;
            return Admission::Accept;
        }
        if from == self.signalled {
            // What was learned was wrong, or was an intruder's.
            return self.learn(from, header);
        }
        if now <= self.until && !self.fixed && self.allows(from) && self.continues(header) {
            let row = match &self.candidate {
                Some((address, latest, row)) if *address == from && follows(latest, header) => {
                    row + 1
                }
                _ => 1,
            };
            if row >= PROOF {
                return self.learn(from, header);
            }
            self.candidate = Some((from, *header, row));
        }
        self.strangers += 1;
        Admission::Stranger
    }

    /// Judges a packet without RTP header (RTCP): only the host is compared, as its port may be any.
    pub fn admits_host(&self, from: SocketAddr) -> bool {
        from.ip() == self.remote.ip()
    }

    /// Where packets go.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Packets dropped.
    pub fn strangers(&self) -> u64 {
        self.strangers
    }

    fn learn(&mut self, from: SocketAddr, header: &Header) -> Admission {
        self.remote = from;
        self.fixed = true;
        self.flowing = Some(*header);
        self.candidate = None;
        Admission::Learned(from)
    }

    fn allows(&self, from: SocketAddr) -> bool {
        match self.learning {
            Learning::Never => false,
            Learning::SameHost => from.ip() == self.signalled.ip(),
            Learning::AnyHost => true,
        }
    }

    fn continues(&self, header: &Header) -> bool {
        self.flowing.as_ref().is_none_or(|latest| follows(latest, header))
    }
}

/// `open on 192.0.2.7:4000` or `fixed on …`.
impl fmt::Display for SourceLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.fixed, &self.flowing) {
            (true, _) => "fixed",
            (false, Some(_)) => "open, flowing",
            (false, None) => "open",
        };
        write!(f, "{state} on {}", self.remote)
    }
}

fn follows(latest: &Header, header: &Header) -> bool {
    let ahead = header.sequence.wrapping_sub(latest.sequence);
    latest.ssrc == header.ssrc
        && latest.payload_type == header.payload_type
        && (1..=CONTINUES).contains(&ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "192.0.2.7:4000";
    const MOVED: &str = "192.0.2.7:4444";
    const STRANGER: &str = "203.0.113.9:4000";

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("a constant of this test")
    }

    fn header(ssrc: u32, sequence: u16) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp: 0, ssrc }
    }

    fn lock(learning: Learning) -> SourceLock {
        SourceLock::new(Instant::ZERO, address(PEER), learning)
    }

    /// Sends `count` packets in row from `from`; how many got in.
    fn send(
        lock: &mut SourceLock,
        ms: u64,
        from: &str,
        ssrc: u32,
        first: u16,
        count: u16,
    ) -> usize {
        (first..first + count)
            .filter(|sequence| {
                let now = Instant::from_millis(ms);
                let header = header(ssrc, *sequence);
                lock.handle_packet(now, address(from), &header) != Admission::Stranger
            })
            .count()
    }

    #[test]
    fn a_stranger_never_gets_in_beside_a_flowing_call() {
        let mut lock = lock(Learning::AnyHost);
        assert_eq!(send(&mut lock, 0, PEER, 1, 10, 5), 5);
        assert_eq!(send(&mut lock, 100, STRANGER, 666, 1, 500), 0);
        // Not even with the right source, when the numbers do not continue.
        assert_eq!(send(&mut lock, 100, STRANGER, 1, 9000, 500), 0);
        assert_eq!(send(&mut lock, 120, PEER, 1, 15, 5), 5);
        assert_eq!((lock.strangers(), lock.remote()), (1000, address(PEER)));
    }

    #[test]
    fn another_port_of_the_host_is_learned_once() {
        let mut lock = lock(Learning::SameHost);
        assert_eq!(send(&mut lock, 20, MOVED, 1, 10, 10), 8);
        assert_eq!(lock.remote(), address(MOVED));
        assert_eq!(send(&mut lock, 40, "192.0.2.7:5555", 1, 20, 10), 0);
        assert_eq!(send(&mut lock, 60, MOVED, 1, 20, 10), 10);
    }

    #[test]
    fn another_host_is_learned_only_where_allowed() {
        assert_eq!(send(&mut lock(Learning::Never), 20, MOVED, 1, 10, 10), 0);
        assert_eq!(send(&mut lock(Learning::SameHost), 20, STRANGER, 1, 10, 10), 0);
        assert_eq!(send(&mut lock(Learning::AnyHost), 20, STRANGER, 1, 10, 10), 8);
    }

    #[test]
    fn nothing_is_learned_after_the_window_unless_signalling_speaks_again_first() {
        let mut lock = lock(Learning::AnyHost);
        assert_eq!(send(&mut lock, 5001, MOVED, 1, 10, 100), 0);
        lock.handle_signalled(Instant::from_millis(20_000), address(PEER));
        assert_eq!(send(&mut lock, 20_100, MOVED, 1, 10, 10), 8);
    }

    #[test]
    fn the_signalled_address_takes_its_place_back() {
        let mut lock = lock(Learning::AnyHost);
        send(&mut lock, 20, STRANGER, 666, 10, 5);
        assert_eq!(lock.remote(), address(STRANGER));
        assert_eq!(send(&mut lock, 60_000, PEER, 1, 1, 5), 5);
        assert_eq!(send(&mut lock, 60_010, STRANGER, 666, 15, 100), 0);
    }

    #[test]
    fn a_new_address_in_signalling_is_believed_at_once_and_the_same_one_keeps_what_was_learned() {
        let mut lock = lock(Learning::SameHost);
        send(&mut lock, 20, MOVED, 1, 10, 5);
        lock.handle_signalled(Instant::from_millis(30), address(PEER));
        assert_eq!(lock.remote(), address(MOVED));
        lock.handle_signalled(Instant::from_millis(40), address(STRANGER));
        assert_eq!(lock.remote(), address(STRANGER));
    }

    /// Where the latest of three packets in row comes from, of which source, and when.
    const INPUTS: [(&str, &str, u32, u64); 6] = [
        ("the signalled address", PEER, 1, 100),
        ("another port, same source", MOVED, 1, 100),
        ("another port, another source", MOVED, 2, 100),
        ("another host, same source", STRANGER, 1, 100),
        ("another host, another source", STRANGER, 2, 100),
        ("another port, too late", MOVED, 1, 6_000),
    ];

    #[test]
    fn lock_transitions() {
        let mut table = String::new();
        for learning in [Learning::Never, Learning::SameHost, Learning::AnyHost] {
            for before in [None, Some(PEER), Some(MOVED)] {
                for (name, from, ssrc, ms) in INPUTS {
                    let mut lock = lock(learning);
                    if let Some(before) = before {
                        send(&mut lock, 20, before, 1, 10, 3);
                    }
                    let state = lock.to_string();
                    let admitted = send(&mut lock, ms, from, ssrc, 13, 3);
                    table +=
                        &format!("{learning:?}, {state} | {name} | {admitted} of 3 → {lock}\n");
                }
            }
        }
        insta::assert_snapshot!(table);
    }
}
