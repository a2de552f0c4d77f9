//! Hashes and keys.

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// A hash, and whether the key is bound to the session (`-sess`). Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `MD5` (RFC 2617); also what is meant when a challenge names none.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256` (RFC 7616)
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512256,
    /// `SHA-512-256-sess`
    Sha512256Sess,
}

impl Algorithm {
    const ALL: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512256,
        Self::Sha512256Sess,
    ];

    /// The word in a challenge.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512256 => "SHA-512-256",
            Self::Sha512256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm called `text`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(text))
    }

    /// The algorithm without the session's part.
    pub const fn base(self) -> Self {
        match self {
            Self::Md5 | Self::Md5Sess => Self::Md5,
            Self::Sha256 | Self::Sha256Sess => Self::Sha256,
            Self::Sha512256 | Self::Sha512256Sess => Self::Sha512256,
        }
    }

    /// Whether the key is bound to nonce and cnonce.
    pub fn is_session(self) -> bool {
        self != self.base()
    }

    /// The lower-case hexadecimal hash of `parts` with colons between them.
    pub(super) fn hash(self, parts: &[&str]) -> String {
        match self.base() {
            Self::Md5 | Self::Md5Sess => hash::<Md5>(parts),
            Self::Sha256 | Self::Sha256Sess => hash::<Sha256>(parts),
            Self::Sha512256 | Self::Sha512256Sess => hash::<Sha512_256>(parts),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn hash<D: Digest>(parts: &[&str]) -> String {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
}

/// Whether `a` and `b` are the same, in a time that depends on their lengths only.
pub(super) fn same(a: &str, b: &str) -> bool {
    let difference = a.bytes().zip(b.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0 && a.len() == b.len()
}

/// What an account knows, as configured. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The password itself: every algorithm can be used.
    Password(String),
    /// `MD5(user:realm:password)` in hexadecimal digits.
    Ha1(String),
    /// `SHA-256(user:realm:password)` in hexadecimal digits.
    Ha1Sha256(String),
}

impl Secret {
    /// The keys for `user` in `realm`.
    pub fn keys(&self, user: &str, realm: &str) -> Keys {
        let of = |algorithm: Algorithm| match self {
            Self::Password(password) => Some(algorithm.hash(&[user, realm, password])),
            Self::Ha1(ha1) if algorithm == Algorithm::Md5 => Some(ha1.to_ascii_lowercase()),
            Self::Ha1Sha256(ha1) if algorithm == Algorithm::Sha256 => {
                Some(ha1.to_ascii_lowercase())
            }
            Self::Ha1(_) | Self::Ha1Sha256(_) => None,
        };
        Keys {
            md5: of(Algorithm::Md5),
            sha256: of(Algorithm::Sha256),
            sha512256: of(Algorithm::Sha512256),
        }
    }

    /// Whether `algorithm` can be used.
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Password(_) => true,
            Self::Ha1(_) => algorithm.base() == Algorithm::Md5,
            Self::Ha1Sha256(_) => algorithm.base() == Algorithm::Sha256,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(***)",
            Self::Ha1(_) => "Ha1(***)",
            Self::Ha1Sha256(_) => "Ha1Sha256(***)",
        })
    }
}

/// `H(user:realm:password)` by algorithm. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    md5: Option<String>,
    sha256: Option<String>,
    sha512256: Option<String>,
}

impl Keys {
    /// The key for `algorithm`, the session's part aside.
    pub(super) fn key(&self, algorithm: Algorithm) -> Option<&str> {
        match algorithm.base() {
            Algorithm::Md5 | Algorithm::Md5Sess => self.md5.as_deref(),
            Algorithm::Sha256 | Algorithm::Sha256Sess => self.sha256.as_deref(),
            Algorithm::Sha512256 | Algorithm::Sha512256Sess => self.sha512256.as_deref(),
        }
    }

    /// Whether `algorithm` can be used.
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        self.key(algorithm).is_some()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(***)")
    }
}

/// What goes into a response beside the key.
pub(super) struct Exchange<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) nonce: &'a str,
    /// `nc` and `cnonce`, when the protection is `auth`; `None` is RFC 2069's scheme.
    pub(super) auth: Option<(&'a str, &'a str)>,
    /// For `-sess`.
    pub(super) cnonce: &'a str,
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
}

impl Exchange<'_> {
    /// `response` of RFC 7616 §3.4.1 for the key `ha1`.
    pub(super) fn response(&self, ha1: &str) -> String {
        let algorithm = self.algorithm;
        let session;
        let mut key = ha1;
        if algorithm.is_session() {
            session = algorithm.hash(&[ha1, self.nonce, self.cnonce]);
            key = &session;
        }
        let ha2 = algorithm.hash(&[self.method, self.uri]);
        match self.auth {
            Some((nc, cnonce)) => algorithm.hash(&[key, self.nonce, nc, cnonce, "auth", &ha2]),
            None => algorithm.hash(&[key, self.nonce, &ha2]),
        }
    }
}
