//! Messages: the wire view, the owned model, the typed fields, and printing.
//!
//! ```text
//! octets ─► wire::View (ranges) ─► check ─► Message (owned, typed) ─► to_bytes ─► octets
//! ```
//!
//! [`wire::View::parse`] fails only on what cannot be framed. [`wire::View::to_message`] tells the
//! status that is owed for a message that is framed but wrong. What is printed comes from the model
//! alone.

use std::fmt;

mod accept;
mod dialog_reference;
mod diversion;
mod event;
mod fields;
pub(crate) mod grammar;
mod headers;
mod host;
mod identity;
mod info;
mod model;
pub mod multipart;
mod name;
mod name_addr;
mod params;
mod refer;
mod reliable;
mod session_timer;
mod sipfrag;
mod status;
mod time;
mod token;
mod typed;
mod uri;
mod via;
mod warning;
pub mod wire;

pub use accept::{MediaRange, QValue};
pub use dialog_reference::{CallId, Join, Replaces, TargetDialog};
pub use diversion::{
    Diversion, DiversionPrivacy, DiversionReason, HistoryIndex, HistoryInfo, HistoryTarget,
};
pub use event::{Event, EventReason, SubscriptionState, Substate};
pub use fields::{CSeq, ContentType, RawCSeq, Reason};
pub use headers::{Field, Fields, Header, HeaderError, Headers};
pub use host::{Host, HostName};
pub use identity::{AssertedIdentity, Privacy};
pub use info::{ContentDisposition, DispositionType, Handling, InfoPackage, InfoUri};
pub use model::{Message, Request, Response};
pub use name::HeaderName;
pub use name_addr::{Contact, NameAddr, RawNameAddr};
pub use params::Params;
pub use refer::{ReferTo, ReferredBy};
pub use reliable::{RAck, RSeq};
pub use session_timer::{Refresher, SessionExpires};
pub use sipfrag::{FragmentStart, SipFragment};
pub use status::Status;
pub use time::{Date, RetryAfter, Timestamp};
pub use token::{Method, Token};
pub use uri::{OtherUri, PhoneContext, RawSipUri, SipUri, TelUri, Uri};
pub use via::{BRANCH_COOKIE, RawVia, Transport, Via};
pub use warning::Warning;

/// The largest message, in octets: 64 KiB less one, which is also what a UDP datagram can hold.
pub const MAX_MESSAGE: usize = 65_535;
/// The most header fields of a message.
pub const MAX_HEADERS: usize = 128;
/// The longest start line or header field with its folds, in octets.
pub const MAX_LINE: usize = 8192;

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Not a token, or none where one must be.
    Token,
    /// A quoted string that does not end.
    QuotedString,
    /// A display name that needs quotes, or text where an angle bracket must be.
    DisplayName,
    /// A URI.
    Uri,
    /// A URI's scheme.
    Scheme,
    /// A URI's user part.
    User,
    /// A host.
    Host,
    /// A port.
    Port,
    /// A parameter: empty, repeated, or too many.
    Parameter,
    /// A number: none, or out of range.
    Number,
    /// A Via that is not of SIP/2.0.
    Version,
    /// A parameter that must be there is not.
    MissingParameter,
    /// Fewer or more values than may be.
    Count,
    /// A date.
    Date,
    /// A comment that does not end.
    Comment,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "bad token",
            Self::QuotedString => "quoted string does not end",
            Self::DisplayName => "bad display name",
            Self::Uri => "bad URI",
            Self::Scheme => "bad URI scheme",
            Self::User => "bad user part",
            Self::Host => "bad host",
            Self::Port => "bad port",
            Self::Parameter => "bad parameter",
            Self::Number => "bad number",
            Self::Version => "bad version",
            Self::MissingParameter => "a parameter is missing",
            Self::Count => "too few or too many values",
            Self::Date => "bad date",
            Self::Comment => "comment does not end",
        })
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
