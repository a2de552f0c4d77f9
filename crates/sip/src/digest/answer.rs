//! The client's end.

use std::collections::VecDeque;
use std::fmt;

use tipring_core::Rng;

use super::algorithm::same;
use super::{
    Algorithm, AuthenticationInfo, Challenge, Credentials, Protection, Qop, Secret, ServerProof,
};
use crate::message::{HeaderName, Request, Response, Status};

/// An account at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user name in the credentials.
    pub username: String,
    /// The password or its hash.
    pub secret: Secret,
    /// The realms whose challenges are answered; with none, whatever realm the peer asks for. The
    /// user agent answers challenges to REGISTER and PUBLISH alone then: with others, somebody may
    /// be called who asks in the peer's place.
    pub realms: Vec<String>,
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

/// What a final response says of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// Nothing, or it speaks of a request that nobody remembers.
    Not,
    /// It knows the secret too.
    Right,
    /// It claims to, but does not. Its `nextnonce` is not used.
    Wrong,
}

/// What is signed of a request.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The Request-URI.
    pub uri: &'a str,
    /// The body, which only `auth-int` covers.
    pub body: &'a [u8],
}

/// Answers the challenges of one peer on behalf of one account.
///
/// Ask [`Answerer::apply`] to fill in each request. On 401 or 407 ask [`Answerer::challenged`]:
/// `Ok` means send the request again with a new CSeq and branch; then `apply` finds what it needs.
/// Tell every other final response to [`Answerer::accepted`]. Use it only for requests to the peer
/// that the account is for, never for a challenge from a called party.
#[derive(Debug)]
pub struct Answerer {
    account: Account,
    rng: Rng,
    /// One for each realm that has asked, by either status.
    held: Vec<Held>,
}

/// What was answered for one request: its own from the first try to the last.
///
/// A realm is answered twice at most: once, and once more when it finds the nonce too old
/// (RFC 7616 §3.3) or asks by the other status too, as a proxy and a server of one realm do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    answered: Vec<Asker>,
}

/// Who asks: a realm, as a proxy (407) or as a server (401).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asker {
    realm: String,
    proxy: bool,
}

/// A challenge that is being answered.
#[derive(Clone, Debug)]
struct Held {
    proxy: bool,
    challenge: Challenge,
    /// Requests signed with its nonce.
    nonce_count: u32,
    /// The credentials sent, those of the last request last.
    sent: VecDeque<Credentials>,
}

/// Realms that one account is asked for, and that one request is answered in.
const MAX_REALMS: usize = 8;

/// Credentials that are remembered of one realm for its proofs: one INVITE waits while PRACKs, INFOs and UPDATEs go by.
const MAX_SENT: usize = 8;

/// Answers that one realm gets to one request.
const MAX_ANSWERS: usize = 2;

impl Attempts {
    /// Counts an answer for `asker`, if there may be one.
    fn count(&mut self, asker: &Asker, stale: bool) -> Result<(), Refusal> {
        let same_realm = self.answered.iter().filter(|known| known.realm == asker.realm).count();
        if self.answered.contains(asker) && !stale {
            return Err(Refusal::WrongCredentials);
        }
        if same_realm >= MAX_ANSWERS || self.answered.len() >= MAX_REALMS * MAX_ANSWERS {
            return Err(Refusal::TooManyAttempts);
        }
        self.answered.push(asker.clone());
        Ok(())
    }
}

impl Answerer {
    /// An answerer that has seen no challenge.
    pub const fn new(account: Account, rng: Rng) -> Self {
        Self { account, rng, held: Vec::new() }
    }

    /// The account.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// The realms of the account: those it names, else those that were answered.
    pub fn realms(&self) -> Vec<String> {
        if !self.account.realms.is_empty() {
            return self.account.realms.clone();
        }
        let mut realms: Vec<String> = Vec::new();
        for Held { challenge, .. } in &self.held {
            if !realms.contains(&challenge.realm) {
                realms.push(challenge.realm.clone());
            }
        }
        realms
    }

    /// Whether the account names `realm`.
    pub(crate) fn names(&self, realm: &str) -> bool {
        self.account.realms.iter().any(|known| known == realm)
    }

    /// The status that `realm` asked by, where it has and was answered.
    pub(crate) fn asked_by(&self, realm: &str) -> Option<Status> {
        let held = self.held.iter().find(|held| held.challenge.realm == realm)?;
        let proxy = Status::PROXY_AUTHENTICATION_REQUIRED;
        Some(if held.proxy { proxy } else { Status::UNAUTHORIZED })
    }

    /// Takes the challenges of a 401 or 407 to the request of these `attempts`.
    ///
    /// Each realm that the account serves is answered (RFC 3261 §22.3). Of several challenges of a
    /// realm the strongest that the secret serves is taken (RFC 8760 §2.4 leaves the choice to a
    /// policy such as this).
    pub fn challenged(
        &mut self,
        attempts: &mut Attempts,
        response: &Response,
    ) -> Result<(), Refusal> {
        let challenges = self.usable(response);
        self.answer(attempts, response.status, challenges)
    }

    /// The challenges of a 401 or 407 that could be answered, one for each realm.
    pub(crate) fn usable(&self, response: &Response) -> Vec<Challenge> {
        let mut best: Vec<Challenge> = Vec::new();
        for challenge in Challenge::in_response(response) {
            if !self.serves(&challenge) {
                continue;
            }
            match best.iter().position(|known| known.realm == challenge.realm) {
                Some(at) if best[at].algorithm >= challenge.algorithm => {}
                Some(at) => best[at] = challenge,
                None if best.len() < MAX_REALMS => best.push(challenge),
                None => {}
            }
        }
        best
    }

    /// Takes `challenges` of a response with `status`. One that may be answered is reason enough to try again.
    pub(crate) fn answer(
        &mut self,
        attempts: &mut Attempts,
        status: Status,
        challenges: Vec<Challenge>,
    ) -> Result<(), Refusal> {
        let proxy = status == Status::PROXY_AUTHENTICATION_REQUIRED;
        let mut outcome = Err(Refusal::NoUsableChallenge);
        for challenge in challenges {
            let asker = Asker { realm: challenge.realm.clone(), proxy };
            let counted = attempts.count(&asker, challenge.stale);
            if counted.is_err() {
                outcome = outcome.or(counted);
                continue;
            }
            outcome = Ok(());
            let same = |held: &Held| held.proxy == proxy && held.challenge.realm == asker.realm;
            self.held.retain(|held| !same(held));
            if self.held.len() >= MAX_REALMS {
                self.held.remove(0);
            }
            self.held.push(Held { proxy, challenge, nonce_count: 0, sent: VecDeque::new() });
        }
        outcome
    }

    /// A request has had a final `response` that is no challenge: the next one has the nonce that
    /// the server wants to see next.
    pub fn accepted(&mut self, response: &Response) -> Proven {
        self.hear(response, false)
    }

    /// The same for a request that the server has passed on: the response may be the called party's,
    /// so that only a nonce from one who knows the secret counts.
    pub(crate) fn accepted_for_another(&mut self, response: &Response) -> Proven {
        self.hear(response, true)
    }

    fn hear(&mut self, response: &Response, needs_proof: bool) -> Proven {
        let mut proven = Proven::Not;
        for (proxy, name) in [(false, "Authentication-Info"), (true, "Proxy-Authentication-Info")] {
            let Some(name) = HeaderName::parse(name) else {
                continue;
            };
            // One of each server on the way.
            for field in response.headers.all(&name).take(MAX_REALMS) {
                let Ok(info) = AuthenticationInfo::parse(field.as_bytes()) else {
                    continue;
                };
                if needs_proof && info.proof.is_none() {
                    continue;
                }
                let heard = self.informed(proxy, info, &response.body);
                if proven != Proven::Wrong && heard != Proven::Not {
                    proven = heard;
                }
            }
        }
        proven
    }

    fn informed(&mut self, proxy: bool, info: AuthenticationInfo, body: &[u8]) -> Proven {
        let account = &self.account;
        let mut held = self.held.iter_mut().filter(|held| held.proxy == proxy);
        // The field names no realm; the client's number tells whose it is.
        let (held, proven) = match &info.proof {
            Some(proof) => {
                let asked = held.find_map(|held| held.proves(account, proof, body).zip(Some(held)));
                let Some((right, held)) = asked else {
                    return Proven::Not;
                };
                (Some(held), if right { Proven::Right } else { Proven::Wrong })
            }
            None => {
                let only = held.next();
                (only.filter(|_| held.next().is_none()), Proven::Not)
            }
        };
        if let (Some(held), Some(nonce)) = (held, info.nextnonce)
            && proven != Proven::Wrong
        {
            held.challenge.nonce = nonce;
            held.nonce_count = 0;
            held.sent.clear();
        }
        proven
    }

    /// Puts credentials for every challenge seen so far into `request`, in place of those it has.
    /// The body must be in it already.
    pub fn apply(&mut self, request: &mut Request) {
        request.headers.remove(&HeaderName::Authorization);
        request.headers.remove(&HeaderName::ProxyAuthorization);
        let uri = request.uri.to_string();
        for held in &mut self.held {
            let signed = Signed { method: request.method.as_str(), uri: &uri, body: &request.body };
            let cnonce = format!("{:016x}", self.rng.next_u64());
            let name =
                if held.proxy { HeaderName::ProxyAuthorization } else { HeaderName::Authorization };
            if let Some(credentials) = held.sign(&self.account, signed, cnonce) {
                request.headers.push(name, credentials);
            }
        }
    }

    fn serves(&self, challenge: &Challenge) -> bool {
        self.account.secret.serves(challenge.algorithm)
            && (self.account.realms.is_empty() || self.names(&challenge.realm))
    }
}

impl Held {
    fn sign(
        &mut self,
        account: &Account,
        signed: Signed<'_>,
        cnonce: String,
    ) -> Option<&Credentials> {
        self.nonce_count = self.nonce_count.saturating_add(1);
        // RFC 7616 §3.4.2: the session's key is made of the first number, so that one is kept.
        let first = self.sent.back().and_then(|last| last.cnonce.clone());
        let cnonce = first.filter(|_| self.challenge.algorithm.is_session()).unwrap_or(cnonce);
        let credentials = self.challenge.answer(account, signed, self.nonce_count, cnonce)?;
        if self.sent.len() >= MAX_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(credentials);
        self.sent.back()
    }

    /// Whether `proof` is right; `None` where the request that it speaks of is not remembered.
    fn proves(&self, account: &Account, proof: &ServerProof, body: &[u8]) -> Option<bool> {
        let of = |sent: &&Credentials| {
            let count = sent.protection.as_ref().map(Protection::count);
            sent.cnonce.as_ref() == Some(&proof.cnonce) && count == Some(proof.protection.count())
        };
        let sent = self.sent.iter().find(of)?;
        let keys = account.secret.keys(&account.username, &sent.realm);
        let key = keys.key(sent.algorithm())?;
        // The server may have used another protection for its response (RFC 7616 §3.5).
        let exchange = sent.exchange("", body).with_protection(&proof.protection);
        Some(same(&exchange.response(key), &proof.rspauth.to_ascii_lowercase()))
    }
}

impl Challenge {
    /// The credentials of `account` for a request, the `count`th with this nonce, counted from 1;
    /// `None` when its secret does not serve the algorithm.
    pub fn answer(
        &self,
        account: &Account,
        signed: Signed<'_>,
        count: u32,
        cnonce: String,
    ) -> Option<Credentials> {
        let Account { username, secret, .. } = account;
        let algorithm = self.algorithm;
        let keys = secret.keys(username, &self.realm);
        let key = keys.key(algorithm)?;
        let qop: Option<Qop> = self.qop();
        let mut credentials = Credentials {
            username: if self.userhash {
                algorithm.userhash(username, &self.realm)
            } else {
                username.clone()
            },
            userhash: self.userhash,
            realm: self.realm.clone(),
            nonce: self.nonce.clone(),
            uri: signed.uri.to_owned(),
            response: String::new(),
            algorithm: Some(algorithm).filter(|known| *known != Algorithm::Md5 || qop.is_some()),
            opaque: self.opaque.clone(),
            cnonce: (qop.is_some() || algorithm.is_session()).then_some(cnonce),
            protection: qop.map(|qop| Protection::new(qop, count)),
        };
        credentials.response = credentials.exchange(signed.method, signed.body).response(key);
        Some(credentials)
    }
}
