//! The RFC 3261 stack, sans-IO: messages, transactions, dialogs, sessions, digest.
//!
//! What: a user agent as one value that is given datagrams and the time and gives back datagrams
//! and events. Why: the same code runs in the program, in the simulator on virtual time, and under
//! the fuzzer. Start at [`agent`] for the whole, at [`message`] for what travels, at [`digest`] for
//! who may, at [`locate`] for where to. What never enters: a socket, a clock, a session description
//! (bodies are octets), a question to the DNS (it is asked for, and its answer brought).
#![forbid(unsafe_code)]

pub mod agent;
pub mod dialog;
pub mod digest;
pub mod locate;
pub mod message;
pub mod publication;
pub mod registration;
pub mod session;
pub mod subscription;
pub mod transaction;
pub mod transport;
