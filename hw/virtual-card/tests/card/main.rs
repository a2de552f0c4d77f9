//! The card as its host sees it, and its phones as the people see them: real firmware on model chips, virtual time.

mod audio;
mod host;
mod mishaps;
mod pulses;
mod ringing;
mod session;
