//! Answering challenges without giving a hash of the password to whoever asks.
//!
//! A called party may ask for credentials as well as a server of ours, in a response that looks no different, so that it
//! is never certain who asks. What is answered:
//!
//! - challenges of the account's realm. An account that names none is in the realm that asks first;
//! - the status that asked first, 401 or 407, from then on;
//! - inside a dialog, the caller's requests alone, as far as they go to the hop of the INVITE; before anybody has asked
//!   only 407, which comes from a proxy;
//! - nobody in another domain, where a redirection has led.
//!
//! REGISTER and PUBLISH are for the server itself: nobody is called, and each challenge may be of another realm.
//!
//! How often a request was answered is kept here, by its CSeq number, from one try to the next (RFC 3261 §22.3).

use std::net::SocketAddr;

use tipring_core::Rng;

use crate::digest::{Account, Answerer, Attempts};
use crate::message::{CSeq, Method, Request, Response, Status};

/// An account, or none, and the one peer that it is for.
#[derive(Debug)]
pub(crate) struct Login {
    answerer: Option<Answerer>,
    peer: SocketAddr,
    /// A redirection has led out of the account's domain.
    is_abroad: bool,
    /// The status that was answered first.
    asked: Option<Status>,
    /// Requests that were sent again.
    repeated: Vec<Repeated>,
    /// Those of the challenge that was taken last, until its request is signed anew.
    again: Option<Attempts>,
}

/// A request that went out with an answer and has no final response.
#[derive(Debug)]
struct Repeated {
    cseq: CSeq,
    attempts: Attempts,
}

impl Login {
    pub(crate) fn new(account: Option<Account>, peer: SocketAddr, rng: Rng) -> Self {
        let answerer = account.map(|account| Answerer::new(account, rng));
        Self { answerer, peer, is_abroad: false, asked: None, repeated: Vec::new(), again: None }
    }

    /// Whether a 401 or 407 to a request outside a dialog is worth another try, which is signed next.
    pub(crate) fn challenged(&mut self, response: &Response) -> bool {
        let mut attempts = self.take_attempts(response);
        let Some(answerer) = self.answerer.as_mut().filter(|_| !self.is_abroad) else {
            return false;
        };
        let called = response.headers.cseq().is_ok_and(|cseq| calls_somebody(&cseq.method));
        if called && self.asked.is_some_and(|asked| asked != response.status) {
            return false;
        }
        if answerer.challenged(&mut attempts, response).is_err() {
            return false;
        }
        if called {
            answerer.keep_realm();
            self.asked = Some(response.status);
        }
        self.again = Some(attempts);
        true
    }

    /// Whether a 401 or 407 to a request inside a dialog, sent to `hop`, is worth another try.
    pub(crate) fn challenged_in_dialog(&mut self, response: &Response, hop: SocketAddr) -> bool {
        let asks = self.asked.unwrap_or(Status::PROXY_AUTHENTICATION_REQUIRED);
        let known = self.realm().is_some() && asks == response.status;
        hop == self.peer && known && self.challenged(response)
    }

    /// Adds credentials for what was challenged before, if the request goes to the peer.
    pub(crate) fn sign(&mut self, request: &mut Request, hop: SocketAddr) {
        if let Some(attempts) = self.again.take()
            && let Ok(cseq) = request.headers.cseq()
        {
            if self.repeated.len() >= MAX_REPEATED {
                self.repeated.remove(0);
            }
            self.repeated.push(Repeated { cseq, attempts });
        }
        let ours = hop == self.peer && !self.is_abroad;
        if let Some(answerer) = self.answerer.as_mut().filter(|_| ours) {
            answerer.apply(request);
        }
    }

    /// A final response that is no challenge came.
    pub(crate) fn accepted(&mut self, response: &Response) {
        self.take_attempts(response);
        if let Some(answerer) = &mut self.answerer {
            answerer.accepted(response);
        }
    }

    /// The peer has another address now.
    pub(crate) fn set_peer(&mut self, peer: SocketAddr) {
        self.peer = peer;
    }

    /// Whether a redirection has led out of the account's domain.
    pub(crate) fn set_abroad(&mut self, is_abroad: bool) {
        self.is_abroad = is_abroad;
    }

    /// The realm that has asked and was answered, or that the account is for; `None` when there are several.
    pub(crate) fn realm(&self) -> Option<&str> {
        self.answerer.as_ref().and_then(Answerer::realm)
    }

    fn take_attempts(&mut self, response: &Response) -> Attempts {
        let cseq = response.headers.cseq().ok();
        let at = self.repeated.iter().position(|known| Some(&known.cseq) == cseq.as_ref());
        at.map_or_else(Attempts::default, |at| self.repeated.remove(at).attempts)
    }
}

/// Whether `status` asks for credentials.
pub(crate) fn is_challenge(status: Status) -> bool {
    matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
}

/// Whether a request of this method goes on to somebody whom our server only knows the way to.
fn calls_somebody(method: &Method) -> bool {
    !matches!(method, Method::Register | Method::Publish)
}

/// Requests whose answers are counted, more than one session or usage has on their way; the oldest is forgotten.
const MAX_REPEATED: usize = 64;
