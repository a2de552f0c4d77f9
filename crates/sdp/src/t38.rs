//! What an `m=image` line says about fax over IP (ITU-T T.38 Annex D, RFC 3362).
//!
//! The attributes are read and kept; nothing here negotiates fax.

use std::fmt;

use crate::attribute::Attribute;
use crate::media::Media;

/// One `a=T38…` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum T38Attribute {
    /// `T38FaxVersion`
    Version(u8),
    /// `T38MaxBitRate` in bit/s.
    MaxBitRate(u32),
    /// `T38FaxFillBitRemoval`: fill bits may be removed.
    FillBitRemoval(bool),
    /// `T38FaxTranscodingMMR`
    TranscodingMmr(bool),
    /// `T38FaxTranscodingJBIG`
    TranscodingJbig(bool),
    /// `T38FaxRateManagement`
    RateManagement(RateManagement),
    /// `T38FaxMaxBuffer` in octets.
    MaxBuffer(u32),
    /// `T38FaxMaxDatagram` in octets.
    MaxDatagram(u32),
    /// `T38FaxMaxIFP`: octets of an internet fax packet.
    MaxIfp(u32),
    /// `T38FaxUdpEC`
    ErrorCorrection(ErrorCorrection),
}

/// Who checks the training of modems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateManagement {
    /// Each gateway with its own fax machine.
    LocalTcf,
    /// The fax machines, from end to end.
    TransferredTcf,
}

/// What repairs loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCorrection {
    /// Nothing.
    None,
    /// Forward error correction.
    Fec,
    /// Each packet repeats the former ones.
    Redundancy,
}

/// All that a medium says about fax, with T.38's own values where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct T38 {
    /// 0 to 3.
    pub version: u8,
    /// In bit/s.
    pub max_bit_rate: u32,
    /// Whether fill bits may be removed.
    pub fill_bit_removal: bool,
    /// Whether MMR may be transcoded.
    pub transcoding_mmr: bool,
    /// Whether JBIG may be transcoded.
    pub transcoding_jbig: bool,
    /// Who checks the training.
    pub rate_management: RateManagement,
    /// Octets that may wait at the receiver.
    pub max_buffer: Option<u32>,
    /// Octets of a UDPTL packet.
    pub max_datagram: Option<u32>,
    /// Octets of an internet fax packet.
    pub max_ifp: Option<u32>,
    /// What repairs loss.
    pub error_correction: ErrorCorrection,
}

impl Default for T38 {
    fn default() -> Self {
        Self {
            version: 0,
            max_bit_rate: 14_400,
            fill_bit_removal: false,
            transcoding_mmr: false,
            transcoding_jbig: false,
            rate_management: RateManagement::TransferredTcf,
            max_buffer: None,
            max_datagram: None,
            max_ifp: None,
            error_correction: ErrorCorrection::Redundancy,
        }
    }
}

impl T38 {
    /// What `media` says; of two lines that say the same the first counts.
    pub fn of(media: &Media) -> Self {
        let mut t38 = Self::default();
        for attribute in media.attributes.iter().rev() {
            let Attribute::T38(attribute) = attribute else { continue };
            match *attribute {
                T38Attribute::Version(version) => t38.version = version,
                T38Attribute::MaxBitRate(rate) => t38.max_bit_rate = rate,
                T38Attribute::FillBitRemoval(on) => t38.fill_bit_removal = on,
                T38Attribute::TranscodingMmr(on) => t38.transcoding_mmr = on,
                T38Attribute::TranscodingJbig(on) => t38.transcoding_jbig = on,
                T38Attribute::RateManagement(who) => t38.rate_management = who,
                T38Attribute::MaxBuffer(octets) => t38.max_buffer = Some(octets),
                T38Attribute::MaxDatagram(octets) => t38.max_datagram = Some(octets),
                T38Attribute::MaxIfp(octets) => t38.max_ifp = Some(octets),
                T38Attribute::ErrorCorrection(how) => t38.error_correction = how,
            }
        }
        t38
    }
}

impl T38Attribute {
    pub(crate) fn parse(name: &str, value: Option<&str>) -> Option<Self> {
        let prefix = name.get(..3).filter(|prefix| prefix.eq_ignore_ascii_case("T38"))?.len();
        let rest = &name[prefix..];
        let is = |known: &str| rest.eq_ignore_ascii_case(known);
        let number = || value?.parse().ok();
        // Present without a value is yes; old devices write 0 and 1.
        let flag = || match value {
            None | Some("1") => Some(true),
            Some("0") => Some(false),
            Some(_) => None,
        };
        match () {
            () if is("FaxVersion") => value?.parse().ok().map(Self::Version),
            () if is("MaxBitRate") || is("FaxMaxBitRate") => number().map(Self::MaxBitRate),
            () if is("FaxFillBitRemoval") => flag().map(Self::FillBitRemoval),
            () if is("FaxTranscodingMMR") => flag().map(Self::TranscodingMmr),
            () if is("FaxTranscodingJBIG") => flag().map(Self::TranscodingJbig),
            () if is("FaxRateManagement") => {
                RateManagement::parse(value?).map(Self::RateManagement)
            }
            () if is("FaxMaxBuffer") => number().map(Self::MaxBuffer),
            () if is("FaxMaxDatagram") => number().map(Self::MaxDatagram),
            () if is("FaxMaxIFP") => number().map(Self::MaxIfp),
            () if is("FaxUdpEC") => ErrorCorrection::parse(value?).map(Self::ErrorCorrection),
            () => None,
        }
    }
}

impl RateManagement {
    fn parse(value: &str) -> Option<Self> {
        [Self::LocalTcf, Self::TransferredTcf]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(value))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::LocalTcf => "localTCF",
            Self::TransferredTcf => "transferredTCF",
        }
    }
}

impl ErrorCorrection {
    fn parse(value: &str) -> Option<Self> {
        [Self::None, Self::Fec, Self::Redundancy]
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(value))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "t38UDPNoEC",
            Self::Fec => "t38UDPFEC",
            Self::Redundancy => "t38UDPRedundancy",
        }
    }
}

/// `T38FaxVersion:0`; flags with 0 or 1, which every device reads.
impl fmt::Display for T38Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |on: &bool| u8::from(*on);
        match self {
            Self::Version(version) => write!(f, "T38FaxVersion:{version}"),
            Self::MaxBitRate(rate) => write!(f, "T38MaxBitRate:{rate}"),
            Self::FillBitRemoval(on) => write!(f, "T38FaxFillBitRemoval:{}", flag(on)),
            Self::TranscodingMmr(on) => write!(f, "T38FaxTranscodingMMR:{}", flag(on)),
            Self::TranscodingJbig(on) => write!(f, "T38FaxTranscodingJBIG:{}", flag(on)),
            Self::RateManagement(who) => write!(f, "T38FaxRateManagement:{}", who.name()),
            Self::MaxBuffer(octets) => write!(f, "T38FaxMaxBuffer:{octets}"),
            Self::MaxDatagram(octets) => write!(f, "T38FaxMaxDatagram:{octets}"),
            Self::MaxIfp(octets) => write!(f, "T38FaxMaxIFP:{octets}"),
            Self::ErrorCorrection(how) => write!(f, "T38FaxUdpEC:{}", how.name()),
        }
    }
}
