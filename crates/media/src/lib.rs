//! The media engine: every 5 ms, every sample from where it comes to where it is heard.
//!
//! *What*: terminations (a card channel or an RTP stream, H.248's word) joined in contexts; jitter buffer, packetiser,
//! tones, digits, RTCP. *Why here*: all of it runs inside [`Engine::tick`], which never allocates, frees, locks, logs
//! or calls the operating system, so that one late `malloc` is not heard as a click. *Where to start*:
//! [`control::Command`], then [`Engine::tick`].
//! *What never enters*: sockets, addresses, SIP, the card protocol, tokio, tracing.
#![forbid(unsafe_code)]

mod apply;
pub mod block;
mod card;
mod context;
pub mod control;
mod digit_tone;
mod drift;
mod echo_path;
mod engine;
mod fifo;
mod frame;
mod handle;
pub mod jitter;
mod order;
mod outbox;
pub mod ring;
mod rtp_receive;
mod rtp_send;
mod rtp_stream;
mod termination;

pub use block::{BLOCK_SAMPLES, CardBlock, RtpSlot};
pub use engine::{Counters, Engine, EngineConfig};
pub use handle::{CardEnd, ControlEnd, EngineHandle, RtpEnd};
pub use tipring_rtp::rtcp::Cname;
