//! How messages travel: messages out of streams, connections and their limits, and the names of those at the far ends.
//!
//! [`Flows`] is the table of all connections, without a socket: it decides, the shell connects, reads and writes. Start
//! there. Datagrams need none of this but [`StunMessage`], which comes and goes between those of SIP.

mod flow;
mod flows;
mod framer;
mod limits;
mod name;
mod peers;
mod stun;
mod values;
mod web_socket;

pub use flows::Flows;
pub use framer::{Broken, Frame, Framer};
pub use limits::FlowLimits;
pub use name::{Domain, FlowId};
pub use stun::{BadStun, StunId, StunKind, StunMessage, is_stun};
pub use values::{CloseReason, FlowCounters, FlowInput, FlowOrder, FlowOutput};
pub use web_socket::WebSocketFrames;
