//! Addresses: `"Display" <uri>;parameters`, as in From, To, Contact, Route and their like.

use std::fmt;

use super::grammar::{self, ParamScan, split, trim, trim_start};
use super::{Malformed, Params, QValue, Uri};

/// A `name-addr` or `addr-spec` with its parameters (RFC 3261 §20.10). Printed always with angle
/// brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, quotes and escapes resolved.
    pub display: Option<String>,
    /// The address.
    pub uri: Uri,
    /// The field's parameters; those of the URI are in `uri`.
    pub params: Params,
}

impl NameAddr {
    /// The address `uri` without name and parameters.
    pub const fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::new() }
    }

    /// The one address written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let raw = RawNameAddr::parse(bytes)?;
        Ok(Self {
            display: raw.display_text(),
            uri: Uri::parse(raw.uri)?,
            params: Params::parse(raw.params)?,
        })
    }

    /// The same with a display name.
    pub fn with_display(mut self, display: &str) -> Self {
        self.display = Some(grammar::text(display.as_bytes()));
        self
    }

    /// The same with the `tag` parameter.
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag));
        self
    }

    /// The `tag` of a From or To; absent in RFC 2543's messages.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    /// The `q` of a Contact; 1 when absent or malformed.
    pub fn q(&self) -> QValue {
        self.params.value("q").and_then(QValue::parse).unwrap_or(QValue::ONE)
    }

    /// The `q` of a Contact in thousandths, 0 to 1000.
    pub fn q_thousandths(&self) -> u16 {
        self.q().thousandths()
    }

    /// The `expires` of a Contact, in seconds; one that is no number counts as 3600 (RFC 3261
    /// §20.10).
    pub fn expires(&self) -> Option<u32> {
        let text = self.params.value("expires")?;
        Some(text.parse().unwrap_or(3600))
    }

    /// The `+sip.instance` of a Contact, angle brackets removed (RFC 5626 §4.1).
    pub fn instance(&self) -> Option<&str> {
        let text = self.params.value("+sip.instance")?;
        Some(text.trim_start_matches('<').trim_end_matches('>'))
    }

    /// The `reg-id` of a Contact, 1 to 2³¹−1: which of its flows this is (RFC 5626 §4.2, §11);
    /// `None` when absent or malformed.
    pub fn reg_id(&self) -> Option<u32> {
        let number = self.params.value("reg-id")?.parse().ok()?;
        (1..1 << 31).contains(&number).then_some(number)
    }

    /// The `pub-gruu` that a registrar gave to a Contact: names this instance (RFC 5627 §3.1.1).
    pub fn pub_gruu(&self) -> Option<Uri> {
        self.params.value("pub-gruu")?.parse().ok()
    }

    /// The `temp-gruu` that a registrar gave to a Contact: the same, and says nothing of the user
    /// (RFC 5627 §3.1.2).
    pub fn temp_gruu(&self) -> Option<Uri> {
        self.params.value("temp-gruu")?.parse().ok()
    }
}

impl std::str::FromStr for NameAddr {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.display.as_deref() {
            None | Some("") => {}
            Some(display) => {
                grammar::write_quoted(f, display)?;
                f.write_str(" ")?;
            }
        }
        f.write_str("<")?;
        self.uri.fmt(f)?;
        f.write_str(">")?;
        self.params.fmt(f)
    }
}

/// A Contact value: an address, or the `*` of a REGISTER that removes all bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contact {
    /// `*`
    Any,
    /// An address.
    Address(NameAddr),
}

impl Contact {
    /// The one contact written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        match trim(bytes) {
            b"*" => Ok(Self::Any),
            address => NameAddr::parse(address).map(Self::Address),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// An address in place: its parts as they stand in the message.
#[derive(Clone, Copy, Debug)]
pub struct RawNameAddr<'a> {
    /// The display name with its quotes, empty when there is none.
    pub display: &'a [u8],
    /// The URI without angle brackets.
    pub uri: &'a [u8],
    /// The field's parameters from their first `;` on.
    pub params: &'a [u8],
    tag: Option<&'a [u8]>,
}

impl<'a> RawNameAddr<'a> {
    /// The parts of the one address `bytes`; the URI is not looked into.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let bytes = trim(bytes);
        let (display, rest) = match bytes.first() {
            Some(b'"') => {
                let len = grammar::quoted_len(bytes).ok_or(Malformed::QuotedString)?;
                let (display, rest) = split(bytes, len);
                (display, trim_start(rest))
            }
            Some(b'<') => (&[][..], bytes),
            _ => match memchr::memchr2(b'<', b'"', bytes) {
                Some(at) if bytes.get(at) == Some(&b'<') => {
                    let (display, rest) = split(bytes, at);
                    // Phones leave dots, apostrophes and 8-bit letters unquoted; a separator is another thing.
                    if memchr::memchr2(b',', b';', display).is_some() {
                        return Err(Malformed::DisplayName);
                    }
                    (trim(display), rest)
                }
                _ => return Self::bare(bytes),
            },
        };
        let rest = rest.strip_prefix(b"<").ok_or(Malformed::DisplayName)?;
        let (uri, rest) = split(rest, grammar::find(rest, b'>').ok_or(Malformed::Uri)?);
        Self::checked(display, uri, rest.get(1..).unwrap_or_default())
    }

    /// `addr-spec *( ";" param )`: parameters are the field's, and the URI may hold no `?` (RFC
    /// 3261 §20).
    fn bare(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (uri, params) = split(bytes, memchr::memchr(b';', bytes).unwrap_or(bytes.len()));
        if memchr::memchr3(b'?', b',', b'"', uri).is_some() {
            return Err(Malformed::Uri);
        }
        Self::checked(&[], trim(uri), params)
    }

    fn checked(display: &'a [u8], uri: &'a [u8], params: &'a [u8]) -> Result<Self, Malformed> {
        if uri.is_empty() || grammar::has_space(uri) {
            return Err(Malformed::Uri);
        }
        let tag = ParamScan::new(params).check_and_find(b"tag")?;
        Ok(Self { display, uri, params, tag })
    }

    /// The raw value of parameter `name`; quotes are kept.
    pub fn param(&self, name: &str) -> Option<&'a [u8]> {
        ParamScan::new(self.params).check_and_find(name.as_bytes()).ok()?
    }

    /// Whether the address with a life of its own can be had: its URI is good and no parameter stands twice.
    pub(super) fn check(&self) -> Result<(), Malformed> {
        Params::check(self.params)?;
        match Uri::parse_raw(self.uri)? {
            Some(uri) => uri.check(),
            None => Uri::parse(self.uri).map(drop),
        }
    }

    /// The `tag` of a From or To.
    pub const fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// Whether there is a `tag` that says nothing.
    pub(super) fn has_empty_tag(&self) -> bool {
        let is_tag = |param: (&[u8], Option<&[u8]>)| param.0.eq_ignore_ascii_case(b"tag");
        self.tag.is_none() && ParamScan::new(self.params).flatten().any(is_tag)
    }

    fn display_text(&self) -> Option<String> {
        let text = grammar::text(&grammar::unquote(self.display));
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}
