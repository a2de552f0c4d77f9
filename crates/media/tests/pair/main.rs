//! Two engines, each with a card, joined by a network that can be as bad as wanted, on virtual time.

mod card;
mod digits;
mod echo;
mod network;
mod path;
mod rig;
mod signalling;
