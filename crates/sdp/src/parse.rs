//! Reading a description: line by line, then word by word.
//!
//! Tolerant where a call can still be made of it: bare LF, no line end at the end, blank lines, lower and upper case,
//! spaces around, lines out of order, missing `o=`, `s=` and `t=`, a `c=` behind the attributes or only with the media,
//! letters that nobody knows, numbers too large to matter. Of what may stand once the first readable one counts.
//! An attribute whose value cannot be read counts as one that nobody knows (RFC 8866 §5.13).
//! Strict where guessing would send audio to the wrong place: `v=`, `c=`, `m=` must be what they claim.
//!
//! Every octet is looked at a bounded number of times: lines, media and formats are limited, and the only search in
//! a list is that for a payload type, of which there are 128.

use std::borrow::Cow;
use std::fmt;

use crate::address::{Connection, RtcpAddress};
use crate::attribute::{self, Attribute};
use crate::media::{Direction, Formats, Media, MediaKind, Protocol};
use crate::payload::{Payload, RtpMap};
use crate::session::{self, Bandwidth, Origin, Session};
use crate::text::{self, Text, Words, piece};
use crate::time::{Repeat, Timing, ZoneAdjustment};

/// Why a body is not a session description. Lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is longer than 64 KiB.
    TooLong,
    /// It has more than 1024 lines.
    TooManyLines,
    /// The line is longer than 8 KiB.
    LineTooLong(usize),
    /// It has more than 32 `m=` lines.
    TooManyMedia,
    /// An `m=` line of RTP names a format that is not a payload type.
    BadFormats(usize),
    /// It does not begin with `v=0`.
    NotVersionZero,
    /// The line is not a letter, `=` and a value.
    BadLine(usize),
    /// A `c=` line holds no address.
    BadConnection(usize),
    /// An `m=` line has too few words or a bad port.
    BadMedia(usize),
}

impl Session {
    /// The longest body read, in octets.
    pub const MAX_LEN: usize = 64 * 1024;
    /// The longest line read, in octets.
    pub const MAX_LINE: usize = 8 * 1024;
    /// The most lines read.
    pub const MAX_LINES: usize = 1024;
    /// The most `m=` lines read.
    pub const MAX_MEDIA: usize = 32;

    /// Reads a body. Octets that are not UTF-8 become U+FFFD; they can only stand in free text.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        if body.len() > Self::MAX_LEN {
            return Err(ParseError::TooLong);
        }
        let text = if body.is_ascii() || std::str::from_utf8(body).is_ok() {
            Cow::Borrowed(body)
        } else {
            Cow::Owned(String::from_utf8_lossy(body).into_owned().into_bytes())
        };
        let mut lines = Lines { rest: &text, number: 0 };
        let mut session = Self::new(Origin::unknown());
        let mut begun = false;
        while let Some((letter, value)) = lines.next()? {
            let number = lines.number;
            if !begun {
                if (letter, value) != (b'v', b"0") {
                    return Err(ParseError::NotVersionZero);
                }
                begun = true;
                continue;
            }
            if letter == b'm' {
                if session.media.len() >= Self::MAX_MEDIA {
                    return Err(ParseError::TooManyMedia);
                }
                if session.media.is_empty() {
                    // A call has one medium as a rule.
                    session.media = Vec::with_capacity(1);
                }
                session.media.push(media(number, value)?);
                continue;
            }
            match (letter, session.media.last_mut()) {
                (b'a', Some(media)) => media_attribute(media, value),
                (b'c', section) => {
                    let address = Connection::parse(value);
                    let address = address.ok_or(ParseError::BadConnection(number))?;
                    // RFC 8866 §5.7: several c= lines are one multicast group's layers; the first is the base.
                    section
                        .map_or(&mut session.connection, |m| &mut m.connection)
                        .get_or_insert(address);
                }
                (b'b', Some(media)) => media.bandwidth.extend(Bandwidth::parse(piece(value))),
                (letter, None) => session_line(&mut session, letter, value),
                (_, Some(_)) => {}
            }
        }
        if begun { Ok(session) } else { Err(ParseError::NotVersionZero) }
    }
}

/// `v= o= m= …` lines; blank ones are passed over.
struct Lines<'a> {
    rest: &'a [u8],
    /// Of the line given last.
    number: usize,
}

impl<'a> Lines<'a> {
    #[inline]
    fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, ParseError> {
        while !self.rest.is_empty() {
            let (line, rest) = text::split_once(self.rest, b'\n').unwrap_or((self.rest, &[]));
            self.rest = rest;
            self.number += 1;
            if self.number > Session::MAX_LINES {
                return Err(ParseError::TooManyLines);
            }
            if line.len() > Session::MAX_LINE {
                return Err(ParseError::LineTooLong(self.number));
            }
            // What nearly all are like: no white space but the CR.
            if let [letter @ b'a'..=b'z', b'=', b'!'..=0xFF, .., b'!'..=0xFF, b'\r'] = line {
                return Ok(Some((*letter, &line[2..line.len() - 1])));
            }
            let line = line.trim_ascii();
            return match line {
                [] => continue,
                [letter, b'=', ..] if letter.is_ascii_graphic() => {
                    Ok(Some((letter.to_ascii_lowercase(), text::skip_space(&line[2..]))))
                }
                _ => Err(ParseError::BadLine(self.number)),
            };
        }
        Ok(None)
    }
}

/// A line before the first medium that is none of `m= c=`.
#[inline]
fn session_line(session: &mut Session, letter: u8, value: &[u8]) {
    match letter {
        b'o' if session.origin == Origin::unknown() => session.origin = Origin::parse(value),
        b's' if session.name.is_empty() => session.name = session::name(value),
        // The first t=0 0 is what a session without an entry says.
        b't' if session.times.is_empty() && value == b"0 0" => {}
        b't' => {
            let bounded = |timing: &Timing| !session.times.is_empty() || timing.is_bounded();
            let timing = Timing::parse(piece(value)).filter(bounded);
            session.times.extend(timing);
        }
        b'r' => {
            if let Some(timing) = session.times.last_mut() {
                timing.repeats.extend(Repeat::parse(piece(value)));
            }
        }
        b'z' => session.zones.extend(ZoneAdjustment::parse_all(piece(value))),
        b'b' => session.bandwidth.extend(Bandwidth::parse(piece(value))),
        b'a' => session_attribute(session, piece(value)),
        _ => {}
    }
}

#[inline]
fn media(number: usize, value: &[u8]) -> Result<Media, ParseError> {
    let bad = ParseError::BadMedia(number);
    let mut words = Words(value);
    let kind = words.next().ok_or(bad)?;
    let (port, ports) = ports(words.next().ok_or(bad)?).ok_or(bad)?;
    let protocol = words.next().ok_or(bad)?;
    let kind = if kind == b"audio" { MediaKind::Audio } else { MediaKind::parse(piece(kind)) };
    let protocol = match protocol {
        b"RTP/AVP" => Protocol::RtpAvp,
        protocol => Protocol::parse(piece(protocol)),
    };
    let formats = if protocol.is_rtp() {
        rtp_formats(words.0).ok_or(ParseError::BadFormats(number))?
    } else {
        Formats::Other(words.map(piece).collect::<Vec<_>>().join(" ").into())
    };
    Ok(Media { ports, ..Media::new(kind, port, protocol, formats) })
}

/// `49170/2`: a port, and how many there are where that can be read.
#[inline]
fn ports(word: &[u8]) -> Option<(u16, Option<u16>)> {
    let (port, rest) = text::number(word)?;
    let ports = match rest {
        [] => None,
        [b'/', count @ ..] => text::whole_number(count).and_then(|n| n.try_into().ok()),
        _ => return None,
    };
    Some((port.try_into().ok()?, ports))
}

#[inline]
fn rtp_formats(mut rest: &[u8]) -> Option<Formats> {
    let mut seen = [0u64; 2];
    let mut payloads = Vec::with_capacity(8);
    loop {
        rest = text::skip_space(rest);
        if rest.is_empty() {
            return Some(Formats::Rtp(payloads));
        }
        let number;
        (number, rest) = text::number(rest)?;
        let number = u8::try_from(number).ok().filter(|n| *n < 128)?;
        if !rest.first().is_none_or(u8::is_ascii_whitespace) {
            return None;
        }
        // A type named twice counts once, so at most 128 remain.
        let (half, bit) = (&mut seen[usize::from(number / 64)], 1 << (number % 64));
        if *half & bit == 0 {
            *half |= bit;
            payloads.push(Payload::new(number));
        }
    }
}

/// The attributes that have a field.
#[derive(Clone, Copy)]
enum Keyword {
    RtpMap,
    Fmtp,
    Ptime,
    MaxPtime,
    Rtcp,
    RtcpMux,
    Way(Direction),
}

impl Keyword {
    fn of(name: &str) -> Option<Self> {
        let exact = |name: &str| {
            Some(match name {
                "rtpmap" => Self::RtpMap,
                "fmtp" => Self::Fmtp,
                "ptime" => Self::Ptime,
                "maxptime" => Self::MaxPtime,
                "rtcp" => Self::Rtcp,
                "rtcp-mux" => Self::RtcpMux,
                _ => Self::Way(Direction::parse(name.as_bytes())?),
            })
        };
        // The longest has eight letters.
        let capitals = |name: &str| name.len() <= 8 && name.bytes().any(|b| b.is_ascii_uppercase());
        exact(name)
            .or_else(|| if capitals(name) { exact(&name.to_ascii_lowercase()) } else { None })
    }
}

/// Files one `a=` line of a medium.
#[inline]
fn media_attribute(media: &mut Media, text: &[u8]) {
    // Most lines are these, written so.
    if media.protocol.is_rtp() {
        if let Some(value) = text.strip_prefix(b"rtpmap:") {
            return rtp_map(media, value);
        }
        if let Some(value) = text.strip_prefix(b"fmtp:") {
            return fmtp(media, value);
        }
    }
    if let Some(way) = Direction::parse(text) {
        once(&mut media.direction, Some(way));
    } else if let Some(ms) = text.strip_prefix(b"ptime:").and_then(milliseconds) {
        once(&mut media.ptime_ms, Some(ms));
    } else {
        other_media_attribute(media, piece(text));
    }
}

fn other_media_attribute(media: &mut Media, text: &str) {
    let (name, value) = attribute::split(text);
    let filed = match (Keyword::of(name), value) {
        (Some(Keyword::RtpMap), Some(value)) if media.protocol.is_rtp() => {
            return rtp_map(media, value.as_bytes());
        }
        (Some(Keyword::Fmtp), Some(value)) if media.protocol.is_rtp() => {
            return fmtp(media, value.as_bytes());
        }
        (Some(Keyword::Ptime), Some(value)) => {
            once(&mut media.ptime_ms, milliseconds(value.as_bytes()))
        }
        (Some(Keyword::MaxPtime), Some(value)) => {
            once(&mut media.max_ptime_ms, milliseconds(value.as_bytes()))
        }
        (Some(Keyword::Rtcp), Some(value)) => {
            once(&mut media.rtcp, RtcpAddress::parse(value.as_bytes()))
        }
        (Some(Keyword::RtcpMux), None) => {
            media.rtcp_mux = true;
            true
        }
        (Some(Keyword::Way(way)), None) => once(&mut media.direction, Some(way)),
        _ => false,
    };
    if !filed {
        media.attributes.extend(Attribute::parse(text));
    }
}

/// Files one `a=` line of the whole session.
fn session_attribute(session: &mut Session, text: &str) {
    let (name, value) = attribute::split(text);
    let filed = match (Keyword::of(name), value) {
        (Some(Keyword::Ptime), Some(value)) => {
            once(&mut session.ptime_ms, milliseconds(value.as_bytes()))
        }
        (Some(Keyword::MaxPtime), Some(value)) => {
            once(&mut session.max_ptime_ms, milliseconds(value.as_bytes()))
        }
        (Some(Keyword::Way(way)), None) => once(&mut session.direction, Some(way)),
        _ => false,
    };
    if !filed {
        session.attributes.extend(Attribute::parse(text));
    }
}

/// Takes what could be read where nothing stands yet; whether it could be read.
fn once<T>(place: &mut Option<T>, found: Option<T>) -> bool {
    let readable = found.is_some();
    if place.is_none() {
        *place = found;
    }
    readable
}

#[inline]
fn rtp_map(media: &mut Media, value: &[u8]) {
    if let Some((payload, rest)) = payload_of(media, value)
        && payload.map.is_none()
    {
        payload.map = RtpMap::parse(rest);
    }
}

#[inline]
fn fmtp(media: &mut Media, value: &[u8]) {
    if let Some((payload, rest)) = payload_of(media, value)
        && payload.fmtp.is_none()
    {
        payload.fmtp = Some(Text::piece(rest));
    }
}

#[inline]
/// The payload that `101 telephone-event/8000` speaks of, and the rest.
fn payload_of<'m, 'v>(
    media: &'m mut Media,
    value: &'v [u8],
) -> Option<(&'m mut Payload, &'v [u8])> {
    let (number, rest) = text::number(text::skip_space(value))?;
    if !rest.first().is_some_and(u8::is_ascii_whitespace) {
        return None;
    }
    let Formats::Rtp(payloads) = &mut media.formats else { return None };
    let payload = payloads.iter_mut().find(|p| u32::from(p.number) == number)?;
    let rest = text::skip_space(rest);
    (!rest.is_empty()).then_some((payload, rest))
}

/// `20` or `20.5` (RFC 8866 §6.4); the fraction is dropped.
fn milliseconds(text: &[u8]) -> Option<u16> {
    let (ms, rest) = text::number(text)?;
    let whole = rest.is_empty() || rest.starts_with(b".");
    u16::try_from(ms).ok().filter(|ms| whole && *ms > 0)
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the session description is longer than 64 KiB"),
            Self::TooManyLines => f.write_str("the session description has more than 1024 lines"),
            Self::LineTooLong(line) => write!(f, "line {line} is longer than 8 KiB"),
            Self::TooManyMedia => f.write_str("the session description has more than 32 media"),
            Self::BadFormats(line) => write!(f, "line {line} holds a bad RTP payload type"),
            Self::NotVersionZero => f.write_str("the session description does not begin with v=0"),
            Self::BadLine(line) => write!(f, "line {line} is not a letter, '=' and a value"),
            Self::BadConnection(line) => write!(f, "line {line} holds no address"),
            Self::BadMedia(line) => write!(f, "line {line} is not a medium, a port and formats"),
        }
    }
}

impl std::error::Error for ParseError {}
