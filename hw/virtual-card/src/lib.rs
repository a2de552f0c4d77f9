//! Firmware and models joined behind a byte stream.
//!
//! What: [`VirtualCard`], a card with its phones in one value: bytes from the host in, bytes to the host out, time as an
//! argument; [`control`], the people and the mishaps as requests and events, word for word those of the control socket.
//! Why: the gateway must not be able to tell it from a card on a serial port, and a test must be able to play the person
//! at the phone.
//! Start at [`VirtualCard::advance`].
//! What never enters: a clock, a file, JSON, the gateway, anything that a real card would not show the host.
//!
//! ```text
//!  host bytes ─► (noise) ─► Firmware ─► SPI, PCM ─► FxsLine ─► people, events
//!             ◄─ (noise) ◄─          ◄─          ◄─
//!                            └── all on the card's own clock (drift) ──┘
//! ```
#![forbid(unsafe_code)]

mod board;
mod card;
pub mod control;
mod noise;
mod spec;

pub use card::VirtualCard;
pub use control::{ControlAnswer, ControlError, ControlRequest, Happening, WorldEvent};
pub use spec::{CardSpec, SpecError};

pub use tipring_hw_models::{
    CallerId, CallerIdStandard, Dialling, FxsLine, Law, PhoneError, PhoneEvent, PhoneSet, ToneName,
};
