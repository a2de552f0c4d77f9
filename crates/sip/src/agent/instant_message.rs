//! MESSAGE (RFC 3428): texts outside of calls.

use core::fmt;

use tipring_core::Instant;

use super::{Outgoing, OutgoingId, UserAgent};
use crate::digest::Account;
use crate::message::{
    Header, HeaderName, Method, NameAddr, Request, Response, Status, Transport, Uri,
};
use crate::subscription::Content;
use crate::transaction::Path;

/// The largest MESSAGE over a transport without congestion control, in octets (RFC 3428 §8).
pub const MAX_UNCONTROLLED_MESSAGE: usize = 1300;

/// A text to send.
#[derive(Clone, Debug)]
pub struct InstantMessage {
    /// The request URI.
    pub target: Uri,
    /// How, from which socket and where it is sent.
    pub path: Path,
    /// Where it is sent when nothing comes from there, one after the other (RFC 3263 §4.3).
    pub others: Vec<Path>,
    /// Who writes; a tag is added.
    pub from: NameAddr,
    /// Who reads.
    pub to: NameAddr,
    /// The proxies to pass, first first.
    pub route: Vec<NameAddr>,
    /// Further fields.
    pub headers: Vec<Header>,
    /// The text: `text/plain`, `message/cpim`, …
    pub content: Content,
    /// What answers challenges.
    pub credentials: Option<Account>,
}

/// The message would be larger than 1300 octets on a transport without congestion control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl UserAgent {
    /// Sends a MESSAGE. Its answers come as [`Output::Response`](super::Output::Response).
    pub fn send_message(
        &mut self,
        now: Instant,
        message: InstantMessage,
    ) -> Result<OutgoingId, TooLarge> {
        let InstantMessage { target, path, others, from, to, route, headers, content, credentials } =
            message;
        let mut request = Request::new(Method::Message, target);
        for route in &route {
            request.headers.push(HeaderName::Route, route);
        }
        request.headers.push(HeaderName::From, from);
        request.headers.push(HeaderName::To, to);
        for header in &headers {
            request.headers.push(header.name().clone(), header.value());
        }
        request.set_body(&content.kind, content.body);
        // What the stack adds: Via, Max-Forwards, a tag, Call-ID, CSeq, User-Agent, credentials.
        let added = ADDED + credentials.iter().count() * CREDENTIALS;
        if !is_controlled(path.transport)
            && request.to_bytes().len() + added > MAX_UNCONTROLLED_MESSAGE
        {
            return Err(TooLarge);
        }
        Ok(self.request(now, Outgoing { request, path, others, credentials }))
    }

    /// The refusal owed to a MESSAGE of a type that is not taken (RFC 3428 §7).
    pub(super) fn inspect_message(&self, request: &Request) -> Option<Response> {
        let accepted = &self.config.message_types;
        if request.method != Method::Message || accepted.is_empty() || request.body.is_empty() {
            return None;
        }
        let kind = request.headers.content_type();
        if kind.is_ok_and(|kind| accepted.iter().any(|accepted| kind.is(accepted))) {
            return None;
        }
        let mut response = self.refusal(request, Status::UNSUPPORTED_MEDIA_TYPE);
        response.headers.push(HeaderName::Accept, accepted.join(", "));
        Some(response)
    }
}

const fn is_controlled(transport: Transport) -> bool {
    match transport {
        Transport::Udp => false,
        Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss => true,
    }
}

const ADDED: usize = 320;
const CREDENTIALS: usize = 400;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a MESSAGE larger than {MAX_UNCONTROLLED_MESSAGE} octets needs TCP or TLS")
    }
}

impl std::error::Error for TooLarge {}
