//! Authorization and Proxy-Authorization.

use std::fmt;

use super::exchange::Exchange;
use super::scan::{Group, Quoted};
use super::{Algorithm, Protection, Qop};
use crate::message::Malformed;

/// Digest credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account, or its hash when `userhash` is set.
    pub username: String,
    /// Whether `username` is the hash of name and realm (RFC 7616 §3.4.4).
    pub userhash: bool,
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
    /// The client's own number, for `-sess` and any protection.
    pub cnonce: Option<String>,
    /// The protection and the nonce count; `None` in RFC 2069's scheme.
    pub protection: Option<Protection>,
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
        let protection = match group.value("qop") {
            None | Some("") => None,
            Some(text) => {
                let qop = Qop::parse(text).ok_or(Malformed::Parameter)?;
                Some(Protection::parse(qop, &group.need("nc")?).ok_or(Malformed::Parameter)?)
            }
        };
        let algorithm = group.value("algorithm");
        Ok(Self {
            username: Self::name(group)?,
            userhash: group.is_true("userhash"),
            realm: group.need("realm")?,
            nonce: group.need("nonce")?,
            uri: group.need("uri")?,
            response: group.need("response")?,
            algorithm: algorithm
                .map(|text| Algorithm::parse(text).ok_or(Malformed::Parameter))
                .transpose()?,
            opaque: group.value("opaque").map(str::to_owned),
            cnonce: group.value("cnonce").map(str::to_owned),
            protection,
        })
    }

    /// `username`, or `username*` of RFC 7616 §3.4, but not both.
    fn name(group: &Group) -> Result<String, Malformed> {
        match (group.value("username"), group.value("username*")) {
            (Some(name), None) => Ok(name.to_owned()),
            (None, Some(extended)) => decoded(extended).ok_or(Malformed::Parameter),
            (None, None) | (Some(_), Some(_)) => Err(Malformed::Parameter),
        }
    }

    /// The algorithm, named or meant.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm.unwrap_or(Algorithm::Md5)
    }

    /// What they sign when they come with `method` and `body`.
    pub(super) fn exchange<'a>(&'a self, method: &'a str, body: &'a [u8]) -> Exchange<'a> {
        Exchange {
            algorithm: self.algorithm(),
            nonce: &self.nonce,
            cnonce: self.cnonce.as_deref().unwrap_or_default(),
            protection: self.protection.as_ref(),
            method,
            uri: &self.uri,
            body,
        }
    }
}

/// An extended value of RFC 8187 §3.2 in UTF-8: `UTF-8''J%C3%A4s`.
fn decoded(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_language, text) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let digit = |octet: Option<u8>| char::from(octet?).to_digit(16);
        out.push(match octet {
            b'%' => u8::try_from(digit(octets.next())? << 4 | digit(octets.next())?).ok()?,
            _ => octet,
        });
    }
    String::from_utf8(out).ok().filter(|name| !name.chars().any(char::is_control))
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
        if let Some(protection) = &self.protection {
            write!(f, ", qop={}, nc={}", protection.qop, protection.nc())?;
        }
        if self.userhash { f.write_str(", userhash=true") } else { Ok(()) }
    }
}

/// Without the response.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("algorithm", &self.algorithm)
            .field("protection", &self.protection)
            .finish_non_exhaustive()
    }
}
