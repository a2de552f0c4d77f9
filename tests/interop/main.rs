//! Interoperability: the program as it is shipped, against SIPp, baresip, pjsua2, linphone and Kamailio, over
//! real sockets and on the real clock.
//!
//! Each test starts `tipring card` (the people at the telephones are played over its control socket) and `tipring run`
//! with free ports on 127.0.0.1 in a folder of its own, lets a peer of somebody else's make call it, and looks at what
//! either side saw, heard and wrote down. `tests/interop/run` runs them; they need SIPp (`sip-tester`), `baresip`,
//! `kamailio`, `linphone-daemon` (`linphone-cli`) and pjsua2 (in a Python environment of its own).
//!
//! SIPp signals by the scenarios in `sipp/`; the audio that goes with them is sent and received by [`rtp::Endpoint`], to
//! the sample. Waiting is for events with deadlines. A failing test prints the logs of every process.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "these tests run on the real clock")]

mod audio;
mod baresip;
mod control;
mod kamailio;
mod linphone;
mod pjsua;
mod process;
mod relay;
mod rtp;
mod sipp;
mod site;
mod stalls;

mod audio_both_ways;
mod baresip_calls;
mod baresip_services;
mod calls_through_kamailio;
mod damage;
mod kamailio_services;
mod linphone_calls;
mod many_calls;
mod over_connections;
mod phone_calls_sip;
mod pjsua_calls;
mod pjsua_holds_and_transfers;
mod registered_users;
mod sip_calls_phone;
mod sip_calls_that_fail;
mod sipp_extensions;
