//! Answering challenges without giving a hash of the password to whoever asks.
//!
//! A called party may ask for credentials as well as a server of ours, in a response that looks no different: whoever
//! knows the realm and asks in time cannot be told from the server. What is answered:
//!
//! - challenges of the account's realms. Without one nobody is answered, but for REGISTER and PUBLISH, which are for the
//!   server itself: nobody is called;
//! - each realm by the status that it asked by first, 401 or 407, from then on, but for the same two;
//! - inside a dialog that we made, realms that asked before it was made;
//! - in responses of the peer that the account is for: of requests that went there, and nobody in another domain, where a
//!   redirection has led.
//!
//! How often a request was answered is kept here, by its CSeq number, from one try to the next (RFC 3261 §22.3).

use std::net::SocketAddr;

use tipring_core::Rng;

use crate::digest::{Account, Answerer, Attempts, Challenge, Proven};
use crate::message::{CSeq, Method, Request, Response, Status};

/// An account, or none, and the one peer that it is for.
#[derive(Debug)]
pub(crate) struct Login {
    answerer: Option<Answerer>,
    peer: SocketAddr,
    /// Where the request went whose response is being handled.
    heard: SocketAddr,
    /// A redirection has led out of the account's domain.
    is_abroad: bool,
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
        Self { answerer, ..Self::without_account(peer) }
    }

    /// Nobody is answered.
    pub(crate) fn without_account(peer: SocketAddr) -> Self {
        let (is_abroad, repeated, again) = (false, Vec::new(), None);
        Self { answerer: None, peer, heard: peer, is_abroad, repeated, again }
    }

    /// The response that is handled next answers a request that went to `remote`: inside a dialog that need not be the
    /// peer.
    pub(crate) fn hear(&mut self, remote: SocketAddr) {
        self.heard = remote;
    }

    /// Whether a 401 or 407 is worth another try of its request, which is signed next.
    pub(crate) fn challenged(&mut self, response: &Response) -> bool {
        self.answers(response, |answerer, asked| {
            let before = answerer.asked_by(&asked.realm);
            answerer.names(&asked.realm) && before.is_none_or(|status| status == response.status)
        })
    }

    /// The same for a request inside a dialog that an earlier request of ours made.
    pub(crate) fn challenged_in_dialog(&mut self, response: &Response) -> bool {
        self.answers(response, |answerer, asked| {
            answerer.asked_by(&asked.realm) == Some(response.status)
        })
    }

    fn answers(
        &mut self,
        response: &Response,
        is_server: impl Fn(&Answerer, &Challenge) -> bool,
    ) -> bool {
        let mut attempts = self.take_attempts(response);
        let ours = self.is_for(self.heard);
        let Some(answerer) = self.answerer.as_mut().filter(|_| ours) else {
            return false;
        };
        let mut challenges = answerer.usable(response);
        if calls_somebody(response) {
            challenges.retain(|asked| is_server(answerer, asked));
        }
        match answerer.answer(&mut attempts, response.status, challenges) {
            Ok(()) => self.again = Some(attempts),
            Err(reason) => {
                let realms = Challenge::realms_in(response);
                tracing::warn!(?realms, status = %response.status, %reason, "not answered");
                return false;
            }
        }
        true
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
        let ours = self.is_for(hop);
        if let Some(answerer) = self.answerer.as_mut().filter(|_| ours) {
            answerer.apply(request);
        }
    }

    /// A final response came that is no challenge, and after which the request is sent again all the same: what it was
    /// answered before counts on.
    pub(crate) fn go_on(&mut self, response: &Response) {
        self.again = Some(self.take_attempts(response));
    }

    /// A final response that is no challenge came.
    pub(crate) fn accepted(&mut self, response: &Response) {
        self.take_attempts(response);
        let ours = self.is_for(self.heard);
        let Some(answerer) = self.answerer.as_mut().filter(|_| ours) else {
            return;
        };
        let proven = match calls_somebody(response) {
            true => answerer.accepted_for_another(response),
            false => answerer.accepted(response),
        };
        if proven == Proven::Wrong {
            let peer = self.peer;
            tracing::warn!(%peer, "whoever answers does not know the password, but claims to");
        }
    }

    /// The peer has another address now.
    pub(crate) fn set_peer(&mut self, peer: SocketAddr) {
        (self.peer, self.heard) = (peer, peer);
    }

    /// Whether a redirection has led out of the account's domain.
    pub(crate) fn set_abroad(&mut self, is_abroad: bool) {
        self.is_abroad = is_abroad;
    }

    /// Whether who is at `hop` may see credentials.
    pub(crate) fn is_for(&self, hop: SocketAddr) -> bool {
        hop == self.peer && !self.is_abroad
    }

    /// The realms that the account is for, else those that have asked and were answered.
    pub(crate) fn realms(&self) -> Vec<String> {
        self.answerer.as_ref().map(Answerer::realms).unwrap_or_default()
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

/// Whether the request that `response` answers goes on to somebody whom our server only knows the way to.
pub(crate) fn calls_somebody(response: &Response) -> bool {
    let method = response.headers.cseq().map(|cseq| cseq.method);
    !matches!(method, Ok(Method::Register | Method::Publish))
}

/// Requests whose answers are counted, more than one session or usage has on their way; the oldest is forgotten.
const MAX_REPEATED: usize = 64;
