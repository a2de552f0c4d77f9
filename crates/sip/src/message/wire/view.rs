//! The zero-copy view of one message.

use std::fmt;
use std::ops::Range;

use super::super::grammar::{self, List, split, trim_end};
use super::super::name::{self, HeaderName};
use super::super::{
    MAX_HEADERS, MAX_LINE, MAX_MESSAGE, Malformed, Method, RawCSeq, RawNameAddr, RawVia,
};
use super::check::Fault;
use super::lines::{self, Lines, split_field};

/// Why octets are not a message at all. Nothing can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unframed {
    /// Nothing but line ends: a keep-alive (RFC 5626 §4.4.1).
    KeepAlive,
    /// The first line is neither a request line nor a status line.
    StartLine,
}

impl fmt::Display for Unframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeepAlive => "keep-alive",
            Self::StartLine => "first line is not SIP",
        })
    }
}

impl std::error::Error for Unframed {}

/// The start line, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// `method uri version`
    Request {
        /// The method's word.
        method: &'a [u8],
        /// What stands between the method and the version; white space in it is an error that
        /// `check` reports.
        uri: &'a [u8],
        /// `SIP/2.0`; empty when the line is one of a known method and does not end with a version.
        version: &'a [u8],
    },
    /// `version status reason`
    Response {
        /// `SIP/2.0`
        version: &'a [u8],
        /// The code's digits.
        status: &'a [u8],
        /// The reason phrase, which may be empty.
        reason: &'a [u8],
    },
}

/// One field, as it stands: the value may hold folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawHeader<'a> {
    pub(super) index: u8,
    /// The name as written.
    pub name: &'a [u8],
    /// The value without white space at its ends.
    pub value: &'a [u8],
}

impl RawHeader<'_> {
    /// Whether this is a field of that name.
    pub fn is(&self, name: &HeaderName) -> bool {
        match name {
            HeaderName::Other(token) => self.name.eq_ignore_ascii_case(token.as_str().as_bytes()),
            known => self.index == known.index(),
        }
    }
}

/// A message in place.
#[derive(Clone)]
pub struct View<'a> {
    bytes: &'a [u8],
    start: Start<'a>,
    table: [Entry; MAX_HEADERS],
    count: usize,
    /// With the empty line.
    header_len: usize,
    /// In the header, those of folds included.
    line_ends: usize,
    /// The first fault met on the way, but for control characters.
    fault: Option<Fault>,
}

/// Where a field is; offsets fit because a message is at most [`MAX_MESSAGE`] octets.
///
/// The name's length is found again when it is asked for, which is seldom: so an entry is 8 octets.
#[derive(Clone, Copy)]
struct Entry {
    name_at: u16,
    value_at: u16,
    value_len: u16,
    index: u8,
}

const NOTHING: Entry = Entry { name_at: 0, value_at: 0, value_len: 0, index: 0 };

impl<'a> View<'a> {
    /// Finds the parts of the message at the front of `bytes`.
    ///
    /// Faults that leave a frame to answer in are kept for [`View::check`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Unframed> {
        // RFC 3261 §7.5: line ends before the start line are ignored.
        let blank = bytes.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let bytes = bytes.get(blank..).unwrap_or_default();
        if bytes.is_empty() {
            return Err(Unframed::KeepAlive);
        }
        let whole = bytes.len();
        let bytes = bytes.get(..MAX_MESSAGE).unwrap_or(bytes);
        let mut lines = Lines::of_message(bytes);
        if whole > MAX_MESSAGE {
            lines.note(Fault::TooLarge);
        }
        let line = lines.next_line().ok_or(Unframed::StartLine)?;
        if line.len() > MAX_LINE {
            lines.fault = Some(Fault::RequestUriTooLong);
        }
        let start = Start::parse(line).ok_or(Unframed::StartLine)?;
        let (table, count) = ([NOTHING; MAX_HEADERS], 0);
        let mut view =
            Self { bytes, start, table, count, header_len: 0, line_ends: 0, fault: None };
        loop {
            let line_at = lines.at();
            let line = match lines.next_line() {
                Some([]) => break,
                Some(line) => line,
                None => {
                    lines.note(Fault::NoEmptyLine);
                    match lines.next_or_last() {
                        Some(line) => line,
                        None => break,
                    }
                }
            };
            let Some(entry) = split_header(line, line_at) else {
                lines.note(Fault::HeaderLine);
                continue;
            };
            match view.table.get_mut(view.count) {
                Some(slot) => {
                    *slot = entry;
                    view.count += 1;
                }
                None => lines.note(Fault::TooManyHeaders),
            }
        }
        (view.header_len, view.line_ends, view.fault) = (lines.at(), lines.ends(), lines.fault);
        Ok(view)
    }

    /// The start line.
    pub const fn start(&self) -> Start<'a> {
        self.start
    }

    /// The fields, in order.
    pub fn headers(&self) -> impl Iterator<Item = RawHeader<'a>> {
        self.entries().iter().map(|entry| RawHeader {
            index: entry.index,
            name: self.name(entry),
            value: self.part(entry.value_at, entry.value_len),
        })
    }

    /// The fields as the model has them: name, value, and where in the header the value is.
    pub(super) fn fields(&self) -> impl Iterator<Item = (HeaderName, &'a [u8], Range<usize>)> {
        self.entries().iter().filter_map(|entry| {
            let name = match HeaderName::by_index(entry.index) {
                Some(name) => name.clone(),
                None => HeaderName::parse(std::str::from_utf8(self.name(entry)).ok()?)?,
            };
            let at = usize::from(entry.value_at);
            let value = self.part(entry.value_at, entry.value_len);
            Some((name, value, at..at + value.len()))
        })
    }

    /// The places of the names in the list of known ones, in order.
    pub(super) fn indices(&self) -> impl Iterator<Item = u8> {
        self.entries().iter().map(|entry| entry.index)
    }

    /// All before the body, as it stands.
    pub(super) fn header(&self) -> &'a [u8] {
        self.bytes.get(..self.header_len).unwrap_or_default()
    }

    pub(super) const fn header_len(&self) -> usize {
        self.header_len
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The value of the first field of this name.
    pub fn first(&self, name: &HeaderName) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The values of all fields of this name.
    pub fn all(&self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let index = name.index();
        let entries = self.entries().iter().filter(move |entry| {
            entry.index == index
                && (index != name::OTHER || {
                    self.name(entry).eq_ignore_ascii_case(name.as_str().as_bytes())
                })
        });
        entries.map(|entry| self.part(entry.value_at, entry.value_len))
    }

    fn entries(&self) -> &[Entry] {
        self.table.get(..self.count).unwrap_or_default()
    }

    fn name(&self, entry: &Entry) -> &'a [u8] {
        let rest = self.bytes.get(usize::from(entry.name_at)..).unwrap_or_default();
        split(rest, grammar::span(rest, grammar::TOKEN)).0
    }

    fn part(&self, at: u16, len: u16) -> &'a [u8] {
        let (at, len) = (usize::from(at), usize::from(len));
        self.bytes.get(at..at + len).unwrap_or_default()
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Option<Result<RawVia<'a>, Malformed>> {
        let value = List::new(self.first(&HeaderName::Via)?).next()?;
        Some(RawVia::parse(value))
    }

    /// From.
    pub fn from(&self) -> Option<Result<RawNameAddr<'a>, Malformed>> {
        self.first(&HeaderName::From).map(RawNameAddr::parse)
    }

    /// To.
    pub fn to(&self) -> Option<Result<RawNameAddr<'a>, Malformed>> {
        self.first(&HeaderName::To).map(RawNameAddr::parse)
    }

    /// The first Contact.
    pub fn contact(&self) -> Option<Result<RawNameAddr<'a>, Malformed>> {
        let value = List::new(self.first(&HeaderName::Contact)?).next()?;
        Some(RawNameAddr::parse(value))
    }

    /// CSeq.
    pub fn cseq(&self) -> Option<Result<RawCSeq<'a>, Malformed>> {
        self.first(&HeaderName::CSeq).map(RawCSeq::parse)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Option<&'a [u8]> {
        self.first(&HeaderName::CallId)
    }

    /// Content-Length: `None` when absent; two that differ, or one that is no number, are a fault.
    pub fn content_length(&self) -> Result<Option<usize>, Fault> {
        let mut length = None;
        for value in self.all(&HeaderName::ContentLength) {
            let number = grammar::number(value).and_then(|number| usize::try_from(number).ok());
            let number = number.ok_or(Fault::ContentLength)?;
            if length.replace(number).is_some_and(|other| other != number) {
                return Err(Fault::ContentLength);
            }
        }
        Ok(length)
    }

    /// The body: Content-Length octets, or all that follow when it is absent (RFC 3261 §18.3).
    ///
    /// A Content-Length beyond what is there is a fault.
    pub fn body(&self) -> Result<&'a [u8], Fault> {
        match self.content_length()? {
            None => Ok(self.after_header()),
            Some(length) => self.after_header().get(..length).ok_or(Fault::BodyTruncated),
        }
    }

    /// All that follows the empty line, whatever Content-Length says.
    pub fn after_header(&self) -> &'a [u8] {
        self.bytes.get(self.header_len..).unwrap_or_default()
    }

    pub(super) fn framing_fault(&self) -> Option<Fault> {
        let control = lines::has_bad_control(self.header(), self.line_ends);
        if control { Some(Fault::ControlCharacter) } else { self.fault }
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers().collect();
        f.debug_struct("View").field("start", &self.start).field("headers", &headers).finish()
    }
}

impl<'a> Start<'a> {
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        if is_version(line.get(..4)?) {
            let (version, rest) = split(line, memchr::memchr(b' ', line).unwrap_or(line.len()));
            let rest = rest.get(1..).unwrap_or_default();
            let (status, reason) = split(rest, memchr::memchr(b' ', rest).unwrap_or(rest.len()));
            let reason = reason.get(1..).unwrap_or_default();
            return Some(Self::Response { version, status, reason });
        }
        let (method, rest) = split(line, memchr::memchr2(b' ', b'\t', line)?);
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let body = trim_end(rest);
        let at = memchr::memrchr2(b' ', b'\t', body);
        let (uri, version) = split(body, at.unwrap_or(body.len()));
        let tab = version.first() == Some(&b'\t');
        let version = version.get(1..).unwrap_or_default();
        if method.is_empty() {
            return None;
        }
        if !version.get(..4).is_some_and(is_version) {
            // However it goes on, it begins as a request, and can be answered as one.
            let known = !matches!(Method::parse(method)?, Method::Extension(_));
            return known.then_some(Self::Request { method, uri: rest, version: &[] });
        }
        // What is not one space stays with the URI: the request is wrong, but it can still be
        // answered.
        let trailing = tab || rest.len() != body.len();
        Some(Self::Request { method, uri: if trailing { rest } else { uri }, version })
    }
}

fn is_version(front: &[u8]) -> bool {
    front.eq_ignore_ascii_case(b"SIP/")
}

/// Parts the field at `line_at` at its colon; `None` when there is none or the name is no token.
fn split_header(line: &[u8], line_at: usize) -> Option<Entry> {
    let (_, index, value) = split_field(line)?;
    let value_at = line_at + line.len() - value.len();
    // A message's offsets fit into 16 bits.
    Some(Entry {
        name_at: line_at as u16,
        value_at: value_at as u16,
        value_len: trim_end(value).len() as u16,
        index,
    })
}
