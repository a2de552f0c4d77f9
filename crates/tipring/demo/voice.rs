//! The SIP peer's mouth, ear and keypad: G.711 and RFC 4733 in RTP, a packet each 20 ms.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use tipring_core::{Duration, Instant};
use tipring_dsp::g711::{self, Law};
use tipring_rtp::event::{EventChange, EventReceiver, EventSender};
use tipring_rtp::{Header, Packet};
use tipring_sdp::{Codec, Plan};

use super::sound::{RATE, Sound};

const PTIME: Duration = Duration::from_millis(20);
/// Samples of a packet.
const FRAME: usize = 160;
/// How long a key is held.
const KEY_MS: u16 = 100;
/// Packets between two keys.
const REST: u32 = 6;
/// What is recorded at most, samples.
const RECORDED: usize = 60 * RATE;
/// The keys, by their RFC 4733 code.
const KEYS: &str = "0123456789*#ABCD";

/// The stream of one call.
#[derive(Debug)]
pub(crate) struct Voice {
    to: SocketAddr,
    law: Law,
    payload_type: u8,
    event_type: Option<u8>,
    header: Header,
    /// When the next packet is due; absolute, so that a late one does not delay those after it.
    next: Instant,
    saying: VecDeque<i16>,
    /// Where each packet of what is said began in it, and when it was sent.
    said: Vec<(usize, Instant)>,
    said_samples: usize,
    keys: VecDeque<u8>,
    keypad: EventSender,
    rest: u32,
    /// What is recorded, while it is.
    heard: Option<Heard>,
    digits: EventReceiver,
    /// How late a packet left at worst.
    pub(crate) latest: Duration,
}

/// A recording of packets.
#[derive(Debug, Default)]
struct Heard {
    /// The timestamp of the packet that came first.
    origin: Option<u32>,
    /// When each came and what it held, by its samples from the origin: timestamps wrap.
    packets: BTreeMap<i32, (Instant, Vec<i16>)>,
}

impl Voice {
    /// Sends from now on, silence at first. `seed` makes SSRC, sequence number and timestamp.
    pub(crate) fn new(now: Instant, plan: &Plan, to: SocketAddr, seed: u64) -> Self {
        // It offers and takes G.711 alone.
        let law = if plan.codec == Codec::Pcma { Law::A } else { Law::Mu };
        Self {
            to,
            law,
            payload_type: plan.payload_type,
            event_type: plan.telephone_event,
            header: Header {
                marker: true,
                payload_type: plan.payload_type,
                sequence: seed as u16,
                timestamp: (seed >> 16) as u32,
                ssrc: (seed >> 32) as u32,
            },
            next: now,
            saying: VecDeque::new(),
            said: Vec::new(),
            said_samples: 0,
            keys: VecDeque::new(),
            keypad: EventSender::default(),
            rest: 0,
            heard: None,
            digits: EventReceiver::default(),
            latest: Duration::ZERO,
        }
    }

    /// Says this from the next packet on.
    pub(crate) fn say(&mut self, samples: &[i16]) {
        self.saying = samples.iter().copied().collect();
        (self.said, self.said_samples) = (Vec::new(), 0);
    }

    /// Listens from now on.
    pub(crate) fn listen(&mut self) {
        self.heard = Some(Heard::default());
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.extend(keys.chars().filter_map(|key| KEYS.find(key)).map(|code| code as u8));
    }

    /// When the first sample of what it says was spoken: the packets' time before they left. A packet that left late
    /// does not count: half of them left no later than this.
    pub(crate) fn spoken_at(&self) -> Option<Instant> {
        let at = |(from, sent): &(usize, Instant)| earlier(*sent, samples_long(from + FRAME));
        median(self.said.iter().map(at).collect())
    }

    /// What was heard since [`listen`](Self::listen), placed by its timestamps; where nothing came is silence. The first
    /// sample was heard when half the packets came no later than they should have after it.
    pub(crate) fn take_heard(&mut self) -> Option<Sound> {
        let heard = self.heard.take()?;
        let first = *heard.packets.keys().next()?;
        let mut samples = Vec::new();
        let mut arrivals = Vec::with_capacity(heard.packets.len());
        for (position, (at, part)) in &heard.packets {
            let place = usize::try_from(position.abs_diff(first)).ok()?;
            if place + part.len() > RECORDED {
                break;
            }
            samples.resize(place.max(samples.len()), 0);
            samples.truncate(place);
            samples.extend(part);
            arrivals.push(earlier(*at, samples_long(place)));
        }
        Some(Sound { at: median(arrivals)?, samples })
    }

    /// When a packet is due.
    pub(crate) fn poll_timeout(&self) -> Instant {
        self.next
    }

    /// The next packet, when it is due, and where to.
    pub(crate) fn poll_packet(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if now < self.next {
            return None;
        }
        self.latest = self.latest.max(now.since(self.next));
        self.next += PTIME;
        let timestamp = self.header.timestamp;
        self.header.timestamp = timestamp.wrapping_add(FRAME as u32);
        let packet =
            self.key_packet(timestamp).unwrap_or_else(|| self.audio_packet(now, timestamp));
        self.header.sequence = self.header.sequence.wrapping_add(1);
        Some((self.to, packet))
    }

    fn key_packet(&mut self, timestamp: u32) -> Option<Vec<u8>> {
        let payload_type = self.event_type?;
        self.rest = self.rest.saturating_sub(1);
        if self.keypad.is_idle()
            && self.rest == 0
            && let Some(code) = self.keys.pop_front()
        {
            self.keypad.start(timestamp, code, 10, KEY_MS);
            self.rest = REST + u32::from(KEY_MS) / 20 + 3;
        }
        let packet = self.keypad.poll(timestamp)?;
        let header = Header {
            marker: packet.marker,
            payload_type,
            timestamp: packet.timestamp,
            ..self.header
        };
        Some([&header.to_octets()[..], &packet.event.to_octets()[..]].concat())
    }

    fn audio_packet(&mut self, now: Instant, timestamp: u32) -> Vec<u8> {
        let mut frame = [0i16; FRAME];
        let count = self.saying.len().min(FRAME);
        for (slot, sample) in frame.iter_mut().zip(self.saying.drain(..count)) {
            *slot = sample;
        }
        if count == FRAME {
            self.said.push((self.said_samples, now));
        }
        self.said_samples += count;
        let mut octets = [0u8; FRAME];
        g711::encode(self.law, &frame, &mut octets);
        let header = Header { timestamp, payload_type: self.payload_type, ..self.header };
        self.header.marker = false;
        [&header.to_octets()[..], &octets[..]].concat()
    }

    /// Takes a packet from the peer.
    pub(crate) fn handle_packet(&mut self, now: Instant, bytes: &[u8]) {
        let Ok(packet) = Packet::parse(bytes) else { return };
        if Some(packet.header.payload_type) == self.event_type {
            return self.digits.handle_packet(now, &packet.header, packet.payload);
        }
        if packet.header.payload_type != self.payload_type {
            return;
        }
        if let Some(heard) = &mut self.heard
            && heard.packets.len() * FRAME < RECORDED
        {
            let timestamp = packet.header.timestamp;
            let position = timestamp.wrapping_sub(*heard.origin.get_or_insert(timestamp)) as i32;
            let mut samples = vec![0; packet.payload.len()];
            g711::decode(self.law, packet.payload, &mut samples);
            heard.packets.insert(position, (now, samples));
        }
    }

    /// A key that the peer has let go.
    pub(crate) fn poll_digit(&mut self) -> Option<char> {
        loop {
            match self.digits.poll_output()? {
                EventChange::Ended { code, .. } => return KEYS.chars().nth(usize::from(code)),
                EventChange::Began { .. } => {}
            }
        }
    }
}

fn samples_long(count: usize) -> Duration {
    Duration::from_micros(count as u64 * 1_000_000 / RATE as u64)
}

fn earlier(at: Instant, by: Duration) -> Instant {
    Instant::ZERO + at.since(Instant::ZERO + by)
}

fn median(mut values: Vec<Instant>) -> Option<Instant> {
    values.sort();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use tipring_sdp::{LocalMedia, OfferAnswer, Session};

    use super::super::sound;
    use super::*;

    fn voice() -> Voice {
        let to: SocketAddr = "127.0.0.1:4000".parse().expect("an address");
        let offer = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 4000 RTP/AVP 8 101\r\n\
                     a=rtpmap:101 telephone-event/8000\r\n";
        let offer = Session::parse(offer.as_bytes()).expect("a description");
        let local = LocalMedia::new(to.ip(), 5000);
        let mut media = OfferAnswer::new(1);
        let (_, plan) = media.answer(&local, &offer).expect("A-law is common");
        Voice::new(Instant::from_millis(1000), plan, to, 0x0011_FFFF_FF00_0007)
    }

    #[test]
    fn what_one_says_and_presses_another_hears() {
        let (mut mouth, mut ear) = (voice(), voice());
        let speech = sound::speech(3, 2);
        mouth.say(&speech);
        ear.listen();
        let mut digits = String::new();
        for millisecond in 1000..5000 {
            let now = Instant::from_millis(millisecond);
            if millisecond == 3500 {
                mouth.press("4#");
            }
            if let Some((_, packet)) = mouth.poll_packet(now) {
                ear.handle_packet(now + Duration::from_millis(3), &packet);
            }
            digits.extend(ear.poll_digit());
        }
        let at = mouth.spoken_at().expect("it spoke");
        assert_eq!(at, Instant::from_millis(980));
        let heard = ear.take_heard().expect("it heard");
        let found = sound::compare(&Sound { at, samples: speech }, &heard).expect("it is there");
        assert!(found.correlation > 0.995 && found.slips == 0, "{found:?}");
        assert_eq!(found.delay, 23 * 8, "a packet and the way");
        assert_eq!(digits, "4#");
    }
}
