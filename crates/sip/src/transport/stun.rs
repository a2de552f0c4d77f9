//! STUN on the SIP socket (RFC 5626 §8, RFC 8489): Binding requests and their answers, which keep a UDP flow open and tell
//! whether it is still the same.
//!
//! ```text
//!  0                   1                   2                   3
//! |0 0|     message type          |   octets of the attributes    |
//! |                  magic cookie 0x2112A442                      |
//! |                  transaction id, 96 bits                      |
//! |   attribute type              |   octets of its value         |  value, filled up to 4 octets; the next …
//! ```
//!
//! The first octet of a STUN message is 0 or 1, of a SIP message never (RFC 5626 §8). What is needed of STUN is the method
//! Binding alone, and of attributes XOR-MAPPED-ADDRESS. A FINGERPRINT must be right, and is given back to who sends one.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Which request an answer is for: chance, so that nobody can answer who has not seen it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StunId(pub [u8; 12]);

/// A message of the method Binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StunMessage {
    /// Its transaction.
    pub id: StunId,
    /// What it is.
    pub kind: StunKind,
    /// It ends in a FINGERPRINT (RFC 8489 §14.7).
    pub fingerprint: bool,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StunKind {
    /// A request.
    Request {
        /// Attributes that must be understood and are not, in order; eight at most.
        unknown: Vec<u16>,
    },
    /// An indication, which nobody answers.
    Indication,
    /// The answer: where the request came from.
    Success {
        /// XOR-MAPPED-ADDRESS.
        mapped: SocketAddr,
    },
    /// The refusal.
    Refusal {
        /// ERROR-CODE, 300 to 699.
        code: u16,
        /// UNKNOWN-ATTRIBUTES of a 420; eight at most.
        unknown: Vec<u16>,
    },
}

/// Why octets are no STUN message that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadStun {
    /// Fewer octets than a header has, or another number than it says.
    Length,
    /// The magic cookie of RFC 8489 is missing: something else, or STUN of RFC 3489.
    Cookie,
    /// Another method than Binding.
    Method,
    /// An attribute that does not fit, or has no sense.
    Attribute,
    /// A FINGERPRINT that is wrong, or not the last.
    Fingerprint,
    /// An answer without its XOR-MAPPED-ADDRESS, or a refusal without its code.
    Incomplete,
    /// An answer with an attribute that must be understood and is not.
    NotUnderstood,
}

impl fmt::Display for BadStun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "wrong length",
            Self::Cookie => "no magic cookie",
            Self::Method => "another method than Binding",
            Self::Attribute => "malformed attribute",
            Self::Fingerprint => "wrong fingerprint",
            Self::Incomplete => "an attribute is missing",
            Self::NotUnderstood => "an attribute that is not understood",
        })
    }
}

impl std::error::Error for BadStun {}

/// Whether a datagram is STUN and not SIP (RFC 5626 §8).
pub fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0 | 1))
}

impl StunMessage {
    /// A request.
    pub const fn request(id: StunId) -> Self {
        Self { id, kind: StunKind::Request { unknown: Vec::new() }, fingerprint: false }
    }

    /// The message that `bytes` are, all of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadStun> {
        let (header, attributes) = bytes.split_first_chunk::<HEADER>().ok_or(BadStun::Length)?;
        let [a, b, len_high, len_low, cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
        if usize::from(u16::from_be_bytes([*len_high, *len_low])) != attributes.len() {
            return Err(BadStun::Length);
        }
        if *cookie != COOKIE {
            return Err(BadStun::Cookie);
        }
        let class = Class::of(u16::from_be_bytes([*a, *b])).ok_or(BadStun::Method)?;
        let mut id = [0; 12];
        id.copy_from_slice(header.get(HEADER - 12..).unwrap_or(&[0; 12]));
        let found = Found::of(bytes, id)?;
        let kind = match class {
            Class::Request => StunKind::Request { unknown: found.unknown },
            Class::Indication => StunKind::Indication,
            Class::Success | Class::Refusal if !found.unknown.is_empty() => {
                return Err(BadStun::NotUnderstood);
            }
            Class::Success => {
                StunKind::Success { mapped: found.mapped.ok_or(BadStun::Incomplete)? }
            }
            Class::Refusal => StunKind::Refusal {
                code: found.code.ok_or(BadStun::Incomplete)?,
                unknown: found.refused,
            },
        };
        Ok(Self { id: StunId(id), kind, fingerprint: found.fingerprint })
    }

    /// What a server owes to whoever sent this from `source`; `None` to what is no request (RFC 8489 §6.3.1).
    pub fn answer(&self, source: SocketAddr) -> Option<Self> {
        let StunKind::Request { unknown } = &self.kind else { return None };
        let kind = match unknown.is_empty() {
            true => StunKind::Success { mapped: unmapped(source) },
            false => StunKind::Refusal { code: UNKNOWN_ATTRIBUTE, unknown: unknown.clone() },
        };
        Some(Self { kind, ..*self })
    }

    /// As octets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let class = match &self.kind {
            StunKind::Request { .. } => Class::Request,
            StunKind::Indication => Class::Indication,
            StunKind::Success { .. } => Class::Success,
            StunKind::Refusal { .. } => Class::Refusal,
        };
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(class.word().to_be_bytes());
        bytes.extend([0; 2]);
        bytes.extend(COOKIE);
        bytes.extend(self.id.0);
        match &self.kind {
            StunKind::Request { unknown } => {
                unknown.iter().for_each(|attribute| put(&mut bytes, *attribute, &[]));
            }
            StunKind::Indication => {}
            StunKind::Success { mapped } => put_address(&mut bytes, *mapped, self.id),
            StunKind::Refusal { code, unknown } => {
                let code = [0, 0, (code / 100) as u8, (code % 100) as u8];
                put(&mut bytes, ERROR_CODE, &code);
                if !unknown.is_empty() {
                    let list: Vec<u8> = unknown.iter().flat_map(|at| at.to_be_bytes()).collect();
                    put(&mut bytes, UNKNOWN_ATTRIBUTES, &list);
                }
            }
        }
        if self.fingerprint {
            set_len(&mut bytes, 8);
            let crc = fingerprint(&bytes);
            put(&mut bytes, FINGERPRINT, &crc.to_be_bytes());
        }
        set_len(&mut bytes, 0);
        bytes
    }
}

/// The class in a message type (RFC 8489 §5).
#[derive(Clone, Copy)]
enum Class {
    Request,
    Indication,
    Success,
    Refusal,
}

impl Class {
    fn of(word: u16) -> Option<Self> {
        let all = [Self::Request, Self::Indication, Self::Success, Self::Refusal];
        all.into_iter().find(|class| class.word() == word)
    }

    /// The type of a message of this class and the method Binding.
    const fn word(self) -> u16 {
        match self {
            Self::Request => 0x0001,
            Self::Indication => 0x0011,
            Self::Success => 0x0101,
            Self::Refusal => 0x0111,
        }
    }
}

/// What is in the attributes; of one that stands twice the first counts (RFC 8489 §14).
#[derive(Default)]
struct Found {
    mapped: Option<SocketAddr>,
    code: Option<u16>,
    refused: Vec<u16>,
    unknown: Vec<u16>,
    fingerprint: bool,
}

impl Found {
    fn of(message: &[u8], id: [u8; 12]) -> Result<Self, BadStun> {
        let mut found = Self::default();
        let mut at = HEADER;
        while let Some(rest) = message.get(at..).filter(|rest| !rest.is_empty()) {
            let (head, value) = rest.split_first_chunk::<4>().ok_or(BadStun::Attribute)?;
            let [a, b, c, d] = *head;
            let (kind, len) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]).into());
            let value = value.get(..len).ok_or(BadStun::Attribute)?;
            let end = at + 4 + len.next_multiple_of(4);
            if end > message.len() {
                return Err(BadStun::Attribute);
            }
            if kind == FINGERPRINT {
                let crc = message.get(..at).map(fingerprint).map(u32::to_be_bytes);
                if end != message.len() || crc.as_ref().map(<[u8; 4]>::as_slice) != Some(value) {
                    return Err(BadStun::Fingerprint);
                }
            }
            found.take(kind, value, id)?;
            at = end;
        }
        Ok(found)
    }

    fn take(&mut self, kind: u16, value: &[u8], id: [u8; 12]) -> Result<(), BadStun> {
        match kind {
            XOR_MAPPED_ADDRESS if self.mapped.is_none() => {
                self.mapped = Some(address(value, id).ok_or(BadStun::Attribute)?);
            }
            ERROR_CODE if self.code.is_none() => {
                let Some([_, _, class @ 3..=6, number @ 0..=99, ..]) = value.first_chunk::<4>()
                else {
                    return Err(BadStun::Attribute);
                };
                self.code = Some(u16::from(*class) * 100 + u16::from(*number));
            }
            UNKNOWN_ATTRIBUTES if self.refused.is_empty() => {
                let (pairs, rest) = value.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err(BadStun::Attribute);
                }
                let listed = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
                self.refused = listed.take(MAX_UNKNOWN).collect();
            }
            FINGERPRINT => self.fingerprint = true,
            // RFC 8489 §14: the upper half may be passed over. Who proves to be somebody asks nothing else for it.
            _ if kind >= 0x8000 || KNOWN.contains(&kind) => {}
            _ if self.unknown.len() < MAX_UNKNOWN => self.unknown.push(kind),
            _ => {}
        }
        Ok(())
    }
}

/// XOR-MAPPED-ADDRESS (RFC 8489 §14.2): routers that look for addresses to rewrite do not see this one.
fn address(value: &[u8], id: [u8; 12]) -> Option<SocketAddr> {
    let ([_, family, port @ ..], octets) = value.split_first_chunk::<4>()?;
    let [a, b, ..] = COOKIE;
    let port = u16::from_be_bytes(*port) ^ u16::from_be_bytes([a, b]);
    let ip: IpAddr = match family {
        1 => IpAddr::from(masked(<[u8; 4]>::try_from(octets).ok()?, id)),
        2 => IpAddr::from(masked(<[u8; 16]>::try_from(octets).ok()?, id)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn put_address(bytes: &mut Vec<u8>, address: SocketAddr, id: StunId) {
    let [a, b, ..] = COOKIE;
    let port = (address.port() ^ u16::from_be_bytes([a, b])).to_be_bytes();
    let (family, octets) = match address.ip() {
        IpAddr::V4(ip) => (1, masked(ip.octets(), id.0).to_vec()),
        IpAddr::V6(ip) => (2, masked(ip.octets(), id.0).to_vec()),
    };
    put(bytes, XOR_MAPPED_ADDRESS, &[&[0, family], &port[..], &octets].concat());
}

fn masked<const N: usize>(mut octets: [u8; N], id: [u8; 12]) -> [u8; N] {
    octets.iter_mut().zip(COOKIE.into_iter().chain(id)).for_each(|(octet, mask)| *octet ^= mask);
    octets
}

/// An IPv4 peer of a socket for both families, as it sees itself.
fn unmapped(source: SocketAddr) -> SocketAddr {
    let v4 = |ip: Ipv6Addr| ip.to_ipv4_mapped().map(IpAddr::V4);
    match source.ip() {
        IpAddr::V6(ip) => SocketAddr::new(v4(ip).unwrap_or(IpAddr::V6(ip)), source.port()),
        IpAddr::V4(_) => source,
    }
}

fn put(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    bytes.extend(kind.to_be_bytes());
    bytes.extend((value.len() as u16).to_be_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// Writes into the header how many octets follow it, and `more` that are still to come.
fn set_len(bytes: &mut [u8], more: usize) {
    let len = ((bytes.len() + more).saturating_sub(HEADER) as u16).to_be_bytes();
    if let Some(field) = bytes.get_mut(2..4) {
        field.copy_from_slice(&len);
    }
}

/// FINGERPRINT of what stands before it: the CRC-32 of ITU-T V.42, told apart from other uses of it (RFC 8489 §14.7).
fn fingerprint(before: &[u8]) -> u32 {
    let crc = before.iter().fold(u32::MAX, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 }
        })
    });
    !crc ^ 0x5354_554E
}

const HEADER: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
/// Unknown attributes that are told of; more are an attack.
const MAX_UNKNOWN: usize = 8;
/// The code for a request that must be understood in full and is not.
const UNKNOWN_ATTRIBUTE: u16 = 420;

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000A;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;

/// Attributes of RFC 8489 that may be there and change nothing: MAPPED-ADDRESS, USERNAME, MESSAGE-INTEGRITY, REALM, NONCE,
/// MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH, and those above where they stand twice.
const KNOWN: [u16; 11] = [
    0x0001,
    0x0006,
    0x0008,
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    0x0014,
    0x0015,
    0x001C,
    0x001D,
    0x001E,
    XOR_MAPPED_ADDRESS,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: StunId =
        StunId([0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae]);

    /// RFC 5769 §2.1: with SOFTWARE, PRIORITY, ICE-CONTROLLED, USERNAME, MESSAGE-INTEGRITY and FINGERPRINT.
    const ICE_REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
        \x80\x22\x00\x10STUN test client\
        \x00\x24\x00\x04\x6e\x00\x01\xff\
        \x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
        \x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\
        \x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\
        \x80\x28\x00\x04\xe5\x7a\x3b\xcf";

    /// RFC 5769 §2.2 and §2.3: the same answer to IPv4 and IPv6.
    const ANSWERS: [(&[u8], &str); 2] = [
        (
            b"\x01\x01\x00\x3c\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
            \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\
            \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43\
            \x00\x08\x00\x14\x2b\x91\xf5\x99\xfd\x9e\x90\xc3\x8c\x74\x89\xf9\x2a\xf9\xba\x53\xf0\x6b\xe7\xd7\
            \x80\x28\x00\x04\xc0\x7d\x4c\x96",
            "192.0.2.1:32853",
        ),
        (
            b"\x01\x01\x00\x48\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
            \x80\x22\x00\x0b\x74\x65\x73\x74\x20\x76\x65\x63\x74\x6f\x72\x20\
            \x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9\
            \x00\x08\x00\x14\xa3\x82\x95\x4e\x4b\xe6\x7b\xf1\x17\x84\xc9\x7c\x82\x92\xc2\x75\xbf\xe3\xed\x41\
            \x80\x28\x00\x04\xc8\xfb\x0b\x4c",
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ];

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn the_answers_of_rfc_5769_are_read_and_their_fingerprints_are_right() {
        for (bytes, mapped) in ANSWERS {
            let kind = StunKind::Success { mapped: at(mapped) };
            let message = StunMessage { id: ID, kind, fingerprint: true };
            assert_eq!(StunMessage::parse(bytes), Ok(message.clone()));
            assert_eq!(StunMessage::parse(&message.to_bytes()), Ok(message));
        }
    }

    #[test]
    fn what_ice_asks_for_is_refused_by_its_name() {
        let asked = StunMessage::parse(ICE_REQUEST).expect("well-formed");
        let unknown = vec![0x0024];
        assert_eq!(asked.kind, StunKind::Request { unknown: unknown.clone() }, "PRIORITY");
        let refusal = asked.answer(at("192.0.2.1:5060")).expect("it is a request");
        assert_eq!(refusal.kind, StunKind::Refusal { code: 420, unknown });
        assert!(refusal.fingerprint && refusal.id == ID);
    }

    #[test]
    fn one_flipped_bit_is_found_where_there_is_a_fingerprint() {
        for at in 0..ICE_REQUEST.len() * 8 {
            let mut bytes = ICE_REQUEST.to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            // It may have been what made it a fingerprint.
            let read = StunMessage::parse(&bytes);
            assert!(read.is_err() || read.is_ok_and(|message| !message.fingerprint), "bit {at}");
        }
    }

    #[test]
    fn a_request_is_answered_with_where_it_came_from() {
        for (source, mapped) in [
            ("192.0.2.1:40000", "192.0.2.1:40000"),
            ("[2001:db8::1]:5060", "[2001:db8::1]:5060"),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1:1"),
        ] {
            let bytes = StunMessage::request(ID).to_bytes();
            assert_eq!(bytes.len(), 20);
            let answer = StunMessage::parse(&bytes).expect("ours").answer(at(source));
            let answer = answer.expect("it is a request");
            assert_eq!(answer.kind, StunKind::Success { mapped: at(mapped) });
            assert_eq!(answer.answer(at(source)), None, "it is no request");
            assert!(answer.to_bytes().len() <= 44, "hardly more than was sent");
        }
    }

    #[test]
    fn whatever_is_no_stun_message_of_ours_says_why() {
        let good = StunMessage::request(ID).to_bytes();
        let with = |at: usize, octet: u8| {
            let mut bytes = good.clone();
            bytes[at] = octet;
            StunMessage::parse(&bytes)
        };
        let answer = |attributes: &[u8]| {
            let mut bytes = good.clone();
            bytes[0] = 1;
            bytes[1] = 1;
            bytes.extend(attributes);
            set_len(&mut bytes, 0);
            StunMessage::parse(&bytes)
        };
        assert_eq!(StunMessage::parse(&good[..19]), Err(BadStun::Length));
        assert_eq!(StunMessage::parse(b""), Err(BadStun::Length));
        assert_eq!(with(3, 4), Err(BadStun::Length));
        assert_eq!(with(4, 0x20), Err(BadStun::Cookie));
        assert_eq!(with(1, 3), Err(BadStun::Method), "Allocate of TURN");
        assert_eq!(answer(&[]), Err(BadStun::Incomplete));
        assert_eq!(answer(&[0, 0x20, 0]), Err(BadStun::Attribute));
        assert_eq!(answer(&[0, 0x20, 0, 9, 0, 1, 0, 0, 0, 0, 0, 0]), Err(BadStun::Attribute));
        assert_eq!(answer(&[0, 0x20, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0]), Err(BadStun::Attribute));
        assert_eq!(answer(&[0x80, 0x22, 0, 1, 0]), Err(BadStun::Attribute), "not filled up");
        assert_eq!(answer(&[0, 0x24, 0, 0]), Err(BadStun::NotUnderstood));
        assert_eq!(answer(&[0x80, 0x28, 0, 4, 0, 0, 0, 0]), Err(BadStun::Fingerprint));
        assert!(!is_stun(b"") && !is_stun(b"\r\n\r\n") && is_stun(&good) && !is_stun(&[0x80]));
    }

    #[test]
    fn more_unknown_attributes_than_a_few_are_not_gathered() {
        let mut bytes = StunMessage::request(ID).to_bytes();
        (0..300).for_each(|kind| put(&mut bytes, 0x7000 + kind, &[]));
        set_len(&mut bytes, 0);
        let answer = StunMessage::parse(&bytes).expect("well-formed").answer(at("192.0.2.1:1"));
        assert!(answer.expect("it is a request").to_bytes().len() < 60);
    }

    fn kinds() -> impl Strategy<Value = StunKind> {
        let unknown = || prop::collection::vec(0x7000..0x7FFFu16, 0..=MAX_UNKNOWN);
        prop_oneof![
            unknown().prop_map(|unknown| StunKind::Request { unknown }),
            Just(StunKind::Indication),
            (any::<IpAddr>(), any::<u16>())
                .prop_map(|(ip, port)| StunKind::Success { mapped: SocketAddr::new(ip, port) }),
            (300..700u16, unknown())
                .prop_map(|(code, unknown)| StunKind::Refusal { code, unknown }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_the_same(
            id in any::<[u8; 12]>(), kind in kinds(), fingerprint: bool,
        ) {
            let message = StunMessage { id: StunId(id), kind, fingerprint };
            let bytes = message.to_bytes();
            prop_assert!(is_stun(&bytes));
            prop_assert_eq!(StunMessage::parse(&bytes), Ok(message));
        }
    }
}
