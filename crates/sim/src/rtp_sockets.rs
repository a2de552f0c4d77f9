//! The gateway's RTP sockets, with the source lock before the media engine as the program has it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use tipring_core::{Duration, Instant, TerminationId};
use tipring_media::RtpEnd;
use tipring_rtp::{Admission, Learning, Packet, SourceLock};

use crate::net::Parcel;

/// A closed stream's sockets stay this long, for its RTCP BYE.
const LINGER: Duration = Duration::from_millis(40);

/// The longest datagram that a slot of the engine's ring holds.
const LONGEST: usize = tipring_media::block::MAX_DATAGRAM;

pub(crate) struct RtpSockets {
    host: IpAddr,
    end: RtpEnd,
    ports: BTreeMap<u16, TerminationId>,
    /// Even ports that another program has.
    pub(crate) foreign: BTreeSet<u16>,
    streams: BTreeMap<TerminationId, Stream>,
    leaving: Vec<(Instant, TerminationId)>,
    /// Datagrams from elsewhere than the peer.
    pub(crate) strangers: u64,
    /// Datagrams that are no RTP.
    pub(crate) malformed: u64,
    /// Datagrams that found the engine's ring full.
    pub(crate) overflow: u64,
}

struct Stream {
    port: u16,
    lock: Option<SourceLock>,
    rtcp: Option<SocketAddr>,
    sending: bool,
}

impl RtpSockets {
    pub(crate) fn new(host: IpAddr, end: RtpEnd) -> Self {
        Self {
            host,
            end,
            ports: BTreeMap::new(),
            foreign: BTreeSet::new(),
            streams: BTreeMap::new(),
            leaving: Vec::new(),
            strangers: 0,
            malformed: 0,
            overflow: 0,
        }
    }

    /// Opens `port` and the one above; false when somebody has it.
    pub(crate) fn open(&mut self, termination: TerminationId, port: u16) -> bool {
        if self.ports.contains_key(&port) || self.foreign.contains(&port) {
            return false;
        }
        self.ports.insert(port, termination);
        let stream = Stream { port, lock: None, rtcp: None, sending: false };
        self.streams.insert(termination, stream);
        true
    }

    pub(crate) fn peer(
        &mut self,
        now: Instant,
        termination: TerminationId,
        rtp: Option<SocketAddr>,
        rtcp: Option<SocketAddr>,
        learning: Learning,
    ) {
        let Some(stream) = self.streams.get_mut(&termination) else { return };
        stream.sending = rtp.is_some();
        stream.rtcp = rtcp;
        match (rtp, &mut stream.lock) {
            (Some(rtp), Some(lock)) => lock.handle_signalled(now, rtp),
            (Some(rtp), lock) => *lock = Some(SourceLock::new(now, rtp, learning)),
            (None, _) => {}
        }
    }

    pub(crate) fn close(&mut self, now: Instant, termination: TerminationId) {
        self.leaving.push((now + LINGER, termination));
    }

    /// How many streams have sockets.
    pub(crate) fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// A datagram for one of the ports.
    pub(crate) fn receive(&mut self, now: Instant, parcel: &Parcel) {
        let port = parcel.to.port();
        let Some(termination) = self.ports.get(&(port & !1)).copied() else { return };
        let Some(stream) = self.streams.get_mut(&termination) else { return };
        let rtcp = port & 1 == 1;
        if parcel.bytes.len() > LONGEST {
            self.malformed += 1;
            return;
        }
        let admitted = if rtcp {
            stream.lock.as_ref().is_some_and(|lock| lock.admits_host(parcel.from))
        } else {
            let Ok(packet) = Packet::parse(&parcel.bytes) else {
                self.malformed += 1;
                return;
            };
            let Some(lock) = &mut stream.lock else { return };
            lock.handle_packet(now, parcel.from, &packet.header) != Admission::Stranger
        };
        if !admitted {
            self.strangers += 1;
        } else if !self.end.push(termination, now, rtcp, &parcel.bytes) {
            self.overflow += 1;
        }
    }

    /// What the engine wants sent.
    pub(crate) fn transmit(&mut self, now: Instant, mut send: impl FnMut(Parcel)) {
        while let Some(slot) = self.end.pop() {
            let Some(stream) = self.streams.get(&slot.termination) else { continue };
            let (port, to) = if slot.rtcp {
                (stream.port + 1, stream.rtcp)
            } else {
                (stream.port, stream.lock.as_ref().map(SourceLock::remote))
            };
            let Some(to) = to.filter(|_| stream.sending) else { continue };
            let from = SocketAddr::new(self.host, port);
            send(Parcel { from, to, bytes: slot.datagram().to_vec() });
        }
        let Self { leaving, streams, ports, .. } = self;
        leaving.retain(|(at, termination)| {
            if *at > now {
                return true;
            }
            if let Some(stream) = streams.remove(termination) {
                ports.remove(&stream.port);
            }
            false
        });
    }
}
