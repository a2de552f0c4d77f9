//! The audio of a SIP peer: an RTP endpoint that sends and keeps G.711 µ-law to the sample.
//!
//! It sends to where media comes from, 20 ms at a time at absolute deadlines, silence when it has nothing to say.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use tipring_dsp::g711::{self, Law};
use tipring_rtp::{Header, Packet};

use crate::control::PATIENCE;
use crate::process::{self, until};
use crate::stalls::{self, Stall};

/// Samples in a packet.
pub const PACKET: usize = 160;
/// The payload type of telephone-events in our descriptions.
const TELEPHONE_EVENT: u8 = 101;

/// A packet that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Instant,
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// What was heard, by the sender's clock.
pub struct Heard {
    /// Samples from the first packet on; what did not come is silence.
    pub samples: Vec<i16>,
    /// When each packet came, and the place of its first sample.
    pub arrivals: Vec<(usize, Instant)>,
}

/// One end of an RTP stream.
pub struct Endpoint {
    /// Its port.
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    socket: UdpSocket,
    state: Mutex<State>,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    peer: Option<SocketAddr>,
    received: Vec<Received>,
    speech: VecDeque<i16>,
    /// When the first sample that is waiting or gone was sent.
    spoke: Option<Instant>,
    digits: VecDeque<(u8, u16)>,
    stalls: Vec<Stall>,
}

impl Endpoint {
    /// Opens a port; the threads end with the endpoint.
    pub fn open() -> Self {
        Self::open_at(Ipv4Addr::LOCALHOST.into())
    }

    /// Opens a port of this address.
    pub fn open_at(ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        let port = socket.local_addr().expect("its address").port();
        let shared =
            Arc::new(Shared { socket, state: Mutex::default(), stop: AtomicBool::new(false) });
        let (receiver, sender) = (Arc::clone(&shared), Arc::clone(&shared));
        thread::spawn(move || receiver.receive());
        thread::spawn(move || sender.send());
        Self { port, shared }
    }

    /// Waits for media; gives where it comes from.
    pub fn peer(&self) -> SocketAddr {
        until("media", PATIENCE, || self.state().peer)
    }

    /// Says something after what is still to be said.
    pub fn speak(&self, samples: &[i16]) {
        self.state().speech.extend(samples);
    }

    /// When the first sample of all that was said left.
    pub fn spoke(&self) -> Instant {
        until("speech to begin", PATIENCE, || self.state().spoke)
    }

    /// Sends a digit as telephone-events.
    pub fn digit(&self, code: u8, ms: u16) {
        self.state().digits.push_back((code, ms));
    }

    /// When packets were sent too late, which is this machine's fault and not the gateway's.
    pub fn stalls(&self) -> Vec<Stall> {
        self.state().stalls.clone()
    }

    /// The packets so far.
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// The audio so far.
    pub fn heard(&self) -> Heard {
        let mut packets = self.received();
        packets.retain(|packet| packet.header.payload_type == 0);
        let mut heard = Heard { samples: Vec::new(), arrivals: Vec::new() };
        let Some(first) = packets.first().map(|packet| packet.header.timestamp) else {
            return heard;
        };
        for packet in packets {
            let from = packet.header.timestamp.wrapping_sub(first) as usize;
            let to = from + packet.payload.len();
            if heard.samples.len() < to {
                heard.samples.resize(to, 0);
            }
            g711::decode(Law::Mu, &packet.payload, &mut heard.samples[from..to]);
            heard.arrivals.push((from, packet.at));
        }
        heard
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("no thread has failed")
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn receive(&self) {
        let mut buffer = [0; 2048];
        while !self.stop.load(Ordering::Relaxed) {
            let Ok((len, from)) = self.socket.recv_from(&mut buffer) else { continue };
            let at = Instant::now();
            let Ok(packet) = Packet::parse(&buffer[..len]) else { continue };
            let received = Received { at, header: packet.header, payload: packet.payload.to_vec() };
            let mut state = self.state.lock().expect("no thread has failed");
            state.peer.get_or_insert(from);
            state.received.push(received);
        }
    }

    fn send(&self) {
        process::hurry();
        let mut next = Instant::now();
        let mut header =
            Header { payload_type: 0, marker: true, sequence: 1000, timestamp: 5000, ssrc: 0x51BB };
        let mut digit: Option<Sending> = None;
        while !self.stop.load(Ordering::Relaxed) {
            next += Duration::from_millis(20);
            thread::sleep(next.saturating_duration_since(Instant::now()));
            let mut state = self.state.lock().expect("no thread has failed");
            stalls::note(&mut state.stalls, next);
            let Some(peer) = state.peer else { continue };
            let mut octets = [0xFF; PACKET];
            digit = digit.or_else(|| {
                state.digits.pop_front().map(|(code, ms)| Sending::new(code, ms, header.timestamp))
            });
            if let Some(event) = &mut digit {
                for (payload, marker) in event.packets() {
                    let packet = Header {
                        payload_type: TELEPHONE_EVENT,
                        marker,
                        timestamp: event.timestamp,
                        ..header
                    };
                    self.transmit(packet, &payload, peer);
                    header.sequence = header.sequence.wrapping_add(1);
                }
                if event.over() {
                    digit = None;
                }
            } else {
                for octet in &mut octets {
                    let Some(sample) = state.speech.pop_front() else { break };
                    state.spoke.get_or_insert_with(Instant::now);
                    *octet = g711::encode_sample(Law::Mu, sample);
                }
                self.transmit(header, &octets, peer);
                header.sequence = header.sequence.wrapping_add(1);
                header.marker = false;
            }
            header.timestamp = header.timestamp.wrapping_add(PACKET as u32);
        }
    }

    fn transmit(&self, header: Header, payload: &[u8], peer: SocketAddr) {
        let mut datagram = [0; 256];
        let len = header.write(payload, &mut datagram).expect("it fits");
        // A port that has closed says so by ICMP; the stream goes on.
        let _ = self.socket.send_to(&datagram[..len], peer);
    }
}

/// A telephone-event on its way (RFC 4733 §2.5).
struct Sending {
    code: u8,
    timestamp: u32,
    duration: u16,
    total: u16,
}

impl Sending {
    fn new(code: u8, ms: u16, timestamp: u32) -> Self {
        Self { code, timestamp, duration: 0, total: ms * 8 }
    }

    fn over(&self) -> bool {
        self.duration >= self.total
    }

    /// The next packet, or the last one three times; with the marker at the beginning.
    fn packets(&mut self) -> Vec<([u8; 4], bool)> {
        let marker = self.duration == 0;
        self.duration += PACKET as u16;
        let end = if self.over() { 0x80 } else { 0 };
        let [high, low] = self.duration.to_be_bytes();
        let packet = ([self.code, end | 10, high, low], marker);
        vec![packet; if self.over() { 3 } else { 1 }]
    }
}
