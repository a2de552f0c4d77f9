//! Printing a description: one order of lines, the same bytes for the same value.

use std::fmt;
use std::net::IpAddr;

use crate::session::{
    Address, Attribute, Direction, Encoding, Formats, Media, MediaKind, Origin, Payload, Protocol,
    RtcpAddress, RtpMap, Session,
};

/// The whole body. `t=` is always `0 0`: a call is not scheduled (RFC 3264 §5).
impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v=0\r\no={}\r\ns={}\r\n", self.origin, self.name)?;
        if let Some(address) = &self.connection {
            write!(f, "c={address}\r\n")?;
        }
        f.write_str("t=0 0\r\n")?;
        attributes(f, &self.attributes)?;
        if let Some(direction) = self.direction {
            write!(f, "a={direction}\r\n")?;
        }
        self.media.iter().try_for_each(|media| media.fmt(f))
    }
}

/// `alice 42 3 IN IP4 192.0.2.1`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.user, self.id, self.version, self.address)
    }
}

/// `IN IP4 192.0.2.1`
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(IpAddr::V4(ip)) => write!(f, "IN IP4 {ip}"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "IN IP6 {ip}"),
            Self::Name { name, v6: false } => write!(f, "IN IP4 {name}"),
            Self::Name { name, v6: true } => write!(f, "IN IP6 {name}"),
        }
    }
}

/// The `m=` line and all lines that belong to it.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={} {} {}", self.kind, self.port, self.protocol)?;
        match &self.formats {
            Formats::Rtp(payloads) => {
                payloads.iter().try_for_each(|payload| write!(f, " {}", payload.number))?;
            }
            Formats::Other(text) if text.is_empty() => {}
            Formats::Other(text) => write!(f, " {text}")?,
        }
        f.write_str("\r\n")?;
        if let Some(address) = &self.connection {
            write!(f, "c={address}\r\n")?;
        }
        self.payloads().iter().try_for_each(|payload| payload.fmt(f))?;
        if let Some(ms) = self.ptime_ms {
            write!(f, "a=ptime:{ms}\r\n")?;
        }
        if let Some(ms) = self.max_ptime_ms {
            write!(f, "a=maxptime:{ms}\r\n")?;
        }
        if let Some(rtcp) = &self.rtcp {
            write!(f, "a=rtcp:{rtcp}\r\n")?;
        }
        attributes(f, &self.attributes)?;
        match self.direction {
            Some(direction) => write!(f, "a={direction}\r\n"),
            None => Ok(()),
        }
    }
}

/// `a=rtpmap` and `a=fmtp` as far as there are any.
impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(map) = &self.map {
            write!(f, "a=rtpmap:{} {map}\r\n", self.number)?;
        }
        match &self.fmtp {
            Some(fmtp) => write!(f, "a=fmtp:{} {fmtp}\r\n", self.number),
            None => Ok(()),
        }
    }
}

/// `PCMU/8000`
impl fmt::Display for RtpMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.encoding, self.clock_hz)?;
        if self.channels == 1 { Ok(()) } else { write!(f, "/{}", self.channels) }
    }
}

/// `53020 IN IP4 192.0.2.1`
impl fmt::Display for RtcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Some(address) => write!(f, "{} {address}", self.port),
            None => write!(f, "{}", self.port),
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Image => "image",
            Self::Other(word) => word,
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RtpAvp => "RTP/AVP",
            Self::RtpAvpf => "RTP/AVPF",
            Self::RtpSavp => "RTP/SAVP",
            Self::RtpSavpf => "RTP/SAVPF",
            Self::Udptl => "udptl",
            Self::Other(word) => word,
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcmu => "PCMU",
            Self::Pcma => "PCMA",
            Self::TelephoneEvent => "telephone-event",
            Self::Other(name) => name,
        })
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}

/// `name` or `name:value`
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}:{value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    attributes.iter().try_for_each(|attribute| write!(f, "a={attribute}\r\n"))
}
