//! Addresses of `o=`, `c=` and `a=rtcp` lines (RFC 8866 §5.7, RFC 3605).

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::print::Page;
use crate::text::{self, Text, Words};

/// The address of an `o=`, `c=` or `a=rtcp` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address.
    Ip(IpAddr),
    /// A domain name, in the address family that the line names.
    Name {
        /// The name.
        name: Text,
        /// Whether the line says IP6.
        v6: bool,
    },
}

/// A `c=` line: an address, and what a multicast group adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where media is received.
    pub address: Address,
    /// How many routers a packet to an IPv4 group may pass.
    pub ttl: Option<u8>,
    /// How many groups there are, from this address on.
    pub groups: Option<u16>,
}

/// `a=rtcp` (RFC 3605).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// Never 0.
    pub port: u16,
    /// The address when it is not that of the medium.
    pub address: Option<Address>,
}

impl Address {
    /// 0.0.0.0
    pub const UNSPECIFIED: Self = Self::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));

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

    /// `IN IP4 192.0.2.1`
    #[inline]
    pub(crate) fn parse(words: &mut Words<'_>) -> Option<Self> {
        let (v6, host) = family_and_host(words)?;
        host_address(text::split_once(host, b'/').map_or(host, |(host, _)| host), v6)
    }

    pub(crate) fn print(&self, page: &mut Page) {
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                page.text("IN IP4 ");
                page.ipv4(*ip);
            }
            Self::Ip(IpAddr::V6(ip)) => {
                // Writing on a page cannot fail.
                let _ = write!(page, "IN IP6 {ip}");
            }
            Self::Name { name, v6 } => {
                page.text(if *v6 { "IN IP6 " } else { "IN IP4 " });
                page.kept(name);
            }
        }
    }
}

impl Connection {
    /// `IN IP4 224.2.1.1/127/3`: a time to live and a number of groups, the latter alone for IP6. Where they are not
    /// numbers they are as if they were not there.
    #[inline]
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (v6, host) = family_and_host(&mut Words(value))?;
        let Some((host, more)) = text::split_once(host, b'/') else {
            return Some(Self { address: host_address(host, v6)?, ttl: None, groups: None });
        };
        let address = host_address(host, v6)?;
        let v6 = address.ip().map_or(v6 == Some(true), |ip| ip.is_ipv6());
        let mut parts = text::piece(more).split('/');
        let ttl = if v6 { None } else { parts.next().and_then(|ttl| ttl.parse().ok()) };
        // "/3" without a time to live before it would be read as one.
        let groups = if v6 || ttl.is_some() { parts.next() } else { None };
        Some(Self { address, ttl, groups: groups.and_then(|n| n.parse().ok()) })
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.text("c=");
        self.address.print(page);
        for part in self.ttl.map(u64::from).into_iter().chain(self.groups.map(u64::from)) {
            page.text("/");
            page.number(part);
        }
        page.end();
    }
}

impl RtcpAddress {
    /// `53020 IN IP4 192.0.2.1`
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut words = Words(value);
        let port =
            u16::try_from(text::whole_number(words.next()?)?).ok().filter(|port| *port > 0)?;
        Some(Self { port, address: Address::parse(&mut words) })
    }

    pub(crate) fn print(&self, page: &mut Page) {
        page.number(self.port.into());
        if let Some(address) = &self.address {
            page.text(" ");
            address.print(page);
        }
    }
}

/// The family that `IN IP4` names, and the word behind it. A family misspelt is allowed: an address says its own.
#[inline]
fn family_and_host<'a>(words: &mut Words<'a>) -> Option<(Option<bool>, &'a [u8])> {
    // What nearly all write.
    if let Some(host) = text::skip_space(words.0).strip_prefix(b"IN IP4 ") {
        words.0 = host;
        return Some((Some(false), words.next()?));
    }
    words.next().filter(|network| network.eq_ignore_ascii_case(b"IN"))?;
    let v6 = match words.next()? {
        word if word.eq_ignore_ascii_case(b"IP4") => Some(false),
        word if word.eq_ignore_ascii_case(b"IP6") => Some(true),
        _ => None,
    };
    Some((v6, words.next()?))
}

#[inline]
fn host_address(host: &[u8], v6: Option<bool>) -> Option<Address> {
    if let Some(ip) = ipv4(host) {
        return Some(Address::Ip(ip.into()));
    }
    let host = text::piece(host);
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Some(Address::Ip(ip.into()));
    }
    // RFC 1123 §2.1 host names, underscores tolerated. All digits and dots would be a broken address.
    let named = host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && host.bytes().any(|b| b.is_ascii_alphabetic());
    Some(Address::Name { name: named.then(|| host.into())?, v6: v6? })
}

/// Four numbers to 255 without zeros before them, as the standard library reads them in three times the time.
#[inline]
fn ipv4(text: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut rest) = ([0; 4], text);
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let value =
            |digits: &[u8]| digits.iter().fold(0, |n, digit| n * 10 + u16::from(digit - b'0'));
        (*octet, rest) = match rest {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] => {
                (u8::try_from(value(&[*a, *b, *c])).ok()?, rest)
            }
            [a @ b'1'..=b'9', b @ b'0'..=b'9', rest @ ..] => (value(&[*a, *b]) as u8, rest),
            [a @ b'0'..=b'9', rest @ ..] => (a - b'0', rest),
            _ => return None,
        };
    }
    rest.is_empty().then(|| octets.into())
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self::Ip(ip)
    }
}

impl From<IpAddr> for Connection {
    fn from(ip: IpAddr) -> Self {
        Self { address: ip.into(), ttl: None, groups: None }
    }
}

/// `IN IP4 192.0.2.1`
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = Page::new(0);
        self.print(&mut page);
        page.show(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_address_is_what_the_standard_library_takes_for_one() {
        let texts = [
            "192.0.2.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3.300",
            "01.2.3.4",
            "1.2.3.04",
            "1.2.3.00",
            "",
            ".",
            "...",
            "1",
            "1.2.3",
            "1.2.3.",
            ".1.2.3",
            "1..2.3",
            "1.2.3.4.",
            "1.2.3.4.5",
            "1.2.3.4 ",
            " 1.2.3.4",
            "+1.2.3.4",
            "1.2.3.4x",
            "1,2,3,4",
            "1.2.3.-4",
            "1.2.3.é",
            "9999999999.1.1.1",
            "1.2.3.0000000000000001",
        ];
        for text in texts {
            assert_eq!(ipv4(text.as_bytes()), text.parse().ok(), "{text:?}");
        }
        for octet in 0..1000 {
            let text = format!("{octet}.1.{octet}.2");
            assert_eq!(ipv4(text.as_bytes()), text.parse().ok(), "{text:?}");
        }
    }
}
