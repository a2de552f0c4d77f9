//! Codecs that a telephone gateway may speak: encodings with their one clock rate and number of channels.
//!
//! That a codec has a name here does not say that anybody can encode it: the caller lists what it serves in
//! [`LocalMedia::codecs`](crate::LocalMedia).

use std::fmt;

use crate::encoding::Encoding;

/// A codec.
///
/// G.726 has two identities a rate: the codewords of `G726-32` are packed from the least significant bit (RFC 3551
/// §4.5.4), those of `AAL2-G726-32` from the most significant one. Devices exist that say one and do the other; which
/// is which goes by the name that was agreed, and nothing here guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// G.722 at 64 kbit/s: 16 kHz audio under a clock of 8000 (RFC 3551 §4.5.2).
    G722,
    /// G.726 at 16 kbit/s.
    G726_16,
    /// G.726 at 24 kbit/s.
    G726_24,
    /// G.726 at 32 kbit/s.
    G726_32,
    /// G.726 at 40 kbit/s.
    G726_40,
    /// G.726 at 16 kbit/s, packed as in AAL2.
    Aal2G726_16,
    /// G.726 at 24 kbit/s, packed as in AAL2.
    Aal2G726_24,
    /// G.726 at 32 kbit/s, packed as in AAL2.
    Aal2G726_32,
    /// G.726 at 40 kbit/s, packed as in AAL2.
    Aal2G726_40,
    /// G.729, never with annex B: we offer and answer `annexb=no` (RFC 7261 §3).
    G729,
    /// Opus.
    Opus,
    /// 64 kbit/s untouched (RFC 4040), for calls that are no speech.
    Clearmode,
}

impl Codec {
    /// All there are.
    pub const ALL: [Self; 14] = [
        Self::Pcmu,
        Self::Pcma,
        Self::G722,
        Self::G726_16,
        Self::G726_24,
        Self::G726_32,
        Self::G726_40,
        Self::Aal2G726_16,
        Self::Aal2G726_24,
        Self::Aal2G726_32,
        Self::Aal2G726_40,
        Self::G729,
        Self::Opus,
        Self::Clearmode,
    ];

    /// The name of its encoding.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::G722 => "G722",
            Self::G726_16 => "G726-16",
            Self::G726_24 => "G726-24",
            Self::G726_32 => "G726-32",
            Self::G726_40 => "G726-40",
            Self::Aal2G726_16 => "AAL2-G726-16",
            Self::Aal2G726_24 => "AAL2-G726-24",
            Self::Aal2G726_32 => "AAL2-G726-32",
            Self::Aal2G726_40 => "AAL2-G726-40",
            Self::G729 => "G729",
            Self::Opus => "opus",
            Self::Clearmode => "CLEARMODE",
        }
    }

    /// Its encoding.
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Pcmu => Encoding::Pcmu,
            Self::Pcma => Encoding::Pcma,
            Self::G722 => Encoding::G722,
            Self::G726_16 => Encoding::G726_16,
            Self::G726_24 => Encoding::G726_24,
            Self::G726_32 => Encoding::G726_32,
            Self::G726_40 => Encoding::G726_40,
            Self::Aal2G726_16 => Encoding::Aal2G726_16,
            Self::Aal2G726_24 => Encoding::Aal2G726_24,
            Self::Aal2G726_32 => Encoding::Aal2G726_32,
            Self::Aal2G726_40 => Encoding::Aal2G726_40,
            Self::G729 => Encoding::G729,
            Self::Opus => Encoding::Opus,
            Self::Clearmode => Encoding::Clearmode,
        }
    }

    /// The codec of an encoding, whatever its clock.
    pub const fn of(encoding: &Encoding) -> Option<Self> {
        Some(match encoding {
            Encoding::Pcmu => Self::Pcmu,
            Encoding::Pcma => Self::Pcma,
            Encoding::G722 => Self::G722,
            Encoding::G726_16 => Self::G726_16,
            Encoding::G726_24 => Self::G726_24,
            Encoding::G726_32 => Self::G726_32,
            Encoding::G726_40 => Self::G726_40,
            Encoding::Aal2G726_16 => Self::Aal2G726_16,
            Encoding::Aal2G726_24 => Self::Aal2G726_24,
            Encoding::Aal2G726_32 => Self::Aal2G726_32,
            Encoding::Aal2G726_40 => Self::Aal2G726_40,
            Encoding::G729 => Self::G729,
            Encoding::Opus => Self::Opus,
            Encoding::Clearmode => Self::Clearmode,
            Encoding::ComfortNoise
            | Encoding::TelephoneEvent
            | Encoding::Gsm
            | Encoding::G723
            | Encoding::G728
            | Encoding::L16
            | Encoding::Other(_) => return None,
        })
    }

    /// The clock of its RTP timestamps in hertz.
    pub const fn clock_hz(self) -> u32 {
        if matches!(self, Self::Opus) { 48_000 } else { 8_000 }
    }

    /// Channels as `a=rtpmap` counts them; Opus always says 2 (RFC 7587 §7).
    pub const fn channels(self) -> u8 {
        if matches!(self, Self::Opus) { 2 } else { 1 }
    }

    /// The payload type that needs no `a=rtpmap` (RFC 3551 §6). G.726 at 32 kbit/s has lost its one.
    pub const fn static_type(self) -> Option<u8> {
        match self {
            Self::Pcmu => Some(0),
            Self::Pcma => Some(8),
            Self::G722 => Some(9),
            Self::G729 => Some(18),
            Self::G726_16
            | Self::G726_24
            | Self::G726_32
            | Self::G726_40
            | Self::Aal2G726_16
            | Self::Aal2G726_24
            | Self::Aal2G726_32
            | Self::Aal2G726_40
            | Self::Opus
            | Self::Clearmode => None,
        }
    }

    /// A packet holds a multiple of so many milliseconds: the codec's frames, and our blocks of 5 ms.
    pub const fn packet_step_ms(self) -> u8 {
        match self {
            Self::G729 => 10,
            Self::Opus => 20,
            Self::Pcmu
            | Self::Pcma
            | Self::G722
            | Self::G726_16
            | Self::G726_24
            | Self::G726_32
            | Self::G726_40
            | Self::Aal2G726_16
            | Self::Aal2G726_24
            | Self::Aal2G726_32
            | Self::Aal2G726_40
            | Self::Clearmode => 5,
        }
    }

    /// What our descriptions say in `a=fmtp`.
    pub(crate) const fn parameters(self) -> Option<&'static str> {
        if matches!(self, Self::G729) { Some("annexb=no") } else { None }
    }
}

/// `PCMU`
impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
