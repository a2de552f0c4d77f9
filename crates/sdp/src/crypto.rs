//! `a=crypto`: suites and keys for SRTP (RFC 4568, RFC 6188, RFC 7714).
//!
//! ```text
//! a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4 KDR=1
//!          │ │                              │                                       │    │   └ session parameters
//!          │ suite                          key and salt                     lifetime    master key identifier : length
//!          tag
//! ```

use std::fmt::{self, Write};

use crate::base64;
use crate::text::Text;

/// An `a=crypto` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Names the line in an answer: 0 to 999999999.
    pub tag: u32,
    /// The transform and its key lengths.
    pub suite: Suite,
    /// Master keys; at least one.
    pub keys: Vec<MasterKey>,
    /// Session parameters in order.
    pub parameters: Vec<SessionParameter>,
}

/// A crypto suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `AES_CM_128_HMAC_SHA1_80`
    AesCm128Sha80,
    /// `AES_CM_128_HMAC_SHA1_32`
    AesCm128Sha32,
    /// `F8_128_HMAC_SHA1_80`
    F8128Sha80,
    /// `AES_192_CM_HMAC_SHA1_80` (RFC 6188).
    AesCm192Sha80,
    /// `AES_256_CM_HMAC_SHA1_80` (RFC 6188).
    AesCm256Sha80,
    /// `AES_256_CM_HMAC_SHA1_32`
    AesCm256Sha32,
    /// `AEAD_AES_128_GCM` (RFC 7714).
    AesGcm128,
    /// `AEAD_AES_256_GCM`
    AesGcm256,
    /// Any other name, as it was written.
    Other(Text),
}

/// A key with the salt behind it, and how long it serves. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// The master key and the master salt, one behind the other.
    pub key_and_salt: Vec<u8>,
    /// Packets that it protects at most; `None` where the suite's own limit holds.
    pub lifetime: Option<u64>,
    /// The master key identifier in packets.
    pub identifier: Option<KeyIdentifier>,
}

/// A master key identifier (MKI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIdentifier {
    /// Its value.
    pub value: u64,
    /// How many octets it takes in a packet: 1 to 128.
    pub octets: u8,
}

/// A session parameter (RFC 4568 §6.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionParameter {
    /// `KDR=n`: keys are derived anew every 2^n packets, 0 to 24.
    KeyDerivationRate(u8),
    /// `UNENCRYPTED_SRTP`
    UnencryptedSrtp,
    /// `UNENCRYPTED_SRTCP`
    UnencryptedSrtcp,
    /// `UNAUTHENTICATED_SRTP`
    UnauthenticatedSrtp,
    /// `WSH=n`: the window against replay holds n packets, 64 or more.
    WindowSize(u32),
    /// Any other, as it was written. One that begins with `-` may be ignored by who does not know it.
    Other(Text),
}

impl Crypto {
    /// Reads what stands behind `a=crypto:`; `None` where it is no tag, suite and inline key.
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next().filter(|tag| tag.len() <= 9)?;
        let tag = tag.bytes().all(|b| b.is_ascii_digit()).then(|| tag.parse().ok())??;
        let suite = Suite::parse(words.next()?);
        let keys = words.next()?.split(';').map(MasterKey::parse).collect::<Option<_>>()?;
        Some(Self { tag, suite, keys, parameters: words.map(SessionParameter::parse).collect() })
    }

    /// Whether it can be taken by someone who knows the suite and no parameter but the window: one key, and nothing that
    /// changes the protection (RFC 4568 §6.3.7: what is unknown and does not begin with `-` rules a line out).
    pub fn is_ordinary(&self) -> bool {
        let key = match (self.keys.as_slice(), self.suite.key_and_salt_octets()) {
            ([key], Some(octets)) => key.key_and_salt.len() == octets,
            _ => false,
        };
        key && self.parameters.iter().all(|parameter| match parameter {
            SessionParameter::WindowSize(_) => true,
            SessionParameter::Other(text) => text.starts_with('-'),
            SessionParameter::KeyDerivationRate(rate) => *rate == 0,
            SessionParameter::UnencryptedSrtp
            | SessionParameter::UnencryptedSrtcp
            | SessionParameter::UnauthenticatedSrtp => false,
        })
    }
}

impl Suite {
    fn parse(word: &str) -> Self {
        let known = [
            Self::AesCm128Sha80,
            Self::AesCm128Sha32,
            Self::F8128Sha80,
            Self::AesCm192Sha80,
            Self::AesCm256Sha80,
            Self::AesCm256Sha32,
            Self::AesGcm128,
            Self::AesGcm256,
        ];
        known
            .into_iter()
            .find(|suite| suite.name().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.into()))
    }

    /// The registered name.
    pub fn name(&self) -> &str {
        match self {
            Self::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
            Self::F8128Sha80 => "F8_128_HMAC_SHA1_80",
            Self::AesCm192Sha80 => "AES_192_CM_HMAC_SHA1_80",
            Self::AesCm256Sha80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256Sha32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AesGcm128 => "AEAD_AES_128_GCM",
            Self::AesGcm256 => "AEAD_AES_256_GCM",
            Self::Other(name) => name,
        }
    }

    /// How many octets master key and salt have together: 14 of salt, in GCM 12.
    pub const fn key_and_salt_octets(&self) -> Option<usize> {
        match self {
            Self::AesCm128Sha80 | Self::AesCm128Sha32 | Self::F8128Sha80 => Some(16 + 14),
            Self::AesCm192Sha80 => Some(24 + 14),
            Self::AesCm256Sha80 | Self::AesCm256Sha32 => Some(32 + 14),
            Self::AesGcm128 => Some(16 + 12),
            Self::AesGcm256 => Some(32 + 12),
            Self::Other(_) => None,
        }
    }
}

impl MasterKey {
    /// `inline:KEY|2^20|1:4`, of which lifetime and identifier may be missing.
    fn parse(text: &str) -> Option<Self> {
        let (method, rest) = text.split_once(':')?;
        if !method.eq_ignore_ascii_case("inline") {
            return None;
        }
        let mut parts = rest.split('|');
        let key_and_salt = base64::decode(parts.next()?).filter(|key| !key.is_empty())?;
        let (mut lifetime, mut identifier) = (None, None);
        for part in parts {
            match part.split_once(':') {
                Some(pair) if identifier.is_none() => {
                    identifier = Some(KeyIdentifier::parse(pair)?);
                }
                None if lifetime.is_none() && identifier.is_none() => {
                    lifetime = Some(packets(part)?);
                }
                _ => return None,
            }
        }
        Some(Self { key_and_salt, lifetime, identifier })
    }
}

impl KeyIdentifier {
    fn parse((value, octets): (&str, &str)) -> Option<Self> {
        let octets = octets.parse().ok().filter(|octets| (1..=128).contains(octets))?;
        Some(Self { value: value.parse().ok()?, octets })
    }
}

/// `2^20`, or the number itself.
fn packets(text: &str) -> Option<u64> {
    let packets = match text.strip_prefix("2^") {
        Some(power) => 1u64.checked_shl(power.parse().ok()?)?,
        None => text.parse().ok()?,
    };
    (packets > 0).then_some(packets)
}

impl SessionParameter {
    fn parse(word: &str) -> Self {
        let number = word.split_once('=').map_or("", |(_, number)| number);
        let known = match word {
            "UNENCRYPTED_SRTP" => Some(Self::UnencryptedSrtp),
            "UNENCRYPTED_SRTCP" => Some(Self::UnencryptedSrtcp),
            "UNAUTHENTICATED_SRTP" => Some(Self::UnauthenticatedSrtp),
            _ if word.starts_with("KDR=") => {
                number.parse().ok().filter(|n| *n <= 24).map(Self::KeyDerivationRate)
            }
            _ if word.starts_with("WSH=") => {
                number.parse().ok().filter(|n| *n >= 64).map(Self::WindowSize)
            }
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(word.into()))
    }
}

/// What stands behind `a=crypto:`.
impl fmt::Display for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.tag, self.suite.name())?;
        let mut before = ' ';
        for key in &self.keys {
            let mut text = String::new();
            base64::encode(&key.key_and_salt, &mut text);
            write!(f, "{before}inline:{text}")?;
            match key.lifetime {
                Some(packets) if packets.is_power_of_two() => write!(f, "|2^{}", packets.ilog2())?,
                Some(packets) => write!(f, "|{packets}")?,
                None => {}
            }
            if let Some(KeyIdentifier { value, octets }) = key.identifier {
                write!(f, "|{value}:{octets}")?;
            }
            before = ';';
        }
        self.parameters.iter().try_for_each(|parameter| write!(f, " {parameter}"))
    }
}

impl fmt::Display for SessionParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyDerivationRate(rate) => write!(f, "KDR={rate}"),
            Self::UnencryptedSrtp => f.write_str("UNENCRYPTED_SRTP"),
            Self::UnencryptedSrtcp => f.write_str("UNENCRYPTED_SRTCP"),
            Self::UnauthenticatedSrtp => f.write_str("UNAUTHENTICATED_SRTP"),
            Self::WindowSize(packets) => write!(f, "WSH={packets}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Without the key.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(")?;
        write!(
            f,
            "{} octets, {:?}, {:?}",
            self.key_and_salt.len(),
            self.lifetime,
            self.identifier
        )?;
        f.write_char(')')
    }
}
