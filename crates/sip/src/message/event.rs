//! Subscriptions: Event and Subscription-State (RFC 6665 §8.2). Allow-Events, SIP-ETag and
//! SIP-If-Match hold tokens and need no type.

use std::fmt;

use super::grammar::{delta_seconds, token_and_params};
use super::token::words;
use super::{Malformed, Params, Token};

/// What a subscription is about: `Event: dialog;id=7` (RFC 6665 §8.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The package with its templates: `presence`, `presence.winfo`.
    pub package: Token,
    /// Tells two subscriptions of one dialog apart; REFER's are numbered so (RFC 3515 §2.4.6).
    pub id: Option<Token>,
    /// Parameters of the package.
    pub params: Params,
}

impl Event {
    /// The package alone; `None` when that is no token.
    pub fn new(package: &str) -> Option<Self> {
        Some(Self { package: Token::new(package)?, id: None, params: Params::new() })
    }

    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (package, mut params) = token_and_params(bytes)?;
        let id = match params.take("id") {
            None => None,
            Some(id) => Some(id.and_then(|id| Token::new(&id)).ok_or(Malformed::Token)?),
        };
        Ok(Self { package, id, params })
    }

    /// Whether both name the same subscription of a dialog: package and id, octet by octet; other
    /// parameters do not count (RFC 6665 §8.2.1).
    pub fn matches(&self, other: &Self) -> bool {
        self.package == other.package && self.id == other.id
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.package)?;
        if let Some(id) = &self.id {
            write!(f, ";id={id}")?;
        }
        self.params.fmt(f)
    }
}

words! {
    /// Where a subscription stands (RFC 6665 §4.1.3).
    pub enum Substate {
        /// Accepted, and authorised.
        Active "active"
        /// Accepted, not yet authorised.
        Pending "pending"
        /// Ended.
        Terminated "terminated"
    }
}

words! {
    /// Why a subscription ended (RFC 6665 §4.1.3).
    pub enum EventReason {
        /// Subscribe again at once.
        Deactivated "deactivated"
        /// Subscribe again later.
        Probation "probation"
        /// Do not subscribe again.
        Rejected "rejected"
        /// It was not refreshed: subscribe again at once.
        Timeout "timeout"
        /// The notifier could not be authorised in time: subscribe again later.
        GiveUp "giveup"
        /// What is watched is no more: do not subscribe again.
        NoResource "noresource"
        /// What is watched cannot change: do not subscribe again.
        Invariant "invariant"
    }
}

/// `Subscription-State: active;expires=3600` (RFC 6665 §8.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// Where the subscription stands.
    pub state: Substate,
    /// Why it ended.
    pub reason: Option<EventReason>,
    /// How long it lasts yet, in seconds.
    pub expires: Option<u32>,
    /// How long to wait before the next SUBSCRIBE, in seconds.
    pub retry_after: Option<u32>,
    /// Further parameters.
    pub params: Params,
}

impl SubscriptionState {
    /// Active or pending for another `expires` seconds.
    pub const fn lasting(state: Substate, expires: u32) -> Self {
        let expires = Some(expires);
        Self { state, reason: None, expires, retry_after: None, params: Params::new() }
    }

    /// Ended for `reason`.
    pub const fn terminated(reason: EventReason) -> Self {
        let state = Substate::Terminated;
        Self {
            state,
            reason: Some(reason),
            expires: None,
            retry_after: None,
            params: Params::new(),
        }
    }

    /// The field written `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (state, mut params) = token_and_params(bytes)?;
        let mut seconds = |name: &str| match params.take(name) {
            None => Ok(None),
            Some(value) => delta_seconds(value.unwrap_or_default().as_bytes()).map(Some),
        };
        let (expires, retry_after) = (seconds("expires")?, seconds("retry-after")?);
        let reason = match params.take("reason") {
            None => None,
            Some(word) => {
                let word = word.and_then(|word| EventReason::parse(&word));
                Some(word.ok_or(Malformed::Token)?)
            }
        };
        Ok(Self { state: Substate::from_token(state), reason, expires, retry_after, params })
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if let Some(reason) = &self.reason {
            write!(f, ";reason={reason}")?;
        }
        if let Some(seconds) = self.expires {
            write!(f, ";expires={seconds}")?;
        }
        if let Some(seconds) = self.retry_after {
            write!(f, ";retry-after={seconds}")?;
        }
        self.params.fmt(f)
    }
}
