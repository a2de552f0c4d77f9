//! Session descriptions and offer/answer (RFC 8866, RFC 3264).
//!
//! What: [`Session`] reads and prints the body of an INVITE; [`offer`] decides, from a description and from what
//! we can do, where audio goes, in which law, how DTMF travels and who is on hold.
//! Why: a body is bytes from a stranger. It is read once, tolerantly, into types that cannot be wrong, and every
//! decision of RFC 3264 is made in one place that needs no network to test.
//! Start at [`OfferAnswer`], the one value a dialog keeps; [`Plan`] is what it gives.
//! What never enters: SIP, sockets, name resolution, a clock, a codec.
#![forbid(unsafe_code)]

pub mod negotiation;
pub mod offer;
mod parse;
mod print;
pub mod session;

pub use negotiation::{OfferAnswer, OfferAnswerError};
pub use offer::{Codec, LocalMedia, Plan, Receive, Rejection};
pub use parse::ParseError;
pub use session::{
    Address, Attribute, Direction, Encoding, Formats, Media, MediaKind, Origin, Payload, Protocol,
    RtcpAddress, RtpMap, Session,
};

/// The media type of a session description, for `Content-Type` and `Accept`.
pub const CONTENT_TYPE: &str = "application/sdp";
