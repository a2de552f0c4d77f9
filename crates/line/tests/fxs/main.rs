//! The FXS port on virtual time, as the person at the telephone meets it.

mod bench;
mod calling;
mod dialling;
mod left_off_hook;
mod random;
mod ringing;
mod transitions;
