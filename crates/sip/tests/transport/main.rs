//! The transports: messages out of streams.
#![forbid(unsafe_code)]

mod framer;
