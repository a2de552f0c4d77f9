//! URIs: sip, sips, tel, and others that are carried but not looked into.
//!
//! A URI is kept in one normal spelling: escapes that the grammar does not need are resolved, those
//! that it needs are made, hexadecimal digits are upper case. So it prints as something that parses
//! to the same, and the parts compare as text.

use std::borrow::Cow;
use std::fmt;

use super::grammar::{self, PASSWORD, URI_HEADER, URI_PARAM, USER, split};
use super::{Host, Malformed, Params, Token, Transport, host};

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

/// A `sip:` or `sips:` URI (RFC 3261 §19.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SipUri {
    /// `sips:`
    pub secure: bool,
    /// In escaped form.
    user: Option<String>,
    /// In escaped form.
    password: Option<String>,
    /// The host.
    pub host: Host,
    /// The port; `None` means the default or a look-up.
    pub port: Option<u16>,
    /// In escaped form.
    params: Params,
    /// In escaped form.
    headers: Vec<(String, String)>,
}

/// A `tel:` URI (RFC 3966).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri {
    /// Digits, visual separators and the leading `+`, as written.
    number: String,
    params: Params,
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
            Self::Tel(uri) => uri.params.value(name).map(unescape),
            Self::Other(_) => None,
        }
    }

    /// The `transport` parameter, when it is one we know.
    pub fn transport(&self) -> Option<Transport> {
        self.param("transport").and_then(|text| Transport::parse(&text))
    }

    /// Whether a proxy of this URI is a loose router (`lr`, RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.as_sip().is_some_and(|uri| uri.params.contains("lr"))
    }

    /// Whether both name the same resource (RFC 3261 §19.1.4; tel: RFC 3966 §4).
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sip(a), Self::Sip(b)) => a.is_equivalent(b),
            (Self::Tel(a), Self::Tel(b)) => {
                a.digits() == b.digits() && same_params(&a.params, &b.params, |_| true)
            }
            (Self::Other(a), Self::Other(b)) => a == b,
            _ => false,
        }
    }
}

impl SipUri {
    /// `sip:user@host:port`; `user` is plain text and is escaped as needed, empty means none.
    pub fn new(user: &str, host: Host, port: Option<u16>) -> Self {
        let user = (!user.is_empty()).then(|| escape(user.as_bytes(), USER));
        let (params, headers) = (Params::new(), Vec::new());
        Self { secure: false, user, password: None, host, port, params, headers }
    }

    /// The user part with escapes resolved.
    pub fn user(&self) -> Option<Cow<'_, str>> {
        self.user.as_deref().map(unescape)
    }

    /// Sets the user part from plain text; empty means none.
    pub fn set_user(&mut self, user: &str) {
        self.user = (!user.is_empty()).then(|| escape(user.as_bytes(), USER));
    }

    /// The password in the URI with escapes resolved; its use is not recommended (RFC 3261
    /// §19.1.1).
    pub fn password(&self) -> Option<Cow<'_, str>> {
        self.password.as_deref().map(unescape)
    }

    /// The value of parameter `name`, escapes resolved.
    pub fn param(&self, name: &str) -> Option<Cow<'_, str>> {
        self.params.value(name).map(unescape)
    }

    /// Whether parameter `name` is there, with or without a value.
    pub fn has_param(&self, name: &str) -> bool {
        self.params.contains(name)
    }

    /// Sets a parameter from plain text; it is escaped as needed.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) {
        let value = value.filter(|value| !value.is_empty());
        let value = value.map(|value| escape(value.as_bytes(), URI_PARAM).into());
        self.params.put(escape(name.as_bytes(), URI_PARAM).into(), value);
    }

    /// Removes parameter `name`.
    pub fn remove_param(&mut self, name: &str) {
        self.params.remove(name);
    }

    /// The headers that a request made from this URI shall have, escapes resolved.
    pub fn headers(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.headers.iter().map(|(name, value)| (unescape(name), unescape(value)))
    }

    /// The first header of that name, escapes resolved.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        self.headers().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Sets a header from plain text, escaped as needed, in place of all others of its name.
    pub fn set_header(&mut self, name: &str, value: &str) {
        let name = escape(name.as_bytes(), URI_HEADER);
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.headers.push((name, escape(value.as_bytes(), URI_HEADER)));
    }

    /// Removes the headers; they have no place in a Request-URI.
    pub fn clear_headers(&mut self) {
        self.headers.clear();
    }

    /// RFC 3261 §19.1.4.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let named = ["user", "ttl", "method", "maddr", "transport"];
        let must_match = |name: &str| named.iter().any(|known| known.eq_ignore_ascii_case(name));
        self.secure == other.secure
            && self.user == other.user
            && self.password == other.password
            && self.host == other.host
            && self.port == other.port
            && same_params(&self.params, &other.params, must_match)
            && same_headers(&self.headers, &other.headers)
    }
}

/// Parameters in both must match; one that only one side has matters where `must_match` says so.
fn same_params(a: &Params, b: &Params, must_match: impl Fn(&str) -> bool) -> bool {
    let agrees = |from: &Params, with: &Params| {
        from.iter().all(|(name, value)| match (with.contains(name), with.value(name)) {
            (false, _) => !must_match(name),
            (true, other) => {
                value.map(str::to_ascii_lowercase) == other.map(str::to_ascii_lowercase)
            }
        })
    };
    agrees(a, b) && agrees(b, a)
}

fn same_headers(a: &[(String, String)], b: &[(String, String)]) -> bool {
    let has = |set: &[(String, String)], (name, value): &(String, String)| {
        set.iter().any(|(n, v)| n.eq_ignore_ascii_case(name) && v == value)
    };
    a.len() == b.len() && a.iter().all(|header| has(b, header))
}

impl TelUri {
    /// The number without visual separators: digits, `*`, `#`, letters, and a leading `+` when it
    /// is global.
    pub fn digits(&self) -> String {
        self.number.chars().filter(|c| !"-.()".contains(*c)).collect()
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (number, rest) = split(bytes, memchr::memchr(b';', bytes).unwrap_or(bytes.len()));
        let dial = |octet: &u8| octet.is_ascii_hexdigit() || b"*#-.()pwPW".contains(octet);
        let local = number.strip_prefix(b"+").unwrap_or(number);
        if local.is_empty() || !local.iter().all(dial) {
            return Err(Malformed::User);
        }
        Ok(Self { number: grammar::text(number), params: uri_params(rest)? })
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

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => {
                write!(f, "tel:{}", uri.number)?;
                uri.params.write_plain(f)
            }
            Self::Other(uri) => write!(f, "{}:{}", uri.scheme, uri.rest),
        }
    }
}

impl fmt::Display for SipUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        if let Some(user) = &self.user {
            f.write_str(user)?;
            if let Some(password) = &self.password {
                write!(f, ":{password}")?;
            }
            f.write_str("@")?;
        }
        self.host.fmt(f)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        self.params.write_plain(f)?;
        self.headers.iter().enumerate().try_for_each(|(at, (name, value))| {
            write!(f, "{}{name}={value}", if at == 0 { '?' } else { '&' })
        })
    }
}

/// A `sip:` or `sips:` URI in place: its parts as they stand in the message.
#[derive(Clone, Copy, Debug)]
pub struct RawSipUri<'a> {
    /// `sips:`
    pub secure: bool,
    /// The user part, escapes unresolved.
    pub user: Option<&'a [u8]>,
    /// The password, escapes unresolved.
    pub password: Option<&'a [u8]>,
    /// The host, IPv6 in brackets.
    pub host: &'a [u8],
    /// The port.
    pub port: Option<u16>,
    /// The parameters from their first `;` on.
    pub params: &'a [u8],
    /// What follows the `?`.
    pub headers: &'a [u8],
}

impl<'a> RawSipUri<'a> {
    /// The parts of `bytes`; every octet has been checked to be allowed or escapable where it
    /// stands.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (scheme, rest) = split(bytes, memchr::memchr(b':', bytes).ok_or(Malformed::Scheme)?);
        let rest = rest.get(1..).unwrap_or_default();
        let secure = scheme.eq_ignore_ascii_case(b"sips");
        if !secure && !scheme.eq_ignore_ascii_case(b"sip") {
            return Err(Malformed::Scheme);
        }
        let (user, password, rest) = match memchr::memchr(b'@', rest) {
            None => (None, None, rest),
            Some(at) => {
                let (info, rest) = split(rest, at);
                let (user, password) = match memchr::memchr(b':', info) {
                    None => (info, None),
                    Some(colon) => (split(info, colon).0, info.get(colon + 1..)),
                };
                (Some(user), password, rest.get(1..).unwrap_or_default())
            }
        };
        if let Some(user) = user
            && (user.is_empty() || !escapes_are_good(user))
        {
            return Err(Malformed::User);
        }
        if !escapes_are_good(password.unwrap_or_default()) {
            return Err(Malformed::User);
        }
        let (host, port, rest) = host::scan(rest)?;
        let (params, headers) = split(rest, memchr::memchr(b'?', rest).unwrap_or(rest.len()));
        if !matches!(params.first(), None | Some(b';')) || !escapes_are_good(rest) {
            return Err(Malformed::Uri);
        }
        let headers = headers.get(1..).unwrap_or_default();
        Ok(Self { secure, user, password, host, port, params, headers })
    }

    /// The URI with a life of its own.
    pub fn to_owned(&self) -> Result<SipUri, Malformed> {
        let mut headers = Vec::new();
        for pair in self.headers.split(|&octet| octet == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = split(pair, memchr::memchr(b'=', pair).ok_or(Malformed::Uri)?);
            let value = value.get(1..).unwrap_or_default();
            headers.push((normal(name, URI_HEADER), normal(value, URI_HEADER)));
        }
        Ok(SipUri {
            secure: self.secure,
            user: self.user.map(|user| normal(user, USER)),
            password: self.password.map(|password| normal(password, PASSWORD)),
            host: Host::parse(self.host)?,
            port: self.port,
            params: uri_params(self.params)?,
            headers,
        })
    }
}

/// URI parameters: names and values of `paramchar`, no quotes, no white space.
fn uri_params(bytes: &[u8]) -> Result<Params, Malformed> {
    let mut params = Params::new();
    if !escapes_are_good(bytes) {
        return Err(Malformed::Parameter);
    }
    for part in bytes.split(|&octet| octet == b';').skip(1) {
        let (name, value) = split(part, memchr::memchr(b'=', part).unwrap_or(part.len()));
        // Some phones end a URI with a lone semicolon.
        if part.is_empty() {
            continue;
        }
        if name.is_empty() || value.len() == 1 {
            return Err(Malformed::Parameter);
        }
        let value = value.get(1..).map(|value| normal(value, URI_PARAM).into());
        params.add(normal(name, URI_PARAM).into(), value)?;
    }
    Ok(params)
}

/// Whether each `%` starts an escape, and no octet is one that a URI in a message can never hold.
fn escapes_are_good(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&octet) = bytes.get(at) {
        match octet {
            b'%' => match bytes.get(at + 1..at + 3) {
                Some([a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => at += 3,
                _ => return false,
            },
            b'<' | b'>' | b'"' | b'@' | b' ' => return false,
            _ if grammar::is(octet, grammar::CONTROL) => return false,
            _ => at += 1,
        }
    }
    true
}

/// The normal spelling of a part whose escapes are good, where `class` needs no escape.
///
/// An octet that `class` allows but that was escaped stays escaped unless it is `unreserved`: the
/// two are not the same (RFC 3261 §19.1.4).
fn normal(bytes: &[u8], class: u8) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&octet) = bytes.get(at) {
        let escaped = if octet == b'%' { hex_pair(bytes.get(at + 1..at + 3)) } else { None };
        match escaped {
            Some(octet) if is_unreserved(octet) => out.push(char::from(octet)),
            Some(octet) => push_escape(&mut out, octet),
            None if grammar::is(octet, class) => out.push(char::from(octet)),
            None => push_escape(&mut out, octet),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

const fn is_unreserved(octet: u8) -> bool {
    // What all four classes share.
    grammar::is(octet, USER)
        && grammar::is(octet, URI_HEADER)
        && !matches!(octet, b'+' | b'$' | b'/' | b'?')
}

/// Plain text with an escape for each octet that is not of `class`.
fn escape(bytes: &[u8], class: u8) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &octet in bytes {
        if grammar::is(octet, class) {
            out.push(char::from(octet));
        } else {
            push_escape(&mut out, octet);
        }
    }
    out
}

fn push_escape(out: &mut String, octet: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(octet >> 4)]));
    out.push(char::from(HEX[usize::from(octet & 15)]));
}

fn hex_pair(pair: Option<&[u8]>) -> Option<u8> {
    let &[a, b] = pair? else {
        return None;
    };
    let digit =
        |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(a)? << 4 | digit(b)?)
}

/// Text with its escapes resolved; what is then not UTF-8 is read as Latin-1.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&octet) = bytes.get(at) {
        let escaped = if octet == b'%' { hex_pair(bytes.get(at + 1..at + 3)) } else { None };
        out.push(escaped.unwrap_or(octet));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => error.into_bytes().iter().map(|&octet| char::from(octet)).collect(),
    })
}
