//! SIP over real sockets: the whole process on loopback, peers that are written by hand.
//!
//! Waiting is for octets with a deadline. What connections decide is tested on virtual time in `tipring-sip`; here it is
//! whether the shell carries it out.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "these tests run on the real clock")]

mod dns_server;
mod faults;
mod house;
mod ipv6;
mod names;
mod peer;
mod pki;
mod tcp;
mod tls;
mod unusual;
mod ws;
