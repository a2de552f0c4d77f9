//! The way in: from octets to the machine they concern, or to the refusal that is owed (RFC 3261 §8.2).

use std::net::SocketAddr;
use std::sync::Arc;

use tipring_core::Instant;

use super::{Datagram, Output, ReferPolicy, UserAgent};
use crate::message::wire::{Rejected, Unframed, View};
use crate::message::{
    HeaderName, Headers, Host, Message, Method, RawVia, Request, Response, Status, Transport,
    Warning,
};
use crate::session::{Login, Session, SessionId};
use crate::transaction::{Arrival, Path, ServerId};
use crate::transport::{Domain, is_stun};

/// The code of a Warning (RFC 5630).
const SIPS_NOT_ALLOWED: u16 = 380;

/// What a refusal for lack of room asks the peer to wait, seconds.
const BUSY_RETRY_AFTER: u32 = 5;

/// A request that was received: the transaction that answers it and the ways it came and its responses go.
pub(super) struct Received {
    pub(super) server: Option<ServerId>,
    /// Where responses go.
    pub(super) path: Path,
    /// Where it came from.
    pub(super) source: Path,
    pub(super) request: Request,
}

impl UserAgent {
    /// Takes what a socket received.
    pub fn handle_datagram(&mut self, now: Instant, datagram: Datagram<'_>) {
        let Datagram { transport, local, remote, bytes } = datagram;
        self.handle_message(now, Path::new(transport, local, remote), bytes);
    }

    /// Takes one message that came along `path`, all of its octets and no more.
    pub fn handle_message(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        self.counters.datagrams += 1;
        if path.transport == Transport::Udp && is_stun(bytes) {
            return self.handle_stun(now, path, bytes);
        }
        let view = match View::parse(bytes) {
            Ok(view) => view,
            Err(Unframed::KeepAlive) => return self.handle_keep_alive(path, bytes),
            Err(Unframed::StartLine) => {
                self.counters.garbage += 1;
                return;
            }
        };
        match view.to_message() {
            Ok(Message::Response(response)) => {
                // RFC 3261 §8.1.3.3: a second Via is somebody else's.
                let astray = response.headers.all(&HeaderName::Via).nth(1).is_some();
                if astray || !self.transactions.handle_response(now, response) {
                    self.counters.strays += 1;
                }
            }
            Ok(Message::Request(request)) => self.handle_request(now, path, request),
            Err(rejected) => self.refuse_malformed(path, rejected),
        }
        self.pump(now);
    }

    fn handle_keep_alive(&mut self, path: Path, bytes: &[u8]) {
        self.counters.keep_alives += 1;
        // RFC 5626 §4.4.1: a ping on a connection is answered with a pong; on UDP nothing is owed.
        if path.transport.is_reliable() && bytes == b"\r\n\r\n" {
            self.output.push_back(Output::transmit(path, b"\r\n".to_vec()));
        }
    }

    fn refuse_malformed(&mut self, path: Path, rejected: Rejected) {
        self.counters.malformed += 1;
        if let Some(mut response) = rejected.response {
            let tag = self.stateless_tag(&response.headers);
            response.headers.tag_to(&tag);
            let path = note_source(&mut response.headers, path);
            self.output.push_back(Output::transmit(path, response.to_bytes()));
        }
    }

    fn handle_request(&mut self, now: Instant, source: Path, mut request: Request) {
        let path = note_source(&mut request.headers, source.clone());
        match self.transactions.handle_request(now, &path, &request) {
            Arrival::Absorbed => {}
            Arrival::Ack => self.handle_ack(now, request),
            Arrival::New(server) => {
                self.dispatch(now, Received { server: Some(server), path, source, request });
            }
            Arrival::Merged(server) => {
                self.reply_status(now, Some(server), &path, &request, Status::LOOP_DETECTED);
            }
            Arrival::Full => {
                self.counters.overflows += 1;
                if request.method == Method::Invite {
                    self.refuse_busy(now, None, &path, &request);
                } else {
                    // RFC 3261 §8.2.7 allows to answer the rest without a transaction.
                    self.dispatch(now, Received { server: None, path, source, request });
                }
            }
        }
    }

    pub(super) fn refuse_busy(
        &mut self,
        now: Instant,
        server: Option<ServerId>,
        path: &Path,
        request: &Request,
    ) {
        let mut response = self.refusal(request, Status::SERVICE_UNAVAILABLE);
        response.headers.push(HeaderName::RetryAfter, BUSY_RETRY_AFTER);
        self.reply(now, server, path, &response);
    }

    fn handle_ack(&mut self, now: Instant, request: Request) {
        let Some(id) = self.session_of(&request) else {
            self.counters.strays += 1;
            return;
        };
        if let Some(session) = self.sessions.get_mut(&id) {
            session.handle_ack(now, request);
        }
        self.settle_session(now, id);
    }

    fn session_of(&self, request: &Request) -> Option<SessionId> {
        self.tags.get(&*request.headers.to_tag()?).copied()
    }

    fn dispatch(&mut self, now: Instant, received: Received) {
        let Received { server, path, request, .. } = &received;
        if request.method == Method::Cancel {
            return self.dispatch_cancel(now, received);
        }
        if let Some(refusal) = self.inspect_scheme(path, request).or_else(|| self.inspect(request))
        {
            return self.reply(now, *server, path, &refusal);
        }
        if request.headers.to_tag().is_some() {
            return self.dispatch_in_dialog(now, received);
        }
        match request.method {
            Method::Invite => self.dispatch_invite(now, received),
            Method::Bye | Method::Info | Method::Update | Method::Prack => {
                let status = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                self.reply_status(now, *server, path, request, status);
            }
            // Nobody here has subscribed.
            Method::Notify if !self.config.allow.contains(&Method::Notify) => {
                let status = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                self.reply_status(now, *server, path, request, status);
            }
            Method::Refer if self.config.refer != ReferPolicy::Refuse => {
                self.dispatch_refer(now, received);
            }
            Method::Subscribe if self.answers_subscribe() => {
                self.dispatch_subscribe(now, received);
            }
            _ => {
                let Received { server, path, source, request } = received;
                self.surface(now, server, path, source, None, request);
            }
        }
    }

    /// RFC 3261 §9.2. The response has the tag of those to the INVITE.
    fn dispatch_cancel(&mut self, now: Instant, received: Received) {
        let Received { server, path, request, .. } = received;
        let Some(invite) = self.transactions.cancelled_by(&request) else {
            let status = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.reply_status(now, server, &path, &request, status);
        };
        let session = self.invites.get(&invite).copied();
        let tag = session.and_then(|id| self.sessions.get(&id)).map(|session| session.local_tag());
        let tag = tag.map_or_else(|| self.stateless_tag(&request.headers), str::to_owned);
        let response = super::endpoint::response(&self.config, &request, Status::OK, &tag);
        self.reply(now, server, &path, &response);
        if let Some(id) = session {
            if let Some(session) = self.sessions.get_mut(&id) {
                session.handle_cancel(now, invite, &request);
            }
            self.settle_session(now, id);
        }
    }

    fn dispatch_in_dialog(&mut self, now: Instant, received: Received) {
        if let Some(usage) = self.usages.of(&received.request) {
            return self.dispatch_in_usage(now, usage, received);
        }
        let Received { server, path, source, request } = received;
        let id = self.session_of(&request);
        let Some((id, session)) =
            id.and_then(|id| self.sessions.get_mut(&id).map(|session| (id, session)))
        else {
            let status = Status::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            return self.reply_status(now, server, &path, &request, status);
        };
        if let Err(status) = session.admit(&request) {
            return self.reply_status(now, server, &path, &request, status);
        }
        if !self.is_for_session(&request) {
            if request.method == Method::Notify && !self.config.allow.contains(&Method::Notify) {
                return self.reply_status(now, server, &path, &request, Status::BAD_EVENT);
            }
            if request.method == Method::Subscribe && !self.config.packages.is_empty() {
                // RFC 6665 §4.5.2 lets us decline to share the dialog of a call.
                return self.reply_status(now, server, &path, &request, Status::FORBIDDEN);
            }
            if request.method == Method::Subscribe && self.answers_subscribe() {
                return self.refuse_event(now, server, &path, &request);
            }
            return self.surface(now, server, path, source, Some(id), request);
        }
        // A session answers in transactions alone; the peer tries again.
        let Some(server) = server else {
            return self.refuse_busy(now, None, &path, &request);
        };
        if request.method == Method::Invite {
            self.invites.insert(server, id);
            self.trying.push_back((now, server, id));
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.handle_request(now, server, request);
        }
        self.settle_session(now, id);
    }

    /// Whether a SUBSCRIBE is ours to answer, and not the application's as a plain request.
    fn answers_subscribe(&self) -> bool {
        !self.config.packages.is_empty() || !self.config.allow.contains(&Method::Subscribe)
    }

    /// Whether a request in a dialog is the session's business, and not the application's.
    fn is_for_session(&self, request: &Request) -> bool {
        match request.method {
            Method::Invite
            | Method::Bye
            | Method::Update
            | Method::Prack
            | Method::Info
            | Method::Options => true,
            Method::Refer => self.config.refer != ReferPolicy::Refuse,
            // RFC 3515 §2.4.4: the subscription that a REFER makes.
            Method::Subscribe => {
                let event = request.headers.event().ok().flatten();
                let transfers = self.config.refer != ReferPolicy::Refuse;
                transfers && event.is_some_and(|event| event.package.as_str() == "refer")
            }
            Method::Notify => match request.headers.event() {
                Ok(Some(event)) => event.package.as_str() == "refer",
                Ok(None) | Err(_) => true,
            },
            Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Publish
            | Method::Message
            | Method::Extension(_) => false,
        }
    }

    fn dispatch_invite(&mut self, now: Instant, received: Received) {
        let Received { server, path, source, request } = received;
        let Some(server) = server else {
            return self.refuse_busy(now, None, &path, &request);
        };
        if !self.has_room_for_session() {
            self.counters.overflows += 1;
            return self.refuse_busy(now, Some(server), &path, &request);
        }
        if let Some(min) = Session::interval_too_small(&self.config, &request) {
            let mut response = self.refusal(&request, Status::SESSION_INTERVAL_TOO_SMALL);
            response.headers.push(HeaderName::MinSe, min);
            return self.reply(now, Some(server), &path, &response);
        }
        let replaces = match self.replaced_by(&request) {
            Ok(replaces) => replaces,
            Err(status) => return self.reply_status(now, Some(server), &path, &request, status),
        };
        let id = SessionId(self.next_id());
        let login = Login::without_account(source.remote);
        let endpoint = self.endpoint(source.clone());
        let request = Arc::new(request);
        match Session::ring(now, id, endpoint, login, server, Arc::clone(&request), replaces) {
            Ok(session) => {
                self.invites.insert(server, id);
                self.trying.push_back((now, server, id));
                self.output.push_back(Output::Incoming { session: id, request, replaces, source });
                self.adopt(now, id, session);
            }
            Err(fault) => {
                let mut response = self.refusal(&request, Status::BAD_REQUEST);
                response.reason = fault.to_string();
                self.reply(now, Some(server), &path, &response);
            }
        }
    }

    /// The refusal owed to a `sips:` request that did not come over TLS (RFC 3261 §26.2.2). RFC 5630 has the status and the
    /// warning for who cannot be reached so: the sender may try `sip:`.
    fn inspect_scheme(&self, path: &Path, request: &Request) -> Option<Response> {
        let insecure = request.uri.is_secure() && !path.transport.is_secure();
        if !insecure || request.headers.to_tag().is_some() {
            return None;
        }
        let mut response = self.refusal(request, Status::TEMPORARILY_UNAVAILABLE);
        let us = self.config.sent_by(path.local).to_string();
        if let Some(warning) = Warning::new(SIPS_NOT_ALLOWED, &us, "SIPS Not Allowed") {
            response.headers.push(HeaderName::Warning, warning);
        }
        Some(response)
    }

    /// The refusal owed to a request that is well formed but asks for what we do not do (RFC 3261 §8.2.1–§8.2.3).
    fn inspect(&self, request: &Request) -> Option<Response> {
        if !self.config.allows(&request.method) {
            let status = match request.method {
                Method::Extension(_) => Status::NOT_IMPLEMENTED,
                _ => Status::METHOD_NOT_ALLOWED,
            };
            let mut response = self.refusal(request, status);
            response.headers.push(HeaderName::Allow, self.config.allow_value());
            return Some(response);
        }
        let unknown: Vec<_> = request
            .headers
            .list(&HeaderName::Require)
            .filter(|tag| !self.config.supports(tag))
            .collect();
        if !unknown.is_empty() {
            let mut response = self.refusal(request, Status::BAD_EXTENSION);
            response.headers.push(HeaderName::Unsupported, unknown.join(", "));
            return Some(response);
        }
        let headers = &request.headers;
        if self.config.replaces
            && request.method != Method::Invite
            && headers.contains(&HeaderName::Replaces)
        {
            // RFC 3891 §3.
            let mut response = self.refusal(request, Status::BAD_REQUEST);
            response.reason = "Replaces Outside an INVITE".to_owned();
            return Some(response);
        }
        let reliable = || headers.supports("100rel") || headers.requires("100rel");
        if self.config.requires_reliability()
            && request.method == Method::Invite
            && !reliable()
            && request.headers.to_tag().is_none()
        {
            let mut response = self.refusal(request, Status::EXTENSION_REQUIRED);
            response.headers.push(HeaderName::Require, "100rel");
            return Some(response);
        }
        let takes_offers =
            matches!(request.method, Method::Invite | Method::Update | Method::Prack);
        if takes_offers && !request.body.is_empty() {
            return self.inspect_body(request);
        }
        self.inspect_message(request)
    }

    /// RFC 3261 §8.2.3, RFC 5621.
    fn inspect_body(&self, request: &Request) -> Option<Response> {
        match request.is_understood(&self.config.accept) {
            Ok(true) => return None,
            Ok(false) => {}
            Err(fault) => {
                let mut response = self.refusal(request, Status::BAD_REQUEST);
                response.reason = fault.to_string();
                return Some(response);
            }
        }
        let mut response = self.refusal(request, Status::UNSUPPORTED_MEDIA_TYPE);
        response.headers.push(HeaderName::Accept, self.config.accept_value());
        response.headers.push(HeaderName::AcceptEncoding, "identity");
        Some(response)
    }
}

/// Notes in the top Via where a message came from, and tells where its response goes (RFC 3261 §18.2.2, RFC 3581):
/// back over its connection, and when that is gone over a new one to the port that the Via names.
///
/// The address is always the one the message came from: `maddr` would let a stranger aim our responses at a third
/// party.
fn note_source(headers: &mut Headers, source: Path) -> Path {
    let Some((text, via)) = headers.first(&HeaderName::Via).and_then(|text| {
        let via = RawVia::parse(text.as_bytes()).ok()?;
        Some((text, via))
    }) else {
        return source;
    };
    let remote = source.remote;
    let sent_by = SocketAddr::new(remote.ip(), via.port_or_default());
    let answers_to = if source.flow.is_some() {
        let named = || Host::parse(via.host).ok().map(|host| Domain::of(&host));
        Path { remote: sent_by, domain: source.domain.or_else(named), ..source }
    } else if source.transport.is_reliable() || via.asks_for_port() {
        source
    } else {
        Path { remote: sent_by, ..source }
    };
    if let Some(noted) = via.received_from(text, remote) {
        headers.replace_first(&HeaderName::Via, &noted);
    }
    answers_to
}
