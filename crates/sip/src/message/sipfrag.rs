//! `message/sipfrag` (RFC 3420): a piece of a message, as the NOTIFY of a REFER carries it.

use std::fmt::Write;

use super::grammar::{self, Clean, trim_end};
use super::wire::{Fault, Lines, Start, parse_status, split_field};
use super::{HeaderName, Headers, MAX_HEADERS, Method, Status, Uri};

/// A start line, some fields, a body: each may be missing (RFC 3420 §2.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SipFragment {
    /// The start line.
    pub start: Option<FragmentStart>,
    /// The fields.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

/// A fragment's start line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FragmentStart {
    /// `INVITE sip:alice@example.com SIP/2.0`
    Request {
        /// The method.
        method: Method,
        /// The Request-URI.
        uri: Uri,
    },
    /// `SIP/2.0 603 Declined`
    Status {
        /// The code.
        status: Status,
        /// The reason phrase.
        reason: String,
    },
}

impl SipFragment {
    /// The status line alone: how far a transfer has come (RFC 3515 §2.4.5).
    pub fn status_line(status: Status, reason: &str) -> Self {
        let reason = grammar::text(reason.as_bytes()).trim().to_owned();
        Self { start: Some(FragmentStart::Status { status, reason }), ..Self::default() }
    }

    /// The status of the status line, when there is one.
    pub const fn status(&self) -> Option<Status> {
        match &self.start {
            Some(FragmentStart::Status { status, .. }) => Some(*status),
            Some(FragmentStart::Request { .. }) | None => None,
        }
    }

    /// The fragment `bytes`. A last line without its CR LF is taken: phones send that.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let ended = bytes.ends_with(b"\r\n") || memchr::memmem::find(bytes, b"\r\n\r\n").is_some();
        if !ended {
            return Self::parse(&[trim_end(bytes), b"\r\n"].concat());
        }
        let mut lines = Lines::new(bytes);
        let mut fragment = Self::default();
        let mut line = lines.next_line();
        // A field can look like a request line, `X : y SIP/2.0`, but no start line like a field.
        let first = line.filter(|line| split_field(line).is_none());
        if let Some(start) = first.and_then(Start::parse) {
            fragment.start = Some(FragmentStart::parse(start)?);
            line = lines.next_line();
        }
        let mut length = None;
        while let Some(field) = line.filter(|line| !line.is_empty()) {
            let (name, _, value) = split_field(field).ok_or(Fault::HeaderLine)?;
            let name = std::str::from_utf8(name).ok().and_then(HeaderName::parse);
            let (name, value) = (name.ok_or(Fault::HeaderLine)?, trim_end(value));
            if name == HeaderName::ContentLength {
                let number = grammar::number(value).and_then(|n| usize::try_from(n).ok());
                length = Some(number.ok_or(Fault::ContentLength)?);
            }
            fragment.headers.push_field(name, value);
            // As in a message; and each value of an address list counts.
            if fragment.headers.len() >= MAX_HEADERS {
                return Err(Fault::TooManyHeaders);
            }
            line = lines.next_line();
        }
        if let Some(fault) = lines.fault() {
            return Err(fault);
        }
        let rest = lines.rest();
        let length = length.unwrap_or(rest.len());
        fragment.body = rest.get(..length).ok_or(Fault::BodyTruncated)?.to_vec();
        Ok(fragment)
    }

    /// The octets of the body. Content-Length is printed when the fragment has a body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        let mut line = Clean(&mut text);
        let written = match &self.start {
            None => Ok(()),
            Some(FragmentStart::Request { method, uri }) => write!(line, "{method} {uri} SIP/2.0"),
            Some(FragmentStart::Status { status, reason }) => {
                write!(line, "SIP/2.0 {status} {reason}")
            }
        };
        written.expect("writing to a string succeeds");
        if self.start.is_some() {
            text.push_str("\r\n");
        }
        text.push_str(&self.headers.to_string());
        if !self.body.is_empty() {
            text.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        }
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

impl FragmentStart {
    fn parse(start: Start<'_>) -> Result<Self, Fault> {
        let known = |version: &[u8]| version.eq_ignore_ascii_case(b"SIP/2.0");
        match start {
            Start::Request { version, .. } | Start::Response { version, .. } if !known(version) => {
                Err(Fault::Version)
            }
            Start::Request { method, uri, .. } => Ok(Self::Request {
                method: Method::parse(method).ok_or(Fault::Method)?,
                uri: Uri::parse(uri).map_err(|_| Fault::RequestUri)?,
            }),
            Start::Response { status, reason, .. } => Ok(Self::Status {
                status: parse_status(status).ok_or(Fault::StatusCode)?,
                reason: grammar::text(reason).trim().to_owned(),
            }),
        }
    }
}
