//! All machines wired into one value without IO.
#![forbid(unsafe_code)]
pub mod cause_map;
pub mod ladder;
pub mod rtp_ports;
