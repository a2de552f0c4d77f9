//! The host end of the serial/USB link to a line card.
//!
//! What: [`Link`], a sans-IO machine that turns a byte stream which may be damaged, stall or vanish
//! into a card that is up or down, events that come once and in order, and audio blocks that say
//! what is missing before them; and [`thread`], which runs one `Link` on a serial device, a socket
//! or an in-process stream. Why: nothing above may know how a card is attached, nor whether it is
//! real. Start at [`Link`]; the octets are in `tipring-bridge-proto` and `docs/CARD-PROTOCOL.md`.
//! What never enters: calls, SIP, configuration files, an async runtime. Only [`thread`] sees a
//! clock.
#![forbid(unsafe_code)]

pub mod link;
pub mod thread;

pub use link::counters::LinkCounters;
pub use link::{DownReason, Link, LinkConfig, LinkOutput, SendError, Transmit};
pub use thread::{CardAudio, CardHandle, CardInput, CardOutput, CardThreadConfig, Device, spawn};
