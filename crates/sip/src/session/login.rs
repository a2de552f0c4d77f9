//! Answering challenges without giving a hash of the password to whoever asks.
//!
//! Challenges to requests outside dialogs are answered for the account's realm. Inside a dialog only the caller
//! answers, only to the hop its INVITE went to, and only a realm that asked before or that the account names: the
//! called party may otherwise challenge a BYE and collect hashes.

use std::net::SocketAddr;

use tipring_core::Rng;

use crate::digest::{Account, Answerer, Challenge};
use crate::message::{HeaderName, Request, Response, Status};

/// An account, or none, and the one peer that it is for.
#[derive(Debug)]
pub(crate) struct Login {
    answerer: Option<Answerer>,
    peer: SocketAddr,
    realms: Vec<String>,
}

impl Login {
    pub(crate) fn new(account: Option<Account>, peer: SocketAddr, rng: Rng) -> Self {
        let realms = account.iter().filter_map(|account| account.realm.clone()).collect();
        let answerer = account.map(|account| Answerer::new(account, rng));
        Self { answerer, peer, realms }
    }

    /// Whether a 401 or 407 to a request outside a dialog is worth another try.
    pub(crate) fn challenged(&mut self, response: &Response) -> bool {
        let Some(answerer) = &mut self.answerer else {
            return false;
        };
        let answered = answerer.challenged(response).is_ok();
        if answered {
            self.realms.extend(realms(response));
            self.realms.truncate(MAX_REALMS);
        }
        answered
    }

    /// Whether a 401 or 407 to a request inside a dialog, sent to `hop`, is worth another try.
    pub(crate) fn challenged_in_dialog(&mut self, response: &Response, hop: SocketAddr) -> bool {
        let known = realms(response).iter().all(|realm| self.realms.contains(realm));
        hop == self.peer && known && self.challenged(response)
    }

    /// Adds credentials for what was challenged before, if the request goes to the peer.
    pub(crate) fn sign(&mut self, request: &mut Request, hop: SocketAddr) {
        if let Some(answerer) = self.answerer.as_mut().filter(|_| hop == self.peer) {
            answerer.apply(request);
        }
    }

    /// The realm that has asked and was answered, or that the account is for; `None` when there are several.
    pub(crate) fn only_realm(&self) -> Option<&str> {
        let first = self.realms.first()?;
        self.realms.iter().all(|realm| realm == first).then_some(first.as_str())
    }

    /// A final response that is no challenge came.
    pub(crate) fn accepted(&mut self, response: &Response) {
        if let Some(answerer) = &mut self.answerer {
            answerer.accepted(response);
        }
    }

    /// The peer has another address now.
    pub(crate) fn set_peer(&mut self, peer: SocketAddr) {
        self.peer = peer;
    }
}

/// Whether `status` asks for credentials.
pub(crate) fn is_challenge(status: Status) -> bool {
    matches!(status, Status::UNAUTHORIZED | Status::PROXY_AUTHENTICATION_REQUIRED)
}

fn realms(response: &Response) -> Vec<String> {
    [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
        .iter()
        .flat_map(|name| Challenge::in_headers(&response.headers, name))
        .map(|challenge| challenge.realm)
        .collect()
}

const MAX_REALMS: usize = 8;
