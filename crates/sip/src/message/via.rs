//! Via.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::{IpAddr, SocketAddr};

use super::grammar::{self, ParamScan, split, trim, trim_start};
use super::{Host, Malformed, Params, Token, host};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// RFC 3261 §18.
    Udp,
    /// RFC 3261 §18.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// RFC 7118.
    Ws,
    /// RFC 7118, over TLS.
    Wss,
}

impl Transport {
    /// The word in a Via.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// The transport called `text`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Udp, Self::Tcp, Self::Tls, Self::Ws, Self::Wss]
            .into_iter()
            .find(|transport| transport.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether the transport itself retransmits and keeps order.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }

    /// Whether what travels is encrypted.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// The port where none is named.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a branch begins with since RFC 3261 (§8.1.1.7).
pub const BRANCH_COOKIE: &str = "z9hG4bK";

/// One hop of a request's path (RFC 3261 §20.42, RFC 3581).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The transport's word; see [`Via::transport`].
    pub protocol: Token,
    /// The host of `sent-by`.
    pub host: Host,
    /// The port of `sent-by`.
    pub port: Option<u16>,
    /// All parameters.
    pub params: Params,
}

impl Via {
    /// A Via of this node: `branch`, and `rport` so that the answer comes back to where it was sent
    /// from. Port 0 is not written.
    pub fn new(transport: Transport, sent_by: SocketAddr, branch: &str) -> Self {
        let mut params = Params::new();
        params.set("rport", None);
        params.set("branch", Some(branch));
        Self {
            protocol: Token::new(transport.as_str()).expect("a transport's word is a token"),
            host: sent_by.ip().into(),
            port: Some(sent_by.port()).filter(|port| *port != 0),
            params,
        }
    }

    /// The one Via written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let raw = RawVia::parse(bytes)?;
        Ok(Self {
            protocol: Token::from_bytes(raw.transport).ok_or(Malformed::Token)?,
            host: Host::parse(raw.host)?,
            port: raw.port,
            params: Params::parse(raw.params)?,
        })
    }

    /// The transport; `None` for one that we cannot send on.
    pub fn transport(&self) -> Option<Transport> {
        Transport::parse(self.protocol.as_str())
    }

    /// The branch; absent in RFC 2543's messages.
    pub fn branch(&self) -> Option<&str> {
        self.params.value("branch")
    }

    /// Whether the branch alone names the transaction (RFC 3261 §17.2.3).
    pub fn has_rfc3261_branch(&self) -> bool {
        self.branch().is_some_and(has_cookie)
    }

    /// The address that the next hop saw.
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.value("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// `rport`: absent, asked for (`Some(None)`), or filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.contains("rport").then(|| self.params.value("rport")?.parse().ok())
    }

    /// `maddr`: a multicast address or another host to answer to.
    pub fn maddr(&self) -> Option<Host> {
        self.params.value("maddr")?.parse().ok()
    }

    /// `ttl`, 0 to 255.
    pub fn ttl(&self) -> Option<u8> {
        self.params.value("ttl")?.parse().ok()
    }

    /// Notes where a request came from: `received` when `sent-by` does not say so or the port is
    /// asked for, and `rport` when it is asked for (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn set_received_from(&mut self, source: SocketAddr) {
        let asked = self.rport().is_some();
        if asked || self.host.address() != Some(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        } else {
            self.params.remove("received");
        }
        if asked {
            self.params.set("rport", Some(&source.port().to_string()));
        }
    }

    /// The port of `sent-by`, or its transport's own.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or_else(|| default_port(self.protocol.as_str()))
    }

    /// Where a response goes over an unreliable transport, when that is an address: `maddr`, else
    /// `received` and `rport`, else `sent-by` (RFC 3261 §18.2.2, RFC 3581 §4).
    pub fn response_address(&self) -> Option<SocketAddr> {
        if let Some(address) = self.maddr().and_then(|host| host.address()) {
            return Some(SocketAddr::new(address, self.port_or_default()));
        }
        let address = self.received().or_else(|| self.host.address())?;
        let port = self.rport().flatten().unwrap_or_else(|| self.port_or_default());
        Some(SocketAddr::new(address, port))
    }
}

impl std::str::FromStr for Via {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in ["SIP/2.0/", self.protocol.as_str(), " "] {
            f.write_str(part)?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            f.write_str(":")?;
            port.fmt(f)?;
        }
        self.params.fmt(f)
    }
}

/// A Via in place: its parts as they stand in the message.
#[derive(Clone, Copy, Debug)]
pub struct RawVia<'a> {
    /// The transport's word.
    pub transport: &'a [u8],
    /// The host of `sent-by`, IPv6 in brackets.
    pub host: &'a [u8],
    /// The port of `sent-by`.
    pub port: Option<u16>,
    /// The parameters from their first `;` on.
    pub params: &'a [u8],
    branch: Option<&'a [u8]>,
}

impl<'a> RawVia<'a> {
    /// The parts of the one Via `bytes`; white space is allowed around each separator.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let rest = match bytes.strip_prefix(b"SIP/2.0/") {
            Some(rest) => rest,
            None => after_protocol(bytes)?,
        };
        let rest = trim_start(rest);
        let (transport, rest) = split(rest, grammar::span(rest, grammar::TOKEN));
        if transport.is_empty() || !rest.first().is_some_and(|&o| grammar::is(o, grammar::LWS)) {
            return Err(Malformed::Token);
        }
        let (host, port, params) = host::scan(trim_start(rest))?;
        let branch = ParamScan::new(params).check_and_find(b"branch")?;
        Ok(Self { transport, host, port, params, branch })
    }

    /// The raw value of parameter `name`.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        ParamScan::new(self.params).check_and_find(name.as_bytes()).ok()?
    }

    /// The branch.
    pub const fn branch(&self) -> Option<&'a [u8]> {
        self.branch
    }

    /// The branch as [`Via::branch`] has it.
    pub(crate) fn branch_text(&self) -> Option<Cow<'a, str>> {
        self.branch.map(grammar::value_text)
    }

    /// Whether the branch alone names the transaction (RFC 3261 §17.2.3).
    pub(crate) fn has_rfc3261_branch(&self) -> bool {
        self.branch_text().is_some_and(|branch| has_cookie(&branch))
    }

    /// Whether the sender wants to be answered where the request came from (RFC 3581).
    pub(crate) fn asks_for_port(&self) -> bool {
        self.has(b"rport")
    }

    fn has(&self, name: &[u8]) -> bool {
        let mut params = ParamScan::new(self.params).flatten();
        params.any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// The field `text`, which these are the parts of, with a note of where it came from as by
    /// [`Via::set_received_from`], the rest as it was; `None` when nothing has to be noted.
    pub(crate) fn received_from(&self, text: &str, source: SocketAddr) -> Option<String> {
        let host = Host::parse(self.host).ok()?;
        let told = self.asks_for_port() || host.address() != Some(source.ip());
        if !told && !self.has(b"received") {
            return None;
        }
        let mut noted = String::with_capacity(text.len() + 64);
        noted.push_str(text.get(..text.len().checked_sub(self.params.len())?)?);
        let mut params = ParamScan::new(self.params);
        loop {
            let from = text.len() - params.rest().len();
            let Some(Ok((name, _))) = params.next() else { break };
            if name.eq_ignore_ascii_case(b"rport") {
                write!(noted, ";rport={}", source.port()).ok()?;
            } else if !name.eq_ignore_ascii_case(b"received") {
                noted.push_str(text.get(from..text.len() - params.rest().len())?);
            }
        }
        if told {
            // Printed as a host, but without the brackets of IPv6 (RFC 3261 §25.1).
            match source.ip() {
                IpAddr::V4(_) => write!(noted, ";received={}", Host::from(source.ip())),
                IpAddr::V6(address) => write!(noted, ";received={address}"),
            }
            .ok()?;
        }
        Some(noted)
    }

    /// The port of `sent-by`, or its transport's own.
    pub(crate) fn port_or_default(&self) -> u16 {
        let word = || std::str::from_utf8(self.transport).unwrap_or_default();
        self.port.unwrap_or_else(|| default_port(word()))
    }
}

fn has_cookie(branch: &str) -> bool {
    let front = branch.get(..BRANCH_COOKIE.len());
    branch.len() > BRANCH_COOKIE.len()
        && front.is_some_and(|front| front.eq_ignore_ascii_case(BRANCH_COOKIE))
}

/// The port of the transport that a Via calls `word`.
fn default_port(word: &str) -> u16 {
    Transport::parse(word).map_or(5060, Transport::default_port)
}

/// What follows `SIP / 2.0 /`, however it is spaced.
fn after_protocol(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let (name, rest) = word(bytes)?;
    let (version, rest) = word(rest.strip_prefix(b"/").ok_or(Malformed::Version)?)?;
    if !name.eq_ignore_ascii_case(b"SIP") || version != b"2.0" {
        return Err(Malformed::Version);
    }
    rest.strip_prefix(b"/").ok_or(Malformed::Version)
}

/// A token and what follows it, white space removed between.
fn word(bytes: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let bytes = trim_start(bytes);
    let (word, rest) = split(bytes, grammar::span(bytes, grammar::TOKEN));
    if word.is_empty() { Err(Malformed::Token) } else { Ok((word, trim_start(rest))) }
}
