//! Nonces that need no memory.

use std::fmt;

use sha2::{Digest, Sha256};
use tipring_core::{Duration, Instant, Rng};

use super::algorithm::same;

/// Makes nonces and knows them again: `time, number, keyed hash of both`, in 27 characters of
/// base64url.
///
/// A challenge to a stranger costs no state. The key is random, so nonces do not outlive the
/// process.
#[derive(Clone)]
pub struct NonceMint {
    /// HMAC's two hashes with the key already in them.
    inner: Sha256,
    outer: Sha256,
    lifetime: Duration,
    minted: u16,
}

/// What a nonce is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceState {
    /// Ours and young enough; the number names it and grows with time.
    Fresh(u64),
    /// Ours, but too old.
    Stale,
    /// Not ours.
    Foreign,
}

impl NonceMint {
    /// A mint with a key of its own; nonces live for `lifetime`.
    pub fn new(rng: &mut Rng, lifetime: Duration) -> Self {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            part.copy_from_slice(&rng.next_u64().to_le_bytes());
        }
        // RFC 2104: the key, filled up to a block, with a pad for each of the two hashes.
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            block.iter_mut().zip(key).for_each(|(octet, key)| *octet ^= key);
            Sha256::new().chain_update(block)
        };
        Self { inner: padded(0x36), outer: padded(0x5C), lifetime, minted: 0 }
    }

    /// A new nonce. No two of the same millisecond are equal, up to 65,536 of them.
    pub fn mint(&mut self, now: Instant) -> String {
        self.minted = self.minted.wrapping_add(1);
        let number = (now.as_millis() << 16) | u64::from(self.minted);
        self.spell(number)
    }

    /// Looks a nonce up.
    pub fn check(&self, now: Instant, nonce: &str) -> NonceState {
        let Some(number) = number_of(nonce).filter(|number| same(&self.spell(*number), nonce))
        else {
            return NonceState::Foreign;
        };
        if now.since(minted_at(number)) > self.lifetime {
            NonceState::Stale
        } else {
            NonceState::Fresh(number)
        }
    }

    /// How long nonces live.
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// The nonce that carries `number`.
    fn spell(&self, number: u64) -> String {
        let number = number.to_be_bytes();
        let inner = self.inner.clone().chain_update(number).finalize();
        let outer = self.outer.clone().chain_update(inner).finalize();
        let mac = outer.get(..12).expect("a SHA-256 hash is 32 octets");
        base64(&[number.as_slice(), mac].concat())
    }
}

/// When the nonce that carries `number` was made.
pub(super) const fn minted_at(number: u64) -> Instant {
    Instant::from_millis(number >> 16)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// RFC 4648 §5, without padding.
fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | usize::from(*group.get(at).unwrap_or(&0)));
        for at in 0..=group.len() {
            out.push(char::from(BASE64[word >> (18 - 6 * at) & 63]));
        }
    }
    out
}

/// The first eight octets of a base64url text, as a number.
fn number_of(text: &str) -> Option<u64> {
    let mut number = 0u128;
    for octet in text.as_bytes().get(..11)? {
        let digit = BASE64.iter().position(|known| known == octet)?;
        number = number << 6 | u128::try_from(digit).ok()?;
    }
    u64::try_from(number >> 2).ok()
}

/// Without the key.
impl fmt::Debug for NonceMint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NonceMint").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
