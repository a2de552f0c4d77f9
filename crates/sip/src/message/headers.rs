//! The header of a message: an ordered list of fields.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::net::SocketAddr;
use std::ops::Range;

use super::grammar::{self, Clean, List};
use super::{CSeq, Contact, HeaderName, Malformed, NameAddr, RawNameAddr, RawVia, Token, Via};

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

/// A [`Header`] in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    name: &'a HeaderName,
    value: &'a str,
}

impl<'a> Field<'a> {
    /// The name.
    pub const fn name(&self) -> &'a HeaderName {
        self.name
    }

    /// The value, unfolded, without white space at its ends.
    pub const fn value(&self) -> &'a str {
        self.value
    }
}

impl From<Field<'_>> for Header {
    fn from(Field { name, value }: Field<'_>) -> Self {
        Self { name: name.clone(), value: value.to_owned() }
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
///
/// They are kept as they print, all in one text.
#[derive(Clone, Default)]
pub struct Headers {
    /// `Name: value` and CR LF for each field.
    text: String,
    fields: Vec<Place>,
}

/// Where in the text a field is.
#[derive(Clone)]
struct Place {
    name: HeaderName,
    /// The value's first octet.
    at: usize,
    /// The value's length.
    len: usize,
}

impl Place {
    fn value<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.at..self.at + self.len).unwrap_or_default()
    }

    fn line(&self) -> Range<usize> {
        let name = self.name.as_str().len() + BETWEEN.len();
        self.at - name..self.at + self.len + LINE_END.len()
    }
}

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self { text: String::new(), fields: Vec::new() }
    }

    /// No fields, and room for so many that take so many octets.
    pub(super) fn with_capacity(fields: usize, octets: usize) -> Self {
        Self { text: String::with_capacity(octets), fields: Vec::with_capacity(fields) }
    }

    /// How many fields there are.
    pub const fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// All fields, in order.
    pub fn iter(&self) -> Fields<'_> {
        Fields { text: &self.text, places: self.fields.iter() }
    }

    /// Each field on a line of its own, with its CR LF, in its long form.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds a field at the end. Control characters in `value` become spaces. A Content-Length is
    /// not taken.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        self.append(name, |text| write_clean(text, value));
    }

    /// Adds a field as it stands in a message.
    pub(super) fn push_raw(&mut self, name: HeaderName, value: &[u8]) {
        match grammar::plain(value) {
            Some(value) => self.append_text(name, value),
            None => self.push(name, grammar::text(value)),
        }
    }

    /// Adds a field as it stands in a message, each value of an address list as a field of its own;
    /// Content-Length is left out.
    pub(super) fn push_field(&mut self, name: HeaderName, value: &[u8]) {
        if !name.is_address_list() {
            return self.push_raw(name, value);
        }
        for part in List::new(value).filter(|part| !part.is_empty()) {
            self.push_raw(name.clone(), part);
        }
    }

    /// The same for a value that is printable ASCII alone.
    pub(super) fn push_plain_field(&mut self, name: HeaderName, value: &str) {
        if name.is_address_list() && (value.is_empty() || value.contains(',')) {
            self.push_field(name, value.as_bytes());
        } else {
            self.append_text(name, value);
        }
    }

    /// Adds a field above all others of its name (a proxy's Via or Record-Route).
    pub fn push_front(&mut self, name: HeaderName, value: impl fmt::Display) {
        let at = self.position(&name).unwrap_or(0);
        self.insert(at, name, value);
    }

    /// Replaces all fields of this name by one, where the first of them stood, else at the end.
    pub fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        match self.position(&name) {
            None => self.push(name, value),
            Some(at) => {
                self.remove(&name);
                self.insert(at, name, value);
            }
        }
    }

    /// Removes all fields of this name; tells how many there were.
    pub fn remove(&mut self, name: &HeaderName) -> usize {
        let before = self.len();
        if self.contains(name) {
            self.retain(|known| known != name);
        }
        before - self.len()
    }

    /// Removes all fields but those of these names.
    pub(crate) fn keep_only(&mut self, names: &[HeaderName]) {
        self.retain(|name| names.contains(name));
        self.text.shrink_to_fit();
        self.fields.shrink_to_fit();
    }

    fn retain(&mut self, keep: impl Fn(&HeaderName) -> bool) {
        let old = std::mem::take(self);
        *self = Self::with_capacity(old.fields.len(), old.text.len());
        for Place { name, at, len } in old.fields.into_iter().filter(|place| keep(&place.name)) {
            self.append_text(name, old.text.get(at..at + len).unwrap_or_default());
        }
    }

    /// Removes the first field of this name and gives its value.
    pub fn take_first(&mut self, name: &HeaderName) -> Option<String> {
        let at = self.position(name)?;
        let place = self.fields.remove(at);
        let value = place.value(&self.text).to_owned();
        self.splice(place.line(), "", at);
        Some(value)
    }

    /// Adds all fields of this name from another message, in order.
    pub fn copy_from(&mut self, other: &Self, name: &HeaderName) {
        for place in other.fields.iter().filter(|place| place.name == *name) {
            self.append_text(place.name.clone(), place.value(&other.text));
        }
    }

    /// Adds a field at the end, whose value is clean.
    fn append_text(&mut self, name: HeaderName, value: &str) {
        self.append(name, |text| text.push_str(value));
    }

    /// Adds a field at the end, whose value `write` appends.
    fn append(&mut self, name: HeaderName, write: impl FnOnce(&mut String)) {
        if name == HeaderName::ContentLength {
            return;
        }
        if self.text.capacity() == 0 {
            self.text.reserve(USUAL_OCTETS);
            self.fields.reserve(USUAL_FIELDS);
        }
        let (at, len) = write_line(&mut self.text, &name, write);
        self.fields.push(Place { name, at, len });
    }

    /// Adds a field before the one at position `at`, or at the end.
    fn insert(&mut self, at: usize, name: HeaderName, value: impl fmt::Display) {
        let Some(line_at) = self.fields.get(at).map(|next| next.line().start) else {
            return self.push(name, value);
        };
        if name == HeaderName::ContentLength {
            return;
        }
        let (before, after) = self.text.split_at(line_at);
        let mut text = String::with_capacity(self.text.len() + USUAL_OCTETS / 2);
        text.push_str(before);
        let (value_at, len) = write_line(&mut text, &name, |text| write_clean(text, value));
        let added = text.len() - line_at;
        text.push_str(after);
        self.text = text;
        for place in self.fields.iter_mut().skip(at) {
            place.at += added;
        }
        self.fields.insert(at, Place { name, at: value_at, len });
    }

    /// Replaces the value of the field at position `at`.
    fn replace(&mut self, at: usize, value: &str) {
        if let Some(place) = self.fields.get_mut(at) {
            let old = place.at..place.at + place.len;
            place.len = value.len();
            self.splice(old, value, at + 1);
        }
    }

    /// Replaces a part of the text, behind which the field at position `next` is the first.
    fn splice(&mut self, old: Range<usize>, new: &str, next: usize) {
        for place in self.fields.iter_mut().skip(next) {
            place.at = place.at + new.len() - old.len();
        }
        // In one piece: `replace_range` goes octet by octet.
        let before = self.text.get(..old.start).unwrap_or_default();
        let after = self.text.get(old.end..).unwrap_or_default();
        self.text = [before, new, after].concat();
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
        let places = self.fields.iter().filter(move |place| place.name == name);
        places.map(|place| place.value(&self.text))
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
            self.replace_first(&HeaderName::Via, &noted);
        }
    }

    /// Gives the first field of this name, where there is one, another value, which is as clean as the old one was.
    pub(crate) fn replace_first(&mut self, name: &HeaderName, value: &str) {
        if let Some(at) = self.position(name) {
            self.replace(at, value);
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
        if Token::new(tag).is_none() {
            return;
        }
        let Ok(value) = self.one(&HeaderName::To) else {
            return;
        };
        let Ok(address) = RawNameAddr::parse(value.as_bytes()) else {
            return;
        };
        let tagged = if address.has_empty_tag() {
            NameAddr::parse(value.as_bytes()).ok().map(|to| to.with_tag(tag).to_string())
        } else {
            // What follows an address without brackets belongs to the field too (RFC 3261 §20).
            address.tag().is_none().then(|| [value, ";tag=", tag].concat())
        };
        if let (Some(tagged), Some(at)) = (tagged, self.position(&HeaderName::To)) {
            self.replace(at, &tagged);
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

    /// The value of a field that must be there exactly once.
    pub fn one(&self, name: &HeaderName) -> Result<&str, HeaderError> {
        let mut values = self.all(name);
        let value = values.next().ok_or_else(|| HeaderError::Missing(name.clone()))?;
        match values.next() {
            None => Ok(value),
            Some(_) => Err(HeaderError::Duplicate(name.clone())),
        }
    }

    pub(super) fn parse_one<T>(
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

    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.fields.iter().position(|place| place.name == *name)
    }
}

/// Appends the field and its line end; tells where its value is, and how long.
fn write_line(
    text: &mut String,
    name: &HeaderName,
    write: impl FnOnce(&mut String),
) -> (usize, usize) {
    text.push_str(name.as_str());
    text.push_str(BETWEEN);
    let at = text.len();
    write(text);
    let len = text.len() - at;
    text.push_str(LINE_END);
    (at, len)
}

/// Appends `value` without control characters, and without white space at its ends.
fn write_clean(text: &mut String, value: impl fmt::Display) {
    let at = text.len();
    write!(Clean(text), "{value}").expect("writing to a string succeeds");
    trim(text, at);
}

/// Removes white space at both ends of what stands in `text` from `at` on.
fn trim(text: &mut String, at: usize) {
    // Not the white space of Unicode: what is left of a value must be something.
    let white = [' ', '\t'];
    let value = text.get(at..).unwrap_or_default();
    let end = at + value.trim_end_matches(white).len();
    let front = value.len() - value.trim_start_matches(white).len();
    text.truncate(end);
    if front > 0 {
        text.replace_range(at..end.min(at + front), "");
    }
}

const BETWEEN: &str = ": ";
const LINE_END: &str = "\r\n";

/// Room that is enough for the header of most messages.
const USUAL_OCTETS: usize = 512;
const USUAL_FIELDS: usize = 12;

/// The fields of a message in place, in order.
#[derive(Clone)]
pub struct Fields<'a> {
    text: &'a str,
    places: std::slice::Iter<'a, Place>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let place = self.places.next()?;
        Some(Field { name: &place.name, value: place.value(self.text) })
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = Field<'a>;
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Each field on a line of its own, with its CR LF, in its long form.
impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
