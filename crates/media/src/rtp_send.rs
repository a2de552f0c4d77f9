//! The sending half of a stream.
//!
//! ```text
//!  40 octets a tick ──► packet of ptime ──► Header ──► outgoing ring
//!                         └ while a digit is sent: RFC 4733 in its place
//! ```
//! The timestamp counts the engine's blocks, whether they are sent or not.

use tipring_core::{Instant, TerminationId};
use tipring_dsp::dtmf::Digit;
use tipring_rtp::event::EventSender;
use tipring_rtp::packet::HEADER_LEN;
use tipring_rtp::rtcp::{Ntp, SenderInfo};
use tipring_rtp::{CLOCK_KHZ, Header};

use crate::block::BLOCK_SAMPLES;
use crate::control::{MAX_DIGITS, RtpFormat, RtpParams};
use crate::fifo::Fifo;
use crate::outbox::Outbox;

/// The longest packet: 60 ms.
const MAX_PAYLOAD: usize = 480;
/// Level told in events, in dB below 0 dBm0: that of the low tone of our own digits.
const VOLUME: u8 = 9;
/// Least pause between two digits, in samples: 60 ms.
const PAUSE: u32 = 60 * CLOCK_KHZ;

pub(crate) struct Sender {
    pub(crate) format: RtpFormat,
    ssrc: u32,
    sequence: u16,
    /// Of the next block.
    timestamp: u32,
    marker: bool,
    /// Header and payload of the packet being filled.
    packet: [u8; HEADER_LEN + MAX_PAYLOAD],
    filled: usize,
    /// Samples of the packet being filled.
    wanted: usize,
    event: EventSender,
    /// Samples until the next digit may begin.
    pause: u32,
    packets: u64,
    octets: u64,
}

impl Sender {
    pub(crate) fn new(params: &RtpParams) -> Self {
        Self {
            format: params.format,
            ssrc: params.ssrc,
            sequence: params.sequence,
            timestamp: params.timestamp,
            marker: true,
            packet: [0; HEADER_LEN + MAX_PAYLOAD],
            filled: 0,
            wanted: 0,
            event: EventSender::default(),
            pause: 0,
            packets: 0,
            octets: 0,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets sent.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// What a sender report says (RFC 3550 §6.4.1).
    pub(crate) fn info(&self, ntp: Ntp) -> SenderInfo {
        SenderInfo {
            ntp,
            timestamp: self.timestamp,
            packets: self.packets as u32,
            octets: self.octets as u32,
        }
    }

    /// Takes 5 ms that are to be sent, in [`RtpFormat::law`].
    pub(crate) fn push(
        &mut self,
        now: Instant,
        termination: TerminationId,
        block: &[u8; BLOCK_SAMPLES],
        digits: &mut Fifo<(Digit, u16), MAX_DIGITS>,
        out: &mut Outbox,
    ) {
        if self.filled == 0 {
            self.begin(digits);
        }
        let at = HEADER_LEN + self.filled;
        self.packet[at..at + BLOCK_SAMPLES].copy_from_slice(block);
        self.filled += BLOCK_SAMPLES;
        self.timestamp = self.timestamp.wrapping_add(BLOCK_SAMPLES as u32);
        if self.filled >= self.wanted {
            self.finish(now, termination, out);
        }
    }

    /// Lets 5 ms pass that are not to be sent.
    pub(crate) fn skip(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(BLOCK_SAMPLES as u32);
        self.filled = 0;
        self.marker = true;
        self.event = EventSender::default();
    }

    fn begin(&mut self, digits: &mut Fifo<(Digit, u16), MAX_DIGITS>) {
        let blocks = usize::from(self.format.ptime_ms.clamp(10, 60)) / 5;
        self.wanted = blocks * BLOCK_SAMPLES;
        if self.format.send.telephone_event.is_none() {
            self.event = EventSender::default();
        } else if self.event.is_idle()
            && self.pause == 0
            && let Some((digit, ms)) = digits.pop()
        {
            self.event.start(self.timestamp, digit.event(), VOLUME, ms);
        }
    }

    fn finish(&mut self, now: Instant, termination: TerminationId, out: &mut Outbox) {
        let begun = self.timestamp.wrapping_sub(self.filled as u32);
        let mut header = Header {
            marker: self.marker,
            payload_type: self.format.send.audio,
            sequence: self.sequence,
            timestamp: begun,
            ssrc: self.ssrc,
        };
        let mut len = self.filled;
        let event = self.format.send.telephone_event.zip(self.event.poll(self.timestamp));
        if let Some((payload_type, packet)) = event {
            header.payload_type = payload_type;
            (header.marker, header.timestamp) = (packet.marker, packet.timestamp);
            let payload = packet.event.to_octets();
            self.packet[HEADER_LEN..HEADER_LEN + payload.len()].copy_from_slice(&payload);
            len = payload.len();
            self.pause = PAUSE;
        } else {
            self.marker = false;
            self.pause = self.pause.saturating_sub(self.filled as u32);
        }
        self.packet[..HEADER_LEN].copy_from_slice(&header.to_octets());
        out.datagram(termination, now, false, &self.packet[..HEADER_LEN + len]);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        self.octets += len as u64;
        self.filled = 0;
    }
}
