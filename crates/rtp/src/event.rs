//! Named telephone events: a digit as four octets instead of sound, RFC 4733 §2.
//!
//! ```text
//!  |     event     |E R  volume    |           duration            |   payload, durations in samples
//! ```
//! Sender: one packet as soon as the digit begins (marker), an update with the grown duration each ptime, the last
//! three times over with E set. All carry the timestamp at which the digit began (§2.5.1).
//!
//! ```text
//!  receiver          same digit goes on     E set            another digit          nothing for END_LOST
//!  ───────────────   ────────────────────   ──────────────   ────────────────────   ────────────────────
//!  Idle              Began → Hearing        Began, Ended     Began → Hearing        –
//!  Hearing           duration grows         Ended → Idle     Ended, Began           Ended → Idle
//!  Idle, a digit     –                      –                Began → Hearing        –
//!  just ended
//! ```

use std::fmt;

use tipring_core::{Duration, Instant};

use crate::{CLOCK_KHZ, Header};

/// How long a digit goes on after its latest update when the packets that end it are lost. Above two updates of
/// the longest ptime in use.
pub const END_LOST: Duration = Duration::from_millis(150);

/// The shortest digit sent, in milliseconds: Q.24 lets a receiver miss anything shorter.
pub const MIN_MS: u16 = 40;

/// How often the packet that ends a digit is sent (§2.5.1.4).
const END_REPEATS: u8 = 3;

/// The event codes that a telephone's keys and hook have: 0–9, `*`, `#`, A–D and flash (§3.2).
const LAST_CODE: u8 = 16;

/// What an RFC 4733 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// 0–9 the digits, 10 `*`, 11 `#`, 12–15 A–D, 16 flash.
    pub code: u8,
    /// Whether the digit is over.
    pub end: bool,
    /// Power below 0 dBm0, in dB, 0 to 63.
    pub volume: u8,
    /// So long it has lasted, in samples.
    pub duration: u16,
}

impl Event {
    /// Reads the first event of a payload; `None` where that is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let ([code, second, d0, d1], _) = payload.split_first_chunk::<4>()?;
        Some(Self {
            code: *code,
            end: second & 0x80 != 0,
            volume: second & 0x3F,
            duration: u16::from_be_bytes([*d0, *d1]),
        })
    }

    /// The payload.
    pub fn to_octets(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | self.volume & 0x3F, d0, d1]
    }
}

/// The next packet of a digit being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPacket {
    /// The header's marker.
    pub marker: bool,
    /// The header's timestamp: that of the digit's first sample.
    pub timestamp: u32,
    /// The payload.
    pub event: Event,
}

/// Sends one digit at a time.
#[derive(Clone, Debug, Default)]
pub struct EventSender {
    state: Sending,
}

#[derive(Clone, Debug, Default)]
enum Sending {
    #[default]
    Idle,
    On {
        packet: EventPacket,
        total: u16,
    },
    Ending {
        packet: EventPacket,
        left: u8,
    },
}

impl EventSender {
    /// Begins a digit at `timestamp`. A digit under way is cut off where it is; wait for [`Self::is_idle`].
    pub fn start(&mut self, timestamp: u32, code: u8, volume: u8, ms: u16) {
        // One RTP duration holds 8191 ms; longer digits end there.
        let total = ms.max(MIN_MS).saturating_mul(CLOCK_KHZ as u16);
        let event = Event { code, end: false, volume, duration: 0 };
        self.state = Sending::On { packet: EventPacket { marker: true, timestamp, event }, total };
    }

    /// Whether no digit is under way.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, Sending::Idle)
    }

    /// The packet for the ptime that ended at `timestamp`; `None` when idle.
    pub fn poll(&mut self, timestamp: u32) -> Option<EventPacket> {
        match &mut self.state {
            Sending::Idle => None,
            Sending::On { packet, total } => {
                let elapsed = timestamp.wrapping_sub(packet.timestamp);
                packet.event.duration = u16::try_from(elapsed).unwrap_or(u16::MAX).min(*total);
                packet.event.end = packet.event.duration == *total;
                let out = *packet;
                packet.marker = false;
                if out.event.end {
                    self.state = Sending::Ending { packet: *packet, left: END_REPEATS - 1 };
                }
                Some(out)
            }
            Sending::Ending { packet, left } => {
                let out = *packet;
                *left -= 1;
                if *left == 0 {
                    self.state = Sending::Idle;
                }
                Some(out)
            }
        }
    }
}

/// What a receiver of events tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventChange {
    /// A key was pressed.
    Began {
        /// See [`Event::code`].
        code: u8,
    },
    /// It was let go.
    Ended {
        /// See [`Event::code`].
        code: u8,
        /// How long it lasted, in samples.
        duration: u32,
    },
}

/// Receives digits, each once, however often and oddly its packets come.
#[derive(Clone, Debug, Default)]
pub struct EventReceiver {
    hearing: Option<Hearing>,
    latest: Option<Over>,
    outputs: [Option<EventChange>; 3],
}

#[derive(Clone, Copy, Debug)]
struct Hearing {
    code: u8,
    began: u32,
    duration: u32,
    heard: Instant,
}

/// The digit that ended last.
#[derive(Clone, Copy, Debug)]
struct Over {
    code: u8,
    began: u32,
    until: u32,
    /// Whether a packet with E was seen, or only silence.
    end_seen: bool,
}

impl EventReceiver {
    /// Takes a packet of the telephone-event payload type.
    pub fn handle_packet(&mut self, now: Instant, header: &Header, payload: &[u8]) {
        let Some(event) = Event::parse(payload).filter(|e| e.code <= LAST_CODE) else { return };
        if self.is_old(header, &event) {
            return;
        }
        match &mut self.hearing {
            Some(hearing) if hearing.continues(header, &event) => {
                let grown = header.timestamp.wrapping_sub(hearing.began);
                hearing.duration = hearing.duration.max(grown + u32::from(event.duration));
                hearing.heard = now;
            }
            _ => {
                self.end(false);
                let (code, duration) = (event.code, u32::from(event.duration));
                let began = header.timestamp;
                self.hearing = Some(Hearing { code, began, duration, heard: now });
                self.push(EventChange::Began { code });
            }
        }
        if event.end {
            self.end(true);
        }
    }

    /// Ends a digit whose updates stopped coming.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.end(false);
        }
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.hearing.map(|hearing| hearing.heard + END_LOST)
    }

    /// The next change. Drain after each of the other calls.
    pub fn poll_output(&mut self) -> Option<EventChange> {
        let first = self.outputs[0].take();
        self.outputs.rotate_left(1);
        first
    }

    /// The digit under way.
    pub fn hearing(&self) -> Option<u8> {
        self.hearing.map(|hearing| hearing.code)
    }

    /// Whether this is a late or repeated packet of a digit that is over.
    fn is_old(&self, header: &Header, event: &Event) -> bool {
        if self.hearing.is_some_and(|h| (header.timestamp.wrapping_sub(h.began) as i32) < 0) {
            return true;
        }
        let Some(over) = self.latest else { return false };
        let since_began = header.timestamp.wrapping_sub(over.began) as i32;
        if since_began < 0 {
            // Reordered; but a clock that jumped far back is another stream's.
            return since_began > -10_000 * CLOCK_KHZ as i32;
        }
        if since_began == 0 {
            // Some senders never change the timestamp; another key is another digit even so.
            return event.code == over.code;
        }
        // Some senders let the timestamp run on through a digit, also over the packets that end it.
        let inside = (header.timestamp.wrapping_sub(over.until) as i32) <= SLACK;
        let repeat = event.end || !over.end_seen;
        event.code == over.code && !header.marker && repeat && inside
    }

    fn end(&mut self, end_seen: bool) {
        if let Some(Hearing { code, began, duration, .. }) = self.hearing.take() {
            let until = began.wrapping_add(duration);
            self.latest = Some(Over { code, began, until, end_seen });
            self.push(EventChange::Ended { code, duration });
        }
    }

    fn push(&mut self, change: EventChange) {
        // A packet makes three changes at most (Ended, Began, Ended) and each call is drained.
        if let Some(free) = self.outputs.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(change);
        }
    }
}

/// `hearing 5 for 480` or `idle after 5`, durations in samples.
impl fmt::Display for EventReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hearing, self.latest) {
            (Some(Hearing { code, duration, .. }), _) => write!(f, "hearing {code} for {duration}"),
            (None, Some(Over { code, .. })) => write!(f, "idle after {code}"),
            (None, None) => f.write_str("idle"),
        }
    }
}

impl Hearing {
    /// Whether a packet that is not older than the digit belongs to it.
    fn continues(&self, header: &Header, event: &Event) -> bool {
        let until = self.began.wrapping_add(self.duration);
        // §2.5.1.3: a long digit goes on in segments, each beginning where the one before ended; and some senders
        // give every update its own timestamp.
        let goes_on = !header.marker && (header.timestamp.wrapping_sub(until) as i32) <= SLACK;
        event.code == self.code && (header.timestamp == self.began || goes_on)
    }
}

/// Two updates of the longest ptime, in samples: a gap that two lost packets explain.
const SLACK: i32 = 120 * CLOCK_KHZ as i32;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(ms: u16, ptime: u32) -> Vec<EventPacket> {
        let mut sender = EventSender::default();
        sender.start(1000, 5, 10, ms);
        (1..).map_while(|n| sender.poll(1000 + n * ptime * 8)).collect()
    }

    fn receive(packets: &[(u64, EventPacket)]) -> Vec<EventChange> {
        let mut receiver = EventReceiver::default();
        let mut heard = Vec::new();
        for (ms, packet) in packets {
            let now = Instant::from_millis(*ms);
            receiver.handle_timeout(now);
            heard.extend(std::iter::from_fn(|| receiver.poll_output()));
            let header = Header {
                marker: packet.marker,
                payload_type: 101,
                sequence: 0,
                timestamp: packet.timestamp,
                ssrc: 1,
            };
            receiver.handle_packet(now, &header, &packet.event.to_octets());
            heard.extend(std::iter::from_fn(|| receiver.poll_output()));
        }
        receiver.handle_timeout(Instant::from_millis(1_000_000));
        heard.extend(std::iter::from_fn(|| receiver.poll_output()));
        heard
    }

    fn at_ptime(packets: &[EventPacket]) -> Vec<(u64, EventPacket)> {
        (0..).map(|n| n * 20).zip(packets.iter().copied()).collect()
    }

    fn one_digit(duration: u32) -> Vec<EventChange> {
        vec![EventChange::Began { code: 5 }, EventChange::Ended { code: 5, duration }]
    }

    #[test]
    fn a_digit_is_a_marked_packet_updates_and_three_ends() {
        let packets = sent(70, 20);
        let told: Vec<_> =
            packets.iter().map(|p| (p.marker, p.event.duration, p.event.end)).collect();
        let expected =
            [(true, 160, false), (false, 320, false), (false, 480, false), (false, 560, true)];
        assert_eq!(told[..4], expected);
        assert_eq!(told[4..], [(false, 560, true); 2]);
        assert!(packets.iter().all(|p| p.timestamp == 1000));
        // Never shorter than 40 ms.
        assert_eq!(sent(1, 20).last().map(|p| p.event.duration), Some(320));
    }

    #[test]
    fn each_key_is_heard_once_with_any_one_packet_lost_or_doubled() {
        let packets = sent(100, 20);
        assert_eq!(receive(&at_ptime(&packets)), one_digit(800));
        for lost in 0..packets.len() {
            let mut some = at_ptime(&packets);
            some.remove(lost);
            assert_eq!(receive(&some), one_digit(800), "without packet {lost}");
            some = at_ptime(&packets);
            some.insert(lost, some[lost]);
            assert_eq!(receive(&some), one_digit(800), "twice packet {lost}");
        }
    }

    #[test]
    fn a_key_whose_end_is_lost_is_let_go_after_a_while() {
        let packets = sent(100, 20);
        assert_eq!(receive(&at_ptime(&packets[..3])), one_digit(480));
    }

    #[test]
    fn an_end_that_was_overtaken_by_the_next_key_does_not_repeat_it() {
        let first = at_ptime(&sent(60, 20));
        let mut second = EventSender::default();
        second.start(3000, 6, 10, 60);
        let late = first[4];
        let mut packets = first;
        packets
            .extend((1..).map_while(|n| Some((200 + n * 20, second.poll(3000 + n as u32 * 160)?))));
        packets.insert(6, late);
        let heard = receive(&packets);
        assert_eq!(heard.len(), 4, "{heard:?}");
        assert_eq!(heard[2], EventChange::Began { code: 6 });
    }

    #[test]
    fn the_same_key_pressed_twice_is_two_digits() {
        let mut packets = at_ptime(&sent(60, 20));
        let mut again = EventSender::default();
        again.start(2400, 5, 10, 60);
        packets
            .extend((1..).map_while(|n| Some((180 + n * 20, again.poll(2400 + n as u32 * 160)?))));
        assert_eq!(receive(&packets).len(), 4);
    }

    #[test]
    fn a_sender_whose_timestamps_run_on_is_one_digit() {
        let mut packets = sent(100, 20);
        for (n, packet) in (0..).zip(&mut packets) {
            packet.timestamp += n * 160;
            packet.event.duration = 160;
        }
        let heard = receive(&at_ptime(&packets));
        assert_eq!(heard.len(), 2, "{heard:?}");
    }

    #[test]
    fn a_sender_of_end_packets_alone_is_one_digit() {
        let packets = sent(100, 20);
        assert_eq!(receive(&at_ptime(&packets[4..])), one_digit(800));
    }

    #[test]
    fn a_sender_that_marks_every_packet_is_one_digit() {
        let mut packets = sent(100, 20);
        packets.iter_mut().for_each(|p| p.marker = true);
        assert_eq!(receive(&at_ptime(&packets)), one_digit(800));
    }

    #[test]
    fn events_that_no_key_has_are_ignored() {
        let mut packets = sent(100, 20);
        packets.iter_mut().for_each(|p| p.event.code = 66);
        assert_eq!(receive(&at_ptime(&packets)), []);
    }

    /// Marker, timestamp and event of a packet; `None` where none comes.
    type Input = Option<(bool, u32, Event)>;

    /// What a peer may do next.
    const INPUTS: [(&str, Input); 8] = [
        ("begins 5", packet(true, 1000, 5, false, 160)),
        ("updates 5", packet(false, 1000, 5, false, 480)),
        ("ends 5", packet(false, 1000, 5, true, 800)),
        ("goes on with 5 in a segment", packet(false, 1800, 5, false, 160)),
        ("begins 5 again", packet(true, 2600, 5, false, 160)),
        ("begins 6", packet(true, 2600, 6, false, 160)),
        ("an old packet", packet(true, 500, 4, true, 160)),
        ("nothing for END_LOST", None),
    ];

    const fn packet(marker: bool, timestamp: u32, code: u8, end: bool, duration: u16) -> Input {
        Some((marker, timestamp, Event { code, end, volume: 10, duration }))
    }

    fn put(receiver: &mut EventReceiver, now: Instant, input: Input) -> String {
        match input {
            Some((marker, timestamp, event)) => {
                let header = Header { marker, payload_type: 101, sequence: 0, timestamp, ssrc: 1 };
                receiver.handle_packet(now, &header, &event.to_octets());
            }
            None => receiver.handle_timeout(now + END_LOST),
        }
        let changes: Vec<_> = std::iter::from_fn(|| receiver.poll_output()).collect();
        format!("{changes:?} → {receiver}")
    }

    #[test]
    fn receiver_transitions() {
        let mut table = String::new();
        for before in [&[][..], &[0], &[0, 2]] {
            for (name, input) in INPUTS {
                let mut receiver = EventReceiver::default();
                for at in before {
                    put(&mut receiver, Instant::ZERO, INPUTS[*at].1);
                }
                let state = receiver.to_string();
                let then = put(&mut receiver, Instant::from_millis(20), input);
                table += &format!("{state:20} | {name:27} | {then}\n");
            }
        }
        insta::assert_snapshot!(table);
    }
}
