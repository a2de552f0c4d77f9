//! Calls on virtual time between two legs that the test plays.

mod bench;
mod completing;
mod failing;
mod random;
mod redirected;
mod transferred;
mod transitions;
