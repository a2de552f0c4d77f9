//! The agent's audio: G.711 over RTP, 20 ms a packet, on the virtual clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};
use tipring_dsp::g711::{self, Law};

const PTIME: Duration = Duration::from_millis(20);
const FRAME: usize = 160;

/// What an agent says and hears.
#[derive(Debug)]
pub struct AgentMedia {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
    peer: Option<SocketAddr>,
    next: Option<Instant>,
    say: Vec<i16>,
    said: usize,
    heard: BTreeMap<u32, Vec<i16>>,
    first_heard: Option<u32>,
    packets: u64,
    events: Vec<(u8, u32)>,
    last_event: Option<u32>,
}

impl AgentMedia {
    pub(super) fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sequence: ssrc as u16,
            timestamp: ssrc,
            payload_type: 0,
            peer: None,
            next: None,
            say: Vec::new(),
            said: 0,
            heard: BTreeMap::new(),
            first_heard: None,
            packets: 0,
            events: Vec::new(),
            last_event: None,
        }
    }

    /// Says these samples (8 kHz, 16 bit) from now on, then silence.
    pub fn say(&mut self, samples: &[i16]) {
        self.say = samples.to_vec();
        self.said = 0;
    }

    /// Sends with this payload type: 0 is µ-law, 8 is A-law.
    pub fn set_payload_type(&mut self, payload_type: u8) {
        self.payload_type = payload_type;
    }

    /// How many audio packets arrived.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// The RFC 4733 events that ended, as event code and duration in timestamp units.
    pub fn events(&self) -> &[(u8, u32)] {
        &self.events
    }

    /// All audio heard, placed by its timestamps, gaps silent.
    pub fn heard(&self) -> Vec<i16> {
        let Some(first) = self.first_heard else { return Vec::new() };
        let mut out = Vec::new();
        for (timestamp, samples) in &self.heard {
            let at = timestamp.wrapping_sub(first) as usize;
            if at > 8000 * 3600 {
                continue; // Before the first packet, or a restart: not placed.
            }
            out.resize(out.len().max(at + samples.len()), 0);
            out[at..at + samples.len()].copy_from_slice(samples);
        }
        out
    }

    pub(super) fn set_peer(&mut self, peer: Option<SocketAddr>) {
        self.peer = peer;
        if peer.is_none() {
            self.next = None;
        }
    }

    pub(super) fn peer_or(&self, other: SocketAddr) -> SocketAddr {
        self.peer.unwrap_or(other)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.peer?;
        Some(self.next.unwrap_or(Instant::ZERO))
    }

    /// The packet that is due, if any.
    pub(super) fn speak(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.peer?;
        let due = self.next.unwrap_or(now);
        if due > now {
            return None;
        }
        self.next = Some(due + PTIME);
        let mut frame = [0i16; FRAME];
        let rest = self.say.get(self.said..).unwrap_or(&[]);
        let count = rest.len().min(FRAME);
        frame[..count].copy_from_slice(&rest[..count]);
        self.said += count;
        let mut bytes = vec![0x80, self.payload_type];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        let mut payload = [0u8; FRAME];
        let law = if self.payload_type == 8 { Law::A } else { Law::Mu };
        g711::encode(law, &frame, &mut payload);
        bytes.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        Some(bytes)
    }

    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let (Some(&kind), Some(stamp), Some(payload)) = (bytes.get(1), bytes.get(4..8), bytes.get(12..)) else {
            return;
        };
        let timestamp = u32::from_be_bytes([stamp[0], stamp[1], stamp[2], stamp[3]]);
        let law = match kind & 0x7f {
            0 => Law::Mu,
            8 => Law::A,
            101 => return self.hear_event(timestamp, payload),
            _ => return,
        };
        self.packets += 1;
        self.first_heard.get_or_insert(timestamp);
        let mut samples = vec![0; payload.len()];
        g711::decode(law, payload, &mut samples);
        self.heard.insert(timestamp, samples);
    }

    fn hear_event(&mut self, timestamp: u32, payload: &[u8]) {
        let &[event, flags, high, low] = payload else { return };
        // All packets of an event carry the timestamp of its start; its end is sent three times.
        if flags & 0x80 != 0 && self.last_event.replace(timestamp) != Some(timestamp) {
            self.events.push((event, u32::from(u16::from_be_bytes([high, low]))));
        }
    }
}
