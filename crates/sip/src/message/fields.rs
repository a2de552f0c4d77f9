//! The smaller typed fields.

use std::fmt;

use super::grammar::{self, split, split_once, trim, trim_start};
use super::{Malformed, Method, Params, Token};

/// A request's number and method (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2³¹.
    pub number: u32,
    /// The method of the request that the message belongs to.
    pub method: Method,
}

impl CSeq {
    /// The CSeq written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let raw = RawCSeq::parse(bytes)?;
        let method = Method::parse(raw.method).ok_or(Malformed::Token)?;
        Ok(Self { number: raw.number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// A CSeq in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawCSeq<'a> {
    /// Below 2³¹.
    pub number: u32,
    /// The method's word.
    pub method: &'a [u8],
}

impl<'a> RawCSeq<'a> {
    /// The parts of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        // Leading zeros are legal (RFC 4475 §3.1.1.1).
        let (number, rest) = grammar::digits(bytes, 1 << 31);
        let method = trim_start(rest);
        let spaced = method.len() != rest.len() && rest.len() != bytes.len();
        if !spaced || !grammar::all(method, grammar::TOKEN) {
            return Err(Malformed::Token);
        }
        if number == 1 << 31 {
            return Err(Malformed::Number);
        }
        Ok(Self { number, method })
    }
}

/// Why a request was sent (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850` and so on.
    pub protocol: Token,
    /// The status or cause.
    pub cause: Option<u16>,
    /// In words.
    pub text: Option<String>,
}

impl Reason {
    /// A Q.850 cause.
    pub fn q850(cause: u8, text: &str) -> Self {
        Self::new("Q.850", u16::from(cause), text)
    }

    /// A SIP status.
    pub fn sip(status: super::Status, text: &str) -> Self {
        Self::new("SIP", status.code(), text)
    }

    fn new(protocol: &str, cause: u16, text: &str) -> Self {
        Self {
            protocol: Token::new(protocol).expect("both words are tokens"),
            cause: Some(cause),
            text: (!text.is_empty()).then(|| grammar::text(text.as_bytes())),
        }
    }

    /// The one reason written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (protocol, rest) = split(bytes, grammar::span(bytes, grammar::TOKEN));
        let params = Params::parse(rest)?;
        Ok(Self {
            protocol: Token::from_bytes(protocol).ok_or(Malformed::Token)?,
            cause: params.value("cause").and_then(|cause| cause.parse().ok()),
            text: params.value("text").map(str::to_owned),
        })
    }

    /// Whether the cause is one of Q.850.
    pub fn is_q850(&self) -> bool {
        self.protocol.as_str().eq_ignore_ascii_case("Q.850")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            f.write_str(";text=")?;
            grammar::write_quoted(f, text)?;
        }
        Ok(())
    }
}

/// A media type: `application/sdp` (RFC 3261 §20.15). Type and subtype are kept in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    /// `application`
    pub kind: Token,
    /// `sdp`
    pub subtype: Token,
    /// `boundary` and others.
    pub params: Params,
}

impl ContentType {
    /// The type written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, rest) = split_once(trim(bytes), b'/');
        let rest = trim_start(rest.ok_or(Malformed::Token)?);
        let (subtype, params) = split(rest, grammar::span(rest, grammar::TOKEN));
        let lower = |bytes: &[u8]| Token::from_bytes(&trim(bytes).to_ascii_lowercase());
        Ok(Self {
            kind: lower(kind).ok_or(Malformed::Token)?,
            subtype: lower(subtype).ok_or(Malformed::Token)?,
            params: Params::parse(params)?,
        })
    }

    /// Whether this is the type `text`, such as `application/sdp`, parameters aside.
    pub fn is(&self, text: &str) -> bool {
        text.split_once('/').is_some_and(|(kind, subtype)| {
            self.kind.as_str().eq_ignore_ascii_case(kind)
                && self.subtype.as_str().eq_ignore_ascii_case(subtype)
        })
    }

    /// Whether a body of this type has parts.
    pub fn is_multipart(&self) -> bool {
        self.kind.as_str().eq_ignore_ascii_case("multipart")
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}
