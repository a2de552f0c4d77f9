//! The names of RTP encodings, and the payload types that have one without saying so (RFC 3551 §6).

use std::fmt;

use crate::text::Text;

/// The name of an encoding; names are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `PCMU`: G.711 µ-law.
    Pcmu,
    /// `PCMA`: G.711 A-law.
    Pcma,
    /// `G722`
    G722,
    /// `G726-16`, codewords packed from the least significant bit (RFC 3551 §4.5.4).
    G726_16,
    /// `G726-24`
    G726_24,
    /// `G726-32`, which RFC 1890 called G721.
    G726_32,
    /// `G726-40`
    G726_40,
    /// `AAL2-G726-16`, codewords packed as in I.366.2, from the most significant bit.
    Aal2G726_16,
    /// `AAL2-G726-24`
    Aal2G726_24,
    /// `AAL2-G726-32`
    Aal2G726_32,
    /// `AAL2-G726-40`
    Aal2G726_40,
    /// `G729`, with or without annex A, which is the same on the wire.
    G729,
    /// `opus` (RFC 7587).
    Opus,
    /// `CLEARMODE`: 64 kbit/s untouched (RFC 4040).
    Clearmode,
    /// `CN`: comfort noise (RFC 3389).
    ComfortNoise,
    /// `telephone-event` (RFC 4733).
    TelephoneEvent,
    /// `GSM`
    Gsm,
    /// `G723`
    G723,
    /// `G728`
    G728,
    /// `L16`
    L16,
    /// Any other name, as it was written.
    Other(Text),
}

/// Names that devices write instead of the registered one. G.726 without a rate has always been 32 kbit/s.
static ALIASES: [(&str, Encoding); 12] = [
    ("G.711U", Encoding::Pcmu),
    ("G711U", Encoding::Pcmu),
    ("G.711A", Encoding::Pcma),
    ("G711A", Encoding::Pcma),
    ("G.722", Encoding::G722),
    ("G726", Encoding::G726_32),
    ("G.726-32", Encoding::G726_32),
    ("G721", Encoding::G726_32),
    ("G729A", Encoding::G729),
    ("G.729", Encoding::G729),
    ("G.729A", Encoding::G729),
    ("X-CCD", Encoding::Clearmode),
];

static KNOWN: [Encoding; 20] = [
    Encoding::Pcmu,
    Encoding::Pcma,
    Encoding::G722,
    Encoding::G726_16,
    Encoding::G726_24,
    Encoding::G726_32,
    Encoding::G726_40,
    Encoding::Aal2G726_16,
    Encoding::Aal2G726_24,
    Encoding::Aal2G726_32,
    Encoding::Aal2G726_40,
    Encoding::G729,
    Encoding::Opus,
    Encoding::Clearmode,
    Encoding::ComfortNoise,
    Encoding::TelephoneEvent,
    Encoding::Gsm,
    Encoding::G723,
    Encoding::G728,
    Encoding::L16,
];

impl Encoding {
    /// `None` where it is not one word.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.name().eq_ignore_ascii_case(name));
        let known = known.or_else(|| alias(name)).cloned();
        let word = !name.is_empty() && !name.bytes().any(|b| b.is_ascii_whitespace());
        known.or_else(|| word.then(|| Self::Other(name.into())))
    }

    /// The registered name.
    pub fn name(&self) -> &str {
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
            Self::ComfortNoise => "CN",
            Self::TelephoneEvent => "telephone-event",
            Self::Gsm => "GSM",
            Self::G723 => "G723",
            Self::G728 => "G728",
            Self::L16 => "L16",
            Self::Other(name) => name,
        }
    }
}

fn alias(name: &str) -> Option<&'static Encoding> {
    ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map(|(_, encoding)| encoding)
}

/// What a payload type stands for that needs no `a=rtpmap`, with its clock in hertz and its channels: the tables 4 and 5
/// of RFC 3551 §6. Type 2 is RFC 1890's G721, which that RFC withdrew and devices still send.
#[inline]
pub(crate) fn static_type(number: u8) -> Option<(Encoding, u32, u8)> {
    let other = |name: &str| Encoding::Other(name.into());
    Some(match number {
        0 => (Encoding::Pcmu, 8_000, 1),
        2 => (Encoding::G726_32, 8_000, 1),
        3 => (Encoding::Gsm, 8_000, 1),
        4 => (Encoding::G723, 8_000, 1),
        5 => (other("DVI4"), 8_000, 1),
        6 => (other("DVI4"), 16_000, 1),
        7 => (other("LPC"), 8_000, 1),
        8 => (Encoding::Pcma, 8_000, 1),
        9 => (Encoding::G722, 8_000, 1),
        10 => (Encoding::L16, 44_100, 2),
        11 => (Encoding::L16, 44_100, 1),
        12 => (other("QCELP"), 8_000, 1),
        13 => (Encoding::ComfortNoise, 8_000, 1),
        14 => (other("MPA"), 90_000, 1),
        15 => (Encoding::G728, 8_000, 1),
        16 => (other("DVI4"), 11_025, 1),
        17 => (other("DVI4"), 22_050, 1),
        18 => (Encoding::G729, 8_000, 1),
        25 => (other("CelB"), 90_000, 1),
        26 => (other("JPEG"), 90_000, 1),
        28 => (other("nv"), 90_000, 1),
        31 => (other("H261"), 90_000, 1),
        32 => (other("MPV"), 90_000, 1),
        33 => (other("MP2T"), 90_000, 1),
        34 => (other("H263"), 90_000, 1),
        _ => return None,
    })
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
