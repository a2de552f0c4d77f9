//! How messages travel: the names of connections and of those at their far ends.

mod name;

pub use name::{Domain, FlowId};
