//! Software chips, two-wire loops and phone sets.
//!
//! What: [`Si3210`], the line chip at register level; [`TwoWire`], the loop; [`PhoneSet`], what hangs on it, with hook,
//! keypad, rotary dial, ringer, ear, mouth and caller-ID display; [`FxsLine`] joins the three.
//! Why: the real firmware drives these as it drives silicon, and a test or a person plays the telephone.
//! Start at [`FxsLine::step`], 1.25 ms of one line; [`phone`] has the people's side.
//! What never enters: the firmware, the gateway, its signal processing (this crate listens with ears of its own, so that
//! a mistake in the gateway's is heard), a clock.
//!
//! ```text
//!   SPI, PCM ──► Si3210 ── Feed ──► TwoWire ── Socket ──► PhoneSet ──► events
//!            ◄──        ◄── Sense ──         ◄── hook ───          ◄── people
//! ```
#![forbid(unsafe_code)]

pub mod law;
mod line;
pub mod phone;
pub mod si3210;
pub mod twowire;

pub use law::Law;
pub use line::FxsLine;
pub use phone::{CallerId, CallerIdStandard, Dialling, PhoneError, PhoneEvent, PhoneSet, ToneName};
pub use si3210::Si3210;
pub use twowire::TwoWire;

/// Samples in a step: 1.25 ms at 8 kHz.
pub const STEP_SAMPLES: usize = 10;
/// A step, µs.
pub const STEP_MICROS: u64 = 1250;
/// Samples in a block: 5 ms, four steps.
pub const BLOCK_SAMPLES: usize = 40;
