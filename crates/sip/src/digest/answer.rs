//! The client's end.

use std::fmt;

use tipring_core::Rng;

use super::algorithm::Exchange;
use super::{Algorithm, Challenge, Credentials, Secret};
use crate::message::{HeaderName, Request, Response, Status};

/// An account at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user name in the credentials.
    pub username: String,
    /// The password or its hash.
    pub secret: Secret,
    /// The only realm whose challenges are answered; `None` answers the peer's realm, whatever it
    /// is.
    pub realm: Option<String>,
}

/// Why a challenge is not answered. The request has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No challenge of our realm, algorithm and scheme.
    NoUsableChallenge,
    /// The server has seen our credentials and does not take them.
    WrongCredentials,
    /// The server asks for ever newer credentials (CVE-2020-28242).
    TooManyAttempts,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUsableChallenge => "no challenge that we can answer",
            Self::WrongCredentials => "credentials are refused",
            Self::TooManyAttempts => "server asks again and again",
        })
    }
}

impl std::error::Error for Refusal {}

/// Answers the challenges of one peer on behalf of one account.
///
/// Ask [`Answerer::apply`] to fill in each request. On 401 or 407 ask [`Answerer::challenged`]:
/// `Ok` means send the request again with a new CSeq and branch; then `apply` finds what it needs.
/// Use it only for requests to the peer that the account is for, never for a challenge from a
/// called party.
#[derive(Clone, Debug)]
pub struct Answerer {
    account: Account,
    rng: Rng,
    held: Vec<Held>,
    /// Challenges since the last request that went through.
    attempts: u8,
}

/// A challenge that is being answered.
#[derive(Clone, Debug)]
struct Held {
    proxy: bool,
    challenge: Challenge,
    /// Requests signed with its nonce.
    nonce_count: u32,
}

/// One for the challenge, one for a nonce that turned stale.
const MAX_ATTEMPTS: u8 = 2;
/// Realms on a path; a server beyond that is not answered.
const MAX_REALMS: usize = 4;

impl Answerer {
    /// An answerer that has seen no challenge.
    pub const fn new(account: Account, rng: Rng) -> Self {
        Self { account, rng, held: Vec::new(), attempts: 0 }
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Takes the challenges of a 401 or 407.
    ///
    /// Of several for one realm the strongest that the secret serves is taken (RFC 8760 §2.4).
    pub fn challenged(&mut self, response: &Response) -> Result<(), Refusal> {
        let proxy = response.status == Status::PROXY_AUTHENTICATION_REQUIRED;
        let name = if proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        let mut best: Vec<Challenge> = Vec::new();
        for challenge in Challenge::in_headers(&response.headers, &name) {
            if !self.serves(&challenge) {
                continue;
            }
            match best.iter_mut().find(|known| known.realm == challenge.realm) {
                Some(known) if known.algorithm < challenge.algorithm => *known = challenge,
                Some(_) => {}
                None => best.push(challenge),
            }
        }
        if best.is_empty() {
            return Err(Refusal::NoUsableChallenge);
        }
        let refused = best.iter().all(|challenge| {
            !challenge.stale
                && self.attempts > 0
                && self.held.iter().any(|held| held.answers(proxy, challenge))
        });
        if refused {
            return Err(Refusal::WrongCredentials);
        }
        if self.attempts >= MAX_ATTEMPTS {
            return Err(Refusal::TooManyAttempts);
        }
        self.attempts += 1;
        for challenge in best {
            self.held.retain(|held| !held.answers(proxy, &challenge));
            if self.held.len() < MAX_REALMS {
                self.held.push(Held { proxy, challenge, nonce_count: 0 });
            }
        }
        Ok(())
    }

    /// A request has had a final response that is no challenge: the next one may be challenged
    /// anew.
    pub const fn accepted(&mut self) {
        self.attempts = 0;
    }

    /// Puts credentials for every challenge seen so far into `request`, in place of those it has.
    pub fn apply(&mut self, request: &mut Request) {
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        let uri = request.uri.to_string();
        for held in &mut self.held {
            let cnonce = format!("{:016x}", self.rng.next_u64());
            let Some(credentials) = held.sign(&self.account, request.method.as_str(), &uri, cnonce)
            else {
                continue;
            };
            let name =
                if held.proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
            request.headers.push(name, credentials);
        }
    }

    fn serves(&self, challenge: &Challenge) -> bool {
        self.account.secret.serves(challenge.algorithm)
            && self.account.realm.as_ref().is_none_or(|realm| *realm == challenge.realm)
    }
}

impl Held {
    /// Whether this answers the same server as `challenge` comes from.
    fn answers(&self, proxy: bool, challenge: &Challenge) -> bool {
        self.proxy == proxy && self.challenge.realm == challenge.realm
    }

    fn sign(
        &mut self,
        account: &Account,
        method: &str,
        uri: &str,
        cnonce: String,
    ) -> Option<Credentials> {
        self.nonce_count = self.nonce_count.saturating_add(1);
        let nc = format!("{:08x}", self.nonce_count);
        self.challenge.answer(account, method, uri, &nc, cnonce)
    }
}

impl Challenge {
    /// The credentials of `account` for a request; `None` when its secret does not serve the
    /// algorithm.
    ///
    /// `nc` is the nonce count in eight hexadecimal digits.
    pub fn answer(
        &self,
        account: &Account,
        method: &str,
        uri: &str,
        nc: &str,
        cnonce: String,
    ) -> Option<Credentials> {
        let keys = account.secret.keys(&account.username, &self.realm);
        let exchange = Exchange {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            auth: self.qop_auth.then_some((nc, cnonce.as_str())),
            cnonce: &cnonce,
            method,
            uri,
        };
        let response = exchange.response(keys.key(self.algorithm)?);
        let has_cnonce = self.qop_auth || self.algorithm.is_session();
        Some(Credentials {
            username: account.username.clone(),
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri: uri.to_owned(),
            response,
            algorithm: Some(self.algorithm)
                .filter(|known| *known != Algorithm::Md5 || self.qop_auth),
            opaque: self.opaque.clone(),
            nc: self.qop_auth.then(|| nc.to_owned()),
            cnonce: has_cnonce.then_some(cnonce),
        })
    }
}
