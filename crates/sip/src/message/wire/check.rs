//! From the view to the model, with the status that is owed when that fails.

use std::fmt;

use super::super::grammar::{self, List};
use super::super::{
    HeaderName, Headers, MAX_HEADERS, Malformed, Message, Method, Params, RawCSeq, RawNameAddr,
    RawVia, Request, Response, Status, Uri,
};
use super::view::{Start, View};

/// What is wrong with a message that is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The header does not end with an empty line.
    NoEmptyLine,
    /// A field without a colon or with a bad name.
    HeaderLine,
    /// A control character, or CR or LF alone.
    ControlCharacter,
    /// More than [`super::super::MAX_MESSAGE`] octets.
    TooLarge,
    /// A start line longer than [`super::super::MAX_LINE`].
    RequestUriTooLong,
    /// More than [`super::super::MAX_HEADERS`] fields.
    TooManyHeaders,
    /// A line longer than [`super::super::MAX_LINE`].
    LineTooLong,
    /// Content-Length is no number, or two differ.
    ContentLength,
    /// Content-Length is beyond the end.
    BodyTruncated,
    /// A known method, and then no request line.
    RequestLine,
    /// Not SIP/2.0.
    Version,
    /// The method is no token.
    Method,
    /// The Request-URI, or white space around it.
    RequestUri,
    /// The Request-URI is of a scheme that nobody here serves.
    Scheme,
    /// The status is not 100 to 699.
    StatusCode,
    /// A field every message needs is missing; its name.
    Missing(&'static str),
    /// A field is there more than once and may not be; its name.
    Duplicate(&'static str),
    /// A field is malformed; its name and what is wrong.
    Malformed(&'static str, Malformed),
    /// CSeq names another method than the request line.
    CSeqMethod,
    /// The same, and the request line's method is one that nobody here knows: that weighs more (RFC
    /// 4475 §3.1.2.18).
    UnknownMethod,
}

impl Fault {
    /// The status owed to the sender of a request.
    pub const fn status(self) -> Status {
        match self {
            Self::Version => Status::VERSION_NOT_SUPPORTED,
            Self::Scheme => Status::UNSUPPORTED_URI_SCHEME,
            Self::TooLarge | Self::TooManyHeaders | Self::LineTooLong => Status::MESSAGE_TOO_LARGE,
            Self::RequestUriTooLong => Status::REQUEST_URI_TOO_LONG,
            Self::UnknownMethod => Status::NOT_IMPLEMENTED,
            _ => Status::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoEmptyLine => "Header Does Not End",
            Self::HeaderLine => "Malformed Header Line",
            Self::ControlCharacter => "Control Character",
            Self::TooLarge => Status::MESSAGE_TOO_LARGE.reason(),
            Self::RequestUriTooLong => Status::REQUEST_URI_TOO_LONG.reason(),
            Self::TooManyHeaders => "Too Many Headers",
            Self::LineTooLong => "Line Too Long",
            Self::ContentLength => "Malformed Content-Length",
            Self::BodyTruncated => "Body Shorter Than Content-Length",
            Self::RequestLine => "Malformed Request Line",
            Self::Version => Status::VERSION_NOT_SUPPORTED.reason(),
            Self::Method => "Malformed Method",
            Self::RequestUri => "Malformed Request-URI",
            Self::Scheme => Status::UNSUPPORTED_URI_SCHEME.reason(),
            Self::StatusCode => "Malformed Status Code",
            Self::Missing(name) => return write!(f, "Missing {name}"),
            Self::Duplicate(name) => return write!(f, "Duplicate {name}"),
            Self::Malformed(name, _) => return write!(f, "Malformed {name}"),
            Self::CSeqMethod => "CSeq Method Differs",
            Self::UnknownMethod => Status::NOT_IMPLEMENTED.reason(),
        })
    }
}

/// A message that is not taken, and what to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong.
    pub fault: Fault,
    /// The response owed, To tagged: Via, From, To, Call-ID and CSeq are repeated as far as they
    /// are there. `None` for a response, an ACK (neither is ever answered), and a request without
    /// Via, because an answer without one is none (RFC 3261 §8.2.6.2, §18.2.2).
    pub response: Option<Box<Response>>,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)
    }
}

impl std::error::Error for Rejected {}

impl View<'_> {
    /// Whether the message is good: every rule of RFC 3261 §8.1.1, §8.2 and §18.3 that concerns its
    /// form.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(fault) = self.framing_fault() {
            return Err(fault);
        }
        let method = self.check_start()?;
        self.check_counts()?;
        self.check_fields(method)?;
        self.body().map(|_| ())
    }

    /// The message with a life of its own.
    pub fn to_message(&self) -> Result<Message, Rejected> {
        self.check().and_then(|()| self.convert()).map_err(|fault| self.reject(fault))
    }

    /// The method's word, for a request.
    fn check_start(&self) -> Result<Option<&[u8]>, Fault> {
        match self.start() {
            Start::Request { method, uri, version } => {
                if version.is_empty() {
                    return Err(Fault::RequestLine);
                }
                if !version.eq_ignore_ascii_case(b"SIP/2.0") {
                    return Err(Fault::Version);
                }
                if !grammar::all(method, grammar::TOKEN) {
                    return Err(Fault::Method);
                }
                check_request_uri(uri)?;
                Ok(Some(method))
            }
            Start::Response { version, status, .. } => {
                if !version.eq_ignore_ascii_case(b"SIP/2.0") {
                    return Err(Fault::Version);
                }
                parse_status(status).ok_or(Fault::StatusCode)?;
                Ok(None)
            }
        }
    }

    /// Fields that must be there are; fields that may be there once are not there twice.
    fn check_counts(&self) -> Result<(), Fault> {
        let mut seen = 0u128;
        for index in self.indices() {
            let bit = 1u128.checked_shl(u32::from(index)).unwrap_or(0);
            if seen & bit != 0 && is_single(index) {
                return Err(Fault::Duplicate(HeaderName::known(index)));
            }
            seen |= bit;
        }
        for name in &NEEDED {
            if seen & (1 << name.index()) == 0 {
                return Err(Fault::Missing(HeaderName::known(name.index())));
            }
        }
        Ok(())
    }

    fn check_fields(&self, method: Option<&[u8]>) -> Result<(), Fault> {
        for value in self.all(&HeaderName::Via) {
            for part in List::new(value) {
                RawVia::parse(part)
                    .and_then(|via| Params::check(via.params))
                    .map_err(|what| Fault::Malformed("Via", what))?;
            }
        }
        for (name, field) in [("From", self.from()), ("To", self.to())] {
            let address = field.ok_or(Fault::Missing(name))?;
            address
                .and_then(|address| address.check())
                .map_err(|what| Fault::Malformed(name, what))?;
        }
        let call_id = self.call_id().unwrap_or_default();
        if call_id.is_empty() || call_id.iter().any(|&octet| grammar::is(octet, BREAKS)) {
            return Err(Fault::Malformed("Call-ID", Malformed::Token));
        }
        let cseq = self.cseq().ok_or(Fault::Missing("CSeq"))?;
        let cseq: RawCSeq<'_> = cseq.map_err(|what| Fault::Malformed("CSeq", what))?;
        if let Some(method) = method.filter(|method| *method != cseq.method) {
            let known = !matches!(Method::parse(method), None | Some(Method::Extension(_)));
            return Err(if known { Fault::CSeqMethod } else { Fault::UnknownMethod });
        }
        for value in self.all(&HeaderName::Contact) {
            for part in List::new(value).filter(|part| *part != b"*") {
                RawNameAddr::parse(part)
                    .and_then(check_address)
                    .map_err(|what| Fault::Malformed("Contact", what))?;
            }
        }
        Ok(())
    }

    fn convert(&self) -> Result<Message, Fault> {
        let body = self.body()?.to_vec();
        let headers = self.owned_headers();
        // Each value of an address list is a field by now, and the printer adds Content-Length.
        if headers.len() >= MAX_HEADERS {
            return Err(Fault::TooManyHeaders);
        }
        Ok(match self.start() {
            Start::Request { method, uri, .. } => Message::Request(Request {
                method: Method::parse(method).ok_or(Fault::Method)?,
                uri: Uri::parse(uri).map_err(|_| Fault::RequestUri)?,
                headers,
                body,
            }),
            Start::Response { status, reason, .. } => Message::Response(Response {
                status: parse_status(status).ok_or(Fault::StatusCode)?,
                reason: grammar::text(reason),
                headers,
                body,
            }),
        })
    }

    fn owned_headers(&self) -> Headers {
        let mut headers = Headers::with_capacity(self.count(), self.header_len());
        // Once for all values: nearly always they are plain.
        let text = std::str::from_utf8(self.header()).ok();
        for (name, value, range) in self.fields() {
            let plain = text.and_then(|text| text.get(range)).filter(|_| grammar::is_plain(value));
            match plain {
                Some(value) => headers.push_plain_field(name, value),
                None => headers.push_field(name, value),
            }
        }
        headers
    }

    /// The refusal of the message for `fault`, whatever else may be wrong with it.
    pub fn reject(&self, fault: Fault) -> Rejected {
        let mut headers = Headers::new();
        for value in self.all(&HeaderName::Via) {
            if List::new(value).all(|part| RawVia::parse(part).is_ok()) {
                headers.push_field(HeaderName::Via, value);
            } else {
                // The sender knows its own words, if anybody does.
                headers.push_raw(HeaderName::Via, value);
            }
        }
        let answerable = match self.start() {
            Start::Request { method, .. } => method != b"ACK",
            Start::Response { .. } => false,
        };
        if !answerable || headers.is_empty() {
            return Rejected { fault, response: None };
        }
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            if let Some(value) = self.first(&name) {
                headers.push_raw(name, value);
            }
        }
        if headers.to_tag().is_none() {
            let tag = stateless_tag(&headers);
            headers.tag_to(&tag);
        }
        let response = Response {
            status: fault.status(),
            reason: fault.to_string(),
            headers,
            body: Vec::new(),
        };
        Rejected { fault, response: Some(Box::new(response)) }
    }
}

/// What a Call-ID cannot hold, not even escaped.
const BREAKS: u16 = grammar::LWS | grammar::CONTROL;

const NEEDED: [HeaderName; 5] =
    [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];

/// Fields whose repetition changes what a message means; a repeated Content-Length has its own
/// rule.
fn is_single(index: u8) -> bool {
    HeaderName::by_index(index)
        .is_some_and(|name| name.is_single() && *name != HeaderName::ContentLength)
}

/// The same for each retransmission of a request (RFC 3261 §8.2.7): made of what identifies it.
fn stateless_tag(headers: &Headers) -> String {
    format!("{:016x}", grammar::fnv1a(headers.iter().flat_map(|field| field.value().bytes())))
}

fn check_request_uri(uri: &[u8]) -> Result<(), Fault> {
    if uri.iter().any(|&octet| grammar::is(octet, grammar::LWS)) {
        return Err(Fault::RequestUri);
    }
    match Uri::parse_raw(uri) {
        Ok(Some(sip)) if sip.headers.is_empty() => Ok(()),
        // RFC 3261 §19.1.1: a Request-URI has no headers.
        Ok(Some(_)) => Err(Fault::RequestUri),
        Ok(None) => match Uri::parse(uri) {
            Ok(Uri::Other(_)) => Err(Fault::Scheme),
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::RequestUri),
        },
        Err(_) => Err(Fault::RequestUri),
    }
}

fn check_address(address: RawNameAddr<'_>) -> Result<(), Malformed> {
    match Uri::parse_raw(address.uri)? {
        Some(_) => Ok(()),
        None => Uri::parse(address.uri).map(|_| ()),
    }
}

pub(in crate::message) fn parse_status(digits: &[u8]) -> Option<Status> {
    let code = grammar::number(digits).filter(|_| digits.len() == 3)?;
    Status::new(u16::try_from(code).ok()?)
}
