//! The SIP roles that are not calls: registrar and location service.
//!
//! What: [`Registrar`] answers REGISTER for the configured users, keeps where they are, and tells
//! whether any request comes from one of them. Why: phones and accounts of a small site reach each
//! other without a server of their own. Start at [`Registrar`]; [`Authenticator`] is the part that
//! the call side asks too. What never enters: a socket, a clock, a call; what is not a configured
//! user is refused.
#![forbid(unsafe_code)]

mod authenticator;
mod location;
mod registrar;

pub use authenticator::{Authenticator, Role, User, Verdict};
pub use location::{Binding, Location, UpdateError};
pub use registrar::{Config, Counters, Output, Registrar, Source, Unbound};
