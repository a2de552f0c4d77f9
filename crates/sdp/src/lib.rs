//! Session descriptions and offer/answer (RFC 8866 and its elder RFC 4566, RFC 3264, RFC 6337).
//!
//! What: [`Session`] reads and prints the body of an INVITE; [`OfferAnswer`] decides, from descriptions and from what
//! we can do, where audio goes, in which codec, how DTMF travels and who is on hold.
//! Why: a body is bytes from a stranger. It is read once, tolerantly, into types that cannot be wrong, and every
//! decision of RFC 3264 is made in one place that needs no network to test.
//! Start at [`OfferAnswer`], the one value a dialog keeps; [`Plan`] is what it gives. How a body is read stands
//! at the top of `parse.rs`, which payload type means what at the top of `payload.rs`.
//! What never enters: SIP, sockets, name resolution, a clock, a codec.
#![forbid(unsafe_code)]

mod address;
pub mod attribute;
mod base64;
pub mod codec;
pub mod crypto;
mod encoding;
mod event;
pub mod media;
pub mod negotiation;
mod numbers;
pub mod offer;
mod parse;
pub mod payload;
mod plan;
mod print;
mod rejection;
pub mod session;
pub mod t38;
mod text;
pub mod time;

pub use address::{Address, Connection, RtcpAddress};
pub use attribute::Attribute;
pub use codec::Codec;
pub use crypto::Crypto;
pub use encoding::Encoding;
pub use event::Events;
pub use media::{Direction, Formats, Media, MediaKind, Protocol};
pub use negotiation::{OfferAnswer, OfferAnswerError};
pub use offer::{Line, LocalMedia, Preference, Srtp, weigh};
pub use parse::ParseError;
pub use payload::{Payload, RtpMap};
pub use plan::{Plan, Receive, SrtpKeys};
pub use rejection::Rejection;
pub use session::{Bandwidth, BandwidthKind, Origin, Session};
pub use text::Text;

/// The media type of a session description, for `Content-Type` and `Accept`.
pub const CONTENT_TYPE: &str = "application/sdp";
