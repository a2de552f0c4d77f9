//! The receiving half of a stream.
//!
//! ```text
//!  packet ─► Reception (whose, in order?) ─┬─► audio, pause ─► JitterBuffer ─► take, every tick
//!                                          └─► telephone event ─► EventReceiver ─► Event, DigitTone
//! ```

use tipring_core::{Duration, Instant, TerminationId};
use tipring_dsp::dtmf::Digit;
use tipring_dsp::g711::Law;
use tipring_rtp::event::{EventChange, EventReceiver};
use tipring_rtp::{Arrival, CLOCK_KHZ, Packet, Reception};

use crate::block::BLOCK_SAMPLES;
use crate::control::{DigitSource, Event, RtpFormat};
use crate::digit_tone::DigitTone;
use crate::jitter::{Content, Counters, JitterBuffer, Taken};
use crate::outbox::Outbox;

/// How long nothing may arrive before that is told.
const SILENCE: Duration = Duration::from_secs(2);

/// The payload type of comfort noise (RFC 3389).
const COMFORT_NOISE: u8 = 13;

/// RFC 4733's hook flash.
const FLASH: u8 = 16;

pub(crate) struct Receiver {
    pub(crate) format: RtpFormat,
    pub(crate) reception: Option<Reception>,
    /// A source that sent one packet; believed at its second.
    newcomer: Option<u32>,
    /// Received and lost of sources before this one.
    before: (u64, u64),
    jitter: JitterBuffer,
    events: EventReceiver,
    /// Whether the peer was ever heard to send digits as events: then the same digit as sound is no second one.
    pub(crate) sends_events: bool,
    pub(crate) tone: DigitTone,
    /// The latest arrival, or when receiving was switched on.
    alive: Option<Instant>,
    silent: bool,
    unknown: u64,
}

enum Kind {
    Audio(Law),
    Event,
    Noise,
    Unknown,
}

impl Receiver {
    pub(crate) fn new(format: RtpFormat) -> Self {
        Self {
            format,
            reception: None,
            newcomer: None,
            before: (0, 0),
            jitter: JitterBuffer::new(),
            events: EventReceiver::default(),
            sends_events: false,
            tone: DigitTone::new(),
            alive: None,
            silent: false,
            unknown: 0,
        }
    }

    /// Takes a packet. `lead` as in [`JitterBuffer::insert`]; `wanted` is false while receiving is off.
    pub(crate) fn handle_packet(
        &mut self,
        arrival: Instant,
        lead: i32,
        packet: &Packet<'_>,
        wanted: bool,
        termination: TerminationId,
        out: &mut Outbox,
    ) {
        let kind = self.kind(packet.header.payload_type);
        if matches!(kind, Kind::Unknown) {
            self.unknown += 1;
            return;
        }
        let Some(sequence) = self.number(arrival, packet, matches!(kind, Kind::Audio(_))) else {
            return;
        };
        self.alive = Some(arrival);
        if std::mem::take(&mut self.silent) {
            out.event(Event::RtpResumed { termination });
        }
        if !wanted {
            return;
        }
        let timestamp = packet.header.timestamp;
        match kind {
            Kind::Audio(law) => {
                self.jitter.insert(sequence, timestamp, lead, Content::Audio(law, packet.payload));
            }
            Kind::Event => {
                self.sends_events = true;
                self.jitter.insert(sequence, timestamp, lead, Content::Pause);
                self.events.handle_packet(arrival, &packet.header, packet.payload);
                self.tell_digits(termination, out);
            }
            Kind::Noise => self.jitter.insert(sequence, timestamp, lead, Content::Pause),
            Kind::Unknown => {}
        }
    }

    /// Looks what time it is: the end of a digit, the beginning of an outage. `expected` is true while audio goes both
    /// ways: a peer that only listens, or rings still, owes none.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        expected: bool,
        termination: TerminationId,
        out: &mut Outbox,
    ) {
        if self.events.poll_timeout().is_some_and(|at| at <= now) {
            self.events.handle_timeout(now);
            self.tell_digits(termination, out);
        }
        if !expected {
            self.alive = None;
            return;
        }
        let quiet_for = now.since(*self.alive.get_or_insert(now));
        if quiet_for >= SILENCE && !self.silent {
            self.silent = true;
            let ms = u32::try_from(quiet_for.as_millis()).unwrap_or(u32::MAX);
            out.event(Event::RtpSilent { termination, ms });
        }
    }

    /// The next 5 ms.
    pub(crate) fn take(&mut self, octets: &mut [u8; BLOCK_SAMPLES]) -> Taken {
        let taken = self.jitter.take(octets);
        // A digit is heard from its events; the audio beside it, if any, is the same digit once more.
        if self.events.hearing().is_some() || self.tone.is_active() { Taken::Pause } else { taken }
    }

    /// Receiving was switched on again: what came before is another conversation.
    pub(crate) fn resume(&mut self) {
        self.jitter.restart();
        self.alive = None;
        self.silent = false;
    }

    /// Packets received and lost, all sources together.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let now = self.reception.as_ref().map_or((0, 0), |r| (r.received(), r.lost()));
        (self.before.0 + now.0, self.before.1 + now.1)
    }

    pub(crate) fn counters(&self) -> Counters {
        self.jitter.counters()
    }

    /// The jitter buffer's delay, in milliseconds.
    pub(crate) fn delay_ms(&self) -> f32 {
        self.jitter.delay() as f32 / CLOCK_KHZ as f32
    }

    fn kind(&self, payload_type: u8) -> Kind {
        let types = &self.format.receive;
        match payload_type {
            _ if types.telephone_event == Some(payload_type) => Kind::Event,
            _ if types.audio == payload_type => Kind::Audio(self.format.law),
            0 => Kind::Audio(Law::Mu),
            8 => Kind::Audio(Law::A),
            COMFORT_NOISE => Kind::Noise,
            _ => Kind::Unknown,
        }
    }

    /// The packet's extended number; `None` where it is not believed.
    fn number(&mut self, arrival: Instant, packet: &Packet<'_>, paced: bool) -> Option<u64> {
        let header = &packet.header;
        if self.reception.as_ref().is_some_and(|r| r.ssrc() != header.ssrc) {
            // One stray packet does not end a stream; two in row of a new source do.
            if self.newcomer.replace(header.ssrc) != Some(header.ssrc) {
                return None;
            }
            self.before = self.totals();
            self.reception = None;
            self.jitter.restart();
        }
        self.newcomer = None;
        let reception = self.reception.get_or_insert_with(|| Reception::new(header));
        match reception.handle_packet(arrival, header, paced) {
            Arrival::Accepted(sequence) => Some(sequence),
            Arrival::Restarted(sequence) => {
                self.jitter.restart();
                Some(sequence)
            }
            Arrival::Suspect => None,
        }
    }

    fn tell_digits(&mut self, termination: TerminationId, out: &mut Outbox) {
        let source = DigitSource::Rfc4733;
        while let Some(change) = self.events.poll_output() {
            match change {
                EventChange::Began { code: FLASH } => out.event(Event::Flash { termination }),
                EventChange::Began { code } => {
                    if let Some(digit) = Digit::from_event(code) {
                        self.tone.began(digit);
                        out.event(Event::DigitBegan { termination, digit, source });
                    }
                }
                EventChange::Ended { code, duration } => {
                    if let Some(digit) = Digit::from_event(code) {
                        self.tone.ended(duration);
                        let ms = duration / CLOCK_KHZ;
                        out.event(Event::DigitEnded { termination, digit, ms, source });
                    }
                }
            }
        }
    }
}
