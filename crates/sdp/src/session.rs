//! The nouns of a session description (RFC 8866 §5).

use std::net::IpAddr;

/// A session description: who, where, and one entry per `m=` line.
///
/// [`Session::parse`] reads it and `Display` prints it, lines ended by CRLF. Lines that nobody here needs
/// (`i= u= e= p= b= r= z= k=`) are dropped by the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// `o=`: who made it, and its version.
    pub origin: Origin,
    /// `s=`: the session's name; `-` where it has none.
    pub name: String,
    /// `c=` before the first `m=`: the address of every medium that names none itself.
    pub connection: Option<Address>,
    /// The direction of every medium that names none itself.
    pub direction: Option<Direction>,
    /// `a=` lines before the first `m=`, except the direction.
    pub attributes: Vec<Attribute>,
    /// `m=` lines in order; their number and order is fixed for the life of a dialog (RFC 3264 §8).
    pub media: Vec<Media>,
}

/// `o=`: user name, session id, version and address of the maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The user's name there; `-` where there is none.
    pub user: String,
    /// Together with the user and address unique to the session.
    pub id: u64,
    /// Grows by one with every change of the description (RFC 3264 §8).
    pub version: u64,
    /// The maker's address; of no use for media.
    pub address: Address,
}

/// The address of an `o=`, `c=` or `a=rtcp` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address.
    Ip(IpAddr),
    /// A domain name, in the address family that the line names.
    Name {
        /// The name.
        name: String,
        /// Whether the line says IP6.
        v6: bool,
    },
}

/// One `m=` line and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is received; 0 in an answer refuses it, in an offer removes it.
    pub port: u16,
    /// How it travels.
    pub protocol: Protocol,
    /// In which formats.
    pub formats: Formats,
    /// `c=` of this medium.
    pub connection: Option<Address>,
    /// `a=sendrecv` and its kin.
    pub direction: Option<Direction>,
    /// `a=ptime`: milliseconds of audio a packet should hold, 1 to 65535.
    pub ptime_ms: Option<u16>,
    /// `a=maxptime`: milliseconds of audio a packet may hold at most, 1 to 65535.
    pub max_ptime_ms: Option<u16>,
    /// `a=rtcp`: where RTCP is received when not at the next port (RFC 3605).
    pub rtcp: Option<RtcpAddress>,
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
    /// Any other word, as it was written.
    Other(String),
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
    /// `udptl`: T.38 over UDP.
    Udptl,
    /// Any other word, as it was written.
    Other(String),
}

/// The rest of an `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formats {
    /// RTP payload types with their `a=rtpmap` and `a=fmtp`, in order of preference.
    Rtp(Vec<Payload>),
    /// What a protocol that is not RTP says, as it was written.
    Other(String),
}

/// An RTP payload type and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    /// 0 to 127.
    pub number: u8,
    /// `a=rtpmap`; missing for most static types.
    pub map: Option<RtpMap>,
    /// `a=fmtp`, as it was written.
    pub fmtp: Option<String>,
}

/// `a=rtpmap`: the encoding that a payload type stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtpMap {
    /// The encoding's name.
    pub encoding: Encoding,
    /// The clock rate in hertz.
    pub clock_hz: u32,
    /// Channels; 1 unless written.
    pub channels: u8,
}

/// The name of an encoding; names are compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `PCMU`: G.711 µ-law.
    Pcmu,
    /// `PCMA`: G.711 A-law.
    Pcma,
    /// `telephone-event` (RFC 4733).
    TelephoneEvent,
    /// Any other name, as it was written.
    Other(String),
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

/// `a=rtcp` (RFC 3605).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// Never 0.
    pub port: u16,
    /// The address when it is not that of the medium.
    pub address: Option<Address>,
}

/// An `a=` line that has no field of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What stands before the colon.
    pub name: String,
    /// What stands behind it.
    pub value: Option<String>,
}

impl Session {
    /// The direction of `media`: its own, else the session's, else both ways.
    pub fn direction_of(&self, media: &Media) -> Direction {
        media.direction.or(self.direction).unwrap_or_default()
    }

    /// The address of `media`: its own, else the session's.
    pub fn connection_of<'a>(&'a self, media: &'a Media) -> Option<&'a Address> {
        media.connection.as_ref().or(self.connection.as_ref())
    }

    /// The first audio medium that is in use.
    pub fn audio(&self) -> Option<&Media> {
        self.media.iter().find(|m| m.kind == MediaKind::Audio && m.port != 0)
    }
}

impl Media {
    /// The RTP payload types; none when it does not travel in RTP.
    pub fn payloads(&self) -> &[Payload] {
        match &self.formats {
            Formats::Rtp(payloads) => payloads,
            Formats::Other(_) => &[],
        }
    }

    /// The same medium refused or removed: port 0 and nothing else but its formats (RFC 3264 §6), of which the
    /// grammar wants at least one.
    pub fn refused(&self) -> Self {
        let formats = match &self.formats {
            Formats::Rtp(payloads) if payloads.is_empty() => {
                Formats::Rtp(vec![Payload { number: 0, map: None, fmtp: None }])
            }
            Formats::Other(text) if text.is_empty() => Formats::Other("0".into()),
            Formats::Rtp(payloads) => Formats::Rtp(
                payloads
                    .iter()
                    .map(|p| Payload { number: p.number, map: None, fmtp: None })
                    .collect(),
            ),
            Formats::Other(text) => Formats::Other(text.clone()),
        };
        Self {
            kind: self.kind.clone(),
            port: 0,
            protocol: self.protocol.clone(),
            formats,
            connection: None,
            direction: None,
            ptime_ms: None,
            max_ptime_ms: None,
            rtcp: None,
            attributes: Vec::new(),
        }
    }
}

impl Payload {
    /// What the payload type stands for: its `a=rtpmap`, else the static table of RFC 3551 §6 as far as we need it.
    pub fn encoding(&self) -> Option<Encoding> {
        match (&self.map, self.number) {
            (Some(map), _) => Some(map.encoding.clone()),
            (None, 0) => Some(Encoding::Pcmu),
            (None, 8) => Some(Encoding::Pcma),
            (None, _) => None,
        }
    }

    /// The clock rate in hertz, where it is known.
    pub fn clock_hz(&self) -> Option<u32> {
        match (&self.map, self.number) {
            (Some(map), _) => Some(map.clock_hz),
            (None, 0 | 8) => Some(8000),
            (None, _) => None,
        }
    }
}

impl Address {
    /// The address; `None` for a name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Ip(ip) => Some(*ip),
            Self::Name { .. } => None,
        }
    }

    /// Whether nothing must be sent there: `0.0.0.0` of RFC 2543's hold, `::`, or a name under `invalid`
    /// (RFC 3264 §8.4, RFC 6157 §5).
    pub fn is_hold(&self) -> bool {
        match self {
            Self::Ip(ip) => ip.is_unspecified(),
            Self::Name { name, .. } => {
                let last = name.trim_end_matches('.').rsplit('.').next();
                last.is_some_and(|label| label.eq_ignore_ascii_case("invalid"))
            }
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
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
