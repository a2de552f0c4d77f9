//! What a response is made of (RFC 7616 §3.4.1, §3.5).

use std::fmt;

use super::Algorithm;

/// The quality of protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qop {
    /// `auth`: method and URI are signed.
    Auth,
    /// `auth-int`: the body too.
    AuthInt,
}

impl Qop {
    /// The word in a challenge.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }

    /// The protection called `text`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.as_str().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The protection in use, with the nonce count as written: up to eight hexadecimal digits.
///
/// There is none in the scheme of RFC 2069.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// Its quality.
    pub qop: Qop,
    /// The hash covers these very digits, so they are kept.
    nc: String,
    count: u32,
}

impl Protection {
    /// The protection of the request that is the `count`th with its nonce.
    pub fn new(qop: Qop, count: u32) -> Self {
        Self { qop, nc: format!("{count:08x}"), count }
    }

    /// The nonce count as another side wrote it (`nc-value`, RFC 7616 §3.4; fewer digits than the eight it asks for are
    /// taken); `None` when it is no such number.
    pub(super) fn parse(qop: Qop, nc: &str) -> Option<Self> {
        let digits = (1..=8).contains(&nc.len()) && nc.bytes().all(|o| o.is_ascii_hexdigit());
        let count = u32::from_str_radix(nc, 16).ok().filter(|_| digits)?;
        Some(Self { qop, nc: nc.to_owned(), count })
    }

    /// The nonce count as it was written.
    pub fn nc(&self) -> &str {
        &self.nc
    }

    /// The nonce count.
    pub const fn count(&self) -> u32 {
        self.count
    }
}

/// What goes into a response beside the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) nonce: &'a str,
    pub(super) cnonce: &'a str,
    pub(super) protection: Option<&'a Protection>,
    /// Empty for `rspauth`.
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
}

impl<'a> Exchange<'a> {
    /// The same with another protection.
    pub(super) fn with_protection(self, protection: &'a Protection) -> Self {
        Self { protection: Some(protection), ..self }
    }

    /// `response` or `rspauth` for the key `ha1`.
    pub(super) fn response(&self, ha1: &str) -> String {
        let Self { algorithm, nonce, cnonce, method, uri, .. } = *self;
        let session;
        let mut key = ha1;
        if algorithm.is_session() {
            session = algorithm.hash(&[ha1, nonce, cnonce]);
            key = &session;
        }
        let Some(Protection { qop, nc, .. }) = self.protection else {
            return algorithm.hash(&[key, nonce, &algorithm.hash(&[method, uri])]);
        };
        let ha2 = match qop {
            Qop::Auth => algorithm.hash(&[method, uri]),
            Qop::AuthInt => algorithm.hash(&[method, uri, &algorithm.hash_body(self.body)]),
        };
        algorithm.hash(&[key, nonce, nc, cnonce, qop.as_str(), &ha2])
    }
}
