//! Digest access authentication (RFC 2617, RFC 7616, RFC 8760 §2), both ends.
//!
//! The client's end is [`Answerer`]: it takes challenges and puts credentials into requests. The
//! server's end is [`NonceMint`], whose nonces need no memory, and [`Verifier`], which also
//! remembers the nonce counts it has seen. The protection is `auth`; `auth-int` is not offered and
//! not answered.

mod algorithm;
mod answer;
mod challenge;
mod credentials;
mod nonce;
mod scan;
mod verify;

pub use algorithm::{Algorithm, Keys, Secret};
pub use answer::{Account, Answerer, Refusal};
pub use challenge::Challenge;
pub use credentials::Credentials;
pub use nonce::{NonceMint, NonceState};
pub use verify::{Failure, Verifier};

#[cfg(test)]
mod tests;
