//! Bodies of several parts (RFC 2046 §5.1, RFC 5621).
//!
//! ```text
//! preamble CRLF --b CRLF fields CRLF CRLF part CRLF --b CRLF … CRLF --b-- CRLF epilogue
//! ```
//!
//! A [`Multipart`] looks into the received octets; a [`MultipartBody`] is what we send. [`find`] gives
//! the one part that a receiver is after.

use std::fmt;

use memchr::memmem;

use super::grammar::{self, trim_end};
use super::wire::{Lines, split_field};
use super::{ContentDisposition, ContentType, HeaderName, Headers, Malformed, Token};

/// The most parts of one body.
pub const MAX_PARTS: usize = 32;
/// How deep bodies of several parts may lie in one another.
pub const MAX_DEPTH: usize = 4;
/// The most fields of one part.
const MAX_PART_FIELDS: usize = 32;
/// RFC 2046 §5.1.1.
const MAX_BOUNDARY: usize = 70;

/// What is wrong with a body of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipartError {
    /// The type names no boundary, or one that cannot be: 1 to 70 octets of a set, the last no space
    /// (RFC 2046 §5.1.1).
    Boundary,
    /// No part begins.
    Empty,
    /// The last delimiter is missing.
    Unterminated,
    /// More than [`MAX_PARTS`].
    TooManyParts,
    /// Deeper than [`MAX_DEPTH`].
    TooDeep,
    /// A part has a line that is no field, or too many of them.
    Field,
    /// A part's Content-Type or Content-Disposition.
    Malformed(Malformed),
}

impl fmt::Display for MultipartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boundary => "bad boundary",
            Self::Empty => "body has no part",
            Self::Unterminated => "last delimiter is missing",
            Self::TooManyParts => "too many parts",
            Self::TooDeep => "parts within parts too deep",
            Self::Field => "part has a bad field",
            Self::Malformed(what) => return write!(f, "part has a bad field: {what}"),
        })
    }
}

impl std::error::Error for MultipartError {}

/// A body of several parts in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipart<'a>(Vec<Part<'a>>);

/// One part in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The fields with their line ends.
    header: &'a [u8],
    /// The content.
    pub body: &'a [u8],
}

impl<'a> Multipart<'a> {
    /// The parts of `body`, which is of the type `media`: `multipart/` anything.
    pub fn parse(media: &ContentType, body: &'a [u8]) -> Result<Self, MultipartError> {
        let boundary = media.params.value("boundary").ok_or(MultipartError::Boundary)?;
        if !is_boundary(boundary) {
            return Err(MultipartError::Boundary);
        }
        let mut delimiters = Delimiters::new(body, boundary);
        let first = delimiters.next().ok_or(MultipartError::Empty)?;
        let (mut parts, mut from) = (Vec::new(), first);
        while !from.closes {
            let to = delimiters.next().ok_or(MultipartError::Unterminated)?;
            if parts.len() == MAX_PARTS {
                return Err(MultipartError::TooManyParts);
            }
            // One CR LF may end a delimiter and begin the next: nothing is between them.
            parts.push(Part::parse(body.get(from.end..to.start).unwrap_or_default())?);
            from = to;
        }
        if parts.is_empty() { Err(MultipartError::Empty) } else { Ok(Self(parts)) }
    }

    /// At least one part, in order.
    pub fn parts(&self) -> &[Part<'a>] {
        &self.0
    }

    /// The part that the others serve: the one that the parameter `start` of `media` names, else the first (RFC 2387
    /// §3.2).
    fn root(&self, media: &ContentType) -> Option<&Part<'a>> {
        let start = media.params.value("start").map(|id| id.trim_matches(['<', '>']).as_bytes());
        let named = start.and_then(|id| self.0.iter().find(|part| part.content_id() == Some(id)));
        named.or(self.0.first())
    }
}

impl<'a> Part<'a> {
    /// `*( field CRLF ) [ CRLF content ]`
    fn parse(bytes: &'a [u8]) -> Result<Self, MultipartError> {
        let mut lines = Lines::new(bytes);
        for _ in 0..=MAX_PART_FIELDS {
            let header = bytes.get(..lines.at()).unwrap_or_default();
            // The CR LF of the last line belongs to the delimiter.
            let body = match lines.next_or_last() {
                Some([]) => lines.rest(),
                None => &[],
                Some(line) if split_field(line).is_none() => break,
                Some(_) => continue,
            };
            if lines.fault().is_some() {
                break;
            }
            return Ok(Self { header, body });
        }
        Err(MultipartError::Field)
    }

    /// Names and values of the fields, in order; a value may hold folds.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut lines = Lines::new(self.header);
        std::iter::from_fn(move || lines.next_or_last().and_then(split_field))
            .map(|(name, _, value)| (name, trim_end(value)))
    }

    /// The value of the first field of this name.
    pub fn first(&self, name: &HeaderName) -> Option<&'a [u8]> {
        let is = |written: &[u8]| {
            std::str::from_utf8(written).ok().and_then(HeaderName::parse).as_ref() == Some(name)
        };
        self.fields().find(|(written, _)| is(written)).map(|(_, value)| value)
    }

    /// The type; `text/plain` when none is written (RFC 2046 §5.1).
    pub fn content_type(&self) -> Result<ContentType, Malformed> {
        ContentType::parse(self.first(&HeaderName::ContentType).unwrap_or(b"text/plain"))
    }

    /// What the part is for; `None` when that is not written.
    pub fn disposition(&self) -> Result<Option<ContentDisposition>, Malformed> {
        self.first(&HeaderName::ContentDisposition).map(ContentDisposition::parse).transpose()
    }

    /// Content-ID, without its angle brackets (RFC 2392).
    pub fn content_id(&self) -> Option<&'a [u8]> {
        let value = self.first(&HeaderName::ContentId)?;
        value.strip_prefix(b"<")?.strip_suffix(b">")
    }

    /// Whether the content is as it stands: SIP knows no other (RFC 5621 §3.2), mail does.
    fn is_plain(&self) -> bool {
        let plain: [&[u8]; 3] = [b"binary", b"8bit", b"7bit"];
        let encoding = self.first(&HeaderName::ContentTransferEncoding);
        encoding.is_none_or(|word| plain.iter().any(|plain| word.eq_ignore_ascii_case(plain)))
    }

    /// The part with a life of its own.
    pub fn to_owned(&self) -> BodyPart {
        let mut headers = Headers::new();
        for (name, value) in self.fields() {
            let name = std::str::from_utf8(name).ok().and_then(HeaderName::parse);
            let name = name.expect("a part's names are tokens");
            // A part is as long as its delimiters say.
            if name != HeaderName::ContentLength {
                headers.push_raw(name, value);
            }
        }
        BodyPart { headers, body: self.body.to_vec() }
    }
}

/// The part of the type `wanted`, such as `application/sdp`, in a `body` of the type `media`: the
/// body itself, or a part at any depth.
///
/// Of `multipart/alternative`, the last that fits is the best (RFC 2046 §5.1.4); of everything else,
/// the first is meant. A part for early media (`early-session`) or in a transfer encoding does not
/// fit.
pub fn find<'a>(
    media: &ContentType,
    body: &'a [u8],
    wanted: &str,
) -> Result<Option<&'a [u8]>, MultipartError> {
    find_within(media, body, wanted, 0)
}

fn find_within<'a>(
    media: &ContentType,
    body: &'a [u8],
    wanted: &str,
    depth: usize,
) -> Result<Option<&'a [u8]>, MultipartError> {
    if media.is(wanted) {
        return Ok(Some(body));
    }
    if !media.is_multipart() {
        return Ok(None);
    }
    if depth == MAX_DEPTH {
        return Err(MultipartError::TooDeep);
    }
    let mut found = None;
    for part in Multipart::parse(media, body)?.parts().iter().filter(|part| part.is_plain()) {
        let disposition = part.disposition().map_err(MultipartError::Malformed)?;
        if disposition.is_some_and(|d| !d.is_understood()) {
            continue;
        }
        let media_of_part = part.content_type().map_err(MultipartError::Malformed)?;
        let inner = find_within(&media_of_part, part.body, wanted, depth + 1)?;
        found = inner.or(found);
        if found.is_some() && media.subtype.as_str() != "alternative" {
            break;
        }
    }
    Ok(found)
}

/// Whether a body of the type `media` is one that a receiver of the types `known` may act on: each part that counts is of
/// a known type, or may be ignored (`handling=optional`; RFC 3261 §20.11, RFC 5621).
///
/// All parts count, but of `multipart/alternative` one is enough, and of `multipart/related` and `multipart/signed` the
/// rest is of use to who understands the root alone (RFC 2387 §3.1, RFC 1847 §2.1).
pub(super) fn is_understood(
    media: &ContentType,
    disposition: Option<&ContentDisposition>,
    body: &[u8],
    known: &[String],
) -> Result<bool, MultipartError> {
    is_understood_within(media, disposition, body, known, 0)
}

fn is_understood_within(
    media: &ContentType,
    disposition: Option<&ContentDisposition>,
    body: &[u8],
    known: &[String],
    depth: usize,
) -> Result<bool, MultipartError> {
    if disposition.is_some_and(|disposition| !disposition.is_required()) {
        return Ok(true);
    }
    if !media.is_multipart() {
        let understood = disposition.is_none_or(ContentDisposition::is_understood);
        return Ok(understood && known.iter().any(|kind| media.is(kind)));
    }
    if depth == MAX_DEPTH {
        return Err(MultipartError::TooDeep);
    }
    let parts = Multipart::parse(media, body)?;
    let understood = |part: &Part<'_>| -> Result<bool, MultipartError> {
        let disposition = part.disposition().map_err(MultipartError::Malformed)?;
        let media = part.content_type().map_err(MultipartError::Malformed)?;
        let inner =
            || is_understood_within(&media, disposition.as_ref(), part.body, known, depth + 1);
        let optional = disposition.as_ref().is_some_and(|d| !d.is_required());
        if part.is_plain() || optional { inner() } else { Ok(false) }
    };
    match media.subtype.as_str() {
        "alternative" => {
            for part in parts.parts() {
                if understood(part)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        "related" | "signed" => parts.root(media).map_or(Ok(false), understood),
        _ => {
            for part in parts.parts() {
                if !understood(part)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }
}

/// A part that we send: its fields are those of its content (Content-Type, Content-Disposition,
/// Content-ID and so on).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BodyPart {
    /// The fields.
    pub headers: Headers,
    /// The content.
    pub body: Vec<u8>,
}

impl BodyPart {
    /// `body` of the type `content_type`.
    pub fn new(content_type: &str, body: Vec<u8>) -> Self {
        let mut headers = Headers::new();
        headers.push(HeaderName::ContentType, content_type);
        Self { headers, body }
    }
}

/// A body of several parts that we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartBody {
    /// `mixed`, `alternative` and so on.
    pub subtype: Token,
    /// The parts; without any, nobody can read the body.
    pub parts: Vec<BodyPart>,
}

impl MultipartBody {
    /// The type with its boundary, and the octets. The boundary is one that no part holds, the same
    /// each time.
    pub fn print(&self) -> (ContentType, Vec<u8>) {
        let boundary = self.boundary();
        let mut bytes = Vec::new();
        for part in &self.parts {
            bytes.extend_from_slice(format!("--{boundary}\r\n{}\r\n", part.headers).as_bytes());
            bytes.extend_from_slice(&part.body);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        let mut media = ContentType {
            kind: Token::new("multipart").expect("a token"),
            subtype: self.subtype.clone(),
            params: super::Params::new(),
        };
        media.params.set("boundary", Some(&boundary));
        (media, bytes)
    }

    fn boundary(&self) -> String {
        let octets = self.parts.iter().flat_map(|part| &part.body);
        let seed = grammar::fnv1a(octets.copied());
        let candidates = (0..=u64::MAX).map(|n| format!("part-{:016x}", seed.wrapping_add(n)));
        let is_free = |boundary: &String| {
            let finder = memmem::Finder::new(boundary);
            self.parts.iter().all(|part| finder.find(&part.body).is_none())
        };
        candidates.into_iter().find(is_free).expect("a body is shorter than 2⁶⁴ octets")
    }
}

/// A delimiter's line: from the CR LF before it to the CR LF after it, both included.
#[derive(Clone, Copy)]
struct Delimiter {
    start: usize,
    end: usize,
    closes: bool,
}

/// The delimiters of a body, in order.
struct Delimiters<'a> {
    body: &'a [u8],
    dashes: Vec<u8>,
    at: usize,
}

impl<'a> Delimiters<'a> {
    fn new(body: &'a [u8], boundary: &str) -> Self {
        Self { body, dashes: [b"--", boundary.as_bytes()].concat(), at: 0 }
    }

    /// The delimiter whose dashes are at `at`, when it is alone on its line but for white space.
    fn check(&self, at: usize) -> Option<Delimiter> {
        let body = self.body;
        let start = match at {
            0 => 0,
            _ => at - body.get(..at)?.ends_with(b"\r\n").then_some(2)?,
        };
        let rest = body.get(at + self.dashes.len()..)?;
        let closes = rest.starts_with(b"--");
        let rest = if closes { rest.get(2..)? } else { rest };
        let pad = rest.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        let rest = rest.get(pad..)?;
        let ended = closes && rest.is_empty();
        let end = body.len() - rest.len() + if ended { 0 } else { 2 };
        (ended || rest.starts_with(b"\r\n")).then_some(Delimiter { start, end, closes })
    }
}

impl Iterator for Delimiters<'_> {
    type Item = Delimiter;

    fn next(&mut self) -> Option<Delimiter> {
        loop {
            let found = memmem::find(self.body.get(self.at..)?, &self.dashes)?;
            let at = self.at + found;
            self.at = at + 1;
            if let Some(delimiter) = self.check(at) {
                return Some(delimiter);
            }
        }
    }
}

/// `0*69<bchars> bcharsnospace` (RFC 2046 §5.1.1).
fn is_boundary(boundary: &str) -> bool {
    let good = |octet: u8| octet.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&octet);
    (1..=MAX_BOUNDARY).contains(&boundary.len())
        && boundary.bytes().all(good)
        && !boundary.ends_with(' ')
}
