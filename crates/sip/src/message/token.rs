//! Tokens and methods.

use std::fmt;

use super::grammar;

/// A `token` of RFC 3261 §25.1: at least one letter, digit or one of ``-.!%*_+`'~``.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(Box<str>);

impl Token {
    /// `text` as a token; `None` when it is none.
    pub fn new(text: &str) -> Option<Self> {
        grammar::all(text.as_bytes(), grammar::TOKEN).then(|| Self(text.into()))
    }

    /// The token at rest, as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(std::str::from_utf8(bytes).ok()?)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A closed set of words that others may add to: compared without regard to case, printed in lower
/// case.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A word that this stack does not know.
            Other(crate::message::Token),
        }

        impl $name {
            /// The word as it stands in the field.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)*
                    Self::Other(token) => token.as_str(),
                }
            }

            /// The word `text`; `None` when that is no token.
            pub fn parse(text: &str) -> Option<Self> {
                crate::message::Token::new(text).map(Self::from_token)
            }

            /// The word `token`.
            pub fn from_token(token: crate::message::Token) -> Self {
                $(if token.as_str().eq_ignore_ascii_case($word) {
                    return Self::$variant;
                })*
                Self::Other(token)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident $name:literal)*) => {
        /// What a request asks for. Methods are case-sensitive (RFC 3261 §7.1).
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $($(#[$doc])* $variant,)*
            /// A method this stack has no word for.
            Extension(Token),
        }

        impl Method {
            /// The method as it stands in a request line.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Extension(token) => token.as_str(),
                }
            }

            /// The method called `bytes`; `None` when that is no token.
            pub fn parse(bytes: &[u8]) -> Option<Self> {
                $(if bytes == $name.as_bytes() {
                    return Some(Self::$variant);
                })*
                Token::from_bytes(bytes).map(Self::Extension)
            }
        }
    };
}

methods! {
    /// RFC 3261 §13.
    Invite "INVITE"
    /// RFC 3261 §13, §17.1.1.3.
    Ack "ACK"
    /// RFC 3261 §15.
    Bye "BYE"
    /// RFC 3261 §9.
    Cancel "CANCEL"
    /// RFC 3261 §11.
    Options "OPTIONS"
    /// RFC 3261 §10.
    Register "REGISTER"
    /// RFC 3262.
    Prack "PRACK"
    /// RFC 3311.
    Update "UPDATE"
    /// RFC 6086.
    Info "INFO"
    /// RFC 3515.
    Refer "REFER"
    /// RFC 6665.
    Subscribe "SUBSCRIBE"
    /// RFC 6665.
    Notify "NOTIFY"
    /// RFC 3903.
    Publish "PUBLISH"
    /// RFC 3428.
    Message "MESSAGE"
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
