//! The card's logic over a `Board` trait: no_std, no alloc, sans-IO.
//!
//! What: [`Firmware`] brings the line chips up, watches hooks, counts pulses, rings, and speaks the host's protocol.
//! Why: the same code runs on a microcontroller and inside the virtual card; a card must act safely alone when the host
//! is gone.
//! Start at [`Firmware`]: [`Firmware::poll`] each 1.25 ms, [`Firmware::handle_block`] each 5 ms, bytes in and out at any
//! time. A line's life is in `port`.
//! What never enters: a vendor's HAL, an interrupt, an allocation, a decision about a call.
//!
//! ```text
//!  host bytes ─► Decoder ─► Session ─► FxsPort ─► Board::write ─► chip
//!             ◄─ Outbox ◄─ events ◄──          ◄─ Board::read  ◄─
//!             ◄─ up block ◄──────── handle_block ◄──────────── PCM highway
//!             ─► Downlink ────────►
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod board;
mod downlink;
mod firmware;
mod outbox;
mod port;
mod session;

pub use board::Board;
pub use firmware::Firmware;

/// How often [`Firmware::poll`] is to be called at least, µs: the line chips' debounce clock.
pub const POLL_MICROS: u64 = 1250;
/// Name and version of this firmware, as the host sees it.
pub const BUILD: &str = concat!("tipring-", env!("CARGO_PKG_VERSION"));

#[cfg(test)]
mod tests;
