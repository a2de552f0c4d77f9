//! Requests outside sessions: those the application answers, and those it sends.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use tipring_core::{Instant, Rng};

use super::endpoint;
use super::{OutgoingId, Output, Owner, RequestId, UserAgent, Waiter};
use crate::dialog::MAX_FORWARDS;
use crate::digest::Account;
use crate::message::{CSeq, HeaderName, Headers, Method, Request, Response, Status};
use crate::session::{Failure, Login, SessionId, is_challenge};
use crate::transaction::{Path, ServerId};

/// What [`UserAgent::stateless_tag`] goes on with: a block of key has gone in.
pub(super) fn keyed_hash(mut rng: Rng) -> Sha256 {
    (0..8).fold(Sha256::new(), |hash, _| hash.chain_update(rng.next_u64().to_le_bytes()))
}

/// Requests without a transaction that may wait for the application; the oldest gives way.
const MAX_STATELESS: usize = 1024;

/// A request to send outside any session: OPTIONS, MESSAGE, …
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Method, request URI, From and To, and what else belongs in it. Via, Max-Forwards, From's tag, Call-ID and CSeq
    /// are added where they are missing.
    pub request: Request,
    /// How, from which socket and where it is sent.
    pub path: Path,
    /// Where it is sent when nothing comes from there, one after the other (RFC 3263 §4.3).
    pub others: Vec<Path>,
    /// What answers challenges.
    pub credentials: Option<Account>,
}

/// A request that waits for the application's answer.
#[derive(Debug)]
pub(super) struct PendingRequest {
    /// `None` when there was no room for a transaction.
    server: Option<ServerId>,
    path: Path,
}

/// A request of the application that waits for its final response.
#[derive(Debug)]
pub(super) struct PendingOutgoing {
    request: Request,
    path: Path,
    others: Vec<Path>,
    login: Login,
    /// It fails after the time in which a server answers anything, instead of 64·T1.
    impatient: bool,
}

impl UserAgent {
    /// Gives a request to the application.
    pub(super) fn surface(
        &mut self,
        now: Instant,
        server: Option<ServerId>,
        path: Path,
        source: Path,
        session: Option<SessionId>,
        request: Request,
    ) {
        let id = RequestId(self.next_id());
        if let Some(server) = server {
            self.request_ids.insert(server, id);
        } else {
            self.timers.set(Waiter::Request(id), now + self.config.timers.timeout());
        }
        if server.is_none() && self.requests.len() >= self.config.max_transactions + MAX_STATELESS {
            let stateless = |pending: &PendingRequest| pending.server.is_none();
            let oldest = self.requests.iter().find(|(_, pending)| stateless(pending));
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.requests.remove(&oldest);
                self.timers.cancel(&Waiter::Request(oldest));
            }
        }
        self.requests.insert(id, PendingRequest { server, path });
        let request = Box::new(request);
        self.output.push_back(Output::Request { id, session, request, source });
    }

    /// Answers a request that was surfaced. A To without a tag gets one; a final response is the last.
    ///
    /// False when the request is gone: answered, or so old that its sender has given up.
    pub fn respond(&mut self, now: Instant, id: RequestId, mut response: Response) -> bool {
        let Some(pending) = self.requests.get(&id) else {
            return false;
        };
        let (server, path) = (pending.server, pending.path.clone());
        if response.status != Status::TRYING && response.headers.to_tag().is_none() {
            let tag = self.stateless_tag(&response.headers);
            response.headers.tag_to(&tag);
        }
        if !self.config.product.is_empty() && !response.headers.contains(&HeaderName::Server) {
            response.headers.push(HeaderName::Server, &self.config.product);
        }
        if response.status.is_final() {
            self.requests.remove(&id);
            if let Some(server) = server {
                self.request_ids.remove(&server);
            }
            self.timers.cancel(&Waiter::Request(id));
        }
        self.reply(now, server, &path, &response);
        self.pump(now);
        true
    }

    /// Answers a request that was surfaced and keeps no transaction for it (RFC 3261 §8.2.7): for refusals that cost
    /// a flood of strangers as little memory as can be. A repeated request is surfaced again.
    pub fn respond_statelessly(&mut self, now: Instant, id: RequestId, response: Response) -> bool {
        let server = self.requests.get(&id).and_then(|pending| pending.server);
        let known = self.respond(now, id, response);
        if let Some(server) = server {
            self.transactions.abandon_server(server);
        }
        self.pump(now);
        known
    }

    pub(super) fn reply(
        &mut self,
        now: Instant,
        server: Option<ServerId>,
        path: &Path,
        response: &Response,
    ) {
        match server {
            Some(server) => {
                self.transactions.respond(now, server, response);
            }
            None => self.output.push_back(Output::transmit(path.clone(), response.to_bytes())),
        }
    }

    /// Answers with a status alone.
    pub(super) fn reply_status(
        &mut self,
        now: Instant,
        server: Option<ServerId>,
        path: &Path,
        request: &Request,
        status: Status,
    ) {
        let response = self.refusal(request, status);
        self.reply(now, server, path, &response);
    }

    pub(super) fn refusal(&self, request: &Request, status: Status) -> Response {
        let tag = self.stateless_tag(&request.headers);
        endpoint::response(&self.config, request, status, &tag)
    }

    /// A tag that a repetition of the request gets again (RFC 3261 §8.2.7): SHA-256, cut short, over a
    /// key and what names the transaction, so that peers cannot foresee it. 32 bits are enough (§19.3): the answer to a
    /// stranger, whose address may be another's, is to be short.
    pub(super) fn stateless_tag(&self, headers: &Headers) -> String {
        let mut hash = self.tag_hash.clone();
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            hash.update(headers.first(&name).unwrap_or(""));
            hash.update([0]);
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(4).fold(String::with_capacity(8), |mut tag, octet| {
            let _ = write!(tag, "{octet:02x}");
            tag
        })
    }

    /// Sends a request outside any session. Its responses come as [`Output::Response`]. INVITE, ACK and CANCEL are
    /// the sessions' own and are refused with 405 here.
    pub fn request(&mut self, now: Instant, outgoing: Outgoing) -> OutgoingId {
        self.request_of(now, outgoing, false)
    }

    pub(super) fn request_of(
        &mut self,
        now: Instant,
        outgoing: Outgoing,
        impatient: bool,
    ) -> OutgoingId {
        let Outgoing { mut request, path, others, credentials } = outgoing;
        let mut endpoint = self.endpoint(path.clone());
        let id = OutgoingId(self.next_id());
        let number = endpoint.first_cseq();
        let (call_id, tag) = (endpoint.call_id(), endpoint.tag());
        let method = request.method.clone();
        let headers = &mut request.headers;
        if !headers.contains(&HeaderName::MaxForwards) {
            headers.push(HeaderName::MaxForwards, MAX_FORWARDS);
        }
        if let Ok(from) = headers.from()
            && from.tag().is_none()
        {
            headers.set(HeaderName::From, from.with_tag(&tag));
        }
        if !headers.contains(&HeaderName::CallId) {
            headers.push(HeaderName::CallId, call_id);
        }
        if !headers.contains(&HeaderName::CSeq) {
            headers.push(HeaderName::CSeq, CSeq { number, method });
        }
        endpoint.renew_via(&mut request, &path);
        endpoint.sign_request(&mut request);
        let login = Login::new(credentials, path.remote, self.rng.fork());
        if matches!(request.method, Method::Invite | Method::Ack | Method::Cancel) {
            let response = Box::new(Response::new(&request, Status::METHOD_NOT_ALLOWED, None));
            self.output.push_back(Output::Response { id, response });
            return id;
        }
        let (first, way) = (request.clone(), path.clone());
        let pending = PendingOutgoing { request: first, path: way, others, login, impatient };
        self.outgoing.insert(id, pending);
        self.send_outgoing(now, id, path, request);
        self.pump(now);
        id
    }

    fn send_outgoing(&mut self, now: Instant, id: OutgoingId, path: Path, request: Request) {
        let pending = self.outgoing.get(&id);
        let others = pending.map_or_else(Vec::new, |pending| pending.others.clone());
        let impatient = pending.is_some_and(|pending| pending.impatient);
        if !self.send_one_of(now, Owner::Outgoing(id), path, others, impatient, request) {
            self.outgoing_unanswered(id, Failure::Network);
        }
    }

    /// The request went to another server.
    pub(super) fn outgoing_moved(&mut self, id: OutgoingId, path: &Path, request: &Request) {
        if let Some(pending) = self.outgoing.get_mut(&id) {
            pending.others.retain(|other| other != path);
            pending.path = path.clone();
            pending.login.set_peer(path.remote);
            pending.request = request.clone();
        }
    }

    pub(super) fn outgoing_answered(&mut self, now: Instant, id: OutgoingId, response: Response) {
        let Some(mut pending) = self.outgoing.remove(&id) else {
            return;
        };
        let status = response.status;
        if is_challenge(status) && pending.login.challenged(&response) {
            let path = pending.path.clone();
            let mut endpoint = self.endpoint(path.clone());
            let request = &mut pending.request;
            if let Ok(CSeq { number, method }) = request.headers.cseq() {
                let number = number.wrapping_add(1) & (i32::MAX as u32);
                request.headers.set(HeaderName::CSeq, CSeq { number, method });
            }
            endpoint.renew_via(request, &path);
            pending.login.sign(request, path.remote);
            let request = request.clone();
            self.outgoing.insert(id, pending);
            return self.send_outgoing(now, id, path, request);
        }
        if status.is_provisional() {
            self.outgoing.insert(id, pending);
        }
        self.output.push_back(Output::Response { id, response: Box::new(response) });
    }

    pub(super) fn outgoing_unanswered(&mut self, id: OutgoingId, failure: Failure) {
        if let Some(pending) = self.outgoing.remove(&id) {
            let response = Response::new(&pending.request, failure.status(), None);
            self.output.push_back(Output::Response { id, response: Box::new(response) });
        }
    }
}
