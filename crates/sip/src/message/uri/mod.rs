//! URIs: sip, sips, tel, and others that are carried but not looked into.
//!
//! A URI is kept in one normal spelling: escapes that the grammar does not need are resolved, those
//! that it needs are made, hexadecimal digits are upper case. So it prints as something that parses
//! to the same, and the parts compare as text.

use std::borrow::Cow;
use std::fmt;

use super::grammar::{self, RawParam, URI_PARAM, split};
use super::params::FewNames;
use super::{Host, Malformed, Params, Token, Transport};

mod escape;
mod sip;
mod tel;

use escape::{escapes_are_good, normal};
pub use sip::{RawSipUri, SipUri};
pub use tel::{PhoneContext, TelUri};

/// A URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Uri {
    /// `sip:` or `sips:`
    Sip(SipUri),
    /// `tel:` (RFC 3966)
    Tel(TelUri),
    /// Any other scheme.
    Other(OtherUri),
}

/// A URI of a scheme that is not looked into.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtherUri {
    scheme: Token,
    /// Printable ASCII without space, quotes and angle brackets.
    rest: String,
}

impl Uri {
    /// `sip:user@host:port`; `user` is plain text and is escaped as needed, empty means none.
    pub fn sip(user: &str, host: impl Into<Host>, port: Option<u16>) -> Self {
        Self::Sip(SipUri::new(user, host.into(), port))
    }

    /// The URI written `bytes`, without angle brackets.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let colon = memchr::memchr(b':', bytes).ok_or(Malformed::Scheme)?;
        let (scheme, rest) = split(bytes, colon);
        let rest = rest.get(1..).unwrap_or_default();
        if scheme.eq_ignore_ascii_case(b"sip") || scheme.eq_ignore_ascii_case(b"sips") {
            return RawSipUri::parse(bytes)?.to_owned().map(Self::Sip);
        }
        if scheme.eq_ignore_ascii_case(b"tel") {
            return TelUri::parse(rest).map(Self::Tel);
        }
        OtherUri::parse(scheme, rest).map(Self::Other)
    }

    /// The parts of a `sip:` or `sips:` URI in place; `None` for another scheme, which is not
    /// looked into.
    pub(crate) fn parse_raw(bytes: &[u8]) -> Result<Option<RawSipUri<'_>>, Malformed> {
        let colon = memchr::memchr(b':', bytes).ok_or(Malformed::Scheme)?;
        let (scheme, _) = split(bytes, colon);
        if scheme.eq_ignore_ascii_case(b"sip") || scheme.eq_ignore_ascii_case(b"sips") {
            RawSipUri::parse(bytes).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The URI, when it is `sip:` or `sips:`.
    pub const fn as_sip(&self) -> Option<&SipUri> {
        if let Self::Sip(uri) = self { Some(uri) } else { None }
    }

    /// The URI to be changed, when it is `sip:` or `sips:`.
    pub const fn as_sip_mut(&mut self) -> Option<&mut SipUri> {
        if let Self::Sip(uri) = self { Some(uri) } else { None }
    }

    /// The scheme in lower case.
    pub fn scheme(&self) -> &str {
        match self {
            Self::Sip(uri) if uri.secure => "sips",
            Self::Sip(_) => "sip",
            Self::Tel(_) => "tel",
            Self::Other(uri) => uri.scheme.as_str(),
        }
    }

    /// The user part with escapes resolved; the number of a `tel:` URI without its visual
    /// separators.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.user(),
            Self::Tel(uri) => Some(Cow::Owned(uri.digits())),
            Self::Other(_) => None,
        }
    }

    /// Whether it is `sips:`: every hop must be over TLS (RFC 3261 §19.1, RFC 5630).
    pub fn is_secure(&self) -> bool {
        self.as_sip().is_some_and(|uri| uri.secure)
    }

    /// The host of a `sip:` or `sips:` URI.
    pub fn host(&self) -> Option<&Host> {
        self.as_sip().map(|uri| &uri.host)
    }

    /// The port written in a `sip:` or `sips:` URI.
    pub fn port(&self) -> Option<u16> {
        self.as_sip().and_then(|uri| uri.port)
    }

    /// The value of a parameter of a `sip:`, `sips:` or `tel:` URI, escapes resolved.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Sip(uri) => uri.param(name),
            Self::Tel(uri) => uri.param(name).map(Cow::Owned),
            Self::Other(_) => None,
        }
    }

    /// The `transport` parameter, when it is one we know.
    pub fn transport(&self) -> Option<Transport> {
        self.param("transport").and_then(|text| Transport::parse(&text))
    }

    /// Whether a proxy of this URI is a loose router (`lr`, RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.as_sip().is_some_and(|uri| uri.has_param("lr"))
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4; tel: RFC 3966 §4).
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.is_equivalent(b),
            (Self::Tel(a), Self::Tel(b)) => a.is_equivalent(b),
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl OtherUri {
    fn parse(scheme: &[u8], rest: &[u8]) -> Result<Self, Malformed> {
        let good = |octet: &u8| octet.is_ascii_alphanumeric() || b"+-.".contains(octet);
        if !scheme.first().is_some_and(u8::is_ascii_alphabetic) || !scheme.iter().all(good) {
            return Err(Malformed::Scheme);
        }
        let printable = |octet: &u8| octet.is_ascii_graphic() && !b"<>\"".contains(octet);
        if rest.is_empty() || !rest.iter().all(printable) {
            return Err(Malformed::Uri);
        }
        let scheme = grammar::text(&scheme.to_ascii_lowercase());
        Ok(Self {
            scheme: Token::new(&scheme).ok_or(Malformed::Scheme)?,
            rest: grammar::text(rest),
        })
    }
}

impl std::str::FromStr for Uri {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text.as_bytes())
    }
}

impl From<SipUri> for Uri {
    fn from(uri: SipUri) -> Self {
        Self::Sip(uri)
    }
}

impl From<TelUri> for Uri {
    fn from(uri: TelUri) -> Self {
        Self::Tel(uri)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Other(uri) => write!(f, "{}:{}", uri.scheme, uri.rest),
        }
    }
}

/// URI parameters: names and values of `paramchar`, no quotes, no white space.
fn uri_params(bytes: &[u8]) -> Result<Params, Malformed> {
    let mut params = Params::new();
    for part in raw_uri_params(bytes)? {
        let (name, value) = part?;
        let value = value.map(|value| normal(value, URI_PARAM).into());
        params.add(normal(name, URI_PARAM).into(), value)?;
    }
    Ok(params)
}

/// Whether [`uri_params`] succeeds, mostly without an allocation.
fn check_uri_params(bytes: &[u8]) -> Result<(), Malformed> {
    let mut names = FewNames::default();
    for part in raw_uri_params(bytes)? {
        let (name, _) = part?;
        // One name may be escaped in several ways.
        if memchr::memchr(b'%', name).is_some() || !names.add(name)? {
            return uri_params(bytes).map(drop);
        }
    }
    Ok(())
}

/// Names and values as they stand.
fn raw_uri_params(
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<RawParam<'_>, Malformed>>, Malformed> {
    if !escapes_are_good(bytes) {
        return Err(Malformed::Parameter);
    }
    // Some phones end a URI with a lone semicolon.
    let parts = bytes.split(|&octet| octet == b';').skip(1).filter(|part| !part.is_empty());
    Ok(parts.map(|part| {
        let (name, value) = split(part, memchr::memchr(b'=', part).unwrap_or(part.len()));
        if name.is_empty() || value.len() == 1 {
            return Err(Malformed::Parameter);
        }
        Ok((name, value.get(1..)))
    }))
}
