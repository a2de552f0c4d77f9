//! Session timers: Session-Expires (RFC 4028 §4). Min-SE is a number of seconds and needs no type.

use std::fmt;

use super::grammar::{delta_seconds, value_and_params};
use super::{Malformed, Params};

/// Who refreshes the session: the caller or the callee of the *request* that carried the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    /// The user agent client of the refresh.
    Uac,
    /// The user agent server of the refresh.
    Uas,
}

impl Refresher {
    /// `uac` or `uas`
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Uac => Self::Uas,
            Self::Uas => Self::Uac,
        }
    }
}

/// `Session-Expires: 1800;refresher=uac` (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// The session's interval. Below [`SessionExpires::MIN_SECONDS`] it is well formed, and owed a
    /// 422 (§9).
    pub seconds: u32,
    /// Who refreshes; `None` leaves the choice to the callee.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// The smallest interval that anybody may ask for, and Min-SE's default (RFC 4028 §4, §5).
    pub const MIN_SECONDS: u32 = 90;
    /// The recommended interval (RFC 4028 §4).
    pub const DEFAULT_SECONDS: u32 = 1800;

    /// The field written `bytes`; parameters other than `refresher` are dropped.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (seconds, params) = value_and_params(bytes);
        let params = Params::parse(params)?;
        let refresher = match params.value("refresher") {
            None if params.contains("refresher") => return Err(Malformed::Parameter),
            None => None,
            Some(word) if word.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(word) if word.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            Some(_) => return Err(Malformed::Parameter),
        };
        Ok(Self { seconds: delta_seconds(seconds)?, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seconds)?;
        self.refresher.map_or(Ok(()), |refresher| write!(f, ";refresher={}", refresher.as_str()))
    }
}
