//! Who sends a request.

use std::collections::BTreeMap;

use tipring_core::{Instant, Rng};
use tipring_sip::digest::{
    Algorithm, AuthenticationInfo, Credentials, Failure, Keys, Secret, Verifier,
};
use tipring_sip::message::{HeaderName, Host, Method, Request, Response, Status, Uri};

/// An account as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user part of its address and its name in credentials.
    pub name: String,
    /// Its password or the hash of it.
    pub secret: Secret,
}

/// As what a request is challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// 401 and Authorization.
    Server,
    /// 407 and Proxy-Authorization.
    Proxy,
}

/// What becomes of a request. The responses have no tag in To: who sends them gives them one that a repetition of the request
/// gets again (RFC 3261 §8.2.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes from this user.
    Ok(String),
    /// It carries no credentials, or wrong ones: send this 401 or 407.
    Challenge(Response),
    /// The credentials are right, but the request speaks in another's name: send this 403.
    Forbidden(Response),
}

/// Tells by digest whether a request comes from one of the users.
///
/// A name that does not exist is challenged and refused exactly as one that does, after the same
/// work.
#[derive(Debug)]
pub struct Authenticator {
    verifier: Verifier,
    /// What is offered, the preferred first.
    offered: Vec<Algorithm>,
    users: BTreeMap<String, Keys>,
    /// Users by the hash of their names (RFC 7616 §3.4.4), in every algorithm.
    hashed_names: BTreeMap<String, String>,
    /// Keys of nobody, one set for each kind of secret that the users have.
    decoys: Vec<Keys>,
    /// Makes the choice of a decoy unpredictable.
    salt: u64,
}

impl Authenticator {
    /// An authenticator of `realm`. Of two users of one name the later counts.
    ///
    /// A user is challenged with every algorithm of `offered` that the user's secret serves, in that
    /// order, and by the weakest one that it does serve when it serves none of them. RFC 8760 §2.4
    /// would offer several, but widespread peers give up at the sight of an algorithm that they do
    /// not know, wherever it stands: libre 1.0 does not register, SIPp 3.6 ends. A stronger one than
    /// the weakest offered is taken all the same from whoever uses it unasked; a weaker one is not.
    pub fn new(
        realm: &str,
        users: impl IntoIterator<Item = User>,
        offered: &[Algorithm],
        mut rng: Rng,
    ) -> Self {
        let verifier = Verifier::new(realm, &mut rng);
        let mut kinds = [false; 3];
        let mut known = BTreeMap::new();
        let mut hashed_names = BTreeMap::new();
        for user in users {
            kinds[kind(&user.secret)] = true;
            for algorithm in WEAKEST_FIRST {
                hashed_names.insert(algorithm.userhash(&user.name, realm), user.name.clone());
            }
            known.insert(user.name.clone(), user.secret.keys(&user.name, realm));
        }
        if known.is_empty() {
            kinds[0] = true;
        }
        let decoys = (0..kinds.len()).filter(|kind| kinds[*kind]);
        let decoys = decoys.map(|kind| decoy(kind, realm, &mut rng)).collect();
        let offered = offered.to_vec();
        Self { verifier, offered, users: known, hashed_names, decoys, salt: rng.next_u64() }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        self.verifier.realm()
    }

    /// Whether there is a user of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.users.contains_key(name)
    }

    /// The users' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Tells who sends `request`.
    ///
    /// The user of To (REGISTER) or From (all others) must be the one of the credentials; a From of
    /// `anonymous@anonymous.invalid` (RFC 3323 §4.1) is let through. Do not ask for ACK and CANCEL:
    /// they cannot be challenged (RFC 3261 §22.1) and belong to a request that has been let in.
    pub fn authenticate(&mut self, now: Instant, request: &Request, role: Role) -> Verdict {
        let all = self.credentials(request, role);
        let Some(first) = all.first() else {
            let name = claimed_user(request).unwrap_or_default();
            return Verdict::Challenge(self.challenge(now, request, role, &name, false));
        };
        let first = self.user_of(first);
        let mut stale = false;
        for credentials in &all {
            match self.verify(now, credentials, request) {
                Ok(name) if !signs_target(&credentials.uri, &request.uri) => {
                    return Verdict::Challenge(self.challenge(now, request, role, &name, false));
                }
                Ok(name) if speaks_for(request, &name) => return Verdict::Ok(name),
                Ok(_) => {
                    let forbidden = Response::new(request, Status::FORBIDDEN, None);
                    return Verdict::Forbidden(forbidden);
                }
                Err(failure) => stale |= failure == Failure::Stale,
            }
        }
        Verdict::Challenge(self.challenge(now, request, role, &first, stale))
    }

    /// What Authentication-Info says in a response without a body to a request of `user` that was let
    /// in.
    pub fn information(
        &mut self,
        now: Instant,
        request: &Request,
        role: Role,
    ) -> AuthenticationInfo {
        let mut all = self.credentials(request, role);
        all.retain(|credentials| self.users.contains_key(&self.user_of(credentials)));
        match all.as_slice() {
            [credentials] => {
                let keys = self.users.get(&self.user_of(credentials));
                keys.map(|keys| self.verifier.information(now, credentials, b"", keys))
                    .unwrap_or_default()
            }
            // Which of several were right is not worth finding out again.
            _ => AuthenticationInfo::default(),
        }
    }

    /// The user that right credentials name.
    fn verify(
        &mut self,
        now: Instant,
        credentials: &Credentials,
        request: &Request,
    ) -> Result<String, Failure> {
        let name = self.user_of(credentials);
        let (keys, exists) = match self.users.get(&name) {
            Some(keys) => (keys, true),
            None => (self.decoy(&name), false),
        };
        let weakest = self.offers(keys).into_iter().min();
        let strong = weakest.is_none_or(|weakest| credentials.algorithm().base() >= weakest);
        let keys = keys.clone();
        let method = request.method.as_str();
        let exists = exists && strong;
        self.verifier.verify(now, credentials, method, &request.body, &keys, exists).map(|()| name)
    }

    /// The name in credentials, told or hashed.
    fn user_of(&self, credentials: &Credentials) -> String {
        let name = &credentials.username;
        let hashed = self.hashed_names.get(name).filter(|_| credentials.userhash);
        hashed.unwrap_or(name).clone()
    }

    /// The credentials for our realm: of several, those of one nonce may be out of date.
    fn credentials(&self, request: &Request, role: Role) -> Vec<Credentials> {
        let name = match role {
            Role::Server => HeaderName::Authorization,
            Role::Proxy => HeaderName::ProxyAuthorization,
        };
        let fields = request.headers.all(&name).take(MAX_FIELDS);
        fields
            .filter_map(|text| Credentials::parse(text.as_bytes()).ok())
            .filter(|credentials| credentials.realm == self.verifier.realm())
            .take(MAX_TRIED)
            .collect()
    }

    /// What an account with `keys` is challenged with.
    fn offers(&self, keys: &Keys) -> Vec<Algorithm> {
        let served = |algorithm: &Algorithm| keys.serves(*algorithm);
        let mut offers: Vec<_> = self.offered.iter().copied().filter(served).collect();
        if offers.is_empty() {
            offers.extend(WEAKEST_FIRST.into_iter().find(served));
        }
        offers
    }

    fn challenge(
        &mut self,
        now: Instant,
        request: &Request,
        role: Role,
        name: &str,
        stale: bool,
    ) -> Response {
        let keys = self.users.get(name).unwrap_or_else(|| self.decoy(name));
        let offered = self.offers(keys);
        let (status, name) = match role {
            Role::Server => (Status::UNAUTHORIZED, HeaderName::WwwAuthenticate),
            Role::Proxy => (Status::PROXY_AUTHENTICATION_REQUIRED, HeaderName::ProxyAuthenticate),
        };
        let mut response = Response::new(request, status, None);
        for challenge in &self.verifier.challenges(now, &offered, stale) {
            response.headers.push(name.clone(), challenge);
        }
        response
    }

    /// Keys for a name that does not exist; always the same for the same name.
    fn decoy(&self, name: &str) -> &Keys {
        // FNV-1a; the salt keeps the choice from being predicted.
        let hash = name.bytes().fold(self.salt, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        let at = usize::try_from(hash >> 32).unwrap_or(0) % self.decoys.len();
        self.decoys.get(at).expect("there is a decoy, and the remainder is below their number")
    }
}

const WEAKEST_FIRST: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha512256];
/// More credentials than these in a request are not looked at.
const MAX_FIELDS: usize = 8;
/// Credentials for our realm that are tried.
const MAX_TRIED: usize = 2;

const fn kind(secret: &Secret) -> usize {
    match secret {
        Secret::Password(_) => 0,
        Secret::Ha1(_) => 1,
        Secret::Ha1Sha256(_) => 2,
    }
}

fn decoy(kind: usize, realm: &str, rng: &mut Rng) -> Keys {
    let random: String = (0..4).map(|_| format!("{:016x}", rng.next_u64())).collect();
    let secret = match kind {
        0 => Secret::Password(random),
        1 => Secret::Ha1(random.chars().take(32).collect()),
        _ => Secret::Ha1Sha256(random),
    };
    secret.keys("", realm)
}

/// The user that a request claims to come from.
fn claimed_user(request: &Request) -> Option<String> {
    let address = match request.method {
        Method::Register => request.headers.to(),
        _ => request.headers.from(),
    };
    Some(address.ok()?.uri.user()?.into_owned())
}

/// Whether a request is sent in the name of `user`.
fn speaks_for(request: &Request, user: &str) -> bool {
    if claimed_user(request).as_deref() == Some(user) {
        return true;
    }
    let from = request.headers.from().ok();
    let anonymous = from
        .as_ref()
        .and_then(|from| from.uri.host())
        .is_some_and(|host| matches!(host, Host::Name(name) if &**name == "anonymous.invalid"));
    anonymous && request.method != Method::Register
}

/// Whether the URI in credentials is the request's own. Ports and parameters may differ: phones
/// leave them out. Some sign the server as a whole, by whatever name they know it (SIPp): what they
/// sign still holds for one method and one nonce count only. Yamaha routers sign its bare address.
fn signs_target(signed: &str, target: &Uri) -> bool {
    let uri = signed.parse::<Uri>().or_else(|_| format!("sip:{signed}").parse::<Uri>());
    uri.is_ok_and(|signed| {
        signed.is_equivalent(target)
            || (signed.host().is_some() && signed.user().is_none())
            || (signed.user() == target.user()
                && signed.host().is_some()
                && signed.host() == target.host())
    })
}
