//! WWW-Authenticate and Proxy-Authenticate.

use std::fmt;

use super::Algorithm;
use super::scan::{Group, Quoted};
use crate::message::{HeaderName, Headers, Malformed};

/// A Digest challenge that we can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Whose accounts.
    pub realm: String,
    /// The server's number used once.
    pub nonce: String,
    /// To be given back as it is.
    pub opaque: Option<String>,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Whether `qop` offers `auth`; without it the scheme is RFC 2069's.
    pub qop_auth: bool,
    /// The credentials were right but the nonce is too old.
    pub stale: bool,
}

impl Challenge {
    /// The challenges of one field. Other schemes, unknown algorithms and `auth-int` alone are left
    /// out.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut challenges = Vec::new();
        for group in Group::parse_all(bytes)? {
            if group.scheme.eq_ignore_ascii_case("Digest") {
                challenges.extend(Self::read(&group)?);
            }
        }
        Ok(challenges)
    }

    /// The challenges of all fields of this name; fields that are malformed are left out.
    pub fn in_headers(headers: &Headers, name: &HeaderName) -> Vec<Self> {
        let fields = headers.all(name).take(MAX_FIELDS);
        fields.filter_map(|text| Self::parse_all(text.as_bytes()).ok()).flatten().collect()
    }

    fn read(group: &Group) -> Result<Option<Self>, Malformed> {
        let algorithm = match group.value("algorithm") {
            None => Some(Algorithm::Md5),
            Some(text) => Algorithm::parse(text),
        };
        let qop = group.value("qop");
        let qop_auth = qop.is_some_and(|list| {
            list.split(',').any(|word| word.trim().eq_ignore_ascii_case("auth"))
        });
        let Some(algorithm) = algorithm.filter(|_| qop_auth || qop.is_none()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            realm: group.need("realm")?,
            nonce: group.need("nonce")?,
            opaque: group.value("opaque").map(str::to_owned),
            algorithm,
            qop_auth,
            stale: group.value("stale").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }))
    }
}

/// More challenge fields than this are not looked at.
const MAX_FIELDS: usize = 16;

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest realm={}, nonce={}", Quoted(&self.realm), Quoted(&self.nonce))?;
        if let Some(opaque) = &self.opaque {
            write!(f, ", opaque={}", Quoted(opaque))?;
        }
        if self.stale {
            f.write_str(", stale=true")?;
        }
        // MD5 is what is meant by none; not naming it keeps answers to strangers small.
        if self.algorithm != Algorithm::Md5 {
            write!(f, ", algorithm={}", self.algorithm)?;
        }
        if self.qop_auth { f.write_str(", qop=\"auth\"") } else { Ok(()) }
    }
}
