//! The agent's audio: G.711 over RTP, 20 ms a packet, on the virtual clock.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};
use tipring_dsp::g711::{self, Law};

const PTIME: Duration = Duration::from_millis(20);
const FRAME: usize = 160;
/// The payload type of telephone-events, here and in the agent's descriptions.
const EVENTS: u8 = 101;

/// What an agent says and hears.
#[derive(Debug)]
pub struct AgentMedia {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
    peer: Option<SocketAddr>,
    sending: bool,
    next: Option<Instant>,
    say: Vec<i16>,
    said: usize,
    said_at: Option<Instant>,
    keys: VecDeque<Key>,
    heard: BTreeMap<u32, Vec<i16>>,
    first_heard: Option<(Instant, u32)>,
    packets: u64,
    latest: Option<Instant>,
    events: Vec<(u8, u32)>,
    last_event: Option<u32>,
    muted: bool,
}

/// A key that is pressed (RFC 4733).
#[derive(Debug)]
struct Key {
    code: u8,
    duration: u32,
    elapsed: u32,
    began: Option<u32>,
    ends: u8,
}

impl AgentMedia {
    pub(super) fn new(ssrc: u32) -> Self {
        Self {
            ssrc,
            sequence: ssrc as u16,
            timestamp: ssrc,
            payload_type: 0,
            peer: None,
            sending: true,
            next: None,
            say: Vec::new(),
            said: 0,
            said_at: None,
            keys: VecDeque::new(),
            heard: BTreeMap::new(),
            first_heard: None,
            packets: 0,
            latest: None,
            events: Vec::new(),
            last_event: None,
            muted: false,
        }
    }

    /// Sends no more packets, as one does that has lost its power.
    pub fn mute(&mut self) {
        self.muted = true;
    }

    /// Says these samples (8 kHz, 16 bit) from its next packet on, then silence.
    pub fn say(&mut self, samples: &[i16]) {
        self.say = samples.to_vec();
        self.said = 0;
        self.said_at = None;
    }

    /// When the first sample of what it says was spoken: a packet's time before the packet left.
    pub fn spoken_at(&self) -> Option<Instant> {
        self.said_at
    }

    /// Presses a key for `ms` (RFC 4733), after those that are pressed already.
    pub fn press(&mut self, key: char, ms: u32) {
        let code = "0123456789*#ABCD".find(key).expect("a key of a telephone");
        let key = Key { code: code as u8, duration: ms * 8, elapsed: 0, began: None, ends: 3 };
        self.keys.push_back(key);
    }

    /// Sends with this payload type: 0 is µ-law, 8 is A-law.
    pub fn set_payload_type(&mut self, payload_type: u8) {
        self.payload_type = payload_type;
    }

    /// How many audio packets arrived.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// When the latest audio packet arrived.
    pub fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// The RFC 4733 events that ended, as event code and duration in timestamp units.
    pub fn events(&self) -> &[(u8, u32)] {
        &self.events
    }

    /// All audio heard, placed by its timestamps, gaps silent, and when its first packet arrived.
    pub fn heard(&self) -> (Instant, Vec<i16>) {
        let mut out = Vec::new();
        let Some((at, first)) = self.first_heard else { return (Instant::ZERO, out) };
        for (timestamp, samples) in &self.heard {
            let place = timestamp.wrapping_sub(first) as usize;
            if place > 8000 * 3600 {
                continue; // Before the first packet, or a stream that began anew: not placed.
            }
            out.resize(out.len().max(place + samples.len()), 0);
            out[place..place + samples.len()].copy_from_slice(samples);
        }
        (at, out)
    }

    /// Forgets what was heard so far.
    pub fn listen_anew(&mut self) {
        self.heard.clear();
        self.first_heard = None;
    }

    pub(super) fn set_peer(&mut self, peer: Option<SocketAddr>) {
        self.peer = peer;
        if peer.is_none() {
            self.next = None;
            self.sending = true;
            self.keys.clear();
        }
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(super) fn set_sending(&mut self, sending: bool) {
        self.sending = sending;
    }

    pub(super) fn peer_or(&self, other: SocketAddr) -> SocketAddr {
        self.peer.unwrap_or(other)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.muted {
            return None;
        }
        self.peer?;
        Some(self.next.unwrap_or(Instant::ZERO))
    }

    /// The packet that is due, if any.
    pub(super) fn speak(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.muted {
            return None;
        }
        self.peer?;
        let due = self.next.unwrap_or(now);
        if due > now {
            return None;
        }
        self.next = Some(due + PTIME);
        let stamp = self.timestamp;
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        if !self.sending {
            return None;
        }
        if let Some(packet) = self.press_on(stamp) {
            return Some(packet);
        }
        let mut frame = [0i16; FRAME];
        let rest = self.say.get(self.said..).unwrap_or(&[]);
        let count = rest.len().min(FRAME);
        frame[..count].copy_from_slice(&rest[..count]);
        self.said += count;
        if count > 0 && self.said_at.is_none() {
            self.said_at =
                Some(Instant::from_micros((now - Instant::ZERO).as_micros() as u64 - 20_000));
        }
        let mut payload = [0u8; FRAME];
        let law = if self.payload_type == 8 { Law::A } else { Law::Mu };
        g711::encode(law, &frame, &mut payload);
        Some(self.packet(self.payload_type, stamp, &payload))
    }

    /// The packet of the key that is pressed; its three ends are said one after the other.
    fn press_on(&mut self, stamp: u32) -> Option<Vec<u8>> {
        let key = self.keys.front_mut()?;
        let first = key.began.is_none();
        let began = *key.began.get_or_insert(stamp);
        key.elapsed = (key.elapsed + FRAME as u32).min(key.duration);
        let over = key.elapsed == key.duration;
        let flags = if over { 0x80 | 10 } else { 10 };
        let [high, low] = (key.elapsed as u16).to_be_bytes();
        let payload = [key.code, flags, high, low];
        if over {
            key.ends -= 1;
            if key.ends == 0 {
                self.keys.pop_front();
            }
        }
        let marker = if first { 0x80 } else { 0 };
        Some(self.packet(EVENTS | marker, began, &payload))
    }

    fn packet(&mut self, kind: u8, stamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80, kind];
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(stamp.to_be_bytes());
        bytes.extend(self.ssrc.to_be_bytes());
        bytes.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        bytes
    }

    pub(super) fn hear(&mut self, now: Instant, bytes: &[u8]) {
        let (Some(&kind), Some(&[a, b, c, d]), Some(payload)) =
            (bytes.get(1), bytes.get(4..8), bytes.get(12..))
        else {
            return;
        };
        let timestamp = u32::from_be_bytes([a, b, c, d]);
        let law = match kind & 0x7f {
            0 => Law::Mu,
            8 => Law::A,
            EVENTS => return self.hear_event(timestamp, payload),
            _ => return,
        };
        self.packets += 1;
        self.latest = Some(now);
        self.first_heard.get_or_insert((now, timestamp));
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
