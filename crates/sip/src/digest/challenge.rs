//! WWW-Authenticate and Proxy-Authenticate.

use std::fmt;

use super::scan::{Group, Quoted};
use super::{Algorithm, Qop};
use crate::message::{HeaderName, Headers, Malformed, Response, Status};

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
    /// Whether `qop` offers `auth`; without any offer the scheme is RFC 2069's.
    pub qop_auth: bool,
    /// Whether `qop` offers `auth-int`.
    pub qop_auth_int: bool,
    /// The credentials were right but the nonce is too old.
    pub stale: bool,
    /// The server also knows its users by the hash of their names (RFC 7616 §3.4.4).
    pub userhash: bool,
}

impl Challenge {
    /// The challenges of one field. Other schemes, unknown algorithms and unknown protections alone
    /// are left out. `domain` means nothing in SIP (RFC 3261 §22.4); `charset` can only be UTF-8,
    /// which is what we always use.
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

    /// The challenges that the status of a 401 or 407 stands for.
    pub(super) fn in_response(response: &Response) -> Vec<Self> {
        let proxy = response.status == Status::PROXY_AUTHENTICATION_REQUIRED;
        let name = if proxy { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        Self::in_headers(&response.headers, &name)
    }

    /// The realms of the same.
    pub(crate) fn realms_in(response: &Response) -> Vec<String> {
        Self::in_response(response).into_iter().map(|challenge| challenge.realm).collect()
    }

    /// The protection that we choose. Proxies change bodies on their way (RFC 3261 §22.4 warns of
    /// it), so `auth-int` is taken only where the server insists.
    pub const fn qop(&self) -> Option<Qop> {
        match (self.qop_auth, self.qop_auth_int) {
            (true, _) => Some(Qop::Auth),
            (false, true) => Some(Qop::AuthInt),
            (false, false) => None,
        }
    }

    fn read(group: &Group) -> Result<Option<Self>, Malformed> {
        let algorithm = match group.value("algorithm") {
            None => Some(Algorithm::Md5),
            Some(text) => Algorithm::parse(text.trim()),
        };
        let offers = group.value("qop");
        let offered = |qop: Qop| {
            offers.is_some_and(|list| {
                list.split(',').any(|word| Qop::parse(word.trim()) == Some(qop))
            })
        };
        let (qop_auth, qop_auth_int) = (offered(Qop::Auth), offered(Qop::AuthInt));
        let answerable = offers.is_none_or(str::is_empty) || qop_auth || qop_auth_int;
        let Some(algorithm) = algorithm.filter(|_| answerable) else {
            return Ok(None);
        };
        Ok(Some(Self {
            realm: group.need("realm")?,
            nonce: group.need("nonce")?,
            opaque: group.value("opaque").map(str::to_owned),
            algorithm,
            qop_auth,
            qop_auth_int,
            stale: group.is_true("stale"),
            userhash: group.is_true("userhash"),
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
        match (self.qop_auth, self.qop_auth_int) {
            (true, true) => f.write_str(", qop=\"auth,auth-int\"")?,
            (true, false) => f.write_str(", qop=\"auth\"")?,
            (false, true) => f.write_str(", qop=\"auth-int\"")?,
            (false, false) => {}
        }
        if self.userhash { f.write_str(", userhash=true") } else { Ok(()) }
    }
}
