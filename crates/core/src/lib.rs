//! The words all rooms share.
//!
//! What: monotonic [`Instant`], keyed [`Timers`], seeded [`Rng`], Q.850 [`Cause`], dialled [`Number`], ids and
//! [`Redact`]. Why: two rooms that talk must mean the same thing by "now", "cause 17" and "line 3".
//! Start at [`time`]; nothing else here is larger than a page.
//! What never enters: a clock, a thread, a socket, a protocol, a dependency.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod alarms;
mod cause;
mod ids;
mod number;
mod redact;
mod rng;
pub mod time;
mod timers;

pub use alarms::{Alarm, Alarms};
pub use cause::Cause;
pub use ids::{CallId, CardId, ContextId, LegId, LineId, PortNumber, TerminationId};
pub use number::{Number, NumberError};
pub use redact::Redact;
pub use rng::Rng;
pub use time::{Duration, Instant};
pub use timers::Timers;
