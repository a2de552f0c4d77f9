//! Authorization and Proxy-Authorization.

use std::fmt;

use super::Algorithm;
use super::scan::{Group, Quoted};
use crate::message::Malformed;

/// Digest credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub username: String,
    /// Whose account.
    pub realm: String,
    /// The challenge's nonce.
    pub nonce: String,
    /// The Request-URI that was signed.
    pub uri: String,
    /// The hash, in hexadecimal digits.
    pub response: String,
    /// The algorithm; `None` when the sender named none, which means MD5.
    pub algorithm: Option<Algorithm>,
    /// The challenge's opaque.
    pub opaque: Option<String>,
    /// The client's own number, for `-sess` and `auth`.
    pub cnonce: Option<String>,
    /// The nonce count as written, when `qop` is `auth`.
    pub nc: Option<String>,
}

impl Credentials {
    /// The credentials of one field.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let groups = Group::parse_all(bytes)?;
        let [group] = groups.as_slice() else {
            return Err(Malformed::Token);
        };
        if !group.scheme.eq_ignore_ascii_case("Digest") {
            return Err(Malformed::Scheme);
        }
        let nc = match group.value("qop") {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => Some(group.need("nc")?),
            Some(_) => return Err(Malformed::Parameter),
        };
        let algorithm = group.value("algorithm");
        Ok(Self {
            username: group.need("username")?,
            realm: group.need("realm")?,
            nonce: group.need("nonce")?,
            uri: group.need("uri")?,
            response: group.need("response")?,
            algorithm: algorithm
                .map(|text| Algorithm::parse(text).ok_or(Malformed::Parameter))
                .transpose()?,
            opaque: group.value("opaque").map(str::to_owned),
            cnonce: group.value("cnonce").map(str::to_owned),
            nc,
        })
    }
}

impl fmt::Display for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Digest username={}, realm={}, nonce={}, uri={}, response={}",
            Quoted(&self.username),
            Quoted(&self.realm),
            Quoted(&self.nonce),
            Quoted(&self.uri),
            Quoted(&self.response),
        )?;
        if let Some(algorithm) = self.algorithm {
            write!(f, ", algorithm={algorithm}")?;
        }
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        if let Some(cnonce) = &self.cnonce {
            write!(f, ", cnonce={}", Quoted(cnonce))?;
        }
        match &self.nc {
            Some(nc) => write!(f, ", qop=auth, nc={nc}"),
            None => Ok(()),
        }
    }
}

/// Without the response.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("algorithm", &self.algorithm)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}
