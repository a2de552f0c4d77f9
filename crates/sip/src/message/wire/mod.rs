//! Messages in place: ranges over the received octets, no copy, no allocation.

mod check;
mod glance;
mod lines;
mod view;

pub(super) use check::parse_status;
pub use check::{Fault, Rejected};
pub use glance::Glance;
pub(super) use lines::{Lines, split_field};
pub use view::{RawHeader, Start, Unframed, View};
