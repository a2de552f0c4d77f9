//! The RTP thread: all RTP and RTCP sockets, one round per tick.
//!
//! ```text
//!  media thread ──unpark──► round: ring ──► send     every socket: receive ──SourceLock──► ring
//! ```
//!
//! It never touches a packet's contents beyond the header that the source lock looks at.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use tipring_core::{Duration, Instant, TerminationId};
use tipring_media::RtpEnd;
use tipring_rtp::{Admission, Learning, Packet, SourceLock};

use crate::clock::Clock;
use crate::watch::Guard;

/// What signalling tells the RTP thread.
#[derive(Debug)]
pub enum RtpOrder {
    /// These sockets belong to that stream.
    Open(TerminationId, RtpSockets),
    /// Where the stream's peer is.
    Peer {
        /// Which stream.
        termination: TerminationId,
        /// Its RTP address; `None` stops sending.
        rtp: Option<SocketAddr>,
        /// Its RTCP address.
        rtcp: Option<SocketAddr>,
        /// From where else its media may come.
        learning: Learning,
    },
    /// Close the sockets, after what waits to be sent.
    Close(TerminationId),
}

/// A bound pair.
#[derive(Debug)]
pub struct RtpSockets {
    rtp: UdpSocket,
    rtcp: UdpSocket,
}

impl RtpSockets {
    /// Binds `port` and the one above.
    pub fn bind(address: IpAddr, port: u16) -> std::io::Result<Self> {
        let bind = |port| {
            let socket = UdpSocket::bind(SocketAddr::new(address, port))?;
            socket.set_nonblocking(true)?;
            Ok::<_, std::io::Error>(socket)
        };
        Ok(Self { rtp: bind(port)?, rtcp: bind(port + 1)? })
    }
}

/// Counters of the RTP thread, read by anybody.
#[derive(Debug, Default)]
pub struct RtpCounters {
    /// Datagrams from elsewhere than the peer, dropped.
    pub strangers: AtomicU64,
    /// Datagrams that are no RTP, dropped.
    pub malformed: AtomicU64,
    /// Datagrams that found the ring to the engine full.
    pub overflow: AtomicU64,
    /// Datagrams that the network did not take.
    pub unsent: AtomicU64,
}

/// The other side of the RTP thread.
pub struct RtpIo {
    /// Orders, in order.
    pub orders: Sender<RtpOrder>,
    /// To be unparked after each tick.
    pub thread: thread::Thread,
    /// What was dropped.
    pub counters: Arc<RtpCounters>,
}

/// RTCP is looked at this often; RTP in every round.
const RTCP_EVERY: u32 = 20;
/// A round without a tick.
const IDLE: Duration = Duration::from_millis(10);
/// Orders that may wait.
const ORDERS: usize = 4096;
/// Datagrams taken from one socket in one round.
const BURST: usize = 32;
/// A closed stream's sockets stay this long, for its RTCP BYE.
const LINGER: Duration = Duration::from_millis(40);

/// Starts the thread, which tells by `guard` when it panics; it ends when the orders' sender is dropped.
pub fn spawn(clock: Clock, end: RtpEnd, guard: Guard) -> std::io::Result<RtpIo> {
    let (orders, receiver) = bounded(ORDERS);
    let counters = Arc::new(RtpCounters::default());
    let io = Rounds {
        clock,
        end,
        streams: BTreeMap::new(),
        leaving: Vec::new(),
        counters: counters.clone(),
        round: 0,
    };
    let handle = thread::Builder::new().name("rtp-io".into()).spawn(move || {
        let _guard = guard;
        io.run(&receiver);
    })?;
    Ok(RtpIo { orders, thread: handle.thread().clone(), counters })
}

struct Stream {
    sockets: RtpSockets,
    lock: Option<SourceLock>,
    rtcp: Option<SocketAddr>,
    sending: bool,
}

struct Rounds {
    clock: Clock,
    end: RtpEnd,
    streams: BTreeMap<TerminationId, Stream>,
    leaving: Vec<(Instant, TerminationId)>,
    counters: Arc<RtpCounters>,
    round: u32,
}

impl Rounds {
    fn run(mut self, orders: &Receiver<RtpOrder>) {
        loop {
            loop {
                match orders.try_recv() {
                    Ok(order) => self.take(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let now = self.clock.now();
            self.send();
            self.receive(now);
            self.leaving.retain(|(at, termination)| {
                if *at <= now {
                    self.streams.remove(termination);
                }
                *at > now
            });
            self.round = self.round.wrapping_add(1);
            thread::park_timeout(IDLE);
        }
    }

    fn take(&mut self, order: RtpOrder) {
        match order {
            RtpOrder::Open(termination, sockets) => {
                let stream = Stream { sockets, lock: None, rtcp: None, sending: false };
                self.streams.insert(termination, stream);
            }
            RtpOrder::Peer { termination, rtp, rtcp, learning } => {
                let now = self.clock.now();
                let Some(stream) = self.streams.get_mut(&termination) else { return };
                stream.sending = rtp.is_some();
                stream.rtcp = rtcp;
                match (rtp, &mut stream.lock) {
                    (Some(rtp), Some(lock)) => lock.handle_signalled(now, rtp),
                    (Some(rtp), lock) => *lock = Some(SourceLock::new(now, rtp, learning)),
                    (None, _) => {}
                }
            }
            RtpOrder::Close(termination) => {
                self.leaving.push((self.clock.now() + LINGER, termination));
            }
        }
    }

    fn send(&mut self) {
        while let Some(slot) = self.end.pop() {
            let Some(stream) = self.streams.get(&slot.termination) else { continue };
            let (socket, to) = if slot.rtcp {
                (&stream.sockets.rtcp, stream.rtcp)
            } else {
                (&stream.sockets.rtp, stream.lock.as_ref().map(SourceLock::remote))
            };
            let Some(to) = to.filter(|_| stream.sending) else { continue };
            if socket.send_to(slot.datagram(), to).is_err() {
                self.counters.unsent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn receive(&mut self, now: Instant) {
        let Self { streams, end, counters, round, .. } = self;
        let with_rtcp = round.is_multiple_of(RTCP_EVERY);
        for (termination, stream) in streams {
            drain(&stream.sockets.rtp, |datagram, from| {
                let Ok(packet) = Packet::parse(datagram) else {
                    counters.malformed.fetch_add(1, Ordering::Relaxed);
                    return;
                };
                let Some(lock) = &mut stream.lock else { return };
                match lock.handle_packet(now, from, &packet.header) {
                    Admission::Accept => {}
                    Admission::Learned(address) => {
                        tracing::info!(%termination, %address, "media comes from another address");
                    }
                    Admission::Stranger => {
                        counters.strangers.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                }
                if !end.push(*termination, now, false, datagram) {
                    counters.overflow.fetch_add(1, Ordering::Relaxed);
                }
            });
            if !with_rtcp {
                continue;
            }
            drain(&stream.sockets.rtcp, |datagram, from| {
                let admitted = stream.lock.as_ref().is_some_and(|lock| lock.admits_host(from));
                if admitted {
                    end.push(*termination, now, true, datagram);
                } else {
                    counters.strangers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
}

fn drain(socket: &UdpSocket, mut take: impl FnMut(&[u8], SocketAddr)) {
    let mut buffer = [0u8; 2048];
    for _ in 0..BURST {
        // An error is "nothing there", or an ICMP message about an earlier datagram: no news either way.
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { return };
        take(buffer.get(..len).unwrap_or_default(), from);
    }
}
