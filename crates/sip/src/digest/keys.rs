//! What proves an account: a password or its hashes.

use std::fmt;

use super::Algorithm;

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

    /// The key for `algorithm`, or a text of its length that is nobody's, for equal work.
    pub(super) fn key_or_decoy(&self, algorithm: Algorithm) -> &str {
        const NOBODY: &str = "0000000000000000000000000000000000000000000000000000000000000000";
        self.key(algorithm).unwrap_or_else(|| NOBODY.get(..algorithm.digits()).unwrap_or(NOBODY))
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
