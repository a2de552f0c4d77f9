//! The host end of the link, held against a card that keeps to the script.

mod document;
mod hostile;
mod pair;
mod scripted_card;
mod thread;
mod transitions;
mod wire;
