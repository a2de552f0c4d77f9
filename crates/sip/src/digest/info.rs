//! Authentication-Info and Proxy-Authentication-Info (RFC 7616 §3.5, RFC 7615): the server proves
//! itself, and names the nonce to use next.

use std::fmt;

use super::scan::{Group, Quoted};
use super::{Protection, Qop};
use crate::message::Malformed;

/// What a server says of the credentials that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationInfo {
    /// The nonce for the next request.
    pub nextnonce: Option<String>,
    /// Proof that the server knows the secret too.
    pub proof: Option<ServerProof>,
}

/// `rspauth` and what it was worked out with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProof {
    /// The hash, in hexadecimal digits.
    pub rspauth: String,
    /// The client's number, given back.
    pub cnonce: String,
    /// Protection and nonce count, given back.
    pub protection: Protection,
}

impl AuthenticationInfo {
    /// The value of one field. A proof without all its parts is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let group = Group::parse_params(bytes)?;
        let proof = || {
            Some(ServerProof {
                rspauth: group.value("rspauth")?.to_owned(),
                cnonce: group.value("cnonce")?.to_owned(),
                protection: Protection::parse(
                    Qop::parse(group.value("qop")?)?,
                    group.value("nc")?,
                )?,
            })
        };
        Ok(Self { nextnonce: group.value("nextnonce").map(str::to_owned), proof: proof() })
    }

    /// Whether there is nothing to say.
    pub const fn is_empty(&self) -> bool {
        self.nextnonce.is_none() && self.proof.is_none()
    }
}

impl fmt::Display for AuthenticationInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nonce) = &self.nextnonce {
            write!(f, "nextnonce={}", Quoted(nonce))?;
        }
        let Some(ServerProof { rspauth, cnonce, protection }) = &self.proof else {
            return Ok(());
        };
        if self.nextnonce.is_some() {
            f.write_str(", ")?;
        }
        let (rspauth, cnonce) = (Quoted(rspauth), Quoted(cnonce));
        let (qop, nc) = (protection.qop, protection.nc());
        write!(f, "qop={qop}, rspauth={rspauth}, cnonce={cnonce}, nc={nc}")
    }
}
