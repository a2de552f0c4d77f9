//! Addresses of `o=`, `c=` and `a=rtcp` lines (RFC 8866 §5.7, RFC 3605).

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::print::{ipv4, number};
use crate::text::{self, Words};

/// The address of an `o=`, `c=` or `a=rtcp` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address.
    Ip(IpAddr),
    /// A domain name, in the address family that the line names.
    Name {
        /// The name.
        name: String,
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
    pub(crate) fn parse(words: &mut Words<'_>) -> Option<Self> {
        let (v6, host) = family_and_host(words)?;
        host_address(text::split_once(host, b'/').map_or(host, |(host, _)| host), v6)
    }

    pub(crate) fn print(&self, out: &mut String) {
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                out.push_str("IN IP4 ");
                ipv4(out, *ip);
            }
            Self::Ip(IpAddr::V6(ip)) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "IN IP6 {ip}");
            }
            Self::Name { name, v6 } => {
                out.push_str(if *v6 { "IN IP6 " } else { "IN IP4 " });
                out.push_str(name);
            }
        }
    }
}

impl Connection {
    /// `IN IP4 224.2.1.1/127/3`: a time to live and a number of groups, the latter alone for IP6. Where they are not
    /// numbers they are as if they were not there.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (v6, host) = family_and_host(&mut Words(value))?;
        let Some((host, more)) = text::split_once(host, b'/') else {
            return Some(Self { address: host_address(host, v6)?, ttl: None, groups: None });
        };
        let address = host_address(host, v6)?;
        let v6 = address.ip().map_or(v6 == Some(true), |ip| ip.is_ipv6());
        let mut parts = more.split('/');
        let ttl = if v6 { None } else { parts.next().and_then(|ttl| ttl.parse().ok()) };
        // "/3" without a time to live before it would be read as one.
        let groups = if v6 || ttl.is_some() { parts.next() } else { None };
        Some(Self { address, ttl, groups: groups.and_then(|n| n.parse().ok()) })
    }

    pub(crate) fn print(&self, out: &mut String) {
        self.address.print(out);
        for part in self.ttl.map(u64::from).into_iter().chain(self.groups.map(u64::from)) {
            out.push('/');
            number(out, part);
        }
    }
}

impl RtcpAddress {
    /// `53020 IN IP4 192.0.2.1`
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = Words(text);
        let port = words.next()?.parse().ok().filter(|port| *port > 0)?;
        Some(Self { port, address: Address::parse(&mut words) })
    }

    pub(crate) fn print(&self, out: &mut String) {
        number(out, self.port.into());
        if let Some(address) = &self.address {
            out.push(' ');
            address.print(out);
        }
    }
}

/// The family that `IN IP4` names, and the word behind it. A family misspelt is allowed: an address says its own.
fn family_and_host<'a>(words: &mut Words<'a>) -> Option<(Option<bool>, &'a str)> {
    // What nearly all write.
    if let Some(host) = words.0.trim_ascii_start().strip_prefix("IN IP4 ") {
        words.0 = host;
        return Some((Some(false), words.next()?));
    }
    let network = words.next()?;
    if network != "IN" && !network.eq_ignore_ascii_case("IN") {
        return None;
    }
    let v6 = match words.next()? {
        "IP4" => Some(false),
        "IP6" => Some(true),
        word if word.eq_ignore_ascii_case("IP4") => Some(false),
        word if word.eq_ignore_ascii_case("IP6") => Some(true),
        _ => None,
    };
    Some((v6, words.next()?))
}

fn host_address(host: &str, v6: Option<bool>) -> Option<Address> {
    if let Ok(ip) = host.parse::<Ipv4Addr>() {
        return Some(Address::Ip(ip.into()));
    }
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<Ipv6Addr>() {
        return Some(Address::Ip(ip.into()));
    }
    // RFC 1123 §2.1 host names, underscores tolerated. All digits and dots would be a broken address.
    let named = host.len() <= 255
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        && host.bytes().any(|b| b.is_ascii_alphabetic());
    Some(Address::Name { name: named.then(|| host.to_owned())?, v6: v6? })
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
        let mut out = String::new();
        self.print(&mut out);
        f.write_str(&out)
    }
}
