//! RTP and RTCP on the wire.
//!
//! What: the RTP packet ([`packet`]), RTCP reports ([`rtcp`]), what a receiver counts ([`reception`], RFC 3550
//! appendix A), named telephone events ([`event`], RFC 4733), whose packets are believed ([`SourceLock`]) and how
//! good it probably sounded ([`quality`]). Why: every octet here comes from strangers, so it is looked at in one
//! place, once. Start at [`packet::Packet::parse`].
//! What never enters: a socket, a clock, samples, an allocation.
#![forbid(unsafe_code)]

pub mod event;
pub mod packet;
pub mod quality;
pub mod reception;
pub mod rtcp;
mod source_lock;

pub use packet::{Header, Packet, PacketError};
pub use reception::{Arrival, Reception};
pub use source_lock::{Admission, Learning, SourceLock};

/// Samples in a millisecond of every codec a telephone gateway speaks: the RTP clock runs at 8 kHz.
pub const CLOCK_KHZ: u32 = 8;
