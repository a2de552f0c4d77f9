//! The thin shell: sockets, threads, timers, the file of call records.
//!
//! What: [`Process`] runs a `Gateway` and a media `Engine` on real sockets, real cards and the real clock;
//! [`virtual_card`] runs simulated cards. Why: everything that decides is tested in virtual time, so what is left here
//! must be too thin to be wrong.
//! Start at [`Process::start`]; then `signalling`, [`media`], [`rtp_io`].
//! What never enters: a decision about a call, a line or a message.
#![deny(unsafe_code)]
#![allow(clippy::disallowed_methods)] // The shell is where clocks and threads are.

pub mod cdr;
pub mod clock;
mod config;
pub mod media;
mod priority;
mod process;
pub mod resolver;
pub mod rtp_io;
mod signalling;
mod streams;
pub mod tls;
pub mod virtual_card;
mod watch;

pub use config::{CardDevice, Config, StartError};
pub use priority::realtime;
pub use process::{Notice, Process, Request, ThreadLost};
pub use signalling::reachable_address;
