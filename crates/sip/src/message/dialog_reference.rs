//! Fields that name a dialog: Replaces (RFC 3891), Join (RFC 3911), Target-Dialog (RFC 4538).

use std::fmt;

use super::grammar::{trim, value_and_params};
use super::{Malformed, Params, Token};

/// A Call-ID: one or more printable ASCII characters without space, comma and semicolon.
///
/// RFC 3261 §25.1 allows fewer (`word ["@" word]`), phones in the field send more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(Box<str>);

impl CallId {
    /// `text` as a Call-ID; `None` when it cannot be one.
    pub fn new(text: &str) -> Option<Self> {
        let good = |octet: u8| octet.is_ascii_graphic() && octet != b',' && octet != b';';
        (!text.is_empty() && text.bytes().all(good)).then(|| Self(text.into()))
    }

    /// The Call-ID as text; it is compared octet by octet (RFC 3261 §20.8).
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        std::str::from_utf8(trim(bytes)).ok().and_then(Self::new).ok_or(Malformed::Token)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The dialog that an INVITE takes the place of (RFC 3891 §6.1):
/// `Replaces: 12345@h;to-tag=7;from-tag=8;early-only`.
///
/// The tags are seen from the receiver of the INVITE: `to_tag` is its own, `from_tag` its peer's
/// (§3). A tag `0` also means a peer of RFC 2543 that gave none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replaces {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The receiver's own tag.
    pub to_tag: Token,
    /// The tag of the receiver's peer.
    pub from_tag: Token,
    /// A dialog that is confirmed shall not be replaced: 486 then.
    pub early_only: bool,
}

impl Replaces {
    /// The field written `bytes`, escapes of a URI's header resolved; parameters that are not known
    /// are dropped.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (call_id, params) = value_and_params(bytes);
        let params = Params::parse(params)?;
        Ok(Self {
            call_id: CallId::parse(call_id)?,
            to_tag: tag(&params, "to-tag")?,
            from_tag: tag(&params, "from-tag")?,
            early_only: params.contains("early-only"),
        })
    }
}

impl fmt::Display for Replaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call_id, to_tag, from_tag, early_only } = self;
        write!(f, "{call_id};to-tag={to_tag};from-tag={from_tag}")?;
        f.write_str(if *early_only { ";early-only" } else { "" })
    }
}

/// The dialog that an INVITE joins (RFC 3911 §7.1); tags as in [`Replaces`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Join {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The receiver's own tag.
    pub to_tag: Token,
    /// The tag of the receiver's peer.
    pub from_tag: Token,
}

impl Join {
    /// The field written `bytes`; parameters that are not known are dropped.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let Replaces { call_id, to_tag, from_tag, early_only: _ } = Replaces::parse(bytes)?;
        Ok(Self { call_id, to_tag, from_tag })
    }
}

impl fmt::Display for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};to-tag={};from-tag={}", self.call_id, self.to_tag, self.from_tag)
    }
}

/// The dialog that entitles a request outside it (RFC 4538 §7):
/// `Target-Dialog: 12345@h;local-tag=7;remote-tag=8`, seen from the *sender* (§4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetDialog {
    /// The dialog's Call-ID.
    pub call_id: CallId,
    /// The sender's tag.
    pub local_tag: Token,
    /// The receiver's tag.
    pub remote_tag: Token,
}

impl TargetDialog {
    /// The field written `bytes`; parameters that are not known are dropped.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (call_id, params) = value_and_params(bytes);
        let params = Params::parse(params)?;
        Ok(Self {
            call_id: CallId::parse(call_id)?,
            local_tag: tag(&params, "local-tag")?,
            remote_tag: tag(&params, "remote-tag")?,
        })
    }
}

impl fmt::Display for TargetDialog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call_id, local_tag, remote_tag } = self;
        write!(f, "{call_id};local-tag={local_tag};remote-tag={remote_tag}")
    }
}

fn tag(params: &Params, name: &str) -> Result<Token, Malformed> {
    let text = params.value(name).ok_or(Malformed::MissingParameter)?;
    Token::new(text).ok_or(Malformed::Token)
}
