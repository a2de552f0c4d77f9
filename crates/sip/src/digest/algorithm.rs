//! The hashes.

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
    pub(super) const ALL: [Self; 6] = [
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

    /// The hash that stands for a user's name (RFC 7616 §3.4.4).
    pub fn userhash(self, name: &str, realm: &str) -> String {
        self.hash(&[name, realm])
    }

    /// The lower-case hexadecimal hash of `parts` with colons between them.
    pub(super) fn hash(self, parts: &[&str]) -> String {
        self.hash_octets(parts.iter().map(|part| part.as_bytes()))
    }

    /// The same of a body.
    pub(super) fn hash_body(self, body: &[u8]) -> String {
        self.hash_octets(std::iter::once(body))
    }

    /// How many hexadecimal digits a hash has.
    pub(super) const fn digits(self) -> usize {
        match self.base() {
            Self::Md5 | Self::Md5Sess => 32,
            Self::Sha256 | Self::Sha256Sess | Self::Sha512256 | Self::Sha512256Sess => 64,
        }
    }

    fn hash_octets<'a>(self, parts: impl Iterator<Item = &'a [u8]>) -> String {
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

fn hash<'a, D: Digest>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = D::new();
    for (at, part) in parts.enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    let mut out = String::with_capacity(2 * bytes.len());
    for octet in bytes {
        out.push(digit(octet >> 4));
        out.push(digit(*octet));
    }
    out
}

/// Whether `a` and `b` are the same, in a time that depends on their lengths only.
pub(super) fn same(a: &str, b: &str) -> bool {
    let difference = a.bytes().zip(b.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0 && a.len() == b.len()
}
