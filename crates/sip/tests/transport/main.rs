//! The transports: messages out of streams, and connections on virtual time.
#![forbid(unsafe_code)]

mod bench;
mod framer;
mod limits;
mod reuse;
mod transitions;
