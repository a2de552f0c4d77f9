//! Why something offered or answered is not taken.

use std::fmt;

/// Why an offer cannot be answered, an answer not be used, or an `m=` line is refused. SIP says 488 with a Warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is not audio, or holds none, or refuses ours.
    NoAudio,
    /// Another line serves; one audio stream is enough.
    OneStream,
    /// It wants a transport we do not speak, like DTLS-SRTP.
    Transport,
    /// It wants SRTP, which is not allowed.
    SrtpRefused,
    /// It wants plain RTP where SRTP is required.
    SrtpRequired,
    /// It names no crypto suite of ours, or answers none that we offered.
    NoCommonCrypto,
    /// It names no codec we speak.
    NoCommonCodec,
    /// It does not say where to send.
    NoAddress,
    /// It says where to send by a name; names are not looked up.
    NamedAddress,
    /// The address is of a family in which we have none.
    AddressFamily,
    /// The address is a multicast group or broadcast.
    NotUnicast,
}

impl Rejection {
    /// The code for SIP's Warning header (RFC 3261 §20.43).
    pub const fn warning(self) -> u16 {
        match self {
            Self::AddressFamily => 300,
            Self::NoAddress | Self::NamedAddress | Self::NotUnicast => 301,
            Self::Transport | Self::SrtpRefused | Self::SrtpRequired => 302,
            Self::NoAudio | Self::OneStream => 304,
            Self::NoCommonCodec => 305,
            Self::NoCommonCrypto => 306,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAudio => "no audio is described",
            Self::OneStream => "one audio stream is enough",
            Self::Transport => "the media transport is neither RTP nor SRTP with described keys",
            Self::SrtpRefused => "SRTP is not spoken",
            Self::SrtpRequired => "plain RTP is not spoken",
            Self::NoCommonCrypto => "no crypto suite in common",
            Self::NoCommonCodec => "no codec in common",
            Self::NoAddress => "no media address is given",
            Self::NamedAddress => "the media address is a name",
            Self::AddressFamily => "the media address is of the other IP version",
            Self::NotUnicast => "the media address is not that of one host",
        })
    }
}

impl std::error::Error for Rejection {}
