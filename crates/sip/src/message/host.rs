//! Hosts.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Deref;

use super::{Malformed, grammar};

/// The host of a URI or Via (RFC 3261 §25.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; printed in brackets.
    V6(Ipv6Addr),
    /// A domain name.
    Name(HostName),
}

/// A domain name: letters, digits, `-`, `.` and, as some phones write it, `_`; kept in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(Box<str>);

impl Host {
    /// The host written `bytes`; IPv6 addresses stand in brackets.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        check(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Host)?;
        if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return parse_v6(inner).map(Self::V6).ok_or(Malformed::Host);
        }
        Ok(match text.parse() {
            Ok(address) => Self::V4(address),
            Err(_) => Self::Name(HostName(text.to_ascii_lowercase().into())),
        })
    }

    /// The address, when the host is no name.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::V4(address) => Some(IpAddr::V4(*address)),
            Self::V6(address) => Some(IpAddr::V6(*address)),
            Self::Name(_) => None,
        }
    }
}

/// Whether `bytes` is a host, without making one.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Malformed> {
    let ok = match bytes {
        [b'[', inner @ .., b']'] => {
            let text = std::str::from_utf8(inner).map_err(|_| Malformed::Host)?;
            parse_v6(text).is_some()
        }
        _ => grammar::all(bytes, grammar::HOST),
    };
    if ok { Ok(()) } else { Err(Malformed::Host) }
}

/// The address `text`. A third colon before an IPv4 address is taken, because RFC 3261's grammar has
/// it (RFC 5118 §4.10).
fn parse_v6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        let (front, last) = text.split_once(":::")?;
        last.parse::<Ipv4Addr>().ok()?;
        format!("{front}::{last}").parse().ok()
    })
}

/// Host, port, and what follows.
pub(crate) type HostPort<'a> = (&'a [u8], Option<u16>, &'a [u8]);

/// Parts `host [ ":" port ]` off the front of `bytes`; white space around the colon is allowed
/// (Via).
pub(crate) fn scan(bytes: &[u8]) -> Result<HostPort<'_>, Malformed> {
    let len = match bytes.first() {
        Some(b'[') => memchr::memchr(b']', bytes).ok_or(Malformed::Host)? + 1,
        _ => grammar::span(bytes, grammar::HOST),
    };
    let (host, rest) = grammar::split(bytes, len);
    if len == 0 || host.starts_with(b"[") {
        check(host)?;
    }
    let Some(after) = grammar::trim_start(rest).strip_prefix(b":") else {
        return Ok((host, None, rest));
    };
    let after = grammar::trim_start(after);
    let (port, rest) = grammar::digits(after, 1 << 16);
    match u16::try_from(port) {
        Ok(port) if rest.len() != after.len() => Ok((host, Some(port), rest)),
        _ => Err(Malformed::Port),
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl std::str::FromStr for Host {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => write_v4(f, *address),
            Self::V6(address) => write!(f, "[{address}]"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Writes `address` in one piece: it stands in a message a dozen times, and the standard library takes many times as long.
fn write_v4(f: &mut fmt::Formatter<'_>, address: Ipv4Addr) -> fmt::Result {
    let (mut text, mut len) = ([0; "255.255.255.255".len()], 0);
    let mut put = |octet: u8| {
        if let Some(slot) = text.get_mut(len) {
            *slot = octet;
            len += 1;
        }
    };
    for (place, number) in address.octets().into_iter().enumerate() {
        if place > 0 {
            put(b'.');
        }
        if number >= 100 {
            put(b'0' + number / 100);
        }
        if number >= 10 {
            put(b'0' + number / 10 % 10);
        }
        put(b'0' + number % 10);
    }
    let (text, _) = grammar::split(&text, len);
    f.write_str(std::str::from_utf8(text).expect("digits and points"))
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Deref for HostName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
