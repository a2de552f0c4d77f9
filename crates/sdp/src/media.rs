//! One `m=` line and what belongs to it (RFC 8866 §5.14).

use std::fmt;

use crate::address::{Connection, RtcpAddress};
use crate::attribute::{self, Attribute};
use crate::crypto::Crypto;
use crate::payload::Payload;
use crate::print::Page;
use crate::session::Bandwidth;
use crate::text::Text;

/// One `m=` line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is received; 0 in an answer refuses it, in an offer removes it.
    pub port: u16,
    /// How many ports there are, from this one on, where the line says so (`49170/2`).
    pub ports: Option<u16>,
    /// How it travels.
    pub protocol: Protocol,
    /// In which formats.
    pub formats: Formats,
    /// `c=` of this medium.
    pub connection: Option<Connection>,
    /// `b=` of this medium.
    pub bandwidth: Vec<Bandwidth>,
    /// `a=sendrecv` and its kin.
    pub direction: Option<Direction>,
    /// `a=ptime`: milliseconds of audio a packet should hold, 1 to 65535.
    pub ptime_ms: Option<u16>,
    /// `a=maxptime`: milliseconds of audio a packet may hold at most, 1 to 65535.
    pub max_ptime_ms: Option<u16>,
    /// `a=rtcp`: where RTCP is received when not at the next port (RFC 3605).
    pub rtcp: Option<RtcpAddress>,
    /// `a=rtcp-mux`: RTCP may come where RTP does (RFC 5761).
    pub rtcp_mux: bool,
    /// All other `a=` lines.
    pub attributes: Vec<Attribute>,
}

/// The first word of an `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`
    Audio,
    /// `video`
    Video,
    /// `image`, which is T.38 fax.
    Image,
    /// `text`
    Text,
    /// `application`
    Application,
    /// `message`
    Message,
    /// Any other word, as it was written.
    Other(Text),
}

/// The third word of an `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `RTP/AVP`
    RtpAvp,
    /// `RTP/AVPF`: with RTCP feedback (RFC 4585).
    RtpAvpf,
    /// `RTP/SAVP`: SRTP (RFC 3711).
    RtpSavp,
    /// `RTP/SAVPF`
    RtpSavpf,
    /// `UDP/TLS/RTP/SAVP`: SRTP with keys from DTLS (RFC 5764).
    DtlsSavp,
    /// `UDP/TLS/RTP/SAVPF`
    DtlsSavpf,
    /// `udptl`: T.38 over UDP.
    Udptl,
    /// `UDP/TLS/UDPTL`: the same within DTLS (RFC 7345).
    DtlsUdptl,
    /// Any other word, as it was written.
    Other(Text),
}

/// The rest of an `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formats {
    /// RTP payload types with their `a=rtpmap` and `a=fmtp`, in order of preference.
    Rtp(Vec<Payload>),
    /// What a protocol that is not RTP says, as it was written.
    Other(Text),
}

/// Which way a medium flows, as the maker of the description sees it (RFC 3264 §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// Out only: the other side is on hold.
    SendOnly,
    /// In only.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Media {
    /// A medium with nothing but its `m=` line.
    pub const fn new(kind: MediaKind, port: u16, protocol: Protocol, formats: Formats) -> Self {
        Self {
            kind,
            port,
            ports: None,
            protocol,
            formats,
            connection: None,
            bandwidth: Vec::new(),
            direction: None,
            ptime_ms: None,
            max_ptime_ms: None,
            rtcp: None,
            rtcp_mux: false,
            attributes: Vec::new(),
        }
    }

    /// The RTP payload types; none when it does not travel in RTP.
    pub fn payloads(&self) -> &[Payload] {
        match &self.formats {
            Formats::Rtp(payloads) => payloads,
            Formats::Other(_) => &[],
        }
    }

    /// `a=mid`: its name in groups (RFC 5888 §4).
    pub fn mid(&self) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| {
            if let Attribute::Mid(mid) = attribute { Some(mid.as_str()) } else { None }
        })
    }

    /// `a=crypto` in order of preference (RFC 4568).
    pub fn crypto(&self) -> impl Iterator<Item = &Crypto> {
        self.attributes.iter().filter_map(|attribute| {
            if let Attribute::Crypto(crypto) = attribute { Some(crypto) } else { None }
        })
    }

    /// The value of an attribute that has no type of its own, like `label` or `candidate`; empty where it has none.
    /// Names are compared without regard to case.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attribute::find(&self.attributes, name)
    }

    /// The same medium refused or removed: port 0 and nothing else but its formats (RFC 3264 §6), of which the
    /// grammar wants at least one.
    pub fn refused(&self) -> Self {
        let formats = match &self.formats {
            Formats::Rtp(payloads) if payloads.is_empty() => Formats::Rtp(vec![Payload::new(0)]),
            Formats::Other(text) if text.is_empty() => Formats::Other("0".into()),
            Formats::Rtp(payloads) => {
                Formats::Rtp(payloads.iter().map(|p| Payload::new(p.number)).collect())
            }
            Formats::Other(text) => Formats::Other(text.clone()),
        };
        Self::new(self.kind.clone(), 0, self.protocol.clone(), formats)
    }
}

impl MediaKind {
    #[inline]
    pub(crate) fn parse(word: &str) -> Self {
        [Self::Audio, Self::Video, Self::Image, Self::Text, Self::Application, Self::Message]
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.into()))
    }

    /// The word.
    pub fn name(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Text => "text",
            Self::Application => "application",
            Self::Message => "message",
            Self::Other(word) => word,
        }
    }
}

impl Protocol {
    #[inline]
    pub(crate) fn parse(word: &str) -> Self {
        let known = [
            Self::RtpAvp,
            Self::RtpAvpf,
            Self::RtpSavp,
            Self::RtpSavpf,
            Self::DtlsSavp,
            Self::DtlsSavpf,
            Self::Udptl,
            Self::DtlsUdptl,
        ];
        known
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.into()))
    }

    /// The word.
    pub fn name(&self) -> &str {
        match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::DtlsSavp => "UDP/TLS/RTP/SAVP",
            Self::DtlsSavpf => "UDP/TLS/RTP/SAVPF",
            Self::Udptl => "udptl",
            Self::DtlsUdptl => "UDP/TLS/UDPTL",
            Self::Other(word) => word,
        }
    }

    /// Whether the formats of its `m=` line are RTP payload types.
    pub const fn is_rtp(&self) -> bool {
        match self {
            Self::RtpAvp
            | Self::RtpAvpf
            | Self::RtpSavp
            | Self::RtpSavpf
            | Self::DtlsSavp
            | Self::DtlsSavpf => true,
            Self::Udptl | Self::DtlsUdptl | Self::Other(_) => false,
        }
    }

    /// Whether it is SRTP with keys in `a=crypto` (RFC 4568).
    pub const fn is_sdes(&self) -> bool {
        matches!(self, Self::RtpSavp | Self::RtpSavpf)
    }

    /// Whether it is RTP in the clear. RTP/AVPF without feedback attributes in the answer is RTP/AVP (RFC 4585 §4.2).
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::RtpAvp | Self::RtpAvpf)
    }
}

impl Direction {
    /// The direction that sends and receives as said.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The word in small letters.
    #[inline]
    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"sendrecv" => Self::SendRecv,
            b"sendonly" => Self::SendOnly,
            b"recvonly" => Self::RecvOnly,
            b"inactive" => Self::Inactive,
            _ => return None,
        })
    }

    /// The word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(crate) fn print(self, page: &mut Page) {
        page.text("a=");
        page.text(self.name());
        page.end();
    }

    /// Whether its maker sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether its maker receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same flow as the other side sees it.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What both allow.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
