//! `sip:` and `sips:` URIs (RFC 3261 §19.1).

use std::borrow::Cow;
use std::fmt;

use super::super::grammar::{PASSWORD, URI_HEADER, URI_PARAM, USER, find, split};
use super::super::{Host, Malformed, Params, host};
use super::escape::{escape, escapes_are_good, good_span, normal, unescape};
use super::{check_uri_params, uri_params};

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

    /// The user part in escaped form.
    pub(super) fn escaped_user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Sets the user part from text whose escapes are good.
    pub(super) fn set_escaped_user(&mut self, user: &str) {
        self.user = Some(normal(user.as_bytes(), USER));
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

    /// Whether both name the same resource (RFC 3261 §19.1.4).
    ///
    /// This is no equivalence in the sense of mathematics: `sip:a@h` equals both `sip:a@h;x=1` and
    /// `sip:a@h;x=2`.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.user == other.user
            && self.password == other.password
            && self.host == other.host
            && self.port == other.port
            && same_params(&self.params, &other.params)
            && same_headers(&self.headers, &other.headers)
    }
}

/// These matter also when only one URI has them, even with their default value.
const NEVER_IGNORED: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

/// Parameters in both must match; one that only one side has is ignored, but for those of
/// [`NEVER_IGNORED`].
fn same_params(a: &Params, b: &Params) -> bool {
    let lower = |value: Option<&str>| value.map(str::to_ascii_lowercase);
    let agrees = |from: &Params, with: &Params| {
        from.iter().all(|(name, value)| {
            if with.contains(name) {
                lower(value) == lower(with.value(name))
            } else {
                !NEVER_IGNORED.iter().any(|known| known.eq_ignore_ascii_case(name))
            }
        })
    };
    agrees(a, b) && agrees(b, a)
}

/// Headers are never ignored; their order does not matter.
fn same_headers(a: &[(String, String)], b: &[(String, String)]) -> bool {
    let sorted = |headers: &[(String, String)]| {
        let lower = |(name, value): &(String, String)| (name.to_ascii_lowercase(), value.clone());
        let mut headers: Vec<_> = headers.iter().map(lower).collect();
        headers.sort_unstable();
        headers
    };
    a.len() == b.len() && sorted(a) == sorted(b)
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
            f.write_str(":")?;
            port.fmt(f)?;
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
        let (secure, rest) = match bytes {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', rest @ ..] => (false, rest),
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', rest @ ..] => (true, rest),
            _ => return Err(Malformed::Scheme),
        };
        let (info, after) = split(rest, good_span(rest));
        let (user, password, rest) = match after {
            [] => (None, None, rest),
            [b'@', after @ ..] if escapes_are_good(after) => match find(info, b':') {
                None => (Some(info), None, after),
                Some(colon) => (Some(split(info, colon).0), info.get(colon + 1..), after),
            },
            [b'@', ..] => return Err(Malformed::Uri),
            _ if find(after, b'@').is_some() => return Err(Malformed::User),
            _ => return Err(Malformed::Uri),
        };
        if user.is_some_and(<[u8]>::is_empty) {
            return Err(Malformed::User);
        }
        let (host, port, rest) = host::scan(rest)?;
        let (params, headers) = split(rest, find(rest, b'?').unwrap_or(rest.len()));
        if !matches!(params.first(), None | Some(b';')) {
            return Err(Malformed::Uri);
        }
        let headers = headers.get(1..).unwrap_or_default();
        Ok(Self { secure, user, password, host, port, params, headers })
    }

    /// Whether the URI with a life of its own can be had.
    pub(in crate::message) fn check(&self) -> Result<(), Malformed> {
        // Host and user are good by now.
        if self.headers.is_empty() {
            check_uri_params(self.params)
        } else {
            self.to_owned().map(drop)
        }
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
