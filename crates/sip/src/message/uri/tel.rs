//! `tel:` URIs (RFC 3966), and their form as user part of a `sip:` URI (RFC 3261 §19.1.6).

use std::fmt;

use super::super::grammar::{URI_PARAM, split};
use super::super::{Host, Malformed, Params};
use super::escape::{canonical, escape, escapes_are_good, unescape};
use super::{SipUri, Uri};

/// A `tel:` URI: a global number, `tel:+1-201-555-0123`, or a local one with the context it is
/// local to, `tel:7042;phone-context=example.com` (RFC 3966 §3).
///
/// It prints in the order that the RFC asks for: `isub`, `ext`, `phone-context`, then the other
/// parameters by their names, which are in lower case. A local number without context is taken,
/// because phones send it; what it means is then the receiver's own affair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TelUri {
    /// Digits, visual separators and the leading `+`, as written.
    number: String,
    /// In order; names in lower case, values with the escapes that they need and no others.
    params: Params,
}

/// What a local number is local to (RFC 3966 §5.1.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PhoneContext {
    /// A domain: the numbers of that company or exchange.
    Domain(Host),
    /// The leading digits of a global number, with their `+` and without visual separators.
    Prefix(String),
}

impl TelUri {
    /// `number` with visual separators or without: global when it begins with `+`.
    pub fn new(number: &str, context: Option<&PhoneContext>) -> Result<Self, Malformed> {
        let mut uri = Self { number: check_number(number.to_owned())?, params: Params::new() };
        if let Some(context) = context {
            uri.set_param("phone-context", Some(&context.to_string()))?;
        }
        Ok(uri)
    }

    /// The URI written `bytes`, without its scheme (`telephone-subscriber`).
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if !escapes_are_good(bytes) {
            return Err(Malformed::Uri);
        }
        let (number, rest) = split(bytes, memchr::memchr(b';', bytes).unwrap_or(bytes.len()));
        // In a SIP URI's user part, `#` is escaped.
        let number = String::from_utf8_lossy(number);
        let mut params = Vec::new();
        for part in rest.split(|&octet| octet == b';').skip(1).filter(|part| !part.is_empty()) {
            let (name, value) = split(part, memchr::memchr(b'=', part).unwrap_or(part.len()));
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let value = (!value.is_empty())
                .then(|| canonical(value.get(1..).unwrap_or_default(), URI_PARAM));
            check_param(&name, value.as_deref())?;
            params.push((name, value));
        }
        params.sort_by_cached_key(|(name, _)| order(name));
        let mut uri =
            Self { number: check_number(unescape(&number).into_owned())?, params: Params::new() };
        for (name, value) in params {
            uri.params.add(name.into(), value.map(Into::into))?;
        }
        Ok(uri)
    }

    /// Whether the number is global: it begins with `+` and the country code.
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The number as written, with its visual separators.
    pub fn number(&self) -> &str {
        &self.number
    }

    /// The number without visual separators: digits, `*`, `#`, letters from A to F, and a leading
    /// `+` when it is global.
    pub fn digits(&self) -> String {
        without_separators(&self.number)
    }

    /// What a local number is local to.
    pub fn context(&self) -> Option<PhoneContext> {
        PhoneContext::parse(self.params.value("phone-context")?)
    }

    /// `ext`: the extension behind the number, without visual separators (RFC 3966 §5.3).
    pub fn extension(&self) -> Option<String> {
        self.params.value("ext").map(without_separators)
    }

    /// `isub`: the ISDN subaddress, escapes resolved (RFC 3966 §5.2).
    pub fn isdn_subaddress(&self) -> Option<String> {
        self.param("isub")
    }

    /// The value of parameter `name`, escapes resolved.
    pub fn param(&self, name: &str) -> Option<String> {
        self.params.value(name).map(|value| unescape(value).into_owned())
    }

    /// Sets a parameter from plain text, escaped as needed, in its place in the order; `None` is
    /// one without a value.
    pub fn set_param(&mut self, name: &str, value: Option<&str>) -> Result<(), Malformed> {
        let name = name.to_ascii_lowercase();
        let value = value.map(|value| escape(value.as_bytes(), URI_PARAM));
        check_param(&name, value.as_deref())?;
        self.params.remove(&name);
        self.params.add(name.into(), value.map(Into::into))?;
        self.params.sort_by_key(order);
        Ok(())
    }

    /// The names of parameters that must be understood by whoever uses the URI, `m-…`: none is
    /// known here (RFC 3966 §5.4).
    pub fn mandatory_extensions(&self) -> impl Iterator<Item = &str> {
        self.params.iter().map(|(name, _)| name).filter(|name| name.starts_with("m-"))
    }

    /// Whether both name the same number (RFC 3966 §4): digits, context and extension without
    /// visual separators, each parameter in both, everything without regard to case.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let plain = |name: &str, value: &str| match name {
            "phone-context" => PhoneContext::parse(value).map(|context| context.to_string()),
            "ext" => Some(without_separators(value)),
            _ => Some(value.to_ascii_lowercase()),
        };
        let agrees = |from: &Params, with: &Params| {
            from.iter().all(|(name, value)| {
                with.contains(name)
                    && value.map(|v| plain(name, v)) == with.value(name).map(|v| plain(name, v))
            })
        };
        self.digits().eq_ignore_ascii_case(&other.digits())
            && agrees(&self.params, &other.params)
            && agrees(&other.params, &self.params)
    }

    /// The same number as a SIP URI of the gateway `host`: everything becomes the user part, in
    /// lower case, with `user=phone` (RFC 3261 §19.1.6).
    pub fn to_sip(&self, host: Host, port: Option<u16>) -> SipUri {
        let subscriber = self.subscriber().to_string().to_ascii_lowercase();
        let mut uri = SipUri::new("", host, port);
        uri.set_escaped_user(&subscriber);
        uri.set_param("user", Some("phone"));
        uri
    }

    /// What follows the scheme.
    fn subscriber(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            f.write_str(&self.number)?;
            self.params.write_plain(f)
        })
    }
}

impl SipUri {
    /// The number in the user part of a URI with `user=phone` (RFC 3261 §19.1.6); `None` without
    /// that parameter.
    pub fn telephone(&self) -> Option<Result<TelUri, Malformed>> {
        let phone = self.param("user").is_some_and(|word| word.eq_ignore_ascii_case("phone"));
        phone.then(|| TelUri::parse(self.escaped_user().unwrap_or_default().as_bytes()))
    }
}

impl Uri {
    /// The number that a `tel:` URI, or a SIP URI with `user=phone`, names.
    pub fn telephone(&self) -> Option<TelUri> {
        match self {
            Self::Tel(uri) => Some(uri.clone()),
            Self::Sip(uri) => uri.telephone()?.ok(),
            Self::Other(_) => None,
        }
    }
}

impl PhoneContext {
    /// The context written `text`, escapes resolved.
    pub fn parse(text: &str) -> Option<Self> {
        let text = unescape(text);
        if text.starts_with('+') {
            return check_number(text.into_owned())
                .ok()
                .map(|n| Self::Prefix(without_separators(&n)));
        }
        match Host::parse(text.as_bytes()).ok()? {
            Host::V6(_) => None,
            host => Some(Self::Domain(host)),
        }
    }
}

impl fmt::Display for PhoneContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain(host) => host.fmt(f),
            Self::Prefix(digits) => f.write_str(digits),
        }
    }
}

impl fmt::Display for TelUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}", self.subscriber())
    }
}

/// `global-number-digits` or `local-number-digits`.
fn check_number(number: String) -> Result<String, Malformed> {
    let good = match number.strip_prefix('+') {
        Some(rest) => is_phone_digits(rest),
        None => {
            let digit = |c: char| c.is_ascii_hexdigit() || c == '*' || c == '#';
            number.chars().all(|c| digit(c) || is_separator(c)) && number.chars().any(digit)
        }
    };
    if good { Ok(number) } else { Err(Malformed::User) }
}

/// Decimal digits, at least one, and visual separators.
fn is_phone_digits(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || is_separator(c))
        && text.contains(|c: char| c.is_ascii_digit())
}

const fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !is_separator(*c)).collect()
}

/// `value` in escaped form.
fn check_param(name: &str, value: Option<&str>) -> Result<(), Malformed> {
    let named = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    let good = match (name, value) {
        ("ext", value) => value.is_some_and(is_phone_digits),
        ("isub", value) => value.is_some_and(|value| !value.is_empty()),
        ("phone-context", value) => value.is_some_and(|v| PhoneContext::parse(v).is_some()),
        (name, value) => {
            !name.is_empty() && name.bytes().all(named) && value.is_none_or(|v| !v.is_empty())
        }
    };
    if good { Ok(()) } else { Err(Malformed::Parameter) }
}

/// RFC 3966 §3: subaddress and extension first, then the context, then the others by name.
fn order(name: &str) -> (u8, String) {
    let place = match name {
        "isub" => 0,
        "ext" => 1,
        "phone-context" => 2,
        _ => 3,
    };
    (place, name.to_owned())
}
