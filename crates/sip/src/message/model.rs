//! Requests and responses, and how they print.

use std::fmt::Write;

use super::grammar::Clean;
use super::multipart::{self, MultipartError};
use super::{HeaderError, HeaderName, Headers, Method, Status, Uri};

/// A request (RFC 3261 §7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub method: Method,
    /// Of whom it is asked.
    pub uri: Uri,
    /// The header.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A response (RFC 3261 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The code.
    pub status: Status,
    /// The reason phrase; control characters in it are printed as spaces.
    pub reason: String,
    /// The header.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request.
    Request(Request),
    /// A response.
    Response(Response),
}

impl Request {
    /// A request without header fields and body.
    pub const fn new(method: Method, uri: Uri) -> Self {
        Self { method, uri, headers: Headers::new(), body: Vec::new() }
    }

    /// The octets that go on the wire; Content-Length is computed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut line = String::with_capacity(self.longest());
        write!(Clean(&mut line), "{} {} SIP/2.0", self.method, self.uri).expect(INFALLIBLE);
        print(line, &self.headers, &self.body)
    }

    /// No fewer octets than [`to_bytes`](Self::to_bytes) gives, but for a URI that does not fit a start line of
    /// usual length.
    pub(crate) fn longest(&self) -> usize {
        START_LINE + self.headers.as_str().len() + self.body.len()
    }

    /// The body, or the part of it, of the type `wanted`, such as `application/sdp`.
    pub fn part(&self, wanted: &str) -> Result<Option<&[u8]>, MultipartError> {
        part(&self.headers, &self.body, wanted)
    }

    /// The offer or answer that it carries, alone or among other parts; empty when there is none.
    pub fn session_description(&self) -> &[u8] {
        session_description(&self.headers, &self.body)
    }

    /// Whether the body, and each part of it that counts, is of one of the types `known` or may be ignored (RFC 3261
    /// §8.2.3, RFC 5621). Else 415 is owed; 400 for the error of a body whose parts cannot be told apart.
    pub fn is_understood(&self, known: &[String]) -> Result<bool, MultipartError> {
        let disposition = self.headers.content_disposition().ok().flatten();
        let optional = disposition.as_ref().is_some_and(|d| !d.is_required());
        match self.headers.content_type() {
            _ if self.body.is_empty() || optional => Ok(true),
            Ok(media) if is_plain(&self.headers) => {
                multipart::is_understood(&media, disposition.as_ref(), &self.body, known)
            }
            Ok(_) | Err(_) => Ok(false),
        }
    }

    /// Sets the body and its Content-Type; an empty body has none.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        set_body(&mut self.headers, &mut self.body, content_type, body);
    }
}

impl Response {
    /// The response to `request` with what every response repeats of it: all Via, From, To,
    /// Call-ID, CSeq, and the Timestamp for a 100 (RFC 3261 §8.2.6).
    ///
    /// `to_tag` is added to a To that has none; a 100 needs none.
    pub fn new(request: &Request, status: Status, to_tag: Option<&str>) -> Self {
        let mut headers = Headers::with_capacity(FIELDS_OF_RESPONSE, OCTETS_OF_RESPONSE);
        let repeated = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId];
        for name in repeated.iter().chain([&HeaderName::CSeq]) {
            headers.copy_from(&request.headers, name);
        }
        if status == Status::TRYING {
            headers.copy_from(&request.headers, &HeaderName::Timestamp);
        }
        if let Some(tag) = to_tag {
            headers.tag_to(tag);
        }
        Self { status, reason: status.reason().to_owned(), headers, body: Vec::new() }
    }

    /// The octets that go on the wire; Content-Length is computed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut line =
            String::with_capacity(START_LINE + self.headers.as_str().len() + self.body.len());
        write!(Clean(&mut line), "SIP/2.0 {} {}", self.status, self.reason).expect(INFALLIBLE);
        print(line, &self.headers, &self.body)
    }

    /// The body, or the part of it, of the type `wanted`, such as `application/sdp`.
    pub fn part(&self, wanted: &str) -> Result<Option<&[u8]>, MultipartError> {
        part(&self.headers, &self.body, wanted)
    }

    /// The offer or answer that it carries, alone or among other parts; empty when there is none.
    pub fn session_description(&self) -> &[u8] {
        session_description(&self.headers, &self.body)
    }

    /// Sets the body and its Content-Type; an empty body has none.
    pub fn set_body(&mut self, content_type: &str, body: Vec<u8>) {
        set_body(&mut self.headers, &mut self.body, content_type, body);
    }
}

impl Message {
    /// The header.
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        match self {
            Self::Request(request) => &request.body,
            Self::Response(response) => &response.body,
        }
    }

    /// The octets that go on the wire; Content-Length is computed.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Request(request) => request.to_bytes(),
            Self::Response(response) => response.to_bytes(),
        }
    }
}

fn set_body(headers: &mut Headers, slot: &mut Vec<u8>, content_type: &str, body: Vec<u8>) {
    if body.is_empty() {
        headers.remove(&HeaderName::ContentType);
    } else {
        headers.set(HeaderName::ContentType, content_type);
    }
    *slot = body;
}

/// `text` holds the start line. Fields print in their long form, one value a line.
fn print(mut text: String, headers: &Headers, body: &[u8]) -> Vec<u8> {
    text.push_str("\r\n");
    text.push_str(headers.as_str());
    write!(text, "Content-Length: {}\r\n\r\n", body.len()).expect(INFALLIBLE);
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The part of the type `wanted` among the body's parts; `None` when there is no body, or none that
/// fits.
fn part<'a>(
    headers: &Headers,
    body: &'a [u8],
    wanted: &str,
) -> Result<Option<&'a [u8]>, MultipartError> {
    if body.is_empty() {
        return Ok(None);
    }
    match headers.content_type() {
        Ok(media) => multipart::find(&media, body, wanted),
        Err(HeaderError::Malformed(_, what)) => Err(MultipartError::Malformed(what)),
        Err(HeaderError::Missing(_) | HeaderError::Duplicate(_)) => Ok(None),
    }
}

/// A description for early media alone (RFC 3959) is not the session's, nor is one for a use that we do not know. A body
/// without a type is what old telephones send.
fn session_description<'a>(headers: &Headers, body: &'a [u8]) -> &'a [u8] {
    let disposition = headers.content_disposition().ok().flatten();
    if disposition.is_some_and(|d| !d.is_understood()) || !is_plain(headers) {
        return &[];
    }
    match part(headers, body, "application/sdp") {
        Ok(None) if headers.first(&HeaderName::ContentType).is_none() => body,
        found => found.ok().flatten().unwrap_or_default(),
    }
}

fn is_plain(headers: &Headers) -> bool {
    let mut codings = headers.list(&HeaderName::ContentEncoding);
    codings.all(|coding| coding.eq_ignore_ascii_case("identity"))
}

/// What most responses have at most.
const FIELDS_OF_RESPONSE: usize = 8;
const OCTETS_OF_RESPONSE: usize = 512;

/// Octets that are enough for most start lines, and for Content-Length.
const START_LINE: usize = 128;

const INFALLIBLE: &str = "writing to a string succeeds";
