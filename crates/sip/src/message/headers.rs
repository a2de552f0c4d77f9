//! The header of a message: an ordered list of fields.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::SocketAddr;

use super::grammar::{self, Clean, List};
use super::{
    CSeq, Contact, ContentType, HeaderName, Malformed, Method, NameAddr, Privacy, RawNameAddr,
    RawVia, Reason, RetryAfter, Token, Via,
};

/// One header field. Its value holds no control character, so no line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: String,
}

impl Header {
    /// The name.
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The value, unfolded, without white space at its ends.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// Why a typed field could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// It is not there.
    Missing(HeaderName),
    /// It is there more than once and may not be.
    Duplicate(HeaderName),
    /// It is not what its grammar says.
    Malformed(HeaderName, Malformed),
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "{name} is missing"),
            Self::Duplicate(name) => write!(f, "{name} is there more than once"),
            Self::Malformed(name, what) => write!(f, "{name} is malformed: {what}"),
        }
    }
}

impl std::error::Error for HeaderError {}

/// The fields of a message, in order.
///
/// Via, Route, Record-Route, Contact and the other lists of addresses are held one value a field,
/// so [`Headers::first`] of them is the topmost value however the sender wrote them. Content-Length
/// is never held: the printer computes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No fields, and room for so many.
    pub(super) fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// How many fields there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All fields, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Header> {
        self.0.iter()
    }

    /// Adds a field at the end. Control characters in `value` become spaces.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        self.0.push(Header { name, value: clean(value) });
    }

    /// Adds a field as it stands in a message.
    pub(super) fn push_raw(&mut self, name: HeaderName, value: &[u8]) {
        match grammar::plain(value) {
            Some(text) => self.0.push(Header { name, value: text.to_owned() }),
            None => self.push(name, grammar::text(value)),
        }
    }

    /// Adds a field as it stands in a message, each value of an address list as a field of its own;
    /// Content-Length is left out.
    pub(super) fn push_field(&mut self, name: HeaderName, value: &[u8]) {
        if name == HeaderName::ContentLength {
            return;
        }
        if !name.is_address_list() {
            return self.push_raw(name, value);
        }
        for part in List::new(value).filter(|part| !part.is_empty()) {
            self.push_raw(name.clone(), part);
        }
    }

    /// Adds a field above all others of its name (a proxy's Via or Record-Route).
    pub fn push_front(&mut self, name: HeaderName, value: impl fmt::Display) {
        let at = self.position(&name).unwrap_or(0);
        self.0.insert(at, Header { name, value: clean(value) });
    }

    /// Replaces all fields of this name by one, where the first of them stood, else at the end.
    pub fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        let value = clean(value);
        match self.position(&name) {
            None => self.0.push(Header { name, value }),
            Some(at) => {
                self.remove(&name);
                self.0.insert(at, Header { name, value });
            }
        }
    }

    /// Removes all fields of this name; tells how many there were.
    pub fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.0.len();
        self.0.retain(|header| header.name != *name);
        before - self.0.len()
    }

    /// Removes all fields but those of these names.
    pub(crate) fn keep_only(&mut self, names: &[HeaderName]) {
        self.0.retain(|header| names.contains(&header.name));
        self.0.shrink_to_fit();
    }

    /// Removes the first field of this name and gives its value.
    pub fn take_first(&mut self, name: &HeaderName) -> Option<String> {
        let at = self.position(name)?;
        Some(self.0.remove(at).value)
    }

    /// Adds all fields of this name from another message, in order.
    pub fn copy_from(&mut self, other: &Self, name: &HeaderName) {
        self.0.extend(other.iter().filter(|header| header.name == *name).cloned());
    }

    /// Whether a field of this name is there.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.position(name).is_some()
    }

    /// The value of the first field of this name.
    pub fn first(&self, name: &HeaderName) -> Option<&str> {
        self.all(name).next()
    }

    /// The values of all fields of this name.
    pub fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = name.clone();
        self.0.iter().filter(move |header| header.name == name).map(Header::value)
    }

    /// The comma-separated values of all fields of this name; empty ones are left out.
    pub fn list<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a str> + use<'a> {
        self.all(name)
            .flat_map(|value| List::new(value.as_bytes()))
            .filter_map(|part| std::str::from_utf8(part).ok())
            .filter(|part| !part.is_empty())
    }

    /// Whether a list field (Supported, Require, Allow-Events …) holds `token`, in any case.
    pub fn lists(&self, name: &HeaderName, token: &str) -> bool {
        self.list(name).any(|part| part.eq_ignore_ascii_case(token))
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via, HeaderError> {
        let value = self.first(&HeaderName::Via).ok_or(HeaderError::Missing(HeaderName::Via))?;
        Via::parse(value.as_bytes()).map_err(|what| HeaderError::Malformed(HeaderName::Via, what))
    }

    /// The topmost Via in place.
    pub fn top_raw_via(&self) -> Result<RawVia<'_>, HeaderError> {
        let value = self.first(&HeaderName::Via).ok_or(HeaderError::Missing(HeaderName::Via))?;
        RawVia::parse(value.as_bytes())
            .map_err(|what| HeaderError::Malformed(HeaderName::Via, what))
    }

    /// All Vias, topmost first.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        self.parse_all(HeaderName::Via, Via::parse)
    }

    /// Notes in the topmost Via where the message came from (RFC 3261 §18.2.1, RFC 3581 §4).
    pub(crate) fn note_received_from(&mut self, source: SocketAddr) {
        if let Some(text) = self.first(&HeaderName::Via)
            && let Ok(via) = RawVia::parse(text.as_bytes())
            && let Some(noted) = via.received_from(text, source)
        {
            self.replace_first(&HeaderName::Via, noted);
        }
    }

    /// Gives the first field of this name, where there is one, another value, which is as clean as the old one was.
    pub(crate) fn replace_first(&mut self, name: &HeaderName, value: String) {
        if let Some(header) = self.0.iter_mut().find(|header| header.name == *name) {
            header.value = value;
        }
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.parse_one(HeaderName::From, NameAddr::parse)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.parse_one(HeaderName::To, NameAddr::parse)
    }

    /// The tag of From; `None` also when From is missing or malformed.
    pub fn from_tag(&self) -> Option<Cow<'_, str>> {
        self.tag(&HeaderName::From)
    }

    /// The tag of To; `None` also when To is missing or malformed.
    pub fn to_tag(&self) -> Option<Cow<'_, str>> {
        self.tag(&HeaderName::To)
    }

    fn tag(&self, name: &HeaderName) -> Option<Cow<'_, str>> {
        self.address_and_tag(name).ok()?.1
    }

    /// From or To as it stands, and its tag.
    pub(crate) fn address_and_tag(
        &self,
        name: &HeaderName,
    ) -> Result<(&str, Option<Cow<'_, str>>), HeaderError> {
        let text = self.one(name)?;
        let address = RawNameAddr::parse(text.as_bytes())
            .map_err(|what| HeaderError::Malformed(name.clone(), what))?;
        Ok((text, address.tag().map(grammar::value_text)))
    }

    /// Adds a tag, which is a token, to a To that has none; a `tag` without a value gets this one.
    pub fn tag_to(&mut self, tag: &str) {
        if Token::new(tag).is_none() || self.one(&HeaderName::To).is_err() {
            return;
        }
        let Some(to) = self.0.iter_mut().find(|header| header.name == HeaderName::To) else {
            return;
        };
        let Ok(address) = RawNameAddr::parse(to.value.as_bytes()) else {
            return;
        };
        if address.has_empty_tag() {
            if let Ok(address) = NameAddr::parse(to.value.as_bytes()) {
                to.value = address.with_tag(tag).to_string();
            }
        } else if address.tag().is_none() {
            // What follows an address without brackets belongs to the field too (RFC 3261 §20).
            for part in [";tag=", tag] {
                to.value.push_str(part);
            }
        }
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.parse_one(HeaderName::CSeq, CSeq::parse)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        self.one(&HeaderName::CallId)
    }

    /// The first Contact that is an address.
    pub fn contact(&self) -> Result<NameAddr, HeaderError> {
        let contacts = self.contacts()?;
        let address = contacts.into_iter().find_map(|contact| match contact {
            Contact::Address(address) => Some(address),
            Contact::Any => None,
        });
        address.ok_or(HeaderError::Missing(HeaderName::Contact))
    }

    /// All Contacts.
    pub fn contacts(&self) -> Result<Vec<Contact>, HeaderError> {
        self.parse_all(HeaderName::Contact, Contact::parse)
    }

    /// All addresses of a field such as Route, Record-Route, P-Asserted-Identity, Diversion.
    pub fn addresses(&self, name: HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        self.parse_all(name, NameAddr::parse)
    }

    /// Max-Forwards; `None` when it is absent or malformed, more than 255 counts as 255.
    pub fn max_forwards(&self) -> Option<u8> {
        let number = grammar::number(self.first(&HeaderName::MaxForwards)?.as_bytes())?;
        Some(u8::try_from(number).unwrap_or(u8::MAX))
    }

    /// Expires in seconds; one that is no number counts as 3600 (RFC 3261 §20.19).
    pub fn expires(&self) -> Option<u32> {
        self.first(&HeaderName::Expires).map(|text| text.parse().unwrap_or(3600))
    }

    /// Min-Expires in seconds.
    pub fn min_expires(&self) -> Option<u32> {
        self.first(&HeaderName::MinExpires)?.parse().ok()
    }

    /// Content-Type.
    pub fn content_type(&self) -> Result<ContentType, HeaderError> {
        self.parse_one(HeaderName::ContentType, ContentType::parse)
    }

    /// Reasons, malformed ones left out.
    pub fn reasons(&self) -> Vec<Reason> {
        self.list(&HeaderName::Reason)
            .filter_map(|text| Reason::parse(text.as_bytes()).ok())
            .collect()
    }

    /// Retry-After.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        RetryAfter::parse(self.first(&HeaderName::RetryAfter)?.as_bytes()).ok()
    }

    /// Privacy; all fields together.
    pub fn privacy(&self) -> Privacy {
        let words: Vec<_> = self.all(&HeaderName::Privacy).collect();
        Privacy::parse(&words.join(";"))
    }

    /// Allow; words that are no methods are left out. `None` when the field is absent.
    pub fn allow(&self) -> Option<Vec<Method>> {
        let methods =
            self.list(&HeaderName::Allow).filter_map(|text| Method::parse(text.as_bytes()));
        self.contains(&HeaderName::Allow).then(|| methods.collect())
    }

    /// The value of a field that must be there exactly once.
    pub fn one(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        let mut values = self.all(name);
        let value = values.next().ok_or_else(|| HeaderError::Missing(name.clone()))?;
        match values.next() {
            None => Ok(value),
            Some(_) => Err(HeaderError::Duplicate(name.clone())),
        }
    }

    fn parse_one<T>(
        &self,
        name: HeaderName,
        parse: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<T, HeaderError> {
        parse(self.one(&name)?.as_bytes()).map_err(|what| HeaderError::Malformed(name, what))
    }

    fn parse_all<T>(
        &self,
        name: HeaderName,
        parse: impl Fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, HeaderError> {
        let values = self.all(&name).flat_map(|value| List::new(value.as_bytes()));
        let parsed: Result<_, _> = values.map(parse).collect();
        parsed.map_err(|what| HeaderError::Malformed(name.clone(), what))
    }

    /// How many octets [`print`](Self::print) appends, or more.
    pub(super) fn printed_len(&self) -> usize {
        let between = ": \r\n".len();
        self.iter().map(|header| header.name.as_str().len() + header.value.len() + between).sum()
    }

    /// Appends each field on a line of its own, with its CR LF, in its long form.
    pub(super) fn print(&self, text: &mut String) {
        for header in self.iter().filter(|header| header.name != HeaderName::ContentLength) {
            for part in [header.name.as_str(), ": ", &header.value, "\r\n"] {
                text.push_str(part);
            }
        }
    }

    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.0.iter().position(|header| header.name == *name)
    }
}

fn clean(value: impl fmt::Display) -> String {
    let mut text = String::with_capacity(64);
    write!(Clean(&mut text), "{value}").expect("writing to a string succeeds");
    // Not the white space of Unicode: what is left of a value must be something.
    let trimmed = text.trim_matches([' ', '\t']);
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// Each field on a line of its own, with its CR LF, in its long form.
impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.printed_len());
        self.print(&mut text);
        f.write_str(&text)
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a Header;
    type IntoIter = std::slice::Iter<'a, Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
