//! All machines wired into one value without IO.
//!
//! What: [`Gateway`] takes datagrams, card events, media events and time, and gives datagrams, card commands, media
//! commands, call records and its next deadline. Why: whatever decides can then be tested in virtual time, and the
//! shell around it stays thin.
//! Start at [`Gateway`]; `front.rs` decides who answers a SIP request, `calls.rs` what a call's wishes mean for its
//! legs, [`cause_map`] what a cause is in SIP.
//! What never enters: tokio, serial ports, files, clocks, a look into the media engine.
#![forbid(unsafe_code)]

mod audit;
mod calls;
mod capabilities;
pub mod cause_map;
pub mod config;
mod distinctive;
mod diversion;
mod flows;
mod front;
mod gateway;
mod identity;
mod keys;
pub mod ladder;
mod lines;
mod media_events;
pub mod output;
mod redirected;
mod replaced;
mod rtp_ports;
mod sip_legs;
mod sip_media;
mod sip_notes;
mod sip_place;
mod sound;
mod streams;
mod texts;
mod transfers;
mod translate;
mod trunk_flows;
mod trunks;

pub use audit::Audit;
pub use config::Config;
pub use gateway::{CardInput, Gateway};
pub use ladder::Ladder;
pub use output::{EndedCall, Output};
pub use tipring_sip::agent::Datagram;

/// What the shell asks the DNS, and how it says what came back.
pub mod dns {
    pub use tipring_sip::locate::{
        Answer, DomainName, Failure, Naptr, Question, Record, RecordType, Srv,
    };
}
pub use tipring_sip::transport::{CloseReason, Domain, FlowId, FlowInput, FlowLimits, FlowOrder};
