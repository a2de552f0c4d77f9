//! The server's end.

use std::collections::BTreeMap;

use tipring_core::{Duration, Instant, Rng};

use super::algorithm::{Exchange, same};
use super::{Algorithm, Challenge, Credentials, Keys, NonceMint, NonceState};

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

    /// New challenges, one for each algorithm, all with one nonce.
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
            stale,
        };
        algorithms.iter().map(challenge).collect()
    }

    /// Checks credentials against the keys of the user that they name.
    ///
    /// For a user that does not exist pass any `keys` and `exists` false: the work is the same, the
    /// answer is no.
    pub fn verify(
        &mut self,
        now: Instant,
        credentials: &Credentials,
        method: &str,
        keys: &Keys,
        exists: bool,
    ) -> Result<(), Failure> {
        let algorithm = credentials.algorithm.unwrap_or(Algorithm::Md5);
        let cnonce = credentials.cnonce.as_deref().unwrap_or_default();
        let exchange = Exchange {
            algorithm,
            nonce: &credentials.nonce,
            auth: credentials.nc.as_deref().map(|nc| (nc, cnonce)),
            cnonce,
            method,
            uri: &credentials.uri,
        };
        // An algorithm without a key is worked out all the same, for equal time.
        let key = keys.key(algorithm);
        let expected = exchange.response(key.unwrap_or_default());
        let right = same(&expected, &credentials.response.to_ascii_lowercase());
        let state = self.mint.check(now, &credentials.nonce);
        if !(right & exists) || key.is_none() || credentials.realm != self.realm {
            return Err(Failure::Wrong);
        }
        let NonceState::Fresh(number) = state else {
            return Err(Failure::Stale);
        };
        // Without qop there is no count: such a nonce serves one request.
        let count = match &credentials.nc {
            None => 1,
            Some(text) if text.len() == 8 => {
                u32::from_str_radix(text, 16).map_err(|_| Failure::Wrong)?
            }
            Some(_) => return Err(Failure::Wrong),
        };
        self.forget_stale(now);
        if self.note(number, count) { Ok(()) } else { Err(Failure::Stale) }
    }

    /// Nonces remembered now.
    pub fn remembered(&self) -> usize {
        self.used.len()
    }

    /// Forgets nonces that are too old to be taken again.
    fn forget_stale(&mut self, now: Instant) {
        while let Some(oldest) = self.used.first_entry()
            && now.since(Instant::from_millis(*oldest.key() >> 16)) > NONCE_LIFETIME
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
