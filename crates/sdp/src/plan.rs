//! What was agreed, as we see it.

use std::net::SocketAddr;

use crate::codec::Codec;
use crate::crypto::Crypto;
use crate::event::Events;
use crate::media::Direction;

/// What was agreed, as we see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where we send RTP; `None` where the peer gave no address to send to (hold by 0.0.0.0), and then
    /// `direction` does not send.
    pub rtp: Option<SocketAddr>,
    /// Where we send RTCP; the same as RTP where both share a port (RFC 5761).
    pub rtcp: Option<SocketAddr>,
    /// The codec we send.
    pub codec: Codec,
    /// The payload type we send it as.
    pub payload_type: u8,
    /// The payload type we send telephone-events as; `None` when the peer does not take them. Their clock is the codec's.
    pub telephone_event: Option<u8>,
    /// Which telephone-events the peer takes; none without a payload type for them.
    pub events: Events,
    /// The payload type we send comfort noise as; `None` when the peer does not take it.
    pub comfort_noise: Option<u8>,
    /// What may arrive.
    pub receive: Receive,
    /// Milliseconds of audio in a packet we send: a multiple of 5.
    pub ptime_ms: u8,
    /// Whether we send and whether we receive.
    pub direction: Direction,
    /// Whether it is the peer who does not want to hear us.
    pub held_by_peer: bool,
    /// The keys, where it is SRTP.
    pub srtp: Option<Box<SrtpKeys>>,
}

/// The payload types that may arrive, which need not be those we send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receive {
    codecs: [Option<u8>; Codec::ALL.len()],
    /// Telephone-events at the clock of the codec that was agreed.
    pub telephone_event: Option<u8>,
    /// Comfort noise.
    pub comfort_noise: Option<u8>,
}

/// The keys of both ways. `Debug` does not show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtpKeys {
    /// Ours, for what we send.
    pub send: Crypto,
    /// The peer's, for what we receive.
    pub receive: Crypto,
}

impl Receive {
    /// The payload type under which `codec` may arrive.
    pub fn payload_type(&self, codec: Codec) -> Option<u8> {
        self.codecs[codec as usize]
    }

    /// The codec that `payload_type` stands for.
    pub fn codec(&self, payload_type: u8) -> Option<Codec> {
        let at = self.codecs.iter().position(|number| *number == Some(payload_type))?;
        Some(Codec::ALL[at])
    }

    pub(crate) fn add(&mut self, codec: Codec, payload_type: u8) {
        self.codecs[codec as usize].get_or_insert(payload_type);
    }
}
