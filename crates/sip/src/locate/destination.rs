//! What a URI or a Via says of where to go (RFC 3263 §4, §5).

use core::fmt;
use std::net::IpAddr;

use super::DomainName;
use crate::message::{Host, Transport, Uri, Via};
use crate::transport::Domain;

/// Where a request or a response is to go, before any look-up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// What is to be located: `maddr`, else the host. RFC 3263 calls it TARGET.
    pub(super) target: Place,
    /// The port, where one is named.
    pub(super) port: Option<u16>,
    /// The transport, where it is named; TLS is already put in where the scheme asks for it.
    pub(super) transport: Option<Transport>,
    /// Only TLS will do.
    pub(super) secure: bool,
    /// Whether the domain may say which transports it likes (NAPTR); a response's transport is given.
    pub(super) open: bool,
    /// The domain that a certificate must name (RFC 5922 §4): the URI's own, whatever the DNS leads to.
    pub(super) domain: Domain,
}

/// An address, or a name that must be looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    Address(IpAddr),
    Name(DomainName),
}

/// Why there is nowhere to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unlocated {
    /// The URI is neither `sip:` nor `sips:`.
    NotSip,
    /// The URI names a transport that is not known here, or one that its scheme forbids.
    NoSuchTransport,
    /// The servers there speak no transport, or have no address family, that we have a socket for.
    Unreachable,
    /// There is no such name.
    NoSuchName,
    /// The name exists and has no address.
    NoAddress,
    /// The domain says that it does not offer SIP (RFC 2782, a target of `.`).
    NotOffered,
    /// The DNS did not answer, and nothing is remembered.
    Unanswered,
    /// Too many look-ups are under way.
    Busy,
}

impl Destination {
    /// Where a request to `uri` goes: the topmost Route, else the request URI.
    pub fn of_uri(uri: &Uri) -> Result<Self, Unlocated> {
        let sip = uri.as_sip().ok_or(Unlocated::NotSip)?;
        let named = match sip.param("transport") {
            Some(text) => Some(Transport::parse(&text).ok_or(Unlocated::NoSuchTransport)?),
            None => None,
        };
        let transport = match named {
            // RFC 3261 §26.2.2: a sips: URI over TCP is TLS over TCP.
            Some(Transport::Tcp | Transport::Tls) if sip.secure => Some(Transport::Tls),
            // RFC 7118 §5.
            Some(Transport::Ws | Transport::Wss) if sip.secure => Some(Transport::Wss),
            Some(Transport::Udp) if sip.secure => return Err(Unlocated::NoSuchTransport),
            other => other,
        };
        let maddr = sip.param("maddr").map(|text| text.parse().map_err(|_| Unlocated::NoSuchName));
        let target = place(&maddr.transpose()?.unwrap_or_else(|| sip.host.clone()))?;
        let domain = Domain::of(&sip.host);
        Ok(Self { target, port: sip.port, transport, secure: sip.secure, open: true, domain })
    }

    /// Where a response goes when the connection that its request came by is gone and the address it came from does
    /// not answer (RFC 3263 §5): the `sent-by` of its Via, by the transport of its Via.
    pub fn of_sent_by(via: &Via) -> Result<Self, Unlocated> {
        let transport = via.transport().ok_or(Unlocated::NoSuchTransport)?;
        Ok(Self {
            target: place(&via.host)?,
            port: via.port,
            transport: Some(transport),
            secure: transport.is_secure(),
            open: false,
            domain: Domain::of(&via.host),
        })
    }

    /// Whether nothing must be looked up.
    pub const fn is_literal(&self) -> bool {
        matches!(self.target, Place::Address(_))
    }

    /// The domain that a certificate must name.
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }
}

/// `localhost` is this machine and `invalid` nothing at all; neither is asked of the DNS (RFC 6761 §6.3, §6.4).
fn place(host: &Host) -> Result<Place, Unlocated> {
    let name = match host {
        Host::V4(address) => return Ok(Place::Address(IpAddr::V4(*address))),
        Host::V6(address) => return Ok(Place::Address(IpAddr::V6(*address))),
        Host::Name(name) => DomainName::new(name).ok_or(Unlocated::NoSuchName)?,
    };
    match name.top() {
        "localhost" => Ok(Place::Address(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))),
        // What WebSocket clients call themselves (RFC 7118 §5).
        "invalid" => Err(Unlocated::NoSuchName),
        _ => Ok(Place::Name(name)),
    }
}

impl fmt::Display for Unlocated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSip => "no SIP address",
            Self::NoSuchTransport => "a transport that is not known",
            Self::Unreachable => "no socket that reaches it",
            Self::NoSuchName => "no such name",
            Self::NoAddress => "the name has no address",
            Self::NotOffered => "the domain does not offer SIP",
            Self::Unanswered => "the name service does not answer",
            Self::Busy => "too many look-ups at a time",
        })
    }
}

impl std::error::Error for Unlocated {}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Place::Address(address) => write!(f, "{address}")?,
            Place::Name(name) => write!(f, "{name}")?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Some(transport) => write!(f, " by {transport}"),
            None if self.secure => f.write_str(" securely"),
            None => Ok(()),
        }
    }
}
