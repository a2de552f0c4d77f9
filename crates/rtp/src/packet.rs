//! The RTP packet, RFC 3550 §5.1.
//!
//! ```text
//!  0                   1                   2                   3
//!  |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//!  |                           timestamp                           |
//!  |           synchronization source (SSRC) identifier            |
//!  |            contributing sources, 0 to 15 of them              |
//!  |  extension (profile, length in words, words) where X is set   |
//!  |  payload …                                     | pad count    |
//! ```

use std::fmt;

/// The fields a sender chooses for each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The marker: in audio, the first packet after silence; in RFC 4733, the first of an event.
    pub marker: bool,
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// Counts packets, modulo 2¹⁶.
    pub sequence: u16,
    /// Counts samples (8 kHz), modulo 2³².
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: u32,
}

/// A view of a packet that was checked whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its fixed fields.
    pub header: Header,
    /// The header extension's profile and words, where there is one.
    pub extension: Option<(u16, &'a [u8])>,
    /// What is left when header, contributing sources, extension and padding are taken off. May be empty.
    pub payload: &'a [u8],
}

/// Why a datagram is no RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// It ends inside the header, the contributing sources or the extension.
    Truncated,
    /// Its version is not 2.
    Version(u8),
    /// Its pad count is zero or larger than what there is.
    Padding(u8),
    /// Its second octet is an RTCP packet type (RFC 5761 §4).
    IsRtcp,
}

/// Octets of the header without contributing sources and extension.
pub const HEADER_LEN: usize = 12;

impl<'a> Packet<'a> {
    /// Checks `datagram` and finds its parts.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        let (fixed, rest) =
            datagram.split_first_chunk::<HEADER_LEN>().ok_or(PacketError::Truncated)?;
        let [first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = *fixed;
        if first >> 6 != 2 {
            return Err(PacketError::Version(first >> 6));
        }
        if is_rtcp(datagram) {
            return Err(PacketError::IsRtcp);
        }
        let sources = usize::from(first & 0x0F) * 4;
        let (_, mut rest) = rest.split_at_checked(sources).ok_or(PacketError::Truncated)?;
        let mut extension = None;
        if first & 0x10 != 0 {
            let ([p0, p1, l0, l1], words) =
                rest.split_first_chunk::<4>().ok_or(PacketError::Truncated)?;
            let len = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
            let (words, payload) = words.split_at_checked(len).ok_or(PacketError::Truncated)?;
            extension = Some((u16::from_be_bytes([*p0, *p1]), words));
            rest = payload;
        }
        if first & 0x20 != 0 {
            let pad = *rest.last().ok_or(PacketError::Padding(0))?;
            let kept = rest.len().checked_sub(usize::from(pad));
            rest = match kept {
                Some(kept) if pad != 0 => rest.get(..kept).ok_or(PacketError::Padding(pad))?,
                _ => return Err(PacketError::Padding(pad)),
            };
        }
        let header = Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
        };
        Ok(Self { header, extension, payload: rest })
    }
}

impl Header {
    /// The twelve octets, without contributing sources, extension or padding.
    pub fn to_octets(self) -> [u8; HEADER_LEN] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [i0, i1, i2, i3] = self.ssrc.to_be_bytes();
        let second = u8::from(self.marker) << 7 | self.payload_type & 0x7F;
        [0x80, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3]
    }

    /// Writes header and payload to the front of `out`: their length, or `None` where `out` is too short.
    pub fn write(self, payload: &[u8], out: &mut [u8]) -> Option<usize> {
        let len = HEADER_LEN + payload.len();
        let (head, body) = out.get_mut(..len)?.split_at_mut(HEADER_LEN);
        head.copy_from_slice(&self.to_octets());
        body.copy_from_slice(payload);
        Some(len)
    }
}

/// Whether a datagram on a port shared by both is RTCP: its packet type is 192 to 223 (RFC 5761 §4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the datagram ends inside the RTP header"),
            Self::Version(version) => write!(f, "RTP version {version} instead of 2"),
            Self::Padding(count) => write!(f, "a pad count of {count} does not fit the packet"),
            Self::IsRtcp => f.write_str("an RTCP packet where RTP was expected"),
        }
    }
}

impl std::error::Error for PacketError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> impl Strategy<Value = Header> {
        (any::<bool>(), 0u8..64, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
            |(marker, payload_type, sequence, timestamp, ssrc)| Header {
                marker,
                payload_type,
                sequence,
                timestamp,
                ssrc,
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(header in header(), payload: Vec<u8>) {
            let mut out = [0; 512];
            let len = header.write(&payload, &mut out).expect("proptest vectors are short");
            let packet = Packet::parse(&out[..len]).expect("own packets are well formed");
            prop_assert_eq!(packet, Packet { header, extension: None, payload: &payload });
        }

        #[test]
        fn no_datagram_makes_the_parser_panic(datagram: Vec<u8>) {
            let _ = Packet::parse(&datagram);
        }

        #[test]
        fn sources_extension_and_padding_are_taken_off(
            header in header(), sources in 0u8..16, words in 0u8..4, pad in 1u8..9, payload: Vec<u8>,
        ) {
            let mut bytes = header.to_octets().to_vec();
            bytes[0] |= 0x30 | sources;
            bytes.resize(HEADER_LEN + usize::from(sources) * 4, 0xCC);
            bytes.extend([0xBE, 0xDE, 0, words]);
            bytes.resize(bytes.len() + usize::from(words) * 4, 0xEE);
            bytes.extend(&payload);
            bytes.resize(bytes.len() + usize::from(pad) - 1, 0);
            bytes.push(pad);
            let packet = Packet::parse(&bytes).expect("well formed");
            prop_assert_eq!(packet.payload, &payload[..]);
            prop_assert_eq!(packet.extension.map(|(profile, w)| (profile, w.len())),
                Some((0xBEDE, usize::from(words) * 4)));
        }
    }

    #[test]
    fn damaged_headers_are_named() {
        let good = Header { marker: false, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 };
        let parse = |edit: fn(&mut Vec<u8>)| {
            let mut bytes = good.to_octets().to_vec();
            bytes.extend([0x55; 4]);
            edit(&mut bytes);
            Packet::parse(&bytes).map(|_| ())
        };
        assert_eq!(parse(|_| ()), Ok(()));
        assert_eq!(parse(|b| b.truncate(11)), Err(PacketError::Truncated));
        assert_eq!(parse(|b| b[0] = 0x40), Err(PacketError::Version(1)));
        assert_eq!(parse(|b| b[0] |= 2), Err(PacketError::Truncated));
        assert_eq!(parse(|b| b[0] |= 0x10), Err(PacketError::Truncated));
        assert_eq!(parse(|b| b[0] |= 0x20), Err(PacketError::Padding(0x55)));
        assert_eq!(parse(|b| b[1] = 200), Err(PacketError::IsRtcp));
    }
}
