//! Analog signalling: what a telephone exchange does at the end of a copper pair.
//!
//! What: [`FxsPort`], the machine of one telephone port (dial tone, digit collection, ringing, caller-ID timing,
//! hold by hook flash, disconnect supervision, howler, lock-out), and [`Country`], the plain data of each country's
//! tones, ring cadence and caller-ID timing. Why: a phone must behave as on its own exchange, and the machine that
//! does so must be testable without a phone.
//! Start at [`fxs`], whose head holds the table of states; then [`country`].
//! What never enters: SIP, samples (a tone is asked for by name), routing (a number is asked about), clocks, IO.
#![forbid(unsafe_code)]

pub mod country;
mod digit;
pub mod fxs;

pub use country::{Country, ToneName};
pub use digit::Digit;
pub use fxs::{
    CallRequest, Caller, CardAction, CardInput, FxsConfig, FxsPort, Hotline, Linefeed, MediaInput,
    Output, PortEvent, StateName, Verdict,
};
