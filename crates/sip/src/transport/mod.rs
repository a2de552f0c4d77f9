//! How messages travel: messages out of streams, and the names of connections and of those at their far ends.

mod framer;
mod name;

pub use framer::{Broken, Frame, Framer};
pub use name::{Domain, FlowId};
