//! Digest access authentication (RFC 2617, RFC 7616, RFC 8760 §2), both ends.
//!
//! The client's end is [`Answerer`]: it takes challenges, puts credentials into requests, and hears
//! what the server says of them in Authentication-Info. The server's end is [`NonceMint`], whose
//! nonces need no memory, and [`Verifier`], which also remembers the nonce counts it has seen. The
//! protections are `auth`, `auth-int` (the body is signed too) and RFC 2069's none.

mod algorithm;
mod answer;
mod challenge;
mod credentials;
mod exchange;
mod info;
mod keys;
mod nonce;
mod scan;
mod verify;

pub use algorithm::Algorithm;
pub use answer::{Account, Answerer, Attempts, Proven, Refusal, Signed};
pub use challenge::Challenge;
pub use credentials::Credentials;
pub use exchange::{Protection, Qop};
pub use info::{AuthenticationInfo, ServerProof};
pub use keys::{Keys, Secret};
pub use nonce::{NonceMint, NonceState};
pub use verify::{Failure, Verifier};

#[cfg(test)]
mod tests;
