//! What goes beside a call: Alert-Info, Call-Info, Error-Info (RFC 3261 §20.4, §20.9, §20.18),
//! Info-Package and Recv-Info (RFC 6086), Content-Disposition (RFC 3261 §20.11).

use std::fmt;

use super::grammar::{split, token_and_params, trim};
use super::token::words;
use super::{Malformed, Params, Token, Uri};

/// `<http://h/sound.wav>;purpose=…`: one value of Alert-Info, Call-Info or Error-Info.
///
/// What a URI points to is never fetched here: it comes from a stranger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoUri {
    /// Where it is; `urn:alert:…` names a tone instead (RFC 7462).
    pub uri: Uri,
    /// `purpose`, `info` and others.
    pub params: Params,
}

impl InfoUri {
    /// The one value written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let rest = trim(bytes).strip_prefix(b"<").ok_or(Malformed::Uri)?;
        let (uri, rest) = split(rest, memchr::memchr(b'>', rest).ok_or(Malformed::Uri)?);
        let params = Params::parse(rest.get(1..).unwrap_or_default())?;
        Ok(Self { uri: Uri::parse(uri)?, params })
    }

    /// What a Call-Info is for: `icon`, `info`, `card` and others (RFC 3261 §20.9).
    pub fn purpose(&self) -> Option<&str> {
        self.params.value("purpose")
    }
}

impl fmt::Display for InfoUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

/// The package of an INFO, or one that a peer takes (RFC 6086 §7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoPackage {
    /// The package's name; compared without regard to case.
    pub name: Token,
    /// Its parameters.
    pub params: Params,
}

impl InfoPackage {
    /// The one package written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (name, params) = token_and_params(bytes)?;
        Ok(Self { name, params })
    }

    /// Whether this is the package `name`.
    pub fn is(&self, name: &str) -> bool {
        self.name.as_str().eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for InfoPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, self.params)
    }
}

words! {
    /// What a body is for (RFC 3261 §20.11, RFC 5621 §8, RFC 3893).
    pub enum DispositionType {
        /// A session's description.
        Session "session"
        /// A session's description for early media alone (RFC 3959).
        EarlySession "early-session"
        /// To be shown.
        Render "render"
        /// A picture of the caller.
        Icon "icon"
        /// To be played or shown as alert.
        Alert "alert"
        /// Named by another part or field (RFC 5621).
        ByReference "by-reference"
        /// An authenticated identity body.
        Aib "aib"
        /// Goes with an INFO package (RFC 6086).
        InfoPackage "info-package"
    }
}

words! {
    /// What to do with a body that is not understood (RFC 3261 §20.11).
    pub enum Handling {
        /// Refuse the request with 415.
        Required "required"
        /// Go on without it.
        Optional "optional"
    }
}

/// `Content-Disposition: session;handling=optional` (RFC 3261 §20.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentDisposition {
    /// What the body is for.
    pub kind: DispositionType,
    /// What to do when it is not understood; see [`ContentDisposition::is_required`].
    pub handling: Option<Handling>,
    /// Further parameters.
    pub params: Params,
}

impl ContentDisposition {
    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, mut params) = token_and_params(bytes)?;
        let handling = match params.take("handling") {
            None => None,
            Some(word) => {
                let word = word.and_then(|word| Handling::parse(&word));
                Some(word.ok_or(Malformed::Token)?)
            }
        };
        Ok(Self { kind: DispositionType::from_token(kind), handling, params })
    }

    /// Whether we act on bodies for such a use: not on descriptions for early media alone, nor on what we do not know.
    pub(super) fn is_understood(&self) -> bool {
        !matches!(self.kind, DispositionType::EarlySession | DispositionType::Other(_))
    }

    /// Whether a body that is not understood must be refused: the default, and what an unknown word
    /// means.
    pub fn is_required(&self) -> bool {
        self.handling != Some(Handling::Optional)
    }
}

impl fmt::Display for ContentDisposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(handling) = &self.handling {
            write!(f, ";handling={handling}")?;
        }
        self.params.fmt(f)
    }
}
