//! The server's end.

use std::collections::BTreeMap;

use tipring_core::{Duration, Instant, Rng};

use super::algorithm::same;
use super::nonce::minted_at;
use super::{
    Algorithm, AuthenticationInfo, Challenge, Credentials, Keys, NonceMint, NonceState, ServerProof,
};

/// Why credentials are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Wrong user, password, realm or algorithm; which one is not told.
    Wrong,
    /// Right, but the nonce is too old or has been used: ask again with `stale=true`.
    Stale,
}

/// Makes challenges and checks what comes back.
///
/// Each nonce count of a nonce is taken once, in any order within a window of 64. Only nonces that
/// a right answer used are remembered, so a stranger cannot fill the table; when it is full the
/// oldest nonce is forgotten and all nonces up to its age count as stale.
#[derive(Clone, Debug)]
pub struct Verifier {
    realm: String,
    mint: NonceMint,
    /// By nonce number.
    used: BTreeMap<u64, Used>,
    /// Nonces up to this number are stale when they are not in the table.
    floor: u64,
}

/// The nonce counts seen of a nonce.
#[derive(Clone, Copy, Debug)]
struct Used {
    highest: u32,
    /// Bit `n`: `highest - n` was seen.
    seen: u64,
}

/// Nonces remembered.
const MAX_USED: usize = 4096;
/// How long a nonce can be used.
const NONCE_LIFETIME: Duration = Duration::from_secs(300);

impl Verifier {
    /// A verifier of `realm` with a key of its own.
    pub fn new(realm: &str, rng: &mut Rng) -> Self {
        let mint = NonceMint::new(rng, NONCE_LIFETIME);
        Self { realm: realm.to_owned(), mint, used: BTreeMap::new(), floor: 0 }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// New challenges, one for each algorithm, all with one nonce. They offer `auth`; `auth-int` is
    /// taken too from whoever uses it.
    pub fn challenges(
        &mut self,
        now: Instant,
        algorithms: &[Algorithm],
        stale: bool,
    ) -> Vec<Challenge> {
        let nonce = self.mint.mint(now);
        let challenge = |algorithm: &Algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: nonce.clone(),
            opaque: None,
            algorithm: *algorithm,
            qop_auth: true,
            qop_auth_int: false,
            stale,
            userhash: false,
        };
        algorithms.iter().map(challenge).collect()
    }

    /// Checks the credentials of a request with `method` and `body` against the keys of the user
    /// that they name.
    ///
    /// For a user that does not exist pass any `keys` and `exists` false: the work is the same, the
    /// answer is no.
    pub fn verify(
        &mut self,
        now: Instant,
        credentials: &Credentials,
        method: &str,
        body: &[u8],
        keys: &Keys,
        exists: bool,
    ) -> Result<(), Failure> {
        let algorithm = credentials.algorithm();
        // An algorithm without a key is worked out all the same, for equal time.
        let expected = credentials.exchange(method, body).response(keys.key_or_decoy(algorithm));
        let right = same(&expected, &credentials.response.to_ascii_lowercase());
        let state = self.mint.check(now, &credentials.nonce);
        let known = exists & keys.serves(algorithm) & (credentials.realm == self.realm);
        // A client's number must be there where it is signed (RFC 7616 §3.4).
        let needs_cnonce = credentials.protection.is_some() || algorithm.is_session();
        if !(right & known) || (needs_cnonce && credentials.cnonce.is_none()) {
            return Err(Failure::Wrong);
        }
        let NonceState::Fresh(number) = state else {
            return Err(Failure::Stale);
        };
        // Without protection there is no count: such a nonce serves one request.
        let count = credentials.protection.as_ref().map_or(1, |protection| protection.count());
        self.forget_stale(now);
        if self.note(number, count) { Ok(()) } else { Err(Failure::Stale) }
    }

    /// What Authentication-Info says to a client whose credentials were taken, in a response with
    /// `body`: that we know its secret too, and a new nonce when more than half of the old one's
    /// life is over. Clients of RFC 2069 do not know the field and are told nothing.
    pub fn information(
        &mut self,
        now: Instant,
        credentials: &Credentials,
        body: &[u8],
        keys: &Keys,
    ) -> AuthenticationInfo {
        let (Some(protection), Some(cnonce), Some(key)) =
            (&credentials.protection, &credentials.cnonce, keys.key(credentials.algorithm()))
        else {
            return AuthenticationInfo::default();
        };
        let proof = ServerProof {
            rspauth: credentials.exchange("", body).response(key),
            cnonce: cnonce.clone(),
            protection: protection.clone(),
        };
        let half = self.mint.lifetime() / 2;
        let fresh = matches!(self.mint.check(now, &credentials.nonce), NonceState::Fresh(number)
            if now.since(minted_at(number)) <= half);
        let nextnonce = (!fresh).then(|| self.mint.mint(now));
        AuthenticationInfo { nextnonce, proof: Some(proof) }
    }

    /// Nonces remembered now.
    pub fn remembered(&self) -> usize {
        self.used.len()
    }

    /// Forgets nonces that are too old to be taken again.
    fn forget_stale(&mut self, now: Instant) {
        while let Some(oldest) = self.used.first_entry()
            && now.since(minted_at(*oldest.key())) > NONCE_LIFETIME
        {
            oldest.remove();
        }
    }

    /// Notes a nonce count; false when it was seen or is too far back.
    fn note(&mut self, number: u64, count: u32) -> bool {
        if let Some(used) = self.used.get_mut(&number) {
            return used.note(count);
        }
        if number <= self.floor || count == 0 {
            return false;
        }
        if self.used.len() >= MAX_USED
            && let Some((oldest, _)) = self.used.pop_first()
        {
            self.floor = self.floor.max(oldest);
            if number <= self.floor {
                return false;
            }
        }
        self.used.insert(number, Used { highest: count, seen: 1 });
        true
    }
}

impl Used {
    fn note(&mut self, count: u32) -> bool {
        if count > self.highest {
            let shift = count - self.highest;
            self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = count;
            return true;
        }
        let bit = 1u64.checked_shl(self.highest - count).unwrap_or(0);
        let new = bit != 0 && count != 0 && self.seen & bit == 0;
        self.seen |= bit;
        new
    }
}
