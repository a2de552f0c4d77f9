//! Messages in place: ranges over the received octets, no copy, no allocation.

mod check;
mod view;

pub use check::{Fault, Rejected};
pub use view::{RawHeader, Start, Unframed, View};
