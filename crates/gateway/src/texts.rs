//! Texts: a MESSAGE (RFC 3428) to a user of ours is passed on to where the user has registered.
//!
//! ```text
//! MESSAGE ─► who? ─► whom? ──► user ──► each contact ─► first 2xx, else the first refusal
//!             407     404, 403  480 without contacts
//!                     line, group, trunk: 405
//! ```
//!
//! It is answered when a contact has answered; nothing is stored. Who may call a user may write to that user.

use std::collections::BTreeMap;

use tipring_call::Target;
use tipring_core::Instant;
use tipring_sip::agent::{InstantMessage, OutgoingId, RequestId};
use tipring_sip::message::{
    Header, HeaderName, Headers, Method, NameAddr, Request, Response, Status,
};
use tipring_sip::subscription::Content;
use tipring_sip::transaction::Path;
use tipring_sip_server::{Binding, Source};

use crate::gateway::Gateway;

/// The MESSAGEs that are being passed on.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    asked: BTreeMap<RequestId, Passing>,
    sent: BTreeMap<OutgoingId, RequestId>,
}

#[derive(Debug)]
struct Passing {
    request: Box<Request>,
    /// Contacts that have not answered.
    open: usize,
    /// The first refusal.
    refusal: Option<Status>,
}

impl Texts {
    /// How many wait for an answer.
    pub(crate) fn len(&self) -> usize {
        self.asked.len()
    }
}

impl Gateway {
    /// Passes a MESSAGE on; `Err` is its refusal.
    pub(crate) fn pass_text(
        &mut self,
        now: Instant,
        id: RequestId,
        request: &Request,
        source: Source,
    ) -> Result<(), Box<Response>> {
        let origin = self.origin_of(now, request, source)?;
        let refuse = |status| Box::new(Response::new(request, status, None));
        let hops = request.headers.max_forwards().unwrap_or(MAX_FORWARDS);
        if hops == 0 {
            return Err(refuse(Status::TOO_MANY_HOPS));
        }
        let called = request.uri.user().unwrap_or_default();
        let routed = self.routes.route(&origin, &called).map_err(|_| refuse(Status::NOT_FOUND))?;
        if !origin.may_call(&routed.target) {
            return Err(refuse(Status::FORBIDDEN));
        }
        if routed.target != Target::User {
            // RFC 3261 §21.4.6: the method is known, but not for this address.
            let mut response = refuse(Status::METHOD_NOT_ALLOWED);
            let all = self.agent.config().allow_value().to_string();
            let text = Method::Message;
            let others = all.split(", ").filter(|method| *method != text.as_str());
            response.headers.push(HeaderName::Allow, others.collect::<Vec<_>>().join(", "));
            return Err(response);
        }
        let bindings = self.bindings(now, &routed.number, request.uri.is_secure());
        if bindings.is_empty() {
            let mut response = refuse(Status::TEMPORARILY_UNAVAILABLE);
            let warning = self.sips_warning(now, &request.uri, &origin, &called, source.local);
            if let Some(warning) = warning {
                response.headers.push(HeaderName::Warning, warning);
            }
            return Err(response);
        }
        let mut sent = Vec::new();
        for binding in bindings {
            let path = self.way_to(&binding);
            let message = passed_on(request, &binding, path, hops - 1).map_err(&refuse)?;
            if let Ok(outgoing) = self.agent.send_message(now, message) {
                sent.push(outgoing);
            }
        }
        if sent.is_empty() {
            return Err(refuse(Status::MESSAGE_TOO_LARGE));
        }
        let passing =
            Passing { request: Box::new(request.clone()), open: sent.len(), refusal: None };
        self.texts.asked.insert(id, passing);
        self.texts.sent.extend(sent.into_iter().map(|outgoing| (outgoing, id)));
        Ok(())
    }

    /// A contact has answered a MESSAGE, if that was one.
    pub(crate) fn text_answered(&mut self, now: Instant, outgoing: OutgoingId, status: Status) {
        if status.is_provisional() {
            return;
        }
        let Some(id) = self.texts.sent.remove(&outgoing) else { return };
        let Some(passing) = self.texts.asked.get_mut(&id) else { return };
        passing.open -= 1;
        if !status.is_success() {
            passing.refusal.get_or_insert(status);
            if passing.open > 0 {
                return;
            }
        }
        let status = match passing.refusal {
            Some(refusal) if !status.is_success() => for_the_writer(refusal),
            _ => status,
        };
        if let Some(Passing { request, .. }) = self.texts.asked.remove(&id) {
            let response = Response::new(&request, status, None);
            self.agent.respond(now, id, response);
        }
    }
}

/// What the writer hears of a contact's refusal: challenges are between us and the contact, and a 408 would come too late
/// (RFC 4320 §4.2).
fn for_the_writer(refusal: Status) -> Status {
    match refusal {
        Status::UNAUTHORIZED
        | Status::PROXY_AUTHENTICATION_REQUIRED
        | Status::REQUEST_TIMEOUT
        | Status::SERVICE_UNAVAILABLE => Status::TEMPORARILY_UNAVAILABLE,
        other => other,
    }
}

fn passed_on(
    request: &Request,
    binding: &Binding,
    path: Path,
    hops: u8,
) -> Result<InstantMessage, Status> {
    let headers = &request.headers;
    let from = headers.from().map_err(|_| Status::BAD_REQUEST)?;
    let mut passed = Headers::new();
    passed.push(HeaderName::MaxForwards, hops);
    for name in PASSED {
        passed.copy_from(headers, name);
    }
    Ok(InstantMessage {
        target: binding.contact.uri.clone(),
        path,
        others: Vec::new(),
        from: untagged(from),
        to: untagged(headers.to().map_err(|_| Status::BAD_REQUEST)?),
        route: Vec::new(),
        headers: passed.iter().map(Header::from).collect(),
        content: Content {
            kind: headers.first(&HeaderName::ContentType).unwrap_or_default().to_owned(),
            body: request.body.clone(),
        },
        credentials: None,
    })
}

fn untagged(mut address: NameAddr) -> NameAddr {
    address.params.remove("tag");
    address
}

/// Fields that belong to the text.
const PASSED: &[HeaderName] = &[
    HeaderName::Date,
    HeaderName::Expires,
    HeaderName::Subject,
    HeaderName::InReplyTo,
    HeaderName::ContentLanguage,
    HeaderName::ContentEncoding,
    HeaderName::ContentDisposition,
];

const MAX_FORWARDS: u8 = 70;
