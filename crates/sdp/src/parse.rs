//! Reading a description: a table of lines, then sections.
//!
//! Tolerant where a call can still be made of it: bare LF, blank lines, lower and upper case, spaces around, missing
//! `o=`, `s=` and `t=`, lines nobody knows, numbers too large to matter. Strict where guessing would send audio to
//! the wrong place: `v=`, `c=`, `m=` must be what they claim.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::session::{
    Address, Attribute, Direction, Encoding, Formats, Media, MediaKind, Origin, Payload, Protocol,
    RtcpAddress, RtpMap, Session,
};

/// Why a body is not a session description. Lines count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is longer than 64 KiB.
    TooLong,
    /// It has more than 1024 lines.
    TooManyLines,
    /// It has more than 32 `m=` lines.
    TooManyMedia,
    /// An `m=` line has more than 128 formats, or a number that is not a payload type.
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
    /// The most lines read.
    pub const MAX_LINES: usize = 1024;
    /// The most `m=` lines read.
    pub const MAX_MEDIA: usize = 32;

    /// Reads a body. Octets that are not UTF-8 become U+FFFD; they can only stand in free text.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        if body.len() > Self::MAX_LEN {
            return Err(ParseError::TooLong);
        }
        let text = String::from_utf8_lossy(body);
        let mut lines = Lines { rest: &text, number: 0 };
        match lines.next().transpose()? {
            Some((_, 'v', "0")) => {}
            _ => return Err(ParseError::NotVersionZero),
        }
        let mut session = Self {
            origin: Origin {
                user: "-".into(),
                id: 0,
                version: 0,
                address: Address::Ip(Ipv4Addr::UNSPECIFIED.into()),
            },
            name: "-".into(),
            connection: None,
            direction: None,
            attributes: Vec::new(),
            media: Vec::new(),
        };
        for line in lines {
            let (number, letter, value) = line?;
            if letter == 'm' {
                if session.media.len() >= Self::MAX_MEDIA {
                    return Err(ParseError::TooManyMedia);
                }
                session.media.push(media(number, value)?);
                continue;
            }
            match (letter, session.media.last_mut()) {
                ('c', section) => {
                    let address = connection(value).ok_or(ParseError::BadConnection(number))?;
                    match section {
                        // RFC 8866 §5.7: several c= lines are one multicast group's layers; the first is the base.
                        Some(media) => drop(media.connection.get_or_insert(address)),
                        None => drop(session.connection.get_or_insert(address)),
                    }
                }
                ('a', Some(media)) => media_attribute(media, value),
                ('a', None) => match direction(value) {
                    Some(direction) => session.direction = Some(direction),
                    None => session.attributes.extend(attribute(value)),
                },
                ('o', None) => session.origin = origin(value).unwrap_or(session.origin),
                ('s', None) if !value.is_empty() => session.name = value.into(),
                _ => {}
            }
        }
        Ok(session)
    }
}

/// `v= o= m= …` lines with their numbers; blank lines are passed over.
struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<(usize, char, &'a str), ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            self.rest = rest;
            self.number += 1;
            if self.number > Session::MAX_LINES {
                self.rest = "";
                return Some(Err(ParseError::TooManyLines));
            }
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let mut chars = line.chars();
            return Some(match (chars.next(), chars.next()) {
                (Some(letter), Some('=')) if letter.is_ascii_alphabetic() => {
                    Ok((self.number, letter.to_ascii_lowercase(), chars.as_str().trim_start()))
                }
                _ => Err(ParseError::BadLine(self.number)),
            });
        }
    }
}

fn origin(value: &str) -> Option<Origin> {
    let mut words = value.split_ascii_whitespace();
    let user = words.next()?.to_owned();
    let (id, version) = (saturating(words.next()?), saturating(words.next()?));
    let address = address(&mut words)?;
    Some(Origin { user, id, version, address })
}

/// A numeric string of any length; what exceeds 64 bits saturates, what is no number is 0.
fn saturating(text: &str) -> u64 {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(u64::MAX)
}

fn connection(value: &str) -> Option<Address> {
    address(&mut value.split_ascii_whitespace())
}

/// `IN IP4 192.0.2.1`, with or without `/ttl` of a multicast group.
fn address<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Address> {
    if !words.next()?.eq_ignore_ascii_case("IN") {
        return None;
    }
    let family = words.next()?;
    let v6 = family.eq_ignore_ascii_case("IP6");
    if !v6 && !family.eq_ignore_ascii_case("IP4") {
        return None;
    }
    let host = words.next()?.split('/').next().filter(|host| !host.is_empty())?;
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some(Address::Ip(ip.into()));
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Some(Address::Ip(IpAddr::V6(ip)));
    }
    // RFC 1123 §2.1 host names, underscores tolerated. All digits and dots would be a broken address.
    let named = host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && host.bytes().any(|b| b.is_ascii_alphabetic());
    named.then(|| Address::Name { name: host.to_owned(), v6 })
}

fn media(number: usize, value: &str) -> Result<Media, ParseError> {
    let bad = ParseError::BadMedia(number);
    let mut words = value.split_ascii_whitespace();
    let kind = kind(words.next().ok_or(bad)?);
    let port = words.next().ok_or(bad)?.split('/').next().unwrap_or_default();
    let port = port.parse().map_err(|_| bad)?;
    let protocol = protocol(words.next().ok_or(bad)?);
    let formats = if protocol.is_rtp() {
        rtp_formats(words).ok_or(ParseError::BadFormats(number))?
    } else {
        Formats::Other(words.collect::<Vec<_>>().join(" "))
    };
    Ok(Media {
        kind,
        port,
        protocol,
        formats,
        connection: None,
        direction: None,
        ptime_ms: None,
        max_ptime_ms: None,
        rtcp: None,
        attributes: Vec::new(),
    })
}

fn rtp_formats<'a>(words: impl Iterator<Item = &'a str>) -> Option<Formats> {
    let mut seen = 0u128;
    let mut payloads = Vec::with_capacity(8);
    for word in words {
        let number = word.parse::<u8>().ok().filter(|n| *n < 128)?;
        // A type named twice counts once, so at most 128 remain.
        if seen & (1 << number) == 0 {
            seen |= 1 << number;
            payloads.push(Payload { number, map: None, fmtp: None });
        }
    }
    Some(Formats::Rtp(payloads))
}

fn kind(word: &str) -> MediaKind {
    match () {
        () if word.eq_ignore_ascii_case("audio") => MediaKind::Audio,
        () if word.eq_ignore_ascii_case("video") => MediaKind::Video,
        () if word.eq_ignore_ascii_case("image") => MediaKind::Image,
        () => MediaKind::Other(word.to_owned()),
    }
}

fn protocol(word: &str) -> Protocol {
    let known = [
        ("RTP/AVP", Protocol::RtpAvp),
        ("RTP/AVPF", Protocol::RtpAvpf),
        ("RTP/SAVP", Protocol::RtpSavp),
        ("RTP/SAVPF", Protocol::RtpSavpf),
        ("udptl", Protocol::Udptl),
    ];
    known
        .into_iter()
        .find_map(|(name, protocol)| name.eq_ignore_ascii_case(word).then_some(protocol))
        .unwrap_or_else(|| Protocol::Other(word.to_owned()))
}

impl Protocol {
    /// Whether the formats of its `m=` line are RTP payload types.
    pub(crate) fn is_rtp(&self) -> bool {
        matches!(self, Self::RtpAvp | Self::RtpAvpf | Self::RtpSavp | Self::RtpSavpf)
    }
}

/// Files one `a=` line of a medium. What cannot be read is as if it were not there (RFC 8866 §5.13).
fn media_attribute(media: &mut Media, text: &str) {
    if let Some(direction) = direction(text) {
        media.direction = Some(direction);
        return;
    }
    let (name, value) = split(text);
    let value = value.unwrap_or_default();
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("rtpmap") && media.protocol.is_rtp() {
        if let Some((payload, rest)) = payload_of(media, value) {
            payload.map = rtp_map(rest).or(payload.map.take());
        }
    } else if is("fmtp") && media.protocol.is_rtp() {
        if let Some((payload, rest)) = payload_of(media, value) {
            payload.fmtp = Some(rest.to_owned());
        }
    } else if is("ptime") {
        media.ptime_ms = milliseconds(value).or(media.ptime_ms);
    } else if is("maxptime") {
        media.max_ptime_ms = milliseconds(value).or(media.max_ptime_ms);
    } else if is("rtcp") {
        media.rtcp = rtcp(value).or(media.rtcp.take());
    } else {
        media.attributes.extend(attribute(text));
    }
}

fn direction(text: &str) -> Option<Direction> {
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
        .into_iter()
        .zip(["sendrecv", "sendonly", "recvonly", "inactive"])
        .find_map(|(direction, word)| text.eq_ignore_ascii_case(word).then_some(direction))
}

fn attribute(text: &str) -> Option<Attribute> {
    let (name, value) = split(text);
    (!name.is_empty()).then(|| Attribute { name: name.to_owned(), value: value.map(str::to_owned) })
}

/// `name` or `name:value`
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (text, None),
    }
}

/// The payload that `101 telephone-event/8000` speaks of, and the rest.
fn payload_of<'m, 'v>(media: &'m mut Media, value: &'v str) -> Option<(&'m mut Payload, &'v str)> {
    let (number, rest) = value.split_once(char::is_whitespace)?;
    let number = number.parse::<u8>().ok()?;
    let Formats::Rtp(payloads) = &mut media.formats else { return None };
    let payload = payloads.iter_mut().find(|p| p.number == number)?;
    let rest = rest.trim();
    (!rest.is_empty()).then_some((payload, rest))
}

fn rtp_map(text: &str) -> Option<RtpMap> {
    let mut parts = text.split('/').map(str::trim);
    let encoding = encoding(parts.next().filter(|name| !name.is_empty())?);
    let clock_hz = parts.next()?.parse().ok().filter(|hz| *hz > 0)?;
    let channels = parts.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0).unwrap_or(1);
    Some(RtpMap { encoding, clock_hz, channels })
}

fn encoding(name: &str) -> Encoding {
    match () {
        () if name.eq_ignore_ascii_case("PCMU") => Encoding::Pcmu,
        () if name.eq_ignore_ascii_case("PCMA") => Encoding::Pcma,
        () if name.eq_ignore_ascii_case("telephone-event") => Encoding::TelephoneEvent,
        () => Encoding::Other(name.to_owned()),
    }
}

/// `20` or `20.5` (RFC 8866 §6.4); the fraction is dropped.
fn milliseconds(text: &str) -> Option<u16> {
    text.split('.').next()?.parse().ok().filter(|ms| *ms > 0)
}

fn rtcp(text: &str) -> Option<RtcpAddress> {
    let mut words = text.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port > 0)?;
    Some(RtcpAddress { port, address: address(&mut words) })
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the session description is longer than 64 KiB"),
            Self::TooManyLines => f.write_str("the session description has more than 1024 lines"),
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
