//! RTCP: sender and receiver reports, CNAME and BYE, RFC 3550 §6.
//!
//! ```text
//!  |V=2|P|  count  |  packet type  |    length in words − 1        |   of each packet of the compound
//! ```
//! Read tolerantly (RFC 5506 allows single packets), written strictly: report, then CNAME, then BYE.

use std::fmt;

use tipring_core::Instant;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// The SDES item type CNAME (§6.5.1).
const CNAME: u8 = 1;

/// Seconds (upper half) and fractions of them, as NTP counts; only differences mean anything here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ntp(pub u64);

/// The canonical name of a source (§6.5.1): 1 to 63 visible ASCII octets, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cname {
    len: u8,
    octets: [u8; 63],
}

/// The part of a sender report about the sender (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// When it was sent, by the sender's clock.
    pub ntp: Ntp,
    /// The same instant in the timestamps of its packets.
    pub timestamp: u32,
    /// Packets sent since the stream began.
    pub packets: u32,
    /// Payload octets sent since the stream began.
    pub octets: u32,
}

/// What a receiver tells about a source (§6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Lost since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; 24 bits, signed.
    pub cumulative_lost: i32,
    /// The highest number received, cycles in the upper half.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle of the source's latest report's NTP time; 0 for none.
    pub last_sr: u32,
    /// Time since that report, in 1/65536 s.
    pub delay_since_sr: u32,
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// SR, or RR where `sender` is `None`.
    Report {
        /// Who reports.
        ssrc: u32,
        /// What it sent itself.
        sender: Option<SenderInfo>,
        /// What it received.
        blocks: Blocks<'a>,
    },
    /// SDES: the CNAME of its first chunk, where that has one.
    Description {
        /// Whose.
        ssrc: u32,
        /// The name's octets, as they came.
        cname: Option<&'a [u8]>,
    },
    /// BYE of its first source; `None` where it names none.
    Bye(Option<u32>),
    /// A packet type that means nothing here.
    Other(u8),
}

/// The report blocks of one report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

/// The packets of a compound, each checked to lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct Compound<'a>(&'a [u8]);

/// Why a datagram is no RTCP compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RtcpError {
    /// A packet's length or count goes beyond what there is.
    Truncated,
    /// A packet's version is not 2.
    Version(u8),
}

/// All that is said in one compound of ours.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Our source.
    pub ssrc: u32,
    /// Present where packets were sent since the last two reports (§6.4).
    pub sender: Option<SenderInfo>,
    /// The one source a telephone call receives.
    pub block: Option<ReportBlock>,
    /// Our name.
    pub cname: &'a Cname,
    /// Whether this is the last.
    pub bye: bool,
}

impl<'a> Compound<'a> {
    /// Checks that `datagram` is a row of RTCP packets (after A.2).
    pub fn parse(datagram: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = datagram;
        if rest.is_empty() {
            return Err(RtcpError::Truncated);
        }
        while !rest.is_empty() {
            rest = split(rest)?.1;
        }
        Ok(Self(datagram))
    }
}

impl<'a> Iterator for Compound<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let (packet, rest) = split(self.0).ok()?;
        self.0 = rest;
        Some(part(&packet).unwrap_or(Part::Other(packet.kind)))
    }
}

impl Iterator for Blocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk::<24>()?;
        self.0 = rest;
        let word = |at: usize| {
            let octets = block.get(at..at + 4).and_then(|w| w.try_into().ok());
            octets.map_or(0, u32::from_be_bytes)
        };
        Some(ReportBlock {
            ssrc: word(0),
            fraction_lost: (word(4) >> 24) as u8,
            // Sign-extends the 24 bits.
            cumulative_lost: (word(4) << 8) as i32 >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sr: word(16),
            delay_since_sr: word(20),
        })
    }
}

impl Report<'_> {
    /// The most a report takes, in octets.
    pub const MAX_LEN: usize = 28 + 24 + 76 + 8;

    /// Writes the compound to the front of `out`: its length, or `None` where `out` is too short.
    pub fn write(&self, out: &mut [u8]) -> Option<usize> {
        let mut out = Writer { out, len: 0 };
        let blocks = u8::from(self.block.is_some());
        match &self.sender {
            Some(sender) => {
                out.word(head(blocks, SENDER_REPORT, 6 + 6 * u16::from(blocks)))?;
                out.word(self.ssrc)?;
                out.word((sender.ntp.0 >> 32) as u32)?;
                out.word(sender.ntp.0 as u32)?;
                out.word(sender.timestamp)?;
                out.word(sender.packets)?;
                out.word(sender.octets)?;
            }
            None => {
                out.word(head(blocks, RECEIVER_REPORT, 1 + 6 * u16::from(blocks)))?;
                out.word(self.ssrc)?;
            }
        }
        if let Some(block) = &self.block {
            out.word(block.ssrc)?;
            let lost = block.cumulative_lost as u32 & 0xFF_FFFF;
            out.word(u32::from(block.fraction_lost) << 24 | lost)?;
            out.word(block.highest_sequence)?;
            out.word(block.jitter)?;
            out.word(block.last_sr)?;
            out.word(block.delay_since_sr)?;
        }
        self.write_cname(&mut out)?;
        if self.bye {
            out.word(head(1, BYE, 1))?;
            out.word(self.ssrc)?;
        }
        Some(out.len)
    }

    fn write_cname(&self, out: &mut Writer<'_>) -> Option<()> {
        let name = self.cname.as_octets();
        // Item type, length, name, at least one null, up to the next word (§6.5).
        let words = (2 + name.len()) / 4 + 1;
        out.word(head(1, DESCRIPTION, u16::try_from(1 + words).ok()?))?;
        out.word(self.ssrc)?;
        let end = out.len + words * 4;
        out.octets(&[CNAME, self.cname.len])?;
        out.octets(name)?;
        let pad = end - out.len;
        out.octets([0; 4].get(..pad)?)
    }
}

impl Ntp {
    /// The beginning of the era.
    pub const ORIGIN: Self = Self(0);

    /// The time `now` is when this is the time of `Instant::ZERO`.
    pub fn after(self, now: Instant) -> Self {
        let (seconds, micros) = (now.as_micros() / 1_000_000, now.as_micros() % 1_000_000);
        Self(self.0.wrapping_add(seconds << 32).wrapping_add((micros << 32) / 1_000_000))
    }

    /// The middle 32 bits, in 1/65536 s (§4).
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl Cname {
    /// `text` without what is not visible ASCII, cut at 63 octets; `-` where nothing is left.
    pub fn new(text: &str) -> Self {
        let mut name = Self { len: 0, octets: [0; 63] };
        let visible = text.bytes().filter(u8::is_ascii_graphic);
        for (slot, octet) in name.octets.iter_mut().zip(visible) {
            *slot = octet;
            name.len += 1;
        }
        if name.len == 0 {
            name = Self::new("-");
        }
        name
    }

    /// Its octets.
    pub fn as_octets(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for Cname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cname({:?})", self.as_octets().escape_ascii().to_string())
    }
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("an RTCP packet is longer than its datagram"),
            Self::Version(version) => write!(f, "RTCP version {version} instead of 2"),
        }
    }
}

impl std::error::Error for RtcpError {}

/// One packet's kind, count and what follows its first word, padding taken off.
struct Raw<'a> {
    kind: u8,
    count: u8,
    body: &'a [u8],
}

fn split(bytes: &[u8]) -> Result<(Raw<'_>, &[u8]), RtcpError> {
    let ([first, kind, l0, l1], rest) =
        bytes.split_first_chunk::<4>().ok_or(RtcpError::Truncated)?;
    if first >> 6 != 2 {
        return Err(RtcpError::Version(first >> 6));
    }
    let len = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
    let (mut body, rest) = rest.split_at_checked(len).ok_or(RtcpError::Truncated)?;
    if first & 0x20 != 0 {
        let pad = usize::from(body.last().copied().unwrap_or(0));
        let kept = body.len().checked_sub(pad).filter(|_| pad != 0);
        body = kept.and_then(|kept| body.get(..kept)).ok_or(RtcpError::Truncated)?;
    }
    Ok((Raw { kind: *kind, count: first & 0x1F, body }, rest))
}

/// `None` where the packet is shorter than its kind and count say.
fn part<'a>(packet: &Raw<'a>) -> Option<Part<'a>> {
    let word = |at: usize| {
        let octets = packet.body.get(at..at.checked_add(4)?)?;
        octets.try_into().ok().map(u32::from_be_bytes)
    };
    let blocks = |at: usize| {
        let end = at + usize::from(packet.count) * 24;
        packet.body.get(at..end).map(Blocks)
    };
    Some(match packet.kind {
        SENDER_REPORT => {
            let sender = SenderInfo {
                ntp: Ntp(u64::from(word(4)?) << 32 | u64::from(word(8)?)),
                timestamp: word(12)?,
                packets: word(16)?,
                octets: word(20)?,
            };
            Part::Report { ssrc: word(0)?, sender: Some(sender), blocks: blocks(24)? }
        }
        RECEIVER_REPORT => Part::Report { ssrc: word(0)?, sender: None, blocks: blocks(4)? },
        DESCRIPTION if packet.count > 0 => {
            Part::Description { ssrc: word(0)?, cname: find_cname(packet.body.get(4..)?) }
        }
        BYE => Part::Bye(if packet.count > 0 { Some(word(0)?) } else { None }),
        other => Part::Other(other),
    })
}

fn find_cname(mut items: &[u8]) -> Option<&[u8]> {
    loop {
        let ([kind, len], rest) = items.split_first_chunk::<2>()?;
        if *kind == 0 {
            return None;
        }
        let (text, rest) = rest.split_at_checked(usize::from(*len))?;
        if *kind == CNAME {
            return Some(text);
        }
        items = rest;
    }
}

fn head(count: u8, kind: u8, words: u16) -> u32 {
    u32::from_be_bytes([0x80 | count, kind, 0, 0]) | u32::from(words)
}

struct Writer<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Writer<'_> {
    fn octets(&mut self, octets: &[u8]) -> Option<()> {
        let end = self.len + octets.len();
        self.out.get_mut(self.len..end)?.copy_from_slice(octets);
        self.len = end;
        Some(())
    }

    fn word(&mut self, word: u32) -> Option<()> {
        self.octets(&word.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sender() -> impl Strategy<Value = SenderInfo> {
        (any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>()).prop_map(
            |(ntp, timestamp, packets, octets)| SenderInfo {
                ntp: Ntp(ntp),
                timestamp,
                packets,
                octets,
            },
        )
    }

    fn block() -> impl Strategy<Value = ReportBlock> {
        let lost = -0x80_0000..0x80_0000;
        (any::<u32>(), any::<u8>(), lost, any::<u32>(), any::<u32>(), any::<[u32; 2]>()).prop_map(
            |(ssrc, fraction_lost, cumulative_lost, highest_sequence, jitter, sr)| ReportBlock {
                ssrc,
                fraction_lost,
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr: sr[0],
                delay_since_sr: sr[1],
            },
        )
    }

    proptest! {
        #[test]
        fn reports_are_read_back(
            ssrc: u32, sender in proptest::option::of(sender()), block in proptest::option::of(block()),
            name in "[a-z@.]{1,70}", bye: bool,
        ) {
            let cname = Cname::new(&name);
            let mut out = [0; Report::MAX_LEN];
            let len = Report { ssrc, sender, block, cname: &cname, bye }
                .write(&mut out)
                .expect("MAX_LEN is enough");
            prop_assert_eq!(len % 4, 0);
            let mut parts = Compound::parse(&out[..len]).expect("own reports are well formed");
            match parts.next() {
                Some(Part::Report { ssrc: s, sender: read, mut blocks }) => {
                    prop_assert_eq!((s, read, blocks.next(), blocks.next()), (ssrc, sender, block, None));
                }
                other => prop_assert!(false, "{:?}", other),
            }
            let said = Part::Description { ssrc, cname: Some(cname.as_octets()) };
            prop_assert_eq!(parts.next(), Some(said));
            prop_assert_eq!(parts.next(), bye.then_some(Part::Bye(Some(ssrc))));
            prop_assert_eq!(parts.next(), None);
        }

        #[test]
        fn no_datagram_makes_the_parser_panic(mut datagram: Vec<u8>, kind in 199u8..206) {
            if let [first, second, ..] = &mut datagram[..] {
                *first = *first & 0x3F | 0x80;
                *second = kind;
            }
            if let Ok(parts) = Compound::parse(&datagram) {
                for part in parts {
                    if let Part::Report { blocks, .. } = part {
                        prop_assert!(blocks.count() <= 31);
                    }
                }
            }
        }
    }

    #[test]
    fn lengths_beyond_the_datagram_are_refused() {
        assert_eq!(Compound::parse(&[]).err(), Some(RtcpError::Truncated));
        assert_eq!(Compound::parse(&[0x80, 200, 0, 6]).err(), Some(RtcpError::Truncated));
        assert_eq!(Compound::parse(&[0x40, 200, 0, 0]).err(), Some(RtcpError::Version(1)));
        // A count of blocks that the length does not hold is a part of no meaning.
        let mut parts = Compound::parse(&[0x85, 201, 0, 1, 0, 0, 0, 1]).expect("framed");
        assert_eq!(parts.next(), Some(Part::Other(201)));
    }

    #[test]
    fn a_name_without_visible_letters_is_a_dash() {
        assert_eq!(Cname::new(" ").as_octets(), b"-");
        assert_eq!(Cname::new("a b\n@c").as_octets(), b"ab@c");
    }
}
